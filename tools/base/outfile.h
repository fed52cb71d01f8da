/* SPDX-License-Identifier: MIT
 *
 * A file that is to be there whole or not at all: written without a name (O_TMPFILE), or
 * under another one beside its own where that is not possible, 0600, and then renamed.
 * "-" is standard output; what is no plain file (a device, a FIFO) is written to as it
 * is.
 *
 * Functions return 0 or -errno and say nothing.
 */
#pragma once

#include <stdbool.h>

struct outfile {
	int fd; /* to write to */
	const char *name;
	char *temporary; /* NULL: fd is the file itself */
	bool nameless;	 /* it has no name yet, not even that one */
};

int outfile_open(struct outfile *file, const char *name);

/* Gives the file its name, or takes it away. After a failed outfile_open, too. */
int outfile_close(struct outfile *file, bool keep);

bool outfile_is_stdout(const struct outfile *file);
