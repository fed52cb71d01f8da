/* SPDX-License-Identifier: MIT
 *
 * What the library knows in one process: its settings, the state of the cache, the cache
 * tag of the interpreter, and the directories it has met. Returns what it finds, and
 * reports nothing.
 *
 * Settings are written once, by the constructor. All else is single atomics and the
 * memo, each of which may be read and set at any moment by any thread, by a signal
 * handler, and by a vfork child, whose writes land in the parent and are true there
 * as well. There is no lock, and no descriptor is kept.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "shim/core/base/sys.h"
#include "shim/core/cache/config.h"
#include "shim/core/cache/layer.h"
#include "shim/core/cache/memo.h"
#include "shim/core/cache/root.h"
#include "shim/core/entry/entry.h"

extern struct config process_config;
extern struct memo process_memo;

/* The layers, and for which user the cache and the layers were judged. */
extern struct layers process_layers;

/* Core's way to the kernel: the next library's functions. */
extern const struct sys sys_real;

/* The paths that this thread has passed to the next library, and waits for. A preload
 * after ours may be made of public functions (fakeroot's fstatat calls __fxstatat),
 * which are ours again: such a call is not looked at, or it would ask for the same
 * without end. By the pointers, so that a signal handler's calls are looked at. */
extern __thread const char *process_passing[2] __attribute__((tls_model("initial-exec")));

static inline bool process_passes(const char *path)
{
	return path == process_passing[0] || path == process_passing[1];
}

/* The value of a call that passes those paths on (to may be NULL). */
#define PASSING(from, to, call)              \
	({                                   \
		__typeof__(call) passed;     \
		process_passing[0] = (from); \
		process_passing[1] = (to);   \
		passed = (call);             \
		process_passing[0] = NULL;   \
		process_passing[1] = NULL;   \
		passed;                      \
	})

/* The state of the cache: judged at the first use, while it is absent, and after a change
 * of identity; otherwise what was found then. *ret_why is why the cache is refused, if it
 * was judged now, for the caller to report; else VERDICT_NONE. Then room, of PATH_MAX
 * bytes, holds the path that is in the way (or the setting that names none), or is empty
 * where that is the root itself. */
enum root_state process_root(char *room, enum verdict *ret_why);

/* Whether the cache did not exist when it was last judged. */
bool process_root_absent(void);

/* Whether layers may be read, whatever the cache's own standing. */
bool process_has_layers(void);

/* What core needs to know of this process to open and seal entries. */
struct entry_world process_world(struct counters *counters);

/* PROCESS_ROOM bytes for paths, which a small stack has no room for; NULL where there is
 * no memory. To be given back; NULL may be. */
#define PROCESS_ROOM SCRATCH_KEPT
void *process_take_room(void);
void process_give_room(void *room);

/* The tag of the interpreter that runs here, NULL until it has shown one. */
const char *process_tag(void);

/* The process has opened bytecode with that tag: the first one shown is its own. */
void process_show_tag(const char *tag);

/* The process has loaded py_compile or compileall: see pyc_is_compiler. */
void process_show_compiler(void);

/* What a wrapper looks at on each call. -fvisibility=hidden is about definitions: without
 * this attribute, its address would be loaded first. */
#define PEEKED extern __attribute__((visibility("hidden")))

/* Whether it matters which sources the process opens: an entry_watch. One load, for the
 * wrapper of open. */
PEEKED atomic_uint process_watching;

/* It has opened that path: if it is a source, see pending_opened. Returns fd, whatever
 * that is. A path relative to a descriptor is taken for another: that can cost a seal. */
int process_opened(const char *path, int fd);

/* Whether the process has been given a directory of the cache, to list it: by a
 * descriptor of that it may also make something; see dir_given. */
PEEKED atomic_bool process_gave_directory;

/* The tag itself, for the wrapper of stat: only a process that opens bytecode is to have
 * its stats kept. One load. */
PEEKED _Atomic(const char *) process_own_tag;

/* It has taken the stat of that path; see recent_stat.h. Returns result, whatever that
 * is. */
int process_looked(const char *path, const struct stat *st, int result);

/* Of the wrappers of setuid and its kin, and chroot: they pass the result through. */
int identity_changed(int result);
int root_changed(int result);
