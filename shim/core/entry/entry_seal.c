/* SPDX-License-Identifier: MIT
 *
 * The writing half of entry.h: what is put into the cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/entry/entry_file.h"

static int open_to_seal(const struct sys *sys, const char *path, struct stat *st)
{
	int fd = entry_file_open(
		sys, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);

	if (fd >= 0 && sys->fstatat(fd, "", st, AT_EMPTY_PATH) < 0) {
		sys->close(fd);
		return -EIO;
	}
	return fd;
}

/* For a source that the program has not opened: it may lead to where it must not be
 * followed. */
static bool has_no_source(const struct entry *entry)
{
	struct stat st;

	return entry->world->env.sys->fstatat(entry->source.dirfd, entry->source.path,
		       &st, AT_SYMLINK_NOFOLLOW) == -ENOENT;
}

/* Returns whether the process has done what precedes new bytecode: looked for the
 * bytecode in vain, and read the source. Then the library knows that the bytecode was
 * compiled here, and from what. If not, the bytecode may come from anywhere. */
static enum verdict find_pending(struct entry *entry, struct pending_source *ret)
{
	const struct entry_world *world = entry->world;

	if (!pending_find(world->python.pending, world->env.sys->thread(),
		    entry->source.path, ret))
		return pending_is_lost(world->python.pending, world->env.sys->thread(),
			       entry->source.path)
			       ? VERDICT_UNSEALED_LOST
			       : VERDICT_UNSEALED_UNASKED;
	if (ret->unknown)
		return !ret->looks && has_no_source(entry) ? VERDICT_UNSEALED_NO_SOURCE
							   : VERDICT_UNSEALED_UNREAD;
	/* Perhaps there never was one, or it was deleted in the meantime. */
	if (source_look(&entry->source, world->env.sys) < 0)
		return ret->identity.inode || pending_was_opened(ret)
			       ? VERDICT_UNSEALED_CHANGED
			       : VERDICT_UNSEALED_NO_SOURCE;
	return pending_was_opened(ret) ? VERDICT_SEALED : VERDICT_UNSEALED_UNREAD;
}

/* Sets the seal's source if it is proven that this source was compiled: it is now the
 * same as when the process asked for the bytecode, which was before the process read
 * it. */
static enum verdict prove(struct entry *entry, const struct pending_source *pending,
	const struct header *header, struct seal *seal)
{
	const struct entry_world *world = entry->world;
	struct source *source = &entry->source;
	int err;

	if (!pending_is_of(pending, &source->st))
		return VERDICT_UNSEALED_CHANGED;
	seal->source = source->identity;
	seal->flags |= entry_file_writers(world, source) << SEAL_WRITERS_SHIFT;
	if (pending->opened & PENDING_ANOTHER)
		return VERDICT_UNSEALED_CHANGED;
	/* A loader that makes up a header will do so again. If the source was different
	 * when the program took its stat, the bytecode must not get into the tree, where
	 * that earlier time and size may fit once more. */
	if (!header_fits(header, &source->st))
		return pending->seen ? VERDICT_UNSEALED_HEADER : VERDICT_UNSEALED_CHANGED;
	if (!pending->settled)
		return pending->hopeless ? VERDICT_UNSEALED_HOPELESS
					 : VERDICT_UNSEALED_UNSETTLED;
	/* A young source is read once more: otherwise the object could claim the earlier
	 * content, for all paths, and hold bytecode of what Python has read. */
	source->digested = pending->digested && !source_is_young(source, world->env.sys);
	source->own_codec = pending->own_codec;
	source->digest = pending->digest;
	err = source_digest(source, world->env.sys, world->env.scratch);
	if (err == -EFBIG)
		return VERDICT_UNSEALED_LARGE;
	if (err < 0) /* any other error: something changed after the stat */
		return err == -EACCES || err == -EPERM ? VERDICT_UNSEALED_UNREADABLE
						       : VERDICT_UNSEALED_CHANGED;
	if (pending->digested &&
		memcmp(&source->digest, &pending->digest, sizeof pending->digest) != 0)
		return VERDICT_UNSEALED_CHANGED;
	seal->digest = source->digest;
	seal->flags |= SEAL_SOURCE | SEAL_SEEN | SEAL_IDENTITY |
		       entry_release(entry) << SEAL_RELEASE_SHIFT;
	return VERDICT_SEALED;
}

/* Returns the size of the pyc in the file: the whole file, or the part before the seal if
 * the file is a copy of an entry. That seal is not believed: anybody can write one. */
