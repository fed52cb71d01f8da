/* SPDX-License-Identifier: MIT
 *
 * Listing a `__pycache__` that both the tree and the cache have: the tree's names, then
 * those that only the cache has. Of the latter, those that an open would not find (stale
 * bytecode) are left out, so that a program can open all that it was shown; and so is all
 * that is left over from a deleted directory of sources, and bytecode whose source is
 * gone: it may be that of another directory, which others must not get with a copy of
 * this one.
 *
 * Only a listing by path shows both. A program that lists a descriptor (shutil.rmtree)
 * goes on to delete through that descriptor, which does not lead to the cache. To it, the
 * directory is empty when the tree's is; to a program that has listed the path it is not.
 */
#include "shim/wrap.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "shim/calls.h"
#include "shim/core/base/dirents.h"
#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "shim/place.h"
#include "shim/process.h"

struct listing {
	DIR *cache;
	struct text
		path; /* of the tree's directory, with a slash; then of a name in it */
	char room[2 * PATH_MAX];
	struct dirents names; /* for cached_has_shown */
};

/* The open listings, found by the program's DIR, which only one thread uses at a time. If
 * all slots are taken, further listings show the tree alone. */
static struct {
	DIR *_Atomic dir;
	struct listing *listing;
} slots[16];
#define SLOTS_END (slots + sizeof slots / sizeof *slots)

atomic_uint list_count;

/* Which directories were listed by path: hashes of their paths in the cache. If two share
 * a slot, both count as listed, since what was shown must not be deleted. */
static _Atomic uint64_t listed[1024];

/* Which names the last listing left out, since their source is gone: hashes of their
 * paths. Of two that share a slot, one counts as shown. */
static _Atomic uint64_t left_out[sizeof listed / sizeof *listed];

static _Atomic uint64_t *slot_for(_Atomic uint64_t *table, uint64_t hash)
{
	return &table[hash % (sizeof listed / sizeof *listed)];
}

static __typeof__(&slots[0]) slot_of(DIR *dir)
{
	for (__auto_type slot = slots; slot < SLOTS_END; slot++)
		if (atomic_load_explicit(&slot->dir, memory_order_acquire) == dir)
			return slot;
	return NULL;
}

static bool take_slot(DIR *dir, struct listing *listing)
{
	for (__auto_type slot = slots; slot < SLOTS_END; slot++) {
		DIR *none = NULL;

		if (atomic_compare_exchange_strong(&slot->dir, &none, dir)) {
			slot->listing = listing;
			list_count++;
			return true;
		}
	}
	return false;
}

static struct listing *make_listing(struct place *place)
{
	struct listing *listing = sys_real.map(sizeof *listing);

	if (!listing)
		return NULL;
	listing->path =
		(struct text){ .data = listing->room, .size = sizeof listing->room };
	text_adds(&listing->path, place_show(place));
	text_adds(&listing->path, "/");
	place_hide(place);
	return listing;
}

static void add_cache(struct place *place, DIR *dir)
{
	struct listing *listing = make_listing(place);
	const uint64_t hash = place_hash(place);

	if (!listing)
		return;
	listing->cache = real.opendir(place->cache);
	if (listing->cache && take_slot(dir, listing)) {
		*slot_for(listed, hash) = hash;
		return;
	}
	if (listing->cache)
		(void)real.closedir(listing->cache);
	sys_real.unmap(listing, sizeof *listing);
}

static bool shows_more(struct place *place)
{
	return place_in_cache(place) && !place_is_exposed(place) &&
	       (place->map.ephemeral.len || !place_drop_leftover(place));
}

/* Opens the path found for the place, and adds the cache's names to the listing. */
static DIR *open_found(struct place *place, const char *found)
{
	DIR *dir = real.opendir(found);
	int saved;

	if (dir && place->kind == PLACE_DIR && found == place->cache &&
		!dir_is_known(dirfd(dir))) {
		(void)real.closedir(dir);
		place_turn_real(place);
		found = place->path;
		dir = real.opendir(found);
	}
	saved = errno;
	if (place->kind == PLACE_DIR) {
		process_browses();
		place_note_look(place);
	}
	if (dir && place->kind == PLACE_DIR && found == place->path && shows_more(place))
		add_cache(place, dir);
	errno = saved;
	return dir;
}

DIR *cached_opendir(const char *path)
{
	return WITH_PLACE(
		real.opendir(path), open_found(place, place_find(place, AT_FDCWD, path)));
}

/* Out of line, to save stack in its caller. If the directory is closed, nothing counts as
 * missing, since nobody could open it. */
static __attribute__((noinline)) bool is_missing(int dirfd, const char *name)
{
	struct stat st;

	return sys_real.fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == -ENOENT;
}

/* Returns whether an open finds the name, and a listing shows it: this one (lists), or
 * else the last one. A source that was there then may have been moved since. */
static bool is_found(struct listing *listing, const char *name, bool lists)
{
	const size_t len = listing->path.len;
	bool sourceless = false, found, out;
	_Atomic uint64_t *slot;
	uint64_t hash;

	text_adds(&listing->path, name);
	hash = path_hash(listing->room, listing->path.len);
	slot = slot_for(left_out, hash);
	found = cached_finds(listing->room, &sourceless);
	out = lists ? sourceless : *slot == hash;
	if (lists)
		*slot = out ? hash : 0;
	listing->path.len = len;
	return found && !out;
}

