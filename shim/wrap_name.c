/* SPDX-License-Identifier: MIT
 *
 * Names: renaming and linking. (Deleting: wrap_unlink.c.)
 *
 * One name may stand for two files, the entry in the cache and an older one in the tree.
 * After a success the old name is gone, so both must be; and a file moves within the side
 * that holds it, since the other side may be on a different file system.
 */
#include "shim/wrap.h"

#include <string.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/name.h"
#include "shim/place.h"
#include "shim/process.h"
#include "shim/report.h"

/* Returns whether the cached file must not get the new name itself. An entry never leaves
 * the cache: it may be an object too, and outside the closed folder others may be able to
 * write to it; nor does a file to which a default ACL in the cache gave its rights. And
 * only a file that this thread has created for that purpose becomes an entry, or one of
 * numba's files. */
static bool must_copy(struct place *from, struct place *to, bool link)
{
	if (to->kind != PLACE_ENTRY)
		return to->kind != PLACE_DIR &&
		       (place_is_entry(from) || place_inherits(from));
	if (from->pyc.kind == PYC_TEMPORARY && pyc_names_no_source(&to->pyc) && !link)
		return !place_is_final_of(from, to) || !place_is_created(from);
	/* Where the cache is for imports alone, the program sees only the tree. */
	return from->pyc.kind != to->pyc.kind ||
	       (place_is_entry(from) && place_is_hidden(to));
}

/* Returns whether `to` lies in the directory `from`. */
static bool is_within(const struct place *from, const struct place *to)
{
	return to->cache[0] && strncmp(to->cache, from->cache, from->map.dir_len) == 0 &&
	       to->cache[from->map.dir_len] == '/';
}

/* As name_rename_over, for a file that was not just compiled. */
static int rename_cached(const struct place *from, struct place *to, int flags)
{
	int ret = name_rename_over(from, to, flags);

	if (ret == 0 && (place_is_entry(to) || to->kind == PLACE_DIR))
		place_moved(to);
	return ret;
}

static int rename_in_tree(struct place *from, struct place *to, int flags)
{
	int ret;

	/* A directory replaces no file. */
	if (place_is_caches(to) && name_is_tree_directory(from))
		return wrap_fail(flags ? EEXIST : is_within(from, to) ? EINVAL : ENOTDIR);
	ret = name_from_tree(name_rename, from, to, flags);
	if (ret < 0 || name_is_beside(from, to))
		return ret;
	/* The entries move with the directory, or are deleted. */
	if (to->kind == PLACE_DIR) {
		int saved = errno;

		place_forget(to);
		if (!place_is_hidden(from))
			(void)rename_cached(from, to, 0);
		errno = saved;
	}
	place_forget(from);
	return ret;
}

/* Returns why no directory can get that name, or 0. A directory can never be linked, but
 * before the kernel says so, it checks the new name. */
static int error_of_name(struct place *to)
{
	int err = sys_real.linkat(AT_FDCWD, "/", to->dirfd, place_find_missing(to), 0);

	return err == -EPERM || err == -EXDEV ? 0 : -err;
}

/* Returns why a pretended directory cannot be renamed to a name outside the cache. */
static int error_outside(struct place *to, int flags)
{
	int err = error_of_name(to);
	struct stat st;

	if (err == 0 && flags == RENAME_EXCHANGE)
		return ENOENT;
	if (err != EEXIST)
		return err ? err : EXDEV;
	if (flags == RENAME_NOREPLACE)
		return EEXIST;
	err = sys_real.fstatat(
		to->dirfd, place_find_missing(to), &st, AT_SYMLINK_NOFOLLOW);
	return flags || err < 0 || S_ISDIR(st.st_mode) ? EXDEV : ENOTDIR;
}

