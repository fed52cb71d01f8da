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

/* What tells a file from all others of its name and inode, before it and after: the time
 * that stamp put on it. Its birth would not do: that is of the clock's tick, in which a
 * file may be deleted, by a purge, and another made. */
static struct identity made_at(const struct stat *st)
{
	return (struct identity){ .inode = st->st_ino, .mtime = st->st_atim };
}

void entry_created(const struct entry_world *world, const char *path, int fd)
{
	struct pending_source made = { .digested = 0 };
	struct stat st;

	if (world->sys->stamp(fd) < 0 ||
		world->sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return;
	made.identity = made_at(&st);
	pending_add(world->created, world->sys->thread(), path, &made);
}

static bool is_created(
	const struct entry_world *world, const char *path, const struct stat *st)
{
	struct identity now = made_at(st);
	struct pending_source made;

	return pending_find(world->created, world->sys->thread(), path, &made) &&
	       identity_same(&made.identity, &now);
}

/* Sets the seal's source if it is proven that this is what was compiled: the source is
 * now what it was when the process asked, which was before it read it. */
static enum verdict prove(
	struct entry *entry, const struct header *header, struct seal *seal)
{
	const struct entry_world *world = entry->world;
	struct source *source = &entry->source;
	struct pending_source asked;
	int err;

	if (source_look(source, world->sys) < 0)
		return VERDICT_UNSEALED_NO_SOURCE;
	seal->source = source->identity;
	if (seal->flags & SEAL_HASH) {
		struct origin origin = source_origin(source, world->sys);

		seal->source = (struct identity){
			.inode = origin.inode, .fs = origin.fs, .ctime = origin.birth
		};
	}
	if (header->kind == HEADER_TIMESTAMP && !header_fits(header, &source->st))
		return VERDICT_UNSEALED_HEADER;
	if (!pending_find(world->asked, world->sys->thread(), source->path, &asked))
		return VERDICT_UNSEALED_UNASKED;
	if (!identity_same(&asked.identity, &source->identity))
		return VERDICT_UNSEALED_CHANGED;
	if (!asked.opened)
		return VERDICT_UNSEALED_UNREAD;
	/* One that is young is read once more: the object would be of the content before,
	 * for all paths, and its bytecode of what Python has read. */
	source->digested = asked.digested && !source_is_young(source, world->sys);
	source->own_codec = asked.own_codec;
	source->digest = asked.digest;
	err = source_digest(source, world->sys, world->scratch);
	if (err < 0)
		return err == -EFBIG ? VERDICT_UNSEALED_LARGE
				     : VERDICT_UNSEALED_UNREADABLE;
	if (asked.digested &&
		memcmp(&source->digest, &asked.digest, sizeof asked.digest) != 0)
		return VERDICT_UNSEALED_CHANGED;
	seal->digest = source->digest;
	seal->flags |= SEAL_SOURCE | (seal->flags & SEAL_HASH ? 0 : SEAL_IDENTITY);
	return VERDICT_SEALED;
}

/* A copy of an entry, or one that was renamed away and comes back: its seal says more
 * than a new one could. */
static bool is_sealed(const struct entry *entry, const uint8_t *data, size_t size)
{
	size_t tail = size < SEAL_TAIL + SEAL_SIZE ? size : SEAL_TAIL + SEAL_SIZE;
	struct seal seal;

	return size > SEAL_SIZE && seal_read(data + size - tail, tail, size, &seal) &&
	       seal_covers(&seal, data, header_length(entry->pyc->tag));
}

/* st is the file's from before it is read, which changes st_atim. */
static int seal_open_file(struct entry *entry, const char *temporary, int fd,
	const struct stat *st, bool *ret_shared, struct entry_verdict *verdict)
{
	const struct entry_world *world = entry->world;
	const struct sys *sys = world->sys;
	size_t size = (size_t)st->st_size;
	uint8_t bytes[SEAL_SIZE], *data;
	struct header header = { 0 };
	struct seal seal;
	bool sealed = false;
	size_t room;
	ssize_t n;

	data = scratch_take(world->scratch, sys, size, &room);
	n = data ? sys->pread(fd, data, size, 0) : -ENOMEM;
	if (n == (ssize_t)size) {
		header = header_read(entry->pyc->tag, data, size);
		seal = seal_new(data, size, header_length(entry->pyc->tag),
			header.kind == HEADER_HASH);
		sealed = is_sealed(entry, data, size);
	}
	scratch_give(world->scratch, sys, data, room);
	if (n != (ssize_t)size)
		return n < 0 ? (int)n : -EIO;
	entry->size = (off_t)size;
	if (sealed) {
		verdict->id = VERDICT_SEALED;
		return 0;
	}
	if (header.kind == HEADER_BAD) {
		entry_disclaim(entry, fd);
		verdict->id = VERDICT_UNSEALED_NO_PYC;
		return 0;
	}
	entry_magic_owned(entry, seal.magic);
	memcpy(entry->magic, seal.magic, sizeof entry->magic);
	verdict->id = prove(entry, &header, &seal);
	if (verdict->id == VERDICT_UNSEALED_NO_SOURCE)
		entry_disclaim(entry, fd);
	if (verdict->id == VERDICT_SEALED && !is_created(world, temporary, st)) {
		verdict->id = VERDICT_UNSEALED_TEMPORARY;
		seal.flags &= ~(uint32_t)(SEAL_SOURCE | SEAL_IDENTITY);
	}
	*ret_shared = verdict->id == VERDICT_SEALED && header.kind == HEADER_TIMESTAMP &&
		      !entry->source.own_codec;
	seal_write(&seal, bytes);
	n = sys->pwrite(fd, bytes, sizeof bytes, (off_t)size);
	if (n != sizeof bytes)
		return n < 0 ? (int)n : -ENOSPC;
	entry->size += n;
	return 0;
}

int entry_seal(struct entry *entry, const char *temporary, bool *ret_shared,
	struct entry_verdict *verdict)
{
	const struct sys *sys = entry->world->sys;
	struct stat st;
	int fd = open_to_seal(sys, temporary, &st), err, closed;

	*ret_shared = false;
	*verdict = (struct entry_verdict){ .id = VERDICT_UNSEALED_ERROR };
	if (fd < 0)
		return fd;
	err = seal_open_file(entry, temporary, fd, &st, ret_shared, verdict);
	closed = sys->close(fd); /* where a file server says that its disk is full */
	return err < 0 ? err : closed;
}

/* Whether the object at path can be used as it is. */
static bool is_whole(const struct entry *entry, const char *path, uint32_t magic)
{
	const struct entry_world *world = entry->world;
	int fd = world->sys->openat(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
	struct entry_file file;
	bool whole;

	if (fd < 0)
		return false;
	whole = entry_file_load_object(entry, fd, magic, &file) == 0;
	if (whole)
		entry_file_free(world, &file);
	world->sys->close(fd);
	return whole;
}

/* The object as a file of its own, where it cannot be a link. */
static void copy_to(
	struct entry *entry, const char *from, char *object, char *spare, size_t size)
{
	const struct entry_world *world = entry->world;
	int fd = world->sys->openat(AT_FDCWD, from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
	struct entry_file file;
	struct seal seal;

	if (fd < 0)
		return;
	if (entry_file_check(world, fd, &seal) == ENTRY_FILE_SEALED &&
		entry_file_load(entry, fd, &seal, &file) == 0) {
		file.is_object = true;
		(void)entry_file_put(world, &file, object, 0600, spare, size, -1);
		entry_file_free(world, &file);
	}
	world->sys->close(fd);
}

/* Puts the object in the place of the pyc at temporary, which is the same bytecode. */
static bool become(const struct entry_world *world, const char *temporary,
	const char *object, char *spare, size_t size)
{
	const struct sys *sys = world->sys;

	if (!entry_file_temporary(object, 0, spare, size) ||
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
	const struct sys *sys = world->sys;
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
		if (err == -ENOENT && entry_file_make_parent(world, object) == 0)
			err = sys->linkat(AT_FDCWD, temporary, AT_FDCWD, object, 0);
		/* One that is damaged is in the way; another process's is as good. */
		if (err != -EEXIST || is_whole(entry, object, magic) ||
			sys->unlinkat(AT_FDCWD, object, 0) < 0)
			break;
	}
	entry->linked = err == 0;
	if (entry->linked)
		counters_object(world->tally, NULL, entry->size);
	if (err == -EEXIST && entry->common)
		entry->linked =
			become(world, temporary, object, spare, entry->spare_size - used);
	if (err == -EMLINK || err == -EPERM || err == -EXDEV || err == -EOPNOTSUPP)
		copy_to(entry, temporary, object, spare, entry->spare_size - used);
}

void entry_placed(const struct entry *entry, const struct stat *old)
{
	counters_entry(entry->world->tally, old, entry->size, entry->linked);
}

int entry_detach(struct entry *entry)
{
	const struct entry_world *world = entry->world;
	const struct sys *sys = world->sys;
	struct entry_file file;
	struct seal seal;
	struct stat st;
	int fd = open_to_seal(sys, entry->path, &st), err = 0;

	if (fd < 0)
		return fd;
	if (entry_file_check(world, fd, &seal) == ENTRY_FILE_SEALED) {
		err = entry_file_load(entry, fd, &seal, &file);
		if (err == 0) {
			file.bare = entry;
			err = entry_file_put(world, &file, entry->path,
				st.st_mode & 07777, entry->spare, entry->spare_size, -1);
			entry_file_free(world, &file);
		}
	} else if (st.st_nlink > 1) {
		err = -EIO; /* it could not be read just now, and may be an object's file
			       too */
	}
	sys->close(fd);
	return err;
}
