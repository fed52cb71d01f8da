/* SPDX-License-Identifier: MIT
 *
 * Pending compiles: the sources whose bytecode this process has asked for and not got, as
 * they were then.
 *
 * An interpreter asks for a pyc, reads the source, compiles, and writes the pyc. The
 * bytecode is that of the source if the source is the same at the end as when the pyc was
 * asked for, before it was read, and if that is what the interpreter opened. So each
 * pending compile is kept until then.
 *
 * The table has a fixed size, and a new row may overwrite an older one: what is lost is
 * one seal. Each slot is one of slot.h. Where giving up there would keep a row that is to
 * be void, all rows become void. Safe for threads, signal handlers and vfork children.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shim/core/proof/seal.h"

#define PENDING_SLOTS 4096u
#define PENDING_WAYS 4u /* of which a new row may take the oldest */

struct pending_source {
	struct identity identity;
	uint16_t digested; /* whether digest and own_codec are known */
	uint16_t hopeless; /* as struct source's */
	uint16_t settled;  /* whether a change since would show in the identity */
	uint16_t opened; /* whether that very source was opened since; see pending_opened
			  */
	uint16_t seen;	 /* whether the program's own stat of it, before it looked for the
			    bytecode, is known: what follows */
	uint32_t seen_mtime, seen_size; /* as in the header of a pyc */
	uint32_t own_codec;		/* see coding.h */
	uint32_t looks; /* how often the program has looked for the bytecode since it
			   opened it last */
	struct digest digest;
};

#define PENDING_WORDS ((32 + sizeof(struct pending_source) + 7) / 8)

struct pending {
	_Atomic uint64_t age;	/* rows of another age are void */
	_Atomic uint64_t added; /* how many there were */
	struct {
		atomic_uint sequence; /* slot.h */
		_Atomic uint64_t words[PENDING_WORDS];
	} slots[PENDING_SLOTS];
};

/* Adds the source of that path (as given). The row belongs to the thread: another may ask
 * for the same source later, in another state. */
void pending_add(struct pending *pending, uintptr_t thread, const char *path,
	const struct pending_source *source);

/* The process has opened a source by that path, and what it opened has that identity. If
 * the row is about another, it becomes void: a path may lead elsewhere for a moment (a
 * link that flips there and back). */
void pending_opened(struct pending *pending, uintptr_t thread, const char *path,
	const struct identity *identity);

/* What was compiled has its name, or will have none: what the thread writes under that
 * name from now on is not what it has compiled. */
void pending_drop(struct pending *pending, uintptr_t thread, const char *path);

/* Finds the row; false where it is lost. What was compiled is the source in it only if
 * that was opened since (ret->opened): a program may have read another before it asked
 * for the bytecode. */
bool pending_find(const struct pending *pending, uintptr_t thread, const char *path,
	struct pending_source *ret);

/* Whether there was a row that pending_find does not give: it became void with all
 * others, or is not clear at this moment. What was compiled then is not proven, but it
 * was compiled here. */
bool pending_is_lost(const struct pending *pending, uintptr_t thread, const char *path);
