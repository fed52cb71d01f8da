/* SPDX-License-Identifier: MIT
 *
 * The mark that gc leaves, an empty file. Its modification time is when gc counts as
 * last run (gc_due.h). Its access time is when the last complete run began; nothing
 * else changes the access time, since nobody reads the file.
 */
#include "tools/gc/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "tools/base/files.h"
#include "tools/conf/conf.h"
#include "tools/gc/gc_due.h"
#include "tools/stats/totals.h"

/* An incomplete run is repeated after an hour instead of a day. */
#define SOONEST 3600
#define SOONER (24 * 3600 - SOONEST)

int64_t gc_mark_seen(const struct cache *cache)
{
	struct stat st;

	if (fstatat(cache->fd, CACHE_STATE "/" GC_DUE_MARK, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	/* a time in the future comes from a wrong clock, and tells nothing */
	return st.st_atim.tv_sec > time(NULL) ? 0 : st.st_atim.tv_sec;
}

static bool is_too_large(const struct cache *cache, int64_t now)
{
	const uint64_t most = conf_number("max_size");
	struct totals counters;
	int64_t disk = 0;

	if (!most || totals_read(cache, now * CLOCK_SECOND, &counters) < 0)
		return false;
	for (size_t i = 0; i < counters.sizes.count; i++)
		disk += counters.sizes.rows[i].extent.disk;
	return disk > 0 && (uint64_t)disk > most;
}

bool gc_mark_is_due(const struct cache *cache, int64_t now)
{
	struct stat st;

	if (gc_due_at(cache->root_fd, CACHE_LAYOUT))
		return true;
	/* Young files are not evicted, so another run right now would not help. */
	return fstatat(cache->fd, CACHE_STATE "/" GC_DUE_MARK, &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_mtim.tv_sec <= now - SOONEST && is_too_large(cache, now);
}

static int touch(const struct cache *cache, const char *name, int64_t seen, int64_t ran)
{
	const struct timespec times[2] = { { .tv_sec = seen }, { .tv_sec = ran } };
	AUTOCLOSE int fd = cache_open_state(cache, name, O_WRONLY | O_CREAT);

	if (fd < 0)
		return fd;
	return futimens(fd, times) < 0 ? -errno : 0;
}

static int set(const struct cache *cache, int64_t ran, int64_t seen)
{
	(void)touch(cache, GC_DUE_NEXT, ran, ran + GC_DUE_AFTER);
	return touch(cache, GC_DUE_MARK, seen, ran);
}

int gc_mark_began(const struct cache *cache, int64_t now)
{
	return set(cache, now, gc_mark_seen(cache));
}

int gc_mark_ended(const struct cache *cache, int64_t began, bool complete)
{
	return complete ? set(cache, began, began)
			: set(cache, began - SOONER, gc_mark_seen(cache));
}
