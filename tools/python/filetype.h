/* SPDX-License-Identifier: MIT
 *
 * What kind of file an interpreter is: a program, a script that starts one (a pyenv
 * shim), or a wrapper that `pycstash wrap` printed. Thread-safe.
 */
#pragma once

/* The second line of a wrapper begins with this. */
#define WRAPPER_MARK "# pycstash wrapper"

enum file_kind {
	FILE_OTHER, /* neither: not something the kernel executes */
	FILE_ELF,
	FILE_SCRIPT,  /* begins with #! */
	FILE_WRAPPER, /* likewise, and is one of ours */
};

/* Returns an enum file_kind or -errno. For the two that begin with #!, *ret_line becomes
 * their first line without its end, which the caller frees. */
int file_kind(const char *path, char **ret_line);
