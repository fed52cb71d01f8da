/* SPDX-License-Identifier: MIT
 *
 * The bytecode that the cache and the layers have for a source, to be explained.
 */
#pragma once

#include "tools/base/names.h"

struct explain_which {
	/* "cpython-311+no_debug_ranges": for an interpreter. For a tool, a slash and the
	 * part of the names after the tag follow: "cpython-311/-pytest-7.2.1". */
	struct names found;
	struct names others; /* version folders that have no bytecode for it */
};

/* For a source, by its absolute path, at an optimization level ('\0', '1', '2'). */
struct explain_which explain_which(const char *source, char level);
