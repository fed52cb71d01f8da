/* SPDX-License-Identifier: MIT
 *
 * Progress on a terminal, and signals as a flag.
 */
#include "tools/base/progress.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/clock.h"

#define FIRST_AFTER 500000000 /* nanoseconds */
#define EACH 100000000

static volatile sig_atomic_t signalled;
static bool silent;

static void note(int signal_number)
{
	if (signalled) {
		signal(signal_number, SIG_DFL);
		raise(signal_number);
		return;
	}
	signalled = signal_number;
}

void interrupt_catch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = note }, before;

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		/* nohup and job control rely on ignored signals staying ignored */
		if (sigaction(signals[i], NULL, &before) == 0 &&
			before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

bool interrupt_came(void)
{
	return signalled != 0;
}

int interrupt_exit_code(void)
{
	return 128 + signalled;
}

void progress_silence(void)
{
	silent = true;
}

void progress_begin(struct progress *progress, const char *doing, uint64_t total)
{
	const char *term = getenv("TERM");

	*progress = (struct progress){
		.doing = doing, .total = total, .began = clock_steady()
	};
	progress->visible = !silent && isatty(STDERR_FILENO) && term && *term &&
			    strcmp(term, "dumb") != 0;
}

void progress_update(struct progress *progress, uint64_t done)
{
	int64_t moment;

	if (!progress->visible)
		return;
	moment = clock_steady();
	if (moment - progress->began < FIRST_AFTER || moment - progress->shown < EACH)
		return;
	progress->shown = moment;
	fprintf(stderr, "\r%s: %" PRIu64, progress->doing, done);
	if (progress->total)
		fprintf(stderr, " of %" PRIu64 " (%" PRIu64 "%%)", progress->total,
			done * 100 / progress->total);
	fputs("\033[K", stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->visible = false;
	progress->shown = 0;
}
