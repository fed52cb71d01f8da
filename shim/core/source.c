/* SPDX-License-Identifier: MIT */
#include "shim/core/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>

/* How long a young file is waited for: the clock ticks every 1 to 10 ms (CONFIG_HZ). */
#define TICK_NS 1000000L
#define TICKS 25

/* How much older than our clock a file on another machine must be, in seconds. */
#define REMOTE_MARGIN 3

/* linux/magic.h lacks some. */
#define CIFS_MAGIC 0xff534d42L
#define SMB2_MAGIC 0xfe534d42L
#define LUSTRE_MAGIC 0x0bd00bd0L
#define GPFS_MAGIC 0x47504653L
#define FUSE_MAGIC 0x65735546L /* sshfs, virtiofs */

static const long remote_types[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_MAGIC, SMB2_MAGIC,
	AFS_SUPER_MAGIC, CODA_SUPER_MAGIC, V9FS_MAGIC, 0x00c36400L /* Ceph */, LUSTRE_MAGIC,
	GPFS_MAGIC, FUSE_MAGIC };

static bool is_remote(long type)
{
	for (size_t i = 0; i < sizeof remote_types / sizeof *remote_types; i++)
		if (remote_types[i] == type)
			return true;
	return false;
}

int source_look(struct source *source, const struct sys *sys)
{
	int err = sys->fstatat(source->dirfd, source->path, &source->st, 0);

	source->settled = source->digested = false;
	source->there = err == 0 && S_ISREG(source->st.st_mode);
	if (err < 0)
		return err;
	source->identity = identity_of(&source->st);
	return source->there ? 0 : -EINVAL;
}

/* a - b, as far as an int64_t can say. */
static int64_t nanoseconds_between(const struct timespec *a, const struct timespec *b)
{
	return (int64_t)(a->tv_sec - b->tv_sec) * 1000000000 + (a->tv_nsec - b->tv_nsec);
}

static bool is_remote_file(const struct source *source, const struct sys *sys)
{
	int fd = sys->openat(source->dirfd, source->path, O_PATH | O_CLOEXEC, 0);
	long type;

	if (fd < 0)
		return true;
	type = sys->fs_type(fd);
	sys->close(fd);
	return is_remote(type);
}

/* Most files are older than any margin: about them nothing else needs to be asked. */
static bool is_old(const struct source *source, time_t now)
{
	return now - source->identity.ctime.tv_sec > REMOTE_MARGIN;
}

/* The clock is read before the stat: what is older than it then was so at the stat too. */
int source_settle(struct source *source, const struct sys *sys, source_past *past)
{
	bool remote = false;
	int err = source_look(source, sys);

	source->settled = err == 0 && is_old(source, *past);
	for (int i = 0; err == 0 && !source->settled && i < TICKS; i++) {
		struct timespec now;
		int64_t age;

		sys->clock(&now);
		*past = now.tv_sec;
		err = source_look(source, sys);
		source->settled = err == 0 && is_old(source, now.tv_sec);
		if (err < 0 || source->settled)
			break;
		if (i == 0)
			remote = is_remote_file(source, sys);
		age = nanoseconds_between(&now, &source->identity.ctime);
		source->settled = !remote && age > 0;
		/* A change time far ahead: the clock has been set back. */
		if (source->settled || remote || age < -TICKS * TICK_NS)
			break;
		sys->sleep(TICK_NS);
	}
	return err;
}

/* Reads all of a file that is to have size bytes; -EAGAIN where it has not. */
static int read_whole(const struct sys *sys, int fd, uint8_t *data, size_t room, size_t size)
{
	/* A file that gives less than was asked for has ended; one that is interrupted in
	 * between counts as changed. */
	ssize_t n = sys->pread(fd, data, room, 0);

	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EAGAIN;
}

int source_digest(struct source *source, const struct sys *sys, struct scratch *scratch)
{
	size_t size = (size_t)source->st.st_size, room;
	uint8_t *data;
	int fd, err;

	if (source->digested)
		return 0;
	fd = sys->openat(source->dirfd, source->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	/* One byte more, to see the end. */
	data = scratch_take(scratch, sys, size + 1, &room);
	err = data ? read_whole(sys, fd, data, size + 1, size) : -ENOMEM;
	if (err == 0) {
		source->digest = digest_of(data, size);
		source->digested = true;
	}
	scratch_give(scratch, sys, data, room);
	sys->close(fd);
	return err;
}
