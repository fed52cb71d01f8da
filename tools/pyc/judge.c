/* SPDX-License-Identifier: MIT
 *
 * The standing of one file of the cache. What a seal says, and whether it is that of a
 * source, is core's to tell; here its answers get the names that people use.
 */
#include "tools/pyc/judge.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/layer.h"
#include "shim/core/entry/entry_file.h"
#include "tools/base/files.h"
#include "tools/cache/sys_libc.h"
#include "tools/pyc/inspect.h"

const char *const state_names[STATES] = {
	[STATE_FRESH] = "fresh",
	[STATE_STALE] = "stale",
	[STATE_ORPHAN] = "orphan",
	[STATE_UNSEALED] = "unsealed",
	[STATE_DAMAGED] = "damaged",
	[STATE_FOREIGN] = "foreign",
};

/* For all threads: either can be used by several at a time. */
static struct scratch scratch;
static struct source_clock source_clock;

enum state state_find(const char *name)
{
	int state;

	for (state = 0; state < STATES; state++)
		if (strcmp(state_names[state], name) == 0)
			break;
	return (enum state)state;
}

static void conclude(struct judgement *judgement, enum state state, const char *why)
{
	judgement->state = state;
	judgement->why = why;
}

/* The tag tells how long the header is. An object's name has none: its version has. */
static struct pyc_name name_of(const struct layout *item)
{
	struct pyc_name ret = item->pyc;
	const char *variant = memchr(item->version, '+', item->version_len);
	size_t len = variant ? (size_t)(variant - item->version) : item->version_len;

	if (item->kind == LAYOUT_OBJECT && len < sizeof ret.tag) {
		memcpy(ret.tag, item->version, len);
		ret.tag[len] = '\0';
	}
	return ret;
}

static bool is_whole(const struct entry *entry, int fd, const struct seal *seal)
{
	struct entry_file file;

	if (entry_file_load(entry, fd, seal, &file) < 0)
		return false;
	entry_file_free(entry->world, &file);
	return true;
}

static void judge_object(struct judgement *judgement, const struct object_name *name)
{
	const struct seal *seal = &judgement->seal;

	if ((seal->flags & (SEAL_SOURCE | SEAL_HASH)) != SEAL_SOURCE)
		conclude(judgement, STATE_DAMAGED, "not sealed");
	else if (memcmp(&seal->digest, &name->digest, sizeof seal->digest) != 0)
		conclude(judgement, STATE_DAMAGED, "its name is another source's digest");
	else if (memcmp(seal->magic, name->magic, sizeof seal->magic) != 0)
		conclude(
			judgement, STATE_DAMAGED, "its folder is another magic number's");
	else
		conclude(judgement, STATE_FRESH, NULL);
}

/* What core's verdicts are called here. */
static enum state state_of(enum verdict id)
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

/* Whether that says nothing about the content. */
static bool is_unread(enum verdict id)
{
	return id == VERDICT_MISS_UNREACHABLE || id == VERDICT_MISS_UNREADABLE;
}

static void judge_sealed(struct judgement *judgement, const struct layout *item,
	struct entry *entry, unsigned flags)
{
	const struct seal *seal = &judgement->seal;
	struct source *source = &entry->source;
	enum verdict id;

	/* Which of those trees is meant is not known: it is served where it fits. */
	if (source->path && layout_is_common(source->path)) {
		conclude(judgement,
			seal->flags & SEAL_SOURCE ? STATE_FRESH : STATE_UNSEALED,
			"of trees that come and go");
		return;
	}
	id = entry_compare(entry->world, source, seal);
	if ((flags & JUDGE_LAYER) && id == VERDICT_HIT_HASH)
		id = entry_compare_elsewhere(entry->world, source, seal);
	if (id == VERDICT_NONE && !(seal->flags & SEAL_HASH) &&
		seal->source.size != source->identity.size)
		id = VERDICT_MISS_CHANGED; /* that needs no reading */
	if (id == VERDICT_NONE && !(flags & JUDGE_DIGEST)) {
		conclude(judgement, STATE_STALE, "source touched");
		judgement->touched = true;
		return;
	}
	if (id == VERDICT_NONE)
		id = entry_compare_content(entry->world, source, seal, item->stock);
	judgement->touched = is_unread(id) || id == VERDICT_HIT_RESEALED;
	conclude(judgement, state_of(id),
		id == VERDICT_HIT_RESEALED ? "same content" : verdict_rows[id].why);
}

