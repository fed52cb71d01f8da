/* SPDX-License-Identifier: MIT
 *
 * A file that is there as a whole or not at all: written without a name (O_TMPFILE), or
 * under a temporary one where that is not possible, and renamed in the end. A symlink
 * that has its name is replaced, not followed.
 *
 *	struct whole_file file;
 *	int r = whole_file_begin(&file, dirfd, "totals", 0600);
 *
 *	if (r < 0)
 *		return r;
 *	fprintf(file.out, …);
 *	return whole_file_publish(&file);
 *
 * After a successful begin one of the other two follows. Functions return 0 or
 * -errno and print nothing. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct whole_file {
	FILE *out;
	int dirfd;	  /* as given; AT_FDCWD: names are paths */
	const char *name; /* as given: both have to stay until the end */
	char *temporary;
	bool nameless; /* it has no name yet, not even that one */
};

/* -EEXIST: a device, a FIFO or a socket has the name, and is not replaced. */
int whole_file_begin(struct whole_file *file, int dirfd, const char *name, mode_t mode);

/* The same for a file that is only written under a lock, which the caller holds. The
 * temporary name is always NAME.new, so that the next process removes what one that was
 * killed has left. */
int whole_file_begin_locked(
	struct whole_file *file, int dirfd, const char *name, mode_t mode);

/* Gives the file its name. Where anything that was written to `out` has failed, or this
 * does, it is discarded instead. */
int whole_file_publish(struct whole_file *file);

/* Deletes it. */
void whole_file_discard(struct whole_file *file);
