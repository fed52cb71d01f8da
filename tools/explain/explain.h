/* SPDX-License-Identifier: MIT
 *
 * What the library would do for a source now, and why: core's own entry_open, run so that
 * it changes nothing, and the steps that lead to its verdict.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shim/core/stats/verdict.h"
#include "tools/base/findings.h"

/* Which source, for which interpreter. */
struct explain_subject {
	const char *source;  /* absolute; its directory as a program names it */
	const char *tag;     /* of the interpreter */
	const char *variant; /* of its folder: "" or "+no_debug_ranges" */
	const char *tool;    /* after the tag, in names that a tool makes up for its own
				bytecode: "-pytest-8.3.0"; "": the interpreter's own */
	const char *python;  /* its path; NULL where only the tag is known */
	uint8_t magic[4];    /* of the interpreter; zeros where it is not known */
	char level;	     /* of optimization: '\0', '1' or '2' */
};

struct explanation {
	/* Ok: it serves the source, or permits that; warn: it does not, and the search
	 * goes on; fail: it ends the search. */
	struct findings steps;
	enum verdict verdict;
	bool served;	      /* and the interpreter accepts it */
	const char *unfit;    /* what to do where there is nothing to import, a literal;
				 NULL:    there is a source */
	bool alone;	      /* the library does nothing; Python looks for its own pyc */
	const char *rejected; /* why Python does not accept the pyc, a literal; or NULL */
	char *obstacle;	      /* what keeps an import from leaving an entry, and what to
				 do about it; NULL: nothing */
	char *pyc;	      /* the path a program asks for */
	char *entry;	      /* its path in the cache; NULL where it cannot be there */
};

/* Uses the settings in the environment. 0 or -errno. */
int explain(const struct explain_subject *subject, struct explanation *ret);
