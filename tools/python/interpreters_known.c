/* SPDX-License-Identifier: MIT
 *
 * The file of interpreters that are known, and looking one up.
 */
#include "tools/python/interpreters_known.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/python/pyc.h"
#include "tools/base/files.h"
#include "tools/base/tmpfile.h"
#include "tools/python/filetype.h"

#define KNOWN "pythons"
/* What a file of so many interpreters has never; more is not read. */
#define LIMIT 16384
#define KEY_SIZE 128
#define VERSION_SIZE 32

/* What the kernel says of the program behind a name; false for a script. */
static bool make_key(const char *path, char key[KEY_SIZE])
{
	AUTOFREE char *line = NULL;
	struct stat st;

	if (stat(path, &st) < 0 || file_kind(path, &line) != FILE_ELF)
		return false;
	snprintf(key, KEY_SIZE, "%ju %ju %jd %jd.%09ld ", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_ctim.tv_sec,
		st.st_ctim.tv_nsec);
	return true;
}

/* All of the file, for the caller to free; NULL where there is none. */
static char *read_known(int state_fd)
{
	int fd = openat(state_fd, KNOWN, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(LIMIT + 1);
	ssize_t n = text ? pread(fd, text, LIMIT, 0) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

/* The line that begins with the key. */
static const char *find(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && *text) {
		if (strncmp(text, key, len) == 0)
			return text;
		text = strchr(text, '\n');
		text += text ? 1 : 0;
	}
	return NULL;
}

static bool read_line(const char *line, struct python *ret)
{
	char tag[PYC_TAG_SIZE], version[VERSION_SIZE];
	unsigned magic[4];

	if (sscanf(line, "%31s %31s %2x%2x%2x%2x", tag, version, &magic[0], &magic[1],
		    &magic[2], &magic[3]) != 6)
		return false;
	ret->tag = strdup(tag);
	ret->version = strdup(version);
	for (int i = 0; i < 4; i++)
		ret->magic[i] = (uint8_t)magic[i];
	return ret->tag && ret->version;
}

static bool recall(const struct cache *cache, const char *path, struct python *ret)
{
	AUTOFREE char *text = NULL;
	char key[KEY_SIZE];
	const char *line;
	int fd = make_key(path, key)
			 ? cache_openat(cache, CACHE_STATE, O_RDONLY | O_DIRECTORY)
			 : -1;

	if (fd < 0)
		return false;
	text = read_known(fd);
	close(fd);
	line = find(text, key);
	return line && read_line(line + strlen(key), ret);
}

int python_recall(
	const struct cache *cache, const char *name, int seconds, struct python *ret)
{
	struct python python = { .path = NULL };

	if (cache && file_command(name, &python.path) == 0 &&
		recall(cache, python.path, &python)) {
		*ret = python;
		return 0;
	}
	python_release(&python);
	return python_ask_within(name, seconds, true, ret);
}

/* The new line, and what else fits. */
static void write_known(int state_fd, const char *line, const char *others)
{
	struct tmpfile file;

	if (tmpfile_begin(&file, state_fd, KNOWN, 0600) < 0)
		return;
	fputs(line, file.out);
	if (others && strlen(line) + strlen(others) <= LIMIT)
		fputs(others, file.out);
	(void)tmpfile_publish(&file);
}

void python_keep(const struct cache *cache, const struct python *python)
{
	AUTOFREE char *text = NULL;
	AUTOFREE char *line = NULL;
	const uint8_t *magic = python->magic;
	char key[KEY_SIZE];
	int fd;

	if (!make_key(python->path, key))
		return;
	fd = cache_open_private(cache, CACHE_STATE);
	if (fd < 0)
		return;
	text = read_known(fd);
	if (asprintf(&line, "%s%s %s %02x%02x%02x%02x\n", key, python->tag,
		    python->version, magic[0], magic[1], magic[2], magic[3]) < 0)
		line = NULL;
	if (line && !find(text, key))
		write_known(fd, line, text);
	close(fd);
}
