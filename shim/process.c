/* SPDX-License-Identifier: MIT */
#include "shim/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/core/cache/dirs.h"
#include "shim/core/cache/layer.h"
#include "shim/core/python/pyc.h"
#include "shim/count.h"
#include "shim/log.h"

struct config process_config;
struct memo process_memo;

static struct scratch scratch, place_pairs;
static struct pending asked, created;
static struct recent_stat glance;
static _Atomic uint32_t magic;
static struct source_clock source_clock;
static atomic_bool cannot_clone;
atomic_bool process_watching;
static atomic_bool compiles; /* it has loaded py_compile */

static _Atomic(enum root_state) store = ROOT_UNKNOWN;
static _Atomic(uid_t) user;
/* The standing of each layer: for whom it was judged, and an enum root_state. */
static _Atomic(uint64_t) layers[LAYERS_MAX];
static atomic_bool left_root; /* chroot: paths do not mean what they meant */

static enum root_state judge_store(char *room, enum verdict *ret_why)
{
	*ret_why = VERDICT_REFUSED_NO_PLACE;
	room[0] = '\0';
	return process_config.root_len
		       ? root_judge(&sys_real, process_config.root, room, ret_why)
		       : ROOT_REFUSED;
}

enum root_state process_store(char *room)
{
	enum root_state now = atomic_load_explicit(&store, memory_order_acquire);
	const struct config *config = &process_config;
	enum verdict why;

	if (now == ROOT_READY || atomic_load_explicit(&left_root, memory_order_relaxed))
		return now;
	/* It may have been another that was refused: a vfork child after setuid. */
	if (now == ROOT_REFUSED &&
		atomic_load_explicit(&user, memory_order_relaxed) == sys_real.geteuid())
		return now;
	now = judge_store(room, &why);
	atomic_store_explicit(&user, sys_real.geteuid(), memory_order_relaxed);
	if (now == ROOT_REFUSED)
		log_decision(why, AT_FDCWD, room[0] ? room : config->root);
	/* For map_covers: the memo keeps the canonical path of the root. */
	if (now == ROOT_READY)
		memo_add(&process_memo, config->root, config->root_len, room,
			strlen(room));
	atomic_store_explicit(&store, now, memory_order_release);
	return now;
}

bool process_store_absent(void)
{
	return atomic_load_explicit(&store, memory_order_acquire) == ROOT_ABSENT;
}

bool process_has_layers(void)
{
	return process_config.layers &&
	       !atomic_load_explicit(&left_root, memory_order_relaxed);
}

/* For struct entry_world. A layer that is missing is not looked for again. */
static ssize_t find_layer(size_t n, char *room, size_t size)
{
	uint64_t whose = (uint64_t)atomic_load_explicit(&user, memory_order_relaxed) << 2;
	size_t len;
	const char *root = config_layer(process_config.layers, n, &len);
	uint64_t known;
	enum verdict why;

	if (!root)
		return -1;
	if (len >= size)
		return 0;
	memcpy(room, root, len);
	room[len] = '\0';
	known = atomic_load_explicit(&layers[n], memory_order_relaxed);
	if (known != (whose | ROOT_READY) && known != (whose | ROOT_REFUSED)) {
		why = layer_judge(&sys_real, (uid_t)(whose >> 2), room, size);
		known = whose | (why ? ROOT_REFUSED : ROOT_READY);
		if (why)
			log_decision(why, AT_FDCWD, room);
		memcpy(room, root, len);
		room[len] = '\0';
		atomic_store_explicit(&layers[n], known, memory_order_relaxed);
	}
	return known == (whose | ROOT_READY) ? (ssize_t)len : 0;
}

struct entry_world process_world(void)
{
	return (struct entry_world){
		.sys = &sys_real,
		.scratch = &scratch,
		.asked = &asked,
		.created = &created,
		.glance = &glance,
		.watching = &process_watching,
		.magic = &magic,
		.clock = &source_clock,
		.cannot_clone = &cannot_clone,
		.tag = process_tag(),
		.readonly = process_config.readonly,
		.share = process_config.share,
		.compiles = atomic_load_explicit(&compiles, memory_order_relaxed),
		.always_digest = process_config.always_digest,
		.layer = process_config.layers ? find_layer : NULL,
		.root_len = process_config.root_len,
		.user = atomic_load_explicit(&user, memory_order_relaxed),
		.tally = count_tally(),
	};
}

struct place *process_take_places(void)
{
	size_t size;

	return scratch_take(&place_pairs, &sys_real, SCRATCH_KEPT, &size);
}

void process_give_places(struct place *places)
{
	int saved = errno;

	scratch_give(&place_pairs, &sys_real, places, SCRATCH_KEPT);
	errno = saved;
}

/* A tag takes a fresh place each time, so that one who is interrupted while writing it,
 * for ever even (a fork in another thread), is in nobody's way. */
static char tags[8][PYC_TAG_SIZE];
static atomic_uint tags_taken;
_Atomic(const char *) process_own_tag;

const char *process_tag(void)
{
	return atomic_load_explicit(&process_own_tag, memory_order_acquire);
}

void process_show_tag(const char *tag)
{
	const char *none = NULL;
	unsigned place;

	if (process_tag() || atomic_load(&tags_taken) >= sizeof tags / sizeof *tags)
		return;
	place = atomic_fetch_add(&tags_taken, 1);
	if (place >= sizeof tags / sizeof *tags)
		return;
	memcpy(tags[place], tag, sizeof *tags);
	atomic_compare_exchange_strong(&process_own_tag, &none, tags[place]);
}

void process_show_compiler(void)
{
	atomic_store_explicit(&compiles, true, memory_order_relaxed);
}

int process_opened(const char *path, int fd)
{
	struct identity identity;
	struct stat st;

	if (fd < 0 || !atomic_load_explicit(&process_watching, memory_order_relaxed))
		return fd;
	if (!pyc_may_be_source(path) || sys_real.fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return fd;
	identity = identity_of(&st);
	pending_opened(&asked, sys_real.thread(), path, &identity);
	return fd;
}

int process_looked(const char *path, const struct stat *st, int result)
{
	if (result == 0)
		recent_stat_note(&glance, &sys_real, path, st);
	return result;
}

int identity_changed(int result)
{
	atomic_store_explicit(&store, ROOT_UNKNOWN, memory_order_release);
	return result;
}

int root_changed(int result)
{
	if (result == 0) {
		atomic_store_explicit(&left_root, true, memory_order_relaxed);
		atomic_store_explicit(&store, ROOT_REFUSED, memory_order_release);
	}
	return result;
}
