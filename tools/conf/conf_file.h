/* SPDX-License-Identifier: MIT
 *
 * A configuration file: lines `key = value`, empty ones, and comments, which have # as
 * their first character. There is no quoting: a value is what stands between the first
 * `=` and the end of the line, without the blanks around it.
 *
 * Functions return 0 or -errno unless they say otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Opens a regular file for reading if only this user and root can change it (trust.h).
 * path is absolute. It does not wait for the writer of a FIFO. -ENOENT: there is no file
 * for this user. -EPERM: *ret_why says who could change it, and is freed by the caller;
 * it is NULL with other errors. */
int conf_file_open(const char *path, FILE **ret_file, char **ret_why);

/* Takes a line apart, in place. 1: a setting; 0: nothing; -EINVAL: neither. */
int conf_line(char *line, char **ret_key, char **ret_value);

/* Whether that key is in a line of the file; false also where it cannot be read. */
bool conf_file_has(const char *path, const char *key);

/* Replaces the file by one in which that key has the value (in the key's first line, or
 * in a new one at the end; its other lines go), or is in no line if value is NULL. All
 * other lines and the file's mode stay; a missing file is made with `mode`, a missing
 * directory with 0700. Readers see all of the old file or all of the new one. value has
 * no line feed. Nothing is made or changed below a directory that is not trusted: errors
 * are as for conf_file_open. */
int conf_file_set(const char *path, mode_t mode, const char *key, const char *value,
	char **ret_why);
