/* SPDX-License-Identifier: MIT
 *
 * Ephemeral trees: mounted or installed at a path that is made up for each start
 * (AppImage's /tmp/.mount_*, pip's build environments). One entry for each such path
 * would make a cache grow for ever, so all of them have one: the bytes of the path that
 * change are replaced by as many stars. What a seal says keeps that harmless.
 *
 * Pure; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Patterns, separated by colons. A pattern is one name or several with slashes between,
 * which lie anywhere in the path, or, with a slash in front, at its beginning; a star in
 * a name stands for one byte or more, once in a name. */
#define EPHEMERAL_PATTERNS                                                             \
	".mount_*:pip-build-env-*:pip-install-*:pip-req-build-*:pip-standalone-pip-*:" \
	"pip-target-*:build-env-*:builds-v0/.tmp*:_MEI*"

/* What is longer from the first to the last byte that changes is no such path. */
#define EPHEMERAL_SPAN 64

struct ephemeral {
	size_t at, len; /* of the bytes; 0 where nothing is hidden */
	char bytes[EPHEMERAL_SPAN];
};

/* Patterns made ready: most paths have no name that begins as one of them does, and this
 * is asked for every module. */
struct ephemeral_patterns {
	const char *text;   /* or NULL */
	uint64_t pairs[16]; /* of the first two bytes, as a set of hashes */
};

/* text stays the caller's, and must stay as it is. NULL: there are none. */
struct ephemeral_patterns ephemeral_read(const char *text);

/* Hides the bytes of the absolute path (path_len of them) that patterns say are made
 * up, and keeps them in *ret. False where no pattern fits. */
bool ephemeral_hide(const struct ephemeral_patterns *patterns, char *path,
	size_t path_len, struct ephemeral *ret);

/* Exchanges what stands in the path and what is kept: the second time, all is
 * as before. */
void ephemeral_swap(struct ephemeral *ephemeral, char *path);
