/* SPDX-License-Identifier: MIT
 *
 * An archive of cached bytecode: a pax tar compressed with zstd. It holds
 *
 *   pycstash.json    the manifest, which comes first: {"schema": "pycstash.archive/1",
 *                    "layout": "v1", "files": N, "bytes": N}; the numbers are upper
 *                    limits for the files that follow and for the bytes in them. The
 *                    manifest of a pack (pack.h) also lists the files: "objects":
 *                    {PATH: SIZE, …}, relative to the layout folder and in order
 *   v1/<version>/…   entries and objects under their names in the cache, in the order of
 *                    archive_compare. Each has its BLAKE2b-256 as an extended attribute.
 *                    The source's inode and times are not in the bytes, but in another
 *                    extended attribute (neutral.h). An entry that has the same bytes as
 *                    its object is a hard link.
 *
 * Everything that could differ between two archives of equal caches (times, owners,
 * modes, threads) is fixed.
 *
 * A reader trusts nothing: it refuses an archive that pycstash would not have written,
 * and marks members that are not intact as damaged. Functions return 0 or -errno after
 * printing the error on stderr, unless their comment says otherwise. For one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/archive/neutral.h"
#include "tools/cache/layout.h"
#include "tools/pyc/state.h"

#define ARCHIVE_MANIFEST "pycstash.json"
/* The extended attribute with a file's digest, in hex: see archive_digest. */
#define ARCHIVE_DIGEST "user.pycstash.blake2b"
/* The extended attribute with the identity that the source has on the exporting host. */
#define ARCHIVE_SOURCE "user.pycstash.source"

/* No bytecode is this large; a larger file has no business in an archive. */
#define ARCHIVE_FILE_MAX (UINT64_C(256) << 20)

/* Enough for a pack to list 100,000 objects. */
#define ARCHIVE_MANIFEST_MAX (16u << 20)

struct archive_object {
	char *dir; /* below the layout folder; owned, together with the name */
	const char *name;
	uint64_t size;
};

struct archive_manifest {
	uint64_t files, bytes;
	const struct archive_object *objects; /* of a pack: all files; otherwise NULL */
};

/* One file. dir, name and link are relative to the layout folder. */
struct archive_member {
	const char *dir, *name;
	const char *link; /* the object that this entry links to; NULL: it has data */
	uint8_t *data;
	size_t size;
	const struct identity *identity; /* taken out of the bytes (neutral.h), or NULL */
};

/* Judges a file without its source (""): STATE_FRESH if it is of use on other hosts, or
 * the reason why not. Only files that a seal vouches for are of use there: a
 * foreign-written file names its source by the inode on this host. */
struct pyc_state archive_state(const struct layout *item, struct pyc_state state);

/* Returns true if the mode or the ACL of the file's source, or of a directory above it,
 * keeps others from reading it. If there is no such source, the mode of the pyc stands
 * for its own, because Python copies it from the source; numba does not, so its files
 * count as private. pyc is NULL on a host on which a source that is not there hides
 * nothing. */
bool archive_is_private(
	const struct layout *item, const char *name, const struct stat *pyc);

/* Returns 1 if others may read the file's source, and the source has the content that the
 * file was made from, by its seal: what is at its path now may have been put there since.
 * Returns 0 if not, also for a file without a source (numba's), for which nothing shows
 * that; or -errno if nobody could look. */
int archive_is_public(
	const struct layout *item, const char *name, const struct seal *seal);

/* The order of the members: by directory, then by name, both as strcmp orders them. So an
 * object comes before its entries. */
int archive_compare(
	const char *a_dir, const char *a_name, const char *b_dir, const char *b_name);

/* The digest of a member, in hex. It covers the data (a link has none) and the identity
 * as text (neutral.h), which may be NULL. */
void archive_digest(
	const void *data, size_t size, const char *identity, char ret[2 * DIGEST_SIZE]);

/* Returns true if an archive of that length that announces so many bytes is meant to fill
 * the disk. Such an archive is neither written nor read. */
bool archive_is_bomb(uint64_t bytes, uint64_t packed);

/* --- writing -------------------------------------------------------------------------*/

struct archive_out {
	const char *name; /* of the archive, for messages; not owned */
	struct archive *handle;
	struct archive_entry *entry;
	uint64_t announced; /* bytes, in the manifest */
};

/* Begins an archive on fd, which the caller still owns. -ENOSYS: libarchive is
 * missing. -EFBIG: no reader would take it. */
int archive_out_begin(struct archive_out *out, const char *name, int fd,
	const struct archive_manifest *manifest);
int archive_out_add(struct archive_out *out, const struct archive_member *member);
/* Writes the rest. *ret_bytes is the length of the complete archive. -EFBIG: no reader
 * would take it. */
int archive_out_finish(struct archive_out *out, uint64_t *ret_bytes);
/* To be called after all of these, even if archive_out_begin has failed. */
void archive_out_release(struct archive_out *out);

/* --- reading -------------------------------------------------------------------------*/

struct archive_in {
	const char *name;
	struct archive *packed; /* gives the bytes of the tar file */
	struct archive *handle;
	bool part;    /* fd has only the first bytes */
	size_t quota; /* how many of these bytes libarchive may still ask for */
	struct archive_entry *entry;
	struct archive_manifest manifest;
	char *manifest_text;
	struct archive_manifest seen; /* read so far */

	/* The member that archive_in_next has read; valid until its next call. */
	struct archive_member member;
	struct layout item;
	const char *damage; /* a literal: why not to use the member; NULL: it is intact */
	bool newer;	    /* it is damaged only in that a later pycstash sealed it */
	struct seal seal;   /* of an entry or object; of a link: digest and magic only */
	const char *broken; /* after -EBADMSG: what is wrong */

	struct identity identity; /* the member's, and the same as text */
	char identity_text[NEUTRAL_TEXT];
	char *path;   /* the member's, with a NUL for the last slash */
	char *before; /* the path of the previous member */
	char *link;
	uint8_t *data;
	size_t room;
};

/* Reads the manifest from fd, a regular file at offset 0, which the caller still owns.
 * `packed` is the length of the archive; one that announces more than can be in that
 * length is refused. ARCHIVE_PART: fd has only its first bytes. -EPERM: this is not an
 * archive of pycstash, or this version may not read it. -EBADMSG, which is not reported:
 * that is not known from a part. */
#define ARCHIVE_PART UINT64_MAX
int archive_in_begin(struct archive_in *in, const char *name, int fd, uint64_t packed);

/* Reads the next member. Returns 1, or 0 after the last one. -EPERM: the archive is
 * refused. -EBADMSG: it is truncated or damaged here, and the rest cannot be read; this
 * error is not printed, but stored in `broken`. -EIO: there is not enough memory for a
 * file. */
int archive_in_next(struct archive_in *in);

/* To be called after both of these, even if archive_in_begin has failed. */
void archive_in_release(struct archive_in *in);
