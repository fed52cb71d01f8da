/* SPDX-License-Identifier: MIT
 *
 * Determines what kind of file an interpreter is: a program, a script that starts one
 * (such as a pyenv shim), or a wrapper that `pycstash wrap` printed. Thread-safe.
 */
#pragma once

/* The second line of a wrapper begins with this. */
#define WRAPPER_MARK "# pycstash wrapper"

enum file_kind {
	FILE_OTHER, /* not something that the kernel executes */
	FILE_ELF,
	FILE_SCRIPT,  /* begins with #! */
	FILE_WRAPPER, /* also begins with #!, and is one of ours */
};

/* Returns an enum file_kind or -errno. For the two kinds that begin with #!, stores the
 * first line without its newline in *ret_line, which the caller frees. */
int file_kind(const char *path, char **ret_line);
