/* SPDX-License-Identifier: MIT
 *
 * What a rename or a link does on one side: in the cache, or in the tree. wrap_name.c
 * decides which side a name stands for.
 *
 * All that act return 0, or -1 with errno, as rename(2). Safe for threads, signal
 * handlers and vfork children.
 */
#pragma once

#include <stdbool.h>

struct place;

/* A rename or a link of real paths, with the flags of renameat2 or linkat. */
typedef int name_act(int fromfd, const char *from, int tofd, const char *to, int flags);
name_act name_rename, name_link;

/* Returns whether the cache has an entry of that name. */
bool name_is_cached(const struct place *place);

/* Returns whether the tree has a directory of that name. */
bool name_is_tree_directory(const struct place *place);

/* Returns whether both are in the same __pycache__ of the cache. */
bool name_is_beside(const struct place *a, const struct place *b);

/* Returns whether a pyc that was just compiled gets its final name. */
bool name_is_new_pyc(const struct place *old, const struct place *target);

/* Returns whether linkat links an open file, which may have no name. */
bool name_is_open_file(const struct place *from, int flags);

/* Gives the new name, in the tree, to a copy without a seal instead of the file itself.
 * What Python has compiled leaves the entries beside it where they are. */
int name_copy_out(name_act *act, struct place *from, struct place *to, int flags);

/* Acts from a path in the cache to another place: an entry stays in the cache. */
int name_from_cache(name_act *act, const char *from, struct place *to, int flags);

/* Acts from a path in the tree: a cached file under the new name would hide the
 * result. */
int name_from_tree(name_act *act, const struct place *from, struct place *to, int flags);

/* Renames a file of the cache, over another one too. */
int name_rename_over(const struct place *from, struct place *to, int flags);
