/* SPDX-License-Identifier: MIT
 *
 * What the library knows in one process: its settings, the state of the cache, the cache
 * tag of the interpreter, and the directories it has met. The functions return what they
 * find and report nothing.
 *
 * Settings are written once, by the constructor. Everything else is single atomics and
 * the memo, which any thread, signal handler or vfork child may read and set at any
 * moment; a vfork child's writes land in its parent and are true there as well. There is
 * no lock, and no descriptor is kept.
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

/* The layers, and the user for whom the cache and the layers were judged. */
extern struct layers process_layers;

/* Core's way to the kernel: the next library's functions. */
extern const struct sys sys_real;

/* The paths that this thread has passed to a function of the next library that has not
 * returned yet. A preload after ours may be made of public functions (fakeroot's fstatat
 * calls __fxstatat), which are interposed too: such an inner call is passed through, or
 * it would recurse for ever. The pointers are compared, not the texts, so that calls from
 * a signal handler are still looked at. */
extern __thread const char *process_passing[2] __attribute__((tls_model("initial-exec")));

static inline bool process_passes(const char *path)
{
	return path == process_passing[0] || path == process_passing[1];
}

/* The value of `call`, which passes those paths on; `to` may be NULL. */
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

/* Returns the state of the cache. It is judged at the first use, while it is absent,
 * after a change of identity, and when another directory is in its place, which is looked
 * at about once a second; otherwise the last result is returned. *ret_why is the reason
 * to report if the cache was judged now and refused, else VERDICT_NONE. If there is a
 * reason, room, of PATH_MAX bytes, holds the path at fault (or the setting that names no
 * root), or is empty if that is the root itself; otherwise it is of no meaning. */
enum root_state process_root(char *room, enum verdict *ret_why);

/* Returns whether the cache did not exist when it was last judged. */
bool process_root_absent(void);

/* Returns whether layers may be read, whatever the state of the cache itself. */
bool process_has_layers(void);

/* Returns what core needs to know of this process to open and seal entries. */
struct entry_world process_world(struct counters *counters);

/* Takes PROCESS_ROOM bytes for paths, which a small stack has no room for; NULL if there
 * is no memory. They must be given back; giving back NULL does nothing. */
#define PROCESS_ROOM SCRATCH_KEPT
void *process_take_room(void);
void process_give_room(void *room);

/* The tag of the interpreter that runs here; NULL until it has opened bytecode. */
const char *process_tag(void);

/* The process has opened bytecode with that tag: the first such tag is its own. */
void process_show_tag(const char *tag);

/* The process has loaded py_compile or compileall: see pyc_is_compiler. */
void process_show_compiler(void);

/* Returns whether it has. */
bool process_compiles(void);

/* For variables that a wrapper reads on each call. -fvisibility=hidden affects only
 * definitions: without this attribute, the variable's address would be loaded first. */
#define PEEKED extern __attribute__((visibility("hidden")))

/* Tells which opens of sources matter: an enum entry_watch. One load, for the wrapper of
 * open. */
PEEKED atomic_uint process_watching;

/* The process has opened that path with those flags: if it can now read a source, see
 * entry_source_opened. Returns fd as it is, even if negative. A path relative to a
 * descriptor is mistaken for a different file, which can cost a seal. */
int process_opened(const char *path, int flags, int fd);

/* Set once the process has got a descriptor of a directory in the cache, to list it: it
 * may also create something through that descriptor; see dir_given. */
PEEKED atomic_bool process_gave_directory;

/* The process lists bytecode, or looks at it; see struct entry_python. */
void process_browses(void);

/* The thread looks at something beside the bytecode, as no import does between its stat
 * of the source and its open of the bytecode; see recent_stat.h. */
void process_looks_around(void);

/* The thread deletes or renames what is at that path, or finds nothing there: if its last
 * stat was of that, no import does so before it opens the bytecode. */
void process_acts_on(const char *path);

/* The tag itself, for the wrapper of stat: stats are kept only in a process that opens
 * bytecode. One load. */
PEEKED _Atomic(const char *) process_own_tag;

/* The process has taken the stat of that path; see recent_stat.h. Returns result as it
 * is. */
int process_looked(const char *path, const struct stat *st, int result);

/* The process may have changed its user, even if the call has failed: the cache is judged
 * again. Returns the call's result as it is. */
int identity_changed(int result);

/* The process has changed its root if result is 0: it uses the cache no more. Returns
 * result as it is. */
int root_changed(int result);
