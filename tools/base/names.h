/* SPDX-License-Identifier: MIT
 *
 * A set of symbol names. It keeps the pointers it is given: the names must outlive it,
 * or until names_release. An empty set is NULL.
 */
#pragma once

#include <stdbool.h>

struct names;

/* 0 or -ENOMEM. Adding a name twice does nothing. */
int names_add(struct names **names, const char *name);
bool names_has(const struct names *names, const char *name);
void names_release(struct names **names);
