/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h that finds bytecode for a source.
 */
#include "shim/core/entry/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "shim/core/base/timestamp.h"
#include "shim/core/entry/entry_file.h"

/* The state of a search for an entry. */
struct search {
	struct entry *entry;
	int flags;
	int rejected; /* a file that Python will itself find stale, or an error: if
			 nothing better is found, this is what the program would get
			 without us */
	bool shown;   /* stat shows a file that is not served, for which other bytecode
			 must not stand unless an import asks */
	struct timespec outdated; /* when the entry was written, if it is not served:
				     without us that would have replaced the tree's pyc;
				     else zeros */
	enum verdict *verdict;
};

/* Returns whether the directory of the sources is the root directory. */
static bool is_at_root(const struct entry *entry)
{
	return !entry->common &&
	       entry->dir_len == entry->version_len + strlen("/tree/" PYCACHE);
}

/* importlib drops the slash of a source in the root directory: its bytecode has a path
 * without a directory, as that of a source in the working directory has. */
bool entry_begin(struct entry *entry, size_t room, const char *dir, size_t dir_len)
{
	size_t used = strlen(entry->path) + 1, len;
	struct text text = { .data = entry->path + used, .size = room - used };
	const char *name = entry->path + entry->dir_len + 1;
	const bool bare = dir_len == 0 && entry->tree_dirfd == AT_FDCWD;

	if (room - used < 2)
		return false;
	text_add(&text, bare ? "/" : dir, bare ? 1 : dir_len);
	len = pyc_source(entry->pyc, name, text.data + text.len, text.size - text.len);
	if (text.cut || len == 0)
		return false;
	text.len += len;
	entry->at_root = bare && !is_at_root(entry) ? text.data : NULL;
	entry->source = (struct source){ .dirfd = entry->tree_dirfd,
		.path = text.data + (entry->at_root ? 1 : 0) };
	entry->spare = text.data + text.len + 1;
	entry->spare_size = text.size - text.len - 1;
	return true;
}

static int found(struct search *search, int fd, enum verdict id)
{
	*search->verdict = id;
	return fd;
}

static int absent(struct search *search, int fd, enum verdict id)
{
	if (fd >= 0)
		search->entry->world->env.sys->close(fd);
	*search->verdict = id;
	return -ENOENT;
}

/* An object that becomes an entry keeps its mtime. Its ctime may be later than when that
 * was, which costs one compilation. */
static void note_outdated(struct search *search, int fd)
{
	struct stat st;

	if (search->entry->world->env.sys->fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
		timestamp_before(&search->outdated, &st.st_ctim))
		search->outdated = st.st_ctim;
}

/* Passes over a file that a program has written under the entry's name. Why it does not
 * count does not matter: it has taken the place of what the tree had before. */
static int pass_over(struct search *search, int fd, enum verdict id)
{
	note_outdated(search, fd);
	return absent(search, fd, id);
}

/* Remembers a file that Python will itself find stale. */
static int reject(struct search *search, int fd, enum verdict id)
{
	if (search->rejected >= 0)
		search->entry->world->env.sys->close(search->rejected);
	search->rejected = fd;
	*search->verdict = id;
	return -ENOENT;
}

/* Serves a file by Python's own rules: only its place says what it belongs to. */
static int found_unproven(struct search *search, int fd, enum verdict id)
{
	if (!entry_is_placed(search->entry, fd, id))
		return pass_over(search, fd, VERDICT_MISS_REPLACED);
	*search->verdict = id;
	return fd;
}

/* Writes the same bytecode for the source's present identity, so that Python accepts it
 * and the next open needs no digest. */
