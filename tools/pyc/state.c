/* SPDX-License-Identifier: MIT */
#include "tools/pyc/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/layer.h"
#include "shim/core/entry/entry.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/versions.h"

const char *const state_names[STATES] = {
	[STATE_FRESH] = "fresh",
	[STATE_STALE] = "stale",
	[STATE_ORPHAN] = "orphan",
	[STATE_UNSEALED] = "unsealed",
	[STATE_DAMAGED] = "damaged",
	[STATE_FOREIGN] = "foreign",
};

const char *state_name(enum state state)
{
	return state == STATE_UNKNOWN ? "unknown" : state_names[state];
}

/* Shared by all threads, which both types allow. */
static struct scratch scratch;
static struct source_clock source_clock;

void state_tag(const struct layout *item, char ret_tag[PYC_TAG_SIZE])
{
	if (item->kind != LAYOUT_OBJECT && *item->pyc.tag)
		memcpy(ret_tag, item->pyc.tag, PYC_TAG_SIZE);
	else if (!item->version_len ||
		 !version_split(item->version, ret_tag, PYC_TAG_SIZE))
		*ret_tag = '\0';
}

/* A file while it is being classified. */
struct subject {
	const struct layout *item;
	const struct inspection *pyc;
	int fd;
	unsigned flags;
	struct entry entry; /* as core sees it; with its source */
	struct pyc_state *answer;
};

static void conclude(struct subject *subject, enum state state, const char *why)
{
	subject->answer->state = state;
	subject->answer->why = why;
}

static void classify_object(struct subject *subject)
{
	const struct seal *seal = &subject->pyc->seal;
	const struct object_name *name = &subject->item->object;

	if (!seal_is_for_all(seal))
		conclude(subject, STATE_DAMAGED, "its seal proves no source");
	else if (memcmp(&seal->digest, &name->digest, sizeof seal->digest) != 0)
		conclude(subject, STATE_DAMAGED, "its name is another source's digest");
	else if (memcmp(seal->magic, name->magic, sizeof seal->magic) != 0)
		conclude(
			subject, STATE_DAMAGED, "its folder is for another magic number");
	else
		conclude(subject, STATE_FRESH, NULL);
}

static enum state of_verdict(enum verdict id)
{
	switch (id) {
	case VERDICT_HIT_NO_SOURCE:
		return STATE_ORPHAN;
	case VERDICT_MISS_NOT_SEALED:
		return STATE_UNSEALED;
	default:
		return verdict_rows[id].group == VERDICT_GROUP_MISS ? STATE_STALE
								    : STATE_FRESH;
	}
}

/* Returns whether the verdict says nothing about the content. */
static bool is_unread(enum verdict id)
{
	return id == VERDICT_MISS_UNREACHABLE || id == VERDICT_MISS_UNREADABLE;
}

static void classify_by_source(struct subject *subject)
{
	const struct seal *seal = &subject->pyc->seal;
	const struct entry_world *world = subject->entry.world;
	struct source *source = &subject->entry.source;
	enum verdict id = VERDICT_MISS_UNREACHABLE;

	if (source->path)
		id = entry_compare(world, source, seal);
	if (id == VERDICT_NONE && !(subject->flags & STATE_DIGEST)) {
		conclude(subject, STATE_STALE, "source touched");
		subject->answer->touched = true;
		return;
	}
	if (id == VERDICT_NONE)
		id = entry_compare_content(world, source, seal, subject->item->stock, 0);
	if ((subject->flags & STATE_LAYER) && id == VERDICT_HIT_CLOSED)
		id = VERDICT_MISS_UNREADABLE;
	subject->answer->touched = is_unread(id) || id == VERDICT_HIT_RESEALED;
	conclude(subject, of_verdict(id),
		id == VERDICT_HIT_RESEALED ? "same content" : verdict_why(id));
}

/* An entry can be wrong only if its seal is trusted without reading the source. The
 * content of any other is compared before it is served. If the content is right, its size
 * shows a false identity, which may become that of a source with other content. */
