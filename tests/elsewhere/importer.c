/* SPDX-License-Identifier: MIT
 *
 * importer DIRECTORY: makes the calls with which importlib imports DIRECTORY/m.py, for a
 * libc for which there is no interpreter. Prints "loaded" if there was bytecode, or
 * "compiled" if it has written bytecode.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PYC "__pycache__/m.cpython-311.pyc"

static const unsigned char magic[4] = { 0xa7, 0x0d, 0x0d, 0x0a };
static const char code[] = "N"; /* None, marshalled */

static int load(const struct stat *source)
{
	uint32_t header[4];
	int fd = open(PYC, O_RDONLY | O_CLOEXEC);
	int fits = fd >= 0 && read(fd, header, sizeof header) == sizeof header &&
		   memcmp(header, magic, 4) == 0 &&
		   header[2] == (uint32_t)source->st_mtime &&
		   header[3] == (uint32_t)source->st_size;

	if (fd >= 0)
		close(fd);
	return fits;
}

static int compile_and_write(const struct stat *source)
{
	uint32_t header[4] = { 0, 0, (uint32_t)source->st_mtime,
		(uint32_t)source->st_size };
	char text[64];
	struct stat st;
	int fd = open("m.py", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || read(fd, text, sizeof text) <= 0)
		return 0;
	close(fd);
	if (stat("__pycache__", &st) < 0 && mkdir("__pycache__", 0777) < 0)
		return 0;
	fd = open(PYC ".140", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	memcpy(header, magic, 4);
	if (fd < 0 || write(fd, header, sizeof header) != sizeof header ||
		write(fd, code, 1) != 1 || close(fd) < 0)
		return 0;
	return rename(PYC ".140", PYC) == 0;
}

int main(int argc, char **argv)
{
	struct stat source;

	if (argc < 2 || chdir(argv[argc - 1]) < 0 || stat("m.py", &source) < 0)
		return 1;
	if (load(&source))
		return puts("loaded") < 0;
	return compile_and_write(&source) ? puts("compiled") < 0 : 1;
}
