/* SPDX-License-Identifier: MIT
 *
 * Takes what other hosts have compiled from a store into a cache. Takes each pack once,
 * and with keys only packs that one of them has signed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/archive/brought.h"
#include "tools/cache/cache.h"
#include "tools/cli/common.h"
#include "tools/fleet/minisign.h"

struct pull {
	/* what the command line asks for */
	struct common common;
	const char *url;
	const char *layer;	/* the cache is a layer, which has no counters */
	const char *verify_key; /* a file with public keys */
	struct opt_list wanted; /* only packs that serve sources below these paths */
	bool strict;

	bool absent;  /* there is no directory or bucket of that name */
	bool hurried; /* a program must start: wait for no lock */
	const struct cache *cache;
	struct brought *brought;   /* of what was put there */
	struct minisign_keys keys; /* of trusted signers; none: take any pack */

	uint64_t packs, known, unwanted, refused; /* number of packs with each outcome */
	uint64_t objects, bytes;		  /* stored in the cache */
	uint64_t kept;	    /* objects that were left out, since the cache has its own */
	uint64_t differing; /* of these: it has other bytecode, from another pack */
	uint64_t packed;    /* bytes transferred */
	uint64_t unseen; /* wanted sources that could not be looked at, named on stderr */
};

/* Returns 0, or -errno after reporting what is wrong. A pack that is refused is
 * reported, counted and skipped. */
int pull_run(struct pull *pull);

/* Does the same for a program that must start whatever happens. If the store, or a pack
 * in it, has failed in the last minutes, asks for nothing. A failure is only
 * reported. */
void pull_before_start(struct pull *pull);
