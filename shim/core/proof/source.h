/* SPDX-License-Identifier: MIT
 *
 * The source of an entry: its identity, its digest, and whether what we know of it can be
 * proven.
 *
 * The kernel takes a file's change time (ctime) from a clock that ticks every few
 * milliseconds, and no program can set it. If a file's ctime is older than that clock,
 * every later change gives the file a different ctime; if both are in the same tick, a
 * later change may leave no trace (git calls such files racy). So the content of a file
 * is known from some moment on only if its ctime lies before that moment. If a file is
 * too young, we wait once for some milliseconds. A server's clock differs from ours:
 * there a file must be seconds old, and is not waited for.
 *
 * Async-signal-safe, no locks; functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>

#include "shim/core/base/digest.h"
#include "shim/core/base/scratch.h"
#include "shim/core/base/sys.h"
#include "shim/core/proof/recent_stat.h"
#include "shim/core/proof/seal.h"

/* A larger source is never digested, and so never proven: Python compiles it each time.
 * This is hundreds of times the size of the longest modules people write. */
#define SOURCE_MAX (32 << 20)

/* What a process has found out about file systems and their clocks, which saves most
 * files further system calls. */
struct source_clock {
	/* A file system of this machine, as st_dev + 1; 0 if none was met. */
	_Atomic(uint64_t) local;
	atomic_bool refused; /* a sandbox forbids asking for a file system's type */
};

struct source {
	int dirfd;	  /* the directory that path is relative to */
	const char *path; /* as given by the program: links are followed each time */
	bool is_open;	  /* dirfd is the file itself, and path is "" */
	struct stat st;
	struct identity identity; /* from st */
	bool there;		  /* st is filled in: the source is a regular file */
	bool settled;	/* a change after st was taken would show in the identity */
	bool hopeless;	/* not settled, and waiting would not settle it */
	bool digested;	/* digest and own_codec are filled in */
	bool own_codec; /* see coding.h */
	struct digest digest;
	/* If seen: what source_recall took from the program's own stat. */
	bool seen;
	off_t seen_size;
	struct timespec seen_mtime;
};

/* Takes the source's stat. Returns -ENOENT or the like if there is no regular file. */
int source_look(struct source *source, const struct sys *sys);

/* As source_look, with the stat that the program has just taken; see recent_stat.h.
 * Returns false if there is none. recent may be NULL. */
bool source_recall(
	struct source *source, const struct sys *sys, struct recent_stat *recent);

/* As source_look, but waits for the clock's next tick if needed, so that later changes
 * will show, and sets `settled` to whether they will. */
int source_settle(
	struct source *source, const struct sys *sys, struct source_clock *clock);

/* As source_settle, and digests the source if it is settled at once, as is usual. Opens
 * only what has been a regular file, since opening a device can have an effect. Uses
 * the stat that the program has just taken, as source_recall does, if the source is still
 * the same after it was read; else that of the file opened for reading, which is cheaper
 * than a stat of its path. */
int source_read(struct source *source, const struct sys *sys, struct source_clock *clock,
	struct recent_stat *recent, struct scratch *scratch);

/* After source_look or source_read: reads the source and sets digest, unless it is
 * set. */
int source_digest(struct source *source, const struct sys *sys, struct scratch *scratch);

/* After source_look: returns whether the source was changed within the last minute, or in
 * the future. The content of so young a source can change while its identity stays:
 * through a mapping that is not written back yet, or a write whose data arrives after its
 * time stamp. */
bool source_is_young(const struct source *source, const struct sys *sys);

/* Returns whether file systems of that type (statfs's f_type) are another machine's, or
 * have a clock that is not ours. */
bool source_type_is_remote(int64_t type);

/* Identifies a file, however its content changes. */
struct origin {
	uint64_t inode;
	uint64_t fs;	       /* as in struct identity */
	struct timespec birth; /* zeros if the file system records none */
};

/* After source_look; all zeros if there is no source. */
struct origin source_origin(const struct source *source, const struct sys *sys);

/* Returns the origin of the file at path; all zeros if there is none. */
struct origin origin_of(const struct sys *sys, const char *path);
bool origin_same(const struct origin *a, const struct origin *b);
