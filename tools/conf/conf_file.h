/* SPDX-License-Identifier: MIT
 *
 * A configuration file: lines `key = value`, empty lines, and comments, which begin with
 * #. There is no quoting: a value extends from the first `=` to the end of the line,
 * without the surrounding blanks.
 *
 * Functions return 0 or -errno unless they say otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Opens a regular file for reading if only this user and root can change it (trust.h).
 * path is absolute. Does not wait for the writer of a FIFO. -ENOENT: there is no file for
 * this user. -EPERM: *ret_why, which the caller frees, says who could change it; it is
 * NULL with other errors. */
int conf_file_open(const char *path, FILE **ret_file, char **ret_why);

/* Splits a line in place. Returns 1 for a setting, 0 for an empty line or a comment,
 * -EINVAL for anything else. */
int conf_line(char *line, char **ret_key, char **ret_value);

/* Returns true if the file has a line with that key; false also if it cannot be read. */
bool conf_file_has(const char *path, const char *key);

/* Replaces the file by one in which that key has the value (in the key's first line, or
 * in a new line at the end; its other lines are removed), or in which no line has the key
 * if value is NULL. All other lines are kept, and so are the file's group, mode and ACL
 * (-EPERM if the user may not give it that group, -EINVAL if the group has no number in
 * this user namespace). A missing file is created with `mode`, a missing directory with
 * 0700. Readers see either the whole old file or the whole new one. -EAGAIN: another
 * process has been changing it for LOCK_PATIENCE (lock.h). value must not
 * contain a line feed. Nothing is created or changed below an untrusted directory: errors
 * are as for conf_file_open. */
int conf_file_set(const char *path, mode_t mode, const char *key, const char *value,
	char **ret_why);
