/* SPDX-License-Identifier: MIT
 *
 * The table of missing sources, and the file .state/orphans. Each record there is
 * "<since> <place in hex> <d or f> <path>" and ends with a NUL, since a path may
 * contain any other byte.
 */
#include "tools/gc/missing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/core/base/path.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/whole_file.h"
#include "tools/cache/sys_libc.h"

#define FILE_NAME "orphans"
/* In bytes: more than so many paths need. */
#define FILE_MOST (MISSING_MOST * 1024)

/* Directories that are not on a disk that may come back. */
static const char *const short_lived[] = { "/tmp", "/var/tmp", "/dev/shm" };
#define SHORT_GRACE (24 * 3600)

static int64_t grace_of(const struct missing_table *table, const char *path)
{
	for (size_t i = 0; i < sizeof short_lived / sizeof *short_lived; i++)
		if (path_is_below(
			    path, strlen(path), short_lived[i], strlen(short_lived[i])) &&
			table->grace > SHORT_GRACE)
			return SHORT_GRACE;
	return table->grace;
}

/* --- the file system -----------------------------------------------------------------*/

/* Returns the file system at path, as the same number as in seals: it stays the same
 * across reboots, and counts the overlay of a restarted container as the same. */
static int find_place(const char *path, uint64_t *ret_place)
{
	struct stat st;
	int r = follow_stat(AT_FDCWD, path, &st);

	if (r == 0)
		*ret_place = sys_libc.fs_id(AT_FDCWD, path, st.st_dev);
	return r;
}

/* Returns 1 if it is a directory, 0 if it is missing or replaced by a file, or
 * -errno. */
static int is_directory(const char *path)
{
	struct stat st;
	int r = follow_stat(AT_FDCWD, path, &st);

	if (r == 0)
		return S_ISDIR(st.st_mode);
	return file_is_absent(r) ? 0 : r;
}

ssize_t missing_highest(const char *path, uint64_t *ret_place)
{
	size_t len = strlen(path), highest = len;
	char above[PATH_MAX];

	if (len >= sizeof above)
		return 0;
	memcpy(above, path, len + 1);
	while (len > 1) {
		int r;

		len = (size_t)(strrchr(above, '/') - above);
		len = len ? len : 1;
		above[len] = '\0';
		r = is_directory(above);
		if (r > 0) {
			r = find_place(above, ret_place);
			return r < 0 ? r : (ssize_t)highest;
		}
		if (r < 0)
			return r;
		highest = len;
	}
	return 0;
}

/* --- the table -----------------------------------------------------------------------*/

/* Finds or adds the record of that path. Returns NULL if there are too many. */
static struct missing *find(struct missing_table *table, const char *path, size_t len)
{
	struct missing *missing;

	HASH_FIND(hh, table->all, path, len, missing);
	if (missing || HASH_COUNT(table->all) >= MISSING_MOST)
		return missing;
	missing = alloc_array(1, sizeof *missing);
	missing->path = alloc_part(path, len);
	HASH_ADD_KEYPTR(hh, table->all, missing->path, len, missing);
	return missing;
}

struct missing *missing_note(struct missing_table *table, const char *path, size_t len,
	uint64_t place, bool folder)
{
	struct missing *missing = find(table, path, len);

	if (!missing || missing->seen)
		return missing;
	if (!missing->since || missing->place != place || missing->folder != folder ||
		missing->since > table->now)
		missing->since = table->now;
	missing->place = place;
	missing->folder = folder;
	missing->seen = true;
	missing->due = table->now - missing->since >= grace_of(table, missing->path);
	return missing;
}

/* --- the file ------------------------------------------------------------------------*/

/* Drops a record that cannot be parsed: its grace time starts again. */
static void read_record(struct missing_table *table, const char *record)
{
	struct missing *missing;
	uint64_t place;
	int64_t since;
	int path = 0;
	char kind;

	if (sscanf(record, "%" SCNd64 " %" SCNx64 " %c %n", &since, &place, &kind,
		    &path) < 3 ||
		!path || record[path] != '/' || since <= 0)
		return;
	missing = find(table, record + path, strlen(record + path));
	if (missing && !missing->since) {
		missing->since = since;
		missing->place = place;
		missing->folder = kind == 'd';
	}
}

struct missing_table *missing_load(const struct cache *cache, int64_t now, int64_t grace)
{
	struct missing_table *table = alloc_array(1, sizeof *table);
	AUTOFCLOSE FILE *file = cache_read_state(cache, FILE_NAME, FILE_MOST);
	AUTOFREE char *record = NULL;
	size_t room = 0;

	table->now = now;
	table->grace = grace;
	for (int n = 0; file && n < MISSING_MOST; n++)
		if (getdelim(&record, &room, '\0', file) > 0)
			read_record(table, record);
	return table;
}

int missing_save(const struct missing_table *table, const struct cache *cache, bool all)
{
	AUTOCLOSE int state = cache_open_private(cache, CACHE_STATE);
	struct whole_file file;
	int r;

	if (state < 0)
		return state;
	r = whole_file_begin_locked(&file, state, FILE_NAME, 0600);
	for (const struct missing *o = r < 0 ? NULL : table->all; o; o = o->hh.next)
		if (o->seen || all)
			fprintf(file.out, "%" PRId64 " %" PRIx64 " %c %s%c", o->since,
				o->place, o->folder ? 'd' : 'f', o->path, '\0');
	if (r == 0)
		r = whole_file_publish(&file);
	return r;
}
