/* SPDX-License-Identifier: MIT
 *
 * Finds the functions that our wrappers stand in front of, as dlsym(RTLD_NEXT) does: in
 * the first library after ours that has the name, in the version that programs are linked
 * to today.
 *
 * It does without dlsym, because no reference to dlsym works everywhere: before glibc
 * 2.34 it is in a library that a program need not have, and the symbol version that a new
 * glibc's linker records makes an older ld.so end the program. Besides, dlsym takes a
 * lock and memory for each name that it does not find. dl_iterate_phdr is in every libc,
 * and gives the libraries of the caller's own namespace.
 *
 * The constructor notes where the tables of these libraries are, and a name is looked up
 * when it is first called: most programs call few. Leaves errno alone. The pointers stay
 * valid for ever: nothing that is loaded at the start is unloaded.
 */
#pragma once

/* Notes the libraries after ours, up to libc; does nothing the second time. To be called
 * by the constructor, since it takes the loader's lock. */
void next_begin(void);

/* Looks up one name. Returns NULL if no library after ours has it, and before next_begin.
 * If nobody has a name that ends in 64, the name without the 64 is looked up: libcs that
 * always had 64-bit offsets have no such names. Only reads memory, so it may be called
 * anywhere. */
void *next_find(const char *name);

/* As next_find, but in libc alone: what it returns has no preload in front of it. */
void *next_find_in_libc(const char *name);

/* As next_find, but the program itself comes first. Finds nothing in what the program has
 * loaded with dlopen. */
void *next_find_in_program(const char *name);
