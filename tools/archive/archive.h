/* SPDX-License-Identifier: MIT
 *
 * An archive of cached bytecode: a pax tar under zstd, which holds
 *
 *   pycstash.json    the manifest, first: {"schema": "pycstash.archive/1", "layout":
 *                    "v1", "files": N, "bytes": N}; how many files follow, and how many
 *                    bytes are in them, at most. That of a pack (pack.h) lists them too:
 *                    "objects": {PATH: SIZE, …}, below the layout folder and in order
 *   v1/<version>/…   entries and objects, under the names they have in the cache, in the
 *                    order of archive_compare; the BLAKE2b-256 of each is an extended
 *                    attribute, and so is what tells of the source's inode and times,
 *                    which is not in the bytes (neutral.h). An entry with the bytes of
 *                    its object is a hard link.
 *
 * All that could differ between two archives of equal caches (times, owners, modes,
 * threads) is fixed.
 *
 * A reader trusts nothing: what pycstash would not write makes it refuse the archive,
 * what is not whole is marked as damaged. Functions return 0 or -errno after printing on
 * stderr what is wrong, unless their comment says otherwise. For one thread.
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
/* That with the identity of the source on the host that has archived it. */
#define ARCHIVE_SOURCE "user.pycstash.source"

/* Bytecode is never so large; what is has no business in an archive. */
#define ARCHIVE_FILE_MAX (UINT64_C(256) << 20)

struct archive_object {
	char *dir; /* below the layout folder; owned, with the name */
	const char *name;
	uint64_t size;
};

struct archive_manifest {
	uint64_t files, bytes;
	const struct archive_object *objects; /* all files, of a pack; NULL otherwise */
};

/* One file. dir, name and link are below the layout folder. */
struct archive_member {
	const char *dir, *name;
	const char *link; /* the object that this entry is a link to; NULL: it has data */
	uint8_t *data;
	size_t size;
	const struct identity
		*identity; /* that was taken out of it (neutral.h), or NULL */
};

/* Whether a file, judged without its source (""), is of use elsewhere: fresh, or why not.
 * Only what a seal vouches for is of use there; a foreign-written file names its source
 * by the inode that it has here. */
struct pyc_state archive_state(const struct layout *item, struct pyc_state state);

/* Whether others may not read the source of that file by its mode; where there is no such
 * source, the mode of the pyc tells, which Python gives it after its source. */
bool archive_is_private(
	const struct layout *item, const char *name, const struct stat *pyc);

/* The order of the members: by directory, then by name, as strcmp has them; so an object
 * comes before its entries. */
int archive_compare(
	const char *a_dir, const char *a_name, const char *b_dir, const char *b_name);

/* The digest, in hex, that goes with a member: of its data, which a link has not, and of
 * its identity as text (neutral.h), or NULL. */
void archive_digest(
	const void *data, size_t size, const char *identity, char ret[2 * DIGEST_SIZE]);

/* --- writing -------------------------------------------------------------------------*/

struct archive_out {
	const char *name; /* of the archive, for messages; not owned */
	struct archive *handle;
	struct archive_entry *entry;
};

/* Begins an archive on fd, which stays the caller's. -ENOSYS: there is no libarchive. */
int archive_out_begin(struct archive_out *out, const char *name, int fd,
	const struct archive_manifest *manifest);
int archive_out_add(struct archive_out *out, const struct archive_member *member);
/* Writes what is left; *ret_bytes is how long the archive has become. */
int archive_out_finish(struct archive_out *out, uint64_t *ret_bytes);
/* After any of them, also where archive_out_begin has failed. */
void archive_out_release(struct archive_out *out);

/* --- reading -------------------------------------------------------------------------*/

struct archive_in {
	const char *name;
	struct archive *handle;
	struct archive_entry *entry;
	struct archive_manifest manifest;
	char *manifest_text;
	struct archive_manifest seen; /* of it, so far */

	/* The member that archive_in_next has read; valid until it is called again. */
	struct archive_member member;
	struct layout item;
	const char *damage; /* why it must not be used, a literal; NULL: it is whole */
	bool newer;	    /* which is that a later version of pycstash has sealed it */
	struct seal seal;   /* of an entry or object; of a link, digest and magic alone */
	const char *broken; /* after -EBADMSG: what is wrong */

	struct identity identity; /* the member's, and as text */
	char identity_text[NEUTRAL_TEXT];
	char *path;   /* the member's, its last slash a NUL */
	char *before; /* the member's before it */
	char *link;
	uint8_t *data;
	size_t room;
};

/* Reads the manifest from fd, a regular file at its beginning that stays the caller's.
 * `packed` is how long the archive is, by which it is judged whether what it announces
 * can be in it; UINT64_MAX where that is not known. -EPERM: not an archive of pycstash,
 * or none that this version may read. */
int archive_in_begin(struct archive_in *in, const char *name, int fd, uint64_t packed);

/* Reads the next member: 1; 0: that was all. -EPERM: the archive is refused. -EBADMSG: it
 * is cut off or damaged here, and nothing after it can be read; that is not printed, but
 * is in `broken`. -EIO: there is no room in memory for a file. */
int archive_in_next(struct archive_in *in);

/* After any of them, also where archive_in_begin has failed. */
void archive_in_release(struct archive_in *in);
