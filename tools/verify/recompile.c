/* SPDX-License-Identifier: MIT
 *
 * Records go to the interpreter, and answers come back, in unnamed files: however many
 * there are, neither side waits for the other, and they take no memory.
 */
#include "tools/verify/recompile.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/core/python/pyc.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/versions.h"
#include "tools/python/interpreters.h"

/* It tells the format of records and answers. The Makefile knows that the assembler reads
 * this file. */
extern const char recompile_script[];
__asm__(".pushsection .rodata\n"
	"recompile_script:\n"
	".incbin \"tools/verify/recompile.py\"\n"
	".byte 0\n"
	".popsection\n");

enum { KIND, PYC, SOURCE, LEVEL, INODE, CTIME, MTIME, SIZE, WHY, FIELDS };

/* --- collecting ----------------------------------------------------------------------*/

static struct recompile_group *find_group(
	struct recompile *recompile, const char *version, const uint8_t magic[4])
{
	struct recompile_group *group, *grown;

	for (size_t i = 0; i < recompile->count; i++) {
		group = &recompile->groups[i];
		if (strcmp(group->version, version) == 0 &&
			memcmp(group->magic, magic, sizeof group->magic) == 0)
			return group;
	}
	if (strlen(version) >= sizeof group->version)
		return NULL;
	grown = reallocarray(recompile->groups, recompile->count + 1, sizeof *grown);
	if (!grown)
		return NULL;
	recompile->groups = grown;
	group = &grown[recompile->count];
	*group = (struct recompile_group){ .spool = tmpfile() };
	if (!group->spool)
		return NULL;
	strcpy(group->version, version);
	memcpy(group->magic, magic, sizeof group->magic);
	recompile->count++;
	return group;
}

static void write_record(
	FILE *spool, const char *pyc, const char *source, const char *level)
{
	fprintf(spool, "%s%c%s%c%s%c", pyc, 0, source, 0, level, 0);
}

int recompile_add(struct recompile *recompile, const char *version,
	const uint8_t magic[4], const char *pyc, const char *source, char level)
{
	const char text[] = { level ? level : '0', '\0' };
	struct recompile_group *group;
	int r = -ENOMEM;

	pthread_mutex_lock(&recompile->mutex);
	group = find_group(recompile, version, magic);
	if (group) {
		write_record(group->spool, pyc, source, text);
		group->count++;
		r = ferror(group->spool) ? -ENOSPC : 0;
	}
	pthread_mutex_unlock(&recompile->mutex);
	return r;
}

/* --- one interpreter -----------------------------------------------------------------*/

_Noreturn static void become(
	const struct python *python, bool no_ranges, FILE *records, FILE *answers)
{
	char x[] = "-Xno_debug_ranges", isolated[] = "-ISB", quiet[] = "-Wignore",
	     command[] = "-c";
	char *argv[] = { python->path, isolated, quiet, command, (char *)recompile_script,
		NULL, NULL };

	if (no_ranges) {
		argv[5] = argv[4];
		argv[4] = argv[3];
		argv[3] = x;
	}
	if (dup2(fileno(records), 0) >= 0 && dup2(fileno(answers), 1) >= 0)
		execv(python->path, argv);
	_exit(127);
}

