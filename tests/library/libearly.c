/* SPDX-License-Identifier: MIT
 *
 * The driver of tests/calls as a library. With $EARLY=start it makes its calls in a
 * constructor, which may run before the constructor of a library that is preloaded with
 * it; with $EARLY=end in a destructor, after the program's own end. Rows come from the
 * file $EARLY_ROWS, and the results go to $EARLY_OUT; $EARLY_WORK and $EARLY_CACHE stand
 * for the driver's arguments.
 */
int driver_main(int argc, char **argv);
#define main driver_main
#include "tests/calls/call.c"
#undef main

static char word_rows[] = "--rows", word_name[] = "call";

static void run(const char *when)
{
	char *now = getenv("EARLY"), *argv[] = { word_name, word_rows,
		getenv("EARLY_WORK"), getenv("EARLY_CACHE"), NULL };
	FILE *in = stdin, *out = stdout;

	if (!now || strcmp(now, when))
		return;
	unsetenv("EARLY"); /* child processes must not do it again */
	stdin = fdopen(raw_open(AT_FDCWD, getenv("EARLY_ROWS"), O_RDONLY, 0), "r");
	stdout = fdopen(raw_open(AT_FDCWD, getenv("EARLY_OUT"),
				O_WRONLY | O_CREAT | O_TRUNC, 0644),
		"w");
	driver_main(argv[3] && *argv[3] ? 4 : 3, argv);
	fclose(stdout);
	fclose(stdin);
	stdin = in;
	stdout = out;
}

__attribute__((constructor)) static void early(void)
{
	run("start");
}

__attribute__((destructor)) static void late(void)
{
	run("end");
}
