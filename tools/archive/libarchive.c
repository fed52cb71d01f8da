/* SPDX-License-Identifier: MIT
 *
 * The libarchive to load.
 */
#include "tools/archive/libarchive.h"

struct shared_library libarchive = {
	.soname = "libarchive.so.13", /* all releases since 3.0 have this name */
	.who = "archives need it (Debian: libarchive13)",
};
