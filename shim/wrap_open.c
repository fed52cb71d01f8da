/* SPDX-License-Identifier: MIT
 *
 * Opening. What importlib does, in order: open(m.pyc, O_RDONLY); on ENOENT it
 * compiles, stat(__pycache__), mkdir(__pycache__) if need be, then
 * open(m.pyc.<id>, O_WRONLY|O_CREAT|O_EXCL), write, close, rename to m.pyc.
 */
#include "shim/wrap.h"

#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/core/cache/root.h"
#include "shim/place.h"
#include "shim/process.h"
#include "shim/report.h"

static int open_tree(const struct place *place, int flags, mode_t mode)
{
	return PASSING(place->path, NULL,
		real.WIDE(openat)(place->dirfd, place->path, flags, mode));
}

static int open_cache(const struct place *place, int flags, mode_t mode)
{
	return PASSING(place->cache, NULL,
		real.WIDE(openat)(AT_FDCWD, place->cache, flags, mode));
}

/* Opens the tree's file, which others may have exchanged for a link to a device: not for
 * a program that only lists the name. */
static int open_to_find(const struct place *place, int flags)
{
	return place->looks_only ? -ENOENT
				 : sys_real.openat(place->dirfd, place->path, flags, 0);
}

/* Opens a file whose name names no source: the cache's file, else the tree's, by Python's
 * own rules. */
static int open_unsealed(
	struct place *place, int candidate, int flags, enum verdict *verdict)
{
	const struct entry *entry = &place->entry;
	struct stat st;
	int fd;

	place_ask(place, 0);
	/* numba has not been able to replace what the cache has. */
	if (candidate >= 0 && place_is_unwritable(place) && place_in_tree(place)) {
		sys_real.close(candidate);
		candidate = -ENOENT;
	}
	if (candidate >= 0 && !place->map.ephemeral.len &&
		sys_real.fstatat(candidate, "", &st, AT_EMPTY_PATH) == 0 &&
		st.st_uid == entry->world->policy.user &&
		entry_is_own(entry, candidate, !place_is_hidden(place))) {
		*verdict = VERDICT_HIT_UNSEALED;
		return candidate;
	}
	if (candidate >= 0)
		sys_real.close(candidate);
	else if (candidate == -EACCES
			 ? place_is_closed(place, flags)
			 : candidate != -ENOENT &&
				   (candidate != -ENOTDIR || place_in_cache(place)))
		return candidate;
	fd = open_to_find(place, flags);
	if (fd == -ENOENT && candidate == -ENOTDIR) /* the path goes on after a file */
		fd = candidate;
	*verdict = fd < 0 ? VERDICT_MISS_NO_ENTRY : VERDICT_IN_TREE;
	return fd;
}

/* Opens without waiting for a pipe's writer, since a restored cache may hold a pipe;
 * O_NONBLOCK has no effect on files. If the program has closed a directory of the cache,
 * that directory is ignored once the tree has one. */
static int open_candidate(struct place *place, int flags)
{
	int fd = -ENOENT;

	if (!place->layers_only && !process_root_absent())
		fd = sys_real.openat(AT_FDCWD, place->cache, flags | O_NONBLOCK, 0);
	return fd == -EACCES && !place_in_cache(place) && !place_is_cache_only(place)
		       ? -ENOENT
		       : fd;
}

/* After place_entry: returns whether the program gets only what the tree has, since what
 * the cache has is not shown there, or nothing is served. */
static bool is_hidden(struct place *place)
{
	if (place->looks_only)
		return place_is_source_exposed(place);
	return process_config.fills || entry_may_be_of_root(&place->entry) ||
	       (!entry_is_certainly_import(&place->entry) &&
		       !place_is_served_unseen(place) && place_is_exposed(place));
}

/* Returns whether the program finds the tree's bytecode in place of the cache's. */
static bool is_behind_tree(struct place *place)
{
	return !entry_has_stat(&place->entry) && !entry_is_first(&place->entry) &&
	       place_tree_fits(place);
}

static int open_hidden(struct place *place, int flags, enum verdict *verdict)
{
	int fd = open_to_find(place, flags);

	if (fd >= 0 && entry_has_calls_of_import(&place->entry) &&
		!place_is_source_exposed(place) && entry_tree_is_old(&place->entry, fd)) {
		sys_real.close(fd);
		fd = -ENOENT;
	}
	/* An import, after all, that now compiles? Perhaps another source. */
	if (!place->looks_only && entry_may_be_of_root(&place->entry))
		entry_drop(&place->entry);
	else if (fd < 0 && !place->looks_only)
		entry_miss(&place->entry);
	else if (fd >= 0 && entry_is_first(&place->entry))
		entry_tree_opened(&place->entry, fd);
	*verdict = fd < 0 ? VERDICT_MISS_NO_ENTRY : VERDICT_IN_TREE;
	return fd;
}

