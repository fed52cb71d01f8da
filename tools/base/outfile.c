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

#include "tools/base/files.h"

#define SUFFIX "XXXXXX"
#define SUFFIX_LEN (sizeof SUFFIX - 1)
#define TRIES 16

bool outfile_is_stdout(const struct outfile *file)
{
	return strcmp(file->name, "-") == 0;
}

/* A file that has no name yet, so that nothing is left of it if we are killed. -errno
 * where the file system or the kernel has no such thing. */
static int open_nameless(const char *name)
{
	AUTOFREE char *directory = NULL;
	int r = file_directory(name, &directory), fd;

	if (r < 0)
		return r;
	fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int outfile_open(struct outfile *file, const char *name)
{
	struct stat st;

	*file = (struct outfile){ .fd = STDOUT_FILENO, .name = name };
	if (outfile_is_stdout(file))
		return 0;
	if (stat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
		file->fd = open(name, O_WRONLY | O_CLOEXEC);
		return file->fd < 0 ? -errno : 0;
	}
	if (asprintf(&file->temporary, "%s." SUFFIX, name) < 0) {
		file->temporary = NULL;
		file->fd = -1;
		return -ENOMEM;
	}
	file->fd = open_nameless(name);
	file->nameless = file->fd >= 0;
	if (!file->nameless)
		file->fd = mkostemp(file->temporary, O_CLOEXEC);
	return file->fd < 0 ? -errno : 0;
}

/* Gives a nameless file its temporary name: a link replaces nothing, a rename does. */
static int name_file(struct outfile *file)
{
	char link[sizeof "/proc/self/fd/" + 3 * sizeof file->fd];
	char *suffix = file->temporary + strlen(file->temporary) - SUFFIX_LEN;
	int r = -1;

	snprintf(link, sizeof link, "/proc/self/fd/%d", file->fd);
	for (unsigned n = 0; n < TRIES && r < 0; n++) {
		snprintf(suffix, SUFFIX_LEN + 1, "%06x",
			((unsigned)getpid() + n) & 0xffffff);
		r = linkat(AT_FDCWD, link, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW);
		if (r < 0 && errno != EEXIST)
			break;
	}
	if (r < 0)
		return -errno;
	file->nameless = false;
	return 0;
}

int outfile_close(struct outfile *file, bool keep)
{
	bool opened = file->fd >= 0;
	int r = opened && keep && file->nameless ? name_file(file) : 0;

	/* where a file server says that its disk is full */
	if (opened && !outfile_is_stdout(file) && close(file->fd) < 0 && r == 0)
		r = -errno;
	file->fd = -1;
	if (opened && file->temporary && !file->nameless) {
		if (keep && r == 0 && rename(file->temporary, file->name) < 0)
			r = -errno;
		if (!keep || r < 0)
			unlink(file->temporary);
	}
	free(file->temporary);
	file->temporary = NULL;
	return r;
}
