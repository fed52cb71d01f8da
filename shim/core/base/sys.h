/* SPDX-License-Identifier: MIT
 *
 * The only way core touches the kernel.
 *
 * Core never calls libc's file functions by name: those names are the ones we interpose.
 * It goes through a `struct sys`, which holds the next library's functions in the shim,
 * libc's own in the command, and in the unit tests a table whose n-th call fails.
 *
 * Every member returns a value >= 0 or -errno, and leaves errno alone. All are
 * async-signal-safe, as the underlying calls are. If a signal interrupts a call, or the
 * call transfers only part of the bytes (FUSE and network file systems do both), it is
 * repeated for the rest: pread returns fewer bytes than requested only at the end of the
 * file, and pwrite and append write all bytes or fail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* The raw system call that takes our struct statfs. */
#ifdef __LP64__
#define FSTATFS(fd, st) (int)syscall(SYS_fstatfs, fd, st)
#define SYS_USERS SYS_getresuid
#else
#define FSTATFS(fd, st) (int)syscall(SYS_fstatfs64, fd, sizeof *(st), st)
#define SYS_USERS SYS_getresuid32
#endif

/* fstatat, where the kernel's structure is libc's. */
#if defined(__LP64__) &&                                                    \
	(defined(__x86_64__) || defined(__aarch64__) || defined(__riscv) || \
		defined(__s390x__) || defined(__powerpc64__))
#define SYS_STAT SYS_newfstatat
#elif defined(__i386__) && defined(__GLIBC__) && !defined(_TIME_BITS)
#define SYS_STAT SYS_fstatat64
#endif

#define SYS_OWN 40u

struct sys {
	int (*openat)(int dirfd, const char *path, int flags, mode_t mode);
	/* opens the directory at an absolute path (O_PATH) if no component of it is a
	 * symbolic link; -ENOSYS if the kernel cannot tell */
	int (*open_straight)(const char *path);
	int (*close)(int fd);
	ssize_t (*pread)(int fd, void *data, size_t size, off_t at);
	ssize_t (*pwrite)(int fd, const void *data, size_t size, off_t at);
	/* writes all bytes to a file that was opened with O_APPEND; returns the offset
	 * after the last of them */
	off_t (*append)(int fd, const void *data, size_t size);
	ssize_t (*readlinkat)(int dirfd, const char *path, char *buf, size_t size);
	int (*fstatat)(int dirfd, const char *path, struct stat *st, int flags);
	/* fstatat as the kernel answers it: another preload (fakeroot) makes up the
	 * owners that fstatat returns. One may change paths, too (fakechroot): with a
	 * path, compare what is judged with what is used (way.h) */
	int (*kernel_stat)(int dirfd, const char *path, struct stat *st, int flags);
	/* whether something is mounted there; true if the kernel does not say (before
	 * Linux 5.8) */
	bool (*is_mount)(const char *path);
	int (*mkdirat)(int dirfd, const char *path, mode_t mode);
	int (*fchmodat)(int dirfd, const char *path, mode_t mode);
	int (*fchmod)(int fd, mode_t mode);
	int (*unlinkat)(int dirfd, const char *path, int flags);
	int (*renameat)(int fromfd, const char *from, int tofd, const char *to);
	/* renameat if the new name does not exist yet, else an error; also an error if
	 * the file system or the kernel cannot do that */
	int (*rename_new)(int fromfd, const char *from, int tofd, const char *to);
	int (*linkat)(int fromfd, const char *from, int tofd, const char *to, int flags);
	/* one read of directory records (struct dirent64), as getdents64(2) */
	ssize_t (*getdents)(int fd, void *buf, size_t size);
	ssize_t (*fgetxattr)(int fd, const char *name, void *value, size_t size);
	int (*fsetxattr)(int fd, const char *name, const void *value, size_t size);
	int (*fremovexattr)(int fd, const char *name);
	/* the type of the file system, as f_type of statfs(2) */
	int64_t (*fs_type)(int fd);
	/* a number for the file system that the file (with "", dirfd itself) is on, whose
	 * st_dev is device. The number stays the same when the file system is mounted
	 * again; it is 0 for file systems like /proc, whose files do not last, and if the
	 * path leads to another device by now. Asked once for each st_dev */
	uint32_t (*fs_id)(int dirfd, const char *path, dev_t device);
	/* the time a file was created (with "", that of dirfd); zeros if it is not
	 * known */
	void (*birth)(int dirfd, const char *path, struct timespec *ret);
	/* sets a file's st_atim to a time that is later than that of any file before, as
	 * exactly as the file system keeps it */
	int (*stamp)(int fd);
	int (*set_mtime)(int fd, const struct timespec *mtime);
	/* makes fd share the blocks of `from` (FICLONE) */
	int (*clone)(int fd, int from);
	/* an anonymous file in memory */
	int (*memfd)(const char *name);
	/* memory of that size, zeroed, or NULL */
	void *(*map)(size_t size);
	void (*unmap)(void *memory, size_t size);
	/* the clock from which the kernel stamps local files, whatever a preload
	 * pretends */
	void (*clock)(struct timespec *ret);
	void (*sleep)(long nanoseconds);
	/* the user; nobody's number (-1) if the process can become another user again
	 * (seteuid): files that are code for one of them are not to be code for both */
	uid_t (*geteuid)(void);
	/* the process, as the kernel numbers it */
	uint32_t (*pid)(void);
	/* identifies the thread within the process; the thread of a forked child has the
	 * number of its parent's */
	uintptr_t (*thread)(void);
	/* SYS_OWN bytes of the thread's own, 0 at first: for recent_stat.h */
	void *(*own)(void);
	/* a counter that grows by 1 to 5 per nanosecond; 0 if there is none. Neither a
	 * system call nor a clock function, which others interpose (libfaketime) */
	uint64_t (*ticks)(void);
	/* the home directory that the environment gives; "" or NULL if there is none.
	 * NULL: none is known */
	const char *(*home)(void);
	/* what way_writers remembers of the last group that it was asked about; 0 at
	 * first. NULL: it asks each time */
	_Atomic uint64_t *group;
};