/* The terminal's signals reach it as well; one sent to us alone is passed on. */
static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
		if (interrupt_came())
			kill(child, SIGTERM);
	}
	if (interrupt_came())
		return -EINTR;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int run_python(
	const struct python *python, bool no_ranges, FILE *records, FILE *answers)
{
	pid_t child;
	int r;

	if (fflush(records) == EOF || fseek(records, 0, SEEK_SET) < 0)
		return -errno;
	/* the child reads from where the descriptor stands, not the stream */
	if (lseek(fileno(records), 0, SEEK_SET) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		become(python, no_ranges, records, answers);
	r = child < 0 ? -errno : wait_for(child);
	rewind(answers);
	return r;
}

/* --- comparing -----------------------------------------------------------------------*/

/* While one group is compared. */
struct round {
	void (*different)(void *context, const char *pyc, const char *source,
		const struct stat *seen, const char *why);
	void *context;
	struct recompile_sum *sum;
	FILE *again; /* for the next interpreter, NULL for the last */
	uint64_t different_count, uncompared_count;
};

/* Of nanoseconds. */
static struct timespec read_time(const char *field)
{
	unsigned long long time = strtoull(field, NULL, 10);

	return (struct timespec){ .tv_sec = (time_t)(time / 1000000000),
		.tv_nsec = (long)(time % 1000000000) };
}

static void take_answer(struct round *round, char *const fields[FIELDS])
{
	struct stat seen = { .st_ino = strtoull(fields[INODE], NULL, 10),
		.st_size = strtoll(fields[SIZE], NULL, 10),
		.st_ctim = read_time(fields[CTIME]),
		.st_mtim = read_time(fields[MTIME]) };

	if (*fields[KIND] == 'U') {
		complain(fields[PYC], "not checked: %s", fields[WHY]);
		round->uncompared_count++;
		return;
	}
	round->different_count++;
	if (round->again)
		write_record(round->again, fields[PYC], fields[SOURCE], fields[LEVEL]);
	else
		round->different(
			round->context, fields[PYC], fields[SOURCE], &seen, fields[WHY]);
}

static void read_answers(struct round *round, FILE *answers)
{
	char *fields[FIELDS] = { NULL };
	size_t rooms[FIELDS] = { 0 };
	int i;

	for (;;) {
		for (i = 0; i < FIELDS; i++)
			if (getdelim(&fields[i], &rooms[i], '\0', answers) < 0)
				break;
		if (i < FIELDS)
			break;
		take_answer(round, fields);
	}
	for (i = 0; i < FIELDS; i++)
		free(fields[i]);
}

/* Afterwards the group's spool holds what was different, for the next interpreter. */
static int compare_with(struct recompile_group *group, const struct python *python,
	struct round *round, bool last)
{
	const char *variant = strchr(group->version, '+');
	FILE *answers = tmpfile();
	int r;

	round->again = last ? NULL : tmpfile();
	round->different_count = round->uncompared_count = 0;
	r = answers && (last || round->again)
		    ? run_python(python, variant, group->spool, answers)
		    : -errno;
	if (r == 0)
		read_answers(round, answers);
	else if (r != -EINTR)
		complain(python->path, "cannot compare the pycs of %s: %s",
			group->version,
			r == -ECHILD ? "the interpreter failed" : strerror(-r));
	if (answers)
		fclose(answers);
	if (r < 0) {
		round->sum->uncompared += group->count;
		if (round->again)
			fclose(round->again);
		return r;
	}
	round->sum->uncompared += round->uncompared_count;
	round->sum->compared += group->count - round->uncompared_count;
	if (!last) {
		round->sum->compared -= round->different_count;
		fclose(group->spool);
		group->spool = round->again;
		group->count = round->different_count;
	}
	return 0;
}

static bool is_for(const struct python *python, const struct recompile_group *group)
{
	char tag[PYC_TAG_SIZE];

	return version_split(group->version, tag, sizeof tag) &&
	       strcmp(python->tag, tag) == 0 &&
	       memcmp(python->magic, group->magic, sizeof group->magic) == 0;
}

static int compare_group(struct recompile_group *group, const struct python *pythons,
	size_t count, struct round *round)
{
	size_t left = 0;
	int r = 0;

	for (size_t i = 0; i < count; i++)
		left += is_for(&pythons[i], group);
	if (left == 0) {
		complain(group->version,
			"not checked: no interpreter with magic number %u was found for %llu pycs",
			interpreters_magic_number(group->magic),
			(unsigned long long)group->count);
		round->sum->uncompared += group->count;
	}
	for (size_t i = 0; i < count && left > 0 && group->count > 0 && r == 0; i++)
		if (is_for(&pythons[i], group))
			r = compare_with(group, &pythons[i], round, --left == 0);
	return r == -EINTR ? r : 0;
}

int recompile_run(struct recompile *recompile,
	void (*different)(void *context, const char *pyc, const char *source,
		const struct stat *seen, const char *why),
	void *context, struct recompile_sum *ret_sum)
{
	struct round round = {
		.different = different, .context = context, .sum = ret_sum
	};
	struct python *pythons = NULL;
	size_t count = recompile->count ? interpreters_find(&pythons) : 0;
	int r = 0;

	for (size_t i = 0; i < recompile->count && r == 0; i++)
		r = compare_group(&recompile->groups[i], pythons, count, &round);
	for (size_t i = 0; i < count; i++)
		python_release(&pythons[i]);
	free(pythons);
	return r;
}

void recompile_release(struct recompile *recompile)
{
	for (size_t i = 0; i < recompile->count; i++)
		fclose(recompile->groups[i].spool);
	free(recompile->groups);
	*recompile = RECOMPILE_NONE;
}
