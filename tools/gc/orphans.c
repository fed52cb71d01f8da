/* SPDX-License-Identifier: MIT
 *
 * The table of missing sources, and .state/orphans: a record each, ended by a NUL since
 * a path may hold any other byte: "<since> <place in hex> <d or f> <path>".
 */
#include "tools/gc/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "tools/base/files.h"
#include "tools/base/whole_file.h"
#include "tools/cache/sys_libc.h"

#define FILE_NAME "orphans"

/* What is missing there was not on a disk that will come back. */
static const char *const short_lived[] = { "/tmp", "/var/tmp", "/dev/shm" };
#define SHORT_GRACE (24 * 3600)

static int64_t grace_of(const struct orphans *orphans, const char *path)
{
	for (size_t i = 0; i < sizeof short_lived / sizeof *short_lived; i++)
		if (path_is_below(
			    path, strlen(path), short_lived[i], strlen(short_lived[i])) &&
			orphans->grace > SHORT_GRACE)
			return SHORT_GRACE;
	return orphans->grace;
}

/* --- the file system -----------------------------------------------------------------*/

/* Which file system is at path, the same number as in seals: it stays the same after
 * the next start of the machine, and overlays of a container's next start count as
 * the same. */
static bool find_place(const char *path, uint64_t *ret_place)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	*ret_place = sys_libc.fs_id(AT_FDCWD, path, st.st_dev);
	return true;
}

/* 1: it is a directory; 0: it is missing, or a file is in its place; -errno. */
static int is_directory(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode);
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

size_t orphans_highest(const char *path, uint64_t *ret_place)
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
		if (r < 0)
			return 0;
		if (r > 0)
			return find_place(above, ret_place) ? highest : 0;
		highest = len;
	}
	return 0;
}

/* --- the table -----------------------------------------------------------------------*/

/* Finds or adds the one of that path. NULL if there are too many. */
static struct orphan *find(struct orphans *orphans, const char *path, size_t len)
{
	struct orphan *orphan;

	HASH_FIND(hh, orphans->all, path, len, orphan);
	if (orphan || HASH_COUNT(orphans->all) >= ORPHANS_MOST)
		return orphan;
	orphan = alloc_array(1, sizeof *orphan);
	orphan->path = alloc_part(path, len);
	HASH_ADD_KEYPTR(hh, orphans->all, orphan->path, len, orphan);
	return orphan;
}

struct orphan *orphans_note(struct orphans *orphans, const char *path, size_t len,
	uint64_t place, bool folder)
{
	struct orphan *orphan = find(orphans, path, len);

	if (!orphan || orphan->seen)
		return orphan;
	if (!orphan->since || orphan->place != place || orphan->folder != folder ||
		orphan->since > orphans->now)
		orphan->since = orphans->now;
	orphan->place = place;
	orphan->folder = folder;
	orphan->seen = true;
	orphan->due = orphans->now - orphan->since >= grace_of(orphans, orphan->path);
	return orphan;
}

/* --- the file ------------------------------------------------------------------------*/

/* A record that cannot be read is dropped: its grace time starts again. */
static void read_record(struct orphans *orphans, const char *record)
{
	struct orphan *orphan;
	uint64_t place;
	int64_t since;
	int path = 0;
	char kind;

	if (sscanf(record, "%" SCNd64 " %" SCNx64 " %c %n", &since, &place, &kind,
		    &path) < 3 ||
		!path || record[path] != '/' || since <= 0)
		return;
	orphan = find(orphans, record + path, strlen(record + path));
	if (orphan && !orphan->since) {
		orphan->since = since;
		orphan->place = place;
		orphan->folder = kind == 'd';
	}
}

struct orphans *orphans_load(const struct cache *cache, int64_t now, int64_t grace)
{
	struct orphans *orphans = alloc_array(1, sizeof *orphans);
	int fd = cache_open_state(cache, FILE_NAME, O_RDONLY);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	AUTOFREE char *record = NULL;
	size_t room = 0;

	orphans->now = now;
	orphans->grace = grace;
	for (int n = 0; file && n < ORPHANS_MOST; n++)
		if (getdelim(&record, &room, '\0', file) > 0)
			read_record(orphans, record);
	if (file)
		fclose(file);
	else if (fd >= 0)
		close(fd);
	return orphans;
}

int orphans_save(const struct orphans *orphans, const struct cache *cache, bool all)
{
	AUTOCLOSE int state = cache_open_private(cache, CACHE_STATE);
	struct whole_file file;
	int r;

	if (state < 0)
		return state;
	r = whole_file_begin_locked(&file, state, FILE_NAME, 0600);
	for (const struct orphan *o = r < 0 ? NULL : orphans->all; o; o = o->hh.next)
		if (o->seen || all)
			fprintf(file.out, "%" PRId64 " %" PRIx64 " %c %s%c", o->since,
				o->place, o->folder ? 'd' : 'f', o->path, '\0');
	if (r == 0)
		r = whole_file_publish(&file);
	return r;
}
