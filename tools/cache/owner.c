/* SPDX-License-Identifier: MIT
 *
 * Becoming the owner of a cache.
 */
#include "tools/cache/owner.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* His programs must not type into root's terminal (TIOCSTI). */
static void leave_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)ioctl(fd, TIOCNOTTY);
	close(fd);
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
		setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
		setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
		return false;
	clean_environment(user ? user->pw_dir : NULL);
	if (root == room)
		(void)setenv("PYCSTASH_DIR", root, 1);
	leave_terminal();
	return true;
}
