/* SPDX-License-Identifier: MIT
 *
 * The wrappers of fopen and its kin, which open through stdio.
 */
#include "shim/wrap.h"

#include "shim/calls.h"
#include "shim/core/base/fd_name.h"
#include "shim/place.h"

/* Returns the flags of open for fopen's mode, -1 if it is invalid. */
static int flags_of(const char *mode)
{
	int flags;

	switch (*mode) {
	case 'r':
		flags = O_RDONLY;
		break;
	case 'w':
		flags = O_WRONLY | O_CREAT | O_TRUNC;
		break;
	case 'a':
		flags = O_WRONLY | O_CREAT | O_APPEND;
		break;
	default:
		return -1;
	}
	for (const char *p = mode + 1; *p && *p != ','; p++) {
		if (*p == '+')
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		if (*p == 'x')
			flags |= O_EXCL;
		if (*p == 'e')
			flags |= O_CLOEXEC;
	}
	return flags;
}

FILE *cached_fopen(const char *path, const char *mode)
{
	int flags = flags_of(mode), fd;
	FILE *stream;

	if (flags < 0) /* libc sets the right errno */
		return real.WIDE(fopen)(path, mode);
	fd = cached_open(AT_FDCWD, path, flags, 0666);
	if (fd < 0)
		return NULL;
	stream = fdopen(fd, mode);
	if (!stream)
		sys_real.close(fd);
	return stream;
}

/* libc opens the file itself, into the stream's own descriptor; before that, the file
 * must be where it belongs. It opens what was opened then: another user may have put
 * something else under the name. */
FILE *cached_freopen(const char *path, const char *mode, FILE *stream)
{
	char plain[8], opened[FD_NAME_SIZE];
	size_t n = 0;
	int flags = flags_of(mode), fd, err;

	if (flags < 0)
		return real.WIDE(freopen)(path, mode, stream);
	fd = cached_open(AT_FDCWD, path, flags, 0666);
	if (fd < 0) {
		err = errno;
		stream = real.WIDE(freopen)("", mode, stream); /* closes the stream */
		errno = err;
		return stream;
	}
	/* The file now exists, and was created exclusively if "x" asked for that. */
	for (const char *p = mode; *p && *p != ',' && n < sizeof plain - 1; p++)
		if (*p != 'x')
			plain[n++] = *p;
	plain[n] = '\0';
	if (fd_name(&sys_real, fd, opened) == 0)
		stream = real.WIDE(freopen)(opened, plain, stream);
	else
		stream = WITH_PLACE(real.WIDE(freopen)(path, plain, stream),
			real.WIDE(freopen)(
				place_find(place, AT_FDCWD, path), plain, stream));
	err = errno;
	sys_real.close(fd);
	errno = err;
	return stream;
}
