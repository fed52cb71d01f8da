/* SPDX-License-Identifier: MIT
 *
 * What all parts of the driver share: the symbols that it calls, and its output. Only
 * call.c and its parts include this, and only once, because it defines the variables.
 */
#pragma once

#include <ctype.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "shim/calls.h"
#include "tests/calls/raw.h"

#define ERRNO_BEFORE 77
#if defined(__x86_64__)
#define STAT_VERSION 1
#elif defined(__LP64__)
#define STAT_VERSION 0
#else
#define STAT_VERSION 3
#endif
#ifdef __i386__
#define MKNOD_VERSION 1
#else
#define MKNOD_VERSION 0
#endif

#define RUN_SCRIPT "#!/bin/sh\nexit 7\n"

/* 1. The symbols. */

static struct real_calls fn;

#define CALL(ret, name, params, args, maybe, slow, early) \
	__attribute__((weak)) void do_##name(void);
#include "shim/calls.def"

static const struct symbol {
	const char *name;
	size_t offset;
	void (*act)(void);
} symbols[] = {
#define CALL(ret, name, params, args, maybe, slow, early) \
	{ #name, offsetof(struct real_calls, name), do_##name },
#include "shim/calls.def"
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Definitions that a libc may lack. */
static int own_openat2(
	int dirfd, const char *path, const struct open_how *how, size_t size)
{
	return (int)syscall(OPENAT2_CALL, dirfd, path, how, size);
}

static int own_execveat(
	int dirfd, const char *path, char *const *argv, char *const *env, int flags)
{
	return (int)syscall(SYS_execveat, dirfd, path, argv, env, flags);
}

/* Before 2.33, glibc links these statically into the program. */
static const struct {
	const char *name;
	void *function;
} own[] = {
	{ "openat2", own_openat2 },
	{ "execveat", own_execveat },
	{ "stat", (void *)stat },
	{ "lstat", (void *)lstat },
	{ "fstatat", (void *)fstatat },
	{ "mknod", (void *)mknod },
	{ "mknodat", (void *)mknodat },
#ifdef __GLIBC__
	{ "stat64", (void *)stat64 },
	{ "lstat64", (void *)lstat64 },
	{ "fstatat64", (void *)fstatat64 },
#endif
};

static void find_symbols(void)
{
	for (size_t i = 0; i < COUNT(symbols); i++) {
		void *found = dlsym(RTLD_DEFAULT, symbols[i].name);

		for (size_t k = 0; k < COUNT(own) && !found; k++)
			if (!strcmp(own[k].name, symbols[i].name))
				found = own[k].function;
		if (found)
			memcpy((char *)&fn + symbols[i].offset, &found, sizeof found);
	}
}

static const struct symbol *symbol_of(const char *name)
{
	for (size_t i = 0; i < COUNT(symbols); i++)
		if (!strcmp(symbols[i].name, name) && symbols[i].act)
			return &symbols[i];
	return NULL;
}

/* 2. The output; in shared memory, because some calls are made in a child. */

static struct {
	size_t len;
	char text[65536];
	char random_letters[8]; /* that mkstemp chose */
} * said;

static __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
	int saved = errno;
	size_t room = sizeof said->text - said->len;
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(said->text + said->len, room, format, list);
	va_end(list);
	said->len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
	errno = saved;
}

static char top[PATH_MAX]; /* the working tree */
static const char *dir_name = "__pycache__";

/* Replaces what differs from run to run: the tree by %, the directory by @, a random name
 * by
 * ??????. */
static const char *plain(const char *text, char *buf, size_t size)
{
	const struct {
		const char *from, *to;
	} names[] = { { top, "%" }, { dir_name, "@" },
		{ said->random_letters, "??????" } };
	size_t len = 0;

	while (*text && len + 8 < size) {
		size_t i, n = 0;

		for (i = 0; i < COUNT(names); i++) {
			n = strlen(names[i].from);
			if (n > 1 && !strncmp(text, names[i].from, n))
				break;
		}
		if (i < COUNT(names)) {
			len += (size_t)sprintf(buf + len, "%s", names[i].to);
			text += n;
		} else if ((*text & 0x80) || (*text < ' ' && *text != '\t')) {
			len += (size_t)sprintf(
				buf + len, "\\x%02x", (unsigned char)*text++);
		} else {
			buf[len++] = *text++;
		}
	}
	buf[len] = '\0';
	return buf;
}

static void flush_said(void)
{
	static char text[2 * sizeof said->text];

	said->text[said->len] = '\0';
	puts(plain(said->text, text, sizeof text));
	said->len = 0;
}
