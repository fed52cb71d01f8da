/* SPDX-License-Identifier: MIT
 *
 * vforked DIR: a vfork child, which shares its parent's memory, becomes another user or
 * changes its root, and works on DIR/a there. The parent must be served as before. Needs
 * root. Prints whether the parent then finds its entry.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define M "a/__pycache__/m.cpython-311.pyc"

static const char *finds(void)
{
	int fd = open(M, O_RDONLY);

	return fd >= 0 && close(fd) == 0 ? "yes" : "no";
}

static __attribute__((noinline)) void visit(int how)
{
	int status, fd;
	pid_t child = vfork();

	if (child == 0) {
		if ((how == 0 && setuid(65534) < 0) || (how == 1 && chroot(".") < 0))
			_exit(1);
		fd = open(M, O_RDONLY);
		if (fd >= 0)
			close(fd);
		_exit(0);
	}
	waitpid(child, &status, 0);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc < 2 || chdir(argv[1]) < 0)
		return 2;
	open(M, O_RDONLY);
	mkdir("a/__pycache__", 0755);
	fd = open(M ".1", O_WRONLY | O_CREAT, 0644);
	close(fd);
	rename(M ".1", M);
	printf("at first %s", finds());
	visit(0);
	printf(", after a child's setuid %s", finds());
	visit(1);
	printf(", after a child's chroot %s\n", finds());
	return 0;
}
