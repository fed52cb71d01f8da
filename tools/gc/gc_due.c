/* SPDX-License-Identifier: MIT
 *
 * Starts gc in the background when a command is run.
 */
#include "tools/gc/gc_due.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "tools/base/brief.h"
#include "tools/cache/cache.h"
#include "tools/conf/conf.h"
#include "tools/conf/settings.h"

#ifndef SYS_close_range /* the headers are older than Linux 5.9 */
#define SYS_close_range 436
#endif

#define MAX_TIME "60s" /* the next run does the rest */
#define OLD_LIMIT 1024

bool gc_due_at(int fd, const char *layout)
{
	const char *mark = brief_format("%s/" CACHE_STATE "/" GC_DUE_MARK, layout);
	struct stat st;

	if (fstatat(fd, mark, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		time_t age = time(NULL) - st.st_mtime;
		if (age >= 0 && age <= GC_DUE_AFTER) /* below 0: the clock was wrong */
			return false;
	}
	return fstatat(fd, layout, &st, 0) == 0 && st.st_uid == geteuid() &&
	       faccessat(fd, layout, W_OK, AT_EACCESS) == 0;
}

static bool is_due_here(void)
{
	struct config config;

	settings_config(&config, false);
	return config.enabled && config.root_len && !config.readonly &&
	       gc_due_at(AT_FDCWD, brief_format("%s/" CACHE_LAYOUT, config.root));
}

/* Returns whether orphaned processes become children of this process. gc would then be
 * a child of the command. */
static bool is_reaper(void)
{
	int on = 0;

	return getpid() == 1 || prctl(PR_GET_CHILD_SUBREAPER, &on) < 0 || on;
}

/* Creates a child that sends no signal when it ends. If the process that started us had
 * blocked SIGCHLD, the signal would stay pending in the command. */
static pid_t fork_silently(void)
{
	return (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
}

/* Leaves what belongs to the command: a lock must not stay taken, nor a pipe stay open,
 * nor a file system in use because of gc. The command waits until all of it is closed. */
static bool leave(void)
{
	int null = open("/dev/null", O_RDWR), signal_number, fd;
	sigset_t none;

	(void)setsid();
	for (fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			return false;
	if (syscall(SYS_close_range, 3, ~0U, 0) < 0) /* before Linux 5.9 */
		for (fd = 3; fd < OLD_LIMIT; fd++)
			close(fd);
	for (signal_number = 1; signal_number < NSIG; signal_number++)
		(void)signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)unsetenv("LD_PRELOAD");
	(void)chdir("/");
	(void)nice(10);
	return true;
}

void gc_due_start(void)
{
	pid_t child;

	if (!conf_number("auto_gc") || !is_due_here() || is_reaper())
		return;
	child = fork_silently();
	if (child == 0) { /* leaves before gc starts: this process waits for that */
		if (leave() && fork_silently() == 0)
			execl("/proc/self/exe", "pycstash", "gc", "--auto", "--max-time",
				MAX_TIME, NULL);
		_exit(0);
	}
	if (child > 0)
		(void)waitpid(child, NULL, __WALL);
}
