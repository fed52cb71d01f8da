/* SPDX-License-Identifier: MIT
 *
 * A library that runs a command at a certain moment of a program. It is preloaded before
 * the library or after it; after it, it also sees the calls that the library itself
 * makes.
 *
 *   AT=CALL[:N]:SUFFIX[:after]
 *       the moment: before (or after) the N-th (default 1) open, freopen, stat, rename,
 *       mkdir, remove (unlinkat), find (openat2 by its number) or look (fstatat by its
 *       number, as the command calls it) of a path with that suffix (for rename, the new
 *       path)
 *
 *   DO=COMMAND
 *       what sh runs then, once, without any preload
 *
 *   AT2, DO2, AT3, DO3
 *       further moments and commands
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/core/base/openat2.h"
#include "shim/core/base/sys.h"

static struct moment {
	char call[8], suffix[64];
	int left; /* calls to go; 0 when it is over */
	int after;
	const char *command;
} moments[3];
static __thread int busy;

static void run(const char *command)
{
	pid_t pid = fork();

	if (pid == 0) {
		unsetenv("LD_PRELOAD");
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

__attribute__((constructor)) static void start(void)
{
	static const char *const names[][2] = { { "AT", "DO" }, { "AT2", "DO2" },
		{ "AT3", "DO3" } };

	for (int i = 0; i < 3; i++) {
		const char *at = getenv(names[i][0]);
		struct moment *moment = &moments[i];
		char after[8] = "";

		if (!at)
			continue;
		moment->command = getenv(names[i][1]);
		if (sscanf(at, "%7[a-z]:%d:%63[^:]:%7s", moment->call, &moment->left,
			    moment->suffix, after) < 3) {
			moment->left = 1;
			sscanf(at, "%7[a-z]:%63[^:]:%7s", moment->call, moment->suffix,
				after);
		}
		moment->after = strcmp(after, "after") == 0;
	}
}

static void look(const char *call, const char *path, int after)
{
	size_t len = path ? strlen(path) : 0;

	for (int i = 0; i < 3 && !busy && len; i++) {
		struct moment *moment = &moments[i];
		size_t end = strlen(moment->suffix);

		if (moment->left == 0 || moment->after != after ||
			strcmp(call, moment->call) != 0 || len < end ||
			strcmp(path + len - end, moment->suffix) != 0 ||
			--moment->left > 0)
			continue;
		busy = 1;
		run(moment->command);
		busy = 0;
	}
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WATCHED(call, path, result)                \
	({                                         \
		look(call, path, 0);               \
		__typeof__(result) ret = (result); \
		look(call, path, 1);               \
		ret;                               \
	})

static int mode_in(int flags, va_list args)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, int)
								     : 0;
}

#define OPEN(name)                                                           \
	int name(const char *path, int flags, ...)                           \
	{                                                                    \
		va_list args;                                                \
		va_start(args, flags);                                       \
		int mode = mode_in(flags, args);                             \
		va_end(args);                                                \
		return WATCHED("open", path, REAL(name)(path, flags, mode)); \
	}
#define OPENAT(name)                                                                \
	int name(int dirfd, const char *path, int flags, ...)                       \
	{                                                                           \
		va_list args;                                                       \
		va_start(args, flags);                                              \
		int mode = mode_in(flags, args);                                    \
		va_end(args);                                                       \
		return WATCHED("open", path, REAL(name)(dirfd, path, flags, mode)); \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

long syscall(long number, ...)
{
	long word[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		word[i] = va_arg(args, long);
	va_end(args);
#define CALL REAL(syscall)(number, word[0], word[1], word[2], word[3], word[4], word[5])
	if (number == OPENAT2_CALL)
		return WATCHED("find", (const char *)word[1], CALL);
#ifdef SYS_STAT
	if (number == SYS_STAT)
		return WATCHED("look", (const char *)word[1], CALL);
#endif
	return CALL;
}

/* What open and openat are to a program with _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
	return WATCHED("open", path, REAL(__open_2)(path, flags));
}

int __openat_2(int dirfd, const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags)
{
	return WATCHED("open", path, REAL(__openat_2)(dirfd, path, flags));
}

int stat(const char *path, struct stat *st)
{
	return WATCHED("stat", path, REAL(stat)(path, st));
}

int stat64(const char *path, struct stat64 *st)
{
	return WATCHED("stat", path, REAL(stat64)(path, st));
}

int fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	return WATCHED("stat", path, REAL(fstatat)(dirfd, path, st, flags));
}

int fstatat64(int dirfd, const char *path, struct stat64 *st, int flags)
{
	return WATCHED("stat", path, REAL(fstatat64)(dirfd, path, st, flags));
}

int rename(const char *from, const char *to)
{
	return WATCHED("rename", to, REAL(rename)(from, to));
}

int renameat(int fromfd, const char *from, int tofd, const char *to)
{
	return WATCHED("rename", to, REAL(renameat)(fromfd, from, tofd, to));
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
	return WATCHED("mkdir", path, REAL(mkdirat)(dirfd, path, mode));
}

int unlinkat(int dirfd, const char *path, int flags)
{
	return WATCHED("remove", path, REAL(unlinkat)(dirfd, path, flags));
}

FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	return WATCHED("freopen", path, REAL(freopen)(path, mode, stream));
}
