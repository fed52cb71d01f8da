/* SPDX-License-Identifier: MIT
 *
 * Reading and rewriting configuration files.
 */
#include "tools/conf/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/base/files.h"
#include "tools/base/whole_file.h"
#include "tools/cache/lock.h"
#include "tools/cache/trust.h"

#define BLANKS " \t\r\n\v\f"

/* After root's privileges were dropped, HOME may still be root's, and it cannot be known
 * whether there is a file. In that case there is none for this user. */
static bool is_out_of_reach(const char *path, int error)
{
	return error == ENOTDIR ||
	       (error == EACCES && access(path, F_OK) < 0 && errno == EACCES);
}

int conf_file_open(const char *path, FILE **ret_file, char **ret_why)
{
	int fd = trust_open(path, ret_why);

	if (fd < 0)
		return is_out_of_reach(path, -fd) ? -ENOENT : fd;
	*ret_file = fdopen(fd, "r");
	return *ret_file ? 0 : -errno;
}

static char *trimmed(char *text)
{
	char *end;

	text += strspn(text, BLANKS);
	for (end = text + strlen(text); end > text && strchr(BLANKS, end[-1]);)
		*--end = '\0';
	return text;
}

int conf_line(char *line, char **ret_key, char **ret_value)
{
	char *equals;

	line = trimmed(line);
	if (!*line || *line == '#')
		return 0;
	equals = strchr(line, '=');
	if (!equals || equals == line)
		return -EINVAL;
	*equals = '\0';
	*ret_key = trimmed(line);
	*ret_value = trimmed(equals + 1);
	return 1;
}

/* --- rewriting -----------------------------------------------------------------------*/

static bool has_key(const char *line, const char *key)
{
	AUTOFREE char *copy = alloc_copy(line);
	char *found, *value;

	return conf_line(copy, &found, &value) == 1 && strcmp(found, key) == 0;
}

bool conf_file_has(const char *path, const char *key)
{
	AUTOFREE char *line = NULL, *why = NULL;
	FILE *file;
	size_t size = 0;
	bool has = false;

	if (conf_file_open(path, &file, &why) < 0)
		return false;
	while (!has && getline(&line, &size, file) >= 0)
		has = has_key(line, key);
	fclose(file);
	return has;
}

/* Copies the lines. The first one with the key is changed, all others with it are left
 * out. */
static int copy_lines(FILE *from, FILE *to, const char *key, const char *value)
{
	AUTOFREE char *line = NULL;
	size_t size = 0;
	ssize_t length;

	for (errno = 0; (length = getline(&line, &size, from)) >= 0; errno = 0) {
		if ((size_t)length != strlen(line))
			return -EINVAL; /* it contains a NUL */
		if (!has_key(line, key)) {
			fputs(line, to);
			if (line[length - 1] != '\n')
				fputc('\n', to);
		} else if (value) {
			fprintf(to, "%s = %s\n", key, value);
			value = NULL;
		}
	}
	if (errno)
		return -errno;
	if (value)
		fprintf(to, "%s = %s\n", key, value);
	return 0;
}

/* Creates the missing directories above a file, and none where others could exchange
 * one. */
static int make_directories(const char *path, char **ret_why)
{
	AUTOFREE char *directory = file_parent(path);
	int r = trust_directory(directory, ret_why);

	if (r != -ENOENT)
		return r;
	r = make_directories(directory, ret_why);
	if (r == 0 && mkdir(directory, 0700) < 0 && errno != EEXIST)
		return -errno;
	return r == 0 ? trust_directory(directory, ret_why) : r;
}

/* Returns 0 if nobody else has a file there, nor can put one there before we do. */
static int prepare_new(const char *path, char **ret_why)
{
	int r = make_directories(path, ret_why);

	r = r < 0 ? r : trust_file(path, ret_why);
	return r == -ENOENT ? 0 : r;
}

/* Gives the new file the group, the mode and the ACL of the old one: it may
 * hold a password. An ACL of the new file comes from the directory. */
static int keep_rights(int from, int to)
{
	static const char acl_name[] = "system.posix_acl_access";
	char acl[4096];
	ssize_t size = fgetxattr(from, acl_name, acl, sizeof acl);
	struct stat st;

	if (size < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	if (fstat(from, &st) < 0 || fchown(to, (uid_t)-1, st.st_gid) < 0)
		return -errno;
	if (size < 0 && fremovexattr(to, acl_name) < 0 && errno != ENODATA &&
		errno != EOPNOTSUPP)
		return -errno;
	/* Before the mode: without the ACL, its mask would be the group's rights. */
	if (size >= 0 && fsetxattr(to, acl_name, acl, (size_t)size, 0) < 0)
		return -errno;
	return fchmod(to, st.st_mode & 07777) < 0 ? -errno : 0;
}

/* from: the old file; NULL: there is none. */
static int rewrite(
	const char *path, mode_t mode, FILE *from, const char *key, const char *value)
{
	struct whole_file file;
	int r = whole_file_begin(&file, AT_FDCWD, path, from ? 0600 : mode);

	if (r < 0)
		return r;
	if (from)
		r = keep_rights(fileno(from), fileno(file.out));
	if (r == 0 && from)
		r = copy_lines(from, file.out, key, value);
	else if (r == 0)
		fprintf(file.out, "%s = %s\n", key, value);
	if (r == 0 && (fflush(file.out) == EOF || fsync(fileno(file.out)) < 0))
		r = -errno;
	if (r == 0)
		return whole_file_publish(&file);
	whole_file_discard(&file);
	return r;
}

/* Reads the file and replaces it, under the lock of its directory. */
static int change(
	const char *path, mode_t mode, const char *key, const char *value, char **ret_why)
{
	AUTOFREE char *target = realpath(path, NULL); /* a symlink is kept */
	const char *name = target ? target : path;
	AUTOFREE char *directory = file_parent(name);
	AUTOFCLOSE FILE *old = NULL;
	AUTOCLOSE int lock = -1;
	int r = lock_directory(directory, &lock);

	if (r < 0)
		return r;
	r = conf_file_open(path, &old, ret_why);
	if (r == -ENOENT)
		r = value ? prepare_new(path, ret_why) : 0;
	return r < 0 || (!old && !value) ? r : rewrite(name, mode, old, key, value);
}

int conf_file_set(
	const char *path, mode_t mode, const char *key, const char *value, char **ret_why)
{
	AUTOFCLOSE FILE *old = NULL;
	int r = conf_file_open(path, &old, ret_why);

	if (r == -ENOENT && !value)
		return 0;
	if (r == -ENOENT) /* there is no directory to lock yet */
		r = prepare_new(path, ret_why);
	return r < 0 ? r : change(path, mode, key, value, ret_why);
}
