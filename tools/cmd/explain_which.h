/* SPDX-License-Identifier: MIT
 *
 * Which bytecode the cache and the layers have of a source, to be explained.
 */
#pragma once

/* Lists that end with NULL; NULL where they are empty. Left to the end of the process. */
struct explain_which {
	/* "cpython-311+no_debug_ranges": an interpreter's; with a slash and what stands
	 * after the tag in their names, a tool's: "cpython-311/-pytest-7.2.1". */
	char **found;
	char **others; /* version folders that have none of it */
};

/* Of a source, by its absolute path, at a level of optimization ('\0', '1', '2'). */
struct explain_which explain_which(const char *source, char level);
