/* SPDX-License-Identifier: MIT
 *
 * Importing an archive into a cache, member by member.
 */
#include "tools/archive/import.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "tools/archive/neutral.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/cache_put.h"
#include "tools/cache/sys_libc.h"
#include "tools/pyc/inspect.h"
#include "tools/stats/totals.h"

/* --- other paths ---------------------------------------------------------------------*/

static char *map_side(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '/')
		len--;
	return alloc_part(text, len);
}

int import_add_map(struct import *import, const char *text, bool resolve)
{
	const char *equals = text[0] == '/' ? strstr(text, "=/") : NULL;
	const char *to = equals ? equals + 1 : "";
	AUTOFREE char *canonical = equals && resolve ? realpath(to, NULL) : NULL;
	struct import_map map;

	to = canonical ? canonical : to;
	map.old = map_side(text, equals ? (size_t)(equals - text) : 0);
	map.replacement = map_side(to, strlen(to));
	if (equals && (!*map.old || path_is_clean(map.old, strlen(map.old))) &&
		(!*map.replacement ||
			path_is_clean(map.replacement, strlen(map.replacement)))) {
		GROW(import->maps, import->map_count);
		import->maps[import->map_count++] = map;
		return 0;
	}
	free(map.old);
	free(map.replacement);
	complain(text, "expected OLD=NEW, two absolute directories without . and ..");
	return -EINVAL;
}

/* Where a member goes, relative to the layout folder. */
struct import_place {
	char dir[PATH_MAX], path[PATH_MAX];
	const char *name;
};

/* Writes to buf where a directory of entries goes. Returns 1 if that is a different
 * directory, 0 if it is the same, or -ENAMETOOLONG. */
static int map_dir(const struct import *import, const struct layout *item,
	const char *dir, char buf[PATH_MAX])
{
	char moved[PATH_MAX];
	size_t len, i;
	const char *source = layout_source_dir(dir, &len);

	for (i = 0; source && i < import->map_count; i++) {
		const struct import_map *map = &import->maps[i];
		size_t old = strlen(map->old);
		int n;

		if (!path_is_below(
			    source, len, *map->old ? map->old : "/", old ? old : 1))
			continue;
		n = snprintf(moved, sizeof moved, "%s%.*s", map->replacement,
			len > 1 ? (int)(len - old) : 0, source + old);
		if (n == 0)
			text_adds(&TEXT(moved), "/");
		if ((size_t)n >= sizeof moved ||
			layout_entry_dir(item->version, item->version_len, moved, buf,
				PATH_MAX) == 0)
			return -ENAMETOOLONG;
		return strcmp(buf, dir) != 0;
	}
	memcpy(buf, dir, strlen(dir) + 1); /* it fits, see archive_in */
	return 0;
}

/* The same for a member. */
static int map_member(const struct import *import, const struct archive_in *in,
	struct import_place *ret)
{
	struct text path = TEXT(ret->path);
	int moved = map_dir(import, &in->item, in->member.dir, ret->dir);

	ret->name = in->member.name;
	text_adds(&path, ret->dir);
	text_adds(&path, "/");
	text_adds(&path, ret->name);
	return path.cut ? -ENAMETOOLONG : moved;
}

/* --- what is there already -----------------------------------------------------------*/

/* Opens a file of the cache for inspection. Returns a descriptor or -errno. */
static int open_there(const struct import *import, const char *path)
{
	return import->cache ? cache_openat(import->cache, path,
				       O_RDONLY | O_NONBLOCK | O_NOATIME)
			     : -ENOENT;
}

static bool is_same_content(const struct seal *a, const struct seal *b)
{
	return memcmp(&a->digest, &b->digest, sizeof a->digest) == 0 &&
	       memcmp(a->magic, b->magic, sizeof a->magic) == 0;
}

/* Returns as stays does. */
static int is_as_good(const struct import *import, const struct layout *item, int fd,
	const char *source, const struct seal *seal)
{
	struct pyc_state there = state_of(item, fd, source, STATE_DIGEST | STATE_WHOLE);

	switch (there.state) {
	case STATE_UNKNOWN:
		if (there.error != FOLLOW_FOREIGN)
			return there.error;
		if (!there.sealed)
			return !import->force;
		/* fallthrough */
	case STATE_STALE:
	case STATE_ORPHAN:
		return !import->force && there.sealed &&
		       is_same_content(&there.seal, seal);
	case STATE_FRESH:
		return !import->force;
	case STATE_UNSEALED: /* what a program wrote itself belongs to it */
		return !import->force && !there.sealed;
	default:
		return false;
	}
}

/* Returns 1 if the existing file of that name stays; 0 if it does not, or there is none;
 * -errno if nobody could look. Sets *ret_old to its stat; st_nlink is 0 if there is no
 * such file. */
