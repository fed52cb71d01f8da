/* SPDX-License-Identifier: MIT
 *
 * Puts what a cache has compiled into a store.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/cache/cache.h"
#include "tools/cli/common.h"
#include "tools/fleet/pack.h"

struct push {
	/* what the command line asks for */
	struct common common;
	const char *url;
	const char *sign; /* the file with the secret key, or NULL */
	int64_t expires;  /* seconds from now; 0: the signature never expires */
	int64_t compact;  /* seconds: push what was used in that time; 0: what is new */
	bool public_only;

	struct cache cache;

	/* what was pushed, or would be in a dry run */
	char name[PACK_NAME_SIZE]; /* "" if there was nothing */
	uint64_t objects, bytes, packed;
	uint64_t unread; /* what could not be read, and was named on stderr */
	uint64_t hidden; /* objects whose sources other users may not read; they are
			    pushed too, or left out with public_only */
};

/* Returns 0, or -errno after reporting what is wrong. */
int push_run(struct push *push);