static int rename_directory(struct place *from, struct place *to, int flags)
{
	if (flags == RENAME_EXCHANGE && place_in_tree(from) && !place_is_hidden(from) &&
		(place_in_cache(from) || name_is_cached(to) ||
			(to->kind == PLACE_DIR && place_in_cache(to))))
		return wrap_fail(EINVAL);
	if (place_in_tree(from) || !place_in_cache(from) || place_is_hidden(from))
		return rename_in_tree(from, to, flags);
	if (is_within(from, to))
		return wrap_fail(EINVAL);
	if (to->kind == PLACE_DIR && place_in_tree(to)) {
		int err = error_outside(to, flags);

		return wrap_fail(err == EXDEV ? ENOTEMPTY : err);
	}
	/* Under the new name, its files would be open to all programs, and each may be an
	 * object as well. Programs fall back to copying, as they do if a directory lies
	 * on a different file system, or in a layer of overlayfs, which gives the same
	 * error. */
	if (to->kind != PLACE_DIR || place_is_exposed(to))
		return wrap_fail(error_outside(to, flags));
	return rename_cached(from, to, flags);
}

/* Returns whether it is a file of `pycstash warm`, which writes nothing to the tree. */
static bool is_for_cache_only(const struct place *temporary)
{
	return strncmp(strrchr(temporary->cache, '.'), PYC_CACHE_ONLY,
		       strlen(PYC_CACHE_ONLY)) == 0;
}

/* Puts a new pyc under its name in the tree, without a seal, if the cache has no room or
 * no right to keep it. */
static int publish_in_tree(const struct entry *entry, struct place *temporary,
	struct place *final, int flags, int why)
{
	const struct entry_copy copy = {
		.dirfd = temporary->dirfd, .path = temporary->path, .is_new = true
	};
	int err = -ENOENT, ret;

	/* -ENOENT: the program has no such directory, as in create_in_cache. */
	if (why == -ENOENT || is_for_cache_only(temporary) ||
		!place_is_refused(final, why, O_CREAT | O_EXCL))
		return wrap_fail(-why);
	for (int i = 0; err == -ENOENT && i < 2; i++) {
		if (i > 0)
			(void)place_ready_tree(temporary);
		err = entry_leave(entry->world, entry, temporary->cache, why, &copy);
	}
	if (err < 0)
		return wrap_fail(-err);
	ret = name_from_tree(name_rename, temporary, final, flags);
	err = errno;
	if (ret == 0)
		(void)sys_real.unlinkat(AT_FDCWD, temporary->cache, 0);
	else
		(void)sys_real.unlinkat(temporary->dirfd, temporary->path, 0);
	report_failure(VERDICT_NOT_CACHED, why, final->dirfd, final->path);
	errno = err;
	return ret;
}

/* After it has got its name in the cache. Returns 0. */
static int conclude(
	struct entry *entry, const struct place *temporary, const struct stat *old)
{
	entry_placed(entry, old);
	if (!is_for_cache_only(temporary))
		entry_tree_replace(entry);
	return 0;
}

static int publish_entry(
	struct entry *entry, struct place *temporary, struct place *final, int flags)
{
	enum verdict verdict;
	struct stat old;
	bool shared = false, is_new;
	int saved = errno, err;

	err = entry_seal(entry, temporary->cache, &shared, &verdict);
	/* The file is not in the cache, or in a cache that a policy forbids. */
	if (err == -ENOENT || (err < 0 && !name_is_cached(temporary)))
		return name_from_tree(name_rename, temporary, final, flags);
	report_decision(verdict, final->dirfd, final->path);
	if (err < 0)
		return publish_in_tree(entry, temporary, final, flags, err);
	/* An entry shared by many trees is code for all of them, like an object. */
	if (verdict_rows[verdict].unproven ||
		(verdict == VERDICT_SEALED && entry->common && !shared))
		return is_for_cache_only(temporary)
			       ? wrap_fail(VERDICT_ERRNO + (int)verdict)
			       : name_copy_out(name_rename, temporary, final, flags);
	if (shared)
		entry_share(entry, temporary->cache);
	/* As without the library; the shared object is served nevertheless. */
	if (name_is_tree_directory(final))
		return wrap_fail(EISDIR);
	/* Usually nothing has that name, so renaming without replacing is tried first and
	 * saves a look. */
	if (flags == 0 && !entry->common &&
		name_from_cache(name_rename, temporary->cache, final, RENAME_NOREPLACE) ==
			0)
		return conclude(entry, temporary, NULL);
	errno = saved;
	is_new = !place_find_cached(final, &old);
	err = name_rename_over(temporary, final, flags);
	if (err == 0)
		return conclude(entry, temporary, is_new ? NULL : &old);
	err = -errno;
	errno = saved;
	return publish_in_tree(entry, temporary, final, flags, err);
}

