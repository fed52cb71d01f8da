/* SPDX-License-Identifier: MIT
 *
 * The part of place.h for directories of sources that were deleted and created again:
 * handles the cached files of the earlier one.
 *
 * Several processes may find the same old directory at once, and each of them may go on
 * to create a new one and its files (compileall -j). The kernel deletes a directory by
 * its path, whichever is there by then. So only the process that holds the old
 * directory's flock deletes it, after another look; nobody waits for that lock, and it
 * ends with its process. To move the directory to another name first, look at what was
 * moved, and move it back if it is new would be wrong: meanwhile another process would
 * miss the directory that it has just created, and its temporary file. So would one that
 * exchanges the old directory for a new one with the files to be kept. Hence a directory
 * that has such files stays, with a mark.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/core/base/dirents.h"
#include "shim/core/base/timestamp.h"
#include "shim/core/cache/object.h"
#include "shim/place.h"
#include "shim/process.h"

/* An extended attribute of a __pycache__ in the cache from which what was left over was
 * deleted: the birth of the directory of sources, a struct timespec. Without such
 * attributes, it is sorted out at each look. */
#define SORTED_MARK "user.pycstash.sorted"

/* Returns whether a file is not left over: if it was created after the directory of
 * sources was; or, with PYCSTASH_REWRITTEN=path, if it has
 * no object: pytest wrote it for the earlier sources, and it may serve new ones with the
 * same content. */
static bool is_kept(int dirfd, const char *name, const struct timespec *since)
{
	const struct pyc_name pyc = pyc_parse(name, strlen(name));
	struct timespec written;
	char level;

	if (pyc.kind == PYC_NONE)
		return false;
	if (pyc.kind == PYC_CODE && process_config.rewritten_by_path &&
		!object_is_shareable(name, strlen(name), pyc.tag, &level))
		return true;
	sys_real.birth(dirfd, name, &written);
	/* Of the same tick, the file is the earlier one: a new one takes longer. */
	return timestamp_before(since, &written);
}

/* Returns whether files in the directory are to be kept. If told to, deletes the
 * others. */
static __attribute__((noinline)) bool sort_out(
	int dirfd, const struct timespec *since, bool deletes)
{
	struct dirents names = { .fd = dirfd };
	const char *name;
	bool ret = false;

	while ((name = dirents_next(&names, &sys_real))) {
		if (is_kept(dirfd, name, since))
			ret = true;
		else if (deletes)
			(void)sys_real.unlinkat(dirfd, name, 0);
	}
	return ret;
}

static bool is_sorted(int dirfd, const struct timespec *since)
{
	struct timespec mark;

	return sys_real.fgetxattr(dirfd, SORTED_MARK, &mark, sizeof mark) ==
		       sizeof mark &&
	       timestamp_equal(&mark, since);
}

/* Returns false if another process has locked the directory. A file system may have no
 * such locks. */
static bool lock(int dirfd)
{
	int saved = errno;
	bool ret =
		syscall(SYS_flock, dirfd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;

	errno = saved;
	return ret;
}

/* When the cache's directory and the directory of sources were created. */
struct births {
	struct timespec cached, sources;
};

static void look(const char *dir, char *slash, const char *canonical, struct births *ret)
{
	sys_real.birth(AT_FDCWD, dir, &ret->cached);
	*slash = '\0';
	sys_real.birth(AT_FDCWD, canonical[0] ? canonical : "/", &ret->sources);
	*slash = '/';
}

static bool is_leftover(const struct births *births)
{
	return timestamp_is_set(&births->cached) &&
	       timestamp_before(&births->cached, &births->sources);
}

/* Deletes the old directory, or what is left over in it. Returns whether the file of that
 * name is kept; NULL: whether any is. */
static bool drop(const char *dir, char *slash, const char *canonical, const char *name,
	struct births *births)
{
	const struct timespec *since = &births->sources;
	int fd = sys_real.openat(
		AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	bool kept = false;

	if (fd >= 0 && is_sorted(fd, since)) {
		kept = true;
	} else if (fd >= 0 && !lock(fd)) {
		kept = name ? is_kept(fd, name, since) : sort_out(fd, since, false);
	} else {
		look(dir, slash, canonical, births);
		/* One that is closed to us may be empty. */
		kept = is_leftover(births) && fd >= 0 && sort_out(fd, since, true);
		if (kept)
			(void)sys_real.fsetxattr(fd, SORTED_MARK, since, sizeof *since);
		else if (is_leftover(births))
			(void)sys_real.unlinkat(AT_FDCWD, dir, AT_REMOVEDIR);
	}
	if (kept && name)
		kept = place_exists(fd, name);
	if (fd >= 0)
		sys_real.close(fd);
	return kept;
}

bool place_drop_leftover(struct place *place)
{
	char *dir = place->cache, *end = dir + place->map.dir_len, kept = *end;
	char *slash = end - PYCACHE_LEN - 1;
	const char *canonical = dir + place->map.tree_len;
	struct births births;
	bool leftover;

	*end = '\0';
	look(dir, slash, canonical, &births);
	if (is_leftover(&births))
		leftover = !drop(dir, slash, canonical,
			place->kind == PLACE_ENTRY ? end + 1 : NULL, &births);
	else /* another process may have deleted it by now */
		leftover =
			!timestamp_is_set(&births.cached) && !place_exists(AT_FDCWD, dir);
	*end = kept;
	return leftover;
}
