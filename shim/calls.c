/* SPDX-License-Identifier: MIT */
#include "shim/calls.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/next.h"
#include "shim/place.h"
#include "shim/process.h"
#include "shim/report.h"
#include "shim/scan.h"
#include "shim/wrap.h"

#define NOINLINE __attribute__((noinline, cold))
#define IS_KEEPING (atomic_load_explicit(&process_own_tag, memory_order_relaxed) != NULL)
#define IS_LISTING atomic_load_explicit(&list_count, memory_order_relaxed)
#define IS_GIVING atomic_load_explicit(&process_gave_directory, memory_order_relaxed)
#define IS_WATCHING (int)atomic_load_explicit(&process_watching, memory_order_relaxed)

/* 1. The stand-ins. */

#define RAW(call, ...) syscall(SYS_##call, __VA_ARGS__)
/* The ?: operator removes _Atomic from the type; clang refuses casts to atomic types. */
#define TYPE_OF(name) __typeof__(0 ? real.name : NULL)
#define LATE(name, args, failure)                                     \
	({                                                            \
		next_begin();                                         \
		TYPE_OF(name) late = (TYPE_OF(name))next_find(#name); \
		late ? late args : (errno = ENOSYS, failure);         \
	})

#ifndef SYS_openat2
#define SYS_openat2 OPENAT2_CALL
#endif

/* Raw calls use the kernel's types, which few spellings have on 32-bit machines: there
 * libc is asked before the constructor, too. */
#ifdef __LP64__
#define PLACED_MODE mode_t mode
#define TAKE_PLACED_MODE
#define IS_FOUND (void)0
#else
#define PLACED_MODE ...
#define TAKE_PLACED_MODE \
	mode_t mode = 0; \
	TAKE_MODE(mode, flags)
#define IS_FOUND next_begin()
#define SYS_newfstatat SYS_fstatat64
#endif

#pragma GCC diagnostic ignored "-Wunused-parameter" /* __xstat's version */

/* The first call of each looks up the real function, which then takes its place. */
#define EARLY(ret, name, params, args, early)                                 \
	ret(*found) params = (IS_FOUND, (__typeof__(found))next_find(#name)); \
	if (found) {                                                          \
		real.name = found;                                            \
		return found args;                                            \
	}                                                                     \
	return (ret)(early);
#define CALL(ret, name, params, args, maybe, slow, early) \
	static ret early_##name params                    \
	{                                                 \
		EARLY(ret, name, params, args, early)     \
	}
#define VCALL(ret, name, params, args, maybe, slow, early) \
	static ret early_##name params                     \
	{                                                  \
		mode_t mode = 0;                           \
		TAKE_MODE(mode, flags);                    \
		EARLY(ret, name, params, args, early)      \
	}
#define TAKE_MODE(mode, flags)               \
	if (flags & WITH_MODE) {             \
		va_list list;                \
		va_start(list, flags);       \
		mode = va_arg(list, mode_t); \
		va_end(list);                \
	}
#include "shim/calls.def"

struct real_calls real = {
#define CALL(ret, name, params, args, maybe, slow, early) .name = early_##name,
#include "shim/calls.def"
};

void calls_begin(void)
{
	next_begin();
	scan_init();
}

/* 2. The slow functions: the path contains the text __pycache__, or may contain it. They
 * are separate from the wrappers so that the wrappers need no stack frame. */

#define maybe_ours(path) (!process_passes(path) && path_names_pycache(path))
/* False, or the call fails. */
#define UNLESS_FAILED(result)      \
	({                         \
		if ((result) < 0)  \
			return -1; \
		false;             \
	})
#define maybe_given(dirfd) ((dirfd) >= 0 && IS_GIVING && UNLESS_FAILED(dir_given(dirfd)))
#define maybe_leaves(dirfd, path, flags)                       \
	((dirfd) >= 0 && IS_GIVING && !process_passes(path) && \
		UNLESS_FAILED(dir_given_for(dirfd, path, flags)))
#define after_acting(path) (IS_KEEPING && (process_acts_on(path), false))
#define maybe_up(dirfd, path) (maybe_leaves(dirfd, path, 0) || maybe_ours(path))

/* The slow functions are not variadic: in the callers' calling convention (System V's for
 * x86-64, AAPCS64), an argument is in the same place either way, and if none was given,
 * the wrapper reads whatever is in that place. va_list would add a tenth to the cost of
 * each open here. (On i386 that place belongs to the caller, so the wrappers check
 * whether it was given.) */
#define MODE mode_t mode

#define CALL(ret, name, params, args, maybe, slow, early) \
	static NOINLINE ret slow_##name params            \
	{                                                 \
		if (!(maybe))                             \
			return real.name args;            \
		return slow;                              \
	}
#define VCALL(ret, name, params, args, maybe, slow, early)          \
	static NOINLINE ret slow_##name params                      \
	{                                                           \
		if (!(flags & WITH_MODE))                           \
			mode = 0;                                   \
		if (maybe)                                          \
			return slow;                                \
		return process_opened(path, flags, real.name args); \
	}
#define FOUND(ret, name, dirfd, params, args)                                     \
	static NOINLINE ret found_##name params                                   \
	{                                                                         \
		return WITH_PLACE(real.name args,                                 \
			(path = place_find(place, dirfd, path), real.name args)); \
	}
#define FIND(ret, name, dirfd, params, args, early) \
	FOUND(ret, name, dirfd, params, args)       \
	CALL(ret, name, params, args, maybe_up(dirfd, path), found_##name args, early)
#define STAT(ret, name, dirfd, params, args, early)              \
	static NOINLINE ret kept_##name params                   \
	{                                                        \
		return process_looked(path, st, real.name args); \
	}                                                        \
	FIND(ret, name, dirfd, params, args, early)
#define RUN(ret, name, dirfd, params, args, early)                              \
	FOUND(ret, name, dirfd, params, args)                                   \
	static NOINLINE ret run_##name params                                   \
	{                                                                       \
		report_flush();                                                 \
		return maybe_ours(path) ? found_##name args : real.name args;   \
	}                                                                       \
	CALL(ret, name, params, args, (maybe_up(dirfd, path) || REPORT_IS_DUE), \
		run_##name args, early)
#define PLACED(get, maybe, ret, name, dirfd, params, args, early)                \
	static NOINLINE ret placed_##name params                                 \
	{                                                                        \
		return WITH_PLACE(real.name args,                                \
			(path = get(place, dirfd, path)) ? real.name args : -1); \
	}                                                                        \
	CALL(ret, name, params, args, maybe, placed_##name args, early)
#define CHANGE(ret, name, dirfd, ...) \
	PLACED(place_change, maybe_up(dirfd, path), ret, name, dirfd, __VA_ARGS__)
#define GIVE(ret, name, dirfd, ...) \
	PLACED(place_give, maybe_up(dirfd, path), ret, name, dirfd, __VA_ARGS__)
#define MAKE(ret, name, dirfd, params, args, early)                                    \
	PLACED(place_make, (maybe_given(dirfd) || maybe_ours(path)), ret, name, dirfd, \
		params, args, early)
#include "shim/calls.def"
#undef maybe_ours
#undef maybe_given
#undef maybe_leaves
#undef after_acting

/* 3. The wrappers. The asm labels give libc's names to functions that have different
 * names in C, so that no header's macro, inline or fortified version of open gets in the
 * way. */

#define maybe_ours(path) scan_maybe(path)
#define maybe_given(dirfd) ((dirfd) >= 0 && IS_GIVING)
#define maybe_leaves(dirfd, path, flags) maybe_given(dirfd)
#define after_acting(path) IS_KEEPING
#define MODE PLACED_MODE
#define EXPORT(name) __asm__(".globl " #name "\n\t.set " #name ", wrap_" #name)

#define CALL(ret, name, params, args, maybe, slow, early) \
	ret wrap_##name params;                           \
	ret wrap_##name params                            \
	{                                                 \
		if (__builtin_expect(!(maybe), 1))        \
			return real.name args;            \
		return slow_##name args;                  \
	}                                                 \
	EXPORT(name);
#define VCALL(ret, name, params, args, maybe, slow, early)              \
	ret wrap_##name params;                                         \
	ret wrap_##name params                                          \
	{                                                               \
		TAKE_PLACED_MODE                                        \
		if (__builtin_expect(!((int)(maybe) | IS_WATCHING), 1)) \
			return real.name args;                          \
		return slow_##name args;                                \
	}                                                               \
	EXPORT(name);
#define STAT(ret, name, dirfd, params, args, early)        \
	ret wrap_##name params;                            \
	ret wrap_##name params                             \
	{                                                  \
		if (__builtin_expect(maybe_ours(path), 0)) \
			return slow_##name args;           \
		if (__builtin_expect(IS_KEEPING, 0))       \
			return kept_##name args;           \
		return real.name args;                     \
	}                                                  \
	EXPORT(name);
#include "shim/calls.def"
