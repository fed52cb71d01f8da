/* SPDX-License-Identifier: MIT */
#include "shim/core/entry/entry_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/cache/layer.h"
#include "shim/core/cache/reach.h"
#include "shim/core/cache/way.h"

uint32_t entry_magic_number(const uint8_t magic[4])
{
	uint32_t number;

	memcpy(&number, magic, sizeof number);
	return number;
}

bool entry_is_own_tag(const struct entry *entry)
{
	return entry->world->python.tag &&
	       strcmp(entry->world->python.tag, entry->pyc->tag) == 0;
}

unsigned entry_release(const struct entry *entry)
{
	const struct entry_python *python = &entry->world->python;

	if (!entry_is_own_tag(entry))
		return 0;
	return python->ask_release ? python->ask_release() : python->release;
}

void entry_magic_shown(const struct entry *entry, const uint8_t magic[4])
{
	const struct entry_python *python = &entry->world->python;
	uint32_t none = 0;

	if (*python->magic != 0 || !entry_is_own_tag(entry))
		return;
	atomic_compare_exchange_strong(python->magic, &none, entry_magic_number(magic));
	if (python->interprets && entry_is_interpreters_own(entry))
		*python->interprets = true;
}

bool entry_magic_is_foreign(const struct entry *entry, const uint8_t magic[4])
{
	uint32_t own = *entry->world->python.magic;

	return own && own != entry_magic_number(magic) && entry_is_own_tag(entry);
}

void entry_magic_owned(const struct entry *entry, const uint8_t magic[4])
{
	if (entry_is_own_tag(entry))
		*entry->world->python.magic = entry_magic_number(magic);
}

bool entry_file_is_trusted(
	const struct entry_world *world, const struct stat *st, bool layer)
{
	const uid_t user = world->policy.user;

	return layer ? layer_is_trusted(world->env.sys, st, user) : st->st_uid == user;
}

int entry_file_open(const struct sys *sys, const char *path, int flags, mode_t rights)
{
	int fd = sys->openat(AT_FDCWD, path, flags, 0);
	struct stat st;

	if (fd == -EACCES &&
		sys->fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		sys->fchmodat(AT_FDCWD, path, (st.st_mode & 07777) | rights) == 0) {
		fd = sys->openat(AT_FDCWD, path, flags, 0);
		(void)sys->fchmodat(AT_FDCWD, path, st.st_mode & 07777);
	}
	return fd;
}

/* Releases before SEAL_SEEN kept files that a program had written in place, and put the
 * mark on them, whatever seal they brought along. */
static bool is_forged(const struct sys *sys, int fd, const struct seal *seal)
{
	return (seal->flags & (SEAL_SOURCE | SEAL_SEEN)) == SEAL_SOURCE &&
	       sys->fgetxattr(fd, ENTRY_MARK, NULL, 0) >= 0;
}

enum entry_file_kind entry_file_kind_by_end(const struct sys *sys, int fd,
	const uint8_t *end, size_t size, uint64_t file_size, struct seal *ret_seal)
{
	if (file_size > ENTRY_FILE_MAX + SEAL_SIZE)
		return ENTRY_FILE_DAMAGED;
	if (size > SEAL_SIZE && seal_read(end, size, file_size, ret_seal))
		return is_forged(sys, fd, ret_seal) ? ENTRY_FILE_DAMAGED
						    : ENTRY_FILE_SEALED;
	/* A mark says that there is no seal, so no later release makes both. */
	return seal_format(end, size) > SEAL_VERSION ||
			       sys->fgetxattr(fd, ENTRY_MARK, NULL, 0) < 0
		       ? ENTRY_FILE_DAMAGED
		       : ENTRY_FILE_FOREIGN_WRITTEN;
}

enum entry_file_kind entry_file_kind(
	const struct sys *sys, int fd, const struct stat *st, struct seal *ret_seal)
{
	uint8_t bytes[SEAL_TAIL + SEAL_SIZE];
	size_t size = sizeof bytes;

	if (!S_ISREG(st->st_mode))
		return ENTRY_FILE_FOREIGN_WRITTEN;
	if (st->st_size < (off_t)size)
		size = (size_t)st->st_size;
	if (sys->pread(fd, bytes, size, st->st_size - (off_t)size) != (ssize_t)size)
		return ENTRY_FILE_DAMAGED;
	return entry_file_kind_by_end(
		sys, fd, bytes, size, (uint64_t)st->st_size, ret_seal);
}

