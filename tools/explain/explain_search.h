/* SPDX-License-Identifier: MIT
 *
 * Private to this folder: one source while it is explained.
 */
#pragma once

#include <limits.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/layer.h"
#include "shim/core/cache/map.h"
#include "shim/core/cache/root.h"
#include "shim/core/entry/entry.h"
#include "tools/explain/explain.h"

struct explain_search {
	const struct explain_subject *subject;
	struct explanation *explanation;
	struct config config;
	struct sys sys;
	enum root_state store;
	char *directory; /* of the source, as given */
	char name[NAME_MAX + 1];
	struct pyc_name pyc;
	char path[PATH_MAX]; /* of the entry; core writes after it */
	struct map map;	     /* how that is put together */
	struct source source;
	/* what there is one of in a process */
	struct scratch scratch;
	struct pending pending, created;
	atomic_uint watching;
	atomic_bool cannot_clone;
	_Atomic uint32_t magic;
	struct source_clock clock;
	struct layers layers;
};

#define STEP(search, state, name, ...) \
	findings_add(&(search)->explanation->steps, FINDING_##state, name, __VA_ARGS__)

/* The directory below which the interpreter keeps its bytecode, instead of in each
 * __pycache__; NULL: it does not. */
const char *explain_prefix(const char *tag);

/* Why the interpreter does not take an open pyc, which it would compile for, as a
 * literal; NULL: it does. *ret_kind: what the pyc goes by. */
const char *explain_rejects(
	const struct explain_search *search, int fd, enum header_kind *ret_kind);

/* Whether the source has a name that Python itself imports. */
bool explain_is_py(const struct explain_search *search);

/* Stats and reads the source. */
void explain_read_source(struct explain_search *search);

/* After core was asked: adds the steps that tell what there is. */
void explain_see(struct explain_search *search);

/* Instead of both, where the library leaves it alone: what Python does then. */
void explain_alone(struct explain_search *search);
