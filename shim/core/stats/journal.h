/* SPDX-License-Identifier: MIT
 *
 * The journal: what processes counted, as records of fixed size, each appended in one
 * write when a process ends. Nobody locks it. A record that is lost or torn (a full disk,
 * a crash) affects no other: readers skip to the next whole one.
 *
 * Old records are folded into sums, provisionally by the processes themselves and for
 * good by the command. Sums are records too, in a file of the same form
 * (tools/stats/totals.h); so there is one format, in the machine's byte order.
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
#define JOURNAL_OLD "journal.old" /* while it is being folded */

/* Whenever the journal reaches a multiple of this size, it is rotated to JOURNAL_FULL.
 * The previous JOURNAL_FULL is folded into the first records of the new journal: so a
 * cache grows with what is compiled, not with each start. Rotated records are folded only
 * after as many more have come, so that a process that has the file open can still
 * write. */
#define JOURNAL_MOST (64u << 10)
/* A journal that is larger than ours can get comes from elsewhere; only so many bytes at
 * its end are read. */
#define JOURNAL_READ_MOST ((off_t)8 << 20)
/* At most how many records folding leaves: one per version and hour, else one per
 * version. */
#define JOURNAL_SUMS 64

#define JOURNAL_FORMAT 1
#define JOURNAL_VERSION_SIZE 64 /* room for a tag, the variant, and a NUL */

enum journal_kind {
	JOURNAL_PROCESS = 1, /* what processes counted between begin and end */
	JOURNAL_SUM,	     /* the sum of several of these */
	JOURNAL_EXTENT,	     /* the size of a version; begin: when gc measured it, or 0 */
	JOURNAL_HEAD,	     /* the first in a file of sums; begin: see counters.c */
};

/* The size of a cache, or a change to it. */
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
	char version[JOURNAL_VERSION_SIZE]; /* the version folder; "" if not known */
	struct extent extent;		    /* changes to it that this process knows */
	uint32_t counts[VERDICT_ROOM];
	uint64_t checksum; /* of all above */
};

_Static_assert(sizeof(struct journal_record) == 512, "it is what lies on disk");

/* Sets magic, format and checksum; the caller fills in the rest. */
void journal_finish(struct journal_record *record);

/* Finds the first whole record in memory. Sets *ret and returns the offset of its end
 * from data. If there is none, returns 0, *ret is undefined, and only the last 511 bytes
 * of data can still be part of a record. */
size_t journal_next(const uint8_t *data, size_t size, struct journal_record *ret);

/* Appends a finished record to the journal of the cache whose root is the first root_len
 * bytes of path, a buffer of path_size bytes, which is overwritten after them. Creates
 * missing parts of the journal, but no cache. */
int journal_append(const struct sys *sys, char *path, size_t root_len, size_t path_size,
	const struct journal_record *record);
