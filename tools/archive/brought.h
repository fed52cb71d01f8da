/* SPDX-License-Identifier: MIT
 *
 * From which pack each object has come that a pull has put into the cache. For one
 * thread.
 */
#pragma once

/* A hash table; begins as NULL, and is left to the end of the process. */
struct brought;

/* Adds an object, by its path below the layout folder. Copies both strings. */
void brought_add(struct brought **table, const char *path, const char *pack);

/* Returns the pack from which it has come; NULL if it has come from none. */
const char *brought_by(struct brought *table, const char *path);
