/* SPDX-License-Identifier: MIT
 *
 * Functions that an older glibc or musl lacks, implemented with the system calls. A file
 * that includes this header calls them under their usual names, and they do not make the
 * command require a glibc newer than 2.17.
 *
 * With -DPORTABLE the same holds for the functions whose symbol version changed in glibc
 * 2.34: compat.c defines them under libc's names, as kernel.c always does with those of
 * 2.33. Such a command has to be linked to libpthread.so.0 and libdl.so.2, which a new
 * glibc has only for older programs; `make wheel` builds it.
 */
#pragma once

#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#ifndef STATX_TYPE /* musl before 1.2.5 */
#include <linux/stat.h>
#endif

/* They do what the man pages of the functions without compat_ say. Thread-safe. */
int compat_renameat2(
	int fromfd, const char *from, int tofd, const char *to, unsigned flags);
int compat_statx(
	int dirfd, const char *path, int flags, unsigned mask, struct statx *ret);
int compat_memfd_create(const char *name, unsigned flags);
ssize_t compat_getrandom(void *data, size_t size, unsigned flags);
void *compat_reallocarray(void *array, size_t count, size_t size);

#define renameat2(...) compat_renameat2(__VA_ARGS__)
#define statx(...) compat_statx(__VA_ARGS__)
#define memfd_create(...) compat_memfd_create(__VA_ARGS__)
#define getrandom(...) compat_getrandom(__VA_ARGS__)
#define reallocarray(...) compat_reallocarray(__VA_ARGS__)