static size_t without_seal(const struct entry *entry, const uint8_t *data, size_t size)
{
	size_t tail = size < SEAL_TAIL + SEAL_SIZE ? size : SEAL_TAIL + SEAL_SIZE;
	struct seal seal;

	return size > SEAL_SIZE && seal_read(data + size - tail, tail, size, &seal) &&
			       seal_covers(&seal, data, header_length(entry->pyc->tag))
		       ? size - SEAL_SIZE
		       : size;
}

/* Bytecode that gets no seal must not end in a copied one. */
static int erase_seal(const struct sys *sys, int fd, size_t size, off_t end)
{
	static const uint8_t zeros[SEAL_SIZE];
	ssize_t n = (off_t)size == end
			    ? 0
			    : sys->pwrite(fd, zeros, sizeof zeros, (off_t)size);

	return n < 0 ? (int)n : 0;
}

/* A new pyc. */
struct new_pyc {
	struct header header;
	struct seal seal; /* without a source yet */
	size_t size;	  /* without a copied seal */
};

/* Reads the open file, which has size bytes. Returns 0 or -errno; -ENOSPC if the program
 * could not write all of it. */
static int read_new(const struct entry *entry, int fd, size_t size, struct new_pyc *ret)
{
	const struct entry_env *env = &entry->world->env;
	const char *tag = entry->pyc->tag;
	size_t room;
	uint8_t *data = scratch_take(env->scratch, env->sys, size, &room);
	ssize_t n = data ? env->sys->pread(fd, data, size, 0) : -ENOMEM;
	int err = n < 0 ? (int)n : -EIO;

	if (n == (ssize_t)size) {
		ret->size = without_seal(entry, data, size);
		ret->header = header_read(tag, data, ret->size);
		ret->seal = seal_new(data, ret->size, header_length(tag));
		err = entry_code_end(entry, data, ret->size) == MARSHAL_CUT ? -ENOSPC : 0;
	}
	scratch_give(env->scratch, env->sys, data, room);
	return err;
}

/* Decides what the seal says. st is the file's stat from before it was read, which
 * changes st_atim. */
static enum verdict decide(struct entry *entry, const char *temporary, int fd,
	const struct stat *st, struct new_pyc *pyc)
{
	const struct entry_world *world = entry->world;
	struct pending_source pending;
	enum verdict verdict = VERDICT_UNSEALED_TEMPORARY;

	if (entry_is_created(world, temporary, fd, st))
		verdict = find_pending(entry, &pending);
	else if (pending_is_lost(
			 world->python.created, world->env.sys->thread(), temporary))
		verdict = VERDICT_UNSEALED_LOST;
	if (verdict_rows[verdict].unproven && verdict != VERDICT_UNSEALED_NO_SOURCE)
		return verdict;
	if (pyc->header.kind == HEADER_BAD)
		return VERDICT_UNSEALED_NO_PYC;
	if (pyc->header.kind == HEADER_HASH)
		return VERDICT_UNSEALED_HASH;
	if (verdict == VERDICT_UNSEALED_NO_SOURCE)
		return verdict;
	entry_magic_owned(entry, pyc->seal.magic);
	memcpy(entry->magic, pyc->seal.magic, sizeof entry->magic);
	return verdict == VERDICT_SEALED
		       ? prove(entry, &pending, &pyc->header, &pyc->seal)
		       : verdict;
}

/* Appends the seal to the file. */
static int append_seal(struct entry *entry, int fd, const struct seal *seal)
{
	uint8_t bytes[SEAL_SIZE];
	ssize_t n;

	seal_write(seal, bytes);
	n = entry->world->env.sys->pwrite(fd, bytes, sizeof bytes, entry->size);
	if (n != sizeof bytes)
		return n < 0 ? (int)n : -ENOSPC;
	entry->size += n;
	return 0;
}

static int seal_open_file(struct entry *entry, const char *temporary, int fd,
	const struct stat *st, bool *ret_shared, enum verdict *verdict)
{
	struct new_pyc pyc;
	int err = read_new(entry, fd, (size_t)st->st_size, &pyc);

	if (err < 0)
		return err;
	entry->size = (off_t)pyc.size;
	*verdict = decide(entry, temporary, fd, st, &pyc);
	if (verdict_rows[*verdict].unproven)
		return 0;
	if (*verdict == VERDICT_UNSEALED_NO_PYC) {
		entry_disclaim(entry, fd);
		return erase_seal(entry->world->env.sys, fd, pyc.size, st->st_size);
	}
	*ret_shared = *verdict == VERDICT_SEALED && seal_is_for_all(&pyc.seal) &&
		      !entry->source.own_codec;
	return append_seal(entry, fd, &pyc.seal);
}

