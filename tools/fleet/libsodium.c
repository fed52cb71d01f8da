/* SPDX-License-Identifier: MIT
 *
 * Names the libsodium to load.
 */
#include "tools/fleet/libsodium.h"

struct shared_library libsodium = {
	.soname = "libsodium.so.23",
	.who = "signatures need it (Debian: libsodium23)",
};
