/* SPDX-License-Identifier: MIT
 *
 * The part of place.h that moves what the cache has to the tree.
 */
#include "shim/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/calls.h"
#include "shim/core/base/dirents.h"
#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/way.h"
#include "shim/process.h"
#include "shim/report.h"

#define OTHERS (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)

/* Looks at what closes the file to others: its source; or, if there is none, the
 * directory of the sources. A link is followed only after place_check. Returns false if
 * the mode does not say who can read that. */
static bool look_at_source(struct place *from, bool checked, struct stat *ret)
{
	const struct source *source = &from->entry.source;
	bool found;
	int fd, err = -ENOENT;

	if (place_entry(from))
		err = sys_real.fstatat(source->dirfd, source->path, ret,
			checked ? 0 : AT_SYMLINK_NOFOLLOW);
	if (err != -ENOENT)
		return err == 0 && S_ISREG(ret->st_mode) &&
		       !way_may_have_acl(&sys_real, source->dirfd, source->path, ret);
	fd = place_pin(from);
	found = fd >= 0 && sys_real.fstatat(fd, "", ret, AT_EMPTY_PATH) == 0 &&
		!way_may_have_acl(&sys_real, fd, ".", ret);
	if (fd >= 0)
		sys_real.close(fd);
	return found;
}

/* Returns which rights to the file others are not to get in the tree: those that they do
 * not have to its source now. A program that has closed the tree (find, chmod -R, chgrp
 * -R) has not found what only the cache has. Out of line, to save stack. */
static __attribute__((noinline)) mode_t closed_by_source(struct place *from, bool checked)
{
	struct stat st, file;

	if (!look_at_source(from, checked, &st))
		return OTHERS;
	if (!place_find_cached(from, &file) || file.st_gid != st.st_gid)
		st.st_mode = entry_mode_of_others(st.st_mode);
	return OTHERS & ~st.st_mode;
}

/* Returns whether bytecode that passes place_check_looked_at was compiled from a source
 * that is no longer there. */
static bool is_of_earlier_source(struct place *from, const struct place *to, bool empty)
{
	return from != to && !empty && place_check(from) < 0;
}

/* Returns which rights for others a compiler has asked for, where a default ACL decides
 * about them in place of the umask: CPython asks for the source's. dirfd is the directory
 * of the sources. Others may put a link or a file of theirs in the source's place. */
static __attribute__((noinline)) mode_t asked_by_source(
	const struct place *place, int dirfd, char room[PATH_MAX])
{
	const char *name = place->cache + place->map.dir_len + 1;
	ssize_t acl = -ENODATA;
	struct stat st;
	int fd;

	if (!place_is_entry(place) || !pyc_source(&place->pyc, name, room, PATH_MAX))
		return 0;
	fd = sys_real.openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd >= 0) {
		acl = sys_real.fgetxattr(fd, "system.posix_acl_default", NULL, 0);
		sys_real.close(fd);
	}
	return acl >= 0 && sys_real.fstatat(dirfd, room, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			       S_ISREG(st.st_mode) && st.st_uid == sys_real.geteuid()
		       ? st.st_mode & OTHERS
		       : 0;
}

/* Makes a copy without a seal. Out of line: the callers then call functions that need a
 * lot of stack. */
static __attribute__((noinline)) int leave(
	const struct place *from, const struct entry_copy *copy)
{
	const struct entry_world world = process_world(report_counters());

	return entry_leave(&world, NULL, from->cache, 0, copy);
}

/* Writes the path of a temporary file in the directory of place->path. */
static bool name_beside(const struct place *place, struct text *ret, unsigned n)
{
	const char *slash = strrchr(place->path, '/');

	ret->len = 0;
	ret->cut = false;
	text_add(ret, place->path, slash ? (size_t)(slash - place->path) + 1 : 0);
	text_adds(ret, ".pycstash-");
	text_addu(ret, (unsigned long)(uintptr_t)ret ^ (unsigned long)sys_real.thread());
	text_adds(ret, "-");
	text_addu(ret, n);
	return !ret->cut;
}

/* Makes the path of an entry in the tree relative to a descriptor of place_pin. */
static void go_by(struct place *place, int dirfd)
{
	place->dirfd = dirfd;
	place->path = place->cache + place->map.dir_len - PYCACHE_LEN;
	place->given_len = 0;
}

