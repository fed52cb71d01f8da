/* SPDX-License-Identifier: MIT
 *
 * Taking what others have compiled from a store into a cache: each pack once, with keys
 * only what one of them has signed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/cache/cache.h"
#include "tools/cli/opt.h"
#include "tools/fleet/minisign.h"

struct pull {
	const struct cache *cache;
	const char *url;
	struct minisign_keys keys; /* of whom packs are taken; none: of anybody */
	struct opt_list wanted;	   /* only what serves sources below these */
	bool layer;		   /* the cache is a layer, of which nothing is counted */
	bool dry_run;

	uint64_t packs, known, unwanted, refused; /* how many packs were what */
	uint64_t objects, bytes;		  /* put there */
	uint64_t packed;			  /* bytes that came */
};

/* 0 or -errno after reporting what is wrong; a pack that is refused is reported, counted
 * and passed over. */
int pull_run(struct pull *pull);

/* The same for a program that is to start whatever happens: where the store, or a pack in
 * it, has failed in the last minutes, nothing is asked for, and that it fails is only
 * reported. */
void pull_before_start(struct pull *pull);
