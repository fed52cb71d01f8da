/* SPDX-License-Identifier: MIT
 *
 * depth DIR: measures how many bytes of stack some calls take, in a thread whose stack
 * was filled with a pattern. Prints "BYTES call"; DIR/a is a directory of sources.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE (256 * 1024)
#define PYC "/__pycache__/m.cpython-311.pyc"

static struct stat st;

#define CALLS                                                                           \
	A_CALL("nothing", (void)0)                                                      \
	A_CALL("open of a source", close(open("a/m.py", O_RDONLY)))                     \
	A_CALL("stat of a source", stat("a/m.py", &st))                                 \
	A_CALL("rename of a source", rename("a/none", "a/none2"))                       \
	A_CALL("open of an entry", close(open("a" PYC, O_RDONLY)))                      \
	A_CALL("stat of an entry", stat("a" PYC, &st))                                  \
	A_CALL("open of a new entry",                                                   \
		close(open("a" PYC ".1", O_WRONLY | O_CREAT, 0644)))                    \
	A_CALL("rename of an entry", rename("a" PYC ".1", "a" PYC))                     \
	A_CALL("open through __pycache__/..",                                           \
		close(open("a/__pycache__/.." PYC, O_RDONLY)))                          \
	A_CALL("rename through __pycache__/..",                                         \
		rename("a/__pycache__/.." PYC ".1", "a/__pycache__/.." PYC))            \
	A_CALL("open of another tag's entry",                                           \
		close(open(                                                             \
			"a/__pycache__/m.cpython-38.pyc.1", O_WRONLY | O_CREAT, 0644))) \
	A_CALL("open of what is for the tree",                                          \
		close(open("a/__pycache__/x.c", O_WRONLY | O_CREAT, 0644)))

#define A_CALL(name, call) { name },
static const char *const names[][1] = { CALLS };
#undef A_CALL

static void *make_call(void *which)
{
	int i = 0, wanted = *(int *)which;

#define A_CALL(name, call) \
	if (i++ == wanted) \
		(void)(call);
	CALLS
	return NULL;
}

int main(int argc, char **argv)
{
	int base = 0;

	if (argc < 2 || chdir(argv[1]) < 0)
		return 2;
	mkdir("a/__pycache__", 0755);
	close(open("a" PYC, O_RDONLY));
	mkdir("a/__pycache__", 0755);
	for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
		unsigned char *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pthread_attr_t attr;
		pthread_t thread;
		int unused = 0;

		memset(stack, 0xa5, SIZE);
		pthread_attr_init(&attr);
		pthread_attr_setstack(&attr, stack, SIZE);
		if (pthread_create(&thread, &attr, make_call, &i))
			return 2;
		pthread_join(thread, NULL);
		while (stack[unused] == 0xa5)
			unused++;
		if (i == 0)
			base = SIZE - unused;
		printf("%d %s\n", SIZE - unused - base, names[i][0]);
		munmap(stack, SIZE);
	}
	printf("%d of libc's in each thread\n", base);
	return 0;
}
