/* SPDX-License-Identifier: MIT
 *
 * Reading a tree of directories on several threads.
 *
 * A directory that waits to be read is a node with its name and a pointer to its parent.
 * The last one found is read first, so memory holds one path from the root and the
 * siblings along it, not the tree. Directories are opened by their whole path: only those
 * that are being read have an open descriptor.
 */
#include "tools/cache/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/core/cache/root.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/threads.h"

#define MOST_THREADS 8 /* for a walk that is limited by the processors */
#define BUFFER_SIZE (64u * 1024)

struct node {
	struct node *parent; /* NULL: this is the start of the walk */
	struct node *next;   /* in the stack */
	/* The number of subdirectories that are not finished, plus one until it is read
	 * itself. */
	_Atomic(unsigned) pending;
	_Atomic(bool) changed; /* call walk.leave for it */
	char name[];
};

struct pool {
	struct walk *walk;
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct node *stack;
	unsigned working; /* threads that may still push onto the stack */
	int first_error;  /* error of reading the start */
	struct progress progress;
};

/* The state of one thread. */
struct worker {
	struct pool *pool;
	unsigned number;
	char *path; /* of the directory being read */
	size_t path_size;
	struct node *found; /* subdirectories of that directory */
	uint64_t seen;	    /* files that are not yet added to the walk's count */
	_Alignas(struct dirent64) char buffer[BUFFER_SIZE];
};

bool walk_remove_empty(struct walk *walk, const char *path)
{
	return unlinkat(walk->cache->fd, path, AT_REMOVEDIR) == 0;
}

unsigned walk_processors(void)
{
	cpu_set_t set;

	/* Fails if there are more processors than the set has room for. */
	return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set)
							   : MOST_THREADS;
}

unsigned walk_threads(void)
{
	unsigned n = walk_processors();

	return n > MOST_THREADS ? MOST_THREADS : n;
}

static bool must_stop(struct walk *walk)
{
	if (interrupt_came())
		walk->stop = true;
	return walk->stop;
}

/* --- nodes ---------------------------------------------------------------------------*/

static struct node *node_new(struct node *parent, const char *name)
{
	size_t len = strlen(name);
	struct node *node = alloc_array(1, sizeof *node + len + 1);

	node->parent = parent;
	node->pending = 1;
	memcpy(node->name, name, len + 1);
	if (parent)
		parent->pending++;
	return node;
}

/* Writes the node's path to the worker's buffer, from the end backwards. */
static const char *node_path(struct worker *worker, const struct node *node)
{
	const struct node *at;
	size_t len = 0;

	for (at = node; at; at = at->parent)
		len += strlen(at->name) + 1;
	if (len > worker->path_size) {
		free(worker->path);
		worker->path_size = len * 2;
		worker->path = alloc_array(worker->path_size, 1);
	}
	worker->path[--len] = '\0';
	for (at = node; at; at = at->parent) {
		size_t n = strlen(at->name);

		len -= n;
		memcpy(worker->path + len, at->name, n);
		if (!at->parent)
			break;
		/* the top "" is the layout folder, and "/" ends with its own slash */
		if (at->parent->name[0] && strcmp(at->parent->name, "/") != 0)
			worker->path[--len] = '/';
	}
	return worker->path + len;
}

static bool node_leave(struct worker *worker, struct node *node)
{
	struct walk *walk = worker->pool->walk;

	return node->changed && node->parent && walk->leave && !walk->stop &&
	       walk->leave(walk, node_path(worker, node));
}

/* Counts one part of the node as done. Leaves each node that is now finished, upwards. */
static void node_done(struct worker *worker, struct node *node)
{
	while (node && --node->pending == 0) {
		struct node *parent = node->parent;

		if (node_leave(worker, node))
			parent->changed = true;
		free(node);
		node = parent;
	}
}

/* --- reading one directory -----------------------------------------------------------*/

static void failed(struct walk *walk, const char *path, int error)
{
	walk->failed++;
	if (walk->fail)
		walk->fail(walk, path, error);
	else if (error == -EXDEV)
		complain(path, "another file system is mounted here; it is left alone");
	else
		complain(path, "%s", strerror(-error));
}

static void failed_at(struct walk_dir *dir, const char *name, int error)
{
	AUTOFREE char *path =
		alloc_format("%s%s%s", dir->path, *dir->path ? "/" : "", name);

	if (error != -ENOENT) /* else it has vanished */
		failed(dir->walk, path, error);
}

static bool may_enter(struct walk *walk, struct walk_dir *dir, const char *name)
{
	if (walk->enter)
		return walk->enter(dir, name);
	return dir->path[0] || !cache_is_private(name);
}

static void found_directory(struct worker *worker, struct walk_dir *dir,
	struct node *parent, const char *name)
{
	struct node *node;

	if (!may_enter(dir->walk, dir, name))
		return;
	/* Nothing there is ever served, and the way down to each level gets longer. */
	if (strlen(dir->path) + 1 + strlen(name) >= PATH_MAX) {
		failed(dir->walk, dir->path, -ENAMETOOLONG);
		return;
	}
	node = node_new(parent, name);
	node->next = worker->found;
	worker->found = node;
}

