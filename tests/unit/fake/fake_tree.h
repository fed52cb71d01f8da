/* SPDX-License-Identifier: MIT
 *
 * The states of the tree, for src/m.py, with which tests begin.
 */
#pragma once

#include "tests/unit/fake/fake_entry.h"

void in_the_tree(void);
void with_a_hash_in_the_tree(void); /* a checked one */

/* The source was changed in place, and its mtime and size were kept. */
void in_the_tree_and_changed_since(void);

/* As when an archive is unpacked: first __pycache__, then the sources. */
void unpacked_in_the_tree(void);

/* Bytecode of a source that now has a different size. */
void old_in_the_tree(void);
