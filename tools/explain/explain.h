/* SPDX-License-Identifier: MIT
 *
 * What the library would do with a source now, and why: the library's own protocol
 * (entry.c of core), run so that it changes nothing, and what can be seen on the way.
 *
 * Functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shim/core/python/pyc.h"
#include "shim/core/stats/verdict.h"
#include "tools/base/findings.h"

/* Who asks for which source. */
struct explain_subject {
	const char *source;  /* absolute; its directory as a program spells it */
	const char *tag;     /* of the interpreter */
	const char *variant; /* of its folder: "" or "+no_debug_ranges" */
	const char *python;  /* its path; NULL where only the tag is known */
	uint8_t magic[4];    /* of the interpreter; zeros where it is not known */
	char level;	     /* of optimization: '\0', '1' or '2' */
};

struct explanation {
	/* Steps. Ok: serves or permits it; warn: does not, and the search goes on; fail:
	 * ends it. */
	struct findings steps;
	enum verdict verdict;
	bool served; /* and the interpreter takes it */
	bool no_source;
	bool alone; /* the library does nothing: Python finds a pyc, or does not */
	const char *rejected; /* why Python does not take the pyc, a literal; or NULL */
	char *pyc;	      /* the path a program asks for */
	char *entry;	      /* where that is in the cache; NULL where it has no place */
};

/* Goes by the settings in the environment. */
int explain(const struct explain_subject *subject, struct explanation *ret);
void explanation_release(struct explanation *explanation);
