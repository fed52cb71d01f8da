/* SPDX-License-Identifier: MIT
 *
 * Going through the cache, on several threads, without remembering it: a million files
 * take no more memory than one directory. Directories are read in no order; the files of
 * one directory come one after the other from one thread.
 *
 * What vanishes while it is looked for was never there. Directories that cannot be read
 * are counted in walk.failed and said on stderr; the walk goes on.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/cache/cache.h"

struct walk_dir {
	const char *path; /* below the layout folder, "" for itself */
	int fd;
	unsigned thread; /* which of the threads this is, from 0 */
	void *context;	 /* walk.context */
	void *own;	 /* for the visitor: of this directory, NULL at first */
	struct walk *walk;
	uint64_t names; /* how many were read, directories' too */
	bool changed;	/* for the visitor: it may be empty now, and is to be left */
};

struct walk_file {
	const char *name;
	unsigned char type;    /* DT_… */
	const struct stat *st; /* with walk.stat, else NULL */
};

struct walk {
	const struct cache *cache;
	void *context;
	bool stat;	  /* call fstatat for each file that is no directory */
	unsigned threads; /* 0: walk_threads(); at most WALK_MOST_THREADS */
	bool force;	  /* give the user a directory's rights where they are missing:
			     for what is to be deleted */
	/* Whether to go into that directory; NULL: into all but .state and .trash. */
	bool (*enter)(struct walk_dir *parent, const char *name);
	/* Called for each name that is no directory (links and sockets too). */
	void (*file)(struct walk_dir *dir, const struct walk_file *file);
	void (*begin)(struct walk_dir *dir); /* either may be NULL */
	void (*end)(
		struct walk_dir *dir); /* all its files were seen, not its directories */
	/* All below that directory was gone through, to the last one: deletes it if there
	 * is nothing in it, and says whether it did. Only for directories that have
	 * changed (see walk_dir), and for those from which one went; from any thread, in
	 * no other order; not for `start` itself, nor after a stop. May be NULL. */
	bool (*leave)(struct walk *walk, const char *path);
	_Atomic(uint64_t) seen;	  /* files; for progress */
	_Atomic(uint64_t) failed; /* directories that could not be read */
	_Atomic(bool) stop;	  /* set it to end early; set by interrupts as well */
};

/* For walk.leave: removes a directory that is empty. One that is not was said already, or
 * is being filled again. */
bool walk_remove_empty(struct walk *walk, const char *path);

/* For a walk that waits for a disk at each file, whatever the processors: where ext4 has
 * no journal and discards, each unlink waits for that. */
#define WALK_MOST_THREADS 16

/* How many processors this process may use, and how many threads make sense for a walk:
 * as many, but at most 8. */
unsigned walk_processors(void);
unsigned walk_threads(void);

/* Goes through all that is below the directory `start` ("" for all). 0, or -errno where
 * it could not even begin; -EINTR where it was stopped. */
int walk_run(struct walk *walk, const char *start);
