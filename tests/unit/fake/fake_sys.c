/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake/fake_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/base/openat2.h"

struct fake fake;

#define RESULT(call)                              \
	({                                        \
		__typeof__(call) result = (call); \
		result < 0 ? -errno : result;     \
	})

/* Counts a call, and returns whether it is the one that fails. */
static bool fails(const char *name)
{
	fake.calls++;
	if (fake.meanwhile)
		fake.meanwhile(fake.calls, name);
	if (fake.calls != fake.fail_at)
		return false;
	snprintf(fake.failed, sizeof fake.failed, "%s", name);
	return true;
}

/* In a function of the table: returns an error if this call is to fail. */
#define MAY_FAIL(name)                          \
	do {                                    \
		if (fails(name))                \
			return -fake.fail_with; \
	} while (0)

/* A test must not be able to harm the machine that it runs on, whatever is wrong in the
 * code. */
static void check_is_inside(int dirfd, const char *path)
{
	size_t len = strlen(fake.dir);

	if (dirfd == AT_FDCWD && (strncmp(path, fake.dir, len) != 0 || path[len] != '/'))
		fail_msg("not in the temporary directory: %s", path);
}

static int fake_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	MAY_FAIL("openat");
	if (flags & O_CREAT) {
		check_is_inside(dirfd, path);
		snprintf(fake.made, sizeof fake.made, "%s", path);
	}
	if (strcmp(path, "..") == 0 && fake_is_root(dirfd))
		path = ".";
	if (strcmp(path, "/proc/self/uid_map") == 0 ||
		strcmp(path, "/proc/self/gid_map") == 0) {
		fd = RESULT(memfd_create("id_map", MFD_CLOEXEC));
		assert_int_equal(
			write(fd, fake.id_map, strlen(fake.id_map)), strlen(fake.id_map));
	} else {
		fd = RESULT(openat(dirfd, path, flags | O_CLOEXEC, mode));
	}
	if (fd >= 0)
		fake.open++;
	return fd;
}

static int fake_open_straight(const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS };
	int fd;

	MAY_FAIL("open_straight");
	if (fake.no_straight)
		return -ENOSYS;
	fd = RESULT((int)syscall(OPENAT2_CALL, AT_FDCWD, path, &how, sizeof how));
	if (fd >= 0)
		fake.open++;
	return fd;
}

/* Like the kernel's, it closes even if it fails. */
static int fake_close(int fd)
{
	bool failing = fails("close");
	int ret = RESULT(close(fd));

	assert_int_equal(ret, 0);
	fake.open--;
	return failing ? -fake.fail_with : 0;
}

static ssize_t fake_readlinkat(int dirfd, const char *path, char *buf, size_t size)
{
	bool in_proc = strncmp(path, "/proc/", 6) == 0;

	MAY_FAIL("readlinkat");
	if (fake.no_proc && in_proc)
		return -ENOENT;
	if (fake.link && in_proc) {
		size_t len = strlen(fake.link) < size ? strlen(fake.link) : size;

		memcpy(buf, fake.link, len);
		return (ssize_t)len;
	}
	return RESULT(readlinkat(dirfd, path, buf, size));
}

static int fake_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	int ret;

	MAY_FAIL("fstatat");
	ret = RESULT(fstatat(dirfd, path, st, flags));
	if (ret == 0) {
		st->st_uid += fake.owner_offset;
		st->st_ino += fake.elsewhere && *path;
		if (fake.whole_seconds)
			st->st_ctim.tv_nsec = 0;
	}
	return ret;
}

static int fake_kernel_stat(int dirfd, const char *path, struct stat *st, int flags)
{
	int ret;

	MAY_FAIL("kernel_stat");
	ret = RESULT(fstatat(dirfd, path, st, flags));
	/* Only for files in the temporary directory, and open ones: the directories above
	 * belong to this machine and to root, whoever runs the test. */
	if (ret == 0 && (!*path || (strncmp(path, fake.dir, strlen(fake.dir)) == 0 &&
					   path[strlen(fake.dir)] == '/')))
		st->st_uid += fake.owner_offset;
	else if (ret == 0 && st->st_uid == geteuid())
		st->st_uid = 0;
	if (ret == 0)
		st->st_gid += fake.group_offset;
	return ret;
}

