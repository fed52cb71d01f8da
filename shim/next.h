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
 * The constructor notes where the tables of these libraries are, and a name is looked up
 * when it is first called: most programs call few. Changes no errno. The pointers it
 * gives are for ever: nothing that is loaded at the start is unloaded.
 */
#pragma once

/* Notes the libraries after ours, up to libc, unless it has. From the constructor: it
 * takes the loader's lock. */
void next_begin(void);

/* Looks for one name; NULL if no library after ours has it, and before next_begin. A name
 * with 64 at its end that nobody has is the one without: libcs that always had 64-bit
 * offsets have no such names. Reads memory and does nothing else, so it may be called
 * anywhere. */
void *next_find(const char *name);

/* Likewise, in libc alone: no preload stands in front of what it gives. */
void *next_find_in_libc(const char *name);
