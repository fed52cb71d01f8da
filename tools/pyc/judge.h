/* SPDX-License-Identifier: MIT
 *
 * The standing of an entry or an object: what the shim would think of it (docs/seal.md),
 * by the same code of core. Judging opens the file and stats the source; digests are
 * computed only on request. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shim/core/proof/seal.h"
#include "tools/cache/layout.h"

enum state {
	STATE_FRESH,  /* served: the seal is that of the source as it is */
	STATE_STALE,  /* the source changed; or, without JUDGE_DIGEST, may have changed in
			 content: its identity did, see judgement.touched */
	STATE_ORPHAN, /* there is no such source */
	STATE_UNSEALED, /* a program's own, or not proven: goes by Python's rules or not
			   at all */
	STATE_DAMAGED,	/* not whole */
	STATE_FOREIGN,	/* not ours: another user's, a name that we do not make, a newer
			   version's */
	STATES
};

extern const char *const state_names[STATES]; /* "fresh", … */

/* The state of that name, or STATES. */
enum state state_find(const char *name);

enum judge_flags {
	JUDGE_DIGEST = 1, /* read the source where only that tells fresh from stale */
	JUDGE_WHOLE = 2,  /* read all of the pyc and compare its checksum */
	JUDGE_LAYER = 4,  /* the file lies in a layer: it may be root's too */
};

struct judgement {
	enum state state;
	const char *why; /* a literal; NULL for a plain fresh */
	bool touched; /* fresh: same content, other identity; would be re-sealed. Stale:
			 not known to be, since the source was not, or cannot be, read */
	bool sealed;  /* seal is filled in */
	struct seal seal;
	struct stat st; /* of the file; all zeros where it could not be had */
	int error;	/* -errno where it could not be read; else 0 */
};

/* Judges the open file of an item: fd as opened by cache_openat. source is the absolute
 * path of its source, NULL for objects: an object is fresh where it is whole and its
 * digest is that of its name. */
struct judgement judge(
	const struct layout *item, int fd, const char *source, unsigned flags);

/* The same, opening `name` in dirfd without following a link. */
struct judgement judge_at(const struct layout *item, int dirfd, const char *name,
	const char *source, unsigned flags);
