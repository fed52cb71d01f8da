/* SPDX-License-Identifier: MIT
 *
 * The list of files to export: their names, in the archive's order, and their total size.
 * The seal of each file is read, but not its bytecode. The list takes about 150 bytes of
 * memory per file.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/archive/archive.h"
#include "tools/cache/cache.h"
#include "tools/select/select.h"

struct export_list {
	const struct cache *cache;
	struct select *select;
	int64_t used_since; /* seconds since 1970; INT64_MIN: used or not */
	bool public_only;   /* leave out objects, and files that others may not read */
	/* Take only objects: those of the selected entries, or all if there is no
	 * selection. */
	bool objects_only;

	/* Sorted. Each is a directory below the layout folder, a NUL, and a name. */
	char **files;
	size_t count;
	_Atomic(uint64_t) bytes;	    /* in all files */
	_Atomic(uint64_t) left_out[STATES]; /* files left out, by reason */
	/* Files whose sources others may not read. They are in the list, or left out with
	 * public_only. */
	_Atomic(uint64_t) hidden;
	_Atomic(uint64_t) writable;   /* left out: others could write to the source */
	_Atomic(uint64_t) unreadable; /* files and directories, each named on stderr */
	pthread_mutex_t mutex;	      /* protects files and count */
	enum {
		READS_ALL,
		READS_DAILY,
		READS_NEVER
	} reads; /* which reads the file system records */
};

static inline const char *export_list_name_of(const char *file)
{
	return file + strlen(file) + 1;
}

/* Walks the cache. The caller leaves all members below `objects_only` zero. Returns 0 or
 * -errno; -EINTR after an interrupt. If the file system does not record reads, reports
 * that everything counts as used. */
int export_list_run(struct export_list *list);

/* Counts a file that could not be read, and reports it. Thread-safe. */
void export_list_failed(
	struct export_list *list, const char *dir, const char *name, int error);

/* Returns true if the file may have been written or read at `used_since` or later. Most
 * file systems record one read a day (relatime), so a read on the day before counts as
 * well. */
bool export_list_is_used(const struct export_list *list, const struct stat *st);