bool entry_file_is_ours(
	const struct entry_world *world, int fd, bool layer, struct stat *ret)
{
	return world->env.sys->kernel_stat(fd, "", ret, AT_EMPTY_PATH) == 0 &&
	       entry_file_is_trusted(world, ret, layer);
}

bool entry_file_is_sealed(const struct entry_world *world, int fd, struct seal *ret_seal)
{
	struct stat st;

	return entry_file_is_ours(world, fd, false, &st) &&
	       entry_file_kind(world->env.sys, fd, &st, ret_seal) == ENTRY_FILE_SEALED;
}

int entry_file_load(const struct entry *entry, int fd, const struct seal *seal,
	struct entry_file *ret)
{
	const struct entry_world *world = entry->world;
	size_t size = (size_t)seal->pyc_size;

	if (seal->pyc_size > ENTRY_FILE_MAX)
		return -EFBIG;
	ret->data = scratch_take(
		world->env.scratch, world->env.sys, size + SEAL_SIZE, &ret->room);
	if (!ret->data)
		return -ENOMEM;
	ret->seal = *seal;
	ret->from = fd;
	ret->fits = false;
	ret->is_object = false;
	ret->as_is = false;
	if (world->env.sys->pread(fd, ret->data, size, 0) == (ssize_t)size &&
		seal_covers(seal, ret->data, header_length(entry->pyc->tag)))
		return 0;
	entry_file_free(world, ret);
	return -EIO;
}

void entry_file_free(const struct entry_world *world, struct entry_file *file)
{
	scratch_give(world->env.scratch, world->env.sys, file->data, file->room);
}

enum marshal_end entry_code_end(
	const struct entry *entry, const uint8_t *pyc, size_t size)
{
	const char *tag = entry->pyc->tag;
	struct header header = header_read(tag, pyc, size);
	size_t length = header_length(tag);

	return header.kind == HEADER_BAD
		       ? MARSHAL_UNKNOWN
		       : marshal_end(header.magic, pyc + length, size - length);
}

struct header entry_file_header(const struct seal *seal)
{
	return (struct header){
		.kind = HEADER_TIMESTAMP,
		.mtime = header_mtime(&seal->source.mtime),
		.size = (uint32_t)seal->source.size,
	};
}

bool entry_file_fits(const struct seal *seal, const struct source *source)
{
	return header_mtime(&seal->source.mtime) == header_mtime(&source->st.st_mtim) &&
	       (uint32_t)seal->source.size == (uint32_t)source->st.st_size;
}

uint32_t entry_file_writers(const struct entry_world *world, const struct source *source)
{
	const struct sys *sys = world->env.sys;
	struct stat st;

	if (sys->kernel_stat(source->dirfd, source->path, &st, 0) < 0 ||
		st.st_ino != source->st.st_ino || st.st_dev != source->st.st_dev)
		return WAY_UNKNOWN;
	return way_writers(sys, sys->geteuid(), source->dirfd, source->path, &st);
}

bool entry_file_is_reached(const struct entry_world *world, const struct source *source,
	const struct seal *seal)
{
	return reach_of_writers(world->env.sys,
		(seal->flags & SEAL_WRITERS) >> SEAL_WRITERS_SHIFT, source->dirfd,
		source->path, &source->st);
}

void entry_file_adapt(const struct entry *entry, struct entry_file *file)
{
	const struct source *source = &entry->source;

	file->fits = entry_file_fits(&file->seal, source);
	header_patch(entry->pyc->tag, file->data, &source->st);
	file->seal.source = source->identity;
	file->seal.flags = (file->seal.flags & (SEAL_RELEASE | SEAL_WRITERS)) |
			   SEAL_SOURCE | SEAL_SEEN |
			   (source->settled ? SEAL_IDENTITY : 0);
}
