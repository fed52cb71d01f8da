/* SPDX-License-Identifier: MIT
 *
 * One entry between the sources and the cache.
 */
#include "tools/warm/warm_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/text.h"
#include "shim/core/cache/layer.h"
#include "shim/core/cache/root.h"
#include "tools/cache/cache.h"
#include "tools/cache/sys_libc.h"
#include "tools/stats/totals.h"

/* A temporary name that is taken was left by a process of the same number. */
#define TEMPORARY_NAMES 16
/* ".", and the digits of a number. */
#define TEMPORARY_SUFFIX (sizeof "." - 1 + sizeof "18446744073709551615" - 1)

/* For core, which asks without a context. */
static const char *layers;

static ssize_t find_layer(size_t n, char *room, size_t size)
{
	size_t len;
	const char *root = config_layer(layers, n, &len);

	if (!root)
		return -1;
	if (len >= size)
		return 0;
	memcpy(room, root, len);
	room[len] = '\0';
	return layer_judge(&sys_libc, room, geteuid()) ? 0 : (ssize_t)len;
}

bool warm_world_begin(struct warm_world *world, const struct warm *warm)
{
	const struct config *config = &warm->config;

	layers = config->layers;
	*world = (struct warm_world){
		.asked = calloc(1, sizeof *world->asked),
		.created = calloc(1, sizeof *world->created),
		.core = {
			.sys = &sys_libc,
			.scratch = &world->scratch,
			.watching = &world->watching,
			.magic = &world->magic,
			.clock = &world->clock,
			.cannot_clone = &world->cannot_clone,
			.readonly = warm->dry_run || warm->readonly,
			.always_digest = config->always_digest,
			.share = config->share,
			.layer = layers ? find_layer : NULL,
			.root_len = config->root_len,
			.user = geteuid(),
		},
	};
	world->core.asked = world->asked;
	world->core.created = world->created;
	if (world->asked && world->created)
		return true;
	warm_world_end(world);
	return false;
}

void warm_world_end(struct warm_world *world)
{
	if (world->scratch.kept)
		sys_libc.unmap(world->scratch.kept, SCRATCH_KEPT);
	free(world->asked);
	free(world->created);
	*world = (struct warm_world){ .asked = NULL };
}

void warm_world_turn(
	struct warm_world *world, const struct warm *warm, struct warm_target *target)
{
	uint32_t magic;

	memcpy(&magic, target->python->magic, sizeof magic);
	world->magic = magic;
	world->core.tag = target->python->tag;
	world->core.tally = warm->config.stats && !warm->dry_run && !warm->readonly
				    ? &target->tally
				    : NULL;
}

bool warm_entry_directory(struct warm_entry *entry, const struct warm *warm,
	const struct warm_target *target, const char *directory)
{
	const struct config *config = &warm->config;
	struct text text = { .data = entry->path, .size = PATH_MAX };
	size_t at;

	text.len = root_tree_path(config->root, config->root_len, target->python->tag,
		config->variant, text.data, text.size);
	if (text.len == 0)
		return false;
	if (entry->target != target)
		entry->objects_seen = false;
	entry->target = target;
	entry->version_len = text.len - (sizeof "/tree" - 1);
	at = text.len;
	text_adds(&text, directory[1] ? directory : "");
	entry->common = ephemeral_hide(&config->ephemeral, text.data + at, text.len - at,
		&(struct ephemeral){ .len = 0 });
	text_adds(&text, "/" PYCACHE);
	entry->dir_len = text.len;
	return !text.cut;
}

/* Entries are made of the version's objects: where those lie is looked at as well. */
static int look_at_objects(const struct cache *cache, const struct warm_entry *entry,
	const char *version, size_t len)
{
	char objects[NAME_MAX + sizeof "/objects"];
	int fd;

	if (entry->objects_seen)
		return 0;
	snprintf(objects, sizeof objects, "%.*s/objects", (int)len, version);
	fd = cache_openat(cache, objects, O_PATH | O_DIRECTORY);
	if (fd >= 0)
		close(fd);
	return fd == -ENOENT || fd >= 0 ? 0 : fd;
}

static int open_below(
	const struct cache *cache, struct warm_entry *entry, size_t root_len)
{
	const char *below = entry->path + root_len + sizeof "/" CACHE_LAYOUT;
	size_t len = (size_t)(entry->path + entry->version_len - below);
	int fd = look_at_objects(cache, entry, below, len);

	entry->objects_seen = fd == 0;
	if (fd == 0)
		fd = cache_openat(cache, below, O_PATH | O_DIRECTORY);
	return fd == -EXDEV || fd == -ENOTDIR ? -ELOOP : fd;
}

