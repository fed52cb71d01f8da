/* SPDX-License-Identifier: MIT
 *
 * heap DIR: makes calls with paths of every length and alignment, in heap blocks of
 * exactly their size and at the very end of a page, so that a read beyond the path is
 * noticed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const paths[] = { "a/m.py", "a/__pycache__",
	"a/__pycache__/m.cpython-311.pyc", "_", "__", "a__", "__pycache_", "x__pycache__",
	"a/__pycache__/../m.py", "" };

static int wrong;

static void ask(const char *path, int expected)
{
	struct stat st;
	int fd = open(path, O_RDONLY), err = stat(path, &st) < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	if (err != expected) {
		printf("%s: %d and not %d\n", path, err, expected);
		wrong = 1;
	}
}

static void ask_everywhere(const char *path, char *page_end)
{
	size_t len = strlen(path) + 1;
	struct stat st;
	int expected = stat(path, &st) < 0 ? errno : 0;
	char *exact = malloc(len);

	ask(memcpy(exact, path, len), expected);
	free(exact);
	ask(memcpy(page_end - len, path, len), expected);
	for (size_t shift = 0; shift < 33; shift++) {
		char *block = malloc(len + shift);

		ask(memcpy(block + shift, path, len), expected);
		free(block);
	}
}

int main(int argc, char **argv)
{
	char *pages = mmap(
		NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char text[300];

	if (argc < 2 || chdir(argv[1]) < 0 || pages == MAP_FAILED ||
		mprotect(pages + 4096, 4096, PROT_NONE) < 0)
		return 2;
	open("a/__pycache__/m.cpython-311.pyc", O_RDONLY);
	mkdir("a/__pycache__", 0755);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		ask_everywhere(paths[i], pages + 4096);
	for (size_t n = 0; n < 70; n++) {
		memset(text, '/', n);
		strcpy(text + n, "a/__pycache__");
		ask_everywhere(text + (n > 0), pages + 4096);
		memset(text, 'x', n);
		strcpy(text + n, "__");
		ask_everywhere(text, pages + 4096);
	}
	return wrong;
}
