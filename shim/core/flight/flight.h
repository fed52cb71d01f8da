/* SPDX-License-Identifier: MIT
 *
 * Single flight: where several processes miss the same bytecode at the same time, one
 * compiles and the others wait for its result.
 *
 * Who is going to compile writes a claim into a small file in the cache's state folder.
 * Who finds the claim of another process waits until it is released, and looks again.
 * A claim is a hint and no lock: it can be lost, overwritten, or left behind by a process
 * that died, and costs a compilation or a wait with a bound then, never more. So the file
 * is read and written by system calls, and is not mapped: a mapping of a file that is
 * cut off, or that finds no block on a full disk, kills the program.
 *
 * A process waits at most FLIGHT_MOST for a module, and 1 s in all for what did not come
 * in time. It does not wait again for a process that let it wait in vain. A process whose
 * last claim came to nothing (it writes no bytecode, or stopped at a syntax error) does
 * not claim until it has written some.
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

/* What one process knows. Zeros in the beginning. */
struct flight {
	_Atomic uintptr_t thread; /* the one that holds a claim; 0: none does */
	_Atomic uint64_t key;	  /* of that claim */
	_Atomic int64_t until;	  /* when it counts no longer */
	_Atomic int64_t spent;	  /* on waiting in vain */
	_Atomic uint32_t slow[4]; /* processes that are not waited for */
	atomic_uint slow_next;
	atomic_bool idle; /* the last claim came to nothing */
	atomic_bool on,
		off; /* whether there can be claims here; neither: it is not known */
};

/* Where the claims of a cache are. */
struct flight_site {
	const struct sys *sys;
	struct flight *flight; /* NULL: there is no single flight */
	const char *root;      /* of the cache; root_len bytes */
	size_t root_len;
	char *room; /* for a path */
	size_t room_size;
};

/* This thread has missed the bytecode of that key, and is about to compile a source of
 * that size. Returns 0 where it should: it has the claim, or nobody waits for it. Else
 * how long it has waited for another process: it is time to look again, and after that to
 * compile in any case. */
int64_t flight_join(const struct flight_site *site, uint64_t key, uint64_t source_size);

/* What was waited for is there. */
void flight_found(struct flight *flight, int64_t waited, uint64_t source_size);

/* This thread has compiled, and what it has written, if anything, is in its place:
 * releases its claim, if it has one. */
void flight_done(const struct flight_site *site);
