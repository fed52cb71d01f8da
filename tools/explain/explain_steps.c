/* SPDX-License-Identifier: MIT
 *
 * Adds the steps that show which files exist: the source, its entry, the tree's pyc,
 * its object.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/object.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/cache/layout.h"
#include "tools/explain/explain_search.h"
#include "tools/pyc/state.h"

static void see_source(struct explain_search *search)
{
	const struct source *source = &search->source;
	const char *path = search->subject->source, *problem = NULL, *todo = NULL;

	if (search->error == FOLLOW_FOREIGN) {
		problem = follow_why(search->error);
		todo = "name the file itself: pycstash does not follow other users' links to sources";
	} else if (search->error < 0 && search->error != -EINVAL &&
		   !file_is_absent(search->error)) {
		problem = follow_why(search->error);
		todo = "check its permissions: Python cannot read it";
	} else if (!source->there) {
		problem =
			"there is no such file, and Python imports nothing without the source";
		todo = "check the name: there is no such source";
	} else if (!source->digested) {
		problem = "it cannot be read";
		todo = "check its permissions: Python cannot read it";
	} else if (!explain_is_py(search)) {
		problem =
			"its name does not end in .py, so Python imports it only with a program's own loader";
		todo = "nothing: Python caches only files that it imports and whose names end in .py, and never a script that it runs";
	}
	search->explanation->unfit = todo;
	if (problem)
		STEP(search, WARN, "source", "%s: %s", path, problem);
	else
		STEP(search, OK, "source", "%s: %lld bytes", path,
			(long long)source->st.st_size);
}

/* A file that may exist in the cache and in each layer. */
struct explain_file {
	const char *step, *layer_step; /* the names of the steps */
	struct layout item;
	const char *below;  /* its path below the layout folder */
	const char *source; /* of an entry; NULL for an object */
};

/* Returns whether another release of the interpreter has compiled it, which matters if
 * its content alone vouches for it. */
static bool is_of_another_release(
	const struct explain_search *search, const struct pyc_state *state, bool object)
{
	return state->state == STATE_FRESH && state->sealed &&
	       (object || state->touched) &&
	       !seal_is_of_release(&state->seal, search->subject->release);
}

static void see_state(struct explain_search *search, const char *step, const char *path,
	const struct pyc_state *state, bool object)
{
	const char *why = state->error ? follow_why(state->error) : state->why;

	if (file_is_absent(state->error))
		STEP(search, WARN, step, "there is none at %s", path);
	else if (is_of_another_release(search, state, object))
		STEP(search, WARN, step, "%s: %s", path,
			verdict_why(VERDICT_MISS_RELEASE));
	else
		findings_add(&search->explanation->steps,
			state->state == STATE_FRESH ? FINDING_OK : FINDING_WARN, step,
			"%s: %s%s%s", path, state_name(state->state), why ? ", " : "",
			why ? why : "");
}

static void see_in(struct explain_search *search, const struct explain_file *file,
	const char *root, bool layer)
{
	AUTOFREE char *path = alloc_format("%s/" CACHE_LAYOUT "/%s", root, file->below);
	struct pyc_state state = state_at(&file->item, AT_FDCWD, path, file->source,
		STATE_DIGEST | STATE_WHOLE | (layer ? STATE_LAYER : 0));

	see_state(search, layer ? file->layer_step : file->step, path, &state,
		!file->source);
}

/* Looks in the cache, then in the layers in order. A layer counts only if it can be
 * trusted. */
static void see_file(struct explain_search *search, const struct explain_file *file)
{
	const char *layer;
	size_t len;

	if (search->store != ROOT_REFUSED)
		see_in(search, file, search->config.root, false);
	for (size_t n = 0; (layer = config_layer(search->config.layers, n, &len)); n++) {
		char at[PATH_MAX];
		enum verdict why;

		/* a path that is cut off here does not exist */
		snprintf(at, sizeof at, "%.*s", (int)len, layer);
		why = layer_judge(&search->sys, geteuid(), at, sizeof at);
		if (why == VERDICT_NONE)
			see_in(search, file, at, true);
		else if (file->source)
			STEP(search, WARN, file->layer_step, "%s: %s", *at ? at : "/",
				verdict_rows[why].why);
	}
}

