/* SPDX-License-Identifier: MIT */
#include "tools/verify/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "shim/core/cache/object.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/message.h"
#include "tools/cache/walk.h"
#include "tools/pyc/state.h"

/* --- findings ------------------------------------------------------------------------*/

void verify_print(struct verify *verify, const struct verify_finding *finding)
{
	pthread_mutex_lock(&verify->output);
	verify_finding_print(finding, verify->common.json);
	pthread_mutex_unlock(&verify->output);
}

/* Returns where the path of a file of the cache goes on below the layout folder. */
static const char *below_layout(const struct verify *verify, const char *path)
{
	return path + strlen(verify->cache.root) + strlen("/" CACHE_LAYOUT "/");
}

/* Splits the absolute path of a file of the cache. *ret_dir is its directory below the
 * layout folder, for the caller to free; the returned layout points into it. */
static struct layout layout_at(
	const struct verify *verify, const char *path, char **ret_dir)
{
	*ret_dir = file_parent(below_layout(verify, path));
	return layout_parse(*ret_dir, file_name(path));
}

/* Deletes a file if it is still the one of that stat, and notes that it is gone. */
static int64_t delete_file(
	struct verify *verify, const char *path, const struct stat *seen)
{
	AUTOFREE char *dir = NULL;
	struct layout item = layout_at(verify, path, &dir);
	AUTOCLOSE int fd = cache_openat(&verify->cache, dir, O_RDONLY | O_DIRECTORY);
	int64_t r = fd < 0 ? fd : trash_unlink(fd, file_name(path), seen, &verify->freed);

	if (r >= 0)
		removed_file(&verify->removed, verify->began, &item, seen, r);
	return r;
}

int verify_repair(struct verify *verify, const char *path, const struct stat *seen)
{
	int64_t r = S_ISDIR(seen->st_mode)
			    ? trash_move(&verify->cache, below_layout(verify, path),
				      verify->began, 0, &verify->freed)
			    : delete_file(verify, path, seen);

	if (r >= 0) {
		verify->repaired++;
		verify->trashed |= S_ISDIR(seen->st_mode);
	} else if (r != -ENOENT && r != -ESTALE && r != -EINTR) {
		complain(path, "cannot be deleted: %s", strerror((int)-r));
		verify->incomplete = true;
	}
	return r < 0 ? (int)r : 0;
}

/* --- one file of the walk ------------------------------------------------------------*/

struct visit {
	struct verify *verify;
	struct walk_dir *dir;
	const char *name, *path; /* path: absolute */
	struct layout item;
	const char *source; /* NULL if it has none */
	struct pyc_state state;
	enum verify_result result;
};

/* Returns whether a name of that directory can only be a folder of entries. */
static bool is_folders_name(const struct walk_dir *dir, const char *name)
{
	return dir->layout.version_len && !dir->layout.source &&
	       strcmp(name, PYCACHE) == 0;
}

static enum verify_result result_of(const struct visit *visit)
{
	const struct pyc_state *state = &visit->state;
	const mode_t mode = state->st.st_mode;

	if (state->error == -ENOENT) /* it has vanished */
		return VERIFY_SKIPPED;
	/* The library follows a link to files that are not looked at here. A program may
	 * write where bytecode lies, and wait at a pipe. */
	if (S_ISLNK(mode) ||
		(mode && !S_ISREG(mode) &&
			(visit->item.source_dir || visit->item.kind != LAYOUT_FOREIGN)))
		return VERIFY_DAMAGED;
	if (mode && !S_ISDIR(mode) && is_folders_name(visit->dir, visit->name) &&
		state->st.st_uid == geteuid())
		return VERIFY_DAMAGED;
	if (state->state == STATE_FOREIGN)
		return VERIFY_FOREIGN;
	if (state->error)
		return VERIFY_UNREADABLE;
	if (state->state == STATE_DAMAGED)
		return VERIFY_DAMAGED;
	if (!state->sealed || state->state == STATE_UNSEALED)
		return VERIFY_SKIPPED;
	if (state->state == STATE_UNKNOWN)
		return VERIFY_UNCHECKED;
	return state->wrong ? VERIFY_WRONG : VERIFY_GOOD;
}

/* Returns whether an interpreter can check the file's code, and sets *ret_level. It
 * cannot if the name is not one that the stock import system writes (pytest's,
 * typeguard's), since what compiled it is unknown; nor if no source is proven. */
