/* SPDX-License-Identifier: MIT
 *
 * warm: one entry of the cache. Core decides what is served for a source, as it does in
 * the library (shim/place.c). Interpreters under the library store new bytecode
 * (warm_compile.c), which is checked here afterwards.
 *
 * After warm_entry_begin, look at one source after the other. A struct warm_entry
 * belongs to one thread at a time and must not be moved.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/map.h"
#include "shim/core/entry/entry.h"
#include "tools/warm/warm.h"

/* The length of what a temporary name has at its end: "." and the digits of a
 * number. */
#define WARM_TEMPORARY_SUFFIX (sizeof "." - 1 + sizeof "18446744073709551615" - 1)

struct warm_entry {
	const struct warm *warm;
	struct warm_target *target;
	struct entry_world world;
	struct scratch scratch;
	struct entry entry;
	struct pyc_name pyc;
	struct map map; /* describes path */
	bool blocked;	/* a link or a mount blocks the way to the objects */
	char tree[sizeof PYCACHE "/" + NAME_MAX]; /* the entry's name, relative to the
						     directory of the sources */
	char path[2 * PATH_MAX]; /* in the cache; core uses the space after its NUL */
};

/* warm and target must live as long as the entry. warm_entry_end frees what core has
 * kept. */
void warm_entry_begin(
	struct warm_entry *entry, const struct warm *warm, struct warm_target *target);
void warm_entry_end(struct warm_entry *entry);

/* Says why dirs_open could not open a directory of sources. */
const char *warm_entry_why_not(int error);

/* Looks at the source `name` ("m.py") in the directory with that absolute canonical
 * path, which is open as dirfd. Returns NULL, or the reason why the source cannot have
 * an entry, a literal.
 *
 * *ret says what a program would be served. If there is an object, or an entry of the
 * same content, creates the entry from it. WARM_MISSING: the source has to be compiled.
 * WARM_FAILED: the entry could not be written; warm_entry_prepare may tell why. */
const char *warm_entry_look(struct warm_entry *entry, const char *directory, int dirfd,
	const char *name, enum warm_outcome *ret);

/* Creates the entry's directory and checks that each of warm's interpreters can write
 * one more file there; creates no file. Returns 0 or -errno: -ENOSPC if there is too
 * little space. */
int warm_entry_prepare(struct warm_entry *entry);

/* To be called after an interpreter has stored the entry. Returns NULL if the entry's
 * seal proves that it belongs to the source with that digest (NULL: unknown). Otherwise
 * deletes the entry, and the object that it may have become, and returns what is wrong
 * with it. */
const char *warm_entry_check(struct warm_entry *entry, const struct digest *compiled);

/* Appends to the cache's journal how much the cache has grown for this target. */
void warm_journal(const struct warm *warm, struct warm_target *target);
