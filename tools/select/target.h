/* SPDX-License-Identifier: MIT
 *
 * What of the cache a command is about, as people name it: by the sources. A word is a
 * file, a directory with all below it, or a pattern for either: `*`, `?` and `[…]` match
 * within a component, `**` any number of components. A word with such letters that is the
 * name of a file is taken as that.
 *
 * Entries are filed under the physical directory of their source. So are words: their
 * directories are resolved as far as they exist, which those of orphans do not; and of
 * trees that come and go (ephemeral.h) the letters that change are stars.
 */
#pragma once

#include <stddef.h>

struct target {
	char *path;	/* absolute, without a slash at its end ("" is the root) */
	size_t literal; /* the first letters, as they are; what follows is a pattern */
};

struct targets {
	struct target *list;
	size_t count; /* 0: everything is meant */
};

enum cover {
	COVER_NONE, /* neither the path nor anything below it */
	COVER_SOME, /* not the path, but maybe something below it */
	COVER_ALL,  /* the path and all below it */
};

/* Reads words, up to a NULL; may be called again for more. 0 or -ENOMEM. */
int targets_read(struct targets *targets, char *const *words);
void targets_release(struct targets *targets);

/* The physical path of a file or directory, as above, but never a pattern; the caller
 * frees it. 0 or -errno. */
int target_physical(const char *word, char **ret_path);

/* Whether they cover an absolute physical path, which has len letters and no slash at its
 * end but for "/". Pure. */
enum cover targets_cover(const struct targets *targets, const char *path, size_t len);
