/* SPDX-License-Identifier: MIT
 *
 * What this process asked the cache for and did not get: the source as it was then.
 *
 * An interpreter asks for a pyc, reads the source, compiles, and puts the pyc there.
 * That the bytecode is the source's follows when the source is the same at the end as it
 * was at the question, before it was read, and when that is what the interpreter opened.
 * So a question is kept until then.
 *
 * A table of fixed size in which a question may overwrite an older one: what is lost is
 * one seal. Each slot is one of slot.h. Where giving up there would keep a question alive
 * that is to be void, all questions are void. Safe for threads, signal handlers and vfork
 * children.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shim/core/proof/seal.h"

#define PENDING_SLOTS 4096u
#define PENDING_WAYS 4u /* of which a question may take the oldest */

struct pending_source {
	struct identity identity;
	uint32_t digested; /* whether digest and own_codec are known */
	uint16_t settled;  /* whether a change since would show in the identity */
	uint16_t opened; /* whether that very source was opened since; see pending_opened
			  */
	uint64_t own_codec; /* see coding.h */
	struct digest digest;
};

#define PENDING_WORDS ((32 + sizeof(struct pending_source)) / 8)

struct pending {
	_Atomic uint64_t age;	/* questions of another age are void */
	_Atomic uint64_t added; /* how many there were */
	struct {
		atomic_uint sequence; /* slot.h */
		_Atomic uint64_t words[PENDING_WORDS];
	} slots[PENDING_SLOTS];
};

/* Remembers the question about the source of that spelling. It is its thread's: another
 * may ask for the same source later, and of another state. */
void pending_add(struct pending *pending, uintptr_t thread, const char *path,
	const struct pending_source *source);

/* The process has opened a source of that spelling, and what it opened has that identity.
 * If that is not what the question was about, the question is void: a path may lead
 * elsewhere for a moment (a link that flips there and back). */
void pending_opened(struct pending *pending, uintptr_t thread, const char *path,
	const struct identity *identity);

/* Finds the question again; false where it is lost. What was compiled is the source that
 * it was about only if that was opened since (ret->opened): a program may have read
 * another before it asked for the bytecode. */
bool pending_find(const struct pending *pending, uintptr_t thread, const char *path,
	struct pending_source *ret);