/* Opens the file that the cache or the tree has for a name. Returns a descriptor or
 * -errno. */
static int find_bytecode(struct place *place, int flags, enum verdict *verdict)
{
	bool has_source = place_entry(place);
	int fd;

	if (has_source && (is_hidden(place) || is_behind_tree(place)))
		return open_hidden(place, flags, verdict);
	fd = open_candidate(place, flags);
	if (fd == -ENOENT &&
		(place->origin == PLACE_ASSUMED ||
			place->origin == PLACE_REMEMBERED_LINK) &&
		place_settle(place)) {
		if (place->kind != PLACE_ENTRY)
			return open_to_find(place, flags);
		fd = open_candidate(place, flags);
		has_source = place_entry(place);
	}
	if (!has_source || (flags & O_DIRECTORY))
		return open_unsealed(place, fd, flags, verdict);
	fd = entry_open(&place->entry, fd, flags, verdict);
	if (fd < 0 || !entry_is_flipped(&place->entry) || !place_is_exposed(place))
		return fd;
	sys_real.close(fd);
	return open_hidden(place, flags, verdict);
}

static int open_to_read(struct place *place, int flags)
{
	enum verdict verdict = VERDICT_LEFT;
	int fd;

	fd = find_bytecode(place, flags, &verdict);
	/* If only its path vouches for the file, the path must be right: so too if the
	 * file is stale, and the program gets it because that was shown. Or the file was
	 * looked for through a link that has been flipped since. */
	if ((fd >= 0 ? verdict_rows[verdict].unproven ||
				    verdict_rows[verdict].group == VERDICT_GROUP_MISS
		     : fd == -ENOENT && place->origin == PLACE_REMEMBERED_LINK) &&
		place_settle(place)) {
		if (fd >= 0)
			sys_real.close(fd);
		fd = place->kind == PLACE_ENTRY
			     ? find_bytecode(place, flags, &verdict)
			     : sys_real.openat(place->dirfd, place->path, flags, 0);
	}
	if (fd < 0 || verdict_rows[verdict].group == VERDICT_GROUP_MISS)
		place_note_miss(place);
	report_decision(verdict, place->dirfd, place->path);
	return fd >= 0 ? fd : wrap_fail(-fd);
}

/* With O_PATH, the program opens what stat shows. It can read by the descriptor
 * (/proc/self/fd), so it gets only what a later open for reading would give. */
static int open_to_look(struct place *place, int flags)
{
	const char *found = place_found(place);

	return found == place->cache && place_check_looked_at(place) != -ESTALE
		       ? open_cache(place, flags, 0)
		       : open_tree(place, flags, 0);
}

static bool finds(struct place *place, const char *path, bool *ret_sourceless)
{
	enum verdict verdict;
	int fd;

	place_at(place, AT_FDCWD, path, PLACE_TO_READ);
	if (place->kind != PLACE_ENTRY)
		return false;
	place->looks_only = true;
	fd = find_bytecode(place, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, &verdict);
	if (fd < 0)
		return fd != -ENOENT;
	sys_real.close(fd);
	*ret_sourceless = verdict == VERDICT_HIT_NO_SOURCE;
	return verdict_rows[verdict].group != VERDICT_GROUP_MISS; /* not stale */
}

bool cached_finds(const char *path, bool *ret_sourceless)
{
	return WITH_PLACE(false, finds(place, path, ret_sourceless));
}

/* Returns whether the file system has room for the data to be written to the file; a file
 * system that does not report its blocks is assumed to have room. */
static bool has_room(int fd)
{
	struct statfs st = { .f_blocks = 0 };
	int saved = errno;
	uint64_t block;

	(void)FSTATFS(fd, &st);
	errno = saved;
	block = (uint64_t)st.f_bsize;
	return st.f_blocks * block == 0 || st.f_bavail * block >= ROOT_ROOM;
}

/* A temporary file is always a new one, or one that this thread has created: a restored
 * cache may have a pipe of that name, or one more name of another file. */