static bool is_compilable(const struct visit *visit, char *ret_level)
{
	*ret_level = visit->item.object.level;
	return visit->state.sealed && seal_is_proven(&visit->state.seal) &&
	       (visit->item.kind == LAYOUT_OBJECT ||
		       object_is_shareable(visit->name, strlen(visit->name),
			       visit->item.pyc.tag, ret_level));
}

/* Returns whether it is an entry whose source is missing, or has other content than the
 * one it is sealed for. That may come back. Or another file may come to its place by
 * which the library knows the source, and which nobody here has seen: by a rename of a
 * directory, a link, or a mount. */
static bool is_without_source(const struct visit *visit)
{
	return visit->item.kind == LAYOUT_ENTRY && !visit->state.current;
}

/* Returns whether it lies beside bytecode under a name that is none of the version
 * folder's, where other programs may find it. */
static bool is_stray(const struct visit *visit)
{
	return visit->item.kind == LAYOUT_FOREIGN && visit->item.source_dir;
}

/* With --deep, a file that cannot be compiled again does not count as good. What is
 * sealed by a newer pycstash may be served by that. Another user's file never is. */
static void look_deep(struct visit *visit)
{
	const enum layout_kind kind = visit->item.kind;
	const struct pyc_state *state = &visit->state;
	bool unchecked = false;
	char level;

	if (kind != LAYOUT_ENTRY && kind != LAYOUT_OBJECT && kind != LAYOUT_PROGRAMS &&
		!is_stray(visit))
		return;
	if (visit->result == VERIFY_FOREIGN)
		unchecked = state->st.st_uid == geteuid();
	else if (visit->result == VERIFY_GOOD || visit->result == VERIFY_SKIPPED)
		unchecked = !state->error &&
			    (!is_compilable(visit, &level) || is_without_source(visit));
	if (unchecked)
		visit->result = VERIFY_UNCHECKED;
}

static void look(struct visit *visit)
{
	visit->state = state_at(&visit->item, visit->dir->fd, visit->name, visit->source,
		STATE_WHOLE | STATE_PROVE);
	if (visit->state.error == FOLLOW_FOREIGN) /* the file itself was read */
		visit->state.error = 0;
	visit->result = result_of(visit);
	if (visit->verify->deep)
		look_deep(visit);
}

/* Returns whether it is an entry that --deep could not check and that is not served now,
 * or only to ephemeral trees or by way of another user's link, so that it is worth no
 * more than a compile. */
static bool is_outdated(const struct visit *visit)
{
	const enum state state = visit->state.state;

	return visit->verify->deep && visit->result == VERIFY_UNCHECKED &&
	       visit->state.sealed && is_without_source(visit) &&
	       (state == STATE_STALE || state == STATE_ORPHAN || state == STATE_UNKNOWN ||
		       state == STATE_UNSEALED ||
		       (visit->source && layout_is_common(visit->source)));
}

static bool is_to_delete(const struct visit *visit)
{
	return visit->verify->repair &&
	       (verify_finding_is_bad(visit->result) || is_outdated(visit));
}

/* Deletes the file. An entry and its object are often one file: if another thread
 * deletes one name, the ctime of the other changes, and the file is checked again. */
static bool repair_visited(struct visit *visit)
{
	int r = verify_repair(visit->verify, visit->path, &visit->state.st);

	if (r == -ESTALE) {
		look(visit);
		if (is_to_delete(visit))
			r = verify_repair(visit->verify, visit->path, &visit->state.st);
	}
	return r == 0;
}

static void report(struct visit *visit)
{
	const struct pyc_state *state = &visit->state;
	struct verify_finding finding = { .path = visit->path,
		.source = visit->source,
		.kind = visit->item.kind,
		.result = visit->result,
		.why = visit->result == VERIFY_UNREADABLE ? strerror(-state->error)
		       : visit->result == VERIFY_WRONG
			       ? "it would be served for a source with other content"
		       : S_ISLNK(state->st.st_mode)
			       ? "a link; what it leads to is not checked"
		       : S_ISDIR(state->st.st_mode) ? "a folder in the place of bytecode"
		       : is_folders_name(visit->dir, visit->name)
			       ? "a file in the place of a folder"
			       : state->why };

	if (is_to_delete(visit))
		finding.repaired = repair_visited(visit);
	verify_print(visit->verify, &finding);
}

