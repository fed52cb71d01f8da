/* SPDX-License-Identifier: MIT
 *
 * Pending compiles: the sources whose bytecode this process has asked for without
 * success, as they were at that time.
 *
 * An interpreter asks for a pyc, reads the source, compiles it, and writes the pyc. The
 * bytecode belongs to the source if the interpreter has opened that source, and if the
 * source, at the end, is the same as when the pyc was asked for, before the source was
 * read. So each pending compile is kept until then. A program that only looks for the pyc
 * may never read the source, and must not wait for what that leads to (a link, a file
 * system that does not answer): then the source is unknown until the program opens it.
 *
 * The table has a fixed size, and a new row may overwrite an older one, which costs one
 * seal. Rows of bytecode that was served go first. Each slot is one of slot.h. If giving
 * up there would keep a row that must become void, all rows become void. Safe for
 * threads, signal handlers and vfork children.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shim/core/proof/seal.h"

#define PENDING_SLOTS 4096u
#define PENDING_WAYS 4u /* slots for each source; a new row may take the oldest */

enum pending_state {
	PENDING_OPENED = 1,  /* that very source was opened since; see pending_opened */
	PENDING_WRITING = 2, /* after that, its bytecode is being written */
	PENDING_BEFORE = 4,  /* it was opened before the last look for its bytecode */
	PENDING_ANOTHER = 8, /* an earlier one was opened at that path, whose bytecode may
				still be written */
};

struct pending_source {
	struct identity identity;
	dev_t device; /* st_dev: files on two file systems can have the same identity */
	uint16_t digested; /* digest and own_codec are known */
	uint16_t hopeless; /* as struct source's */
	uint16_t settled;  /* a change since then would show in the identity */
	uint16_t opened;   /* a set of enum pending_state */
	uint16_t seen;	 /* the program's own stat of it showed the same time and size */
	uint16_t served; /* bytecode was served, which the program may refuse */
	uint16_t own_codec; /* see coding.h */
	uint16_t unknown;   /* the source was not looked at: pending_opened will tell */
	uint32_t looks; /* how often the program has looked for the bytecode since it last
			   opened it */
	struct digest digest;
};

static inline bool pending_was_opened(const struct pending_source *source)
{
	return source->opened & PENDING_OPENED;
}

#define PENDING_WORDS ((32 + sizeof(struct pending_source) + 7) / 8)

struct pending {
	_Atomic uint64_t age;	/* rows of a different age are void */
	_Atomic uint64_t added; /* how many rows were added */
	struct {
		atomic_uint sequence; /* slot.h */
		_Atomic uint64_t words[PENDING_WORDS];
	} slots[PENDING_SLOTS];
};

/* Adds the source of that path (as given), which was not opened since. If an earlier row
 * says that another one was opened, this one's bytecode is not proven any more: code that
 * runs in between in the thread (a signal handler, a hook) may load the source again, and
 * the first bytecode is written after that. Else what an earlier row says would be wrong:
 * compilers look for the bytecode before they open the source, and several files (m.py
 * and m.pyi, py.py and .py) have bytecode of the same name, so that the next one may be
 * compiled now. Only a look while the bytecode is being written says nothing, unless the
 * source is known to differ: fakeroot looks before each rename. The row belongs to the
 * thread: another one may ask for the same source later, when its state is different. */
void pending_add(struct pending *pending, uintptr_t thread, const char *path,
	const struct pending_source *source);

/* Returns whether the row's source is unknown: then pending_opened needs all about it. */
bool pending_is_unknown(
	const struct pending *pending, uintptr_t thread, const char *path);

/* The process has opened that source at that path, to read it. If the row's source is
 * unknown, this is it. If it is another one, the row becomes void, since a path may lead
 * elsewhere for a moment (a link that flips there and back). */
void pending_opened(struct pending *pending, uintptr_t thread, const char *path,
	const struct pending_source *source);

/* The thread creates a temporary file for the bytecode of that source. */
void pending_begin(struct pending *pending, uintptr_t thread, const char *path);

/* Returns whether that is a stat of the pending source, which has not changed. */
bool pending_is_of(const struct pending_source *source, const struct stat *st);

/* The compiled bytecode has its final name, or will not get one: whatever the thread
 * writes under that name from now on is not from this compile. */
void pending_drop(struct pending *pending, uintptr_t thread, const char *path);

/* Finds the row; returns false if it is lost. The bytecode was compiled from the source
 * in the row only if that source was opened since (ret->opened): a program may have read
 * a different one before it asked for the bytecode. */
bool pending_find(const struct pending *pending, uintptr_t thread, const char *path,
	struct pending_source *ret);

/* Returns whether there was a row that pending_find does not return, because it became
 * void with all others or is ambiguous at this moment. The bytecode then is not
 * proven, but this process compiled it. */
bool pending_is_lost(const struct pending *pending, uintptr_t thread, const char *path);
