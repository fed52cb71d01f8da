/* SPDX-License-Identifier: MIT
 *
 * Reads a tree of directories on several threads without keeping it in memory: a million
 * files take no more memory than one directory. The tree is the cache, or any other that
 * walk.open opens. Directories are read in no particular order; the files of one
 * directory are visited one after the other by one thread.
 *
 * A directory that vanishes before it is read counts as if it had never been there. One
 * that cannot be read is counted in walk.failed and reported on stderr, or by walk.fail;
 * the walk goes on.
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
	unsigned thread; /* which of the threads this is, from 0; 0 called walk_run */
	void *context;	 /* walk.context */
	struct walk *walk;
	uint64_t names; /* how many were read, directories included */
	bool changed;	/* set by the visitor: it may be empty now, call walk.leave */
};

struct walk_file {
	const char *name;
	unsigned char type;    /* DT_… */
	const struct stat *st; /* with walk.stat, else NULL */
};

struct walk {
	const struct cache *cache;
	void *context;
	bool stat;	   /* call fstatat for each file that is no directory */
	unsigned threads;  /* 0: walk_threads(); at most WALK_MOST_THREADS */
	bool force;	   /* the tree is to be deleted: where the user lacks rights to a
			      directory, give them to him */
	const char *doing; /* shown with the number of files on a terminal (progress.h),
			      as "scanning"; NULL: nothing is */
	/* Opens a directory, "" or a path that begins with `start`: a descriptor, which
	 * the walk closes, or -errno. NULL: cache_openat of walk.cache. */
	int (*open)(const struct walk *walk, const char *path);
	/* Whether to read that directory; NULL: all but .state and .trash of
	 * the cache. */
	bool (*enter)(struct walk_dir *parent, const char *name);
	/* Called for each name that is no directory (links and sockets too). */
	void (*file)(struct walk_dir *dir, const struct walk_file *file);
	/* Called before the first file and after the last one; either may be NULL. */
	void (*begin)(struct walk_dir *dir);
	void (*end)(struct walk_dir *dir);
	/* Everything below that directory was read: deletes it if it is empty, and
	 * returns whether it did. Called for directories that have changed (see
	 * walk_dir), and for those from which one was deleted; from any thread, children
	 * before parents; not for `start` itself, nor after a stop. May be NULL. */
	bool (*leave)(struct walk *walk, const char *path);
	/* Reports a directory that could not be read, on any thread. NULL: on stderr. */
	void (*fail)(struct walk *walk, const char *path, int error);
	_Atomic(uint64_t) seen;	  /* files */
	_Atomic(uint64_t) failed; /* directories that could not be read */
	_Atomic(bool) stop;	  /* set it to end early; set by interrupts as well */
};

/* For walk.leave: removes a directory of the cache that is empty. One that is not empty
 * was reported already, or is being filled again. */
bool walk_remove_empty(struct walk *walk, const char *path);

/* For a walk that waits for a disk at each file, however many processors there are: where
 * ext4 has no journal and discards, each unlink waits for that. */
#define WALK_MOST_THREADS 16

/* How many processors this process may use, and how many threads make sense for a walk:
 * as many, but at most 8. */
unsigned walk_processors(void);
unsigned walk_threads(void);

/* Reads everything below the directory `start` ("" for the whole cache). 0; -EINTR where
 * it was stopped; another -errno where `start` itself could not be read. */
int walk_run(struct walk *walk, const char *start);
