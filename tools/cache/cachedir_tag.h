/* SPDX-License-Identifier: MIT
 *
 * CACHEDIR.TAG, which makes backup programs skip a cache, and by which a command knows
 * that a directory is one. It lies in the layout folder; earlier releases put it into the
 * root, where it hides whatever else the user keeps there.
 */
#pragma once

#include <stdbool.h>

/* What is in a root; 0: nothing. */
enum cachedir_tag_contents {
	CACHEDIR_IS_TAGGED = 1, /* the tag, in the root or in any layout's folder */
	CACHEDIR_LAYOUT = 2,	/* a layout's folder, of any number */
	CACHEDIR_OTHERS = 4,	/* anything else */
};

/* A set of enum cachedir_tag_contents; CACHEDIR_OTHERS if the root cannot be read. */
unsigned cachedir_tag_contents(int root_fd);

/* Whether there is the tag in the root or in this layout's folder. */
bool cachedir_tag_is_there(int root_fd);

/* Whether a process that was to make the cache ended before the tag was whole: the layout
 * folder is there, and nothing else. */
bool cachedir_tag_is_unfinished(int root_fd);

/* Does then what is left to do. */
void cachedir_tag_finish(int root_fd);

/* Puts the tag into the layout folder if it is missing there, and deletes the one in the
 * root if that is byte for byte ours and there is more in the root than caches. */
void cachedir_tag_move(int root_fd);
