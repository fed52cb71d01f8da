/* SPDX-License-Identifier: MIT
 *
 * The source of an entry: its identity, its digest, and whether what we know of it
 * can be proven.
 *
 * The kernel puts the change time (ctime) on a file from a clock that ticks every few
 * milliseconds, and no program can set it. If at some moment a file's ctime is older
 * than that clock, every later change gives it another ctime; if both are in one tick,
 * a later change may leave no trace (git calls such files racy). So a file's content
 * is known from a moment on only when its ctime lies before it. A file so young is
 * waited for, some milliseconds once. A server's clock is not ours: there a file must
 * be older by seconds, and is not waited for.
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
 * Hundreds of times the size of the longest modules people write. */
#define SOURCE_MAX (32 << 20)

/* What a process has found out about whose clock it is, so that most files need no more
 * system calls. */
struct source_clock {
	/* A file system of this machine, as st_dev + 1; 0 where none was met. */
	_Atomic(uint64_t) local;
	atomic_bool refused; /* a sandbox lets nobody ask what a file system is */
};

struct source {
	int dirfd;	  /* where path is relative to */
	const char *path; /* as given by the program: links are followed each time */
	struct stat st;
	struct identity identity; /* in st */
	bool there;		  /* st is filled in: it is a regular file */
	bool settled;	/* since st was taken, a change would show in the identity */
	bool hopeless;	/* not settled, and not by waiting either */
	bool digested;	/* digest and own_codec are filled in */
	bool own_codec; /* see coding.h */
	struct digest digest;
	/* If seen: what source_recall took from the program's own stat. */
	bool seen;
	off_t seen_size;
	struct timespec seen_mtime;
};

/* Takes the source's stat. -ENOENT and the like where there is no regular file. */
int source_look(struct source *source, const struct sys *sys);

/* As source_look, by the stat that the program has just taken; see recent_stat.h. False
 * where there is none. recent may be NULL. */
bool source_recall(
	struct source *source, const struct sys *sys, struct recent_stat *recent);

/* As source_look; sees to it that later changes will show, waiting for the clock's next
 * tick if need be, and says in `settled` whether they will. */
int source_settle(
	struct source *source, const struct sys *sys, struct source_clock *clock);

/* As source_settle, and if it is settled at once, as it usually is, digested too: by the
 * stat that the program has just taken, as source_recall, if the source is still the same
 * when it has been read; else by that of the source that is opened to read it, which is
 * cheaper than by its path. */
int source_read(struct source *source, const struct sys *sys, struct source_clock *clock,
	struct recent_stat *recent, struct scratch *scratch);

/* After source_look, or source_read: reads the source and sets digest, unless it is. */
int source_digest(struct source *source, const struct sys *sys, struct scratch *scratch);

/* After source_look: whether it changed within the last minute, or in the future. Of such
 * a one the content can change under an identity that stays: a mapping of it that is not
 * written back yet, a write whose data comes after its time. */
bool source_is_young(const struct source *source, const struct sys *sys);

/* Whether file systems of that type (statfs's f_type) are another machine's, or have a
 * clock that is not ours. */
bool source_type_is_remote(int64_t type);

/* Which file something is, whatever becomes of its content. */
struct origin {
	uint64_t inode;
	uint64_t fs;	       /* as identity's */
	struct timespec birth; /* zeros where the file system has none */
};

/* After source_look; all zeros without a source. */
struct origin source_origin(const struct source *source, const struct sys *sys);

/* Of what is at path; all zeros where nothing is. */
struct origin origin_of(const struct sys *sys, const char *path);
bool origin_same(const struct origin *a, const struct origin *b);
