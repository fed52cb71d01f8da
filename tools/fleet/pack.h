/* SPDX-License-Identifier: MIT
 *
 * A pack is an archive (archive.h) of objects only, in which nothing tells where or
 * when they were compiled: the code is canonical (canonical.h), the time in the pyc's
 * header is 0, and the seal identifies the source only by size and digest. So the same
 * sources give the same bytes on all hosts, and a pack is named after the BLAKE2b-256
 * of its bytes. docs/format.md describes the format for a second implementation.
 *
 * Functions return 0, or -errno after reporting what is wrong. For one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/archive/archive.h"
#include "tools/archive/export_list.h"
#include "tools/cache/cache.h"

#define PACK_SUFFIX ".tar.zst"
#define PACK_MAX (UINT64_C(2) << 30)	     /* bytes; a larger file is never pulled */
#define PACK_NAME_SIZE (2 * DIGEST_SIZE + 1) /* of a digest in hex, with its NUL */

struct pack {
	struct archive_object *objects; /* in the archive's order; owned */
	size_t count;
	uint64_t unread; /* objects left out by pack_write, each named on stderr */
};

/* Lists the objects of a cache that the list selects, without their sizes. Takes over
 * the list's files. */
int pack_gather(struct pack *pack, struct export_list *list);

/* Keeps only those objects for which `keep` returns true. */
void pack_filter(struct pack *pack,
	bool (*keep)(const struct archive_object *object, void *context), void *context);

/* Writes a pack of these objects to fd, and its length to *ret_size. Drops objects that
 * have vanished in the meantime from the list; if none is left, writes nothing. The
 * code is canonical if an interpreter of its version is found. */
int pack_write(struct pack *pack, const struct cache *cache, int fd, uint64_t *ret_size);

/* Computes the BLAKE2b of a file's bytes, with a digest of `size` bytes, at most 64.
 * -EFBIG: the file grows meanwhile; -EINTR after an interrupt. */
int pack_digest(int fd, uint8_t *ret_digest, size_t size);

/* Computes the name that a file should have according to its bytes. */
int pack_name(int fd, char ret_name[PACK_NAME_SIZE]);

/* Reads the list of a pack's objects. Returns -EPERM if it is not a pack. With `part`, fd
 * has only its first bytes; returns -EBADMSG, and reports nothing, if they may not be
 * enough. */
int pack_read(struct pack *pack, const char *name, int fd, bool part);

/* Frees the list, which is empty then. May be called again. */
void pack_release(struct pack *pack);