/* Judges the way to the tree's __pycache__, whose path it writes to room. If it is
 * trusted, nobody else can have put a directory or a link there, or can put another one
 * in its place. */
static __attribute__((noinline)) enum way judge_tree(
	struct place *place, char room[PATH_MAX])
{
	struct text text = { .data = room, .size = PATH_MAX };
	struct way_end end;

	text_add(&text, place_show(place), place->map.dir_len - place->map.tree_len);
	place_hide(place);
	return text.cut ? WAY_UNREACHABLE
			: way_judge(&sys_real, sys_real.geteuid(), WAY_STRICT, room,
				  PATH_MAX, &end);
}

/* Opens the tree's __pycache__ in the directory open as dirfd. A link is followed only if
 * nobody else can have made it: where another's link leads, the user's own program may
 * run what the cache has of another's source. -ESTALE if somebody else can. */
static __attribute__((noinline)) int pin_tree(
	struct place *place, int dirfd, char room[PATH_MAX])
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = sys_real.openat(dirfd, PYCACHE, flags, 0);

	if (fd != -ENOTDIR && fd != -ELOOP)
		return fd;
	switch (judge_tree(place, room)) {
	case WAY_TRUSTED:
		return sys_real.openat(AT_FDCWD, room, flags, 0);
	case WAY_ABSENT:
		return -ENOENT;
	case WAY_NO_DIRECTORY:
		return -ENOTDIR;
	default:
		return -ESTALE;
	}
}

/* Returns 0 or -errno. Out of line, to save stack in its caller. */
static __attribute__((noinline)) int try_path(const struct place *place)
{
	struct stat st;
	int err = sys_real.fstatat(place->dirfd, place->path, &st, AT_SYMLINK_NOFOLLOW);

	return err == -ENOENT ? 0 : err; /* the path cannot be read: EFAULT */
}

/* Readies the directory of the target, and pins it: its descriptor takes the place of
 * *fd, which is that of the directory above it. Returns 0 or -errno. */
static int ready_target(struct place *to, int *fd, char room[PATH_MAX])
{
	int err = place_ready_tree(to), pinned = *fd;

	if (err < 0 || to->kind != PLACE_ENTRY)
		return err;
	*fd = pin_tree(to, pinned, room);
	sys_real.close(pinned);
	to->dirfd = *fd;
	to->path = to->cache + to->map.dir_len + 1;
	return *fd < 0 ? *fd : 0;
}

/* Puts a copy beside the target, and renames it to that. Out of line, to save stack in
 * its caller. */
static __attribute__((noinline)) int copy_over(struct place *from, struct place *to,
	int flags, struct entry_copy *copy, char room[PATH_MAX])
{
	struct text text = { .data = room, .size = PATH_MAX };
	int err = -EEXIST;

	copy->dirfd = to->dirfd;
	copy->path = room;
	for (unsigned n = 0; err == -EEXIST && n < 10; n++)
		err = !name_beside(to, &text, n) ? -ENAMETOOLONG : leave(from, copy);
	if (err < 0)
		return err;
	err = PASSING(room, to->path,
		flags ? real.renameat2(
				to->dirfd, room, to->dirfd, to->path, (unsigned)flags)
		      : real.renameat(to->dirfd, room, to->dirfd, to->path));
	if (err == 0)
		return 0;
	err = -errno;
	(void)sys_real.unlinkat(to->dirfd, room, 0);
	return err;
}

static int copy_pinned(struct place *from, struct place *to, int flags, bool empty)
{
	const size_t given_len = to->given_len;
	const char *path = to->path;
	char *room = sys_real.map(PATH_MAX);
	struct entry_copy copy = { .is_new = from->pyc.kind == PYC_TEMPORARY,
		.empty = empty };
	int dirfd = to->dirfd, fd = -1, err = 0;

	if (!room)
		return -ENOMEM;
	if (to->kind == PLACE_ENTRY) {
		err = fd = place_pin(to);
		if (fd >= 0)
			go_by(to, fd);
	}
	if (err >= 0)
		err = try_path(to);
	if (err >= 0 && !empty)
		err = from == to ? place_check(from) : place_check_looked_at(from);
	if (err >= 0) {
		if (copy.is_new)
			copy.asked = asked_by_source(to, fd, room);
		else
			copy.closed = is_of_earlier_source(from, to, empty)
					      ? OTHERS
					      : closed_by_source(from, !empty);
		err = ready_target(to, &fd, room);
	}
	if (err >= 0)
		err = copy_over(from, to, flags, &copy, room);
	to->dirfd = dirfd;
	to->path = path;
	to->given_len = given_len;
	if (fd >= 0)
		sys_real.close(fd);
	sys_real.unmap(room, PATH_MAX);
	return err;
}

