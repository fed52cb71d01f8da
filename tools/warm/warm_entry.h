/* SPDX-License-Identifier: MIT
 *
 * warm: one entry of the cache. Core decides what is served for a source, as it does in
 * the library (shim/place.c); new bytecode is stored by interpreters under the library
 * (warm_compile.c), and checked here afterwards.
 *
 * Begin, and look at one source after the other. A struct warm_entry belongs to one
 * thread at a time and must not be moved.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/map.h"
#include "shim/core/entry/entry.h"
#include "tools/warm/warm.h"

/* ".", and the digits of a number: what a temporary name is longer by. */
#define WARM_TEMPORARY_SUFFIX (sizeof "." - 1 + sizeof "18446744073709551615" - 1)

struct warm_entry {
	const struct warm *warm;
	struct warm_target *target;
	struct entry_world world;
	struct scratch scratch;
	struct entry entry;
	struct pyc_name pyc;
	struct map map; /* of path */
	bool blocked;	/* a link or a mount is in the way of the objects */
	char tree[sizeof PYCACHE "/" + NAME_MAX]; /* the entry's name below the sources */
	char path[2 * PATH_MAX]; /* in the cache; what follows its NUL is core's */
};

/* warm and target have to live as long. End frees what core has kept. */
void warm_entry_begin(
	struct warm_entry *entry, const struct warm *warm, struct warm_target *target);
void warm_entry_end(struct warm_entry *entry);

/* Looks at the source `name` ("m.py") in the directory with that absolute canonical path,
 * which is open as dirfd. Returns NULL, or the reason why it cannot have an entry.
 *
 * *ret is what a program would be served. Where there is an object, or an entry of the
 * same content, makes the entry from that. WARM_MISSING: the source has to be compiled.
 * WARM_FAILED: the entry could not be written, warm_entry_prepare may tell why. */
const char *warm_entry_look(struct warm_entry *entry, const char *directory, int dirfd,
	const char *name, enum warm_outcome *ret);

/* Makes the entry's directory and sees that one more file can be written there by each of
 * warm's interpreters. 0 or -errno. */
int warm_entry_prepare(struct warm_entry *entry);

/* After an interpreter has stored the entry: NULL if its seal proves that it belongs to
 * the source with that digest (NULL: not known). Otherwise deletes the entry, and the
 * object that it may have become, and returns what is wrong with it. */
const char *warm_entry_check(struct warm_entry *entry, const struct digest *compiled);

/* Appends to the cache's journal how much the target has made it grow. */
void warm_journal(const struct warm *warm, struct warm_target *target);
