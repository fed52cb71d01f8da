/* SPDX-License-Identifier: MIT
 *
 * Whether only root and this user can change a file. That is required of settings, and of
 * interpreters that nobody has named, as it is of the cache's own directory (way.h).
 */
#pragma once

/* Whether nobody but root and the effective user can change the file at that absolute
 * path or put another there: they own it, each directory and each symlink on the way to
 * it, and nobody else may write to any of these. A sticky directory may be writable
 * (/tmp), since the names in it belong to their owners.
 *
 * 0: so it is, or there is no file, and the directories that exist are trusted. -EPERM:
 * *ret_why says who could, and is freed by the caller; otherwise it is NULL. -ENOTDIR,
 * -EACCES: the file cannot be reached. Thread-safe. */
int trust_file(const char *path, char **ret_why);