/* Hands a good file over to the interpreters. */
static int note_for_deep(struct visit *visit)
{
	struct verify *verify = visit->verify;
	const struct pyc_state *state = &visit->state;
	const struct seal *seal = &state->seal;
	AUTOFREE char *version = NULL;
	char level;

	if (!is_compilable(visit, &level))
		return 0;
	version = alloc_part(visit->item.version, visit->item.version_len);
	if (visit->item.kind == LAYOUT_ENTRY)
		return recompile_add(&verify->recompile, version, seal, visit->path,
			visit->source, level);
	sources_add(&verify->finder, version, visit->path, seal, level);
	return 0;
}

static void count(const struct visit *visit)
{
	struct verify *verify = visit->verify;

	verify->results[visit->result]++;
	if (visit->result == VERIFY_SKIPPED || visit->result == VERIFY_FOREIGN)
		return;
	verify->entries += visit->item.kind == LAYOUT_ENTRY;
	verify->objects += visit->item.kind == LAYOUT_OBJECT;
	verify->bytes += (uint64_t)visit->state.st.st_size;
}

/* Decides what to do about a file that was looked at. */
static void conclude(struct visit *visit)
{
	struct verify *verify = visit->verify;
	AUTOFREE char *path =
		verify_finding_path(verify->cache.root, visit->dir, visit->name);

	visit->path = path;
	if (is_to_delete(visit) && !verify_finding_is_bad(visit->result) &&
		repair_visited(visit))
		visit->result = VERIFY_SKIPPED;
	count(visit);
	if (is_outdated(visit))
		verify->outdated++;
	if (visit->result == VERIFY_SKIPPED ||
		(visit->result == VERIFY_UNCHECKED && !is_stray(visit)) ||
		(visit->result == VERIFY_GOOD && !verify->deep))
		return;
	if (visit->result != VERIFY_GOOD)
		report(visit);
	else if (note_for_deep(visit) < 0)
		verify->incomplete = true;
}

void verify_mode(struct walk_dir *dir, const char *name, bool to_tree)
{
	struct verify *verify = dir->context;
	int r = *name ? modes_look(&verify->modes, dir->fd, name, to_tree)
		      : modes_look_at_folder(&verify->modes, dir->fd, to_tree);
	AUTOFREE char *path = NULL;

	if (r == 0)
		return;
	path = verify_finding_path(verify->cache.root, dir, name);
	complain(path, "its mode cannot be looked at or changed: %s", strerror(-r));
	verify->incomplete = true;
}

bool verify_closed(struct walk_dir *parent, const char *name)
{
	const struct verify *verify = parent->context;

	verify_mode(parent, name, verify->deep && is_folders_name(parent, name));
	return verify->repair;
}

static void begin(struct walk_dir *dir)
{
	const struct verify *verify = dir->context;

	if (*dir->path) /* else verify_kinds_look has seen it */
		verify_mode(dir, "", verify->deep && dir->layout.source);
}

static void visit_name(struct walk_dir *dir, const char *name, const struct layout *item)
{
	struct visit visit = {
		.verify = dir->context, .dir = dir, .name = name, .item = *item
	};
	char source[PATH_MAX];

	if (layout_source(item, name, source, sizeof source))
		visit.source = source;
	look(&visit);
	conclude(&visit);
}

static bool enter(struct walk_dir *parent, const char *name)
{
	struct verify *verify = parent->context;
	struct layout item = layout_parse_in(&parent->layout, name);

	if (item.kind != LAYOUT_FOREIGN && select_has(&verify->select, &item, name))
		visit_name(parent, name, &item);
	return select_enters(&verify->select, parent->path, name);
}

static void look_at(struct walk_dir *dir, const struct walk_file *file)
{
	struct verify *verify = dir->context;
	struct layout item = layout_parse_in(&dir->layout, file->name);
	bool in_way = file->type == DT_LNK || is_folders_name(dir, file->name);

	if (!*dir->path && cache_is_private(file->name))
		return; /* verify_kinds_look has seen it */
	if (!(in_way && select_enters(&verify->select, dir->path, file->name)) &&
		!select_has(&verify->select, &item, file->name))
		return;
	/* First: with --repair, what V may not read is looked at. */
	if (verify->deep && (dir->layout.source || item.kind == LAYOUT_OBJECT))
		verify_mode(dir, file->name, true);
	visit_name(dir, file->name, &item);
}

/* --- what the interpreters find ------------------------------------------------------*/

