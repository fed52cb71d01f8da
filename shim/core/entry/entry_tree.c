/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h that judges bytecode in the tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/text.h"
#include "shim/core/base/timestamp.h"
#include "shim/core/entry/entry_file.h"

/* In seconds: at most how far a file's mtime and ctime differ if it was created where it
 * is; and how far the ctimes of two files that are unpacked together differ. */
#define WRITTEN_WITHIN 2
#define UNPACKED_WITHIN 60

static bool is_within(const struct timespec *from, const struct timespec *to, int seconds)
{
	struct timespec end = { from->tv_sec + seconds, from->tv_nsec };

	return !timestamp_before(&end, to);
}

/* Programs set the mtime, and archives say to what. So it counts only against the pyc: to
 * have been written where it is makes it older than to have been unpacked. */
static bool is_written_in_place(const struct stat *pyc)
{
	return pyc->st_mtim.tv_nsec != 0 &&
	       !timestamp_before(&pyc->st_ctim, &pyc->st_mtim) &&
	       is_within(&pyc->st_mtim, &pyc->st_ctim, WRITTEN_WITHIN);
}

/* Returns whether the source has changed since the tree's pyc was written, judging by the
 * change times, which no program can set. A pyc that was unpacked, as a restored mtime
 * shows (tar's is in whole seconds), may be older than its source by the time that
 * unpacking takes. Images show the mtime as the ctime, without nanoseconds, which proves
 * nothing. */
static bool is_older_than_source(const struct stat *pyc, const struct stat *source)
{
	const struct timespec *changed = &source->st_ctim;

	if (changed->tv_nsec == 0)
		return false;
	if (is_written_in_place(pyc))
		return !timestamp_before(changed, &pyc->st_mtim);
	return !is_within(&pyc->st_ctim, changed, UNPACKED_WITHIN);
}

/* Returns whether the tree's pyc, open as fd, was there when that entry got its name, by
 * the times that no program can set. A new mode or owner renews the ctime, but not the
 * birth time, which not all file systems have. Nothing is concluded from an image's ctime
 * (above). */
static bool is_older_than_entry(const struct sys *sys, int fd, const struct stat *pyc,
	const struct timespec *outdated)
{
	const bool is_image = pyc->st_ctim.tv_nsec == 0 &&
			      timestamp_equal(&pyc->st_ctim, &pyc->st_mtim);
	struct timespec birth;

	if (!is_image && timestamp_before(&pyc->st_ctim, outdated))
		return true;
	sys->birth(fd, "", &birth);
	return timestamp_is_set(&birth) && timestamp_before(&birth, outdated);
}

/* Sources are closed to those who run them once they are compiled; that is a change, too.
 * What cannot be read cannot be compiled. */
static bool can_be_compiled(struct entry *entry)
{
	const struct entry_env *env = &entry->world->env;
	int err = source_digest(&entry->source, env->sys, env->scratch);

	return err != -EACCES && err != -EPERM;
}

bool entry_tree_may_fit(const struct header *header, const struct source *source)
{
	return header->kind == HEADER_HASH || header_fits(header, &source->st);
}

static bool is_doubtful(const struct entry *entry, const struct timespec *outdated,
	int fd, const struct header *header)
{
	const struct entry_world *world = entry->world;
	const struct sys *sys = world->env.sys;
	struct stat st;

	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return timestamp_is_set(outdated);
	if (timestamp_is_set(outdated) && is_older_than_entry(sys, fd, &st, outdated))
		return true;
	if (header->kind == HEADER_TIMESTAMP && timestamp_before(&st.st_mtim, outdated))
		return true;
	/* The entry of an earlier source, which did not have this hash, may have hidden
	 * the pyc from Python, which would have replaced it. An unchecked one it would
	 * have run (without --check-hash-based-pycs always). */
	if (header->kind == HEADER_HASH &&
		!(header->checked && timestamp_is_set(outdated)))
		return false;
	return !world->policy.readonly &&
	       (entry->source.seen || *world->python.magic != 0) &&
	       is_older_than_source(&st, &entry->source.st);
}

bool entry_tree_is_doubtful(struct entry *entry, const struct timespec *outdated, int fd,
	const struct header *header)
{
	return is_doubtful(entry, outdated, fd, header) && can_be_compiled(entry);
}

