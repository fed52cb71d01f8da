/* SPDX-License-Identifier: MIT */
#include "shim/core/flight/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/text.h"
#include "shim/core/cache/config.h"
#include "shim/core/proof/source.h"
#include "shim/core/stats/journal.h"

/* A compile takes 0.17 ms per KiB of source, plus a little; a busy or old machine takes
 * several times as long. */
#define EXPECTED(size) (INT64_C(500000) + (int64_t)(size)*170)
#define PATIENCE (INT64_C(20) * 1000000)
#define SLOWER 10 /* times the expected time: then a process counts as hung */
#define SPEND_MOST (INT64_C(1000) * 1000000)

/* The time between two looks at a claim: a quarter of the time waited so far, within
 * these limits. */
#define NAP_LEAST INT64_C(500000)
#define NAP_MOST INT64_C(4000000)

/* The file is an array of sets; a claim may be anywhere in the set of its key. The file
 * is no larger than a page, so that limits on the size of files seldom affect it. */
#define SETS 32u
#define WAYS 8u

struct claim {
	uint32_t key; /* the part of the key that does not select the set */
	uint32_t pid;
	int64_t until; /* nanoseconds since 1970; 0: released */
};

struct set {
	struct claim claims[WAYS];
};

struct wait {
	uint32_t pid; /* the process that is waited for */
	int64_t patience;
};

static off_t position(uint64_t key)
{
	return (off_t)(key % SETS * sizeof(struct set));
}

static int64_t now(const struct sys *sys)
{
	struct timespec time;

	sys->clock(&time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t patience(uint64_t source_size)
{
	int64_t ret;

	if (source_size > SOURCE_MAX)
		return FLIGHT_MOST;
	ret = PATIENCE + SLOWER * EXPECTED(source_size);
	return ret < FLIGHT_MOST ? ret : FLIGHT_MOST;
}

/* Opens the file, and creates it if the cache exists. */
static int open_claims(const struct flight_site *site)
{
	const struct sys *sys = site->sys;
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	struct text text = { .data = site->room, .size = site->room_size };
	size_t state_len;
	int fd;

	text_add(&text, site->root, site->root_len);
	text_adds(&text, "/" CACHE_LAYOUT "/" JOURNAL_STATE);
	state_len = text.len;
	text_adds(&text, "/claims");
	if (text.cut)
		return -ENAMETOOLONG;
	fd = sys->openat(AT_FDCWD, text.data, flags, 0600);
	if (fd != -ENOENT)
		return fd;
	text.data[state_len] = '\0';
	if (sys->mkdirat(AT_FDCWD, text.data, 0700) < 0)
		return -ENOENT;
	text.data[state_len] = '/';
	return sys->openat(AT_FDCWD, text.data, flags, 0600);
}

/* Whatever lies beyond the end of a short file counts as free. */
static bool read_set(const struct sys *sys, int fd, uint64_t key, struct set *ret)
{
	memset(ret, 0, sizeof *ret);
	return sys->pread(fd, ret, sizeof *ret, position(key)) >= 0;
}

/* A time too far ahead is damaged, or from a clock that was set back. */
static bool is_live(const struct claim *claim, int64_t time)
{
	return claim->until > time && claim->until - time <= FLIGHT_MOST;
}

static const struct claim *find(const struct set *set, uint64_t key, int64_t time)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set->claims[i].key == (uint32_t)(key >> 32) &&
			is_live(&set->claims[i], time))
			return &set->claims[i];
	return NULL;
}

static const struct claim *find_free(const struct set *set, int64_t time)
{
	for (size_t i = 0; i < WAYS; i++)
		if (!is_live(&set->claims[i], time))
			return &set->claims[i];
	return NULL;
}

static bool write_claim(const struct sys *sys, int fd, uint64_t key,
	const struct set *set, const struct claim *at, const struct claim *value)
{
	off_t offset = (off_t)((size_t)(at - set->claims) * sizeof *at);

	return sys->pwrite(fd, value, sizeof *value, position(key) + offset) ==
	       sizeof *value;
}

/* Marks the process's claim in the file as released, if it is still there. */
static void release(const struct flight_site *site, int fd, uint64_t key)
{
	const struct claim released = { .until = 0 };
	const struct claim *own;
	struct set set;

	if (!read_set(site->sys, fd, key, &set))
		return;
	own = find(&set, key, now(site->sys));
	if (own && own->pid == site->sys->pid())
		(void)write_claim(site->sys, fd, key, &set, own, &released);
}

/* Returns whether this thread may claim. If it still has a claim, that was for bytecode
 * it has not written, and nobody should wait for it any longer. */
static bool may_claim(const struct flight_site *site, int fd, int64_t time)
{
	struct flight *flight = site->flight;
	uintptr_t thread = site->sys->thread(), holder = flight->thread;

	if (holder == thread) {
		flight->idle = true;
		release(site, fd, flight->key);
		flight->thread = 0;
	} else if (holder && flight->until <= time) {
		flight->idle = true;
		atomic_compare_exchange_strong(&flight->thread, &holder, 0);
	}
	holder = 0;
	return !flight->idle &&
	       atomic_compare_exchange_strong(&flight->thread, &holder, thread);
}

