/* SPDX-License-Identifier: MIT
 *
 * Files of the source tree that are in the program as strings. The Makefile lists them
 * and makes these definitions of them.
 */
#pragma once

/* Python scripts; and the part of a wrapper that puts the library into LD_PRELOAD. */
extern const char embedded_code[], embedded_recompile[], embedded_warm_worker[],
	embedded_canonical[];
extern const char embedded_wrap[];
extern const char embedded_wrap_gc[];

/* What `pycstash help COMMAND` prints below the options: tools/cmd/help/COMMAND.txt. The
 * table ends with {0}; a command may be missing there. */
extern const struct embedded_help {
	const char *command, *text;
} embedded_help[];
