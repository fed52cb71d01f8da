/* SPDX-License-Identifier: MIT
 *
 * What the library would do for a source now, and why. Runs core's own entry_open so
 * that it changes nothing, and collects the steps that lead to its verdict.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shim/core/stats/verdict.h"
#include "tools/base/findings.h"

/* The source, and the interpreter that would import it. */
struct explain_subject {
	const char *source;  /* absolute; its directory as a program would name it */
	const char *tag;     /* of the interpreter */
	const char *variant; /* suffix of the version folder: "" or "+no_debug_ranges" */
	const char *tool; /* what a tool adds to the tag in the names of its own bytecode:
			     "-pytest-8.3.0"; "": the interpreter's own bytecode */
	const char *python; /* the interpreter's path; NULL if only the tag is known */
	uint8_t magic[4];   /* of the interpreter; zeros if unknown */
	uint8_t release;    /* release_of the interpreter; 0 if unknown */
	char level;	    /* opt level: '\0', '1' or '2' */
};

struct explanation {
	/* OK: the step serves the source or allows serving it. WARN: it does not, and
	 * the search goes on. FAIL: it ends the search. */
	struct findings steps;
	enum verdict verdict;
	/* -errno of any look that failed, and that the library may make: there
	 * is no verdict, and nothing is said to be served. 0: all was looked at. */
	int unseen;
	bool served;	   /* and the interpreter accepts the bytecode */
	const char *unfit; /* what to do if there is nothing to import, a literal; NULL:
			      there is a source */
	bool alone; /* the library does nothing, and Python looks for its own pyc */
	const char *rejected; /* why Python does not accept the pyc, a literal; or NULL */
	char *obstacle; /* what keeps an import from leaving an entry, and the remedy;
			   NULL: nothing */
	char *pyc;	/* the path that a program asks for */
	char *entry;	/* the entry's path in the cache; NULL if it cannot have one */
};

/* Uses the settings in the environment. Returns 0 or -errno. The strings are left to the
 * end of the process. For one thread. */
int explain(const struct explain_subject *subject, struct explanation *ret);