static int stays(const struct import *import, const struct import_place *place,
	const struct seal *seal, struct stat *ret_old)
{
	struct layout item = layout_parse(place->dir, place->name);
	AUTOCLOSE int fd = open_there(import, place->path);
	char source[PATH_MAX];

	*ret_old = (struct stat){ 0 };
	if (fd < 0)
		return file_is_unseen(fd) ? fd : 0;
	(void)fstat(fd, ret_old);
	if (layout_source(&item, place->name, source, sizeof source) == 0)
		source[0] = '\0';
	return is_as_good(import, &item, fd, source, seal);
}

/* --- putting -------------------------------------------------------------------------*/

/* Returns the bytes of an intact object of the cache, which the caller frees; NULL if it
 * is not one. */
static uint8_t *read_object(
	const struct import *import, const char *path, size_t *ret_size)
{
	AUTOCLOSE int fd = open_there(import, path);
	AUTOFREE char *dir = file_parent(path);
	const struct layout item = layout_parse(dir, file_name(path));
	struct pyc_state state;
	uint8_t *data = NULL;

	if (fd < 0)
		return NULL;
	state = state_of(&item, fd, NULL, STATE_WHOLE);
	*ret_size = (size_t)state.st.st_size;
	if (state.state == STATE_FRESH)
		data = alloc_array(*ret_size, 1);
	if (data && pread(fd, data, *ret_size, 0) != (ssize_t)*ret_size) {
		free(data);
		data = NULL;
	}
	return data;
}

/* Puts an entry that is a link to an object. The object was in the cache before, or was
 * put there by this import. Sets *ret_size to the size of the entry. */
static int put_link(struct import *import, const char *path,
	const struct archive_member *member, size_t *ret_size, bool *ret_linked)
{
	uint8_t *data = read_object(import, member->link, ret_size);
	const bool another = data && member->identity &&
			     neutral_put(member->dir, data, *ret_size, member->identity);
	int r = !data	  ? -ENOLINK
		: another ? -EXDEV
			  : cache_put_link(import->cache, member->link, path, true);

	*ret_linked = r == 0;
	/* The entry's source differs from the object's; or the file system has no hard
	 * links, or this file cannot have more; or the file is gone. */
	if (r == -ENOENT || r == -EMLINK || r == -EPERM || r == -EOPNOTSUPP ||
		r == -EXDEV)
		r = cache_put_file(import->cache, path, data, *ret_size);
	free(data);
	return r;
}

/* If there is no object for the entry's bytecode yet, creates it, so that other paths can
 * share the bytecode. A failure does no harm. */
static bool share(struct import *import, const struct layout *item,
	const struct import_place *place, const struct seal *seal)
{
	char object[PATH_MAX];

	return layout_object_of(item, place->name, seal, object, sizeof object) &&
	       cache_put_link(import->cache, place->path, object, false) == 0;
}

/* --- growth --------------------------------------------------------------------------*/

static void finish_version(struct import *import)
{
	struct journal_record record;

	if (!import->cache || import->uncounted ||
		!counters_take(&import->counters, &sys_libc, false, &record))
		return;
	text_adds(&TEXT(record.version), import->version);
	totals_append(import->cache->root, &record);
}

/* Members are sorted by version. Each version gets its own record. */
static void begin_version(struct import *import, const struct layout *item)
{
	struct text version = TEXT(import->version);

	if (strlen(import->version) == item->version_len &&
		memcmp(import->version, item->version, item->version_len) == 0)
		return;
	finish_version(import);
	text_add(&version, item->version, item->version_len);
	counters_begin(&import->counters, &sys_libc, getpid());
}

static void count_growth(struct import *import, const struct layout *item,
	const struct stat *old, size_t size, bool linked)
{
	const struct stat *before = old->st_nlink ? old : NULL;

	if (item->kind == LAYOUT_OBJECT)
		counters_object(&import->counters, before, (off_t)size);
	else
		counters_entry(&import->counters, before, (off_t)size, linked);
}

static int put(struct import *import, const struct archive_in *in,
	const struct import_place *place, const struct stat *old)
{
	const struct archive_member *member = &in->member;
	size_t size = member->size;
	bool linked = member->link;
	int r;

	if (import->dry_run)
		return 0;
	if (!linked && member->identity)
		(void)neutral_put(member->dir, member->data, size, member->identity);
	r = linked ? put_link(import, place->path, member, &size, &linked)
		   : cache_put_file(import->cache, place->path, member->data, size);
	if (r < 0)
		return r;
	if (!linked)
		cache_put_unused(import->cache, place->path);
	if (!member->link && share(import, &in->item, place, &in->seal)) {
		counters_object(&import->counters, NULL, (off_t)size);
		linked = true;
	}
	count_growth(import, &in->item, old, size, linked);
	return 0;
}

/* --- a member ------------------------------------------------------------------------*/

static void complain_member(const struct archive_in *in, const char *why)
{
	AUTOFREE char *path = alloc_format("%s/%s", in->member.dir, in->member.name);

	complain(path, "%s", why);
}

/* Returns true for errors that will recur with the next member. */
static bool is_final(int error)
{
	return file_is_full(error) || error == -EIO || error == -EMFILE ||
	       error == -ENFILE;
}

