/* SPDX-License-Identifier: MIT */
#include "shim/core/entry/entry_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/text.h"
#include "shim/core/cache/layer.h"
#include "shim/core/cache/root.h"

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

void entry_magic_shown(const struct entry *entry, const uint8_t magic[4])
{
	uint32_t none = 0;

	if (*entry->world->python.magic == 0 && entry_is_own_tag(entry))
		atomic_compare_exchange_strong(
			entry->world->python.magic, &none, entry_magic_number(magic));
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

bool entry_file_is_trusted(const struct stat *st, uid_t user, bool layer)
{
	return layer ? layer_is_trusted(st, user) : st->st_uid == user;
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

enum entry_file_kind entry_file_kind(
	const struct sys *sys, int fd, const struct stat *st, struct seal *ret_seal)
{
	uint8_t bytes[SEAL_TAIL + SEAL_SIZE];
	size_t size = sizeof bytes;

	if (!S_ISREG(st->st_mode))
		return ENTRY_FILE_FOREIGN_WRITTEN;
	if (st->st_size < (off_t)size)
		size = (size_t)st->st_size;
	if (size > SEAL_SIZE &&
		sys->pread(fd, bytes, size, st->st_size - (off_t)size) == (ssize_t)size &&
		seal_read(bytes, size, (uint64_t)st->st_size, ret_seal))
		return ENTRY_FILE_SEALED;
	return sys->fgetxattr(fd, ENTRY_MARK, NULL, 0) < 0 ? ENTRY_FILE_DAMAGED
							   : ENTRY_FILE_FOREIGN_WRITTEN;
}

bool entry_file_is_ours(
	const struct entry_world *world, int fd, bool layer, struct stat *ret)
{
	return world->env.sys->fstatat(fd, "", ret, AT_EMPTY_PATH) == 0 &&
	       entry_file_is_trusted(ret, world->policy.user, layer);
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

bool entry_file_fits(const struct seal *seal, const struct source *source)
{
	return header_mtime(&seal->source.mtime) == header_mtime(&source->st.st_mtim) &&
	       (uint32_t)seal->source.size == (uint32_t)source->st.st_size;
}

void entry_file_adapt(const struct entry *entry, struct entry_file *file)
{
	const struct source *source = &entry->source;

	file->fits = entry_file_fits(&file->seal, source);
	header_patch(entry->pyc->tag, file->data, &source->st);
	file->seal.source = source->identity;
	file->seal.flags = SEAL_SOURCE | (source->settled ? SEAL_IDENTITY : 0);
}

static bool clone_blocks(const struct entry_world *world, int fd, int from)
{
	if (atomic_load_explicit(world->env.cannot_clone, memory_order_relaxed))
		return false;
	if (world->env.sys->clone(fd, from) == 0)
		return true;
	atomic_store_explicit(world->env.cannot_clone, true, memory_order_relaxed);
	return false;
}

/* Fills a new file: shares the blocks of the one the bytecode came from where the file
 * system can, else copies. */
static int fill(const struct entry_world *world, const struct entry_file *file, int fd)
{
	const struct sys *sys = world->env.sys;
	size_t size = (size_t)file->seal.pyc_size, at = 0, end = size;

	if (!file->as_is) {
		seal_write(&file->seal, file->data + size);
		end += SEAL_SIZE;
		if (clone_blocks(world, fd, file->from) &&
			sys->pwrite(fd, file->data, HEADER_MAX, 0) == HEADER_MAX)
			at = size;
	}
	return sys->pwrite(fd, file->data + at, end - at, (off_t)at) ==
			       (ssize_t)(end - at)
		       ? 0
		       : -ENOSPC;
}

static int write_new(const struct entry_world *world, const struct entry_file *file,
	const char *path, mode_t mode)
{
	const struct sys *sys = world->env.sys;
	int fd = sys->openat(AT_FDCWD, path,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int err, closed;

	if (fd < 0)
		return fd;
	err = fill(world, file, fd);
	closed = sys->close(fd); /* where a file server says that its disk is full */
	if (err == 0)
		err = closed;
	if (err < 0)
		sys->unlinkat(AT_FDCWD, path, 0);
	return err;
}

/* As importlib, which takes an object's address, we take one on the stack; forked
 * children have the same, and take the next. */
bool entry_file_temporary(const char *path, unsigned n, char *spare, size_t size)
{
	struct text text = { .data = spare, .size = size };
	const char *name = strrchr(path, '/') + 1;
	bool is_numba = pyc_parse(name, strlen(name)).kind == PYC_NUMBA;

	if (size == 0)
		return false;
	text_adds(&text, path);
	text_adds(&text, is_numba ? ".tmp." : ".");
	text_addu(&text, (unsigned long)(uintptr_t)&text + n);
	return !text.cut;
}

int entry_file_make_parent(const struct entry_world *world, char *path)
{
	char *slash = strrchr(path, '/');
	int err;

	*slash = '\0';
	err = root_make_directory(world->env.sys, path, world->policy.root_len);
	*slash = '/';
	return err;
}

static int write_temporary(const struct entry_world *world, const struct entry_file *file,
	char *path, mode_t mode, char *spare, size_t size)
{
	int err = -EEXIST;

	for (unsigned n = 0; err == -EEXIST && n < 16; n++) {
		if (!entry_file_temporary(path, n, spare, size))
			return -ENAMETOOLONG;
		err = write_new(world, file, spare, mode);
		if (err == -ENOENT && (err = entry_file_make_parent(world, path)) == 0)
			err = write_new(world, file, spare, mode);
	}
	return err;
}

static void count(
	struct counters *tally, const struct entry_file *file, const struct stat *old)
{
	off_t size = (off_t)file->seal.pyc_size + (file->as_is ? 0 : SEAL_SIZE);

	if (file->is_object)
		counters_object(tally, old, size);
	else
		counters_entry(tally, old, size, false);
}

/* Gives a new file its final name, and counts it. Mostly nothing has that name, so that
 * is tried first: it spares looking. */
static int give_name(const struct entry_world *world, const struct entry_file *file,
	const char *from, const char *to)
{
	const struct sys *sys = world->env.sys;
	bool replaces = false;
	struct stat old;
	int err = sys->rename_new(AT_FDCWD, from, AT_FDCWD, to);

	if (err < 0) {
		replaces = sys->fstatat(AT_FDCWD, to, &old, AT_SYMLINK_NOFOLLOW) == 0;
		err = sys->renameat(AT_FDCWD, from, AT_FDCWD, to);
	}
	if (err == 0)
		count(world->env.counters, file, replaces ? &old : NULL);
	return err;
}

int entry_file_put(const struct entry_world *world, const struct entry_file *file,
	char *path, mode_t mode, char *spare, size_t size, int flags)
{
	const struct sys *sys = world->env.sys;
	int err, fd = 0;

	if (world->policy.readonly)
		return -EROFS;
	err = write_temporary(world, file, path, mode, spare, size);
	if (err < 0)
		return err;
	/* Before it has its name, under which another may put another file at
	 * any time. */
	if (flags >= 0)
		fd = sys->openat(AT_FDCWD, spare, flags, 0);
	err = fd < 0 ? fd : give_name(world, file, spare, path);
	if (err == 0)
		return fd;
	sys->unlinkat(AT_FDCWD, spare, 0);
	if (flags >= 0 && fd >= 0)
		sys->close(fd);
	return err;
}

/* The pyc as an anonymous file. */
static int serve_from_memory(
	const struct entry_world *world, const struct entry_file *file, int flags)
{
	const struct sys *sys = world->env.sys;
	char name[sizeof "/proc/self/fd/" + 3 * sizeof(int)];
	struct text text = TEXT(name);
	size_t size = (size_t)file->seal.pyc_size;
	int fd = sys->memfd("pycstash"), ret;

	if (fd < 0)
		return fd;
	text_adds(&text, "/proc/self/fd/");
	text_addu(&text, (unsigned)fd);
	ret = sys->pwrite(fd, file->data, size, 0) == (ssize_t)size
		      ? sys->openat(AT_FDCWD, name, flags & ~O_NOFOLLOW, 0)
		      : -ENOSPC;
	sys->close(fd);
	return ret;
}

int entry_file_store(struct entry *entry, struct entry_file *file, int flags)
{
	const struct entry_world *world = entry->world;
	mode_t mode =
		(entry->source.st.st_mode | S_IWUSR) & 0666; /* importlib's _calc_mode */
	int fd = entry->common ? -EROFS
			       : entry_file_put(world, file, entry->path, mode,
					 entry->spare, entry->spare_size, flags);

	if (fd >= 0)
		return fd;
	return file->fits ? file->from : serve_from_memory(world, file, flags);
}
