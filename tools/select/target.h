/* SPDX-License-Identifier: MIT
 *
 * Sources as people name them. A word is a file, a directory with everything below it, or
 * a pattern for either: `*`, `?` and `[…]` match within a component, `**` any number of
 * components. A word with such characters that names an existing file means that file.
 *
 * Entries are filed under the canonical directory of their source, so the directories of
 * a word are resolved as far as they exist (those of orphans do not). In ephemeral trees
 * (ephemeral.h) the changing part of the name is a star.
 */
#pragma once

#include <stddef.h>

struct target {
	char *path;	/* absolute, without a slash at its end ("" is the root) */
	size_t literal; /* bytes to compare as they are; what follows is a pattern */
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

/* 0, or -errno where the word is relative and the working directory is not known. */
int targets_add(struct targets *targets, const char *word);

/* The canonical path of a file or directory, resolved as above, but never a pattern; the
 * caller frees it. 0 or -errno. */
int target_canonical(const char *word, char **ret_path);

/* How far they cover an absolute canonical path of len bytes, without a slash at its end
 * unless it is "/". Pure. */
enum cover targets_cover(const struct targets *targets, const char *path, size_t len);