static int fake_mkdirat(int dirfd, const char *path, mode_t mode)
{
	MAY_FAIL("mkdirat");
	if (faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		check_is_inside(dirfd, path);
	return RESULT(mkdirat(dirfd, path, mode));
}

static int fake_fchmodat(int dirfd, const char *path, mode_t mode)
{
	MAY_FAIL("fchmodat");
	check_is_inside(dirfd, path);
	return RESULT(fchmodat(dirfd, path, mode, 0));
}

static int fake_fchmod(int fd, mode_t mode)
{
	MAY_FAIL("fchmod");
	return RESULT(fchmod(fd, mode));
}

static int fake_unlinkat(int dirfd, const char *path, int flags)
{
	MAY_FAIL("unlinkat");
	check_is_inside(dirfd, path);
	return RESULT(unlinkat(dirfd, path, flags));
}

static int fake_renameat(int fromfd, const char *from, int tofd, const char *to)
{
	MAY_FAIL("renameat");
	check_is_inside(fromfd, from);
	check_is_inside(tofd, to);
	if (fake.nfs && fake.open)
		(void)linkat(tofd, to, AT_FDCWD, fake_path(".nfs"), 0);
	return RESULT(renameat(fromfd, from, tofd, to));
}

static int fake_rename_new(int fromfd, const char *from, int tofd, const char *to)
{
	MAY_FAIL("rename_new");
	check_is_inside(fromfd, from);
	check_is_inside(tofd, to);
	if (!fake.renames_new)
		return -EINVAL;
	return RESULT(renameat2(fromfd, from, tofd, to, RENAME_NOREPLACE));
}

static int fake_linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	MAY_FAIL("linkat");
	check_is_inside(tofd, to);
	return RESULT(linkat(fromfd, from, tofd, to, flags));
}

static ssize_t fake_pread(int fd, void *data, size_t size, off_t at)
{
	MAY_FAIL("pread");
	return RESULT(pread(fd, data, size, at));
}

static ssize_t fake_pwrite(int fd, const void *data, size_t size, off_t at)
{
	MAY_FAIL("pwrite");
	return RESULT(pwrite(fd, data, fake.short_writes ? size / 2 : size, at));
}

static off_t fake_append(int fd, const void *data, size_t size)
{
	ssize_t n;

	MAY_FAIL("append");
	n = RESULT(write(fd, data, fake.short_writes ? size / 2 : size));
	if (n != (ssize_t)size)
		return n < 0 ? n : -ENOSPC;
	return RESULT(lseek(fd, 0, SEEK_CUR));
}

/* Files in memory have extended attributes only since Linux 6.6, so they are kept here:
 * one for each inode, whatever its names. */
static struct {
	ino_t inode;
	size_t size;
	char value[128];
} attributes[64];

/* Returns the attribute of an open file, or the next free one. */
static size_t find_attribute(int fd)
{
	struct stat st;
	size_t i;

	assert_return_code(fstat(fd, &st), errno);
	for (i = 0; i < fake.attributes && attributes[i].inode != st.st_ino; i++)
		;
	assert_true(i < COUNT(attributes));
	attributes[i].inode = st.st_ino;
	return i;
}

static ssize_t fake_fgetxattr(int fd, const char *name, void *value, size_t size)
{
	size_t i;

	MAY_FAIL("fgetxattr");
	if (fake.no_xattrs)
		return -EOPNOTSUPP;
	if (strncmp(name, "system.posix_acl_", 17) == 0)
		return (name[17] == 'd' ? fake.inherits : fake.has_acl) ? 44 : -ENODATA;
	assert_memory_equal(name, "user.", 5);
	i = find_attribute(fd);
	if (i == fake.attributes)
		return -ENODATA;
	if (size == 0)
		return (ssize_t)attributes[i].size;
	if (size < attributes[i].size)
		return -ERANGE;
	memcpy(value, attributes[i].value, attributes[i].size);
	return (ssize_t)attributes[i].size;
}

static int fake_fsetxattr(int fd, const char *name, const void *value, size_t size)
{
	size_t i;

	MAY_FAIL("fsetxattr");
	if (fake.no_xattrs)
		return -EOPNOTSUPP;
	assert_memory_equal(name, "user.", 5);
	assert_true(size <= sizeof attributes->value);
	i = find_attribute(fd);
	fake.attributes += i == fake.attributes;
	attributes[i].size = size;
	memcpy(attributes[i].value, value, size);
	return 0;
}

static uint32_t fake_fs_id(int dirfd, const char *path, dev_t device)
{
	(void)dirfd;
	(void)path;
	(void)device;
	return fake.no_fs ? 0 : fake.fs_id ? fake.fs_id : 7;
}

static bool fake_is_mount(const char *path)
{
	(void)path;
	return true;
}

/* If the call fails, the file has no birth time, as on a file system without them. */
static void fake_birth(int dirfd, const char *path, struct timespec *ret)
{
	struct statx stx;

	*ret = (struct timespec){ 0 };
	if (fails("birth") ||
		statx(dirfd, path, *path ? 0 : AT_EMPTY_PATH, STATX_BTIME, &stx) < 0 ||
		!(stx.stx_mask & STATX_BTIME))
		return;
	ret->tv_sec = stx.stx_btime.tv_sec;
	ret->tv_nsec = stx.stx_btime.tv_nsec;
}

