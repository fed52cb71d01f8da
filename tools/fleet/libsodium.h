/* SPDX-License-Identifier: MIT
 *
 * libsodium, loaded when it is first needed (shared_library.h). All releases of its ABI
 * work without sodium_init, which only chooses faster code.
 */
#pragma once

#include <sodium.h>

#include "tools/base/shared_library.h"

extern struct shared_library libsodium;

#define LIBSODIUM(function) SHARED(libsodium, function)