static void found_name(struct worker *worker, struct walk_dir *dir, struct node *node,
	const struct dirent64 *entry)
{
	struct walk *walk = dir->walk;
	struct walk_file file = { entry->d_name, entry->d_type, NULL };
	struct stat st;

	if (file.type != DT_DIR && (walk->stat || file.type == DT_UNKNOWN)) {
		if (fstatat(dir->fd, file.name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			failed_at(dir, file.name, -errno);
			return;
		}
		file.type = IFTODT(st.st_mode);
		file.st = walk->stat ? &st : NULL;
	}
	if (file.type == DT_DIR) {
		found_directory(worker, dir, node, file.name);
		return;
	}
	worker->seen++;
	if (walk->file)
		walk->file(dir, &file);
}

/* Names to skip in a cache; the tag of the layout folder is for backups. */
static bool is_passed_over(const struct walk_dir *dir, const char *name)
{
	return (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]))) ||
	       (!dir->path[0] && strcmp(name, ROOT_TAG) == 0);
}

static int read_names(struct worker *worker, struct walk_dir *dir, struct node *node)
{
	while (!must_stop(dir->walk)) {
		ssize_t n = syscall(
			SYS_getdents64, dir->fd, worker->buffer, sizeof worker->buffer);

		if (n <= 0)
			return n < 0 && errno != ENOENT ? -errno : 0;
		for (ssize_t at = 0; at < n && !dir->walk->stop;) {
			const struct dirent64 *entry =
				(const struct dirent64 *)(worker->buffer + at);

			if (!is_passed_over(dir, entry->d_name)) {
				dir->names++;
				found_name(worker, dir, node, entry);
			}
			at += entry->d_reclen;
		}
		/* not for each file: all threads would compete for the counter */
		dir->walk->seen += worker->seen;
		worker->seen = 0;
		if (worker->number == 0)
			progress_update(&worker->pool->progress, dir->walk->seen);
	}
	return 0;
}

/* Returns whether the user may perhaps read the directory at path now. */
static bool was_opened_up(struct walk *walk, const char *path)
{
	const char *name = file_name(path);
	AUTOFREE char *above =
		alloc_part(path, name == path ? 0 : (size_t)(name - path) - 1);
	AUTOCLOSE int fd = cache_openat(walk->cache, above, O_PATH | O_DIRECTORY);
	struct walk_dir parent = {
		.path = above,
		.layout = layout_dir_parse(above),
		.fd = fd,
		.context = walk->context,
		.walk = walk,
	};

	return fd >= 0 && walk->closed(&parent, name);
}

static int open_directory(struct walk *walk, const char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
	int fd;

	if (walk->open)
		return walk->open(walk, path);
	fd = cache_openat(walk->cache, path, flags);
	if (fd == -EACCES && walk->closed && was_opened_up(walk, path))
		fd = cache_openat(walk->cache, path, flags);
	return fd;
}

static bool has_vanished(int error)
{
	return file_is_absent(error) || error == -ELOOP;
}

static void read_directory(struct worker *worker, struct node *node)
{
	struct walk *walk = worker->pool->walk;
	const char *path = node_path(worker, node);
	AUTOCLOSE int fd = open_directory(walk, path);
	int r;
	struct walk_dir dir = {
		.path = path,
		.layout = layout_dir_parse(path),
		.fd = fd,
		.thread = worker->number,
		.context = walk->context,
		.walk = walk,
	};

	if (fd < 0) {
		if (!node->parent)
			worker->pool->first_error = fd;
		else if (!has_vanished(fd))
			failed(walk, path, fd);
		return;
	}
	if (walk->begin)
		walk->begin(&dir);
	r = read_names(worker, &dir, node);
	if (walk->end)
		walk->end(&dir);
	node->changed = dir.changed;
	if (r < 0)
		failed(walk, path, r);
}

/* --- the threads ---------------------------------------------------------------------*/

/* Returns the next directory, waiting for one; NULL if there will be none. `done`: this
 * thread has read its last directory and pushed all subdirectories. */
static struct node *take(struct pool *pool, bool done)
{
	struct node *node;

	pthread_mutex_lock(&pool->mutex);
	pool->working -= done;
	while (!pool->stack && pool->working)
		pthread_cond_wait(&pool->more, &pool->mutex);
	node = pool->stack;
	if (node) {
		pool->stack = node->next;
		pool->working++;
	} else {
		pthread_cond_broadcast(&pool->more);
	}
	pthread_mutex_unlock(&pool->mutex);
	return node;
}

static void put(struct pool *pool, struct node *found)
{
	struct node *last = found;

	if (!found)
		return;
	while (last->next)
		last = last->next;
	pthread_mutex_lock(&pool->mutex);
	last->next = pool->stack;
	pool->stack = found;
	pthread_mutex_unlock(&pool->mutex);
	if (found == last)
		pthread_cond_signal(&pool->more);
	else
		pthread_cond_broadcast(&pool->more);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct pool *pool = worker->pool;
	struct node *node = take(pool, false);

	while (node) {
		if (!must_stop(pool->walk))
			read_directory(worker, node);
		put(pool, worker->found);
		worker->found = NULL;
		node_done(worker, node);
		node = take(pool, true);
	}
	free(worker->path);
	return NULL;
}

int walk_run(struct walk *walk, const char *start)
{
	struct pool pool = {
		.walk = walk,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.more = PTHREAD_COND_INITIALIZER,
		.stack = node_new(NULL, start),
	};
	unsigned count = walk->threads ? walk->threads : walk_threads();
	struct worker *workers;

	if (count > WALK_MOST_THREADS)
		count = WALK_MOST_THREADS;
	workers = alloc_array(count, sizeof *workers);
	for (unsigned n = 0; n < count; n++) {
		workers[n].pool = &pool;
		workers[n].number = n;
	}
	if (walk->doing)
		progress_begin(&pool.progress, walk->doing, 0);
	threads_run(work, workers, sizeof *workers, count);
	progress_end(&pool.progress);
	free(workers);
	if (pool.first_error)
		return pool.first_error;
	return walk->stop ? -EINTR : 0;
}
