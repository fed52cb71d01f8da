/* SPDX-License-Identifier: MIT
 *
 * A file of the cache describes the source on this host: its times and inode are in the
 * header and in the seal. These functions take that identity out of the bytes and put it
 * back. So equal bytecode has equal bytes in an archive, entries of many sources become
 * links to one object, and an import restores the cache as it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/proof/seal.h"

#define NEUTRAL_TEXT 160 /* size of an identity as text, with its NUL */

/* Takes the identity out of a whole file; `dir` is its directory in the cache. Returns
 * false and changes nothing if there is no identity to take out. */
bool neutral_take(const char *dir, uint8_t *data, size_t size, struct identity *ret);

/* Puts the identity back. Returns true if this has changed the file. */
bool neutral_put(
	const char *dir, uint8_t *data, size_t size, const struct identity *identity);

/* Convert an identity to text, and back. neutral_scan returns false if the text is not an
 * identity. */
void neutral_print(const struct identity *identity, char ret[NEUTRAL_TEXT]);
bool neutral_scan(const char *text, struct identity *ret);
