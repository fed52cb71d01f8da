/* SPDX-License-Identifier: MIT
 *
 * File names: making them absolute, finding them on PATH, taking them apart.
 */
#include "tools/base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/base/names.h"
#include "tools/base/progress.h"

bool file_is_absent(int error)
{
	return error == -ENOENT || error == -ENOTDIR;
}

bool file_is_unseen(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
	case EACCES:
	case EPERM:
	case ELOOP:
	case ENOLINK: /* another user's: follow.h */
	case ENAMETOOLONG:
	case EINVAL:
	case EISDIR:
	case EFBIG:
	case EXDEV:
	case ENXIO:
	case ENODEV:
	case EBADF: /* opened for fstat(2) alone */
	case ENODATA:
	case EOPNOTSUPP:
	case ENOSYS:
		return false;
	default:
		return error < 0;
	}
}

bool file_is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EROFS;
}

void file_close(const int *fd)
{
	const int error = errno;

	if (*fd >= 0)
		close(*fd);
	errno = error;
}

void file_fclose(FILE *const *stream)
{
	if (*stream)
		fclose(*stream);
}

/* What execvp(3) uses if PATH is unset. */
#define DEFAULT_PATH "/bin:/usr/bin"

/* Removes leading "./" and ".//". Removing more would need the kernel. */
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
	AUTOFREE char *cwd = NULL;

	if (path[0] == '/') {
		*ret_path = alloc_copy(path);
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return -errno;
	path = without_dots(path);
	*ret_path = alloc_format("%s%s%s", cwd, *path && cwd[1] ? "/" : "", path);
	return 0;
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

int file_command(const char *name, char **ret_path)
{
	const char *search = strchr(name, '/') ? "" : getenv("PATH");
	int worst = -ENOENT;
	size_t length;

	if (!*name)
		return -ENOENT;
	if (!search)
		search = DEFAULT_PATH;
	for (;; search += length + 1) {
		AUTOFREE char *path = NULL;
		int r;

		/* an empty entry of PATH is the working directory */
		length = strcspn(search, ":");
		path = alloc_format(
			"%.*s%s%s", (int)length, search, length ? "/" : "", name);
		r = check_executable(path);
		if (r == 0)
			return file_absolute(path, ret_path);
		if (r == -EACCES)
			worst = r;
		if (!search[length])
			return worst;
	}
}

/* Room for the name under which /proc has a descriptor. */
#define FD_LINK_SIZE (sizeof "/proc/self/fd/" + 3 * sizeof(int))

static const char *fd_link(int fd, char link[FD_LINK_SIZE])
{
	snprintf(link, FD_LINK_SIZE, "/proc/self/fd/%d", fd);
	return link;
}

int file_reopen(int found, int dirfd, const char *name, int flags)
{
	char link[FD_LINK_SIZE];
	int fd = open(fd_link(found, link), (flags & ~O_NOFOLLOW) | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) /* there is no /proc */
		fd = openat(dirfd, name, flags | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int file_open_found(int found, int dirfd, const char *name, int flags)
{
	AUTOCLOSE int closed = found;
	struct stat st;

	if (fstat(found, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return file_reopen(found, dirfd, name, flags | O_NONBLOCK);
	closed = -1;
	return found;
}

int file_openat(int dirfd, const char *name, int flags)
{
	int found = openat(
		dirfd, name, (flags & (O_NOFOLLOW | O_DIRECTORY)) | O_PATH | O_CLOEXEC);

	return found < 0 ? -errno : file_open_found(found, dirfd, name, flags);
}

int file_look(int dirfd, const char *name, int flags)
{
	int fd = file_openat(dirfd, name, flags | O_NOATIME);

	/* O_NOATIME is for the owner only */
	return fd == -EPERM ? file_openat(dirfd, name, flags) : fd;
}

int file_take_rights(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode & S_IRWXU) == S_IRWXU || st.st_uid != geteuid())
		return 0;
	return fchmod(fd, (st.st_mode | S_IRWXU) & 07777) < 0 ? -errno : 0;
}

int file_set_mode(int dirfd, const char *name, mode_t mode)
{
	AUTOCLOSE int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char link[FD_LINK_SIZE];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	return chmod(fd_link(fd, link), mode) < 0 ? -errno : 0;
}

int file_open(const char *path)
{
	int fd = file_openat(AT_FDCWD, path, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

char **file_names(int fd)
{
	AUTOCLOSE int closed = fd;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct names names = { 0 };

	if (!dir)
		return NULL;
	closed = -1; /* closedir closes it */
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			names_add(&names, alloc_copy(entry->d_name));
	closedir(dir);
	names_sort(&names);
	return names.list ? names.list : alloc_array(1, sizeof *names.list);
}

FILE *file_temporary(void)
{
	const char *directory = getenv("TMPDIR");
	int fd = open(directory && *directory ? directory : "/tmp",
		O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? tmpfile() : fdopen(fd, "w+");
}

int file_temporary_failed(void)
{
	const int error = errno;

	complain("a temporary file", "%s", strerror(error));
	return -error;
}

int file_copy(int from, int to, size_t part)
{
	char block[65536];
	size_t copied = 0;
	ssize_t n;

	while ((!part || copied < part) && (n = read(from, block, sizeof block)) != 0) {
		if (interrupt_came())
			return -EINTR;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (write(to, block, (size_t)n) != n)
			return -ENOSPC;
		copied += (size_t)n;
	}
	return 0;
}

int file_readlink(const char *path, char **ret_target)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof target);

	if (length < 0)
		return -errno;
	if ((size_t)length == sizeof target)
		return -ENAMETOOLONG;
	*ret_target = alloc_part(target, (size_t)length);
	return 0;
}

const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *file_parent(const char *path)
{
	size_t length = (size_t)(file_name(path) - path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	return length ? alloc_part(path, length) : alloc_copy(".");
}

int file_place(const char *path, char **ret_place)
{
	AUTOFREE char *directory = file_parent(path);
	AUTOFREE char *canonical = realpath(directory, NULL);

	if (!canonical)
		return -errno;
	*ret_place =
		alloc_format("%s/%s", canonical[1] ? canonical : "", file_name(path));
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)remove(path); /* if this fails, go on with the rest */
	return 0;
}

void file_remove_tree(const char *directory)
{
	(void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
