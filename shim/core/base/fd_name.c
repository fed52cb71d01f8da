/* SPDX-License-Identifier: MIT */
#include "shim/core/base/fd_name.h"

#include <errno.h>
#include <fcntl.h>

#include "shim/core/base/text.h"

static const char *write_name(char name[FD_NAME_SIZE], const char *whose, int fd)
{
	struct text text = { .data = name, .size = FD_NAME_SIZE };

	text_adds(&text, "/proc/");
	text_adds(&text, whose);
	text_adds(&text, "/fd/");
	text_addu(&text, (unsigned)fd);
	return name;
}

static bool leads_to(const struct sys *sys, const char *name, int fd)
{
	struct stat st, named;

	return sys->fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
	       sys->fstatat(AT_FDCWD, name, &named, 0) == 0 &&
	       st.st_ino == named.st_ino && st.st_dev == named.st_dev;
}

int fd_name(const struct sys *sys, int fd, char ret[FD_NAME_SIZE])
{
	return leads_to(sys, write_name(ret, "thread-self", fd), fd) ||
			       leads_to(sys, write_name(ret, "self", fd), fd)
		       ? 0
		       : -ENOENT;
}

int fd_name_open(const struct sys *sys, int fd, int flags)
{
	char name[FD_NAME_SIZE];
	int ret = sys->openat(AT_FDCWD, write_name(name, "thread-self", fd), flags, 0);

	if (ret == -ENOENT && leads_to(sys, write_name(name, "self", fd), fd))
		ret = sys->openat(AT_FDCWD, name, flags, 0);
	return ret;
}

ssize_t fd_name_read(const struct sys *sys, int fd, char *buf, size_t size)
{
	char name[FD_NAME_SIZE];
	ssize_t ret =
		sys->readlinkat(AT_FDCWD, write_name(name, "thread-self", fd), buf, size);

	return ret < 0 ? sys->readlinkat(
				 AT_FDCWD, write_name(name, "self", fd), buf, size)
		       : ret;
}
