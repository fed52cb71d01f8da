/* SPDX-License-Identifier: MIT
 *
 * Reads a tree of directories on several threads without keeping it in memory: a million
 * files take no more memory than one directory. The tree is the cache, or any other that
 * walk.open opens. Directories are read in no particular order. The files of one
 * directory are visited one after the other by one thread.
 *
 * What vanishes before it is read is ignored. A directory that cannot be read, or a file
 * that cannot be looked at, is counted in walk.failed and reported on stderr or by
 * walk.fail, and the walk goes on.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/cache/cache.h"
#include "tools/cache/layout.h"

struct walk_dir {
	const char *path; /* begins with `start`; "" for the layout folder itself */
	struct layout_dir layout; /* what the path stands for in a cache */
	int fd;
	unsigned thread; /* from 0, the thread that called walk_run */
	void *context;	 /* walk.context */
	struct walk *walk;
	uint64_t names; /* the number of names read, including directories */
	bool changed;	/* set by the visitor: may be empty now, call walk.leave */
};

struct walk_file {
	const char *name;
	unsigned char type;    /* DT_… */
	const struct stat *st; /* with walk.stat; otherwise NULL */
};

struct walk {
	const struct cache *cache;
	void *context;
	bool stat;	   /* call fstatat for each file that is not a directory */
	unsigned threads;  /* 0: walk_threads(); at most WALK_MOST_THREADS */
	const char *doing; /* "scanning": shown with a count (progress.h); or NULL */
	/* Opens a directory, "" or a path that begins with `start`. Returns a descriptor,
	 * which the walk closes, or -errno. NULL: cache_openat of walk.cache. */
	int (*open)(const struct walk *walk, const char *path);
	/* Returns true if that directory is to be read. NULL: all but .state and .trash
	 * of the cache. */
	bool (*enter)(struct walk_dir *parent, const char *name);
	/* Called for a directory of the cache that the user may not read. Returns true if
	 * that may be so no longer. NULL: it stays as it is. */
	bool (*closed)(struct walk_dir *parent, const char *name);
	/* Called for each name that is not a directory (including links and sockets). */
	void (*file)(struct walk_dir *dir, const struct walk_file *file);
	/* Called before the first file and after the last one; either may be NULL. */
	void (*begin)(struct walk_dir *dir);
	void (*end)(struct walk_dir *dir);
	/* Called when everything below that directory has been read: deletes the
	 * directory if it is empty, and returns true if it did. Called for directories
	 * that have changed (see walk_dir), and for those in which a directory was
	 * deleted; from any thread, children before parents; not for `start` itself, and
	 * not after a stop. May be NULL. */
	bool (*leave)(struct walk *walk, const char *path);
	/* Reports what could not be read, on any thread. NULL: print it on stderr. */
	void (*fail)(struct walk *walk, const char *path, int error);
	_Atomic(uint64_t) seen;	  /* files */
	_Atomic(uint64_t) failed; /* what could not be read */
	_Atomic(bool) stop;	  /* set it to end early; an interrupt sets it, too */
};

/* For walk.leave: removes an empty directory of the cache. If it is not empty, then a
 * failure was reported already, or it is being filled again. */
bool walk_remove_empty(struct walk *walk, const char *path);

/* For a walk that waits for the disk at each file, regardless of the number of
 * processors: on ext4 without a journal and with discard, each unlink waits for the
 * discard. */
#define WALK_MOST_THREADS 16

/* The number of processors that this process may use, and the number of threads that
 * makes sense for a walk: the same, but at most 8. */
unsigned walk_processors(void);
unsigned walk_threads(void);

/* Reads everything below the directory `start` ("" for the whole cache). Returns 0;
 * -EINTR if it was stopped; another -errno if `start` itself could not be read. */
int walk_run(struct walk *walk, const char *start);
