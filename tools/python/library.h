/* SPDX-License-Identifier: MIT
 *
 * Where libpycstash.so is, and how it gets into LD_PRELOAD beside what others put
 * there. ld.so takes a list separated by spaces or colons, expands `$ORIGIN`, `$LIB`
 * and `$PLATFORM` in it, and knows no quoting.
 *
 * Strings that are returned belong to the caller, who frees them. Functions return 0
 * or -errno.
 */
#pragma once

#include <stdbool.h>

#define LIBRARY_NAME "libpycstash.so"
#define LIBRARY_SEPARATORS " :"

/* Set in the environment of a command that has started again without the library, which
 * was loaded into it. */
#define LIBRARY_LEFT "PYCSTASH_PRELOADED"

/* The library's absolute path: `given` if that is not NULL, else beside this program,
 * else where it is installed. On failure *ret_why is a sentence saying what is wrong
 * and where it was looked for:
 * -ENOENT not there; -EINVAL a name that ld.so could not be told. */
int library_find(const char *given, char **ret_path, char **ret_why);

/* LD_PRELOAD's value with the library in front. The entries of `before` (NULL: unset)
 * keep their order, save those that are this library, under any name. Without
 * a library (NULL) they are only taken out; NULL then if none is left. */
char *library_preload(const char *library, const char *before);

/* Puts the library (see library_find) into LD_PRELOAD, for what this process runs or
 * becomes. 0; -errno after reporting why not. An entry with `$LIB` that is there already
 * and leads to a library of this name stays, unless one is given: with it each program
 * gets the library of its own word size. It is also what is exported where the library is
 * installed for several architectures. */
int library_export(const char *given);

/* Why ld.so cannot load the library into that program: a sentence that the caller frees.
 * NULL: it can, or the file is no program. */
char *library_obstacle(const char *program);

/* Whether LD_PRELOAD's value has an entry of the library's name. */
bool library_is_in(const char *preload);

/* The next library in a list as in LD_PRELOAD that cannot be read, so that ld.so goes on
 * without it; NULL: there is none. Cuts the list into pieces, as strsep does. */
const char *library_next_missing(char **list);
