/* SPDX-License-Identifier: MIT
 *
 * CACHEDIR.TAG, which makes backup programs skip a cache, and tells the command that a
 * directory is a cache. It is in the layout folder. Earlier releases put it into the
 * root, where it also excludes everything else that the user keeps there.
 */
#pragma once

#include <stdbool.h>

/* The contents of a root; 0: empty. */
enum cachedir_tag_contents {
	CACHEDIR_IS_TAGGED = 1, /* the tag, in the root or in the folder of any layout */
	CACHEDIR_LAYOUT = 2,	/* the folder of a layout, of any number */
	CACHEDIR_OTHERS = 4,	/* anything else */
};

/* Returns a set of enum cachedir_tag_contents; CACHEDIR_OTHERS if the root cannot be
 * read. */
unsigned cachedir_tag_contents(int root_fd);

/* Returns true if the tag is in the root or in the folder of this layout. */
bool cachedir_tag_is_there(int root_fd);

/* Returns true if a process was creating the cache and ended before it had written the
 * tag: the root contains the layout folder and nothing else. */
bool cachedir_tag_is_unfinished(int root_fd);

/* Completes such a cache. Returns 0, also if there is nothing to do, or -errno. */
int cachedir_tag_finish(int root_fd);

/* Puts the tag into the layout folder if it is missing there. Deletes the tag in the root
 * if it is byte for byte ours and the root contains anything other than caches. */
void cachedir_tag_move(int root_fd);
