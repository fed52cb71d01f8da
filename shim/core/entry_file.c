/* SPDX-License-Identifier: MIT */
#include "shim/core/entry_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/layer.h"
#include "shim/core/object.h"
#include "shim/core/store.h"
#include "shim/core/text.h"

/* On a file that a program wrote itself, which has no seal and is none of our business.
 */
#define OWN_XATTR "user.pycstash.own"

static uint32_t magic_number(const uint8_t magic[4])
{
	uint32_t number;

	memcpy(&number, magic, sizeof number);
	return number;
}

/* Of another interpreter's bytecode nothing can be learned about this one's. */
static bool is_own_tag(const struct entry *entry)
{
	return entry->world->tag && strcmp(entry->world->tag, entry->pyc->tag) == 0;
}

void entry_magic_shown(const struct entry *entry, const uint8_t magic[4])
{
	uint32_t none = 0;

	if (*entry->world->magic == 0 && is_own_tag(entry))
		atomic_compare_exchange_strong(
			entry->world->magic, &none, magic_number(magic));
}

bool entry_magic_is_foreign(const struct entry *entry, const uint8_t magic[4])
{
	uint32_t own = *entry->world->magic;

	return own && own != magic_number(magic) && is_own_tag(entry);
}

void entry_magic_owned(const struct entry *entry, const uint8_t magic[4])
{
	if (is_own_tag(entry))
		*entry->world->magic = magic_number(magic);
}

void entry_disclaim(const struct entry *entry, int fd)
{
	const struct sys *sys = entry->world->sys;
	struct source source = entry->source;
	struct identity origin;

	(void)source_look(&source, sys);
	origin = source_origin(&source, sys);
	(void)sys->fsetxattr(fd, OWN_XATTR, &origin, sizeof origin);
}

bool entry_file_is_own(const struct entry *entry, int fd)
{
	const struct sys *sys = entry->world->sys;
	struct identity origin;

	return sys->fgetxattr(fd, OWN_XATTR, &origin, sizeof origin) == sizeof origin &&
	       source_is_origin(&entry->source, sys, &origin);
}

/* The cache itself is closed to others; a layer need not be. */
static bool is_trusted(const struct stat *st, uid_t user, bool layer)
{
	return layer ? layer_is_trusted(st, user) : st->st_uid == user;
}

static enum entry_file_state check(
	const struct entry_world *world, int fd, bool layer, struct seal *ret_seal)
{
	const struct sys *sys = world->sys;
	uint8_t bytes[SEAL_TAIL + SEAL_SIZE];
	struct stat st;
	size_t size = sizeof bytes;

	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 ||
		!is_trusted(&st, world->user, layer))
		return ENTRY_FILE_FOREIGN;
	if (!S_ISREG(st.st_mode))
		return ENTRY_FILE_PROGRAMS_OWN;
	if (st.st_size < (off_t)size)
		size = (size_t)st.st_size;
	if (size > SEAL_SIZE &&
		sys->pread(fd, bytes, size, st.st_size - (off_t)size) == (ssize_t)size &&
		seal_read(bytes, size, (uint64_t)st.st_size, ret_seal))
		return ENTRY_FILE_SEALED;
	return sys->fgetxattr(fd, OWN_XATTR, NULL, 0) < 0 ? ENTRY_FILE_DAMAGED
							  : ENTRY_FILE_PROGRAMS_OWN;
}

enum entry_file_state entry_file_check(
	const struct entry_world *world, int fd, struct seal *ret_seal)
{
	return check(world, fd, false, ret_seal);
}

enum entry_file_state entry_file_check_layer(
	const struct entry_world *world, int fd, struct seal *ret_seal)
{
	return check(world, fd, true, ret_seal);
}

int entry_file_load(const struct entry *entry, int fd, const struct seal *seal,
	struct entry_file *ret)
{
	const struct entry_world *world = entry->world;
	size_t size = (size_t)seal->pyc_size;

	ret->data =
		scratch_take(world->scratch, world->sys, size + SEAL_SIZE, &ret->room);
	if (!ret->data)
		return -ENOMEM;
	ret->seal = *seal;
	ret->from = fd;
	ret->fits = false;
	ret->bare = NULL;
	ret->is_object = false;
	if (world->sys->pread(fd, ret->data, size, 0) == (ssize_t)size &&
		seal_covers(seal, ret->data, header_length(entry->pyc->tag)))
		return 0;
	entry_file_free(world, ret);
	return -EIO;
}

