/* SPDX-License-Identifier: MIT
 *
 * Private to this folder: the state while one source is explained.
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
	char path[4 * PATH_MAX]; /* of the entry; core uses the space after it */
	struct map map;		 /* how the path is composed */
	struct source source;
	int error; /* of looking at it: 0 or -errno */
	/* what a process has one of */
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

/* Returns the directory in which the interpreter keeps all of its bytecode, instead of
 * in each `__pycache__`; NULL if it does not. */
const char *explain_prefix(const char *tag);

/* Returns why the interpreter does not accept an open pyc and would compile instead, as
 * a literal; NULL if it accepts it. *ret_kind: how the pyc is validated. */
const char *explain_rejects(
	const struct explain_search *search, int fd, enum header_kind *ret_kind);

/* Returns whether the source has a name that Python itself imports. */
bool explain_is_py(const struct explain_search *search);

/* Stats and reads the source. */
void explain_read_source(struct explain_search *search);

/* To be called after asking core: adds the steps that show which files exist. */
void explain_see(struct explain_search *search);

/* Used instead of both if the library leaves the source alone: adds what Python does
 * then. */
void explain_alone(struct explain_search *search);
