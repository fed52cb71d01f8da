/* SPDX-License-Identifier: MIT
 *
 * Files of the source tree that are embedded in the program as strings. The Makefile
 * lists the files and generates the definitions.
 */
#pragma once

/* Python scripts; and two parts of a wrapper (wrap.sh, wrap_gc.sh). */
extern const char embedded_code[], embedded_recompile[], embedded_warm_worker[],
	embedded_canonical[];
extern const char embedded_wrap[];
extern const char embedded_wrap_gc[];

/* What `pycstash help COMMAND` prints below the options: tools/cmd/help/COMMAND.txt. The
 * table ends with {0}; not every command is in it. */
extern const struct embedded_help {
	const char *command, *text;
} embedded_help[];