void entry_file_free(const struct entry_world *world, struct entry_file *file)
{
	scratch_give(world->scratch, world->sys, file->data, file->room);
}

bool entry_file_fits(const struct seal *seal, const struct source *source)
{
	return (uint32_t)seal->source.mtime.tv_sec ==
		       (uint32_t)source->st.st_mtim.tv_sec &&
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
	if (atomic_load_explicit(world->cannot_clone, memory_order_relaxed))
		return false;
	if (world->sys->clone(fd, from) == 0)
		return true;
	atomic_store_explicit(world->cannot_clone, true, memory_order_relaxed);
	return false;
}

/* Fills a new file: shares the blocks of the one the bytecode came from where the file
 * system can, else copies. */
static int fill(const struct entry_world *world, const struct entry_file *file, int fd)
{
	const struct sys *sys = world->sys;
	size_t size = (size_t)file->seal.pyc_size, at = 0, end = size;

	if (file->bare) {
		entry_disclaim(file->bare, fd);
	} else {
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
	const struct sys *sys = world->sys;
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

	if (size == 0)
		return false;
	text_adds(&text, path);
	text_adds(&text, ".");
	text_addu(&text, (unsigned long)(uintptr_t)&text + n);
	return !text.cut;
}

int entry_file_make_parent(const struct entry_world *world, char *path)
{
	char *slash = strrchr(path, '/');
	int err;

	*slash = '\0';
	err = store_make_directory(world->sys, path, world->root_len);
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
	struct tally *tally, const struct entry_file *file, const struct stat *old)
{
	off_t size = (off_t)file->seal.pyc_size + (file->bare ? 0 : SEAL_SIZE);

	if (file->is_object)
		tally_object(tally, old, size);
	else
		tally_entry(tally, old, size, false);
}

/* Gives a new file its final name, and counts it. Mostly nothing has that name, so that
 * is tried first: it spares looking. */
static int give_name(const struct entry_world *world, const struct entry_file *file,
	const char *from, const char *to)
{
	const struct sys *sys = world->sys;
	bool replaces = false;
	struct stat old;
	int err = sys->rename_new(AT_FDCWD, from, AT_FDCWD, to);

	if (err < 0) {
		replaces = sys->fstatat(AT_FDCWD, to, &old, AT_SYMLINK_NOFOLLOW) == 0;
		err = sys->renameat(AT_FDCWD, from, AT_FDCWD, to);
	}
	if (err == 0)
		count(world->tally, file, replaces ? &old : NULL);
	return err;
}

int entry_file_put(const struct entry_world *world, const struct entry_file *file,
	char *path, mode_t mode, char *spare, size_t size, int flags)
{
	const struct sys *sys = world->sys;
	int err, fd = 0;

	if (world->readonly)
		return -EROFS;
	err = write_temporary(world, file, path, mode, spare, size);
	if (err < 0)
		return err;
	/* Before it has its name, under which another may put another file at any time.
	 */
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
	const struct sys *sys = world->sys;
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

/* The magic number of the only folder of objects, where the interpreter has not shown its
 * own yet; 0 where there are none or several. */
static uint32_t only_magic(const struct entry *entry)
{
	const struct sys *sys = entry->world->sys;
	struct text text = { .data = entry->spare, .size = entry->spare_size };
	_Alignas(struct dirent64) char records[512];
	uint32_t magic = 0;
	unsigned found = 0;
	ssize_t n;
	int fd;

	text_add(&text, entry->path, entry->version_len);
	text_adds(&text, "/objects");
	fd = text.cut ? -ENOENT
		      : sys->openat(AT_FDCWD, text.data,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	while ((n = sys->getdents(fd, records, sizeof records)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *record = (struct dirent64 *)(records + at);

			if (object_magic(record->d_name, &magic))
				found++;
			at += record->d_reclen;
		}
	sys->close(fd);
	return found == 1 ? magic : 0;
}

char *entry_file_object(
	const struct entry *entry, const struct digest *digest, const uint8_t magic[4])
{
	const char *name = entry->path + entry->dir_len + 1;
	struct text text = { .data = entry->spare, .size = entry->spare_size };
	struct object_name object = { .digest = *digest };
	char path[OBJECT_PATH_SIZE];

	if (!entry->world->share || entry->spare_size == 0 ||
		!object_is_shareable(name, strlen(name), entry->pyc->tag, &object.level))
		return NULL;
	memcpy(object.magic, magic, sizeof object.magic);
	text_add(&text, entry->path, entry->version_len);
	text_adds(&text, "/");
	text_add(&text, path, object_path(&object, path));
	return text.cut ? NULL : text.data;
}

/* All of it at once: to look at its seal first would be one more read. */
int entry_file_load_object(
	const struct entry *entry, int fd, uint32_t magic, struct entry_file *ret)
{
	const struct entry_world *world = entry->world;
	const struct sys *sys = world->sys;
	struct entry_file file = { .from = fd };
	struct seal *seal = &file.seal;
	size_t size, end;
	struct stat st;

	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISREG(st.st_mode) ||
		!is_trusted(&st, world->user, entry->layer) || st.st_size <= SEAL_SIZE)
		return -ENOENT;
	size = (size_t)st.st_size;
	end = size < SEAL_TAIL + SEAL_SIZE ? size : SEAL_TAIL + SEAL_SIZE;
	file.data = scratch_take(world->scratch, sys, size, &file.room);
	if (!file.data)
		return -ENOMEM;
	if (sys->pread(fd, file.data, size, 0) == (ssize_t)size &&
		seal_read(file.data + size - end, end, size, seal) &&
		(seal->flags & (SEAL_SOURCE | SEAL_HASH)) == SEAL_SOURCE &&
		magic_number(seal->magic) == magic &&
		memcmp(&seal->digest, &entry->source.digest, sizeof seal->digest) == 0 &&
		seal_covers(seal, file.data, header_length(entry->pyc->tag))) {
		*ret = file;
		return 0;
	}
	entry_file_free(world, &file);
	return -ENOENT;
}

/* Opens the object of the source's content, if it is whole, and reads it. */
static int open_object(const struct entry *entry, int flags, struct entry_file *file)
{
	const struct entry_world *world = entry->world;
	uint32_t magic = is_own_tag(entry) ? *world->magic : 0;
	const char *path;
	int fd, err;

	if (!magic)
		magic = only_magic(entry);
	path = magic ? entry_file_object(
			       entry, &entry->source.digest, (const uint8_t *)&magic)
		     : NULL;
	fd = path ? world->sys->openat(AT_FDCWD, path, flags | O_NOFOLLOW, 0) : -ENOENT;
	if (fd < 0)
		return fd;
	err = entry_file_load_object(entry, fd, magic, file);
	if (err == 0)
		return fd;
	world->sys->close(fd);
	return err;
}

/* The object itself as the entry: where it was made of this very source, under another
 * name. */
static bool link_object(struct entry *entry, const struct seal *seal)
{
	const struct entry_world *world = entry->world;
	int err;

	if (world->readonly || entry->common || !(seal->flags & SEAL_IDENTITY) ||
		!identity_same(&seal->source, &entry->source.identity))
		return false;
	err = world->sys->linkat(AT_FDCWD, entry->spare, AT_FDCWD, entry->path, 0);
	if (err == -ENOENT && entry_file_make_parent(world, entry->path) == 0)
		err = world->sys->linkat(
			AT_FDCWD, entry->spare, AT_FDCWD, entry->path, 0);
	if (err == 0)
		tally_entry(world->tally, NULL, (off_t)seal->pyc_size + SEAL_SIZE, true);
	return err == 0;
}

bool entry_file_is_reusable(const struct entry *entry)
{
	const char *name = entry->path + entry->dir_len + 1;
	char level;

	return entry->world->reuse &&
	       object_is_shareable(name, strlen(name), entry->pyc->tag, &level);
}

int entry_file_reuse(struct entry *entry, const struct entry *at, int flags)
{
	const struct entry_world *world = entry->world;
	struct entry_file file;
	int fd, ret;

	if (!entry_file_is_reusable(entry) ||
		source_digest(&entry->source, world->sys, world->scratch) < 0 ||
		(world->layers_only && !at->layer))
		return -ENOENT;
	fd = open_object(at, flags, &file);
	if (fd < 0)
		return fd;
	if (!at->layer && link_object(entry, &file.seal)) {
		ret = fd;
	} else {
		entry_file_adapt(entry, &file);
		ret = entry_file_store(entry, &file, flags);
	}
	entry_file_free(world, &file);
	if (ret != fd)
		world->sys->close(fd);
	return ret;
}
