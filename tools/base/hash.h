/* SPDX-License-Identifier: MIT
 *
 * Hash tables: uthash, where memory is as in alloc.h.
 *
 * An empty table is a NULL pointer. A thread that adds or deletes has the table to
 * itself.
 */
#pragma once

#include "tools/base/alloc.h"

#define uthash_fatal(message) alloc_fail()
#include <uthash.h>
