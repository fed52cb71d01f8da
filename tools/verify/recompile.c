/* SPDX-License-Identifier: MIT
 *
 * Records go to the interpreter, and answers come back, in unnamed files. However many
 * there are, neither side waits for the other, and they take no memory.
 */
#include "tools/verify/recompile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/python/pyc.h"
#include "tools/base/alloc.h"
#include "tools/base/embedded.h"
#include "tools/base/message.h"
#include "tools/base/subprocess.h"
#include "tools/cache/versions.h"
#include "tools/python/interpreters.h"

/* The fields of records and answers, described in recompile.py. */
enum { KIND, PYC, SOURCE, LEVEL, INODE, CTIME, MTIME, SIZE, WHY, FIELDS };

/* --- collecting ----------------------------------------------------------------------*/

static struct recompile_group *find_group(
	struct recompile *recompile, const char *version, const uint8_t magic[4])
{
	struct recompile_group *group;

	for (size_t i = 0; i < recompile->count; i++) {
		group = &recompile->groups[i];
		if (strcmp(group->version, version) == 0 &&
			memcmp(group->magic, magic, sizeof group->magic) == 0)
			return group;
	}
	GROW(recompile->groups, recompile->count);
	group = &recompile->groups[recompile->count];
	*group = (struct recompile_group){ .spool = tmpfile() };
	if (!group->spool)
		return NULL;
	snprintf(group->version, sizeof group->version, "%s", version);
	memcpy(group->magic, magic, sizeof group->magic);
	recompile->count++;
	return group;
}

int recompile_add(struct recompile *recompile, const char *version,
	const uint8_t magic[4], const char *pyc, const char *source, char level)
{
	struct recompile_group *group;
	int r = -ENOMEM;

	pthread_mutex_lock(&recompile->mutex);
	group = find_group(recompile, version, magic);
	if (group) {
		fprintf(group->spool, "D%c%s%c%s%c%c%c0%c0%c0%c0%c%c", 0, pyc, 0, source,
			0, level ? level : '0', 0, 0, 0, 0, 0, 0);
		group->count++;
		r = ferror(group->spool) ? -ENOSPC : 0;
	}
	pthread_mutex_unlock(&recompile->mutex);
	return r;
}

/* --- one interpreter -----------------------------------------------------------------*/

/* Passes the group's records to the interpreter, and replaces them by its answers.
 * Returns -ECHILD if it failed; then *ret_reason, which the caller frees, says why. */
static int compare_with(
	struct recompile_group *group, const struct python *python, char **ret_reason)
{
	FILE *made = tmpfile();
	AUTOFREE char *records = alloc_format("/proc/self/fd/%d", fileno(group->spool));
	AUTOFREE char *answers =
		alloc_format("/proc/self/fd/%d", made ? fileno(made) : -1);
	const bool no_ranges = strchr(group->version, '+');
	const char *const argv[] = { python->path,
		no_ranges ? "-ISBXno_debug_ranges" : "-ISB", "-c", embedded_recompile,
		records, answers, NULL };
	struct answer answer;
	int r;

	if (!made)
		return -errno;
	r = fflush(group->spool) == EOF
		    ? -errno
		    : subprocess_run((char *const *)argv, NULL, 0, &answer);
	if (r == 0) {
		if (!answer_is_success(&answer)) {
			*ret_reason = answer_reason(&answer);
			r = -ECHILD;
		}
		answer_release(&answer);
	}
	fclose(group->spool);
	group->spool = made;
	return r;
}

/* --- comparing -----------------------------------------------------------------------*/

/* Reads a time in nanoseconds. */
static struct timespec read_time(const char *field)
{
	unsigned long long time = strtoull(field, NULL, 10);

	return (struct timespec){ .tv_sec = (time_t)(time / 1000000000),
		.tv_nsec = (long)(time % 1000000000) };
}

static void take_answer(struct recompile *recompile, char *const fields[FIELDS])
{
	struct stat seen = { .st_ino = strtoull(fields[INODE], NULL, 10),
		.st_size = strtoll(fields[SIZE], NULL, 10),
		.st_ctim = read_time(fields[CTIME]),
		.st_mtim = read_time(fields[MTIME]) };

	if (*fields[KIND] == 'U') {
		complain(fields[PYC], "not checked: %s", fields[WHY]);
		recompile->uncompared++;
		recompile->compared--;
	} else {
		recompile->different(recompile->context, fields[PYC], fields[SOURCE],
			&seen, fields[WHY]);
	}
}

static void read_answers(struct recompile *recompile, FILE *answers)
{
	char *fields[FIELDS] = { NULL };
	size_t rooms[FIELDS] = { 0 };
	int i = 0;

	while (getdelim(&fields[i], &rooms[i], '\0', answers) >= 0) {
		if (++i < FIELDS)
			continue;
		take_answer(recompile, fields);
		i = 0;
	}
	for (i = 0; i < FIELDS; i++)
		free(fields[i]);
}

static bool is_for(const struct python *python, const struct recompile_group *group)
{
	char tag[PYC_TAG_SIZE];

	return version_split(group->version, tag, sizeof tag) &&
	       strcmp(python->tag, tag) == 0 &&
	       memcmp(python->magic, group->magic, sizeof group->magic) == 0;
}

static int compare_group(struct recompile *recompile, struct recompile_group *group,
	const struct python *pythons, size_t count)
{
	const struct python *last = NULL;
	AUTOFREE char *reason = NULL;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		if (!is_for(&pythons[i], group))
			continue;
		last = &pythons[i];
		r = compare_with(group, last, &reason);
	}
	if (r == -EINTR)
		return r;
	if (!last)
		complain(group->version,
			"not checked: no interpreter with magic number %u was found for %" PRIu64
			" pycs",
			interpreters_magic_number(group->magic), group->count);
	else if (r < 0)
		complain(last->path, "cannot compare the pycs of %s: %s", group->version,
			reason ? reason : strerror(-r));
	if (!last || r < 0) {
		recompile->uncompared += group->count;
		return 0;
	}
	recompile->compared += group->count;
	read_answers(recompile, group->spool);
	return 0;
}

int recompile_run(struct recompile *recompile)
{
	struct python *pythons = NULL;
	size_t count = recompile->count ? interpreters_find(&pythons) : 0;
	int r = 0;

	for (size_t i = 0; i < recompile->count && r == 0; i++)
		r = compare_group(recompile, &recompile->groups[i], pythons, count);
	return r;
}