/* Puts it in the tree if an explicit compiler made it, and others will look for it there;
 * or it replaces what came with the sources; or the compiler sees only the tree. Returns
 * -1 if it belongs into the cache, or cannot be put there. Out of line, to save stack. */
static __attribute__((noinline)) int publish_explicit(
	struct entry *entry, struct place *temporary, struct place *final, int flags)
{
	int saved = errno, ret;
	bool turns_real;

	/* warm looks twice, as an explicit compiler does, if its first try fails. */
	if (!name_is_cached(temporary) || is_for_cache_only(temporary) ||
		!entry_is_explicit(entry) ||
		(!place_in_tree(final) && !entry_is_for_others(entry) &&
			!place_is_exposed(final)))
		return -1;
	turns_real = place_is_cache_only(final);
	place_open_tree(final);
	ret = name_copy_out(name_rename, temporary, final, flags);
	if (ret == 0 && turns_real)
		place_turn_real(final);
	if (ret == 0)
		report_decision(VERDICT_MADE_FOR_OTHERS, final->dirfd, final->path);
	errno = saved;
	return ret;
}

/* Puts a new pyc under its name. It is sealed here because only here is it known that the
 * file is complete, and for which source it was meant. Out of line, to save stack. */
static __attribute__((noinline)) int publish(
	struct place *temporary, struct place *final, int flags)
{
	int ret;

	(void)place_entry(final);
	ret = publish_explicit(&final->entry, temporary, final, flags);
	if (ret < 0)
		ret = publish_entry(&final->entry, temporary, final, flags);
	entry_landed(&final->entry);
	return ret;
}

/* Returns whether the name exists, as the program sees it. */
static bool is_there(struct place *place)
{
	return place_in_tree(place) ||
	       ((name_is_cached(place) ||
			(place->kind == PLACE_DIR && place_in_cache(place))) &&
		       !place_is_hidden(place));
}

/* Returns whether the name cannot be given to something else. */
static bool is_taken(struct place *place, bool exchanges)
{
	return place_in_tree(place) ||
	       (exchanges ? place_is_taken(place) : place_clear(place)) != 0 ||
	       (place->kind == PLACE_DIR && place_is_pretended(place));
}

/* A directory renamed to a pretended one replaces it if that is empty; a file does not.
 * If there is no pretended directory, __pycache__ is a name in the tree like any other.
 * Returns 0 or -errno. */
static int meet_directory(struct place *old, struct place *target, unsigned flags)
{
	struct stat st;
	int err = 0;

	if (target->kind != PLACE_DIR || (old->kind == PLACE_DIR && !place_in_tree(old)))
		return 0;
	if (place_is_pretended(target) && is_there(old)) {
		if (flags)
			return flags == RENAME_NOREPLACE ? -EEXIST : -EINVAL;
		err = sys_real.fstatat(old->dirfd, old->path, &st, AT_SYMLINK_NOFOLLOW);
		if (err == 0 && S_ISDIR(st.st_mode))
			err = place_make_empty(target);
		else
			err = is_within(target, old) ? -ENOTEMPTY : -EISDIR;
	}
	if (old->kind != PLACE_DIR)
		target->kind = PLACE_TREE;
	return err;
}