static int open_own(const struct place *place, int flags, mode_t mode)
{
	const int only_new = flags | O_CREAT | O_EXCL; /* which follows no link */
	int fd = sys_real.openat(AT_FDCWD, place->cache, only_new, mode);

	for (int i = 0; fd == -EEXIST && !(flags & O_EXCL) && i < ROOT_TRIES; i++) {
		if (place_is_created(place))
			return sys_real.openat(
				AT_FDCWD, place->cache, flags & ~O_CREAT, 0);
		fd = sys_real.unlinkat(AT_FDCWD, place->cache, 0);
		if (fd == 0 || fd == -ENOENT)
			fd = sys_real.openat(AT_FDCWD, place->cache, only_new, mode);
	}
	return fd;
}

/* On a full disk a file can be created, but then the program's write fails, which is too
 * late to use the tree. */
static int make_file(const struct place *place, int flags, mode_t mode)
{
	int fd = open_own(place, flags, mode);

	if (fd < 0 || has_room(fd))
		return fd;
	sys_real.close(fd);
	sys_real.unlinkat(AT_FDCWD, place->cache, 0);
	return -ENOSPC;
}

static int create_in_cache(struct place *place, int flags, mode_t mode)
{
	int fd;

	fd = place_make_in_cache(place, make_file, flags, mode);
	/* The directory was recalled, and a link to it has been flipped since. */
	if (fd == -ENOENT && place_settle(place) && place->kind == PLACE_ENTRY)
		fd = place_make_in_cache(place, make_file, flags, mode);
	if (fd >= 0) {
		place_created(place, fd);
		report_decision(VERDICT_WRITE, place->dirfd, place->path);
		return fd;
	}
	if (!place_is_refused(place, fd, flags))
		return wrap_fail(-fd);
	report_failure(VERDICT_NOT_CACHED, fd, place->dirfd, place->path);
	/* -ENOENT: the program has no such directory, or had one until a purge. A
	 * directory created in the tree now would receive bytecode that only its time
	 * vouches for. */
	if (fd != -ENOENT)
		(void)place_ready_tree(place);
	return open_tree(place, flags, mode);
}

/* A file that a program writes under its final name goes into the tree, where the program
 * wants it, and so does a temporary file for something that the program has not looked
 * for. The cache holds only files that the library has seen created: a file from an
 * archive or a checkout may end in a seal that says anything, and numba's files are code
 * too. The program sees the cached file of that name, so that is moved along. */
static int write_in_tree(struct place *place, int flags, mode_t mode)
{
	bool ephemeral = place->map.ephemeral.len > 0;
	bool cached = place_in_cache(place);
	/* If the tree has a __pycache__, that is what programs list. */
	bool turns_real =
		((flags & O_CREAT) || cached) && !ephemeral && place_is_cache_only(place);
	int err = 0, fd;

	if (cached) {
		/* It may belong to another tree, and the program discards it; or the
		 * program does not know of it, since its __pycache__ is the tree's
		 * own, or the name stands for what the tree has, or since it is to be
		 * the program's temporary file. */
		if ((flags & O_EXCL) || !place_is_caches(place) ||
			(ephemeral && (flags & (O_CREAT | O_TRUNC))) ||
			((flags & O_CREAT) && place->pyc.kind == PYC_TEMPORARY &&
				!place_is_created(place)))
			place_forget(place);
		else
			err = place_move_to_tree(place, flags);
		if (err < 0)
			return wrap_fail(-err);
	}
	if (flags & O_CREAT)
		err = place_ready_tree(place);
	if (err == 0 && turns_real)
		place_turn_real(place);
	if (err < 0)
		return wrap_fail(-err);
	fd = open_tree(place, flags, mode);
	if (fd >= 0)
		place_brought(place);
	return fd;
}

/* Returns whether the open fails because the file exists: git creates a __pycache__ if it
 * finds none, and then expects no file in it. It finds none of another interpreter. */
