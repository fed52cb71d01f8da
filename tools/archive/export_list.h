/* SPDX-License-Identifier: MIT
 *
 * What of a cache goes into an archive: the names, in the archive's order, and how much
 * there is. Each file's seal is looked at, its bytes are not. Takes some 150 bytes of
 * memory a file.
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
	const struct select *select;
	int64_t used_since; /* seconds since 1970; INT64_MIN: used or not */
	bool public_only;   /* leave out what others may not read, and objects */
	/* Of an entry that is selected the object, without a selection all objects. */
	bool objects_only;

	/* Sorted; of each the directory below the layout folder, a NUL, and the name. */
	char **files;
	size_t count;
	_Atomic(uint64_t) bytes;	    /* in all of them */
	_Atomic(uint64_t) left_out[STATES]; /* why others are not among them */
	/* Of sources that others may not read: among them, or with public_only
	 * left out. */
	_Atomic(uint64_t) hidden;
	_Atomic(uint64_t) writable;   /* left out: others could write to their sources */
	_Atomic(uint64_t) unreadable; /* files and directories, each named on stderr */
	pthread_mutex_t mutex;	      /* of files, count and room */
	enum {
		READS_ALL,
		READS_DAILY,
		READS_NEVER
	} reads; /* that the file system records */
};

static inline const char *export_list_name_of(const char *file)
{
	return file + strlen(file) + 1;
}

/* Goes through the cache; what stands below `objects_only` begins as zeros. 0 or -errno;
 * -EINTR after an interrupt. Reports where the file system does not record reads, so that
 * everything counts as used. */
int export_list_run(struct export_list *list);

/* Counts a file that could not be read, and reports it. Thread-safe. */
void export_list_failed(
	struct export_list *list, const char *dir, const char *name, int error);

/* Whether a file may have been used then or later: written, or read. Most file systems
 * record one read a day (relatime), so a file that was read in the day before counts. */
bool export_list_is_used(const struct export_list *list, const struct stat *st);