int place_copy_out(struct place *from, struct place *to, int flags)
{
	int err = copy_pinned(from, to, flags, false);

	return err == -ESTALE ? -ENOENT : err;
}

int place_move_to_tree(struct place *place, int flags)
{
	struct stat st;
	int fd = sys_real.openat(AT_FDCWD, place->cache,
		(flags & ~(O_CREAT | O_EXCL | O_TRUNC)) | O_NONBLOCK | O_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = sys_real.fstatat(fd, "", &st, AT_EMPTY_PATH);
	sys_real.close(fd);
	if (err == 0)
		err = copy_pinned(place, place, 0, flags & O_TRUNC);
	if (err < 0 && err != -ESTALE)
		return err == -ENOENT ? 0 : err;
	err = sys_real.unlinkat(AT_FDCWD, place->cache, 0);
	if (err == 0)
		counters_gone(report_counters(), &st);
	/* If only the cache refuses, the file is in the tree all the same. */
	return err == -ENOENT || place_is_refused(place, err, O_CREAT | O_EXCL) ? 0 : err;
}

/* Returns whether the library gives such names in that directory: bytecode of another
 * interpreter in it, which somebody has put into a copy of the cache, would be run by
 * that one. */
static bool is_in_its_version(const struct place *place)
{
	const size_t len = strlen(place->pyc.tag);
	const char *version = place->cache + place->map.version_len;

	while (version[-1] != '/')
		version--;
	return strncmp(version, place->pyc.tag, len) == 0 &&
	       (version[len] == '/' || version[len] == '+');
}

static int leave_as_it_is(struct place *place)
{
	const struct entry_copy copy = { .dirfd = place->dirfd,
		.path = place->path,
		.closed = closed_by_source(place, true) };

	return leave(place, &copy);
}

/* Moves the files in the cache's directory, open as names->fd, to the directory in the
 * tree, except temporary files, which somebody is still writing. */
static void move_names(struct dirents *names, struct place *each)
{
	const char *name;

	while ((name = dirents_next(names, &sys_real))) {
		struct text text = {
			.data = each->cache, .size = PATH_MAX, .len = each->map.dir_len
		};
		int err;

		each->pyc = pyc_parse(name, strlen(name));
		text_adds(&text, "/");
		text_adds(&text, name);
		if (each->pyc.kind == PYC_TEMPORARY || text.cut)
			continue;
		err = is_in_its_version(each) ? place_check(each) : -ESTALE;
		if (err == 0)
			err = leave_as_it_is(each) < 0 ? -EIO : 0;
		if (err == 0 || err == -ESTALE)
			(void)sys_real.unlinkat(names->fd, name, 0);
	}
}

/* Opens the directory of the cache whose files are to be moved, and creates the one in
 * the tree. Returns a descriptor, or a negative value. Out of line, to save stack in its
 * caller. */
static __attribute__((noinline)) int open_to_turn(struct place *place)
{
	if (place_has_other_tag(place) ||
		(place->kind != PLACE_ENTRY && !place_is_pretended(place)) ||
		place_is_closed_to_writing(place) || place_ready_tree(place) < 0 ||
		place->map.ephemeral.len > 0)
		return -1;
	return sys_real.openat(AT_FDCWD, place->cache,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

void place_turn_real(struct place *place)
{
	struct place *each = process_take_room();
	struct dirents *names = sys_real.map(sizeof *names);
	char kept = place->cache[place->map.dir_len];
	int fd;

	place->cache[place->map.dir_len] = '\0';
	if (each && names && (names->fd = open_to_turn(place)) >= 0) {
		*each = *place;
		each->kind = PLACE_ENTRY;
		fd = judge_tree(each, each->cache + PATH_MAX) == WAY_TRUSTED
			     ? place_pin(each)
			     : -1;
		go_by(each, fd);
		if (fd >= 0) {
			move_names(names, each);
			sys_real.close(fd);
		}
		sys_real.close(names->fd);
	}
	place->cache[place->map.dir_len] = kept;
	if (names)
		sys_real.unmap(names, sizeof *names);
	process_give_room(each);
}
