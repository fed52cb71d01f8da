/* SPDX-License-Identifier: MIT
 *
 * Going through trees of sources.
 */
#include "tools/warm/warm_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "tools/base/files.h"
#include "tools/base/progress.h"
#include "tools/warm/warm_entry.h"

/* How long the main thread sleeps between two looks. */
#define PAUSE_NS 50000000

struct scan {
	struct warm *warm;
	char *cache;	       /* its physical name, NULL where it does not exist */
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t more;   /* there is a directory to do, or all is done */
	pthread_cond_t done;
	char **stack; /* directories to do, the deepest last: there are fewer of them */
	size_t count, room;
	unsigned busy; /* threads that may yet find more */
	_Atomic(int) error;
	_Atomic(uint64_t) seen; /* sources */
};

/* What one thread has, for each target. */
struct part {
	struct warm_world world;
	struct warm_entry entry;
	int cache_dirfd;
	bool usable;  /* the directory at hand can have entries */
	bool planted; /* in the cache it lies behind a link or a mount */
	struct warm_misses misses;
	uint64_t counts[WARM_OUTCOMES];
};

struct scanner {
	struct scan *scan;
	struct part *parts;
	pthread_t thread;
};

static bool is_over(const struct scan *scan)
{
	return scan->error || scan->warm->stop || interrupt_came();
}

/* --- the directories that are left to do ---------------------------------------------*/

/* Takes over path. */
static void push(struct scan *scan, char *path)
{
	pthread_mutex_lock(&scan->mutex);
	if (path && scan->count == scan->room) {
		size_t room = scan->room ? 2 * scan->room : 64;
		char **stack = reallocarray(scan->stack, room, sizeof *stack);

		if (stack) {
			scan->stack = stack;
			scan->room = room;
		}
	}
	if (path && scan->count < scan->room) {
		scan->stack[scan->count++] = path;
	} else {
		scan->error = -ENOMEM;
		free(path);
	}
	pthread_cond_signal(&scan->more);
	pthread_mutex_unlock(&scan->mutex);
}

/* The next directory, waiting for one; NULL at the end. The thread counts as busy until
 * it asks again. */
static char *pop(struct scan *scan)
{
	char *path = NULL;

	pthread_mutex_lock(&scan->mutex);
	scan->busy--;
	while (scan->count == 0 && scan->busy && !is_over(scan))
		pthread_cond_wait(&scan->more, &scan->mutex);
	if (scan->count && !is_over(scan)) {
		path = scan->stack[--scan->count];
		scan->busy++;
	} else {
		pthread_cond_broadcast(&scan->more);
		pthread_cond_signal(&scan->done);
	}
	pthread_mutex_unlock(&scan->mutex);
	return path;
}

/* --- one directory -------------------------------------------------------------------*/

/* The path of a name in a directory, for the caller to free; NULL without memory. */
static char *join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory[1] ? directory : "", name) < 0 ? NULL
										 : path;
}

static bool is_excluded(const struct scan *scan, const char *directory, const char *name)
{
	AUTOFREE char *path = NULL;

	for (const char *const *glob = scan->warm->exclude; *glob; glob++) {
		if (strchr(*glob, '/') && !path)
			path = join(directory, name);
		if (fnmatch(*glob, strchr(*glob, '/') && path ? path : name, 0) == 0)
			return true;
	}
	return false;
}

static bool is_source_name(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && memcmp(name + len - 3, ".py", 3) == 0;
}

static void fail(struct scan *scan, struct part *part, const struct warm_target *target,
	const char *directory, const char *name, const char *why)
{
	AUTOFREE char *path = *name ? join(directory, name) : strdup(directory);

	part->counts[WARM_FAILED]++;
	warm_fail(scan->warm, target, path ? path : name, 0, why);
}

/* Notes a source that has to be compiled. */
static void miss(
	struct scan *scan, struct part *part, const char *directory, const char *name)
{
	const struct source *source = &part->entry.entry.source;
	char *path;

	if (!source->there) /* it is gone */
		return;
	path = join(directory, name);
	if (!path || !warm_misses_add(&part->misses, path, source->st.st_size)) {
		free(path);
		scan->error = -ENOMEM;
	}
}

