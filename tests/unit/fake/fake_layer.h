/* SPDX-License-Identifier: MIT
 *
 * The states of a layer, for src/m.py, with which tests begin. A cache is filled by
 * imports and moved away (fake_make_layer), so that the user's cache is empty.
 */
#pragma once

#include "tests/unit/fake/fake_entry.h"

/* Its entry and its object. */
void in_a_layer(void);
void hash_based_in_a_layer(void); /* an unchecked one */

/* The source was given a different mtime, was written anew with the same mtime, or was
 * replaced by one of different content with the same mtime. */
void touched_in_a_layer(void);
void installed_again_in_a_layer(void);
void changed_in_a_layer(void);

/* Only the object is in the layer: other/m.py was imported, which has the same text. */
void elsewhere_in_a_layer(void);

/* The second layer has an entry of the present source; the first layer and the cache have
 * entries of two other versions. */
void in_the_second_layer(void);
