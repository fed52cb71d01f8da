/* SPDX-License-Identifier: MIT
 *
 * Becoming the owner of a cache.
 */
#include "tools/cache/owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tools/base/files.h"
#include "tools/base/subprocess.h"
#include "tools/cache/cache.h"
#include "tools/cache/sys_libc.h"

/* Returns whether the variable begins with one of these. */
static bool is_among(const char *variable, const char *const beginnings[])
{
	for (; *beginnings; beginnings++)
		if (strncmp(variable, *beginnings, strlen(*beginnings)) == 0)
			return true;
	return false;
}

static bool is_kept(const char *variable)
{
	static const char *const kept[] = { "PATH=", "TERM=", "TMPDIR=", "LANG=", "LC_",
		"PYTHON", "PYCSTASH_", "LD_PRELOAD=", "KUBERNETES_SERVICE_HOST=", NULL };
	/* A URL may have a password in it. */
	static const char *const secret[] = {
		"PYCSTASH_SIGN_PASSWORD=", "PYCSTASH_STORE=", NULL
	};

	return is_among(variable, kept) && !is_among(variable, secret);
}

static void clean_environment(const char *home)
{
	char **to = environ;

	for (char **from = environ; *from; from++)
		if (is_kept(*from))
			*to++ = *from;
	*to = NULL;
	if (home)
		(void)setenv("HOME", home, 1);
}

/* Keeps from the owner's programs what the shell, or whoever else started root's command,
 * has left open. */
static void leave_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const int fd = (int)strtol(entry->d_name, NULL, 10);

		if (fd > STDERR_FILENO)
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	if (dir)
		closedir(dir);
}

/* Whoever runs in a session may read its keys, such as Kerberos tickets. */
static void leave_keys(void)
{
	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

/* --- a way that is closed to him -----------------------------------------------------*/

/* The length of the first directory in the path that the effective user may not search;
 * 0: all can be searched. */
static size_t closed_length(char *path)
{
	for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		int r = faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);

		*slash = '/';
		if (r < 0)
			return (size_t)(slash - path);
	}
	return 0;
}

/* Returns whether a directory is closed by root, and nobody else can put anything into
 * its place, nor into one above it. The owner of the cache could close a directory of his
 * own, and exchange it for a link to one of root's while it is opened. */
static bool is_closed_by_root(const char *path, size_t len)
{
	char way[PATH_MAX];
	struct way_end end;

	memcpy(way, path, len);
	way[len] = '\0';
	return way_judge(&sys_libc, 0, WAY_STRICT, way, sizeof way, &end) ==
		       WAY_TRUSTED &&
	       end.st.st_uid == 0 && !(end.st.st_mode & (S_IWGRP | S_IWOTH));
}

/* Opens the cache, if it is that user's: he can exchange directories of his own on the
 * way. */
static int open_cache(const char *path, uid_t user)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == user)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* In a mount namespace of this process, mounts an empty directory that everybody may
 * search over the closed one, with nothing but the cache in it. The owner could not see
 * the hidden files before, either. */
static void open_way(char *path, size_t closed, uid_t user)
{
	AUTOFREE char *source = NULL;
	mode_t mask;
	int fd;

	if (unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	fd = open_cache(path, user);
	if (fd < 0)
		return;
	mask = umask(022);
	path[closed] = '\0';
	if (mount("none", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0) {
		path[closed] = '/';
		for (char *slash = path + closed; (slash = strchr(slash + 1, '/'));) {
			*slash = '\0';
			(void)mkdir(path, 0755);
			*slash = '/';
		}
		(void)mkdir(path, 0755);
		source = alloc_format("/proc/self/fd/%d", fd);
		(void)mount(source, path, NULL, MS_BIND, NULL);
	}
	(void)umask(mask);
	close(fd);
}

/* systemd keeps the cache of a DynamicUser= below /var/cache/private, which only root may
 * enter, and shows it to the service in a mount namespace. */
static void open_way_for(uid_t user, const char *root)
{
	AUTOFREE char *path = realpath(root, NULL);
	size_t closed;

	if (!path || setresuid((uid_t)-1, user, (uid_t)-1) < 0)
		return;
	closed = closed_length(path);
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0 && closed &&
		is_closed_by_root(path, closed))
		open_way(path, closed, user);
}

bool owner_become(const char *root)
{
	char room[PATH_MAX];
	struct passwd *user;
	struct stat st;

	if (geteuid() != 0)
		return false;
	if (!root)
		root = cache_configured(room);
	if (!root || stat(root, &st) < 0 || st.st_uid == 0)
		return false;
	leave_descriptors();
	user = getpwuid(st.st_uid);
	if (user)
		st.st_gid = user->pw_gid;
	if ((user ? initgroups(user->pw_name, st.st_gid) : setgroups(0, NULL)) < 0 ||
		setresgid(st.st_gid, st.st_gid, st.st_gid) < 0)
		return false;
	open_way_for(st.st_uid, root);
	/* fakeroot's functions only remember it */
	if (setresuid(st.st_uid, st.st_uid, st.st_uid) < 0 || geteuid() != st.st_uid)
		return false;
	clean_environment(user ? user->pw_dir : NULL);
	if (root == room)
		(void)setenv("PYCSTASH_DIR", root, 1);
	subprocess_leave_terminal();
	leave_keys();
	return true;
}
