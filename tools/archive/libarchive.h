/* SPDX-License-Identifier: MIT
 *
 * libarchive, loaded when it is first needed (shared_library.h).
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "tools/base/shared_library.h"

extern struct shared_library libarchive;

#define LIB(function) SHARED(libarchive, function)
