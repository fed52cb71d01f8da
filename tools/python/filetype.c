/* SPDX-License-Identifier: MIT
 *
 * Tells programs, scripts and our own wrappers apart by how they begin.
 */
#include "tools/python/filetype.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/files.h"

static ssize_t read_start(const char *path, char *buf, size_t size)
{
	AUTOCLOSE int fd = file_open(path);
	ssize_t length = fd < 0 ? fd : read(fd, buf, size);

	return fd >= 0 && length < 0 ? -errno : length;
}

int file_kind(const char *path, char **ret_line)
{
	char start[512], *end;
	ssize_t length = read_start(path, start, sizeof start - 1);

	if (length < 0)
		return (int)length;
	if (length >= 4 && memcmp(start, "\177ELF", 4) == 0)
		return FILE_ELF;
	if (length < 2 || memcmp(start, "#!", 2) != 0)
		return FILE_OTHER;
	start[length] = '\0';
	end = start + strcspn(start, "\n");
	*ret_line = alloc_part(start, (size_t)(end - start));
	if (*end && strncmp(end + 1, WRAPPER_MARK, strlen(WRAPPER_MARK)) == 0)
		return FILE_WRAPPER;
	return FILE_SCRIPT;
}
