/* SPDX-License-Identifier: MIT
 *
 * The steps that show what exists: the source, its entry, the tree's pyc, its object.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/layer.h"
#include "shim/core/cache/object.h"
#include "tools/base/files.h"
#include "tools/explain/explain_search.h"
#include "tools/pyc/inspect.h"
#include "tools/pyc/state.h"

static bool is_python_name(const char *path)
{
	size_t len = strlen(path);

	return len > 3 && strcmp(path + len - 3, ".py") == 0;
}

static void see_source(struct explain_search *search)
{
	const struct source *source = &search->source;

	if (!source->there)
		STEP(search, WARN, "source",
			"%s: no such file; Python does not import without it",
			search->subject->source);
	else if (!source->digested)
		STEP(search, WARN, "source", "%s: it cannot be read",
			search->subject->source);
	else if (!is_python_name(search->subject->source))
		STEP(search, WARN, "source",
			"%s: its name does not end in .py, so Python imports it only with a program's own loader",
			search->subject->source);
	else
		STEP(search, OK, "source", "%s: %lld bytes", search->subject->source,
			(long long)source->st.st_size);
}

/* Where to look: the cache or a layer. */
struct explain_place {
	const char *root;
	size_t root_len;
	const char *entry_step, *object_step; /* what the steps are called */
	unsigned flags;			      /* for state_of */
};

static void see_state(struct explain_search *search, const char *step, const char *path,
	const struct pyc_state *state)
{
	const char *why = state->why ? state->why : "";
	const char *between = state->why ? ", " : "";
	const char *word = state_names[state->state];
	char other[64] = "";

	if (state->error == -ENOENT || state->error == -EBADF) {
		STEP(search, WARN, step, "there is none at %s", path);
		return;
	}
	if (state->error) {
		STEP(search, WARN, step, "%s: %s", path, strerror(-state->error));
		return;
	}
	if (state->sealed && search->source.there && state->touched &&
		(state->seal.flags & SEAL_SOURCE) && !(state->seal.flags & SEAL_HASH))
		inspect_differences(&state->seal.source, &search->source.identity, other);
	if (state->state == STATE_FRESH)
		STEP(search, OK, step, "%s: %s%s%s%s%s", path, word, between, why,
			*other ? "; the source has another " : "", other);
	else
		STEP(search, WARN, step, "%s: %s%s%s", path, word, between, why);
}

static void see_entry(struct explain_search *search, const struct explain_place *place)
{
	const size_t root_len = search->config.root_len;
	AUTOFREE char *dir = NULL;
	AUTOFREE char *path = NULL;
	struct pyc_state state;
	struct layout item;
	int dirfd;

	if (asprintf(&dir, "%.*s%.*s", (int)place->root_len, place->root,
		    (int)(search->map.dir_len - root_len), search->path + root_len) < 0 ||
		asprintf(&path, "%s/%s", dir, search->name) < 0) {
		dir = path = NULL; /* what a failure leaves there is nobody's */
		return;
	}
	dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	item = layout_parse(
		dir + place->root_len + sizeof "/" CACHE_LAYOUT, search->name);
	state = state_at(&item, dirfd, search->name, search->subject->source,
		STATE_DIGEST | STATE_WHOLE | place->flags);
	if (dirfd >= 0)
		close(dirfd);
	see_state(search, place->entry_step, path, &state);
}

/* Whether Python takes the tree's pyc; then_what: what follows from that. */
static bool see_tree(
	struct explain_search *search, const char *then_what, const char **ret_rejected)
{
	const char *pyc = search->explanation->pyc;
	int fd = open(pyc, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	enum header_kind kind;
	const char *why;

	if (fd < 0 && errno == ENOENT) { /* none is needed */
		STEP(search, OK, "in-tree", "%s: there is none", pyc);
		return false;
	}
	if (fd < 0) {
		STEP(search, WARN, "in-tree", "%s: %s", pyc, strerror(errno));
		return false;
	}
	why = *ret_rejected = explain_rejects(search, fd, &kind);
	close(fd);
	if (why)
		STEP(search, WARN, "in-tree", "%s: Python does not take it, since %s",
			pyc, why);
	else
		STEP(search, OK, "in-tree", "%s: %s, so %s", pyc,
			kind == HEADER_HASH ? "hash-based, and Python takes it"
					    : "compiled from the source as it is",
			then_what);
	return !why;
}

/* Why there is no object to search for; NULL: *ret is its name. */
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
	return search->magic ? NULL : "the magic number is not known; see --python";
}

static void see_object(struct explain_search *search, const struct explain_place *place)
{
	const char *version = search->path + search->config.root_len + 1;
	size_t version_len = search->map.version_len - search->config.root_len - 1;
	struct layout item = { .kind = LAYOUT_OBJECT,
		.version = version + sizeof CACHE_LAYOUT,
		.version_len = version_len - sizeof CACHE_LAYOUT };
	const char *why = why_no_object(search, &item.object);
	char below[PATH_MAX];
	AUTOFREE char *path = NULL;
	struct pyc_state state;

	if (why) {
		STEP(search, WARN, place->object_step, "not searched: %s", why);
		return;
	}
	if (!layout_object_path(
		    item.version, item.version_len, &item.object, below, sizeof below) ||
		asprintf(&path, "%.*s/" CACHE_LAYOUT "/%s", (int)place->root_len,
			place->root, below) < 0) {
		path = NULL;
		return;
	}
	state = state_at(&item, AT_FDCWD, path, NULL, STATE_WHOLE | place->flags);
	see_state(search, place->object_step, path, &state);
}

/* The layers in order. Each must be trusted before anything in it counts. */
static void see_layers(struct explain_search *search,
	void (*see)(struct explain_search *search, const struct explain_place *place))
{
	struct explain_place layer = {
		.entry_step = "layer", .object_step = "layer object", .flags = STATE_LAYER
	};

	for (size_t n = 0;
		(layer.root = config_layer(search->config.layers, n, &layer.root_len));
		n++) {
		char at[PATH_MAX] = "";
		enum verdict why = VERDICT_LAYER_UNREACHABLE;

		if (layer.root_len < sizeof at) {
			memcpy(at, layer.root, layer.root_len);
			why = layer_judge(&search->sys, geteuid(), at, sizeof at);
		}
		if (why == VERDICT_NONE)
			see(search, &layer);
		else if (see == see_entry)
			STEP(search, WARN, layer.entry_step, "%s: %s", at,
				verdict_rows[why].why);
	}
}

void explain_see(struct explain_search *search)
{
	const struct explain_place own = { .root = search->config.root,
		.root_len = search->config.root_len,
		.entry_step = "entry",
		.object_step = "object" };
	const char *rejected;

	see_source(search);
	if (search->store != ROOT_REFUSED)
		see_entry(search, &own);
	see_layers(search, see_entry);
	(void)see_tree(search, "it is served unless an entry is", &rejected);
	if (search->store != ROOT_REFUSED)
		see_object(search, &own);
	see_layers(search, see_object);
}

void explain_alone(struct explain_search *search)
{
	struct explanation *explanation = search->explanation;
	struct source *source = &search->source;
	struct scratch scratch = { .kept = NULL };
	bool taken;

	*source = (struct source){ .dirfd = AT_FDCWD, .path = search->subject->source };
	if (source_look(source, &search->sys) == 0)
		(void)source_digest(source, &search->sys, &scratch);
	see_source(search);
	taken = see_tree(search, "Python takes it", &explanation->rejected);
	explanation->served = taken && source->there;
	explanation->alone = true;
}
