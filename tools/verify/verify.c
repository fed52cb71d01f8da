/* SPDX-License-Identifier: MIT
 *
 * Findings of a walk, and of the interpreters.
 */
#include "tools/verify/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "shim/core/cache/object.h"
#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/cache/walk.h"

/* --- findings ------------------------------------------------------------------------*/

/* What was found wrong, and with what. */
struct finding_line {
	const char *path, *source; /* absolute; source may be NULL */
	const char *kind;
	enum check_result result;
	const char *why;
	bool repaired;
};

static void print_object(const struct finding_line *line)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_schema(&json, "finding", 1);
	json_string(&json, "path", line->path);
	json_string(&json, "source", line->source);
	json_string(&json, "kind", line->kind);
	json_string(&json, "problem", check_result_names[line->result]);
	json_string(&json, "why", line->why);
	json_bool(&json, "repaired", line->repaired);
	json_close(&json);
}

static void print_finding(struct verify *verify, const struct finding_line *line)
{
	pthread_mutex_lock(&verify->output);
	if (verify->common.json) {
		print_object(line);
	} else {
		printf("%-10s ", check_result_names[line->result]);
		print_plain(stdout, line->path);
		fputs(": ", stdout);
		print_plain(stdout, line->why);
		puts(line->repaired ? "; deleted" : "");
	}
	pthread_mutex_unlock(&verify->output);
}

/* Deletes a bad file after a second look. -ESTALE: it is another by now, or only another
 * link to it has just been deleted. */
static int repair(struct verify *verify, int dirfd, const char *name,
	const struct layout *item, const struct stat *seen, const char *path)
{
	int64_t r = trash_unlink(dirfd, name, seen, &verify->freed);

	if (r >= 0) {
		verify->repaired++;
		removed_file(&verify->shrunk, verify->began, item, seen, r);
	} else if (r != -ENOENT && r != -ESTALE) {
		complain(path, "cannot be deleted: %s", strerror((int)-r));
		verify->incomplete = true;
	}
	return r < 0 ? (int)r : 0;
}

/* --- one file ------------------------------------------------------------------------*/

static void note_for_later(struct verify *verify, const struct layout *item,
	const struct check *check, const char *path, const char *source, const char *name)
{
	char level, version[64];

	/* of other names nobody knows what compiled them: pytest, typeguard */
	if (!check->sealed || !check->current ||
		!object_is_shareable(name, strlen(name), item->pyc.tag, &level))
		return;
	snprintf(version, sizeof version, "%.*s", (int)item->version_len, item->version);
	if (recompile_add(&verify->recompile, version, check->seal.magic, path, source,
		    level) < 0)
		verify->incomplete = true;
}

/* One file of the walk. */
struct visit {
	struct verify *verify;
	struct walk_dir *dir;
	const char *name;
	struct layout item;
	const char *source; /* NULL where it has none */
	struct check check;
};

/* Entry and object are often one file: where one thread deletes the one, the other's
 * ctime changes, and it is looked at again. */
static bool repair_visited(struct visit *visit, const char *path)
{
	struct verify *verify = visit->verify;
	int dirfd = visit->dir->fd, r;

	r = repair(verify, dirfd, visit->name, &visit->item, &visit->check.st, path);
	if (r == -ESTALE) {
		struct check again =
			check_file(&visit->item, dirfd, visit->name, visit->source);

		if (check_is_bad(again.result))
			r = repair(verify, dirfd, visit->name, &visit->item, &again.st,
				path);
	}
	return r == 0;
}

static void report(struct visit *visit)
{
	struct verify *verify = visit->verify;
	const struct check *check = &visit->check;
	AUTOFREE char *path = NULL;
	struct finding_line line = { .source = visit->source,
		.kind = layout_kind_names[visit->item.kind],
		.result = check->result,
		.why = check->why };

	if (asprintf(&path, "%s/" CACHE_LAYOUT "/%s%s%s", verify->cache.root,
		    visit->dir->path, *visit->dir->path ? "/" : "", visit->name) < 0) {
		path = NULL;
		verify->incomplete = true;
		return;
	}
	line.path = path;
	if (check->result == CHECK_GOOD) {
		note_for_later(
			verify, &visit->item, check, path, visit->source, visit->name);
		return;
	}
	if (verify->repair && check_is_bad(check->result))
		line.repaired = repair_visited(visit, path);
	print_finding(verify, &line);
}

static void count(struct verify *verify, const struct visit *visit)
{
	enum check_result result = visit->check.result;

	verify->results[result]++;
	if (result == CHECK_SKIPPED || result == CHECK_FOREIGN)
		return;
	verify->entries += visit->item.kind == LAYOUT_ENTRY;
	verify->objects += visit->item.kind == LAYOUT_OBJECT;
	verify->bytes += (uint64_t)visit->check.st.st_size;
}

