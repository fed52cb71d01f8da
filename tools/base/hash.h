/* SPDX-License-Identifier: MIT
 *
 * uthash, which else ends the process where there is no memory. HASH_ADD_… needs a
 * variable `bool out_of_memory = false` beside it, which becomes true if the element was
 * not added.
 *
 * An empty table is a NULL pointer. Who adds, or deletes, has the table alone.
 */
#pragma once

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((void)(element), out_of_memory = true)
#include <uthash.h>
