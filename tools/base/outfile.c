/* SPDX-License-Identifier: MIT
 *
 * Files under a temporary name until they are whole.
 */
#include "tools/base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool outfile_is_stdout(const struct outfile *file)
{
	return strcmp(file->name, "-") == 0;
}

int outfile_open(struct outfile *file, const char *name)
{
	struct stat st;

	*file = (struct outfile){ .fd = STDOUT_FILENO, .name = name };
	if (outfile_is_stdout(file))
		return 0;
	if (stat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
		file->fd = open(name, O_WRONLY | O_CLOEXEC);
	} else {
		if (asprintf(&file->temporary, "%s.XXXXXX", name) < 0) {
			file->temporary = NULL;
			file->fd = -1;
			return -ENOMEM;
		}
		file->fd = mkostemp(file->temporary, O_CLOEXEC);
	}
	return file->fd < 0 ? -errno : 0;
}

int outfile_close(struct outfile *file, bool keep)
{
	bool opened = file->fd >= 0;
	int r = 0;

	/* where a file server says that its disk is full */
	if (opened && !outfile_is_stdout(file) && close(file->fd) < 0)
		r = -errno;
	file->fd = -1;
	if (opened && file->temporary) {
		if (keep && r == 0 && rename(file->temporary, file->name) < 0)
			r = -errno;
		if (!keep || r < 0)
			unlink(file->temporary);
	}
	free(file->temporary);
	file->temporary = NULL;
	return r;
}
