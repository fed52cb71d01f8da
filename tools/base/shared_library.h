/* SPDX-License-Identifier: MIT
 *
 * Shared objects that are loaded when they are first needed: with all that they are
 * linked to in turn they would multiply the start-up of every `pycstash run`, and a
 * machine that only runs programs need not have them.
 *
 *	struct shared_library libfoo = { .soname = "libfoo.so.1", .who = "…" };
 *
 *	int r = shared_library_load(&libfoo);
 *	...
 *	SHARED(libfoo, foo_open)(name);
 *
 * For one thread.
 */
#pragma once

struct shared_library {
	const char *soname;
	const char *alternative; /* what may be there instead, or NULL */
	const char *who; /* needs it, and where it comes from: "archives need it (…)" */
	void *handle;	 /* NULL: not loaded; it is never unloaded */
};

/* 0; -ENOSYS after reporting that there is none of that version. */
int shared_library_load(struct shared_library *library);

/* A function of a library that is loaded. */
#define SHARED(library, function) \
	((__typeof__(&(function)))shared_library_symbol(&(library), #function))

/* Its address. A library that is too old to have it ends the command, which says so. */
void *shared_library_symbol(const struct shared_library *library, const char *name);
