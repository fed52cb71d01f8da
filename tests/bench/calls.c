/* SPDX-License-Identifier: MIT
 *
 * calls DIR ITERATIONS: makes calls on paths that have nothing to do with bytecode, for
 * `run` to count what they cost bare and under the library.
 *
 * For each call, each path and each alignment of the path in memory there is one
 * section of ITERATIONS calls, and mark() is called behind it: callgrind is told to
 * write its counts down there (--dump-after=mark). With a third argument, the sections'
 * names are printed instead, a line each in the same order.
 *
 * Both paths are 60 bytes long, in DIR, which has to leave room for a name.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 60
#define ALIGNMENTS 32

static void do_stat(char *path, char *other)
{
	struct stat st;

	(void)other;
	if (stat(path, &st) < 0)
		abort();
}

static void do_open(char *path, char *other)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)other;
	if (fd < 0)
		abort();
	close(fd);
}

static void do_fopen(char *path, char *other)
{
	FILE *file = fopen(path, "r");

	(void)other;
	if (!file)
		abort();
	fclose(file);
}

static void do_rename(char *path, char *other)
{
	if (rename(path, other) < 0 || rename(other, path) < 0)
		abort();
}

static const struct {
	const char *name;
	void (*call)(char *path, char *other);
	int calls; /* of the function that is measured, in one round */
} calls[] = {
	{ "stat", do_stat, 1 },
	{ "open", do_open, 1 },
	{ "fopen", do_fopen, 1 },
	{ "rename", do_rename, 2 },
};

static const char *const ends[] = { "plain.py", "__init__.py" };

#define COUNT(array) (sizeof(array) / sizeof *(array))

void mark(void);
__attribute__((noinline)) void mark(void)
{
	__asm__ volatile("");
}

/* DIR/xxx…END, PATH_LEN bytes, in a buffer of zeros: the bytes after the path in memory
 * may cost an instruction or two as well. */
static void spell(char *path, const char *dir, const char *end)
{
	size_t dir_len = strlen(dir), end_len = strlen(end);

	if (dir_len + 1 + end_len > PATH_LEN) {
		fputs("calls: the directory's name is too long\n", stderr);
		exit(1);
	}
	memset(path, 'x', PATH_LEN);
	memcpy(path, dir, dir_len);
	path[dir_len] = '/';
	memcpy(path + PATH_LEN - end_len, end, end_len + 1);
}

static void section(size_t which, const char *dir, const char *end, int alignment, int n)
{
	static _Alignas(64) char here[PATH_LEN + 64], there[PATH_LEN + 64];
	char *path = here + alignment, *other = there + alignment;

	memset(here, 0, sizeof here);
	memset(there, 0, sizeof there);
	spell(path, dir, end);
	spell(other, dir, end);
	other[strlen(dir) + 1] = 'y';
	close(open(path, O_WRONLY | O_CREAT, 0600));
	if (n)
		calls[which].call(path, other); /* the dynamic linker's first time */
	mark();
	for (int i = 0; i < n; i += calls[which].calls)
		calls[which].call(path, other);
	mark();
	unlink(path);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return fputs("usage: calls DIR ITERATIONS [names]\n", stderr), 2;
	for (size_t which = 0; which < COUNT(calls); which++)
		for (size_t end = 0; end < COUNT(ends); end++)
			for (int alignment = 0; alignment < ALIGNMENTS; alignment++)
				if (argc > 3)
					printf("%s %s %d\n", calls[which].name, ends[end],
						alignment);
				else
					section(which, argv[1], ends[end], alignment,
						atoi(argv[2]));
	return 0;
}
