/* SPDX-License-Identifier: MIT
 *
 * Classifies a file of the cache. This is the only classification: ls, show, verify,
 * purge, explain and export use it, and so does gc (except for orphans, see
 * gc/gc_orphans.c). Core's own functions decide whether a source still fits, so the
 * library serves what is fresh here (docs/seal.md).
 *
 * Opens the file and stats its source; reads either in full only on request.
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "shim/core/proof/seal.h"
#include "tools/cache/layout.h"
#include "tools/pyc/inspect.h"

enum state {
	STATE_FRESH, /* served: its seal fits the source as it is now */
	STATE_STALE, /* the source changed; without STATE_DIGEST perhaps only its identity
			did: see pyc_state.touched */
	STATE_ORPHAN,	/* its source does not exist */
	STATE_UNSEALED, /* it has no seal and needs none: it is served by Python's own
			   rules, or never */
	STATE_DAMAGED,	/* not the bytes that were written */
	STATE_FOREIGN,	/* not ours: another user's, an unknown name, a newer version's */
	STATES,
	/* An error is no state: nobody could look at the file, or at its source. */
	STATE_UNKNOWN = STATES
};

extern const char *const state_names[STATES]; /* "fresh", … */
/* The same, and "unknown". */
const char *state_name(enum state state);

enum state_flags {
	STATE_DIGEST = 1, /* read the source if only its content decides */
	STATE_WHOLE = 2,  /* read the whole pyc and compare its checksum */
	STATE_LAYER = 4,  /* the file lies in a layer: root may own it too */
	STATE_PROVE = 8,  /* read the source even if its identity fits the seal */
};

struct pyc_state {
	enum state state;
	const char *why; /* a literal; NULL if there is nothing to add to "fresh" */
	/* If fresh: the source has the same content and another identity, so the entry
	 * would be re-sealed. If stale: only presumed, since the source was not or
	 * cannot be read. */
	bool touched;
	/* With STATE_PROVE. current: the source has the digest in the seal. wrong: it
	 * has a different digest, and the pyc would be served. */
	bool current, wrong;
	bool sealed; /* seal is filled in */
	struct seal seal;
	unsigned format; /* of the seal at the end, of any version; 0: no seal */
	struct stat st;	 /* of the file; all zeros if it could not be read */
	/* -errno if the file could not be read, or, if the state is unknown, its source
	 * could not be looked at; else 0. A file that vanishes is unknown: -ENOENT. */
	int error;
};

/* Classifies the open file of an item. source: the absolute path of its source; NULL
 * for objects. An object is fresh if it is whole and its digest is the one in its
 * name. */
struct pyc_state state_of(
	const struct layout *item, int fd, const char *source, unsigned flags);

/* Does the same for a file that inspect (STATE_WHOLE) or inspect_end has read from
 * fd. */
struct pyc_state state_of_inspected(const struct layout *item, int fd,
	const struct inspection *pyc, const char *source, unsigned flags);

/* Does the same, opening `name` in dirfd without following a link. */
struct pyc_state state_at(const struct layout *item, int dirfd, const char *name,
	const char *source, unsigned flags);

/* Writes the tag of the interpreter that an item is for. An object's name has no tag,
 * but its version does. Writes "" if neither has one. */
void state_tag(const struct layout *item, char ret_tag[PYC_TAG_SIZE]);
