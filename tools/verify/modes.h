/* SPDX-License-Identifier: MIT
 *
 * For `pycstash verify --deep`: what gets from the cache into the tree may keep its mode,
 * and only in the cache is it out of others' reach. Whoever has made the cache may have
 * set modes that let others write to V's tree. Nobody can tell whether a program of V's
 * has set them, so they are not wrong; but good are only those that the umask may leave.
 * In a folder that V may not write to, V's programs fail to create bytecode; and with a
 * file that V may not read, to copy it.
 *
 * Any thread may call modes_look, after modes_begin.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct modes {
	bool repair;
	mode_t denied; /* the rights to write that the umask takes from others */
	/* The number of files and folders with such rights, and of those that are closed
	 * to V; also if that was changed. */
	_Atomic(uint64_t) writable, closed;
};

/* repair: change such modes. Not thread-safe: looks at the umask. */
void modes_begin(struct modes *modes, bool repair);

/* Looks at the file `name` in dirfd ("." for the directory itself). Returns 0, or -errno
 * if its mode could not be changed. */
int modes_look(struct modes *modes, int dirfd, const char *name);
