/* SPDX-License-Identifier: MIT
 *
 * The journal: what processes counted, a record of fixed size each, appended in one write
 * when a process ends. Nobody locks it, and a record that is lost or torn (a full disk, a
 * machine that dies) costs itself alone: readers look for the next one that is whole.
 *
 * The processes themselves fold old records, and the command does for good, into sums,
 * which are records too, in a file of the same form (tools/stats/totals.h); so there is
 * one format, in the machine's byte order.
 *
 * Async-signal-safe, no locks, no allocation; functions return 0 or -errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shim/core/base/sys.h"
#include "shim/core/stats/verdict.h"

/* Below the layout folder. No tag begins with a dot. */
#define JOURNAL_STATE ".state"
#define JOURNAL_NAME "journal"
#define JOURNAL_FULL "journal.full"
#define JOURNAL_OLD "journal.old" /* while it is folded */

/* At each multiple of that size the journal is rotated to JOURNAL_FULL, and what that
 * held before becomes the first records of the new one, folded: a cache grows by what is
 * compiled, not with each start. Records that were rotated wait until as many more have
 * come, so that a process that has the file open still gets to write. */
#define JOURNAL_MOST (64u << 10)
/* How many records are left of them at most: one a version and hour, then one
 * a version. */
#define JOURNAL_SUMS 64

#define JOURNAL_FORMAT 1
#define JOURNAL_VERSION_SIZE 64 /* room for a tag, what is added to it, and a NUL */

enum journal_kind {
	JOURNAL_PROCESS = 1, /* what processes counted between begin and end */
	JOURNAL_SUM,	     /* of several */
	JOURNAL_EXTENT,	     /* what a version takes; begin: when gc measured it, or 0 */
	JOURNAL_HEAD,	     /* the first of a file of sums; begin: see counters.c */
};

/* What a cache, or the change to one, comes to. */
struct extent {
	int64_t entries, objects;
	int64_t bytes;	/* apparent, of entries and objects, each link counted */
	int64_t disk;	/* allocated, each inode counted once */
	int64_t shared; /* what all names but the first of each inode would take */
};

struct journal_record {
	uint8_t magic[8];
	uint16_t format, kind;
	uint32_t pid;
	int64_t begin, end; /* nanoseconds since 1970 */
	uint64_t processes;
	char version[JOURNAL_VERSION_SIZE]; /* the folder; "" where it is not known */
	struct extent extent;		    /* changes to it, as this process knows */
	uint32_t counts[VERDICT_ROOM];
	uint64_t checksum; /* of all above */
};

_Static_assert(sizeof(struct journal_record) == 512, "it is what lies on disk");

/* Sets magic, format and checksum; all else is the caller's. */
void journal_finish(struct journal_record *record);

/* Finds the first whole record in memory. Returns where it ends, counted from data, and
 * sets *ret; 0 where there is none, and then all but the last 511 bytes are of no use,
 * and *ret is anything. */
size_t journal_next(const uint8_t *data, size_t size, struct journal_record *ret);

/* Appends a finished record to the journal of the cache at the first root_len bytes of
 * path, a buffer of path_size, which is written to after them. Makes what is
 * missing of the journal, but no cache. */
int journal_append(const struct sys *sys, char *path, size_t root_len, size_t path_size,
	const struct journal_record *record);
