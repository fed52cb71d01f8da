/* SPDX-License-Identifier: MIT */
#include "shim/core/proof/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>

#include "shim/core/base/timestamp.h"
#include "shim/core/python/coding.h"

/* How long a young file is waited for: the clock ticks every 1 to 10 ms (CONFIG_HZ). */
#define TICK_NS 1000000L
#define TICKS 25

/* Longer than the kernel keeps what is to be written back (30 s, vm.dirty_expire). */
#define YOUNG_NS (INT64_C(60) * 1000000000)

/* How much older than our clock a file on another machine must be, in seconds. */
#define REMOTE_MARGIN INT64_C(3)

/* linux/magic.h lacks some. The last two are local, but a tick of their times takes
 * longer than what they show says: 2 s and 10 ms. */
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

/* st is filled in, with what the path led to. */
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
	return look(source, sys, source->dirfd, source->path, 0);
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

/* Times that an int64_t does not hold (a server may say anything) are at its ends. */
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
	int64_t type;
	int fd;

	if (clock->local == device)
		return true;
	fd = sys->openat(source->dirfd, source->path, O_PATH | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	type = sys->fs_type(fd);
	sys->close(fd);
	if (type < 0)
		clock->refused = true;
	if (type < 0 || source_type_is_remote(type))
		return false;
	clock->local = device;
	return true;
}

/* Whether the change time lies before a moment before the stat. The age is that of the
 * change, in nanoseconds, at that moment. */
static bool is_settled(const struct source *source, const struct sys *sys,
	struct source_clock *clock, int64_t age)
{
	if (age > REMOTE_MARGIN * 1000000000)
		return true;
	/* Whole seconds: there the clock ticks as slowly. */
	return age > (source->identity.ctime.tv_nsec ? 0 : 1000000000) &&
	       is_local(source, sys, clock);
}

/* Sets what the age at the stat says. Waiting helps a file that is young, but not where a
 * sandbox refuses the clock or the type of file systems, nor against a ctime that lies in
 * the future by more than clocks differ. */
static void judge_age(struct source *source, const struct sys *sys,
	struct source_clock *clock, int64_t age)
{
	source->settled = is_settled(source, sys, clock, age);
	source->hopeless =
		!source->settled && (age < -REMOTE_MARGIN * 1000000000 || clock->refused);
}

/* The clock that files are stamped with, now. It is read again each time: what it said
 * before says nothing once it has been set back. */
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
		/* Before the stat: what is older than it then was so at the stat too. */
		int64_t now = ask_clock(sys), age;
		int err = source_look(source, sys);

		if (err < 0)
			return err;
		age = now - nanoseconds(&source->identity.ctime);
		judge_age(source, sys, clock, age);
		/* In vain: the clock has been set back, or the file is
		 * another machine's. */
		if (source->settled || age < -TICKS * TICK_NS ||
			!is_local(source, sys, clock))
			break;
		sys->sleep(TICK_NS);
	}
	return 0;
}

/* Reads all of a file that is to have size bytes; -EAGAIN where it has not. */
static int read_whole(const struct source *source, const struct sys *sys, int fd,
	uint8_t *data, size_t size)
{
	struct identity identity;
	struct stat st;

	/* That it is no longer than that is what its status tells afterwards. */
	ssize_t n = sys->pread(fd, data, size, 0);

	if (n < 0)
		return (int)n;
	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || (size_t)n != size)
		return -EAGAIN;
	/* The path may lead elsewhere by now (a link that was flipped): what was read is
	 * to be what was looked at, and unchanged until now. */
	identity = identity_of(&st);
	return st.st_dev == source->st.st_dev &&
			       identity_same(&identity, &source->identity)
		       ? 0
		       : -EAGAIN;
}

static int open_source(const struct source *source, const struct sys *sys)
{
	return sys->openat(source->dirfd, source->path,
		O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
}

/* Sets the digest, of an open source that was looked at. */
static int digest_open(
	struct source *source, const struct sys *sys, struct scratch *scratch, int fd)
{
	size_t size = (size_t)source->st.st_size, room;
	uint8_t *data;
	int err;

	/* A hole of any size takes no room in an archive: no source is as large. */
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
	fd = open_source(source, sys);
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
	/* Before the last look, which is the one after the reading. */
	int64_t now = ask_clock(sys);
	int fd = open_source(source, sys);

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
