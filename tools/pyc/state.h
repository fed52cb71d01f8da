/* SPDX-License-Identifier: MIT
 *
 * What a file of the cache is: the one classification that ls, show, verify, purge,
 * explain, export and gc (except of orphans, see gc/gc_orphans.c) go by. Whether
 * a source still fits is decided by core's own functions, so what is fresh here is served
 * by the library (docs/seal.md).
 *
 * Opens the file and stats its source; reads either in full only on request. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "shim/core/proof/seal.h"
#include "tools/cache/layout.h"
#include "tools/pyc/inspect.h"

enum state {
	STATE_FRESH,	/* served: its seal fits the source as it is now */
	STATE_STALE,	/* the source changed. Without STATE_DIGEST also where only its
			   identity did: see pyc_state.touched */
	STATE_ORPHAN,	/* its source does not exist */
	STATE_UNSEALED, /* no seal, and none is due: served by Python's own rules, or
			   never */
	STATE_DAMAGED,	/* not the bytes that were written, or unreadable: see error */
	STATE_FOREIGN,	/* not ours: another user's, an unknown name, a newer version's */
	STATES
};

extern const char *const state_names[STATES]; /* "fresh", … */

enum state_flags {
	STATE_DIGEST = 1, /* read the source where only its content decides */
	STATE_WHOLE = 2,  /* read the whole pyc and compare its checksum */
	STATE_LAYER = 4,  /* the file lies in a layer: root may own it too */
	STATE_PROVE = 8,  /* read the source even where its identity fits the seal */
};

struct pyc_state {
	enum state state;
	const char *why; /* a literal; NULL for a plain fresh */
	/* Fresh: same content, but another identity; would be re-sealed. Stale: only
	 * presumed, since the source was not or cannot be read. */
	bool touched;
	/* With STATE_PROVE: the source has the digest in the seal; it has another one,
	 * and the pyc would be served. */
	bool current, wrong;
	bool sealed; /* seal is filled in */
	struct seal seal;
	unsigned format; /* of the seal at the file's end, by any version; 0: none */
	struct stat st;	 /* of the file; all zeros where it could not be had */
	int error;	 /* -errno where the file could not be read; else 0 */
};

/* Classifies the open file of an item. source: the absolute path of its source, NULL for
 * objects: an object is fresh where it is whole and its digest is that of its name. */
struct pyc_state state_of(
	const struct layout *item, int fd, const char *source, unsigned flags);

/* The same, for a file that inspect (STATE_WHOLE) or inspect_end has read from fd. */
struct pyc_state state_of_inspected(const struct layout *item, int fd,
	const struct inspection *pyc, const char *source, unsigned flags);

/* The same, opening `name` in dirfd without following a link. */
struct pyc_state state_at(const struct layout *item, int dirfd, const char *name,
	const char *source, unsigned flags);

/* Writes the tag of the interpreter that an item is for: an object's name has none, but
 * its version has. "" where neither tells. */
void state_tag(const struct layout *item, char ret_tag[PYC_TAG_SIZE]);
