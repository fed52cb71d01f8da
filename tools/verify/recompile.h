/* SPDX-License-Identifier: MIT
 *
 * Compares pycs with what a real interpreter compiles from their sources now. One
 * process handles many pycs, and executes neither the pycs nor the sources. It gets their
 * bytes and opens nothing, so what is compiled is what has the digest in the seal,
 * whatever the owner of the source does meanwhile. Whatever nobody says is the same, or
 * different, counts as uncompared.
 *
 * Marshal can write the same code in more than one way (references, interned strings),
 * so code objects are compared instead of bytes; co_filename is ignored. Releases with
 * the same magic number may compile differently, so a pyc counts as different only if
 * every interpreter found with its tag, magic number and release says so, or cannot load
 * or compare it, but what it compiles from the same source. If none of its release is
 * found, any other may say that it is the same, but not that it is different.
 *
 * A struct recompile begins with an initialized mutex and its callback. After
 * recompile_begin, any thread may call recompile_add; the rest is for one thread.
 * Functions return 0 or -errno.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "shim/core/proof/seal.h"
#include "shim/core/stats/journal.h"
#include "tools/python/interpreters.h"

/* The pycs of one tag, magic number and release, with a variant or without. */
struct recompile_group {
	char version[JOURNAL_VERSION_SIZE]; /* of the first */
	uint8_t magic[4];
	unsigned release; /* release_of the interpreter; 0 if it is not known */
	FILE *spool; /* of each: pyc, source, level, each followed by a NUL; NULL: there
			is no interpreter for them */
	uint64_t count;
};

struct recompile {
	pthread_mutex_t mutex;
	struct python *pythons; /* all that were found */
	size_t python_count;
	struct recompile_group *groups;
	size_t count;
	uint64_t others; /* pycs without an interpreter that are in no group */
	int error;	 /* a pyc could not be added: then nothing is compared */
	int input;	 /* while it runs: what interpreters read code and sources from */
	/* Called for each pyc that is different, once all with its magic number were
	 * compared. seen: the file that was compared. */
	void (*different)(void *context, const char *pyc, const char *source,
		const struct stat *seen, const char *why);
	void *context;
	uint64_t compared;
	uint64_t gone;	     /* deleted meanwhile */
	uint64_t uncompared; /* all others, which are reported on stderr */
};

/* Looks for interpreters, which it runs (interpreters.h). */
void recompile_begin(struct recompile *recompile);

/* Adds a pyc to compare, with its seal and its source. level: opt level, '1', '2' or
 * '\0'. After an error, which is kept in `error`, it adds nothing more. */
int recompile_add(struct recompile *recompile, const char *version,
	const struct seal *seal, const char *pyc, const char *source, char level);

/* Compares all pycs, and reports on stderr what could not be compared. Returns -EINTR if
 * it was interrupted. To be called once. */
int recompile_run(struct recompile *recompile);
