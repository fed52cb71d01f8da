/* SPDX-License-Identifier: MIT
 *
 * Ephemeral trees: mounted or installed at a path that is made up for each start
 * (AppImage's /tmp/.mount_*, pip's build environments). One entry for each such path
 * would make a cache grow for ever, so all of them share one: the bytes of the path that
 * change are replaced by as many stars. The seals keep that harmless.
 *
 * Pure; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Patterns, separated by colons. A pattern is one or more names with slashes between
 * them. It matches anywhere in the path, or only at the beginning if it starts with a
 * slash. A name may have one star, which stands for one byte or more. */
#define EPHEMERAL_PATTERNS                                                             \
	".mount_*:pip-build-env-*:pip-install-*:pip-req-build-*:pip-standalone-pip-*:" \
	"pip-target-*:build-env-*:builds-v0/.tmp*:_MEI*"

/* If the span from the first to the last changing byte is longer, the path does not
 * match. */
#define EPHEMERAL_SPAN 64

struct ephemeral {
	size_t at, len; /* the hidden bytes; 0 if nothing is hidden */
	char bytes[EPHEMERAL_SPAN];
};

/* Parsed patterns: most paths have no name that begins as a pattern does, and this is
 * tested for every module. */
struct ephemeral_patterns {
	const char *text;   /* or NULL */
	uint64_t pairs[16]; /* a set of hashes of the first two bytes of each */
};

/* text stays the caller's, and must stay unchanged. If it is NULL, there are no
 * patterns. */
struct ephemeral_patterns ephemeral_read(const char *text);

/* Hides the bytes of the absolute path (path_len bytes) that are made up according to the
 * patterns, and keeps them in *ret. Returns false if no pattern matches. */
bool ephemeral_hide(const struct ephemeral_patterns *patterns, char *path,
	size_t path_len, struct ephemeral *ret);

/* Exchanges the bytes in the path and those that are kept: a second call restores
 * both. */
void ephemeral_swap(struct ephemeral *ephemeral, char *path);
