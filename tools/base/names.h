/* SPDX-License-Identifier: MIT
 *
 * Lists of names that grow. A struct names begins as all zeros; its list and the names in
 * it are left to the end of the process. For one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct names {
	char **list; /* ends with NULL; NULL as long as there is no name */
	size_t count;
};

/* Adds a name from malloc(3), which the list then owns. */
void names_add(struct names *names, char *name);

/* Sorts the names, and removes all but one of equal names. */
void names_sort(struct names *names);

/* Returns whether the name is in a sorted list. */
bool names_has(const struct names *names, const char *name);
