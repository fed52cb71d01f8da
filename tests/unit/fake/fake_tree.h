/* SPDX-License-Identifier: MIT
 *
 * What can be in the tree, for src/m.py: the states that tests begin from.
 */
#pragma once

#include "tests/unit/fake/fake_entry.h"

void in_the_tree(void);
void with_a_hash_in_the_tree(void); /* a checked one */

/* The source was changed in place, with its time and size. */
void in_the_tree_and_changed_since(void);

/* As archives are unpacked: first __pycache__, then the sources. */
void unpacked_in_the_tree(void);

/* Of a source that has another size now. */
void old_in_the_tree(void);
