/* SPDX-License-Identifier: MIT
 *
 * Reasons why the library cannot create files in the cache.
 */
#include "tools/cache/obstacle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "shim/core/cache/root.h"
#include "tools/base/brief.h"
#include "tools/cache/sys_libc.h"

static bool is_full(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0 || !fs.f_blocks)
		return false;
	return fs.f_bavail * fs.f_frsize < ROOT_ROOM || (fs.f_files && !fs.f_favail);
}

/* Returns why the kernel creates no file in a directory that it seems to permit: a quota,
 * a policy, a file system like /proc. Some file systems can create files, but not without
 * a name (O_TMPFILE); those have blocks. */
static const char *refuses(const char *path)
{
	int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600), err = errno;
	struct statvfs fs;

	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	if (err == EOPNOTSUPP || err == EISDIR || err == ENOENT || err == EINVAL)
		return statvfs(path, &fs) == 0 && fs.f_blocks == 0 ? strerror(EOPNOTSUPP)
								   : NULL;
	return strerror(err);
}

/* Of a path that is not there: cuts it after the first directory that is missing. */
static void name_first_missing(char *path)
{
	char *slash;

	while ((slash = strrchr(path, '/')) != path) {
		*slash = '\0';
		if (access(path, F_OK) < 0)
			continue;
		*slash = '/';
		return;
	}
}

const char *obstacle_below(const char *root, const char *path, char at[PATH_MAX])
{
	struct stat st;

	snprintf(at, PATH_MAX, "%s", root);
	if (root_is_homeless(&sys_libc, at)) {
		name_first_missing(at);
		return "there is no such home directory";
	}
	snprintf(at, PATH_MAX, "%s", path);
	/* lstat: a file cannot be created in place of a dangling link */
	while (lstat(at, &st) < 0 && at[1]) {
		char *slash = strrchr(at, '/');

		slash[slash == at] = '\0';
	}
	if (stat(at, &st) == 0 && !S_ISDIR(st.st_mode))
		return strerror(ENOTDIR);
	if (faccessat(AT_FDCWD, at, W_OK | X_OK, AT_EACCESS) < 0)
		return strerror(errno);
	return is_full(at) ? strerror(ENOSPC) : refuses(at);
}

static bool is_usable(const char *root)
{
	char at[PATH_MAX];
	enum verdict why;

	return !obstacle_below(root, root, at) &&
	       root_judge(&sys_libc, root, at, &why) != ROOT_REFUSED;
}

const char *obstacle_remedy(void)
{
	static const char *const places[] = { "/var/tmp", "/tmp", "/dev/shm" };

	if (getenv("CI") && is_usable("/var/cache/pycstash"))
		return "set PYCSTASH_DIR=/var/cache/pycstash in the job's environment";
	if (getenv("KUBERNETES_SERVICE_HOST"))
		return "mount an emptyDir at /cache and set PYCSTASH_DIR=/cache/pycstash in the pod's env";
	/* a shell started by systemd has a terminal */
	if (getenv("INVOCATION_ID") && !getenv("DISPLAY") && !getenv("TERM"))
		return "add to the unit: CacheDirectory=pycstash, CacheDirectoryMode=0700, Environment=PYCSTASH_DIR=%C/pycstash";
	if (access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0)
		return "start the container with: --tmpfs /cache:mode=1777 -e PYCSTASH_DIR=/cache/pycstash";
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const char *root =
			brief_format("%s/pycstash-%u", places[i], (unsigned)geteuid());

		if (is_usable(root))
			return brief_format("run: export PYCSTASH_DIR=%s", root);
	}
	return "mount a file system that can be written, and set PYCSTASH_DIR to a directory on it";
}
