/* SPDX-License-Identifier: MIT */
#include "shim/core/proof/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>

#include "shim/core/base/fd_name.h"
#include "shim/core/base/timestamp.h"
#include "shim/core/python/coding.h"

/* How long to wait for a young file: the clock ticks every 1 to 10 ms (CONFIG_HZ). */
#define TICK_NS 1000000L
#define TICKS 25

/* Longer than the kernel holds back data to be written (30 s, vm.dirty_expire). */
#define YOUNG_NS (INT64_C(60) * 1000000000)

/* How much older than our clock a file on another machine must be, in seconds. */
#define REMOTE_MARGIN INT64_C(3)

/* Some are missing in linux/magic.h. The last two are local, but their times tick more
 * slowly than their values suggest: every 2 s and 10 ms. */
#define CIFS_MAGIC 0xff534d42L
#define SMB2_MAGIC 0xfe534d42L
#define LUSTRE_MAGIC 0x0bd00bd0L
#define GPFS_MAGIC 0x47504653L
#define FUSE_MAGIC 0x65735546L /* sshfs, virtiofs */
#define FAT_MAGIC 0x4d44L
#define EXFAT_MAGIC 0x2011bab0L

static const int64_t remote_types[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_MAGIC,
	SMB2_MAGIC, AFS_SUPER_MAGIC, CODA_SUPER_MAGIC, V9FS_MAGIC, 0x00c36400L /* Ceph */,
	LUSTRE_MAGIC, GPFS_MAGIC, FUSE_MAGIC, FAT_MAGIC, EXFAT_MAGIC };

bool source_type_is_remote(int64_t type)
{
	for (size_t i = 0; i < sizeof remote_types / sizeof *remote_types; i++)
		if (remote_types[i] == type)
			return true;
	return false;
}

/* Sets the fields that depend on st, which was taken from path. */
static void take(
	struct source *source, const struct sys *sys, int dirfd, const char *path)
{
	source->settled = source->hopeless = source->digested = false;
	source->there = S_ISREG(source->st.st_mode);
	source->identity = identity_of(&source->st);
	if (source->there)
		source->identity.fs = sys->fs_id(dirfd, path, source->st.st_dev);
}

static int look(struct source *source, const struct sys *sys, int dirfd, const char *path,
	int flags)
{
	int err = sys->fstatat(dirfd, path, &source->st, flags);

	source->settled = source->digested = source->there = false;
	if (err < 0)
		return err;
	take(source, sys, dirfd, path);
	return source->there ? 0 : -EINVAL;
}

int source_look(struct source *source, const struct sys *sys)
{
	return look(source, sys, source->dirfd, source->path,
		source->is_open ? AT_EMPTY_PATH : 0);
}

bool source_recall(
	struct source *source, const struct sys *sys, struct recent_stat *recent)
{
	if (!recent || !recent_stat_take(recent, sys, source->path, &source->st))
		return false;
	take(source, sys, source->dirfd, source->path);
	source->seen = true;
	source->seen_size = source->st.st_size;
	source->seen_mtime = source->st.st_mtim;
	return true;
}

/* Times outside the range of int64_t (a server may return anything) are clamped. */
static int64_t nanoseconds(const struct timespec *time)
{
	int64_t ret;

	if (__builtin_mul_overflow((int64_t)time->tv_sec, INT64_C(1000000000), &ret) ||
		__builtin_add_overflow(ret, (int64_t)time->tv_nsec, &ret))
		return time->tv_sec < 0 ? INT64_MIN / 2 : INT64_MAX / 2;
	return ret > INT64_MAX / 2   ? INT64_MAX / 2
	       : ret < INT64_MIN / 2 ? INT64_MIN / 2
				     : ret;
}

static bool is_local(
	const struct source *source, const struct sys *sys, struct source_clock *clock)
{
	uint64_t device = (uint64_t)source->st.st_dev + 1;
	struct stat st;
	int64_t type;
	int fd = source->dirfd;

	if (clock->local == device)
		return true;
	if (!source->is_open)
		fd = sys->openat(fd, source->path, O_PATH | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	type = sys->fs_type(fd);
	/* The path may lead to another file system by now. */
	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		st.st_dev = ~source->st.st_dev;
	if (!source->is_open)
		sys->close(fd);
	if (type < 0)
		clock->refused = true;
	if (type < 0 || source_type_is_remote(type) || st.st_dev != source->st.st_dev)
		return false;
	clock->local = device;
	return true;
}

/* Returns whether the file's change time lies before a moment that precedes the stat. age
 * is how long before that moment the change was, in nanoseconds. */
static bool is_settled(const struct source *source, const struct sys *sys,
	struct source_clock *clock, int64_t age)
{
	if (!source->identity.fs) /* its content changes without a trace */
		return false;
	if (age > REMOTE_MARGIN * 1000000000)
		return true;
	/* Whole seconds: the clock of such a file system ticks that slowly. */
	return age > (source->identity.ctime.tv_nsec ? 0 : 1000000000) &&
	       is_local(source, sys, clock);
}

/* Sets `settled` and `hopeless` from the age at the stat. Waiting helps if a file is
 * young, but not if it is in /proc or the like, if a sandbox refuses the clock or the
 * type of file systems, or if the ctime lies further in the future than clocks differ. */
static void judge_age(struct source *source, const struct sys *sys,
	struct source_clock *clock, int64_t age)
{
	source->settled = is_settled(source, sys, clock, age);
	source->hopeless = !source->settled && (!source->identity.fs || clock->refused ||
						       age < -REMOTE_MARGIN * 1000000000);
}

/* Reads the clock that stamps files. It is read anew each time: an earlier reading means
 * nothing once the clock has been set back. */
static int64_t ask_clock(const struct sys *sys)
{
	struct timespec now;

	sys->clock(&now);
	return nanoseconds(&now);
}

int source_settle(
	struct source *source, const struct sys *sys, struct source_clock *clock)
{
	for (int i = 0; i < TICKS; i++) {
		/* Before the stat: a file that is older than this moment was so at the
		 * stat too. */
		int64_t now = ask_clock(sys), age;
		int err = source_look(source, sys);

		if (err < 0)
			return err;
		age = now - nanoseconds(&source->identity.ctime);
		judge_age(source, sys, clock, age);
		/* Waiting is in vain: the clock has been set back, or the file is another
		 * machine's. */
		if (source->settled || !source->identity.fs || age < -TICKS * TICK_NS ||
			!is_local(source, sys, clock))
			break;
		sys->sleep(TICK_NS);
	}
	return 0;
}

/* Reads a whole file that should have size bytes, with room for one more; -EAGAIN if it
 * does not have them. The files of /proc have more than their stat says. */
static int read_whole(const struct source *source, const struct sys *sys, int fd,
	uint8_t *data, size_t size)
{
	struct identity identity;
	struct stat st;
	ssize_t n = sys->pread(fd, data, size + 1, 0);

	if (n < 0)
		return (int)n;
	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || (size_t)n != size)
		return -EAGAIN;
	/* The path may lead elsewhere by now (a link that was flipped): the file read
	 * must be the one that was looked at, and unchanged until now. */
	identity = identity_of(&st);
	return st.st_dev == source->st.st_dev &&
			       identity_same(&identity, &source->identity)
		       ? 0
		       : -EAGAIN;
}

