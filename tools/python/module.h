/* SPDX-License-Identifier: MIT
 *
 * Where an interpreter has the source of a module.
 */
#pragma once

#include "tools/python/interpreters.h"

/* Asks for it without importing it; packages above it are imported. The working directory
 * counts, as with -m. EXIT_OK and the absolute path, which the caller frees; EXIT_UNABLE
 * after saying why there is none; interrupt_exit_code(). */
int module_find(const struct python *python, const char *module, char **ret_source);