int entry_seal(struct entry *entry, const char *temporary, bool *ret_shared,
	enum verdict *verdict)
{
	const struct sys *sys = entry->world->env.sys;
	struct stat st;
	int fd = open_to_seal(sys, temporary, &st), err, closed;

	*ret_shared = false;
	*verdict = VERDICT_UNSEALED_ERROR;
	if (fd < 0)
		return fd;
	err = seal_open_file(entry, temporary, fd, &st, ret_shared, verdict);
	closed = sys->close(fd); /* a file server may report a full disk only here */
	return err < 0 ? err : closed;
}

/* Returns whether the object at path can be used as it is. */
static bool is_whole(const struct entry *entry, const char *path, uint32_t magic)
{
	const struct entry_world *world = entry->world;
	int fd = world->env.sys->openat(
		AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
	struct entry_file file;
	bool whole;

	if (fd < 0)
		return false;
	whole = entry_file_load_object(entry, fd, magic, &file) == 0;
	if (whole)
		entry_file_free(world, &file);
	world->env.sys->close(fd);
	return whole;
}

/* Creates the object as a copy, if it cannot be a link. */
static void copy_to(
	struct entry *entry, const char *from, char *object, char *spare, size_t size)
{
	const struct entry_world *world = entry->world;
	int fd = world->env.sys->openat(
		AT_FDCWD, from, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
	struct entry_file file;
	struct seal seal;

	if (fd < 0)
		return;
	if (entry_file_is_sealed(world, fd, &seal) &&
		entry_file_load(entry, fd, &seal, &file) == 0) {
		file.is_object = true;
		(void)entry_write(world, &file, object, 0600, spare, size, -1);
		entry_file_free(world, &file);
	}
	world->env.sys->close(fd);
}

/* Returns whether others have a right to the file `a` that they do not have to b. */
static bool is_more_open(const struct sys *sys, const char *a, const char *b)
{
	struct stat st, than;

	return sys->fstatat(AT_FDCWD, a, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	       sys->fstatat(AT_FDCWD, b, &than, AT_SYMLINK_NOFOLLOW) < 0 ||
	       (st.st_mode & ~than.st_mode & 077);
}

/* Replaces the pyc at temporary by the object, which has the same bytecode, unless that
 * is open to more people: a copy in the tree gets the mode. */
static bool become(const struct entry_world *world, const char *temporary,
	const char *object, char *spare, size_t size)
{
	const struct sys *sys = world->env.sys;

	if (is_more_open(sys, object, temporary) ||
		!entry_temporary_name(object, 0, spare, size) ||
		sys->linkat(AT_FDCWD, object, AT_FDCWD, spare, 0) < 0)
		return false;
	if (sys->renameat(AT_FDCWD, spare, AT_FDCWD, temporary) == 0)
		return true;
	(void)sys->unlinkat(AT_FDCWD, spare, 0);
	return false;
}

void entry_share(struct entry *entry, const char *temporary)
{
	const struct entry_world *world = entry->world;
	const struct sys *sys = world->env.sys;
	uint32_t magic;
	char *object = entry_file_object(entry, &entry->source.digest, entry->magic);
	char *spare;
	size_t used;
	int err;

	if (!object)
		return;
	memcpy(&magic, entry->magic, sizeof magic);
	used = strlen(object) + 1;
	spare = object + used;
	for (int i = 0; i < 2; i++) {
		err = sys->linkat(AT_FDCWD, temporary, AT_FDCWD, object, 0);
		if (err == -ENOENT && entry_make_parent(world, object) == 0)
			err = sys->linkat(AT_FDCWD, temporary, AT_FDCWD, object, 0);
		/* A damaged object is in the way, or one of another release of the
		 * interpreter; another process's object is as good as ours. */
		if (err != -EEXIST || is_whole(entry, object, magic) ||
			sys->unlinkat(AT_FDCWD, object, 0) < 0)
			break;
	}
	entry->linked = err == 0;
	if (entry->linked)
		counters_object(world->env.counters, NULL, entry->size);
	if (err == -EEXIST && entry->common)
		entry->linked =
			become(world, temporary, object, spare, entry->spare_size - used);
	if (err == -EMLINK || err == -EPERM || err == -EXDEV || err == -EOPNOTSUPP)
		copy_to(entry, temporary, object, spare, entry->spare_size - used);
}

void entry_placed(const struct entry *entry, const struct stat *old)
{
	counters_entry(entry->world->env.counters, old, entry->size, entry->linked);
}
