/* SPDX-License-Identifier: MIT
 *
 * Finds the functions that our own stand in front of, as dlsym(RTLD_NEXT) does: the
 * first library after ours that has the name, in the version that programs are linked to
 * today.
 *
 * Without dlsym, because no reference to it works everywhere: before glibc 2.34 it is in
 * a library that a program need not have, and the version that a new glibc's linker asks
 * for makes an older ld.so end the program. And dlsym takes a lock and memory for each
 * name that it does not find. dl_iterate_phdr is in every libc, and gives the libraries
 * of the caller's own namespace.
 *
 * Changes no errno. Takes the loader's lock, so not for wrappers once the constructor has
 * run. The pointers it gives are for ever: nothing that is loaded at the start is
 * unloaded.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One name that is looked for, and what was found, or NULL. */
struct next {
	void *found;
	const char *name;
	uint32_t hash;
};

/* Looks for `count` names, which lie one after the other in `names`, each with its NUL,
 * and puts what it finds into ret_next. A name with 64 at its end that nobody has is
 * what the name before it is, if that is the same without the 64: libcs that always had
 * 64-bit offsets have no such names. */
void next_find_all(struct next *ret_next, const char *names, size_t count);

/* Looks for one name. NULL if no library after ours has it. */
void *next_find(const char *name);
