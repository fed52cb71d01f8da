/* SPDX-License-Identifier: MIT
 *
 * What there is to see on the way to a verdict: source, entry, the tree's pyc, object.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/header.h"
#include "shim/core/object.h"
#include "tools/explain_search.h"
#include "tools/files.h"
#include "tools/inspect.h"
#include "tools/judge.h"

static void see_source(struct explain_search *search)
{
	const struct source *source = &search->source;

	if (!source->there)
		STEP(search, WARN, "source",
			"%s: there is no such file; Python does not import without it",
			search->subject->source);
	else if (!source->digested)
		STEP(search, WARN, "source", "%s: it cannot be read",
			search->subject->source);
	else
		STEP(search, OK, "source", "%s: %lld bytes", search->subject->source,
			(long long)source->st.st_size);
}

static void see_judgement(
	struct explain_search *search, const struct judgement *judgement)
{
	const char *why = judgement->why ? judgement->why : "";
	const char *between = judgement->why ? ": " : "";
	char other[64] = "";

	if (judgement->sealed && search->source.there &&
		(judgement->seal.flags & SEAL_SOURCE) &&
		!(judgement->seal.flags & SEAL_HASH))
		identity_differences(
			&judgement->seal.source, &search->source.identity, other);
	if (judgement->state == STATE_FRESH)
		STEP(search, OK, "entry", "fresh%s%s%s%s", between, why,
			*other ? "; the source has another " : "", other);
	else
		STEP(search, WARN, "entry", "%s%s%s%s%s", state_names[judgement->state],
			between, why, *other ? "; the source has another " : "", other);
}

static void see_entry(struct explain_search *search)
{
	char *end = search->path + search->dir_len;
	const char *below =
		search->path + search->config.root_len + sizeof "/" CACHE_LAYOUT;
	struct judgement judgement;
	struct item item;
	int dirfd;

	*end = '\0';
	dirfd = open(search->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	item = item_parse(below, search->name);
	judgement = judge_at(&item, dirfd, search->name, search->subject->source,
		JUDGE_DIGEST | JUDGE_WHOLE);
	if (dirfd >= 0)
		close(dirfd);
	*end = '/';
	if (dirfd < 0 || judgement.error == -ENOENT)
		STEP(search, WARN, "entry", "there is none at %s", search->path);
	else if (judgement.error)
		STEP(search, WARN, "entry", "%s: %s", search->path,
			strerror(-judgement.error));
	else
		see_judgement(search, &judgement);
}

static void see_tree(struct explain_search *search)
{
	const char *pyc = search->explanation->pyc;
	int fd = open(pyc, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint8_t bytes[HEADER_MAX + 1];
	struct header header;
	ssize_t n;

	if (fd < 0) {
		STEP(search, WARN, "in-tree", "%s: %s", pyc,
			errno == ENOENT ? "there is none" : strerror(errno));
		return;
	}
	n = pread(fd, bytes, sizeof bytes, 0);
	close(fd);
	header = header_read(search->subject->tag, bytes, n < 0 ? 0 : (size_t)n);
	if (header.kind == HEADER_TIMESTAMP && search->source.there &&
		!header_fits(&header, &search->source.st))
		STEP(search, WARN, "in-tree", "%s: made of another state of the source",
			pyc);
	else
		STEP(search, OK, "in-tree",
			"%s: %s, so it is served where no entry holds", pyc,
			header.kind == HEADER_BAD    ? "no pyc, for Python to judge"
			: header.kind == HEADER_HASH ? "hash-based, for Python to judge"
						     : "made of the source as it is");
}

static void see_object(struct explain_search *search)
{
	struct object_name object = { .digest = search->source.digest };
	char below[OBJECT_PATH_SIZE];
	AUTOFREE char *path = NULL;
	struct judgement judgement;
	struct item item = { .kind = ITEM_OBJECT };

	if (!search->config.share || !search->source.digested ||
		!object_is_shareable(search->name, strlen(search->name),
			search->subject->tag, &object.level)) {
		STEP(search, WARN, "object", "none is looked for: %s",
			!search->config.share	   ? "PYCSTASH_SHARE=0"
			: !search->source.digested ? "the source cannot be read"
						   : "a name that is not shared");
		return;
	}
	if (!search->magic) {
		STEP(search, WARN, "object",
			"the magic number is not known; see --python");
		return;
	}
	memcpy(object.magic, &search->magic, sizeof object.magic);
	object_path(&object, below);
	if (asprintf(&path, "%.*s/%s", (int)(search->tree_len - sizeof "/tree" + 1),
		    search->path, below) < 0) {
		path = NULL;
		return;
	}
	item.object = object;
	item.version = search->path + search->config.root_len + sizeof "/" CACHE_LAYOUT;
	item.version_len = item_version(item.version);
	judgement = judge_at(&item, AT_FDCWD, path, NULL, JUDGE_WHOLE);
	if (judgement.error == -ENOENT)
		STEP(search, WARN, "object", "there is none at %s", path);
	else if (judgement.state == STATE_FRESH)
		STEP(search, OK, "object", "%s", path);
	else
		STEP(search, WARN, "object", "%s: %s: %s", path,
			state_names[judgement.state], judgement.why);
}

void explain_see(struct explain_search *search)
{
	see_source(search);
	see_entry(search);
	see_tree(search);
	see_object(search);
}