/* Deletes a pyc whose code differs from its source's, and the object that would pass
 * the code on to other paths. Returns true if the pyc is gone. */
static bool repair_different(struct verify *verify, const struct layout *item,
	const char *pyc, const struct stat *seen)
{
	struct pyc_state state = state_at(item, AT_FDCWD, pyc, NULL, 0);
	int r = state.error ? verify_finding_unseen(pyc, state.error, &verify->incomplete)
			    : verify_repair(verify, pyc, seen);
	char below[PATH_MAX], object[2 * PATH_MAX];
	struct stat st;

	if (r < 0 && r != -ENOENT)
		return false;
	if (state.sealed && layout_object_of(item, file_name(pyc), &state.seal, below,
				    sizeof below)) {
		snprintf(object, sizeof object, "%s/" CACHE_LAYOUT "/%s",
			verify->cache.root, below);
		if (lstat(object, &st) == 0)
			(void)verify_repair(verify, object, &st);
		else
			(void)verify_finding_unseen(object, -errno, &verify->incomplete);
	}
	return true;
}

static void found_different(void *context, const char *pyc, const char *source,
	const struct stat *seen, const char *why)
{
	struct verify *verify = context;
	AUTOFREE char *dir = NULL;
	struct layout item = layout_at(verify, pyc, &dir);
	struct verify_finding finding = { .path = pyc,
		.source = source,
		.kind = item.kind,
		.result = VERIFY_DIFFERENT,
		.why = why };

	verify->results[VERIFY_GOOD]--;
	verify->results[VERIFY_DIFFERENT]++;
	if (verify->repair)
		finding.repaired = repair_different(verify, &item, pyc, seen);
	verify_print(verify, &finding);
}

/* Prints a line with a number, unless that is 0. */
static void tell(const struct verify *verify, uintmax_t number, const char *what)
{
	if (number)
		complain(verify->cache.root, "not checked: %ju %s", number, what);
}

static void tell_unchecked(const struct verify *verify)
{
	tell(verify, verify->results[VERIFY_UNCHECKED] - verify->outdated,
		"files, since it is not known what compiled them, or from which source");
	tell(verify, verify->outdated,
		"entries, since their sources are missing, have other content, are behind a link of another user, or are not proven; --repair deletes them");
}

static void tell_modes(const struct verify *verify)
{
	if (verify->repair)
		return;
	tell(verify, verify->modes.writable,
		"files or folders, since others may write to them by their modes, which they may keep in the tree; --repair changes these");
	tell(verify, verify->modes.inherited,
		"folders, since the rights of others to what is made in them are those of a default ACL, whatever programs give; --repair removes it, and what is there is yours alone then");
	tell(verify, verify->modes.closed,
		"files or folders, since their modes keep you from reading or changing them; --repair changes these");
}

static int compile_again(struct verify *verify)
{
	uint64_t unknown = 0;
	int r = sources_find(
		&verify->finder, &verify->cache, &verify->recompile, &unknown);

	tell_unchecked(verify);
	if (r == 0)
		r = recompile_run(&verify->recompile);
	tell(verify, unknown, "pycs, since no source with their content was found");
	unknown += verify->recompile.uncompared;
	verify->results[VERIFY_GOOD] -= unknown + verify->recompile.gone;
	verify->results[VERIFY_UNCHECKED] += unknown;
	verify->results[VERIFY_SKIPPED] += verify->recompile.gone;
	return r;
}

/* --- all together --------------------------------------------------------------------*/

int verify_run(struct verify *verify, uint64_t *ret_failed)
{
	struct walk walk = { .cache = &verify->cache,
		.context = verify,
		.doing = "verifying",
		.threads = verify->common.jobs,
		.enter = enter,
		.closed = verify_closed,
		.begin = begin,
		.file = look_at };
	int r;

	verify->recompile.different = found_different;
	verify->recompile.context = verify;
	if (verify->deep)
		recompile_begin(&verify->recompile);
	r = walk_run(&walk, "");
	tell_modes(verify);
	tell(verify, verify->deep ? 0 : verify->results[VERIFY_UNCHECKED],
		"entries against their sources, since links of another user, which are not followed, lead there");
	if (verify->deep && r == 0)
		r = compile_again(verify);
	if (verify->trashed)
		(void)trash_reclaim(&verify->cache, 0, &verify->freed);
	removed_tell(&verify->removed, verify->cache.root);
	*ret_failed = walk.failed;
	return r;
}
