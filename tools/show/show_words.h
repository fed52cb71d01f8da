/* SPDX-License-Identifier: MIT
 *
 * What the printers of an show have in common: its values in words. Pure.
 */
#pragma once

#include <stdint.h>

#include "tools/show/show.h"

/* By enum show_object. */
extern const char *const show_object_says[];

/* The eight bytes as they stand in the header. */
void hash_hex(uint64_t hash, char ret_hex[17]);

/* "source, identity"; returns buf. */
const char *seal_flags_words(uint32_t flags, char buf[32]);
