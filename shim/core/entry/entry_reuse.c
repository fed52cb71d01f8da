/* SPDX-License-Identifier: MIT
 *
 * The half of entry_file.h for objects: finding the one for a source's content, and
 * turning it into the entry.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/dirents.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/object.h"
#include "shim/core/entry/entry_file.h"

uint32_t entry_file_only_magic(const struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	struct text text = { .data = entry->spare, .size = entry->spare_size };
	struct dirents names = { .fd = -ENOENT };
	uint32_t magic = 0;
	unsigned found = 0;
	const char *name;

	text_add(&text, entry->path, entry->version_len);
	text_adds(&text, "/objects");
	if (!text.cut)
		names.fd = sys->openat(
			AT_FDCWD, text.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (names.fd < 0)
		return 0;
	while ((name = dirents_next(&names, sys)))
		found += object_magic(name, &magic);
	sys->close(names.fd);
	return found == 1 ? magic : 0;
}

char *entry_file_object(
	const struct entry *entry, const struct digest *digest, const uint8_t magic[4])
{
	const char *name = entry->path + entry->dir_len + 1;
	struct text text = { .data = entry->spare, .size = entry->spare_size };
	struct object_name object;
	char path[OBJECT_PATH_SIZE];

	if (!entry->world->policy.share || entry->spare_size == 0 ||
		!object_of(name, entry->pyc->tag, digest, magic, &object))
		return NULL;
	text_add(&text, entry->path, entry->version_len);
	text_adds(&text, "/");
	text_add(&text, path, object_path(&object, path));
	return text.cut ? NULL : text.data;
}

/* Reads all of it at once: reading the seal first would take one more read. */
int entry_file_load_object(
	const struct entry *entry, int fd, uint32_t magic, struct entry_file *ret)
{
	const struct entry_world *world = entry->world;
	const struct sys *sys = world->env.sys;
	struct entry_file file = { .from = fd };
	struct seal *seal = &file.seal;
	size_t size, end;
	struct stat st;

	if (sys->kernel_stat(fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISREG(st.st_mode) ||
		!entry_file_is_trusted(world, &st, entry->layer) ||
		st.st_size <= SEAL_SIZE || st.st_size > ENTRY_FILE_MAX)
		return -ENOENT;
	size = (size_t)st.st_size;
	end = size < SEAL_TAIL + SEAL_SIZE ? size : SEAL_TAIL + SEAL_SIZE;
	file.data = scratch_take(world->env.scratch, sys, size, &file.room);
	if (!file.data)
		return -ENOMEM;
	if (sys->pread(fd, file.data, size, 0) == (ssize_t)size &&
		seal_read(file.data + size - end, end, size, seal) &&
		seal_is_for_all(seal) && seal_is_of_release(seal, entry_release(entry)) &&
		entry_magic_number(seal->magic) == magic &&
		memcmp(&seal->digest, &entry->source.digest, sizeof seal->digest) == 0 &&
		seal_covers(seal, file.data, header_length(entry->pyc->tag))) {
		*ret = file;
		return 0;
	}
	entry_file_free(world, &file);
	return -ENOENT;
}

/* Opens the object for the source's content, and reads it if it is whole. */
static int open_object(const struct entry *entry, int flags, struct entry_file *file)
{
	const struct entry_world *world = entry->world;
	uint32_t magic = entry_is_own_tag(entry) ? *world->python.magic : 0;
	const char *path;
	int fd, err;

	if (!magic)
		magic = entry_file_only_magic(entry);
	path = magic ? entry_file_object(
			       entry, &entry->source.digest, (const uint8_t *)&magic)
		     : NULL;
	fd = path ? world->env.sys->openat(
			    AT_FDCWD, path, flags | O_NOFOLLOW | O_NONBLOCK, 0)
		  : -ENOENT;
	if (fd < 0)
		return fd;
	err = entry_file_load_object(entry, fd, magic, file);
	if (err == 0)
		return fd;
	world->env.sys->close(fd);
	return err;
}

/* Links the object itself as the entry, if it was made from this very source, under a
 * different name. */
static bool link_object(struct entry *entry, const struct seal *seal)
{
	const struct entry_world *world = entry->world;
	int err;

	if (world->policy.readonly || entry->common || !(seal->flags & SEAL_IDENTITY) ||
		!identity_equal(&seal->source, &entry->source.identity))
		return false;
	err = world->env.sys->linkat(AT_FDCWD, entry->spare, AT_FDCWD, entry->path, 0);
	if (err == -ENOENT && entry_make_parent(world, entry->path) == 0)
		err = world->env.sys->linkat(
			AT_FDCWD, entry->spare, AT_FDCWD, entry->path, 0);
	if (err == 0)
		counters_entry(world->env.counters, NULL,
			(off_t)seal->pyc_size + SEAL_SIZE, true);
	return err == 0;
}

bool entry_file_is_stock(const struct entry *entry)
{
	const char *name = entry->path + entry->dir_len + 1;
	char level;

	return object_is_shareable(name, strlen(name), entry->pyc->tag, &level);
}

bool entry_file_is_reusable(const struct entry *entry)
{
	return entry->world->policy.share && !entry->world->policy.compiles &&
	       entry_file_is_stock(entry);
}

int entry_file_reuse(struct entry *entry, const struct entry *at, int flags)
{
	const struct entry_world *world = entry->world;
	struct entry_file file;
	int fd, ret;

	if (!entry_file_is_reusable(entry) ||
		source_digest(&entry->source, world->env.sys, world->env.scratch) < 0 ||
		entry->source.own_codec || (world->policy.layers_only && !at->layer))
		return -ENOENT;
	fd = open_object(at, flags, &file);
	if (fd < 0)
		return fd;
	if (!at->layer && link_object(entry, &file.seal)) {
		ret = fd;
	} else {
		entry_file_adapt(entry, &file);
		ret = entry_write_or_serve(entry, &file, flags);
	}
	entry_file_free(world, &file);
	if (ret != fd)
		world->env.sys->close(fd);
	return ret;
}
