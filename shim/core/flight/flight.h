/* SPDX-License-Identifier: MIT
 *
 * Single flight: if several processes miss the same bytecode at the same time, one
 * compiles and the others wait for its result.
 *
 * A process that is going to compile writes a claim into a small file in the cache's
 * state folder. A process that finds another's claim waits until it is released, and
 * looks again. A claim is a hint, not a lock: it can be lost, overwritten, or left behind
 * by a process that died; that costs at most one compilation or a bounded wait. The file
 * is read and written by system calls rather than mapped: if a mapped file is truncated,
 * or has no block on a full disk, the program is killed.
 *
 * A process waits at most FLIGHT_MOST for a module, and 1 s in total for results that did
 * not come in time. It does not wait again for a process for which it has waited in vain.
 * A process whose last claim came to nothing (it writes no bytecode, or stopped at a
 * syntax error) makes no claim until it has written some bytecode.
 *
 * Async-signal-safe, no locks; safe for threads, forks and vfork children. Times are in
 * nanoseconds.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/base/sys.h"

#define FLIGHT_MOST INT64_C(250000000)

/* A smaller source is compiled in less time than it takes to claim it and to wait. */
#define FLIGHT_LEAST_SIZE 200

/* What one process knows. Initially zeros. */
struct flight {
	_Atomic uintptr_t thread; /* the thread that holds a claim; 0 if none does */
	_Atomic uint64_t key;	  /* the key of that claim */
	_Atomic int64_t until;	  /* when that claim expires */
	_Atomic int64_t spent;	  /* time spent waiting in vain */
	_Atomic uint32_t slow[4]; /* processes that are not waited for */
	atomic_uint slow_next;
	atomic_bool idle;    /* the last claim came to nothing */
	atomic_bool on, off; /* whether claims are possible here; if neither is set, that
				is not known yet */
};

/* Where the claims of a cache are. */
struct flight_site {
	const struct sys *sys;
	struct flight *flight; /* NULL if there is no single flight */
	const char *root;      /* of the cache; root_len bytes */
	size_t root_len;
	char *room; /* for a path */
	size_t room_size;
};

/* This thread has missed the bytecode of that key, and is about to compile a source of
 * that size. Returns 0 if it should: it holds the claim, or nobody waits for it.
 * Otherwise returns how long it has waited for another process: the caller looks again,
 * and then compiles in any case. */
int64_t flight_join(const struct flight_site *site, uint64_t key, uint64_t source_size);

/* To be called if the awaited result was found. */
void flight_found(struct flight *flight, int64_t waited, uint64_t source_size);

/* This thread has compiled, and the file that it has written, if any, is in its place:
 * releases the thread's claim, if it has one. */
void flight_done(const struct flight_site *site);
