/* SPDX-License-Identifier: MIT
 *
 * Names the libcurl to load.
 */
#include "tools/fleet/libcurl.h"

struct shared_library libcurl = {
	.soname = "libcurl.so.4",
	.alternative = "libcurl-gnutls.so.4", /* Debian's, with the same functions */
	.who = "stores on servers need it (Debian: libcurl4)",
};
