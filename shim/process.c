/* SPDX-License-Identifier: MIT */
#include "shim/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/text.h"
#include "shim/core/cache/layer.h"
#include "shim/core/cache/way.h"
#include "shim/core/python/pyc.h"
#include "shim/core/python/release.h"
#include "shim/next.h"

/* Begins in the page of initialised data, which the loader has written to anyway. */
struct config process_config __attribute__((section(".data")));
struct memo process_memo;

static struct scratch scratch, rooms;
static struct pending pending, created;
static struct flight flight;
static struct recent_stat recent;
static _Atomic uint32_t magic;
static atomic_bool interprets;
static struct source_clock source_clock;
static atomic_bool cannot_clone;
atomic_uint process_watching;
atomic_bool process_gave_directory;
static atomic_bool browses;
static atomic_bool compiles; /* the process has loaded py_compile */

static _Atomic(enum root_state) root_state = ROOT_UNKNOWN;
struct layers process_layers = { .sys = &sys_real };
static atomic_bool left_root; /* after chroot, paths have a different meaning */
/* The process, or a vfork child in its memory, has become another user before. */
static atomic_bool changes_user;
static struct way_judged root_judged;

static enum root_state judge_root(char *room, enum verdict *ret_why)
{
	if (process_config.root_len)
		return root_judge(&sys_real, process_config.root, room, ret_why);
	*ret_why = VERDICT_REFUSED_NO_PLACE;
	text_adds(&(struct text){ .data = room, .size = PATH_MAX },
		process_config.no_root ? process_config.no_root : "");
	return ROOT_REFUSED;
}

static bool is_another_user(void)
{
	return atomic_load_explicit(&process_layers.user, memory_order_relaxed) !=
	       sys_real.geteuid();
}

enum root_state process_root(char *room, enum verdict *ret_why)
{
	enum root_state now = atomic_load_explicit(&root_state, memory_order_acquire);
	const struct config *config = &process_config;
	bool is_settled;

	*ret_why = VERDICT_NONE;
	if (atomic_load_explicit(&left_root, memory_order_relaxed))
		return ROOT_REFUSED;
	if (now == ROOT_READY &&
		!way_is_replaced(&sys_real, config->root, &root_judged) &&
		!(atomic_load_explicit(&changes_user, memory_order_relaxed) &&
			is_another_user()))
		return now;
	/* Another process may have created it. A program whose bytecode is all in its
	 * tree, or in layers, has no cache for good, and asks at each import. */
	is_settled =
		now == ROOT_REFUSED ||
		(now == ROOT_ABSENT && root_is_absent(&sys_real, config->root, room));
	if (is_settled && !is_another_user())
		return now;
	now = judge_root(room, ret_why);
	atomic_store_explicit(
		&process_layers.user, sys_real.geteuid(), memory_order_relaxed);
	/* For map_covers: the memo keeps the canonical path of the root. */
	if (now == ROOT_READY) {
		memo_add(&process_memo, config->root, config->root_len, room,
			strlen(room));
		way_note(&sys_real, room, &root_judged);
	}
	atomic_store_explicit(&root_state, now, memory_order_release);
	return now;
}

bool process_root_absent(void)
{
	return atomic_load_explicit(&root_state, memory_order_acquire) == ROOT_ABSENT;
}

bool process_has_layers(void)
{
	return process_config.layers &&
	       !atomic_load_explicit(&left_root, memory_order_relaxed);
}

/* Asked for only when bytecode is written, or compared with a source of the same content:
 * what Py_GetVersion returns is made anew at each call. */
static unsigned own_release(void)
{
	static atomic_uint known; /* the release plus 1; 0: not asked for yet */
	unsigned ret = atomic_load_explicit(&known, memory_order_relaxed);
	const char *(*version)(void);
	void *found;

	if (ret)
		return ret - 1;
	found = next_find_in_program("Py_GetVersion");
	memcpy(&version, &found, sizeof version);
	ret = version ? release_of(process_tag(), version()) : 0;
	atomic_store_explicit(&known, ret + 1, memory_order_relaxed);
	return ret;
}

struct entry_world process_world(struct counters *counters)
{
	return (struct entry_world){
		.env = {
			.sys = &sys_real,
			.scratch = &scratch,
			.clock = &source_clock,
			.recent = &recent,
			.counters = counters,
			.flight = atomic_load_explicit(&root_state,
					  memory_order_relaxed) == ROOT_READY
					  ? &flight
					  : NULL,
			.cannot_clone = &cannot_clone,
		},
		.policy = {
			.user = atomic_load_explicit(
				&process_layers.user, memory_order_relaxed),
			.readonly = process_config.readonly,
			.always_digest = process_config.always_digest,
			.rewritten_by_path =
				process_config.rewritten_by_path,
			.share = process_config.share,
			.compiles = process_compiles(),
			.root_len = process_config.root_len,
			.layer = process_has_layers() ? layer_find : NULL,
			.layer_context = &process_layers,
		},
		.python = {
			.tag = process_tag(),
			.magic = &magic,
			.pending = &pending,
			.created = &created,
			.watching = &process_watching,
			.interprets = &interprets,
			.browses =
				atomic_load_explicit(&browses, memory_order_relaxed),
			.writes = process_config.writes,
			.ask_release = own_release,
		},
	};
}

void *process_take_room(void)
{
	size_t size;

	return scratch_take(&rooms, &sys_real, PROCESS_ROOM, &size);
}

void process_give_room(void *room)
{
	int saved = errno;

	scratch_give(&rooms, &sys_real, room, PROCESS_ROOM);
	errno = saved;
}

/* Each tag is written to a fresh place, so that a thread that is interrupted while
 * writing, perhaps for ever (a fork in another thread), is in nobody's way. */
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

bool process_compiles(void)
{
	return atomic_load_explicit(&compiles, memory_order_relaxed);
}

void process_browses(void)
{
	atomic_store_explicit(&browses, true, memory_order_relaxed);
	process_looks_around();
}

void process_acts_on(const char *path)
{
	if ((uintptr_t)path >= PATH_FIRST_PAGE && recent_stat_was_of(&sys_real, path))
		process_looks_around();
}

void process_looks_around(void)
{
	recent_stat_is_over(&sys_real);
}

/* With O_PATH, nothing can be read; but the interpreter of `pycstash warm` goes on to
 * open the descriptor. */
static bool can_read(int flags)
{
	return flags & O_PATH ? process_config.fills : !(flags & O_WRONLY);
}

int process_opened(const char *path, int flags, int fd)
{
	struct entry_world world;

	if (fd < 0 || !can_read(flags) ||
		!atomic_load_explicit(&process_watching, memory_order_relaxed) ||
		!pyc_may_be_source(path))
		return fd;
	world = process_world(NULL);
	entry_source_opened(&world, path, fd);
	return fd;
}

int process_looked(const char *path, const struct stat *st, int result)
{
	if (result == 0)
		recent_stat_note(&recent, &sys_real, path, st);
	else
		process_acts_on(path);
	return result;
}

int identity_changed(int result)
{
	atomic_store_explicit(&changes_user, true, memory_order_relaxed);
	atomic_store_explicit(&root_state, ROOT_UNKNOWN, memory_order_release);
	return result;
}

int root_changed(int result)
{
	if (result == 0) {
		atomic_store_explicit(&left_root, true, memory_order_relaxed);
		atomic_store_explicit(&root_state, ROOT_REFUSED, memory_order_release);
	}
	return result;
}
