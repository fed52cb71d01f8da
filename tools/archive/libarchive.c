/* SPDX-License-Identifier: MIT
 *
 * Which libarchive.
 */
#include "tools/archive/libarchive.h"

struct shared_library libarchive = {
	.soname = "libarchive.so.13", /* of all releases since 3.0 */
	.who = "archives need it (Debian: libarchive13)",
};
