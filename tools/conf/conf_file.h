/* SPDX-License-Identifier: MIT
 *
 * A configuration file: lines `key = value`, empty ones, and comments, which have # as
 * their first letter. There is no quoting: a value is what stands between the first `=`
 * and the end of the line, without the blanks around it.
 *
 * Functions return 0 or -errno unless they say otherwise.
 */
#pragma once

#include <stdio.h>

/* Opens a regular file for reading if nobody but this user and root can write to it or
 * replace it: neither the file, which may be the target of a link, nor a directory on the
 * way to its name, which is absolute. It does not wait for the writer of a FIFO.
 * -ENOENT: there is none for this user. -EPERM: *ret_why says who could, and is valid
 * until the next call; it is NULL with other errors. */
int conf_file_open(const char *path, FILE **ret_file, const char **ret_why);

/* Takes a line apart, in place. 1: a setting; 0: nothing is said; -EINVAL: it is neither.
 */
int conf_line(char *line, char **ret_key, char **ret_value);

/* Writes the file anew, with that key set to the value (in the key's last line, or in a
 * new one at the end), or with no line of that key where value is NULL. All other lines,
 * and the file's mode, stay; a missing directory is made, 0700. Whoever reads the file
 * meanwhile sees all of the old one or all of the new. value has no line feed. Under a
 * directory that conf_file_open does not trust nothing is made or changed: errors are as
 * there. */
int conf_file_set(
	const char *path, const char *key, const char *value, const char **ret_why);
