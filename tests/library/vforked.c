/* SPDX-License-Identifier: MIT
 *
 * vforked DIR: a vfork child, which shares its parent's memory, becomes another user or
 * changes its root, and works on DIR/a there. The parent must be served as before. Needs
 * root. Prints whether the parent then finds its entry.
 *
 * vforked USER FILE: a vfork child becomes that user, and opens the file. Prints whether
 * the parent then can open it, too.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define M "a/__pycache__/m.cpython-311.pyc"

static const char *finds(const char *path)
{
	int fd = open(path, O_RDONLY);

	return fd >= 0 && close(fd) == 0 ? "yes" : "no";
}

static __attribute__((noinline)) void visit(uid_t user, const char *path)
{
	int status;
	pid_t child = vfork();

	if (child == 0) {
		if (user ? setuid(user) < 0 : chroot(".") < 0)
			_exit(1);
		finds(path);
		_exit(0);
	}
	waitpid(child, &status, 0);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc > 2) {
		visit((uid_t)atoi(argv[1]), argv[2]);
		puts(finds(argv[2]));
		return 0;
	}
	if (argc < 2 || chdir(argv[1]) < 0)
		return 2;
	open(M, O_RDONLY);
	mkdir("a/__pycache__", 0755);
	fd = open(M ".1", O_WRONLY | O_CREAT, 0644);
	close(fd);
	rename(M ".1", M);
	printf("at first %s", finds(M));
	visit(65534, M);
	printf(", after a child's setuid %s", finds(M));
	visit(0, M);
	printf(", after a child's chroot %s\n", finds(M));
	return 0;
}