static void prove(struct subject *subject)
{
	struct source source = { .dirfd = AT_FDCWD, .path = subject->entry.source.path };
	const struct seal *seal = &subject->pyc->seal;
	struct pyc_state *answer = subject->answer;

	if (!source.path || !seal_is_proven(seal) ||
		source_look(&source, &sys_libc) < 0 ||
		source.identity.size > INSPECT_LIMIT ||
		source_digest(&source, &sys_libc, &scratch) < 0)
		return;
	answer->current = memcmp(&seal->digest, &source.digest, sizeof seal->digest) == 0;
	answer->wrong =
		(seal->flags & SEAL_IDENTITY) &&
		(answer->current ? seal->source.size != source.identity.size
				 : identity_proves(&seal->source, &source.identity));
}

static void classify_sealed(struct subject *subject)
{
	const char *source = subject->entry.source.path;

	/* It is unknown which of those trees the entry is for: it is served to any that
	 * it fits. */
	if (source && layout_is_common(source)) {
		conclude(subject,
			seal_is_proven(&subject->pyc->seal) ? STATE_FRESH
							    : STATE_UNSEALED,
			"shared by ephemeral trees");
		return;
	}
	classify_by_source(subject);
	if (subject->flags & STATE_PROVE)
		prove(subject);
}

static void classify_own(struct subject *subject)
{
	struct entry *entry = &subject->entry;
	int err = entry->source.path ? source_look(&entry->source, entry->world->env.sys)
				     : -EINVAL;

	if (err == -ENOENT || err == -ENOTDIR)
		conclude(subject, STATE_ORPHAN, "no source");
	else if (!entry->source.there || entry_is_own(entry, subject->fd, false))
		conclude(subject, STATE_UNSEALED, "written by a program");
	else
		conclude(subject, STATE_STALE, "source replaced");
}

/* Returns whether the library had no room for a seal: the paths of an entry and its
 * source share one buffer (docs/limits.md). Such an entry is served by Python's own
 * rules. */
static bool is_too_long(const struct subject *subject)
{
	const char *source = subject->entry.source.path;
	char link[sizeof "/proc/self/fd/" + 3 * sizeof(int)], path[PATH_MAX];
	ssize_t len;

	if (!source || strlen(source) < PATH_MAX / 4)
		return false;
	snprintf(link, sizeof link, "/proc/self/fd/%d", subject->fd);
	len = sys_libc.readlinkat(AT_FDCWD, link, path, sizeof path);
	return len > 0 && (size_t)len + 1 + strlen(source) + 1 >= PATH_MAX;
}

static void classify(struct subject *subject)
{
	const struct inspection *pyc = subject->pyc;
	const struct layout *item = subject->item;

	if (item->kind == LAYOUT_TEMPORARY)
		conclude(subject, STATE_UNSEALED, "not finished");
	else if (pyc->st.st_size > INSPECT_LIMIT)
		conclude(subject, STATE_DAMAGED, "larger than any bytecode");
	else if (item->kind == LAYOUT_PROGRAMS)
		conclude(subject, STATE_UNSEALED, "written by a program");
	else if (!pyc->sealed && item->kind == LAYOUT_ENTRY && is_too_long(subject))
		conclude(subject, STATE_UNSEALED, "its path leaves no room for a seal");
	else if (pyc->newer)
		conclude(subject, STATE_FOREIGN, INSPECT_NEWER);
	else if (pyc->kind == ENTRY_FILE_FOREIGN_WRITTEN && item->kind == LAYOUT_ENTRY)
		classify_own(subject);
	else if (!pyc->sealed)
		conclude(subject, STATE_DAMAGED, "no seal");
	else if (pyc->kind != ENTRY_FILE_SEALED)
		conclude(subject, STATE_DAMAGED,
			"a program wrote it, with a seal of its own");
	else if (pyc->fault)
		conclude(subject, STATE_DAMAGED, pyc->fault);
	else if (item->kind == LAYOUT_OBJECT)
		classify_object(subject);
	else
		classify_sealed(subject);
}

