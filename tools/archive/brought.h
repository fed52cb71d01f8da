/* SPDX-License-Identifier: MIT
 *
 * From which pack each object has come that a pull has put into the cache, or would put
 * there in a dry run. For one thread.
 */
#pragma once

#include "shim/core/base/digest.h"

/* A hash table; begins as NULL, and is left to the end of the process. */
struct brought;

/* Adds an object, by its path below the layout folder, with the digest of its bytecode.
 * Copies all of it. */
void brought_add(struct brought **table, const char *path, const char *pack,
	struct digest bytecode);

/* Returns the pack from which it has come, and the digest of what came; NULL if it has
 * come from none. */
const char *brought_by(
	struct brought *table, const char *path, struct digest *ret_bytecode);
