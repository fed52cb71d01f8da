/* SPDX-License-Identifier: MIT
 *
 * The records of packs.
 */
#include "tools/fleet/known.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/hash.h"
#include "tools/base/message.h"
#include "tools/base/whole_file.h"

#define PACKS "packs"

/* Opens the folder of the records, and creates it if needed. Returns a descriptor or
 * -errno. */
static int open_folder(const struct cache *cache)
{
	int state = cache_open_private(cache, CACHE_STATE), fd = -1;

	if (state < 0)
		return state;
	if (mkdirat(state, PACKS, 0700) == 0 || errno == EEXIST)
		fd = openat(
			state, PACKS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fd = fd < 0 ? -errno : fd;
	close(state);
	return fd;
}

bool known_has(const struct cache *cache, const char *name)
{
	AUTOFREE char *path = alloc_format(CACHE_STATE "/" PACKS "/%s", name);
	int fd = cache_openat(cache, path, O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int record(const struct cache *cache, const char *name, const struct pack *pack)
{
	int folder = open_folder(cache), r;
	struct whole_file file;

	if (folder < 0)
		return folder;
	r = whole_file_begin(&file, folder, name, 0600);
	for (size_t i = 0; r == 0 && i < pack->count; i++)
		fprintf(file.out, "%s/%s %" PRIu64 "\n", pack->objects[i].dir,
			pack->objects[i].name, pack->objects[i].size);
	if (r == 0)
		r = whole_file_publish(&file);
	close(folder);
	return r;
}

int known_add(const struct cache *cache, const char *name, const struct pack *pack)
{
	int r = record(cache, name, pack);

	if (r < 0)
		complain(cache->root, "it cannot be recorded that pack %s is known: %s",
			name, strerror(-r));
	return r;
}

void known_forget(const struct cache *cache, const char *name)
{
	int folder = open_folder(cache);
	DIR *dir = folder < 0 ? NULL : fdopendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!name || strcmp(name, entry->d_name) == 0)
			(void)unlinkat(folder, entry->d_name, 0);
	if (dir)
		closedir(dir);
}

int known_read(const struct cache *cache, const char *name, struct pack *pack)
{
	AUTOFREE char *path = alloc_format(CACHE_STATE "/" PACKS "/%s", name);
	int fd = cache_openat(cache, path, O_RDONLY | O_NONBLOCK);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	char object[512];
	uint64_t size;

	*pack = (struct pack){ 0 };
	if (!in)
		return fd < 0 ? fd : -errno;
	while (fscanf(in, "%511s %" SCNu64 "\n", object, &size) == 2 &&
		pack_add(pack, object, size) == 0)
		continue;
	fclose(in);
	return 0;
}

/* --- all packs -----------------------------------------------------------------------*/

struct known_object {
	UT_hash_handle hh;
	char path[];
};

static void add_pack(
	const struct cache *cache, const char *name, struct known_object **objects)
{
	struct pack pack;

	if (known_read(cache, name, &pack) < 0)
		return;
	for (size_t i = 0; i < pack.count; i++) {
		AUTOFREE char *path =
			alloc_format("%s/%s", pack.objects[i].dir, pack.objects[i].name);
		struct known_object *known = NULL;

		HASH_FIND_STR(*objects, path, known);
		if (known)
			continue;
		known = alloc_array(1, sizeof *known + strlen(path) + 1);
		memcpy(known->path, path, strlen(path) + 1);
		HASH_ADD_STR(*objects, path, known);
	}
	pack_release(&pack);
}

static struct known_object *all_objects(const struct cache *cache)
{
	struct known_object *objects = NULL;
	int fd = cache_openat(cache, CACHE_STATE "/" PACKS, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strlen(entry->d_name) == PACK_NAME_SIZE - 1)
			add_pack(cache, entry->d_name, &objects);
	if (dir)
		closedir(dir);
	return objects;
}

struct known_object *known_objects_of(const struct cache *cache, const char *name)
{
	struct known_object *objects = NULL;

	if (strlen(name) == PACK_NAME_SIZE - 1 &&
		strspn(name, "0123456789abcdef") == PACK_NAME_SIZE - 1)
		add_pack(cache, name, &objects);
	return objects;
}

bool known_object_find(const struct known_object *objects, const char *path)
{
	struct known_object *known = NULL;

	HASH_FIND_STR(objects, path, known);
	return known;
}

static bool is_new(const struct archive_object *object, void *known)
{
	AUTOFREE char *path = alloc_format("%s/%s", object->dir, object->name);

	return !known_object_find(known, path);
}

void known_drop(const struct cache *cache, struct pack *pack)
{
	struct known_object *known = all_objects(cache);

	pack_filter(pack, is_new, known);
	known_objects_release(known);
}

void known_objects_release(struct known_object *objects)
{
	struct known_object *known, *next;

	HASH_ITER (hh, objects, known, next) {
		HASH_DEL(objects, known);
		free(known);
	}
}