static void see_entry(struct explain_search *search)
{
	const char *below =
		search->path + search->config.root_len + strlen("/" CACHE_LAYOUT "/");
	const char *end = search->path + search->map.dir_len;
	AUTOFREE char *dir = alloc_part(below, (size_t)(end - below));
	const struct explain_file file = { .step = "entry",
		.layer_step = "layer",
		.item = layout_parse(dir, search->name),
		.below = below,
		.source = search->subject->source };

	see_file(search, &file);
}

/* Returns whether the library has not served a pyc of the tree that Python accepts: it
 * looks there before it looks for an object. */
static bool is_doubtful(const struct explanation *explanation)
{
	const enum verdict verdict = explanation->verdict;

	return !explanation->alone &&
	       (verdict == VERDICT_MISS_CHANGED || verdict == VERDICT_REUSED ||
		       verdict == VERDICT_REUSED_LAYER);
}

/* Returns whether Python accepts the tree's pyc. */
static bool see_tree(struct explain_search *search)
{
	struct explanation *explanation = search->explanation;
	const char *pyc = explanation->pyc, *why, *known;
	AUTOCLOSE int fd = search->sys.openat(AT_FDCWD, pyc, O_RDONLY | O_CLOEXEC, 0);
	bool absent = fd == -ENOENT; /* the tree needs no pyc */
	enum header_kind kind;

	if (fd < 0) {
		findings_add(&explanation->steps, absent ? FINDING_OK : FINDING_WARN,
			"in-tree", "%s: %s", pyc,
			absent ? "there is none" : follow_why(fd));
		return false;
	}
	why = explain_rejects(search, fd, &kind);
	known = kind == HEADER_HASH ? "hash-based, and Python takes it"
				    : "its header has the source's time and size";
	if (why)
		STEP(search, WARN, "in-tree", "%s: Python does not take it, since %s",
			pyc, why);
	else if (is_doubtful(explanation))
		STEP(search, WARN, "in-tree",
			"%s: %s, but it may be of an earlier version, so it is not served",
			pyc, known);
	else
		STEP(search, OK, "in-tree", "%s: %s, so %s", pyc, known,
			explanation->alone
				? "Python takes it"
				: "it is served unless the cache has a valid entry");
	if (explanation->alone)
		explanation->rejected = why;
	return !why;
}

/* Returns why there is no object to search for. Returns NULL if there is one, and its
 * name in *ret. */
static const char *why_no_object(
	const struct explain_search *search, struct object_name *ret)
{
	if (!search->config.share)
		return "PYCSTASH_SHARE=0";
	if (!search->source.digested)
		return "the source cannot be read";
	if (search->source.own_codec)
		return "its encoding may be one that the program defines";
	if (!object_of(search->name, search->subject->tag, &search->source.digest,
		    (const uint8_t *)&search->magic, ret))
		return "pycs of this name are not shared";
	return search->magic ? NULL
			     : "the interpreter is not known; name one with --python";
}

static void see_object(struct explain_search *search)
{
	const char *version =
		search->path + search->config.root_len + strlen("/" CACHE_LAYOUT "/");
	const char *end = search->path + search->map.version_len;
	struct explain_file file = { .step = "object",
		.layer_step = "layer object",
		.item = { .kind = LAYOUT_OBJECT,
			.version = version,
			.version_len = (size_t)(end - version) } };
	const char *why = why_no_object(search, &file.item.object);
	char below[PATH_MAX];

	if (why) {
		STEP(search, WARN, file.step, "not searched: %s", why);
	} else if (layout_object_path(version, file.item.version_len, &file.item.object,
			   below, sizeof below)) {
		file.below = below;
		see_file(search, &file);
	}
}

void explain_see(struct explain_search *search)
{
	see_source(search);
	see_entry(search);
	(void)see_tree(search);
	see_object(search);
}

void explain_alone(struct explain_search *search)
{
	search->explanation->alone = true;
	explain_read_source(search);
	see_source(search);
	search->explanation->served = see_tree(search) && search->source.there;
}