int warm_entry_open_directory(struct warm_entry *entry, const struct warm *warm)
{
	char *end = entry->path + entry->dir_len, behind = *end;
	int fd;

	*end = '\0';
	if (warm->cache) {
		fd = open_below(warm->cache, entry, warm->config.root_len);
	} else {
		fd = open(entry->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	*end = behind;
	return fd;
}

/* "m.cpython-311.opt-1.pyc" of "m.py", as importlib.util.cache_from_source has it. */
static bool add_name(
	struct text *text, const struct warm_target *target, const char *source)
{
	text_add(text, source, strlen(source) - strlen("py"));
	text_adds(text, target->python->tag);
	if (target->level) {
		text_adds(text, ".opt-");
		text_add(text, &target->level, 1);
	}
	text_adds(text, ".pyc");
	return !text->cut;
}

const char *warm_entry_source(struct warm_entry *entry, struct warm_world *world,
	const struct warm *warm, const struct warm_target *target, int dirfd,
	const char *name)
{
	struct text tree = TEXT(entry->tree);
	struct text path = {
		.data = entry->path, .size = PATH_MAX, .len = entry->dir_len
	};
	const char *pyc_name = entry->tree + sizeof PYCACHE;

	text_adds(&tree, PYCACHE "/");
	/* It is written under a longer one, by importlib too. */
	if (!add_name(&tree, target, name) ||
		strlen(pyc_name) + TEMPORARY_SUFFIX > NAME_MAX)
		return "the name of its bytecode would be too long";
	text_adds(&path, "/");
	text_adds(&path, pyc_name);
	if (path.cut)
		return "the path of its bytecode would be too long";
	entry->pyc = pyc_parse(pyc_name, strlen(pyc_name));
	entry->entry = (struct entry){
		.world = &world->core,
		.path = entry->path,
		.version_len = entry->version_len,
		.dir_len = entry->dir_len,
		.pyc = &entry->pyc,
		.tree_dirfd = dirfd,
		/* "": there is no such file */
		.tree_path = warm->force ? "" : entry->tree,
		.common = entry->common,
	};
	if (entry->pyc.kind != PYC_CODE ||
		!entry_begin(&entry->entry, sizeof entry->path, "", 0) ||
		strcmp(entry->entry.source.path, name) != 0)
		return "its bytecode's name would stand for another source";
	return NULL;
}

/* Whether the open file is the entry's: where the cache cannot be written, core serves a
 * file in memory, which is no use to the next process. */
static bool is_kept(const struct warm_entry *entry, int fd)
{
	struct stat served, kept;

	return fstat(fd, &served) == 0 && lstat(entry->path, &kept) == 0 &&
	       served.st_ino == kept.st_ino && served.st_dev == kept.st_dev;
}

static enum warm_outcome outcome_of(const struct entry_verdict *verdict)
{
	switch (verdict_rows[verdict->id].group) {
	case VERDICT_GROUP_HIT:
		return WARM_FRESH;
	case VERDICT_GROUP_RESEAL:
		return WARM_RESEALED;
	case VERDICT_GROUP_REUSE:
		return WARM_REUSED;
	case VERDICT_GROUP_TREE:
		return WARM_IN_TREE;
	default:
		return WARM_MISSING;
	}
}

static enum warm_outcome open_once(
	struct warm_entry *entry, const struct warm *warm, int cache_dirfd)
{
	const int flags = O_RDONLY | O_CLOEXEC;
	enum warm_outcome outcome;
	struct entry_verdict verdict;
	int fd = cache_dirfd;

	if (fd >= 0)
		fd = sys_libc.openat(
			cache_dirfd, entry->path + entry->dir_len + 1, flags, 0);
	fd = entry_open(&entry->entry, fd, flags, &verdict);
	outcome = fd < 0 ? WARM_MISSING : outcome_of(&verdict);
	if (outcome == WARM_REUSED || outcome == WARM_RESEALED) {
		if (entry->common) /* it is served from memory, each time */
			outcome = WARM_FRESH;
		else if (warm->readonly && !warm->dry_run)
			outcome = WARM_LEFT;
		else if (!warm->dry_run && !is_kept(entry, fd))
			outcome = WARM_FAILED;
	}
	if (fd >= 0)
		close(fd);
	/* Where the tree cannot be read, core has not come so far. */
	if (outcome == WARM_MISSING && !entry->entry.source.settled)
		entry_ask(&entry->entry);
	return outcome;
}

enum warm_outcome warm_entry_open(
	struct warm_entry *entry, const struct warm *warm, int cache_dirfd)
{
	enum warm_outcome outcome = open_once(entry, warm, cache_dirfd);

	/* Not kept: a disk that is full stays so, a purge in between is over soon. */
	for (unsigned tries = 0; outcome == WARM_FAILED && tries < 32; tries++)
		outcome = open_once(entry, warm, -ENOENT);
	return outcome;
}

int warm_entry_obstacle(const struct warm_entry *entry)
{
	char above[sizeof entry->path];
	size_t len = entry->dir_len;

	memcpy(above, entry->path, len);
	above[len] = '\0';
	while (faccessat(AT_FDCWD, above, W_OK | X_OK, AT_EACCESS) < 0) {
		char *slash = strrchr(above, '/');

		if (errno != ENOENT)
			return -errno;
		if (!slash || slash == above)
			return 0;
		*slash = '\0';
	}
	return 0;
}

bool warm_entry_was_read(struct warm_entry *entry, int fd)
{
	const struct source *source = &entry->entry.source;
	const struct entry_world *world = entry->entry.world;
	struct identity identity;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	identity = identity_of(&st);
	pending_opened(world->asked, world->sys->thread(), source->path, &identity);
	return identity_same(&identity, &source->identity);
}

static bool temporary_name(const char *path, unsigned n, char *buf, size_t size)
{
	struct text text = { .data = buf, .size = size };

	text_adds(&text, path);
	text_adds(&text, ".");
	text_addu(&text, (unsigned long)getpid() * TEMPORARY_NAMES + n);
	return !text.cut;
}

static int make_directory(struct warm_entry *entry)
{
	int err;

	entry->path[entry->dir_len] = '\0';
	err = root_make_directory(&sys_libc, entry->path, entry->entry.world->root_len);
	entry->path[entry->dir_len] = '/';
	return err;
}

/* A new file beside the entry; its name is written to temporary. */
static int create(struct warm_entry *entry, char temporary[PATH_MAX])
{
	/* importlib's _calc_mode */
	mode_t mode = (entry->entry.source.st.st_mode | S_IWUSR) & 0666;
	int fd = -EEXIST;

	for (unsigned n = 0; fd == -EEXIST && n < TEMPORARY_NAMES; n++) {
		const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

		if (!temporary_name(entry->path, n, temporary, PATH_MAX))
			return -ENAMETOOLONG;
		fd = sys_libc.openat(AT_FDCWD, temporary, flags, mode);
		if (fd == -ENOENT && (fd = make_directory(entry)) == 0)
			fd = sys_libc.openat(AT_FDCWD, temporary, flags, mode);
	}
	return fd;
}

/* Writes the pyc to a new file, as the interpreter would have under the library. */
static int write_pyc(
	struct warm_entry *entry, const void *pyc, size_t size, char temporary[PATH_MAX])
{
	int fd = create(entry, temporary), closed;
	ssize_t written;

	if (fd < 0)
		return fd;
	entry_created(entry->entry.world, temporary, fd);
	written = sys_libc.pwrite(fd, pyc, size, 0);
	closed = sys_libc.close(fd); /* where a file server says that its disk is full */
	if (written == (ssize_t)size && closed == 0)
		return 0;
	unlink(temporary);
	return written < 0 ? (int)written : closed < 0 ? closed : -ENOSPC;
}

static int root_once(
	struct warm_entry *entry, const void *pyc, size_t size, const char **ret_why)
{
	const struct sys *sys = &sys_libc;
	char temporary[PATH_MAX];
	struct entry_verdict verdict;
	struct stat old;
	bool shared, replaces;
	int err = write_pyc(entry, pyc, size, temporary);

	if (err < 0)
		return err;
	err = entry_seal(&entry->entry, temporary, &shared, &verdict);
	/* The library keeps what is not proven, for Python's rules; here it is no use. */
	if (err == 0 && verdict.id != VERDICT_SEALED) {
		*ret_why = verdict_rows[verdict.id].why;
		err = -ESTALE;
	}
	if (err == 0 && shared)
		entry_share(&entry->entry, temporary);
	replaces = sys->fstatat(AT_FDCWD, entry->path, &old, AT_SYMLINK_NOFOLLOW) == 0;
	if (err == 0)
		err = sys->renameat(AT_FDCWD, temporary, AT_FDCWD, entry->path);
	if (err == 0)
		entry_placed(&entry->entry, replaces ? &old : NULL);
	else
		(void)sys->unlinkat(AT_FDCWD, temporary, 0);
	return err;
}

int warm_entry_store(
	struct warm_entry *entry, const void *pyc, size_t size, const char **ret_why)
{
	int err = root_once(entry, pyc, size, ret_why);

	/* A purge has taken the directory away, or the file. */
	for (unsigned tries = 0; err == -ENOENT && tries < ROOT_TRIES; tries++)
		err = root_once(entry, pyc, size, ret_why);
	return err;
}

void warm_journal(const struct warm *warm, struct warm_target *target)
{
	struct journal_record record;
	struct text version;

	if (!counters_take(&target->tally, &sys_libc, &record))
		return;
	version = TEXT(record.version);
	text_adds(&version, target->python->tag);
	text_adds(&version, warm->config.variant);
	totals_append(warm->config.root, &record);
}
