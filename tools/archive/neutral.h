/* SPDX-License-Identifier: MIT
 *
 * What in a file of the cache tells of the host's source (its times and inode, in the
 * header and in the seal), taken out of the bytes and put back. So an archive has the
 * same bytes for the same bytecode, entries of many sources become links to one object,
 * and the cache that comes out is as it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/proof/seal.h"

#define NEUTRAL_TEXT 160 /* of an identity as text, with its NUL */

/* Takes it out of a whole file in a directory of the cache; false, and nothing is
 * changed, where there is nothing of the kind. */
bool neutral_take(const char *dir, uint8_t *data, size_t size, struct identity *ret);

/* Puts it back; whether the file is another now. */
bool neutral_put(
	const char *dir, uint8_t *data, size_t size, const struct identity *identity);

/* An identity as text, and back; false where the text is none. */
void neutral_print(const struct identity *identity, char ret[NEUTRAL_TEXT]);
bool neutral_scan(const char *text, struct identity *ret);