#define SOURCE_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int open_source(const struct source *source, const struct sys *sys)
{
	return sys->openat(source->dirfd, source->path, SOURCE_FLAGS, 0);
}

/* Opens a source that was looked at a while ago. Others may have put a pipe or a device
 * there since, which is not opened. */
static int open_again(const struct source *source, const struct sys *sys)
{
	int found = sys->openat(source->dirfd, source->path, O_PATH | O_CLOEXEC, 0);
	int fd = -EAGAIN;
	struct stat st;

	if (found < 0)
		return found;
	if (sys->fstatat(found, "", &st, AT_EMPTY_PATH) == 0 && S_ISREG(st.st_mode)) {
		fd = fd_name_open(sys, found, SOURCE_FLAGS);
		if (fd == -ENOENT) /* without /proc */
			fd = open_source(source, sys);
	}
	sys->close(found);
	return fd;
}

/* Sets the digest of an open source that was looked at. */
static int digest_open(
	struct source *source, const struct sys *sys, struct scratch *scratch, int fd)
{
	size_t size = (size_t)source->st.st_size, room;
	uint8_t *data;
	int err;

	/* A hole of any size takes no room in an archive; no real source is that
	 * large. */
	if (source->st.st_size > SOURCE_MAX)
		return -EFBIG;
	data = scratch_take(scratch, sys, size + 1, &room);
	err = data ? read_whole(source, sys, fd, data, size) : -ENOMEM;
	if (err == 0) {
		source->digest = digest_of(data, size);
		source->own_codec = coding_is_own(data, size);
		source->digested = true;
	}
	scratch_give(scratch, sys, data, room);
	return err;
}

int source_digest(struct source *source, const struct sys *sys, struct scratch *scratch)
{
	int fd, err;

	if (source->digested)
		return 0;
	fd = open_again(source, sys);
	if (fd < 0)
		return fd;
	err = digest_open(source, sys, scratch, fd);
	sys->close(fd);
	return err;
}

int source_read(struct source *source, const struct sys *sys, struct source_clock *clock,
	struct recent_stat *recent, struct scratch *scratch)
{
	bool recalled = source_recall(source, sys, recent);
	int err = source->there ? 0 : source_look(source, sys), fd;
	int64_t now;

	if (err < 0)
		return err;
	now = ask_clock(sys); /* before the decisive stat: the one after the reading */
	fd = open_source(source, sys);
	if (fd >= 0) {
		if (recalled || look(source, sys, fd, "", AT_EMPTY_PATH) == 0)
			judge_age(source, sys, clock,
				now - nanoseconds(&source->identity.ctime));
		if (source->settled)
			(void)digest_open(source, sys, scratch, fd);
		sys->close(fd);
	}
	return fd >= 0 && source->digested ? 0 : source_settle(source, sys, clock);
}

bool source_is_young(const struct source *source, const struct sys *sys)
{
	return ask_clock(sys) - nanoseconds(&source->identity.ctime) < YOUNG_NS;
}

struct origin source_origin(const struct source *source, const struct sys *sys)
{
	struct origin ret = { .inode = 0 };

	if (!source->there)
		return ret;
	ret.inode = source->identity.inode;
	ret.fs = source->identity.fs;
	sys->birth(source->dirfd, source->path, &ret.birth);
	return ret;
}

struct origin origin_of(const struct sys *sys, const char *path)
{
	struct origin ret = { .inode = 0 };
	struct stat st;

	if (sys->fstatat(AT_FDCWD, path, &st, 0) < 0)
		return ret;
	ret.inode = st.st_ino;
	ret.fs = sys->fs_id(AT_FDCWD, path, st.st_dev);
	sys->birth(AT_FDCWD, path, &ret.birth);
	return ret;
}

bool origin_same(const struct origin *a, const struct origin *b)
{
	return a->inode == b->inode && a->fs == b->fs &&
	       timestamp_equal(&a->birth, &b->birth);
}
