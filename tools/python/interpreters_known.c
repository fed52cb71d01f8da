/* SPDX-License-Identifier: MIT
 *
 * The file of known interpreters, and looking one up.
 */
#include "tools/python/interpreters_known.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/files.h"
#include "tools/cache/layout.h"
#include "tools/python/filetype.h"

#define KNOWN "pythons"
/* More than the interpreters of one machine need. A file that exceeds it is emptied. */
#define LIMIT 16384
#define KEY_SIZE 128

/* Identifies the program that a name leads to by its stat. Returns false for a
 * script. */
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

/* Reads "TAG VERSION MAGIC". Whoever made the cache may have written anything. */
static bool read_line(const char *line, struct python *ret)
{
	char magic[9];

	return sscanf(line, "%ms %ms %8s", &ret->tag, &ret->version, magic) == 3 &&
	       layout_version(ret->tag) == strlen(ret->tag) &&
	       python_read_magic(magic, ret->magic);
}

static bool recall(const struct cache *cache, const char *key, struct python *ret)
{
	/* keep_line lets it exceed the limit by a line, and empties a larger one */
	AUTOFCLOSE FILE *file = cache_read_state(cache, KNOWN, 2 * LIMIT);
	AUTOFREE char *line = NULL;
	size_t room = 0, len = strlen(key);
	bool found = false;

	while (file && !found && getline(&line, &room, file) > 0)
		found = strncmp(line, key, len) == 0 && read_line(line + len, ret);
	return found;
}

static void keep_line(
	const struct cache *cache, const char *key, const struct python *python)
{
	const uint8_t *magic = python->magic;
	AUTOCLOSE int fd = cache_open_state(cache, KNOWN, O_WRONLY | O_APPEND | O_CREAT);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > LIMIT)
		(void)ftruncate(fd, 0);
	dprintf(fd, "%s%s %s %02x%02x%02x%02x\n", key, python->tag, python->version,
		magic[0], magic[1], magic[2], magic[3]);
}

int python_recall(const struct cache *cache, bool keep, const char *name, int seconds,
	struct python *ret)
{
	struct python python = { .path = NULL };
	char key[KEY_SIZE];
	bool keyed = cache && file_command(name, &python.path) == 0 &&
		     make_key(python.path, key);
	int r;

	if (keyed && recall(cache, key, &python)) {
		*ret = python;
		return 0;
	}
	r = python_ask(name, seconds, true, ret);
	if (r == 0 && keyed && keep)
		keep_line(cache, key, ret);
	return r;
}
