/* SPDX-License-Identifier: MIT */
#include "shim/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/core/dirs.h"
#include "shim/core/layer.h"
#include "shim/core/path.h"
#include "shim/core/pyc.h"
#include "shim/count.h"
#include "shim/log.h"

struct config state_config;
struct memo state_memo;

static struct scratch scratch, place_pairs;
static struct asked asked, created;
static struct glance glance;
static _Atomic uint32_t magic;
static struct source_clock source_clock;
static atomic_bool cannot_clone;
atomic_bool state_watching;
static atomic_bool compiles; /* it has loaded py_compile */

static _Atomic(enum store_state) store = STORE_UNKNOWN;
static _Atomic(uid_t) user;
/* The standing of each layer: for whom it was judged, and an enum store_state. */
static _Atomic(uint64_t) layers[LAYERS_MAX];
static atomic_bool left_root; /* chroot: paths do not mean what they meant */

static enum store_state judge_store(enum verdict *ret_why)
{
	*ret_why = VERDICT_REFUSED_NO_PLACE;
	return state_config.root_len ? store_judge(&sys_real, state_config.root, ret_why)
				     : STORE_REFUSED;
}

enum store_state state_store(char *room)
{
	enum store_state now = atomic_load_explicit(&store, memory_order_acquire);
	const struct config *config = &state_config;
	enum verdict why;

	if (now == STORE_READY || atomic_load_explicit(&left_root, memory_order_relaxed))
		return now;
	/* It may have been another that was refused: a vfork child after setuid. */
	if (now == STORE_REFUSED &&
		atomic_load_explicit(&user, memory_order_relaxed) == sys_real.geteuid())
		return now;
	now = judge_store(&why);
	atomic_store_explicit(&user, sys_real.geteuid(), memory_order_relaxed);
	if (now == STORE_REFUSED)
		log_decision(why, AT_FDCWD, config->root);
	/* For state_is_inside: the memo keeps its physical name. */
	if (now == STORE_READY)
		(void)dirs_recall(&sys_real, &state_memo, config->root, config->root_len,
			room, PATH_MAX);
	atomic_store_explicit(&store, now, memory_order_release);
	return now;
}

bool state_store_absent(void)
{
	return atomic_load_explicit(&store, memory_order_acquire) == STORE_ABSENT;
}

bool state_has_layers(void)
{
	return state_config.layers &&
	       !atomic_load_explicit(&left_root, memory_order_relaxed);
}

/* For struct entry_world. A layer that is missing is not looked for again. */
static ssize_t find_layer(size_t n, char *room, size_t size)
{
	uint64_t whose = (uint64_t)atomic_load_explicit(&user, memory_order_relaxed) << 2;
	size_t len;
	const char *root = config_layer(state_config.layers, n, &len);
	uint64_t known;
	enum verdict why;

	if (!root)
		return -1;
	if (len >= size)
		return 0;
	memcpy(room, root, len);
	room[len] = '\0';
	known = atomic_load_explicit(&layers[n], memory_order_relaxed);
	if (known != (whose | STORE_READY) && known != (whose | STORE_REFUSED)) {
		why = layer_judge(&sys_real, room, (uid_t)(whose >> 2));
		known = whose | (why ? STORE_REFUSED : STORE_READY);
		if (why)
			log_decision(why, AT_FDCWD, room);
		atomic_store_explicit(&layers[n], known, memory_order_relaxed);
	}
	return known == (whose | STORE_READY) ? (ssize_t)len : 0;
}

struct entry_world state_world(void)
{
	return (struct entry_world){
		.sys = &sys_real,
		.scratch = &scratch,
		.asked = &asked,
		.created = &created,
		.glance = &glance,
		.watching = &state_watching,
		.magic = &magic,
		.clock = &source_clock,
		.cannot_clone = &cannot_clone,
		.tag = state_tag(),
		.readonly = state_config.readonly,
		.share = state_config.share,
		.compiles = atomic_load_explicit(&compiles, memory_order_relaxed),
		.always_digest = state_config.always_digest,
		.layer = state_config.layers ? find_layer : NULL,
		.root_len = state_config.root_len,
		.user = atomic_load_explicit(&user, memory_order_relaxed),
		.tally = count_tally(),
	};
}

struct place *state_take_places(void)
{
	size_t size;

	return scratch_take(&place_pairs, &sys_real, SCRATCH_KEPT, &size);
}

void state_give_places(struct place *places)
{
	int saved = errno;

	scratch_give(&place_pairs, &sys_real, places, SCRATCH_KEPT);
	errno = saved;
}

static bool is_in_layer(const char *path, size_t len)
{
	const char *root;
	size_t root_len;

	for (size_t n = 0; (root = config_layer(state_config.layers, n, &root_len)); n++)
		if (path_is_below(path, len, root, root_len))
			return true;
	return false;
}

bool state_is_inside(const char *path, size_t len)
{
	const struct config *config = &state_config;
	size_t physical_len;
	const char *physical =
		memo_find(&state_memo, config->root, config->root_len, &physical_len);

	if (config->root_len && path_is_below(path, len, config->root, config->root_len))
		return true;
	return (physical && path_is_below(path, len, physical, physical_len)) ||
	       (config->layers && is_in_layer(path, len));
}

/* A tag takes a fresh place each time, so that one who is interrupted while writing it,
 * for ever even (a fork in another thread), is in nobody's way. */
static char tags[8][PYC_TAG_SIZE];
static atomic_uint tags_taken;
_Atomic(const char *) state_own_tag;

const char *state_tag(void)
{
	return atomic_load_explicit(&state_own_tag, memory_order_acquire);
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
	atomic_compare_exchange_strong(&state_own_tag, &none, tags[place]);
}

void state_show_compiler(void)
{
	atomic_store_explicit(&compiles, true, memory_order_relaxed);
}

int state_opened(const char *path, int fd)
{
	struct identity identity;
	struct stat st;

	if (fd < 0 || !atomic_load_explicit(&state_watching, memory_order_relaxed))
		return fd;
	if (!pyc_may_be_source(path) || sys_real.fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return fd;
	identity = identity_of(&st);
	asked_opened(&asked, sys_real.thread(), path, &identity);
	return fd;
}

int state_looked(const char *path, const struct stat *st, int result)
{
	if (result == 0)
		glance_note(&glance, &sys_real, path, st);
	return result;
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
