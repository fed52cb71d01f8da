/* SPDX-License-Identifier: MIT
 *
 * A file that appears as a whole or not at all: it is written without a name (O_TMPFILE),
 * or under a temporary name if that is not possible, and renamed at the end. A symlink of
 * that name is replaced, not followed.
 *
 *	struct whole_file file;
 *	int r = whole_file_begin(&file, dirfd, "totals", 0600);
 *
 *	if (r < 0)
 *		return r;
 *	fprintf(file.out, …);
 *	return whole_file_publish(&file);
 *
 * A successful begin must be followed by publish or discard. Functions return 0 or -errno
 * and print nothing. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct whole_file {
	FILE *out;
	int dirfd;	  /* AT_FDCWD: names are paths */
	const char *name; /* not copied: must stay valid until the end */
	char *temporary;
	bool nameless; /* it does not even have a temporary name yet */
};

/* -EEXIST: a device, a FIFO or a socket has that name, and is not replaced. */
int whole_file_begin(struct whole_file *file, int dirfd, const char *name, mode_t mode);

/* The same for a file that is written only under a lock, which the caller holds. The
 * temporary name is always NAME.new, so that the next process removes what a killed
 * process has left. */
int whole_file_begin_locked(
	struct whole_file *file, int dirfd, const char *name, mode_t mode);

/* Gives the file its name. Discards it instead if anything written to `out` has failed,
 * or if the renaming fails. */
int whole_file_publish(struct whole_file *file);

/* Deletes the file. */
void whole_file_discard(struct whole_file *file);