static int64_t fake_fs_type(int fd)
{
	struct statfs st;

	MAY_FAIL("fs_type");
	if (fake.fs_type)
		return fake.fs_type;
	return fstatfs(fd, &st) < 0 ? -errno : (int64_t)(uint32_t)st.f_type;
}

static int fake_stamp(int fd)
{
	struct timespec times[2] = { [1].tv_nsec = UTIME_OMIT };

	MAY_FAIL("stamp");
	assert_return_code(clock_gettime(CLOCK_REALTIME, times), errno);
	return futimens(fd, times) < 0 ? -errno : 0;
}

static int fake_set_mtime(int fd, const struct timespec *mtime)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, *mtime };

	MAY_FAIL("set_mtime");
	return futimens(fd, times) < 0 ? -errno : 0;
}

static int fake_clone(int fd, int from)
{
	char data[4096];
	ssize_t n;

	MAY_FAIL("clone");
	if (!fake.clones)
		return -EOPNOTSUPP;
	assert_return_code(ftruncate(fd, 0), errno);
	for (off_t at = 0; (n = pread(from, data, sizeof data, at)) > 0; at += n)
		assert_int_equal(pwrite(fd, data, (size_t)n, at), n);
	return 0;
}

static int fake_memfd(const char *name)
{
	int fd;

	MAY_FAIL("memfd");
	fd = RESULT(memfd_create(name, MFD_CLOEXEC));
	if (fd >= 0)
		fake.open++;
	return fd;
}

/* A caller must not count on zeroes in scratch memory: the second time there are none. */
static void *fake_map(size_t size)
{
	void *memory = fails("map") ? NULL : malloc(size);

	if (!memory)
		return NULL;
	fake.mapped++;
	return memset(memory, 0xa5, size);
}

static void fake_unmap(void *memory, size_t size)
{
	memset(memory, 0x5a, size);
	fake.mapped--;
	free(memory);
}

static void fake_clock(struct timespec *ret)
{
	if (fake.meanwhile)
		fake.meanwhile(fake.calls, "clock");
	if (fake.stopped) {
		*ret = fake.now;
		return;
	}
	clock_gettime(CLOCK_REALTIME_COARSE, ret);
	ret->tv_sec += fake.clock_offset;
}

static void fake_sleep(long nanoseconds)
{
	struct timespec time = { .tv_nsec = nanoseconds };

	fake.sleeps++;
	if (fake.meanwhile)
		fake.meanwhile(fake.calls, "sleep");
	if (!fake.stopped) {
		nanosleep(&time, NULL);
		return;
	}
	fake.now.tv_nsec += nanoseconds;
	if (fake.now.tv_nsec >= 1000000000) {
		fake.now.tv_sec++;
		fake.now.tv_nsec -= 1000000000;
	}
}

static uint32_t fake_pid(void)
{
	return fake.pid;
}

static uintptr_t fake_thread(void)
{
	return fake.thread;
}

static uint64_t fake_ticks(void)
{
	return fake.ticks;
}

static ssize_t fake_getdents(int fd, void *buf, size_t size)
{
	MAY_FAIL("getdents");
	return RESULT(syscall(SYS_getdents64, fd, buf, size));
}

const struct sys fake_sys = {
	.openat = fake_openat,
	.open_straight = fake_open_straight,
	.close = fake_close,
	.readlinkat = fake_readlinkat,
	.fstatat = fake_fstatat,
	.kernel_stat = fake_kernel_stat,
	.mkdirat = fake_mkdirat,
	.fchmodat = fake_fchmodat,
	.fchmod = fake_fchmod,
	.unlinkat = fake_unlinkat,
	.renameat = fake_renameat,
	.rename_new = fake_rename_new,
	.linkat = fake_linkat,
	.pread = fake_pread,
	.pwrite = fake_pwrite,
	.append = fake_append,
	.fgetxattr = fake_fgetxattr,
	.fsetxattr = fake_fsetxattr,
	.fremovexattr = fake_fremovexattr,
	.fs_type = fake_fs_type,
	.fs_id = fake_fs_id,
	.birth = fake_birth,
	.is_mount = fake_is_mount,
	.stamp = fake_stamp,
	.set_mtime = fake_set_mtime,
	.clone = fake_clone,
	.memfd = fake_memfd,
	.map = fake_map,
	.unmap = fake_unmap,
	.clock = fake_clock,
	.sleep = fake_sleep,
	.pid = fake_pid,
	.thread = fake_thread,
	.own = fake_own,
	.ticks = fake_ticks,
	.getdents = fake_getdents,
	.geteuid = geteuid,
};
