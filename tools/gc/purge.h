/* SPDX-License-Identifier: MIT
 *
 * One run of `pycstash purge`: what is meant, and what was done.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/cache/walk.h"
#include "tools/cli/common.h"
#include "tools/fleet/known.h"
#include "tools/gc/hardlinks.h"
#include "tools/gc/trash.h"
#include "tools/python/interpreters.h"
#include "tools/select/filter.h"
#include "tools/select/select.h"
#include "tools/stats/removed.h"

struct purge {
	struct common common;
	struct cache cache;
	struct select select;
	struct filter filter;
	const char *from_pack;		 /* the name of a pack */
	const struct known_object *pack; /* with it: what the pack holds */
	bool all, not_installed, print, no_reclaim;
	struct python *pythons; /* with not_installed */
	size_t python_count;
	int64_t began; /* nanoseconds since 1970 */
	struct freed freed;
	struct hardlinks links;	  /* of a dry run */
	struct removed removed;	  /* single files */
	uint64_t trees;		  /* that went by a rename */
	_Atomic(uint64_t) failed; /* named on stderr */
	pthread_mutex_t mutex;	  /* of stdout and of what follows */
	char **wholes;		  /* paths below the layout folder */
	size_t whole_count;
};

/* A version or tree that is to go as one. Thread-safe. */
void purge_whole(struct purge *purge, const char *path);

/* A file: deletes it, or counts it. Thread-safe. */
void purge_file(struct purge *purge, struct walk_dir *dir, const struct walk_file *file,
	const struct layout *item);

/* Deletes, or counts, the whole ones. 0; -EINTR: before all of them were gone; -EAGAIN:
 * not all of their space is free. */
int purge_wholes(struct purge *purge);

/* Prints what was done; r is how purge_wholes ended. */
void purge_report(const struct purge *purge, int r);