/* Returns whether the name is in the cache alone, and is shown. */
static bool is_more(DIR *dir, struct listing *listing, const char *name)
{
	return name[0] != '.' && is_missing(dirfd(dir), name) &&
	       is_found(listing, name, true);
}

void cached_show_tree(struct place *place)
{
	uint64_t hash = place_hash(place);

	(void)atomic_compare_exchange_strong(slot_for(listed, hash), &hash, 0);
}

bool cached_has_shown(struct place *place)
{
	struct listing *listing;
	struct dirents *names;
	const char *name;
	bool found = false;

	if (!*slot_for(listed, place_hash(place)) || !(listing = make_listing(place)))
		return false;
	names = &listing->names;
	names->fd = sys_real.openat(AT_FDCWD, place->cache,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	while (names->fd >= 0 && !found && (name = dirents_next(names, &sys_real)))
		found = name[0] != '.' && is_found(listing, name, false);
	if (names->fd >= 0)
		sys_real.close(names->fd);
	sys_real.unmap(listing, sizeof *listing);
	return found;
}

/* The plain calls on 32-bit machines return entries with an inode and an offset of 4
 * bytes each, so all later fields are 8 bytes nearer. */
static const struct dirent *rest_of(const struct dirent *entry, bool wide)
{
	return (const void *)((const char *)entry -
			      (wide ? 0 : 2 * (sizeof(off_t) - sizeof(long))));
}

static struct dirent *read_next(DIR *dir, bool wide)
{
	return wide ? real.readdir64(dir) : real.readdir(dir);
}

struct dirent *cached_readdir(DIR *dir, bool wide)
{
	__auto_type slot = slot_of(dir);
	struct dirent *entry;
	int saved = errno;

	errno = 0;
	entry = read_next(dir, wide);
	if (entry || errno || !slot) {
		errno = errno ? errno : saved;
		return entry;
	}
	while ((entry = read_next(slot->listing->cache, wide)))
		if (is_more(dir, slot->listing, rest_of(entry, wide)->d_name))
			break;
	errno = saved;
	return entry;
}

void cached_rewinddir(DIR *dir)
{
	__auto_type slot = slot_of(dir);

	if (slot)
		real.rewinddir(slot->listing->cache);
	real.rewinddir(dir);
}

int cached_closedir(DIR *dir)
{
	__auto_type slot = slot_of(dir);

	if (slot) {
		(void)real.closedir(slot->listing->cache);
		sys_real.unmap(slot->listing, sizeof *slot->listing);
		atomic_store_explicit(&slot->dir, NULL, memory_order_release);
		list_count--;
	}
	return real.closedir(dir);
}

struct scanned {
	struct dirent **list;
	size_t count, size;
};

static bool keep_name(struct scanned *names, const struct dirent *entry, size_t size)
{
	struct dirent **more, *copy;

	if (names->count == names->size) {
		more = realloc(names->list, (2 * names->size + 64) * sizeof *more);
		if (!more)
			return false;
		names->list = more;
		names->size = 2 * names->size + 64;
	}
	copy = malloc(size);
	if (!copy)
		return false;
	memcpy(copy, entry, size);
	names->list[names->count++] = copy;
	return true;
}

/* scandir of an open directory, which this closes. */
static int scan(DIR *dir, bool wide, struct dirent ***ret, scandir_filter *filter,
	scandir_order *order)
{
	struct scanned names = { .list = NULL };
	struct dirent *entry;
	bool ok = true;

	while (ok && (entry = cached_readdir(dir, wide)))
		ok = (filter && !filter(entry)) ||
		     keep_name(&names, entry, rest_of(entry, wide)->d_reclen);
	(void)cached_closedir(dir);
	if (!ok) {
		while (names.count)
			free(names.list[--names.count]);
		free(names.list);
		return -1;
	}
	if (order && names.count)
		qsort(names.list, names.count, sizeof *names.list,
			(int (*)(const void *, const void *))order);
	*ret = names.list;
	return (int)names.count;
}

static int scan_found(int dirfd, const char *found, bool wide, struct dirent ***ret,
	scandir_filter *filter, scandir_order *order)
{
	if (wide)
		return dirfd == AT_FDCWD
			       ? real.scandir64(found, ret, filter, order)
			       : real.scandirat64(dirfd, found, ret, filter, order);
	return dirfd == AT_FDCWD ? real.scandir(found, ret, filter, order)
				 : real.scandirat(dirfd, found, ret, filter, order);
}

/* Opens the directory if both the tree and the cache have it, else returns NULL. */
static DIR *open_both(struct place *place, int dirfd, const char *path)
{
	int saved = errno;
	DIR *dir;

	if (place_find(place, dirfd, path) != place->path || place->kind != PLACE_DIR ||
		!shows_more(place))
		return NULL;
	dir = real.opendir(place_show(place));
	place_hide(place);
	if (dir)
		add_cache(place, dir);
	errno = saved;
	return dir;
}

int cached_scandir(int dirfd, const char *path, bool wide, struct dirent ***ret,
	scandir_filter *filter, scandir_order *order)
{
	DIR *dir = WITH_PLACE(NULL, open_both(place, dirfd, path));

	return dir ? scan(dir, wide, ret, filter, order)
		   : WITH_PLACE(scan_found(dirfd, path, wide, ret, filter, order),
			     scan_found(dirfd, place_find(place, dirfd, path), wide, ret,
				     filter, order));
}
