/* SPDX-License-Identifier: MIT
 *
 * File names: making them absolute, finding them on PATH, taking them apart.
 */
#include "tools/base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What execvp(3) uses where PATH is unset. */
#define DEFAULT_PATH "/bin:/usr/bin"

/* "./x" and ".//x" name x; more would need the kernel. */
static const char *without_dots(const char *path)
{
	while (path[0] == '.' && (path[1] == '/' || !path[1])) {
		path++;
		path += strspn(path, "/");
	}
	return path;
}

int file_absolute(const char *path, char **ret_path)
{
	char *cwd, *absolute;
	int r = 0;

	if (path[0] == '/') {
		absolute = strdup(path);
		if (!absolute)
			return -ENOMEM;
		*ret_path = absolute;
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return -errno;
	path = without_dots(path);
	if (asprintf(&absolute, "%s%s%s", cwd, *path && cwd[1] ? "/" : "", path) < 0)
		r = -ENOMEM;
	else
		*ret_path = absolute;
	free(cwd);
	return r;
}

static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return access(path, X_OK) < 0 ? -errno : 0;
}

static int try_in(const char *directory, size_t length, const char *name, char **ret_path)
{
	AUTOFREE char *path = NULL;
	int r;

	/* an empty entry of PATH is the working directory */
	if (asprintf(&path, "%.*s%s%s", (int)length, directory, length ? "/" : "", name) <
		0)
		return path = NULL, -ENOMEM;
	r = check_executable(path);
	return r < 0 ? r : file_absolute(path, ret_path);
}

int file_command(const char *name, char **ret_path)
{
	const char *search = getenv("PATH");
	int worst = -ENOENT;

	if (!*name)
		return -ENOENT;
	if (strchr(name, '/')) {
		int r = check_executable(name);

		return r < 0 ? r : file_absolute(name, ret_path);
	}
	if (!search)
		search = DEFAULT_PATH;
	for (;;) {
		size_t length = strcspn(search, ":");
		int r = try_in(search, length, name, ret_path);

		if (r == 0 || r == -ENOMEM)
			return r;
		if (r == -EACCES)
			worst = r;
		if (!search[length])
			return worst;
		search += length + 1;
	}
}

int file_look(int dirfd, const char *name, int flags)
{
	const int how = flags | O_RDONLY | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dirfd, name, how | O_NOATIME);

	if (fd < 0 && errno == EPERM) /* another user's: only the owner may ask */
		fd = openat(dirfd, name, how);
	return fd < 0 ? -errno : fd;
}

int file_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

int file_readlink(const char *path, char **ret_target)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof target);
	char *copy;

	if (length < 0)
		return -errno;
	if ((size_t)length == sizeof target)
		return -ENAMETOOLONG;
	copy = strndup(target, (size_t)length);
	if (!copy)
		return -ENOMEM;
	*ret_target = copy;
	return 0;
}

const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int file_directory(const char *path, char **ret_directory)
{
	size_t length = (size_t)(file_name(path) - path);
	char *directory;

	while (length > 1 && path[length - 1] == '/')
		length--;
	directory = length ? strndup(path, length) : strdup(".");
	if (!directory)
		return -ENOMEM;
	*ret_directory = directory;
	return 0;
}

int file_place(const char *path, char **ret_place)
{
	AUTOFREE char *directory = NULL;
	AUTOFREE char *physical = NULL;
	char *place;
	int r = file_directory(path, &directory);

	if (r < 0)
		return r;
	physical = realpath(directory, NULL);
	if (!physical)
		return -errno;
	if (asprintf(&place, "%s/%s", physical[1] ? physical : "", file_name(path)) < 0)
		return -ENOMEM;
	*ret_place = place;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path); /* what is left behind makes no difference to the rest */
	return 0;
}

void file_remove_tree(const char *directory)
{
	(void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What path leads to instead, where its first len bytes are a symlink: absolute, for the
 * caller to free; NULL on errors. */
static char *follow(const char *path, size_t len)
{
	AUTOFREE char *link = strndup(path, len);
	AUTOFREE char *target = NULL;
	char *ret;
	int r = link ? file_readlink(link, &target) : -ENOMEM;

	if (r < 0)
		return NULL;
	if (*target == '/')
		r = asprintf(&ret, "%s%s", target, path + len);
	else
		r = asprintf(&ret, "%.*s%s%s", (int)(file_name(link) - link), link,
			target, path + len);
	return r < 0 ? NULL : ret;
}

/* links: how many symlinks may still be followed. */
static bool is_trusted(const char *path, unsigned links)
{
	char prefix[PATH_MAX];
	struct stat st;

	for (size_t len = 1; len < sizeof prefix; len += strcspn(path + len, "/")) {
		memcpy(prefix, path, len);
		prefix[len] = '\0';
		if (lstat(prefix, &st) < 0 || (st.st_uid != 0 && st.st_uid != geteuid()))
			return false;
		if (S_ISLNK(st.st_mode)) {
			AUTOFREE char *next = links ? follow(path, len) : NULL;

			return next && is_trusted(next, links - 1);
		}
		if ((st.st_mode & S_IWOTH) &&
			!(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)))
			return false;
		len += strspn(path + len, "/");
		if (!path[len])
			return true;
	}
	return false;
}

bool file_is_trusted(const char *path)
{
	return *path == '/' && is_trusted(path, 40);
}
