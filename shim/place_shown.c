/* SPDX-License-Identifier: MIT
 *
 * The part of place.h that says where programs see what the cache has.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/way.h"
#include "shim/place.h"

/* Returns the path of the directory of the sources, without "/" at its end. It is at the
 * end of place->cache, which core uses only while one of its functions runs. */
static struct text sources_of(struct place *place)
{
	const size_t len = place->map.dir_len - place->map.tree_len - PYCACHE_LEN - 1;
	struct text text = { .data = place->cache + sizeof place->cache - PATH_MAX,
		.size = PATH_MAX };

	text_add(&text, place_show(place), len);
	place_hide(place);
	return text;
}

/* The kernel's, as sys_geteuid. */
static gid_t effective_group(void)
{
#ifdef SYS_getegid32
	return (gid_t)syscall(SYS_getegid32);
#else
	return (gid_t)syscall(SYS_getegid);
#endif
}

/* Returns whether a directory of the user's gives new files a group or rights that the
 * cache would not give them. */
static bool gives_rights(const char *path, const struct stat *st)
{
	ssize_t acl;
	int fd;

	if ((st->st_mode & S_ISGID) && st->st_gid != effective_group())
		return true;
	fd = sys_real.openat(
		AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return fd != -EACCES; /* a directory that even its user cannot list */
	acl = sys_real.fgetxattr(fd, "system.posix_acl_default", NULL, 0);
	sys_real.close(fd);
	return acl >= 0;
}

/* Out of line, to save stack in the callers. */
static __attribute__((noinline)) bool judge_sources(struct place *place)
{
	struct text text = sources_of(place);
	const uid_t user = sys_real.geteuid();
	struct way_end end;

	text_adds(&text, text.len ? "" : "/");
	return text.cut ||
	       way_judge(&sys_real, user, WAY_STRICT, text.data, text.size, &end) !=
		       WAY_TRUSTED ||
	       !way_is_private(&sys_real, user, AT_FDCWD, text.data, &end.st) ||
	       gives_rights(text.data, &end.st);
}

/* Returns whether others have a hand in the directory of the sources, or get rights by
 * it: the first two reasons for place_is_exposed. */
static bool is_exchangeable(struct place *place)
{
	if (place->exchangeable == PLACE_NOT_ASKED)
		place->exchangeable = judge_sources(place) ? PLACE_YES : PLACE_NO;
	return place->exchangeable == PLACE_YES;
}

/* Returns why this process cannot write to the directory of the cache whose path is the
 * first len bytes: EACCES or EROFS. 0 if it can, or if that cannot be told: a filter of
 * system calls gives other errors. Keeps errno. */
static int refusal(struct place *place, size_t len, int mode)
{
	char kept = place->cache[len];
	int saved = errno, err;

	place->cache[len] = '\0';
	err = PASSING(place->cache, NULL,
		      real.faccessat(AT_FDCWD, place->cache, mode, AT_EACCESS)) < 0
		      ? errno
		      : 0;
	place->cache[len] = kept;
	errno = saved;
	return err == EACCES || err == EROFS ? err : 0;
}

int place_is_closed_to_writing(struct place *place)
{
	return refusal(place, place->map.dir_len, W_OK | X_OK);
}

bool place_is_unwritable(struct place *place)
{
	if (process_config.readonly)
		return true;
	if (place->unwritable == PLACE_NOT_ASKED)
		/* Of the version folder: a program may itself close a __pycache__. */
		place->unwritable = refusal(place, place->map.version_len, W_OK)
					    ? PLACE_YES
					    : PLACE_NO;
	return place->unwritable == PLACE_YES;
}

bool place_is_exposed(struct place *place)
{
	return place_is_unwritable(place) || is_exchangeable(place);
}

bool place_is_served_unseen(struct place *place)
{
	const bool first = entry_is_first(&place->entry);
	bool in_tree;

	if (process_compiles() || !entry_is_import(&place->entry))
		return false;
	in_tree = place_in_tree(place);
	/* At each start of an interpreter: asked first, since it costs little. */
	if (first && (in_tree ? !place_in_cache(place) : !place_is_source_exposed(place)))
		return true;
	return (first || !in_tree) && !is_exchangeable(place);
}

/* Returns whether it is a temporary file that the program itself has created. */
static bool is_programs(const struct place *place)
{
	struct entry_world world;
	struct stat st;

	if (place->pyc.kind != PYC_TEMPORARY || !place_find_cached(place, &st))
		return false;
	world = process_world(NULL);
	return entry_process_created(&world, place->cache, &st);
}

bool place_is_hidden(struct place *place)
{
	return !is_programs(place) && place_is_exposed(place);
}

__attribute__((noinline)) bool place_is_source_exposed(struct place *place)
{
	const struct source *source = &place->entry.source;
	const char *slash = strrchr(source->path, '/');
	struct way_end end;
	struct text text;
	enum way way;

	if (sys_real.fstatat(source->dirfd, source->path, &end.st, AT_SYMLINK_NOFOLLOW) <
			0 ||
		!S_ISLNK(end.st.st_mode))
		return false;
	text = sources_of(place);
	text_adds(&text, "/");
	text_adds(&text, slash ? slash + 1 : source->path);
	if (text.cut)
		return true;
	way = way_judge(
		&sys_real, sys_real.geteuid(), WAY_STRICT, text.data, text.size, &end);
	return way != WAY_NO_DIRECTORY || end.above || !S_ISREG(end.st.st_mode);
}

static bool tree_has_directory(struct place *place)
{
	char *end = place->cache + place->map.dir_len, kept = *end;
	bool ret;

	*end = '\0';
	ret = place_exists(AT_FDCWD, place_show(place));
	place_hide(place);
	*end = kept;
	return ret;
}

bool place_is_shown(struct place *place)
{
	bool in_tree;

	if (place->pyc.kind == PYC_TEMPORARY)
		return !place_is_hidden(place);
	in_tree = place_in_tree(place);
	if (!in_tree && !process_tag() && tree_has_directory(place))
		return false;
	return !place_is_exposed(place) && (in_tree || !place_drop_leftover(place));
}

/* Hashes of the cache's directories in which the process has looked for bytecode in
 * vain. */
static _Atomic uint64_t missed[64];
#define MISSED_COUNT (sizeof missed / sizeof *missed)

uint64_t place_hash(const struct place *place)
{
	return path_hash(place->cache, place->map.dir_len);
}

void place_note_miss(const struct place *place)
{
	const uint64_t hash = place_hash(place);

	missed[hash % MISSED_COUNT] = hash;
}

bool place_take_miss(const struct place *place)
{
	uint64_t hash = place_hash(place);

	return atomic_compare_exchange_strong(&missed[hash % MISSED_COUNT], &hash, 0);
}

/* By a hash of the length and the end of the path, which each open can afford. If two
 * directories share a place, both count as known. */
static atomic_bool looked_at[4096];

static atomic_bool *look_of(const struct place *place)
{
	const size_t len = place->map.dir_len - PYCACHE_LEN - 1;
	uint64_t end = 0;

	memcpy(&end, place->cache + len - sizeof end, sizeof end);
	return &looked_at[((end ^ len) * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
			  sizeof looked_at];
}

void place_note_look(const struct place *place)
{
	*look_of(place) = true;
}

bool place_may_be_known(const struct place *place)
{
	return *look_of(place);
}