static int fail(struct import *import, const struct archive_in *in, int error)
{
	if (error == -ENOLINK && import->newer) { /* most likely the missing object */
		import->newer++;
		complain_member(in, "skipped: " INSPECT_NEWER
				    ", or the object that it links to is missing");
		return 0;
	}
	if (error == -ENOLINK) {
		import->damaged++;
		complain_member(in, "skipped: the object that it links to is missing");
		return 0;
	}
	complain_member(in, strerror(-error));
	import->failed++;
	return is_final(error) ? error : 0;
}

static bool can_move(const struct layout *item, const char *name)
{
	char level;

	/* The programs that load other kinds of files do not put the new path into the
	 * code objects. */
	return item->kind == LAYOUT_ENTRY &&
	       object_is_shareable(name, strlen(name), item->pyc.tag, &level);
}

static struct digest bytecode_of(const struct archive_in *in)
{
	return digest_of(in->member.data, in->seal.pyc_size);
}

/* Returns as stays does. In a dry run, what earlier packs would have brought counts as
 * there. Says so if an earlier pack's bytecode stays and is different: a check sum would
 * not tell, since it can be forged; and what was compiled here is not canonical, and may
 * differ. */
static int stays_in_pull(struct import *import, const struct archive_in *in,
	const struct import_place *place, struct stat *ret_old)
{
	struct digest there, bytecode;
	const char *pack = brought_by(*import->brought, place->path, &there);
	int r = pack && import->dry_run ? 1 : stays(import, place, &in->seal, ret_old);

	if (!pack || r <= 0)
		return r;
	bytecode = bytecode_of(in);
	if (memcmp(&there, &bytecode, sizeof there) == 0)
		return r;
	import->differing++;
	complain(in->name,
		"its %s differs from that of %s, which stays; check each pack alone",
		place->path, pack);
	return r;
}

/* Imports or skips one member. Returns 0; or -errno after reporting it if it makes no
 * sense to continue, such as -ENOSPC. */
static int take_member(struct import *import, const struct archive_in *in)
{
	const struct archive_member *member = &in->member;
	struct import_place place;
	struct stat old;
	int moved, kept, r;

	begin_version(import, &in->item);
	if (in->newer) {
		import->newer++;
		complain_member(in, "skipped: " INSPECT_NEWER "; import it with that");
		return 0;
	}
	if (in->damage) {
		import->damaged++;
		complain_member(in, in->damage);
		return 0;
	}
	moved = map_member(import, in, &place);
	if (moved < 0)
		return fail(import, in, moved);
	if (moved && !can_move(&in->item, member->name)) {
		import->bound++;
		return 0;
	}
	kept = import->brought ? stays_in_pull(import, in, &place, &old)
			       : stays(import, &place, &in->seal, &old);
	if (kept < 0) {
		(void)fail(import, in, kept);
		return 0;
	}
	if (kept) {
		import->kept++;
		return 0;
	}
	r = put(import, in, &place, &old);
	if (r < 0)
		return fail(import, in, r);
	if (import->brought)
		brought_add(import->brought, place.path, in->name, bytecode_of(in));
	import->files++;
	import->links += member->link != NULL;
	import->bytes += member->size;
	import->moved += moved;
	/* An archive does not record the mode of a pyc. */
	import->hidden += archive_is_private(&in->item, member->name, NULL);
	return 0;
}

/* A pack is taken whole or not at all: what is not in its list could not be withdrawn
 * later, and without one of its objects it would count as known all the same. */
static int check_object(const struct import *import, const struct archive_in *in)
{
	const struct archive_member *member = &in->member;
	const struct archive_object *object = &import->listed[in->seen.files - 1];
	const char *why = in->newer ? INSPECT_NEWER "; pull it with that" : in->damage;

	if (in->item.kind != LAYOUT_OBJECT || member->size != object->size ||
		strcmp(member->dir, object->dir) != 0 ||
		strcmp(member->name, object->name) != 0)
		why = "this file is not in the pack's list";
	if (!why)
		return 0;
	complain(in->name, "refused: %s/%s: %s", member->dir, member->name, why);
	return -EPERM;
}

int import_archive(struct import *import, const char *name, int fd, bool put)
{
	struct archive_in in = { 0 };
	struct progress progress;
	off_t size = lseek(fd, 0, SEEK_END);
	int r = size < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;

	r = r < 0 ? r : archive_in_begin(&in, name, fd, (uint64_t)size);
	import->announced = in.manifest;
	progress_begin(&progress, put ? "importing" : "checking", in.manifest.files);
	while (r == 0 && (r = archive_in_next(&in)) > 0) {
		r = import->listed ? check_object(import, &in) : 0;
		if (r == 0 && put)
			r = take_member(import, &in);
		if (r == 0 && interrupt_came())
			r = -EINTR;
		progress_update(&progress, in.seen.files);
	}
	progress_end(&progress);
	finish_version(import);
	import->seen = in.seen;
	import->cut_off = r == -EBADMSG;
	if (import->cut_off && put)
		complain(name, "it is truncated or damaged: %s", in.broken);
	archive_in_release(&in);
	return import->cut_off ? 0 : r;
}
