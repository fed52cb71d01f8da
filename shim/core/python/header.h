/* SPDX-License-Identifier: MIT
 *
 * The header of a pyc: importlib's _classify_pyc and _validate_timestamp_pyc.
 *
 *   3.3 to 3.6:  magic, mtime, size                     12 bytes
 *   3.7 on:      magic, flags, mtime, size or a hash    16 bytes (PEP 552)
 *
 * each field 32 bits, little-endian; mtime in seconds and size modulo 2^32. Flags: 0 or 2
 * a timestamp header, 1 an unchecked and 3 a checked hash of the source.
 *
 * Pure; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define HEADER_SHORT 12
#define HEADER_MAX 16

enum header_kind {
	HEADER_BAD,	  /* not a header that any interpreter accepts */
	HEADER_TIMESTAMP, /* valid for a source with that mtime and size */
	HEADER_HASH, /* valid by a hash of the source, which Python compares or trusts */
};

struct header {
	enum header_kind kind;
	uint8_t magic[4];
	uint32_t mtime, size; /* of HEADER_TIMESTAMP */
	bool checked;	      /* of HEADER_HASH: Python compares it */
};

/* Returns the length of the header in files with that cache tag, by interpreters.def;
 * HEADER_MAX if the tag has no row there. */
size_t header_length(const char *tag);

/* Reads the header at data, which has size bytes. */
struct header header_read(const char *tag, const void *data, size_t size);

/* Returns the mtime that Python puts into the header of a source's pyc. */
uint32_t header_mtime(const struct timespec *mtime);

/* Returns whether Python accepts a file with that header for a source with that stat. */
bool header_fits(const struct header *header, const struct stat *source);

/* Makes the timestamp header at data fit a source with that stat. */
void header_patch(const char *tag, void *data, const struct stat *source);