static void look_at(struct scanner *scanner, size_t index, const char *directory,
	int dirfd, const char *name)
{
	struct scan *scan = scanner->scan;
	struct part *part = &scanner->parts[index];
	const struct warm_target *target = &scan->warm->targets[index];
	const char *why = "the path of its bytecode would be too long";
	enum warm_outcome outcome;

	if (part->planted)
		why = "in the cache a link or a mount is in the way of its bytecode";
	else if (part->usable)
		why = warm_entry_source(
			&part->entry, &part->world, scan->warm, target, dirfd, name);
	if (why) {
		fail(scan, part, target, directory, name, why);
		return;
	}
	outcome = warm_entry_open(&part->entry, scan->warm, part->cache_dirfd);
	if (outcome == WARM_MISSING)
		miss(scan, part, directory, name);
	else
		part->counts[outcome]++;
	if (outcome == WARM_FAILED)
		warm_give_up(scan->warm, warm_entry_obstacle(&part->entry));
}

/* A regular file, or a link to one. */
static bool is_file(int dirfd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type == DT_REG)
		return true;
	return (entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) &&
	       fstatat(dirfd, entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

static bool is_directory(int dirfd, const struct dirent *entry)
{
	struct stat st;

	return entry->d_type == DT_DIR ||
	       (entry->d_type == DT_UNKNOWN &&
		       fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		       S_ISDIR(st.st_mode));
}

/* What is only needed where there are sources. */
static void enter(struct scanner *scanner, const char *directory)
{
	const struct warm *warm = scanner->scan->warm;

	for (size_t i = 0; i < warm->target_count; i++) {
		struct part *part = &scanner->parts[i];

		part->usable = warm_entry_directory(
			&part->entry, warm, &warm->targets[i], directory);
		part->cache_dirfd = -ENOENT;
		if (!part->usable)
			continue;
		part->cache_dirfd = warm_entry_open_directory(&part->entry, warm);
		part->planted = part->cache_dirfd == -ELOOP;
	}
}

static void leave(struct scanner *scanner)
{
	for (size_t i = 0; i < scanner->scan->warm->target_count; i++)
		if (scanner->parts[i].cache_dirfd >= 0)
			close(scanner->parts[i].cache_dirfd);
}

static void do_source(
	struct scanner *scanner, const char *directory, int dirfd, const char *name)
{
	const struct warm *warm = scanner->scan->warm;
	size_t len = strlen(directory);
	bool covered = config_covers(&warm->config, directory, len, directory, len);

	scanner->scan->seen++;
	for (size_t i = 0; i < warm->target_count; i++) {
		if (covered)
			look_at(scanner, i, directory, dirfd, name);
		else
			scanner->parts[i].counts[WARM_EXCLUDED]++;
	}
}

static void do_entry(struct scanner *scanner, const char *directory, DIR *stream,
	const struct dirent *entry, bool *entered)
{
	struct scan *scan = scanner->scan;
	const char *name = entry->d_name;

	if (is_directory(dirfd(stream), entry)) {
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
			strcmp(name, PYCACHE) == 0 || is_excluded(scan, directory, name))
			return;
		push(scan, join(directory, name));
	} else if (is_source_name(name) && is_file(dirfd(stream), entry) &&
		   !is_excluded(scan, directory, name)) {
		if (!*entered)
			enter(scanner, directory);
		*entered = true;
		do_source(scanner, directory, dirfd(stream), name);
	}
}

static void do_directory(struct scanner *scanner, const char *directory)
{
	struct scan *scan = scanner->scan;
	const struct dirent *entry;
	bool entered = false;
	DIR *stream;

	if (scan->cache && path_is_below(directory, strlen(directory), scan->cache,
				   strlen(scan->cache)))
		return;
	stream = opendir(directory);
	if (!stream && errno == ENOENT) /* it is gone */
		return;
	if (!stream) {
		fail(scan, scanner->parts, NULL, directory, "", strerror(errno));
		return;
	}
	while (!is_over(scan) && (errno = 0, entry = readdir(stream)))
		do_entry(scanner, directory, stream, entry, &entered);
	if (!is_over(scan) && errno)
		fail(scan, scanner->parts, NULL, directory, "", strerror(errno));
	if (entered)
		leave(scanner);
	closedir(stream);
}

/* --- threads -------------------------------------------------------------------------*/

static void *run(void *argument)
{
	struct scanner *scanner = argument;
	char *directory;

	while ((directory = pop(scanner->scan))) {
		do_directory(scanner, directory);
		free(directory);
	}
	return NULL;
}

static bool scanner_begin(struct scanner *scanner, struct scan *scan)
{
	struct warm *warm = scan->warm;

	scanner->scan = scan;
	scanner->parts = calloc(warm->target_count, sizeof *scanner->parts);
	for (size_t i = 0; scanner->parts && i < warm->target_count; i++) {
		if (!warm_world_begin(&scanner->parts[i].world, warm))
			return false;
		warm_world_turn(&scanner->parts[i].world, warm, &warm->targets[i]);
	}
	return scanner->parts;
}

