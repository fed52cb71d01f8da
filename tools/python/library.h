/* SPDX-License-Identifier: MIT
 *
 * Finds libpycstash.so, and puts it into LD_PRELOAD without disturbing other entries.
 * ld.so takes a list separated by spaces or colons, expands `$ORIGIN`, `$LIB` and
 * `$PLATFORM` in it, and knows no quoting.
 *
 * The caller frees the strings that are returned. Functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>

#define LIBRARY_NAME "libpycstash.so"
#define LIBRARY_SEPARATORS " :"

/* Set in the environment of a command that was started with the library loaded and has
 * restarted itself without it. */
#define LIBRARY_LEFT "PYCSTASH_PRELOADED"

/* Finds the library's absolute path: `given` if that is not NULL, else beside this
 * program, else where it is installed. On failure, *ret_why is a sentence that says
 * what is wrong and which places were searched. Returns -ENOENT if it is not there,
 * -EINVAL if LD_PRELOAD cannot express its name, -EPERM if it was found where another
 * user could have put it, beside a command that only this user and root can change. */
int library_find(const char *given, char **ret_path, char **ret_why);

/* Returns the value of LD_PRELOAD with the library in front. The entries of `before`
 * (NULL: unset) keep their order, except that entries for this library, under any name,
 * are removed. If library is NULL, entries are only removed; returns NULL if none is
 * left. */
char *library_preload(const char *library, const char *before);

/* Puts the library (see library_find) into LD_PRELOAD, for the programs that this
 * process runs or becomes. Returns 0, or -errno after reporting why not. Unless `given`
 * is set, an existing entry that contains `$LIB` and leads to a library of this name is
 * kept: it gives each program the library of its own word size. If the library is
 * installed for several architectures, such an entry is what is exported. */
int library_export(const char *given);

/* Returns why ld.so cannot load the library into that program, as a sentence that the
 * caller frees. Returns NULL if ld.so can load it, or if the file is not a program. */
char *library_obstacle(const char *program);

/* Returns whether the value of LD_PRELOAD has an entry with the library's name. */
bool library_is_in(const char *preload);

/* Returns the next library in a list like LD_PRELOAD that cannot be read, so that ld.so
 * would go on without it; NULL if there is none. Cuts the list into pieces, as strsep
 * does. */
const char *library_next_missing(char **list);