/* Claims the compile, unless another process has done so in the meantime. */
static void claim(const struct flight_site *site, int fd, uint64_t key, struct set *set,
	int64_t until)
{
	struct flight *flight = site->flight;
	const struct claim value = { (uint32_t)(key >> 32), site->sys->pid(), until };
	const int64_t time = now(site->sys);
	const struct claim *free = find_free(set, time);

	if (!may_claim(site, fd, time))
		return;
	flight->key = key;
	flight->until = until;
	if (!free || !write_claim(site->sys, fd, key, set, free, &value) ||
		!read_set(site->sys, fd, key, set))
		flight->thread = 0;
}

static bool may_wait(const struct flight_site *site, uint32_t pid)
{
	const struct flight *flight = site->flight;

	/* A thread of our own process may need what this one holds, the interpreter's
	 * lock. */
	if (pid == site->sys->pid() || flight->spent >= SPEND_MOST)
		return false;
	for (size_t i = 0; i < sizeof flight->slow / sizeof *flight->slow; i++)
		if (flight->slow[i] == pid)
			return false;
	return true;
}

static void remember_slow(struct flight *flight, uint32_t pid)
{
	unsigned n = atomic_fetch_add(&flight->slow_next, 1);

	flight->slow[n % (sizeof flight->slow / sizeof *flight->slow)] = pid;
}

/* Returns whether that process seems to be working; on a busy machine it may just lack a
 * processor. Returns false if it is stopped, dead, waiting for something, or in another
 * name space. */
static bool is_working(const struct sys *sys, uint32_t pid)
{
	char data[64]; /* "<pid> (<at most 15 bytes>) <state> …" */
	struct text text = TEXT(data);
	ssize_t n;
	int fd;

	text_adds(&text, "/proc/");
	text_addu(&text, pid);
	text_adds(&text, "/stat");
	fd = sys->openat(AT_FDCWD, data, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	n = sys->pread(fd, data, sizeof data, 0);
	sys->close(fd);
	while (n > 2 && data[n - 1] != ')')
		n--;
	return n > 2 && n + 1 < (ssize_t)sizeof data &&
	       (data[n + 1] == 'R' || data[n + 1] == 'D');
}

/* Waits for the release of a claim. Returns whether it is still there, and in *ret_waited
 * how long that took. If the clock was set back, the time slept counts. */
static bool wait_for(const struct flight_site *site, int fd, uint64_t key,
	const struct wait *wait, int64_t *ret_waited)
{
	const struct sys *sys = site->sys;
	const int64_t begin = now(sys);
	int64_t most = wait->patience, slept = 0, time, waited = 0;
	const struct claim *other;
	struct set set;

	for (;;) {
		int64_t nap = waited / 4;

		nap = nap < NAP_LEAST ? NAP_LEAST : nap > NAP_MOST ? NAP_MOST : nap;
		sys->sleep((long)nap);
		slept += nap;
		time = now(sys);
		waited = time - begin > slept ? time - begin : slept;
		*ret_waited = waited;
		other = read_set(sys, fd, key, &set) ? find(&set, key, time) : NULL;
		if (!other || other->pid != wait->pid)
			return false;
		if (waited < most)
			continue;
		if (most == FLIGHT_MOST || !is_working(sys, wait->pid))
			return true;
		most = FLIGHT_MOST;
	}
}

static int64_t join(
	const struct flight_site *site, int fd, uint64_t key, uint64_t source_size)
{
	const int64_t time = now(site->sys);
	struct wait wait = { .patience = patience(source_size) };
	const struct claim *other;
	struct set set;
	int64_t waited;

	if (!read_set(site->sys, fd, key, &set))
		return 0;
	if (!find(&set, key, time))
		claim(site, fd, key, &set, time + FLIGHT_MOST);
	other = find(&set, key, time);
	if (!other || !may_wait(site, other->pid))
		return 0;
	wait.pid = other->pid;
	if (site->flight->thread == site->sys->thread())
		site->flight->thread = 0; /* another process was faster */
	if (wait_for(site, fd, key, &wait, &waited))
		remember_slow(site->flight, wait.pid);
	site->flight->spent += waited;
	return waited;
}

/* Returns false on a network file system: others' writes are seen late there, and each
 * look takes long. */
static bool is_usable(const struct flight_site *site, int fd)
{
	struct flight *flight = site->flight;
	int64_t type;

	if (!flight->on) {
		type = site->sys->fs_type(fd);
		flight->off = type < 0 || source_type_is_remote(type);
		flight->on = !flight->off;
	}
	return flight->on;
}

int64_t flight_join(const struct flight_site *site, uint64_t key, uint64_t source_size)
{
	int64_t waited = 0;
	int fd;

	if (!site->flight || site->flight->off || source_size < FLIGHT_LEAST_SIZE)
		return 0;
	fd = open_claims(site);
	if (fd < 0)
		return 0;
	if (is_usable(site, fd))
		waited = join(site, fd, key, source_size);
	site->sys->close(fd);
	return waited;
}

void flight_found(struct flight *flight, int64_t waited, uint64_t source_size)
{
	const int64_t fair = patience(source_size);

	flight->spent -= waited < fair ? waited : fair;
}

void flight_done(const struct flight_site *site)
{
	struct flight *flight = site->flight;
	int fd;

	if (!flight)
		return;
	flight->idle = false;
	if (flight->thread != site->sys->thread())
		return;
	fd = open_claims(site);
	if (fd >= 0) {
		release(site, fd, flight->key);
		site->sys->close(fd);
	}
	flight->thread = 0;
}
