/* SPDX-License-Identifier: MIT */
#include "shim/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/core/dirs.h"
#include "shim/core/path.h"
#include "shim/core/pyc.h"
#include "shim/log.h"

struct config state_config;
struct memo state_memo;

static _Atomic(enum store_state) store = STORE_UNKNOWN;
static _Atomic(uid_t) user;
static atomic_bool left_root; /* chroot: paths do not mean what they meant */

/* Core's functions return -errno and leave errno alone. */
#define KEEPING_ERRNO(call)                                                                \
	({                                                                                 \
		int saved = errno;                                                         \
		__typeof__(call) result = (call);                                          \
		if (result < 0)                                                            \
			result = -errno;                                                   \
		errno = saved;                                                             \
		result;                                                                    \
	})

static int real_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return KEEPING_ERRNO(real.openat(dirfd, path, flags | O_CLOEXEC, mode));
}

static int real_close(int fd)
{
	return KEEPING_ERRNO(close(fd));
}

static ssize_t real_readlinkat(int dirfd, const char *path, char *buf, size_t size)
{
	return KEEPING_ERRNO(real.readlinkat(dirfd, path, buf, size));
}

static int real_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	return KEEPING_ERRNO(real.fstatat(dirfd, path, st, flags));
}

static int real_mkdirat(int dirfd, const char *path, mode_t mode)
{
	return KEEPING_ERRNO(real.mkdirat(dirfd, path, mode));
}

static int real_fchmodat(int dirfd, const char *path, mode_t mode)
{
	return KEEPING_ERRNO(real.fchmodat(dirfd, path, mode, 0));
}

static int real_unlinkat(int dirfd, const char *path, int flags)
{
	return KEEPING_ERRNO(real.unlinkat(dirfd, path, flags));
}

static int real_renameat(int fromfd, const char *from, int tofd, const char *to)
{
	return KEEPING_ERRNO(real.renameat(fromfd, from, tofd, to));
}

static ssize_t real_write(int fd, const void *data, size_t size)
{
	return KEEPING_ERRNO(write(fd, data, size));
}

static ssize_t real_getdents(int fd, void *buf, size_t size)
{
	/* libc's getdents64 is younger than the libcs we run on */
	return KEEPING_ERRNO(syscall(SYS_getdents64, fd, buf, size));
}

const struct sys sys_real = {
	.openat = real_openat,
	.close = real_close,
	.readlinkat = real_readlinkat,
	.fstatat = real_fstatat,
	.mkdirat = real_mkdirat,
	.fchmodat = real_fchmodat,
	.unlinkat = real_unlinkat,
	.renameat = real_renameat,
	.write = real_write,
	.getdents = real_getdents,
	.geteuid = geteuid,
};

enum store_state state_store(char *scratch)
{
	enum store_state now = atomic_load_explicit(&store, memory_order_acquire);
	const struct config *config = &state_config;
	const char *why;

	if (now == STORE_READY || now == STORE_REFUSED)
		return now;
	if (atomic_load_explicit(&left_root, memory_order_relaxed))
		return STORE_REFUSED;
	now = store_judge(&sys_real, config->root, &why);
	if (now == STORE_REFUSED)
		log_decision("not used", why, AT_FDCWD, config->root);
	if (now == STORE_READY) {
		atomic_store_explicit(&user, geteuid(), memory_order_relaxed);
		/* For state_is_inside: the memo keeps its physical name. */
		(void)dirs_recall(&sys_real, &state_memo, config->root, config->root_len,
			scratch, PATH_MAX);
	}
	atomic_store_explicit(&store, now, memory_order_release);
	return now;
}

uid_t state_user(void)
{
	return atomic_load_explicit(&user, memory_order_relaxed);
}

bool state_is_inside(const char *path, size_t len)
{
	const struct config *config = &state_config;
	size_t physical_len;
	const char *physical =
		memo_find(&state_memo, config->root, config->root_len, &physical_len);

	return path_is_below(path, len, config->root, config->root_len) ||
		(physical && path_is_below(path, len, physical, physical_len));
}

/* A tag takes a fresh place each time, so that one who is interrupted while writing it,
 * for ever even (a fork in another thread), is in nobody's way. */
static char tags[8][PYC_TAG_SIZE];
static atomic_uint tags_taken;
static _Atomic(const char *) own_tag;

const char *state_tag(void)
{
	return atomic_load_explicit(&own_tag, memory_order_acquire);
}

void state_show_tag(const char *tag)
{
	const char *none = NULL;
	unsigned place;

	if (state_tag() || atomic_load(&tags_taken) >= sizeof tags / sizeof *tags)
		return;
	place = atomic_fetch_add(&tags_taken, 1);
	if (place >= sizeof tags / sizeof *tags)
		return;
	memcpy(tags[place], tag, sizeof *tags);
	atomic_compare_exchange_strong(&own_tag, &none, tags[place]);
}

int identity_changed(int result)
{
	atomic_store_explicit(&store, STORE_UNKNOWN, memory_order_release);
	return result;
}

int root_changed(int result)
{
	if (result == 0) {
		atomic_store_explicit(&left_root, true, memory_order_relaxed);
		atomic_store_explicit(&store, STORE_REFUSED, memory_order_release);
	}
	return result;
}
