/* SPDX-License-Identifier: MIT */
#include "tools/base/compat.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

int compat_renameat2(
	int fromfd, const char *from, int tofd, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, fromfd, from, tofd, to, flags);
}

int compat_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *ret)
{
	return (int)syscall(SYS_statx, dirfd, path, flags, mask, ret);
}

int compat_memfd_create(const char *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}

ssize_t compat_getrandom(void *data, size_t size, unsigned flags)
{
	return syscall(SYS_getrandom, data, size, flags);
}

void *compat_reallocarray(void *array, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(array, count * size);
}

#ifdef PORTABLE
#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>

#if defined(__x86_64__)
#define BASE "GLIBC_2.2.5"
#else
#define BASE "GLIBC_2.17"
#endif

/* Defines a function that calls libc's oldest version of it. */
#define OLDEST(ret, name, params, args)                       \
	extern __typeof__(name) oldest_##name;                \
	__asm__(".symver oldest_" #name ", " #name "@" BASE); \
	ret name params                                       \
	{                                                     \
		return oldest_##name args;                    \
	}
OLDEST(int, pthread_create,
	(pthread_t * thread, const pthread_attr_t *attr, void *(*start)(void *),
		void *context),
	(thread, attr, start, context))
OLDEST(int, pthread_join, (pthread_t thread, void **ret), (thread, ret))
OLDEST(void *, dlopen, (const char *file, int mode), (file, mode))
OLDEST(void *, dlsym, (void *handle, const char *name), (handle, name))
OLDEST(char *, dlerror, (void), ())
OLDEST(int, glob,
	(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *ret),
	(pattern, flags, failed, ret))

/* Called by the compiler's startup code. The older version calls no constructors unless
 * they are passed to it, and the command has none. */
extern int oldest_start(int (*run)(int, char **, char **), int argc, char **argv,
	void (*init)(void), void (*fini)(void), void (*end)(void), void *stack);
__asm__(".symver oldest_start, __libc_start_main@" BASE);
int __libc_start_main(int (*run)(int, char **, char **), int argc, char **argv,
	void (*init)(void), void (*fini)(void), void (*end)(void), void *stack);
int __libc_start_main(int (*run)(int, char **, char **), int argc, char **argv,
	void (*init)(void), void (*fini)(void), void (*end)(void), void *stack)
{
	return oldest_start(run, argc, argv, init, fini, end, stack);
}
#endif