static void judge_own(struct judgement *judgement, struct entry *entry, int fd)
{
	int err = entry->source.path ? source_look(&entry->source, entry->world->sys)
				     : -EINVAL;

	if (err == -ENOENT || err == -ENOTDIR)
		conclude(judgement, STATE_ORPHAN, "no source");
	else if (!entry->source.there || entry_is_own(entry, fd))
		conclude(judgement, STATE_UNSEALED, "written by a program");
	else
		conclude(judgement, STATE_STALE, "source replaced");
}

/* Whether another version is to say what it is. */
static bool is_newer(int fd, const struct stat *st)
{
	uint8_t end[SEAL_TAIL + SEAL_SIZE];
	off_t at = st->st_size > (off_t)sizeof end ? st->st_size - (off_t)sizeof end : 0;
	ssize_t n = pread(fd, end, sizeof end, at);

	return n > 0 && inspect_is_newer(end, (size_t)n, (uint64_t)st->st_size);
}

static void judge_file(struct judgement *judgement, const struct layout *item, int fd,
	struct entry *entry, unsigned flags)
{
	enum entry_file_state state =
		entry_file_check(entry->world, fd, &judgement->seal);

	judgement->sealed = state == ENTRY_FILE_SEALED;
	if (item->kind == LAYOUT_TEMPORARY)
		conclude(judgement, STATE_UNSEALED, "not finished");
	else if (item->kind == LAYOUT_PROGRAMS)
		conclude(judgement, STATE_UNSEALED, "written by a program");
	else if (!judgement->sealed && is_newer(fd, &judgement->st))
		conclude(judgement, STATE_FOREIGN, INSPECT_NEWER);
	else if (state == ENTRY_FILE_DAMAGED)
		conclude(judgement, STATE_DAMAGED, "no seal");
	else if (!judgement->sealed && item->kind == LAYOUT_OBJECT)
		conclude(judgement, STATE_DAMAGED, "no seal");
	else if (!judgement->sealed)
		judge_own(judgement, entry, fd);
	else if ((flags & JUDGE_WHOLE) && !is_whole(entry, fd, &judgement->seal))
		conclude(judgement, STATE_DAMAGED, "not the bytes that were sealed");
	else if (item->kind == LAYOUT_OBJECT)
		judge_object(judgement, &item->object);
	else
		judge_sealed(judgement, item, entry, flags);
}

/* Whose it is decides before what is in it. True where that is all. */
static bool judge_stat(
	struct judgement *judgement, const struct layout *item, unsigned flags)
{
	const uid_t owner = judgement->st.st_uid, user = geteuid();
	bool layer = flags & JUDGE_LAYER;

	if (owner != user && (owner != 0 || !layer))
		conclude(judgement, STATE_FOREIGN, "another user's");
	else if (layer && !layer_is_trusted(&judgement->st, user))
		conclude(judgement, STATE_FOREIGN, "others can write to it");
	else if (!S_ISREG(judgement->st.st_mode))
		conclude(judgement, STATE_FOREIGN, "no regular file");
	else if (item->kind == LAYOUT_FOREIGN)
		conclude(judgement, STATE_FOREIGN, "no name of the cache's");
	else
		return false;
	return true;
}

struct judgement judge(
	const struct layout *item, int fd, const char *source, unsigned flags)
{
	struct judgement ret = { .state = STATE_DAMAGED };
	struct entry_world world = {
		.sys = &sys_libc,
		.scratch = &scratch,
		.clock = &source_clock,
	};
	struct pyc_name name = name_of(item);
	struct entry entry = {
		.world = &world,
		.pyc = &name,
		.source = { .dirfd = AT_FDCWD, .path = source },
	};

	if (fstat(fd, &ret.st) < 0) {
		ret.error = -errno;
		ret.why = "cannot be read";
		return ret;
	}
	world.user = ret.st.st_uid;
	if (!judge_stat(&ret, item, flags))
		judge_file(&ret, item, fd, &entry, flags);
	return ret;
}

/* What can be said of a file that could not be opened. */
static struct judgement judge_closed(
	const struct layout *item, int dirfd, const char *name, unsigned flags, int error)
{
	struct judgement ret = { .error = error };

	if (fstatat(dirfd, name, &ret.st, AT_SYMLINK_NOFOLLOW) < 0)
		ret.error = -errno;
	else if (judge_stat(&ret, item, flags))
		return ret;
	conclude(&ret, STATE_DAMAGED, "cannot be read");
	return ret;
}

struct judgement judge_at(const struct layout *item, int dirfd, const char *name,
	const char *source, unsigned flags)
{
	int fd = file_look(dirfd, name, O_NOFOLLOW);
	struct judgement ret;

	if (fd < 0)
		return judge_closed(item, dirfd, name, flags, fd);
	ret = judge(item, fd, source, flags);
	close(fd);
	return ret;
}
