/* SPDX-License-Identifier: MIT
 *
 * Runs a Python script in an interpreter and reads its answer. Unless the script does so
 * itself, nothing is imported from the working directory, which may be anybody's; and
 * the interpreter stays there, since a script that stands in for one (of pyenv) may
 * choose by the directory.
 *
 * One call at a time (subprocess.h).
 */
#pragma once

#include <stddef.h>

#include "tools/base/subprocess.h"

/* How long a script may take, in seconds. */
#define SCRIPT_SECONDS 30

/* How long an interpreter that loads code may use no processor time: if it waits for
 * anything, that is what forged bytecode has made of its memory. */
#define SCRIPT_IDLE_MS 10000

/* Memory for an interpreter that loads code; no source takes nearly as much. */
#define SCRIPT_MEMORY_MOST (UINT64_C(2) << 30)

/* The same if the code has that many bytes. Loading takes less than that, unless the code
 * announces more than it has. */
uint64_t script_memory(uint64_t size);

struct script {
	const char *python;	    /* path of the interpreter */
	const char *flags;	    /* options in one word, such as "-IS"; may be NULL */
	const char *code;	    /* finds sys imported */
	const char *const *words;   /* sys.argv[1:], ending with NULL; may be NULL */
	const char *const *changes; /* of the environment (subprocess.h); may be NULL */
	int seconds;
	uint64_t memory; /* in bytes; 0: no limit */
};

/* Runs a script, as subprocess_run does. */
int script_start(const struct script *script, struct answer *ret_answer);

/* Does the same with a script whose answer consists of fields, one to a line and in hex,
 * since a field may contain any byte but NUL. On success, `fields` holds `count` fields.
 * Returns 0; -errno if it cannot be run; -EPROTO if the answer has another form;
 * -ENOEXEC if the script failed, and then *ret_reason, which the caller frees, says
 * why. */
int script_run(
	const struct script *script, char *fields[], size_t count, char **ret_reason);
