/* SPDX-License-Identifier: MIT
 *
 * The states of a layer, for src/m.py, from which tests begin. A cache is filled by
 * imports and moved away (fake_make_layer), so that the user's cache is empty.
 */
#pragma once

#include "tests/unit/fake/fake_entry.h"

/* Its entry and its object. */
void in_a_layer(void);
void hash_based_in_a_layer(void); /* an unchecked one */

/* The source was given another time, was written anew with the same, and was replaced by
 * one of other content with the same. */
void touched_in_a_layer(void);
void installed_again_in_a_layer(void);
void changed_in_a_layer(void);
void hash_based_in_a_layer_and_changed(void);

/* Its object alone: other/m.py was imported, which is the same. */
void elsewhere_in_a_layer(void);

/* The source as it is in the second; another version in the first, and a third one in the
 * cache. */
void in_the_second_layer(void);
