/* SPDX-License-Identifier: MIT
 *
 * Checks that only root and this user can change a file. This is required of settings and
 * of interpreters that the user has not named, just as of the cache's own directory
 * (way.h). A directory in which names are replaced must not be one that others can
 * exchange for another.
 */
#pragma once

/* Checks that only root and the effective user can change the file at that absolute path
 * or replace it: one of them owns the file and each directory and symlink on the way to
 * it, and nobody else may write to any of these. A sticky directory may be writable
 * (/tmp), since its names belong to their owners.
 *
 * Returns 0 if that is so, and it stays so until the user deletes the file. -ENOENT:
 * there is none, and the existing directories are trusted; but others may have moved it
 * away for a moment, so only who is about to create it may go on. -EPERM: *ret_why, which
 * the caller frees, says who could change it; otherwise *ret_why is NULL. -ENOTDIR,
 * -EACCES: the file cannot be reached. Thread-safe. */
int trust_file(const char *path, char **ret_why);

/* Opens the file for reading, if it is trusted: what was judged is what is open. Returns
 * the descriptor, or the same errors. Thread-safe. */
int trust_open(const char *path, char **ret_why);

/* The same as trust_file for a directory: nobody else can put another in its place. Who
 * may write to it is up to the caller. */
int trust_directory(const char *path, char **ret_why);

/* Returns the directory above an existing file in which everybody can create files
 * (/tmp): once the file has been deleted, another user can put one in its place. NULL if
 * there is none. The caller frees it. */
char *trust_shared_directory(const char *path);