struct header entry_tree_header(const struct entry *entry, int fd)
{
	uint8_t bytes[HEADER_MAX + 1];
	const ssize_t n = entry->world->env.sys->pread(fd, bytes, sizeof bytes, 0);
	struct header header = header_read(entry->pyc->tag, bytes, n < 0 ? 0 : (size_t)n);

	if (header.kind != HEADER_BAD && entry_magic_is_foreign(entry, header.magic))
		header.kind = HEADER_BAD;
	return header;
}

void entry_tree_opened(struct entry *entry, int fd)
{
	const struct header header = entry_tree_header(entry, fd);

	if (header.kind != HEADER_BAD && entry_is_interpreters_own(entry))
		entry_magic_shown(entry, header.magic);
}

bool entry_tree_fits(struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	const int fd = sys->openat(entry->tree_dirfd, entry->tree_path,
		O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0);
	struct timespec entry_made = { 0 };
	struct header header;
	struct stat st;
	bool fits;

	if (fd < 0)
		return false;
	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 && S_ISDIR(st.st_mode)) {
		sys->close(fd);
		return true;
	}
	header = entry_tree_header(entry, fd);
	if (entry_is_for_own_loader(entry) &&
		sys->fstatat(AT_FDCWD, entry->path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		entry_made = st.st_ctim;
	fits = source_look(&entry->source, sys) == 0 &&
	       entry_tree_may_fit(&header, &entry->source) &&
	       !entry_tree_is_doubtful(entry, &entry_made, fd, &header);
	sys->close(fd);
	return fits;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Opens the tree's __pycache__, if it is beside the source that was looked at. Others may
 * have exchanged a directory on the way for a link, or the __pycache__ itself. */
static int open_beside_source(const struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	const struct stat *source = &entry->source.st;
	struct text text = { .data = entry->spare, .size = entry->spare_size };
	const char *name = last_name(entry->tree_path);
	struct stat st;
	int dir;

	text_add(&text, entry->tree_path, (size_t)(name - entry->tree_path));
	text_adds(&text, ".");
	if (text.cut)
		return -ENAMETOOLONG;
	if (text.len > 2) /* without the slash, which would follow a link */
		text.data[text.len - 2] = '\0';
	dir = sys->openat(entry->tree_dirfd, entry->spare,
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (dir < 0)
		return dir;
	text.len = 0;
	text_adds(&text, "../");
	text_adds(&text, last_name(entry->source.path));
	if (!text.cut && sys->fstatat(dir, entry->spare, &st, 0) == 0 &&
		st.st_ino == source->st_ino && st.st_dev == source->st_dev)
		return dir;
	sys->close(dir);
	return -ESTALE;
}

/* Returns whether that says nothing of the file: the process, the system or a server
 * lacks something. */
static bool is_no_answer(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -EINTR ||
	       err == -EIO || err == -ESTALE || err == -ETIMEDOUT;
}

/* Returns whether an import would replace that file, or link. A link may lead nowhere, to
 * itself, to a socket. */
static bool is_replaced(const struct entry *entry, int dir, const char *name)
{
	const struct sys *sys = entry->world->env.sys;
	struct header header;
	struct stat st;
	int fd = sys->openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);

	if (fd < 0)
		return !is_no_answer(fd) &&
		       sys->fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		       (fd != -ENOENT || S_ISLNK(st.st_mode));
	header = entry_tree_header(entry, fd);
	sys->close(fd);
	return header.kind == HEADER_BAD || !entry_tree_may_fit(&header, &entry->source);
}

void entry_tree_replace(const struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	const char *name = last_name(entry->tree_path);
	int dir = entry->source.path ? open_beside_source(entry) : -ENOENT;

	if (dir < 0)
		return;
	if (is_replaced(entry, dir, name))
		(void)sys->unlinkat(dir, name, 0);
	sys->close(dir);
}

bool entry_tree_is_old(struct entry *entry, int fd)
{
	const struct header header = entry_tree_header(entry, fd);
	const struct timespec never = { 0 };

	if (header.kind == HEADER_BAD ||
		source_look(&entry->source, entry->world->env.sys) < 0)
		return false;
	return entry_tree_may_fit(&header, &entry->source)
		       ? entry_tree_is_doubtful(entry, &never, fd, &header)
		       : !entry_refuses(entry, &header);
}
