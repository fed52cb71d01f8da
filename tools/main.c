/* SPDX-License-Identifier: MIT
 *
 * The command `pycstash`: finds the subcommand and hands over.
 */
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/base/nearest.h"
#include "tools/cli/command.h"
#include "tools/cli/opt.h"
#include "tools/conf/conf.h"
#include "tools/python/library.h"

/* clang-format off: a row a line */
const struct command commands[] = {
#define COMMAND(name, flags, arguments, least, most, summary) \
	{ #name, flags, arguments, least, most, summary, &cmd_##name },
#include "tools/cli/commands.def"
#undef COMMAND
	{ 0 },
};
/* clang-format on */

/* Other names of two subcommands. */
static const struct {
	const char *word, *name;
} aliases[] = {
	{ "--help", "help" },
	{ "-h", "help" },
	{ "--version", "version" },
	{ "-V", "version" },
};

const struct command *command_find(const char *name)
{
	const struct command *command;

	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (strcmp(aliases[i].word, name) == 0)
			name = aliases[i].name;
	for (command = commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

int command_unknown(const char *name)
{
	struct nearest nearest = { .word = name };

	for (const struct command *command = commands; command->name; command++)
		nearest_offer(&nearest, command->name);
	if (nearest.best)
		complain(name, "no such command; did you mean `pycstash %s`?",
			nearest.best);
	else
		complain(name, "no such command; see `pycstash help`");
	return EXIT_USAGE;
}

/* Where 0, 1 or 2 is closed, the next file to be opened would have that number, and
 * messages would be written to it: to the lock, or into an archive. Stays closed for the
 * commands that are run. */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/", O_PATH | O_CLOEXEC);
}

static void note_nothing(int signal_number)
{
}

/* A file that may not grow any more is an error as others are, after which is cleaned up.
 * A handler, since that ends with execve(2). */
static void survive_file_limit(void)
{
	const struct sigaction action = { .sa_handler = note_nothing,
		.sa_flags = SA_RESTART };
	struct sigaction before;

	if (sigaction(SIGXFSZ, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		(void)sigaction(SIGXFSZ, &action, NULL);
}

static int is_library(struct dl_phdr_info *info, size_t size, void *unused)
{
	return library_is_in(info->dlpi_name);
}

/* This program looks into the cache itself and must find what is there, so it starts
 * again where LD_PRELOAD has loaded the library into it. Where LD_PRELOAD names one that
 * is not there, doctor is to see that. */
static void leave_library(char **argv)
{
	const char *before = getenv("LD_PRELOAD");
	const char *value;

	if (!before || !dl_iterate_phdr(is_library, NULL))
		return;
	value = library_preload(NULL, before);
	if (strcmp(value ? value : "", before) == 0)
		return;
	(void)setenv(LIBRARY_LEFT, "1", 1);
	if ((value ? setenv("LD_PRELOAD", value, 1) : unsetenv("LD_PRELOAD")) == 0)
		execv("/proc/self/exe", argv);
}

/* What files say is for the command as if it were in the environment. */
static int load_conf(const struct command *command)
{
	int code, r;

	if (command->flags & COMMAND_NO_CONF)
		return 0;
	code = conf_load();
	if (code && !(command->flags & COMMAND_ANY_CONF))
		return code;
	r = conf_export();
	if (r < 0)
		complain(NULL, "%s", strerror(-r));
	return r < 0 && !(command->flags & COMMAND_ANY_CONF) ? EXIT_OURS : 0;
}

static int run(const struct command *command, char **words)
{
	int code = opt_read(command, &words);

	if (code == OPT_HELP) {
		command_help(command);
		return EXIT_OK;
	}
	if (code == EXIT_USAGE && command->flags & COMMAND_BECOMES)
		return EXIT_OURS;
	return code == EXIT_OK ? command->code->run(command, words) : code;
}

int main(int argc, char **argv)
{
	const struct command *command;
	int code;

	hold_standard_descriptors();
	survive_file_limit();
	if (argc < 2) {
		command_overview();
		return EXIT_USAGE;
	}
	command = command_find(argv[1]);
	/* What becomes another program does not look into the cache, and hands LD_PRELOAD
	 * on. */
	if (!command || !(command->flags & COMMAND_BECOMES))
		leave_library(argv);
	if (!command)
		return command_unknown(argv[1]);
	code = load_conf(command);
	if (code)
		return code;
	code = run(command, argv + 1);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		complain("standard output", "%m");
		return EXIT_OURS;
	}
	return code;
}
