/* SPDX-License-Identifier: MIT
 *
 * Hash tables: uthash, with memory as in alloc.h.
 *
 * An empty table is a NULL pointer. While a thread adds or deletes, no other thread may
 * use the table.
 */
#pragma once

#include "tools/base/alloc.h"

#define uthash_fatal(message) alloc_fail()
#include <uthash.h>