static void look_at(struct walk_dir *dir, const struct walk_file *file)
{
	struct verify *verify = dir->context;
	struct visit visit = { .verify = verify,
		.dir = dir,
		.name = file->name,
		.item = layout_parse(dir->path, file->name) };
	char source[PATH_MAX];

	if (!select_has(&verify->select, &visit.item, dir->path, file->name))
		return;
	if (visit.item.kind == LAYOUT_ENTRY &&
		layout_source(&visit.item, dir->path, file->name, source, sizeof source))
		visit.source = source;
	visit.check = check_file(&visit.item, dir->fd, file->name, visit.source);
	count(verify, &visit);
	if (visit.check.result > CHECK_SKIPPED ||
		(verify->deep && visit.check.result == CHECK_GOOD && visit.source))
		report(&visit);
	if (dir->thread == 0)
		progress_update(&verify->progress, dir->walk->seen);
}

static bool enter(struct walk_dir *parent, const char *name)
{
	struct verify *verify = parent->context;

	return select_enters(&verify->select, parent->path, name);
}

/* --- what the interpreters say -------------------------------------------------------*/

/* Deletes the file at path, an absolute one in the cache, that `seen` is of. */
static bool repair_at(struct verify *verify, const char *path, const struct stat *seen)
{
	const char *below =
		path + strlen(verify->cache.root) + strlen("/" CACHE_LAYOUT "/");
	AUTOFREE char *dir = NULL;
	struct layout item;
	bool repaired;
	int fd;

	if (file_directory(below, &dir) < 0)
		return false;
	fd = cache_openat(&verify->cache, dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return false;
	item = layout_parse(dir, file_name(path));
	repaired = repair(verify, fd, file_name(path), &item, seen, path) == 0;
	close(fd);
	return repaired;
}

/* The object of the pyc at path, which other paths would get their bytecode from. */
static char *object_of(const struct verify *verify, const char *path)
{
	const char *below =
		path + strlen(verify->cache.root) + strlen("/" CACHE_LAYOUT "/");
	char object[OBJECT_PATH_SIZE], *ret;
	AUTOFREE char *dir = NULL;
	struct object_name name;
	struct check check;
	struct layout item;

	if (file_directory(below, &dir) < 0)
		return NULL;
	item = layout_parse(dir, file_name(path));
	check = check_file(&item, AT_FDCWD, path, NULL);
	if (!check.sealed)
		return NULL;
	name = (struct object_name){ .digest = check.seal.digest, .level = item.level };
	memcpy(name.magic, check.seal.magic, sizeof name.magic);
	object_path(&name, object);
	if (asprintf(&ret, "%s/" CACHE_LAYOUT "/%.*s/%s", verify->cache.root,
		    (int)item.version_len, item.version, object) < 0)
		return NULL;
	return ret;
}

/* Deletes a pyc that is not what it says it is, and its object. */
static bool repair_different(
	struct verify *verify, const char *pyc, const struct stat *seen)
{
	AUTOFREE char *object = object_of(verify, pyc);
	bool repaired = repair_at(verify, pyc, seen);
	struct stat st;

	if (repaired && object && lstat(object, &st) == 0)
		(void)repair_at(verify, object, &st);
	return repaired;
}

static void findings_different(void *context, const char *pyc, const char *source,
	const struct stat *seen, const char *why)
{
	struct verify *verify = context;
	struct finding_line line = { .path = pyc,
		.source = source,
		.kind = layout_kind_names[LAYOUT_ENTRY],
		.result = CHECK_DIFFERENT,
		.why = why };

	verify->results[CHECK_GOOD]--;
	verify->results[CHECK_DIFFERENT]++;
	if (verify->repair)
		line.repaired = repair_different(verify, pyc, seen);
	print_finding(verify, &line);
}

int verify_look(struct verify *verify, uint64_t *ret_failed)
{
	struct walk walk = { .cache = &verify->cache,
		.context = verify,
		.threads = verify->common.jobs,
		.enter = enter,
		.file = look_at };
	int r;

	verify->began = clock_real();
	progress_begin(&verify->progress, "verifying", 0);
	r = walk_run(&walk, "");
	progress_end(&verify->progress);
	if (verify->deep && r == 0)
		r = recompile_run(&verify->recompile, findings_different, verify,
			&verify->recompiled);
	removed_tell(&verify->shrunk, verify->cache.root);
	*ret_failed = walk.failed;
	return r;
}
