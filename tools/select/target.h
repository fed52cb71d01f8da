/* SPDX-License-Identifier: MIT
 *
 * Sources as people name them. A word is a file, a directory with everything below it,
 * or a pattern for either: `*`, `?` and `[…]` match within a component, `**` matches
 * any number of components. A word with such characters that names an existing file
 * means that file.
 *
 * Entries are stored under the canonical directory of their source, so the directories
 * in a word are resolved as far as they exist (those of orphans do not). In ephemeral
 * trees (ephemeral.h), a star replaces the part of the name that changes.
 */
#pragma once

#include <stddef.h>

struct target {
	char *path;	/* absolute, without a slash at the end ("" is "/") */
	size_t literal; /* number of bytes to compare literally; the rest is a pattern */
};

struct targets {
	struct target *list;
	size_t count; /* 0: everything */
};

enum cover {
	COVER_NONE, /* neither the path nor anything below it */
	COVER_SOME, /* not the path itself, but perhaps something below it */
	COVER_ALL,  /* the path and everything below it */
};

/* Adds a word. Returns 0, or -errno if the word is relative and the working directory
 * is unknown. */
int targets_add(struct targets *targets, const char *word);

/* Returns the canonical path of a file or directory, resolved as above but never as a
 * pattern, in *ret_path, which the caller frees. Returns 0 or -errno; FOLLOW_FOREIGN if a
 * link of another user leads there (follow.h). Thread-safe. */
int target_canonical(const char *word, char **ret_path);

/* The same for a directory, which must exist. */
int target_directory(const char *path, char **ret_path);

/* Returns how far the targets cover an absolute canonical path of len bytes, without a
 * slash at the end unless it is "/". Pure. */
enum cover targets_cover(const struct targets *targets, const char *path, size_t len);
