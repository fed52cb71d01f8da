/* SPDX-License-Identifier: MIT
 *
 * loaded LIBRARY DIR: opens the library with dlopen instead of preloading it. Its
 * functions work if they are looked up by name, no other functions change, and dlclose
 * does no harm.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PYC "a/__pycache__/m.cpython-311.pyc"

int main(int argc, char **argv)
{
	static const int flags[] = { RTLD_NOW | RTLD_LOCAL, RTLD_LAZY | RTLD_GLOBAL };
	struct stat st;

	if (argc < 3 || chdir(argv[2]) < 0)
		return 2;
	for (int i = 0; i < 2; i++) {
		void *library = dlopen(argv[1], flags[i]);
		int (*ours)(const char *, int, ...), fd;

		if (!library) {
			fprintf(stderr, "%s\n", dlerror());
			return 3;
		}
		ours = (int (*)(const char *, int, ...))dlsym(library, "open");
		if (!ours || ours == (int (*)(const char *, int, ...))open)
			return 4;
		fd = ours("a/m.py", O_RDONLY);
		if (fd < 0 || close(fd))
			return 5;
		ours(PYC, O_RDONLY);
		if (stat(PYC, &st) == 0 || open(PYC, O_RDONLY) >= 0)
			return 6; /* the program's own calls are libc's */
		dlclose(library);
		fd = ours("a/m.py", O_RDONLY); /* -z nodelete */
		if (fd < 0 || close(fd))
			return 7;
	}
	return 0;
}