static int rename_places(struct place *old, struct place *target, unsigned flags)
{
	struct stat st, replaced;
	int ret = meet_directory(old, target, flags);
	bool is_new, copies, caches;

	if (ret < 0)
		return wrap_fail(-ret);

	/* With RENAME_NOREPLACE, a file on the other side exists to the program too. */
	if (flags && (place_is_caches(old) || place_is_caches(target)) &&
		target->kind == PLACE_ENTRY && is_there(old) &&
		is_taken(target, flags != RENAME_NOREPLACE))
		return wrap_fail(flags == RENAME_NOREPLACE ? EEXIST : EINVAL);
	if (old->kind == PLACE_DIR)
		return rename_directory(old, target, (int)flags);
	if (name_is_new_pyc(old, target))
		return publish(old, target, (int)flags);
	caches = place_is_caches(old);
	/* A file and a directory do not replace each other. */
	if (target->kind == PLACE_ENTRY && caches && name_is_tree_directory(target))
		return wrap_fail(EISDIR);
	if (!caches && name_is_tree_directory(old) && place_is_caches(target))
		return wrap_fail(ENOTDIR);
	if (!caches || !place_find_cached(old, &st)) {
		ret = name_from_tree(name_rename, old, target, (int)flags);
		if (ret == 0 && place_is_entry(old))
			place_forget(old);
		return ret;
	}
	if (flags & ~(unsigned)RENAME_NOREPLACE) /* a copy has nothing to exchange */
		return wrap_fail(EINVAL);
	is_new = !place_find_cached(target, &replaced);
	copies = must_copy(old, target, false);
	ret = copies ? name_copy_out(name_rename, old, target, (int)flags)
		     : rename_cached(old, target, (int)flags);
	if (ret == 0 && !copies && place_is_entry(target) &&
		!place_is_entry(old)) /* numba's */
		counters_entry(
			report_counters(), is_new ? NULL : &replaced, st.st_size, false);
	/* The tree's file of that name is replaced, too: it would come back when the
	 * cache's is gone. */
	if (ret == 0 && !copies && target->kind == PLACE_ENTRY &&
		!place_is_exposed(target))
		(void)sys_real.unlinkat(target->dirfd, target->path, 0);
	if (ret == 0 && place_in_tree(old))
		(void)sys_real.unlinkat(old->dirfd, old->path, 0);
	return ret;
}

static int link_places(struct place *old, struct place *target, unsigned flags)
{
	/* The kernel's own error. If the file exists by now, the link is in the tree: not
	 * in the cache, where its content would count. */
	if (!is_there(old) && !name_is_open_file(old, (int)flags))
		return name_link(old->dirfd, place_find_missing(old), target->dirfd,
			target->path, (int)flags);
	if (old->kind == PLACE_DIR && !place_in_tree(old)) {
		int err = error_of_name(target);

		return wrap_fail(is_there(target) ? EEXIST : err ? err : EPERM);
	}
	if (target->kind != PLACE_TREE && target->kind != PLACE_OTHER &&
		is_taken(target, false))
		return wrap_fail(EEXIST);
	(void)meet_directory(old, target, RENAME_NOREPLACE);
	if (!place_is_caches(old))
		return name_from_tree(name_link, old, target, (int)flags);
	/* The mark of a file without a seal says in which directory it is. */
	return must_copy(old, target, true) ||
			       (place_is_entry(old) && !name_is_beside(old, target))
		       ? name_copy_out(name_link, old, target, (int)flags)
		       : name_from_cache(name_link, old->cache, target, (int)flags);
}

/* Two places are too much for a small stack, in addition to what sealing needs. */
static int on_places(int (*act)(struct place *, struct place *, unsigned), int fromfd,
	const char *from, int tofd, const char *to, unsigned flags)
{
	struct place *places = process_take_room();
	int ret;

	if (!places)
		return wrap_fail(ENOMEM);
	place_at(&places[0], fromfd, from, PLACE_ANY);
	place_at(&places[1], tofd, to, PLACE_ANEW);
	if (!name_is_beside(&places[0], &places[1])) /* a link may have been flipped */
		place_seek(&places[0]);
	ret = act(&places[0], &places[1], flags);
	if (ret == 0 && !place_is_final_of(&places[0], &places[1]))
		place_brought(&places[1]);
	process_give_room(places);
	return ret;
}

int cached_rename(int fromfd, const char *from, int tofd, const char *to, unsigned flags)
{
	return on_places(rename_places, fromfd, from, tofd, to, flags);
}

int cached_link(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	return on_places(link_places, fromfd, from, tofd, to, (unsigned)flags);
}
