/* SPDX-License-Identifier: MIT
 *
 * Files that have a temporary name until they are complete.
 */
#include "tools/base/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/compat.h"
#include "tools/base/files.h"

#define TRIES 16

/* Opens a file without a name, so that nothing is left if we are killed. Returns -errno
 * if the file system does not support it, or if there is no /proc to name the file
 * through later. */
static int open_nameless(const struct whole_file *file)
{
	AUTOFREE char *directory = file_parent(file->name);
	int fd;

	if (access("/proc/self/fd", X_OK) < 0)
		return -errno;
	fd = openat(file->dirfd, directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static int begin(struct whole_file *file, mode_t mode)
{
	int fd, error;

	fd = open_nameless(file);
	file->nameless = fd >= 0;
	if (!file->nameless)
		fd = openat(file->dirfd, file->temporary,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		error = errno;
		free(file->temporary);
		return -error;
	}
	if (fchmod(fd, mode) == 0 && (file->out = fdopen(fd, "w")))
		return 0;
	error = errno;
	close(fd);
	whole_file_discard(file);
	return -error;
}

/* Returns true if the name belongs to anything but a file, a symlink or a directory:
 * others would lose a device or a FIFO that they use. (rename(2) does not replace a
 * directory.) */
static bool is_special(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* Several processes may write the same file, so this tries a name that is likely to be
 * free. */
int whole_file_begin(struct whole_file *file, int dirfd, const char *name, mode_t mode)
{
	int r = -EEXIST;

	if (is_special(dirfd, name))
		return r;
	for (int i = 0; i < TRIES && r == -EEXIST; i++) {
		unsigned random;

		*file = (struct whole_file){ .dirfd = dirfd, .name = name };
		if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
			random = (unsigned)getpid() + (unsigned)i;
		file->temporary = alloc_format("%s.new-%08x", name, random);
		r = begin(file, mode);
	}
	return r;
}

int whole_file_begin_locked(
	struct whole_file *file, int dirfd, const char *name, mode_t mode)
{
	*file = (struct whole_file){ .dirfd = dirfd, .name = name };
	file->temporary = alloc_format("%s.new", name);
	(void)unlinkat(dirfd, file->temporary, 0);
	return begin(file, mode);
}

/* Gives a nameless file its temporary name: a link does not replace anything, a rename
 * does. */
static int name_it(struct whole_file *file)
{
	char link[sizeof "/proc/self/fd/" + 3 * sizeof(int)];

	snprintf(link, sizeof link, "/proc/self/fd/%d", fileno(file->out));
	if (linkat(AT_FDCWD, link, file->dirfd, file->temporary, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	file->nameless = false;
	return 0;
}

int whole_file_publish(struct whole_file *file)
{
	int r = fflush(file->out) == EOF ? -errno : ferror(file->out) ? -EIO : 0;

	if (r == 0 && file->nameless)
		r = name_it(file);
	/* a file server may report only now that its disk is full */
	if (fclose(file->out) == EOF && r == 0)
		r = -errno;
	file->out = NULL;
	if (r == 0 && renameat(file->dirfd, file->temporary, file->dirfd, file->name) < 0)
		r = -errno;
	if (r < 0)
		whole_file_discard(file);
	else
		free(file->temporary);
	return r;
}

void whole_file_discard(struct whole_file *file)
{
	if (file->out)
		fclose(file->out);
	if (!file->nameless)
		(void)unlinkat(file->dirfd, file->temporary, 0);
	free(file->temporary);
}
