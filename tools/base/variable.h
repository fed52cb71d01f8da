/* SPDX-License-Identifier: MIT
 *
 * Environment variables that count as unset if they are empty.
 */
#pragma once

/* Returns the variable's value, or `fallback` if it has none. */
const char *variable_or(const char *name, const char *fallback);