/* Hands over what the thread has found. */
static void scanner_end(struct scanner *scanner)
{
	struct warm *warm = scanner->scan->warm;

	for (size_t i = 0; scanner->parts && i < warm->target_count; i++) {
		struct part *part = &scanner->parts[i];
		struct warm_misses *misses = &part->misses;

		for (size_t n = 0; n < misses->count; n++)
			if (!warm_misses_add(&warm->targets[i].misses,
				    misses->list[n].path, misses->list[n].size))
				scanner->scan->error = -ENOMEM;
		for (int n = 0; n < WARM_OUTCOMES; n++)
			warm->targets[i].counts[n] += part->counts[n];
		free(misses->list);
		warm_world_end(&part->world);
	}
	free(scanner->parts);
}

/* Sleeps until all is done, and says meanwhile how far that is. */
static void wait_for_end(struct scan *scan)
{
	struct progress progress;

	progress_begin(&progress, "looking at sources", 0);
	pthread_mutex_lock(&scan->mutex);
	while (scan->busy) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PAUSE_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&scan->done, &scan->mutex, &until);
		progress_update(&progress, scan->seen);
		if (is_over(scan))
			pthread_cond_broadcast(&scan->more);
	}
	pthread_mutex_unlock(&scan->mutex);
	progress_end(&progress);
}

static int run_threads(struct scan *scan)
{
	unsigned count = scan->warm->jobs, started = 0;
	struct scanner *scanners = calloc(count, sizeof *scanners);

	if (!scanners)
		return -ENOMEM;
	/* All count as busy from the start, or the first would think that it is alone. */
	scan->busy = count;
	for (unsigned i = 0; i < count; i++)
		if (!scanner_begin(&scanners[i], scan))
			scan->error = -ENOMEM;
	for (; started < count && !scan->error; started++)
		if (pthread_create(&scanners[started].thread, NULL, run,
			    &scanners[started]) != 0)
			break;
	pthread_mutex_lock(&scan->mutex);
	scan->busy -= count - started;
	if (started == 0 && !scan->error)
		scan->error = -EAGAIN;
	pthread_mutex_unlock(&scan->mutex);
	wait_for_end(scan);
	for (unsigned i = 0; i < started; i++)
		pthread_join(scanners[i].thread, NULL);
	for (unsigned i = 0; i < count; i++)
		scanner_end(&scanners[i]);
	free(scanners);
	return scan->error;
}

/* --- what was named ------------------------------------------------------------------*/

static int scan_directory(struct scan *scan, char *physical)
{
	int r;

	push(scan, physical);
	r = run_threads(scan);
	while (scan->count)
		free(scan->stack[--scan->count]);
	free(scan->stack);
	return r;
}

static int scan_file(struct scan *scan, const char *path)
{
	struct scanner scanner;
	AUTOFREE char *directory = NULL;
	AUTOFREE char *place = NULL;
	int r = file_place(path, &place), fd;

	if (r == 0)
		r = file_directory(place, &directory);
	if (r < 0)
		return r;
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (scanner_begin(&scanner, scan)) {
		enter(&scanner, directory);
		do_source(&scanner, directory, fd, file_name(place));
		leave(&scanner);
	} else {
		scan->error = -ENOMEM;
	}
	scanner_end(&scanner);
	close(fd);
	return scan->error;
}

static int refuse(struct warm *warm, const char *path, const char *why)
{
	warm->targets->counts[WARM_FAILED]++;
	warm_fail(warm, NULL, path, 0, why);
	return 0;
}

int warm_scan(struct warm *warm, const char *path)
{
	AUTOFREE char *cache = realpath(warm->config.root, NULL);
	char *physical = realpath(path, NULL);
	struct scan scan = {
		.warm = warm,
		.cache = cache,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.more = PTHREAD_COND_INITIALIZER,
		.done = PTHREAD_COND_INITIALIZER,
	};
	struct stat st;
	int r = 0;

	if (!physical || stat(physical, &st) < 0)
		r = refuse(warm, path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		r = scan_directory(&scan, strdup(physical));
	else if (!S_ISREG(st.st_mode) || !is_source_name(path))
		r = refuse(warm, path, "neither a directory nor a source (*.py)");
	else
		r = scan_file(&scan, path);
	warm->sources += scan.seen;
	free(physical);
	return r;
}