static bool is_taken(struct place *place, int flags)
{
	if ((flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		return false;
	return place_in_tree(place) ||
	       (place_in_cache(place) && place_is_cache_only(place) &&
		       place_clear(place) != 0);
}

static int open_to_write(struct place *place, int flags, mode_t mode)
{
	bool goes_on = place->cache[place->name_end];

	if ((flags & O_DIRECTORY) || goes_on) /* the kernel's own error */
		return place_is_taken(place) || (goes_on && place_is_cache_only(place))
			       ? open_cache(place, flags, mode)
			       : open_tree(place, flags, mode);
	if (place->pyc.kind == PYC_TEMPORARY && (flags & O_CREAT) && place_begin(place) &&
		!place_in_tree(place)) {
		if (!process_config.readonly)
			return create_in_cache(place, flags, mode);
		if (place_is_imports(place)) /* it has no need to keep that */
			return wrap_fail(EROFS);
	}
	place_seek(place);
	if (place->kind != PLACE_ENTRY)
		return open_tree(place, flags, mode);
	if (is_taken(place, flags))
		return wrap_fail(EEXIST);
	return write_in_tree(place, flags, mode);
}

static int open_directory(struct place *place, int flags, mode_t mode)
{
	int fd;

	/* numba tests that way whether it can write:
	 * tempfile.TemporaryFile(dir=__pycache__) */
	if ((flags & O_TMPFILE) == O_TMPFILE && place_in_cache(place) &&
		!place_is_unwritable(place))
		return open_cache(place, flags, mode);
	process_browses();
	place_note_look(place);
	/* For listing, it would be opened for reading. The cache's directory of an
	 * ephemeral tree is that of others as well. */
	if ((flags & O_PATH) || place->map.ephemeral.len)
		place_turn_real(place);
	if (!place_is_pretended(place)) {
		cached_show_tree(place);
		return open_tree(place, flags, mode);
	}
	fd = open_cache(place, flags, mode);
	if (fd < 0 || dir_is_known(fd)) {
		atomic_store_explicit(
			&process_gave_directory, true, memory_order_relaxed);
		return fd;
	}
	sys_real.close(fd);
	place_turn_real(place);
	return open_tree(place, flags, mode);
}

/* The compilers themselves may be bytecode that the cache does not keep. */
static void note_compiler(const struct place *place, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash && pyc_is_compiler(&place->pyc, slash + 1))
		process_show_compiler();
}

static int open_place(
	struct place *place, int dirfd, const char *path, int flags, mode_t mode)
{
	bool looks = flags & O_PATH;
	bool reads = !(flags & (O_PATH | O_WRONLY | O_RDWR | O_CREAT | O_TRUNC));

	place_at(place, dirfd, path, reads ? PLACE_TO_READ : PLACE_TO_OPEN);
	if (reads) {
		note_compiler(place, path);
		place_seek(place);
	}
	switch (place->kind) {
	case PLACE_ENTRY:
		place_note_look(place);
		/* O_DIRECT is dropped: reading the seal does not follow its rules of
		 * alignment, and nobody can tell the difference. */
		return looks   ? open_to_look(place, flags)
		       : reads ? open_to_read(place, flags & ~O_DIRECT)
			       : open_to_write(place, flags, mode);
	case PLACE_DIR:
		return open_directory(place, flags, mode);
	case PLACE_OTHER:
		if ((flags & (O_CREAT | O_DIRECTORY)) == O_CREAT)
			(void)place_ready_tree(place);
		break;
	case PLACE_TREE: /* perhaps a source, in a directory with that text in its name */
		return process_opened(path, flags, open_tree(place, flags, mode));
	}
	return open_tree(place, flags, mode);
}

int cached_open(int dirfd, const char *path, int flags, mode_t mode)
{
	return WITH_PLACE(real.WIDE(openat)(dirfd, path, flags, mode),
		open_place(place, dirfd, path, flags, mode));
}

int cached_openat2(int dirfd, const char *path, const struct open_how *how, size_t size)
{
	/* With restrictions on how a path is resolved, a different path may have a
	 * different result; a `how` longer than ours may contain fields that we do not
	 * know; and openat2 is stricter. */
	if (!how || size != sizeof *how || how->resolve ||
		(how->mode && !(how->flags & WITH_MODE)))
		return real.openat2(dirfd, path, how, size);
	return cached_open(dirfd, path, (int)how->flags, (mode_t)how->mode);
}

/* Bytecode that a program truncates goes into the tree, like bytecode that it writes. */
static int truncate_place(struct place *place, const char *path, off_t length)
{
	const char *found = place_change(place, AT_FDCWD, path);
	bool turns_real;
	int err;

	if (found != place->cache || place->kind != PLACE_ENTRY || !place_in_cache(place))
		return real.WIDE(truncate)(found, length);
	turns_real = !place->map.ephemeral.len && place_is_cache_only(place);
	err = place_move_to_tree(place, length == 0 ? O_WRONLY | O_TRUNC : O_WRONLY);
	if (err == 0 && turns_real)
		place_turn_real(place);
	return err < 0 ? wrap_fail(-err)
		       : PASSING(place->path, NULL,
				 real.WIDE(truncate)(place->path, length));
}

int cached_truncate(const char *path, off_t length)
{
	return WITH_PLACE(
		real.WIDE(truncate)(path, length), truncate_place(place, path, length));
}