/* Returns why a file is foreign because of its owner or kind, whatever its content;
 * NULL if it is not. */
static const char *why_foreign(
	const struct layout *item, const struct stat *st, unsigned flags)
{
	const uid_t user = geteuid();
	bool layer = flags & STATE_LAYER;

	if (st->st_uid != user && (st->st_uid != 0 || !layer))
		return "another user's";
	if (layer && !layer_is_trusted(&sys_libc, st, user))
		return "others can write to it";
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	return item->kind == LAYOUT_FOREIGN ? "not a name that pycstash gives" : NULL;
}

/* Core takes the worst for granted where it cannot look. That is no state: what follows
 * from it is unknown. */
static void doubt(struct subject *subject)
{
	struct pyc_state *answer = subject->answer;
	const int error = sys_libc_failure();
	const bool proven = !(subject->flags & STATE_PROVE) || answer->current ||
			    answer->wrong || !subject->entry.source.path;

	if (!error || (answer->state == STATE_FRESH && proven))
		return;
	answer->error = error;
	conclude(subject, STATE_UNKNOWN,
		error == FOLLOW_FOREIGN
			? "a link that others may have made leads to the source"
			: "it or its source could not be looked at");
}

struct pyc_state state_of_inspected(const struct layout *item, int fd,
	const struct inspection *pyc, const char *source, unsigned flags)
{
	struct pyc_state ret = { .st = pyc->st,
		.sealed = pyc->sealed,
		.seal = pyc->seal,
		.format = pyc->format };
	const struct entry_world world = {
		.env = {
			.sys = &sys_libc,
			.scratch = &scratch,
			.clock = &source_clock,
		},
		.policy = { .user = geteuid() },
	};
	struct subject subject = {
		.item = item,
		.pyc = pyc,
		.fd = fd,
		.flags = flags,
		.entry = { .world = &world,
			.source = { .dirfd = AT_FDCWD, .path = source } },
		.answer = &ret,
	};
	const char *why = why_foreign(item, &pyc->st, flags);

	if (why)
		conclude(&subject, STATE_FOREIGN, why);
	else
		classify(&subject);
	doubt(&subject);
	return ret;
}

/* Returns the state of a file that could not be read. */
static struct pyc_state unreadable(
	const struct layout *item, const struct stat *st, unsigned flags, int error)
{
	struct pyc_state ret = { .st = *st, .error = error };

	ret.why = st->st_mode ? why_foreign(item, st, flags) : NULL;
	ret.state = ret.why ? STATE_FOREIGN : STATE_UNKNOWN;
	if (!ret.why)
		ret.why = "cannot be read";
	return ret;
}

struct pyc_state state_of(
	const struct layout *item, int fd, const char *source, unsigned flags)
{
	struct inspection pyc = { .size = 0 };
	char tag[PYC_TAG_SIZE];
	struct pyc_state ret;
	int r = 0;

	(void)sys_libc_failure();
	if (fstat(fd, &pyc.st) < 0)
		return unreadable(item, &pyc.st, flags, -errno);
	if (!why_foreign(item, &pyc.st, flags) && (flags & STATE_WHOLE) &&
		pyc.st.st_size <= INSPECT_LIMIT) {
		state_tag(item, tag);
		r = inspect(fd, tag, &pyc);
	} else if (S_ISREG(pyc.st.st_mode)) {
		r = inspect_end(fd, &pyc);
	}
	ret = r < 0 ? unreadable(item, &pyc.st, flags, r)
		    : state_of_inspected(item, fd, &pyc, source, flags);
	inspect_release(&pyc);
	return ret;
}

struct pyc_state state_at(const struct layout *item, int dirfd, const char *name,
	const char *source, unsigned flags)
{
	AUTOCLOSE int fd = file_look(dirfd, name, O_NOFOLLOW);
	struct stat st = { 0 };

	if (fd >= 0)
		return state_of(item, fd, source, flags);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fd = -errno;
	return unreadable(item, &st, flags, fd);
}
