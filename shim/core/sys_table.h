/* SPDX-License-Identifier: MIT
 *
 * A struct sys made of functions like libc's, for who includes this, once, with
 *
 *   SYS_NAME    the name of the struct
 *   NEXT(call)  libc's function of that name, or whatever stands for it
 *
 * The shim's are the next library's for whatever takes a path, so that other preloads
 * see it. For the rest it is libc's own, or the system call.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "shim/core/sys.h"

/* Core's functions return -errno and leave errno alone. */
#define KEEPING_ERRNO(call)                       \
	({                                        \
		int saved = errno;                \
		__typeof__(call) result = (call); \
		if (result < 0)                   \
			result = -errno;          \
		errno = saved;                    \
		result;                           \
	})

static int sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return KEEPING_ERRNO(NEXT(openat)(dirfd, path, flags, mode));
}

static int sys_close(int fd)
{
	return KEEPING_ERRNO(close(fd));
}

static ssize_t sys_readlinkat(int dirfd, const char *path, char *buf, size_t size)
{
	return KEEPING_ERRNO(NEXT(readlinkat)(dirfd, path, buf, size));
}

static int sys_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	return KEEPING_ERRNO(NEXT(fstatat)(dirfd, path, st, flags));
}

static int sys_mkdirat(int dirfd, const char *path, mode_t mode)
{
	return KEEPING_ERRNO(NEXT(mkdirat)(dirfd, path, mode));
}

static int sys_fchmodat(int dirfd, const char *path, mode_t mode)
{
	return KEEPING_ERRNO(NEXT(fchmodat)(dirfd, path, mode, 0));
}

static int sys_unlinkat(int dirfd, const char *path, int flags)
{
	return KEEPING_ERRNO(NEXT(unlinkat)(dirfd, path, flags));
}

static int sys_renameat(int fromfd, const char *from, int tofd, const char *to)
{
	return KEEPING_ERRNO(NEXT(renameat)(fromfd, from, tofd, to));
}

static int sys_linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	return KEEPING_ERRNO(NEXT(linkat)(fromfd, from, tofd, to, flags));
}

static ssize_t sys_pread(int fd, void *data, size_t size, off_t at)
{
	return KEEPING_ERRNO(pread(fd, data, size, at));
}

static ssize_t sys_pwrite(int fd, const void *data, size_t size, off_t at)
{
	return KEEPING_ERRNO(pwrite(fd, data, size, at));
}

static ssize_t sys_getdents(int fd, void *buf, size_t size)
{
	/* libc's getdents64 is younger than the libcs we run on */
	return KEEPING_ERRNO(syscall(SYS_getdents64, fd, buf, size));
}

static ssize_t sys_fgetxattr(int fd, const char *name, void *value, size_t size)
{
	return KEEPING_ERRNO(fgetxattr(fd, name, value, size));
}

static int sys_fsetxattr(int fd, const char *name, const void *value, size_t size)
{
	return KEEPING_ERRNO(fsetxattr(fd, name, value, size, 0));
}

static long sys_fs_type(int fd)
{
	struct statfs st;
	int err = KEEPING_ERRNO(fstatfs(fd, &st));

	return err < 0 ? err : (long)st.f_type;
}

static void sys_birth(int dirfd, const char *path, struct timespec *ret)
{
	struct statx stx;
	int err = KEEPING_ERRNO(NEXT(statx)(dirfd, path, 0, STATX_BTIME, &stx));

	*ret = (struct timespec){ 0 };
	if (err == 0 && stx.stx_mask & STATX_BTIME)
		*ret = (struct timespec){ stx.stx_btime.tv_sec, stx.stx_btime.tv_nsec };
}

static int sys_clone(int fd, int from)
{
	return KEEPING_ERRNO(ioctl(fd, FICLONE, from));
}

static int sys_memfd(const char *name)
{
	return KEEPING_ERRNO((int)syscall(SYS_memfd_create, name, MFD_CLOEXEC));
}

static void *sys_map(size_t size)
{
	int saved = errno;
	void *memory = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = saved;
	return memory == MAP_FAILED ? NULL : memory;
}

static void sys_unmap(void *memory, size_t size)
{
	int saved = errno;

	munmap(memory, size);
	errno = saved;
}

static void sys_clock(struct timespec *ret)
{
	/* Not libc's, which libfaketime & Co. interpose: files are stamped with this one.
	 */
	int ignored = KEEPING_ERRNO(
		(int)syscall(SYS_clock_gettime, CLOCK_REALTIME_COARSE, ret));

	(void)ignored;
}

static void sys_sleep(long nanoseconds)
{
	struct timespec time = { .tv_nsec = nanoseconds };
	int ignored = KEEPING_ERRNO((int)syscall(SYS_nanosleep, &time, NULL));

	(void)ignored;
}

static uintptr_t sys_thread(void)
{
	return (uintptr_t)pthread_self();
}

const struct sys SYS_NAME = {
	.openat = sys_openat,
	.close = sys_close,
	.readlinkat = sys_readlinkat,
	.fstatat = sys_fstatat,
	.mkdirat = sys_mkdirat,
	.fchmodat = sys_fchmodat,
	.unlinkat = sys_unlinkat,
	.renameat = sys_renameat,
	.linkat = sys_linkat,
	.pread = sys_pread,
	.pwrite = sys_pwrite,
	.getdents = sys_getdents,
	.fgetxattr = sys_fgetxattr,
	.fsetxattr = sys_fsetxattr,
	.fs_type = sys_fs_type,
	.birth = sys_birth,
	.clone = sys_clone,
	.memfd = sys_memfd,
	.map = sys_map,
	.unmap = sys_unmap,
	.clock = sys_clock,
	.sleep = sys_sleep,
	.geteuid = geteuid,
	.thread = sys_thread,
};
