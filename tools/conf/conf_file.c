/* SPDX-License-Identifier: MIT
 *
 * Reading and rewriting configuration files.
 */
#include "tools/conf/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tools/base/files.h"
#include "tools/base/tmpfile.h"
#include "tools/cache/sys_libc.h"

#define BLANKS " \t\r\n\v\f"

/* A sticky directory (/tmp) protects what is in it. */
static const char *why_unsafe(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to another user";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) &&
		!(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
		return "can be written to by others (chmod go-w)";
	return NULL;
}

/* -EPERM, where there is a reason to, with a sentence that is valid until the next. */
static int refuse(const char *what, const char *reason, const char **ret_why)
{
	static char why[PATH_MAX + 64];

	if (!reason)
		return 0;
	snprintf(why, sizeof why, "%s %s", what, reason);
	*ret_why = why;
	return -EPERM;
}

/* Who can change a directory on the way to the file can put another one there. Where some
 * do not exist, those above them count: what we make in these is ours. */
static int check_way(const char *path, const char **ret_why)
{
	char way[PATH_MAX];
	struct way_end end;
	int len = (int)(strrchr(path, '/') - path);

	snprintf(way, sizeof way, "%.*s", len ? len : 1, path);
	switch (way_judge(&sys_libc, geteuid(), way, sizeof way, &end)) {
	case WAY_TRUSTED:
		return refuse(way, why_unsafe(&end.st), ret_why);
	case WAY_ABSENT:
		return 0;
	case WAY_FOREIGN:
		return refuse(way, "belongs to another user", ret_why);
	case WAY_WRITABLE:
		return refuse(way, "can be written to by others (chmod go-w)", ret_why);
	case WAY_NO_DIRECTORY:
		return -ENOTDIR;
	case WAY_UNREACHABLE:
		break;
	}
	return -EACCES;
}

static int check_file(int fd, const char **ret_why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return refuse("it",
		S_ISREG(st.st_mode) ? why_unsafe(&st) : "is not a regular file", ret_why);
}

/* Who has dropped root's rights still has its HOME at times, and may not even look for a
 * file there: then it is none of his. */
static bool is_out_of_reach(const char *path, int error)
{
	return error == ENOTDIR ||
	       (error == EACCES && access(path, F_OK) < 0 && errno == EACCES);
}

int conf_file_open(const char *path, FILE **ret_file, const char **ret_why)
{
	FILE *file;
	int fd, r;

	*ret_why = NULL;
	/* not to wait for the writer of a pipe */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		r = -errno;
		return is_out_of_reach(path, -r) ? -ENOENT : r;
	}
	r = check_file(fd, ret_why);
	if (r == 0)
		r = check_way(path, ret_why);
	if (r == 0 && !(file = fdopen(fd, "r")))
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_file = file;
	return 0;
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

/* The file as lines, which keep their ends. */
struct conf_lines {
	char **line;
	size_t count;
};

static void lines_release(struct conf_lines *lines)
{
	while (lines->count)
		free(lines->line[--lines->count]);
	free(lines->line);
}

static int lines_add(struct conf_lines *lines, char *line)
{
	char **more = reallocarray(lines->line, lines->count + 1, sizeof *more);

	if (!more || !line) {
		lines->line = more ? more : lines->line;
		free(line);
		return -ENOMEM;
	}
	lines->line = more;
	lines->line[lines->count++] = line;
	return 0;
}

static int lines_read(struct conf_lines *lines, FILE *file)
{
	for (;;) {
		char *line = NULL;
		size_t size = 0;
		ssize_t length;
		int r;

		errno = 0;
		length = getline(&line, &size, file);
		if (length < 0 || (size_t)length != strlen(line)) {
			free(line);
			return length < 0 ? -errno : -EINVAL; /* a NUL in it */
		}
		r = lines_add(lines, line);
		if (r < 0)
			return r;
	}
}

static bool line_has_key(const char *line, const char *key)
{
	AUTOFREE char *copy = strdup(line);
	char *found, *value;

	return copy && conf_line(copy, &found, &value) == 1 && strcmp(found, key) == 0;
}

static int lines_set(struct conf_lines *lines, const char *key, const char *value)
{
	size_t i = lines->count;
	char *line;

	if (asprintf(&line, "%s = %s\n", key, value) < 0)
		return -ENOMEM;
	while (i-- > 0)
		if (line_has_key(lines->line[i], key)) {
			free(lines->line[i]);
			lines->line[i] = line;
			return 0;
		}
	return lines_add(lines, line);
}

static void lines_unset(struct conf_lines *lines, const char *key)
{
	size_t i, kept = 0;

	for (i = 0; i < lines->count; i++)
		if (line_has_key(lines->line[i], key))
			free(lines->line[i]);
		else
			lines->line[kept++] = lines->line[i];
	lines->count = kept;
}

static int replace_file(const char *path, mode_t mode, const struct conf_lines *lines)
{
	struct tmpfile file;
	int r = tmpfile_begin(&file, AT_FDCWD, path, mode);

	if (r < 0)
		return r;
	for (size_t i = 0; i < lines->count; i++) {
		fputs(lines->line[i], file.out);
		if (lines->line[i][strlen(lines->line[i]) - 1] != '\n')
			fputc('\n', file.out);
	}
	if (fflush(file.out) == EOF || fsync(fileno(file.out)) < 0) {
		r = -errno;
		tmpfile_discard(&file);
		return r;
	}
	return tmpfile_publish(&file);
}

/* Makes the directories that are missing above a file. */
static int make_directories(const char *path)
{
	AUTOFREE char *directory = NULL;
	int r = file_directory(path, &directory);

	if (r < 0)
		return r;
	if (mkdir(directory, 0700) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	r = make_directories(directory);
	if (r < 0)
		return r;
	return mkdir(directory, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int conf_file_set(
	const char *path, const char *key, const char *value, const char **ret_why)
{
	AUTOFREE char *target = realpath(path, NULL); /* a link stays one */
	struct conf_lines lines = { 0 };
	struct stat st = { .st_mode = 0600 };
	FILE *file = NULL;
	int r = conf_file_open(path, &file, ret_why);

	if (r == -ENOENT)
		r = value ? check_way(path, ret_why) : 0;
	if (r == 0 && !file)
		r = value ? make_directories(path) : 0;
	else if (r == 0) {
		r = fstat(fileno(file), &st) < 0 ? -errno : lines_read(&lines, file);
		fclose(file);
	}
	if (r == 0 && value)
		r = lines_set(&lines, key, value);
	else if (r == 0)
		lines_unset(&lines, key);
	if (r == 0 && (value || target))
		r = replace_file(target ? target : path, st.st_mode & 07777, &lines);
	lines_release(&lines);
	return r;
}
