/* SPDX-License-Identifier: MIT
 *
 * A pack: an archive (archive.h) of objects alone, in which nothing tells where or when
 * they were compiled: the code is canonical (canonical.h), the time in the pyc's header
 * is 0, and the seal names the source by size and digest alone. So the same sources give
 * the same bytes on all hosts, and a pack is named by the BLAKE2b-256 of its bytes.
 * docs/format.md describes it for a second implementation.
 *
 * Functions return 0 or -errno after reporting what is wrong. For one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/archive/archive.h"
#include "tools/archive/export_list.h"
#include "tools/cache/cache.h"

#define PACK_SUFFIX ".tar.zst"
#define PACK_MAX (UINT64_C(2) << 30)	     /* bytes; nothing is pulled that is larger */
#define PACK_NAME_SIZE (2 * DIGEST_SIZE + 1) /* of a digest in hex, with its NUL */

struct pack {
	struct archive_object *objects; /* in the archive's order; owned */
	size_t count;
};

/* Lists the objects of a cache that the list selects, without their sizes; its files
 * become the pack's. */
int pack_gather(struct pack *pack, struct export_list *list);

/* Keeps those objects only for which `keep` is true. */
void pack_filter(struct pack *pack,
	bool (*keep)(const struct archive_object *object, void *context), void *context);

/* Writes a pack of these objects to fd, and its length. Drops those from the list that
 * vanished meanwhile; where none is left, nothing is written. Where an interpreter of
 * their version is there, their code is canonical. */
int pack_write(struct pack *pack, const struct cache *cache, int fd, uint64_t *ret_size);

/* Adds an object by its path below the layout folder. -EINVAL: that has no directory. */
int pack_add(struct pack *pack, const char *path, uint64_t size);

/* The BLAKE2b of so many bytes, at most 64, of what is in a file. */
int pack_digest(int fd, uint8_t *ret_digest, size_t size);

/* The name that the bytes of a file should have. */
int pack_name(int fd, char ret_name[PACK_NAME_SIZE]);

/* Reads what is in a pack from its first bytes, in fd. -EPERM: it is no pack, or it is
 * cut off before the end of the list. */
int pack_read(struct pack *pack, const char *name, int fd);

void pack_release(struct pack *pack);
