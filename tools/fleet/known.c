/* SPDX-License-Identifier: MIT
 *
 * The records of packs.
 */
#include "tools/fleet/known.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/object.h"
#include "shim/core/stats/journal.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/whole_file.h"

#define PACKS CACHE_STATE "/" CACHE_STATE_PACKS
#define PART ".part"
#define WITHDRAWN ".withdrawn"
/* In bytes, of all records: those of half a million objects. */
#define RECORDS_MOST ((off_t)64 << 20)

/* Opens the folder of the records, and creates it if needed. Returns a descriptor or
 * -errno. */
static int open_folder(const struct cache *cache)
{
	AUTOCLOSE int state = cache_open_private(cache, CACHE_STATE);

	return state < 0 ? state : cache_open_private(cache, PACKS);
}

bool known_has(const struct cache *cache, const char *name)
{
	AUTOFREE char *path = alloc_format(PACKS "/%s", name);
	AUTOCLOSE int fd = cache_openat(cache, path, O_PATH);

	return fd >= 0;
}

/* Writes a list of a pack's objects, or of paths. In a layer, which is open to others,
 * its users read it. */
static int write_record(const struct cache *cache, int folder, const char *name,
	const struct pack *pack, const struct names *paths)
{
	struct whole_file file;
	int r = folder < 0 ? folder : whole_file_begin(&file, folder, name, 0644);

	for (size_t i = 0; r == 0 && pack && i < pack->count; i++)
		fprintf(file.out, "%s/%s %" PRIu64 "\n", pack->objects[i].dir,
			pack->objects[i].name, pack->objects[i].size);
	for (size_t i = 0; r == 0 && paths && i < paths->count; i++)
		fprintf(file.out, "%s\n", paths->list[i]);
	if (r == 0)
		r = whole_file_publish(&file);
	if (r < 0)
		complain(cache->root, "pack %s cannot be recorded as known: %s", name,
			strerror(-r));
	return r;
}

int known_begin(const struct cache *cache, const char *name, const struct pack *pack)
{
	AUTOCLOSE int folder = open_folder(cache);
	AUTOFREE char *part = alloc_format("%s" PART, name);

	return write_record(cache, folder, part, pack, NULL);
}

int known_add(const struct cache *cache, const char *name, const struct pack *pack)
{
	AUTOCLOSE int folder = open_folder(cache);
	AUTOFREE char *part = alloc_format("%s" PART, name);
	int r = write_record(cache, folder, name, pack, NULL);

	if (r == 0) /* if it stays, it is in the way of nothing */
		(void)unlinkat(folder, part, 0);
	return r;
}

int known_withdraw(const struct cache *cache, const char *name, const struct names *paths)
{
	AUTOCLOSE int folder = open_folder(cache);
	AUTOFREE char *withdrawn = alloc_format("%s" WITHDRAWN, name);
	int r = write_record(cache, folder, withdrawn, NULL, paths);

	return r < 0 ? r : known_add(cache, name, &(struct pack){ 0 });
}

void known_forget(const struct cache *cache)
{
	AUTOCLOSE int folder = open_folder(cache);

	for (char **names = file_names(dup(folder)); names && *names; names++)
		(void)unlinkat(folder, *names, 0);
}

/* --- the objects of packs ------------------------------------------------------------*/

static bool is_object(char *path)
{
	char *slash = strrchr(path, '/');
	bool is;

	if (!slash)
		return false;
	*slash = '\0';
	is = layout_parse(path, slash + 1).kind == LAYOUT_OBJECT;
	*slash = '/';
	return is;
}

/* Adds what the lines of a record name. Returns whether all of them name an object. */
static bool add_lines(FILE *in, struct names *paths)
{
	/* Of a longer line, which is not one of ours, it takes several pieces. */
	char line[JOURNAL_VERSION_SIZE + OBJECT_PATH_SIZE +
		  sizeof "/ 18446744073709551615\n"];
	bool all = true;

	while (fgets(line, sizeof line, in)) {
		char *end = strpbrk(line, " \n");

		if (end)
			*end = '\0';
		if (end && is_object(line))
			names_add(paths, alloc_copy(line));
		else
			all = false;
	}
	return all && !ferror(in);
}

/* Reads a record of not more than *left bytes. Returns as paths_of does. */
static int add_paths(
	const struct cache *cache, const char *name, struct names *paths, off_t *left)
{
	AUTOFREE char *record = alloc_format(CACHE_STATE_PACKS "/%s", name);
	AUTOFCLOSE FILE *in = cache_read_state(cache, record, *left);
	bool all;

	if (!in) {
		complain(cache->root, "the record of pack %s is not read: %s", name,
			strerror(errno));
		return -EBADMSG;
	}
	all = add_lines(in, paths);
	*left -= ftello(in);
	if (!all)
		complain(cache->root,
			"the record of pack %s has lines that are not understood, and are skipped",
			name);
	return all ? 0 : -EBADMSG;
}

/* Returns whether the file is a record of the pack of that name, or of any that was not
 * withdrawn if it is NULL. */
static bool is_record(const char *file, const char *name)
{
	const size_t len = PACK_NAME_SIZE - 1;

	if (strlen(file) < len)
		return false;
	if (name && (strlen(name) != len || memcmp(file, name, len) != 0))
		return false;
	return !file[len] || strcmp(file + len, PART) == 0 ||
	       (name && strcmp(file + len, WITHDRAWN) == 0);
}

/* As known_list, without layers. name NULL: in all packs that were not withdrawn. */
static int paths_of(const struct cache *cache, const char *name, struct names *ret)
{
	int folder = cache_openat(cache, PACKS, O_RDONLY | O_DIRECTORY);
	char **packs = folder < 0 ? NULL : file_names(folder);
	const int error = folder < 0 ? -folder : errno;
	off_t left = RECORDS_MOST;
	int r = 0;

	*ret = (struct names){ 0 };
	if (!packs && error != ENOENT) {
		complain(cache->root, "the records of packs cannot be read: %s",
			strerror(error));
		r = -EBADMSG;
	}
	for (; packs && *packs; packs++)
		if (is_record(*packs, name) && add_paths(cache, *packs, ret, &left) < 0)
			r = -EBADMSG;
	names_sort(ret);
	return r;
}

int known_list(const struct cache *cache, const char *name, struct names *ret)
{
	struct cache layer;
	int r = paths_of(cache, name, ret), any = r;

	for (size_t i = 0; !ret->count && cache_open_layer(&layer, i) == 0; i++) {
		r = paths_of(&layer, name, ret);
		any = r < 0 ? r : any;
		cache_close(&layer);
	}
	return ret->count ? r : any;
}

static bool is_new(const struct archive_object *object, void *known)
{
	AUTOFREE char *path = alloc_format("%s/%s", object->dir, object->name);

	return !names_has(known, path);
}

void known_drop(const struct cache *cache, struct pack *pack)
{
	struct names known;

	(void)paths_of(cache, NULL, &known);
	pack_filter(pack, is_new, &known);
}