static int renew(struct search *search, int fd, const struct seal *seal)
{
	struct entry *entry = search->entry;
	const struct entry_world *world = entry->world;
	struct entry_file file;
	int renewed;

	if (entry_file_load(entry, fd, seal, &file) < 0)
		return pass_over(search, fd, VERDICT_MISS_DAMAGED);
	entry_file_adapt(entry, &file);
	renewed = entry_write_or_serve(entry, &file, search->flags);
	entry_file_free(world, &file);
	if (renewed < 0)
		return pass_over(search, fd, VERDICT_MISS_NOT_RESEALED);
	if (renewed == fd)
		return found(search, fd, VERDICT_HIT_SAME_CONTENT);
	world->env.sys->close(fd);
	return found(search, renewed, VERDICT_HIT_RESEALED);
}

/* How often, in seconds, an entry is re-sealed if its source's identity differs at each
 * start. */
#define RESEAL_S 86400

/* Returns whether an entry is served by content, without a new seal, although its source
 * has a different identity. The next start may find yet another identity: that of another
 * hard link to the source (environments that are created and deleted), or the one seen by
 * another host that shares the cache. Otherwise each start would write all entries
 * again. */
static bool may_stay(struct search *search, int fd, const struct seal *seal)
{
	const struct source *source = &search->entry->source;
	const struct sys *sys = search->entry->world->env.sys;
	bool another_fs = seal->source.fs && source->identity.fs != seal->source.fs;
	struct timespec now;
	struct stat st;

	if (!entry_file_fits(seal, source) || !(seal->flags & SEAL_IDENTITY) ||
		(source->st.st_nlink == 1 && !another_fs) ||
		sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return false;
	sys->clock(&now);
	return now.tv_sec - st.st_mtim.tv_sec < RESEAL_S;
}

/* Serves a sealed file or not, according to the verdict on it. */
static int conclude(
	struct search *search, int fd, const struct seal *seal, enum verdict id)
{
	struct entry *entry = search->entry;

	/* cp compares the file that it opens with the one that lstat has shown it. */
	if (id == VERDICT_HIT_RESEALED &&
		(may_stay(search, fd, seal) || !entry_is_import(entry)))
		id = VERDICT_HIT_SAME_CONTENT;
	if (id == VERDICT_HIT_RESEALED)
		return renew(search, fd, seal);
	if (id == VERDICT_HIT_NO_SOURCE || id == VERDICT_HIT_OWN)
		return found_unproven(search, fd, id);
	return verdict_serves(id) ? found(search, fd, id) : pass_over(search, fd, id);
}

/* Returns whether an error of opening the entry means to the program only that there is
 * no entry. */
static __attribute__((noinline)) bool is_no_entry(struct entry *entry, int err)
{
	const struct sys *sys = entry->world->env.sys;
	struct stat st;
	bool none;

	if (err == -EACCES)
		return !entry_is_closed(sys, entry->path, entry->dir_len, O_RDONLY);
	if (err != -ENOTDIR)
		return err == -ENOENT;
	entry->path[entry->dir_len] = '\0';
	none = sys->fstatat(AT_FDCWD, entry->path, &st, 0) < 0;
	entry->path[entry->dir_len] = '/';
	return none;
}

/* An entry with another magic number. If nothing better is found, a program that is no
 * interpreter gets it: what it has read may have shown it any number. An interpreter
 * finds the file stale by itself. */
static int conclude_magic(struct search *search, int fd, const struct seal *seal)
{
	enum verdict id = entry_judge(search->entry, seal);

	note_outdated(search, fd);
	return verdict_rows[id].group == VERDICT_GROUP_HIT && !verdict_rows[id].unproven
		       ? reject(search, fd, VERDICT_MISS_MAGIC)
		       : absent(search, fd, VERDICT_MISS_MAGIC);
}

static int try_entry(struct search *search, int fd)
{
	struct entry *entry = search->entry;
	const struct entry_world *world = entry->world;
	struct seal seal;
	enum verdict why;

	if (fd < 0) {
		*search->verdict = VERDICT_MISS_NO_ENTRY;
		return is_no_entry(entry, fd) ? -ENOENT : fd;
	}
	why = entry_why_not(entry, fd, false, &seal);
	if (why == VERDICT_HIT_OWN)
		(void)source_look(&entry->source, world->env.sys);
	else if (why == VERDICT_MISS_MAGIC)
		return conclude_magic(search, fd, &seal);
	else if (why == VERDICT_MISS_FOREIGN)
		return absent(search, fd, why);
	else if (why)
		return pass_over(search, fd, why);
	else
		why = entry_judge(entry, &seal);
	if (!entry_is_shown_stale(entry, &seal, why))
		return conclude(search, fd, &seal, why);
	note_outdated(search, fd);
	search->shown = true;
	return entry_is_given_stale(entry, &seal) ? reject(search, fd, why)
						  : absent(search, fd, why);
}

/* Tries the file that a layer has for the same path. It is served as it is if the
 * source's identity proves it; if only the content does, it becomes an entry of the
 * user's own. */
static int try_layer(struct search *search, const struct entry *at)
{
	const struct entry_world *world = at->world;
	int fd = world->env.sys->openat(
		AT_FDCWD, at->path, search->flags | O_NOFOLLOW | O_NONBLOCK, 0);
	struct seal seal;
	enum verdict why;

	if (fd < 0)
		return -ENOENT;
	why = entry_why_not(at, fd, true, &seal);
	if (why)
		return absent(search, fd, why);
	fd = conclude(search, fd, &seal, entry_judge_elsewhere(search->entry, &seal));
	if (fd < 0)
		return fd;
	return found(search, fd,
		*search->verdict == VERDICT_HIT_RESEALED ? VERDICT_RESEALED_LAYER
							 : VERDICT_HIT_LAYER);
}

/* Out of line, like try_objects: a hit needs no room for a second entry. */
static __attribute__((noinline)) int try_layers(struct search *search)
{
	struct entry at;
	size_t n = 0;
	int fd = -ENOENT;

	while (fd < 0 && entry_layer_next(search->entry, &n, &at))
		fd = try_layer(search, &at);
	return fd;
}

/* A pyc in the tree that is valid by Python's own rules is served as it is. */
static int try_tree(struct search *search)
{
	struct entry *entry = search->entry;
	const struct sys *sys = entry->world->env.sys;
	int fd = entry->world->policy.looks ? -ENOENT
					    : sys->openat(entry->tree_dirfd,
						      entry->tree_path, search->flags, 0);
	struct header header;
	bool bad, fits, seen;

	/* Bytecode in the tree that cannot be opened counts as missing (root's, with a
	 * closed mode, a loop of links); if there is no other, or the program has looked
	 * at it, the program gets the error. */
	if (fd < 0) {
		bad = fd != -ENOENT && fd != -ENOTDIR;
		search->shown |= bad;
		if (bad)
			(void)source_recall(
				&entry->source, sys, entry->world->env.recent);
		return search->rejected == -ENOENT || (bad && !entry_is_import(entry))
			       ? reject(search, fd, *search->verdict)
			       : -ENOENT;
	}
	header = entry_tree_header(entry, fd);
	/* A pyc that Python would replace must not get in the way, or it would stay there
	 * for ever. */
	bad = header.kind == HEADER_BAD;
	if (!bad && entry_is_interpreters_own(entry))
		entry_magic_shown(entry, header.magic);
	seen = source_recall(&entry->source, sys, entry->world->env.recent) ||
	       entry->source.seen;
	fits = seen && entry_tree_may_fit(&header, &entry->source);
	if (!fits && source_look(&entry->source, sys) < 0)
		return found(search, fd, VERDICT_IN_TREE);
	fits |= entry_tree_may_fit(&header, &entry->source);
	if (fits && !entry_tree_is_doubtful(entry, &search->outdated, fd, &header))
		return found(search, fd, VERDICT_IN_TREE);
	/* An import would run it. A loader of its own, too; but that sees that the entry
	 * which it has written under this name since does not fit. */
	if (fits ? entry_has_calls_of_import(entry) ||
				(entry_is_for_own_loader(entry) &&
					timestamp_is_set(&search->outdated))
		 : !bad && !entry_refuses(entry, &header))
		return absent(search, fd, VERDICT_MISS_CHANGED);
	search->shown = true;
	return reject(search, fd, bad ? VERDICT_MISS_DAMAGED : VERDICT_MISS_CHANGED);
}

static __attribute__((noinline)) int try_layers_objects(struct search *search)
{
	struct entry *entry = search->entry, at;
	int fd = -ENOENT;
	size_t n = 0;

	while (fd < 0 && entry_layer_next(entry, &n, &at))
		fd = entry_file_reuse(entry, &at, search->flags);
	return fd < 0 ? fd : found(search, fd, VERDICT_REUSED_LAYER);
}

/* Tries bytecode that other paths have left for sources of the same content. */
static __attribute__((noinline)) int try_objects(struct search *search)
{
	int fd = entry_file_reuse(search->entry, search->entry, search->flags);

	return fd < 0 ? try_layers_objects(search) : found(search, fd, VERDICT_REUSED);
}

/* Returns whether the program gets what it was shown, or nothing. */
static bool is_kept(const struct search *search)
{
	return search->shown && !entry_has_calls_of_import(search->entry);
}

/* Tries bytecode for the source's content; if there is none, settles the source that is
 * about to be compiled. */
static int try_content(struct search *search)
{
	struct entry *entry = search->entry;
	const struct entry_env *env = &entry->world->env;
	int fd = -ENOENT;

	if (!entry_has_calls_of_import(entry) || !entry_file_is_reusable(entry))
		(void)source_settle(&entry->source, env->sys, env->clock);
	else if (source_read(&entry->source, env->sys, env->clock, env->recent,
			 env->scratch) == 0)
		fd = try_objects(search);
	/* An interpreter would have compiled it, and renamed that over the tree's. */
	if (fd >= 0 && !entry->world->policy.readonly && entry->world->python.writes &&
		entry_is_own_tag(entry))
		entry_tree_replace(entry);
	return fd < 0 ? -ENOENT : fd;
}

/* Another process may be compiling the same source at this moment. */
static __attribute__((noinline)) int try_flight(struct search *search)
{
	struct entry *entry = search->entry;
	int64_t waited = entry_flight_join(entry);
	int fd = -ENOENT;

	if (waited == 0)
		return -ENOENT;
	fd = try_entry(search, entry->world->env.sys->openat(AT_FDCWD, entry->path,
				       search->flags | O_NONBLOCK, 0));
	if (fd == -ENOENT)
		fd = try_content(search);
	if (fd >= 0)
		entry_flight_found(entry, waited);
	return fd;
}

static int search_for(struct search *search, int candidate)
{
	int fd = try_entry(search, candidate);
	bool tree_first;

	if (fd != -ENOENT)
		return fd;
	tree_first = entry_is_looked_at(search->entry);
	if (tree_first)
		fd = try_tree(search);
	if (fd == -ENOENT && !is_kept(search))
		fd = try_layers(search);
	if (fd == -ENOENT && !tree_first)
		fd = try_tree(search);
	if (fd == -ENOENT)
		fd = try_content(search);
	if (fd == -ENOENT && !is_kept(search))
		fd = try_flight(search);
	if (fd == -ENOENT)
		entry_pending_note(search->entry);
	return fd;
}

int entry_open(struct entry *entry, int candidate, int flags, enum verdict *verdict)
{
	struct search search = {
		.entry = entry, .flags = flags, .rejected = -ENOENT, .verdict = verdict
	};
	int fd;

	*verdict = VERDICT_MISS_NO_ENTRY;
	entry_pending_is_over(entry->world);
	fd = search_for(&search, candidate);
	if (fd == -ENOENT)
		return search.rejected;
	/* Python may still compile: after a loop of links, say, or if the file is no
	 * bytecode. */
	if (fd < 0 || *verdict == VERDICT_HIT_OWN)
		entry_pending_settle(entry);
	else
		entry_pending_served(entry);
	if (search.rejected >= 0)
		entry->world->env.sys->close(search.rejected);
	return fd;
}
