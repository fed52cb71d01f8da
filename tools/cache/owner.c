/* SPDX-License-Identifier: MIT
 *
 * Becoming the owner of a cache.
 */
#include "tools/cache/owner.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/files.h"
#include "tools/cache/cache.h"

static bool is_kept(const char *variable)
{
	static const char *const kept[] = { "PATH=", "TERM=", "TMPDIR=", "LANG=", "LC_",
		"PYTHON", "PYCSTASH_", "LD_PRELOAD=", "KUBERNETES_SERVICE_HOST=" };

	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
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

/* The owner's programs must not type into root's terminal (TIOCSTI). */
static void leave_terminal(void)
{
	AUTOCLOSE int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		(void)ioctl(fd, TIOCNOTTY);
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

/* In a mount namespace of this process, mounts an empty directory that everybody may
 * search over the closed one, with nothing but the cache in it. The owner could not see
 * the hidden files before, either. */
static void open_way(char *path, size_t closed)
{
	AUTOFREE char *source = NULL;
	mode_t mask;
	int fd;

	if (unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
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
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0 && closed)
		open_way(path, closed);
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
	user = getpwuid(st.st_uid);
	if (user)
		st.st_gid = user->pw_gid;
	if ((user ? initgroups(user->pw_name, st.st_gid) : setgroups(0, NULL)) < 0 ||
		setresgid(st.st_gid, st.st_gid, st.st_gid) < 0)
		return false;
	open_way_for(st.st_uid, root);
	if (setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
		return false;
	clean_environment(user ? user->pw_dir : NULL);
	if (root == room)
		(void)setenv("PYCSTASH_DIR", root, 1);
	leave_terminal();
	return true;
}
