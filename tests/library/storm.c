/* SPDX-License-Identifier: MIT
 *
 * storm DIR [STACK]: again and again, a signal handler on an alternate stack makes the
 * same calls that the main thread is making; both must see whole files. DIR/a and DIR/b
 * are directories of sources. Prints how often the handler ran.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int handled, broken, calm;

/* The timer is set again each time, not at an interval: if the handler takes longer than
 * that (under a sanitizer, on a busy machine), the main thread would never run. */
static void come_again(void)
{
	struct itimerval soon = { .it_value = { 0, 300 } };

	setitimer(ITIMER_REAL, &soon, NULL);
}

/* One life of an entry, with names of its own; 0 or the number of the step
 * that failed. */
static int live(const char *dir, const char *name)
{
	char path[256], temporary[256], pycache[256], content[8] = "";
	struct stat st;
	int fd;

	strcat(strcpy(pycache, dir), "/__pycache__");
	strcat(strcat(strcat(strcpy(path, pycache), "/"), name), ".cpython-311.pyc");
	strcat(strcpy(temporary, path), ".4711");
	errno = 33;
	if (open(path, O_RDONLY) >= 0 || errno != ENOENT)
		return 1;
	if (mkdir(pycache, 0777) < 0 && errno != EEXIST)
		return 2;
	errno = 33;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0 || write(fd, name, 1) != 1 || close(fd) || errno != 33)
		return 3;
	if (rename(temporary, path) < 0 || errno != 33)
		return 4;
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, content, sizeof content) != 1 || *content != *name ||
		close(fd))
		return 5;
	if (stat(path, &st) < 0 || st.st_size != 1 || lstat(pycache, &st) < 0 ||
		errno != 33)
		return 6;
	if (access(temporary, F_OK) == 0 || stat("a/m.py", &st) < 0)
		return 7;
	if (unlink(path) < 0)
		return 8;
	return 0;
}

static void handle(int signal_number)
{
	int saved = errno, step = live(handled % 2 ? "a" : "b", "handler");

	(void)signal_number;
	if (step)
		broken = step;
	handled++;
	if (!calm)
		come_again();
	errno = saved;
}

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? strtoul(argv[2], NULL, 0) : 16384;
	struct sigaction action = { .sa_handler = handle,
		.sa_flags = SA_ONSTACK | SA_RESTART };
	char *memory = mmap(NULL, 65536 + size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = memory + 65536, .ss_size = size };
	int step = 0;

	if (argc < 2 || chdir(argv[1]) < 0 || memory == MAP_FAILED)
		return 2;
	mprotect(memory, 65536, PROT_NONE);
	if (sigaltstack(&stack, NULL) < 0)
		return 2;
	sigaction(SIGALRM, &action, NULL);
	live("a", "main"); /* before, as Python's own start would */
	come_again();
	for (int i = 0; i < 2000 && !step && !broken; i++)
		step = live(i % 2 ? "a" : "b", "main");
	calm = 1;
	printf("main %d handler %d came %s\n", step, broken,
		handled > 20 ? "often" : "seldom");
	return step || broken;
}
