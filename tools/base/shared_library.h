/* SPDX-License-Identifier: MIT
 *
 * Shared objects that are loaded when they are first needed. If they were linked, they
 * and their own dependencies would multiply the start-up time of every `pycstash run`,
 * and even a machine that only runs programs would need them.
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
	const char *alternative; /* an alternative soname, or NULL */
	const char *who;	 /* for the message: "archives need it (PACKAGE)" */
	void *handle;		 /* NULL: not loaded; it is never unloaded */
};

/* Returns 0, or -ENOSYS after reporting that there is no library of that version. */
int shared_library_load(struct shared_library *library);

/* A function of a loaded library. */
#define SHARED(library, function) \
	((__typeof__(&(function)))shared_library_symbol(&(library), #function))

/* The address of a function. If the library is too old to have it, reports that and ends
 * the command. */
void *shared_library_symbol(const struct shared_library *library, const char *name);
