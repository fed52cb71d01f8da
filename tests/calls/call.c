/* SPDX-License-Identifier: MIT
 *
 * Makes libc calls and prints their results: `ret errno details`, a line each.
 *
 *   call SYMBOL ARG…            makes one call in the working directory
 *   call --script               reads a call from each line of stdin; see script()
 *   call --rows WORK [CACHE]    reads rows from stdin, each for a fresh tree; see rows()
 *   call --names | --unknown    prints the symbols of calls.def, or those that table.def
 * lacks
 *
 * It is linked with libc alone and finds each symbol where the dynamic linker would, so
 * a preloaded library gets the call. An argument is NULL, BAD (a pointer to nowhere),
 * EMPTY, BUF, CWD (AT_FDCWD), FD:dir (opened first), INOTIFY, a number, names of flags
 * joined by '|', or a path. In a path, ABS: stands for the working tree, '@' for
 * __pycache__ (or $CALL_DIR), \xHH for a byte, {text*n} for n times text, LONG:n for
 * {x*n}. With $CALL_IN each call is made in an awkward place; see awkward.h.
 */
#include "tests/calls/call.h"
#include "tests/calls/args.h"
#include "tests/calls/awkward.h"
#include "tests/calls/show.h"
#include "tests/calls/tree.h"

#define DO(kind, name, ...)                     \
	void do_##name(void)                    \
	{                                       \
		__auto_type call = fn.name;     \
                                                \
		errno = ERRNO_BEFORE;           \
		show_##kind(call(__VA_ARGS__)); \
	}
#include "tests/calls/table.def"

/* Returns whether the call has to be made in a child, because it changes the process for
 * good. */
static bool wants_child(const char *name)
{
	return strncmp(name, "exec", 4) == 0 || strncmp(name, "set", 3) == 0 ||
	       !strcmp(name, "chroot") || strcasestr(name, "exit") || is_wild;
}

/* Makes the call of one line "SYMBOL ARG…". */
static void make_call(char *line, bool may_fork)
{
	const struct symbol *symbol;
	char *save, *name = strtok_r(line, " ", &save), *word;
	int count = 0;

	if (!name || !(symbol = symbol_of(name))) {
		say("unknown symbol %s", name ? name : "");
		return;
	}
	memset(strings, 0, sizeof strings);
	memset(numbers, 0, sizeof numbers);
	fd_count = 0;
	is_wild = false;
	*said->random_letters = '\0';
	while (count < ARGS && (word = strtok_r(NULL, " ", &save)))
		take_argument(count++, word);
	is_wild &= count > 0;
	if (may_fork && awkward)
		awkward(symbol);
	else if (may_fork && wants_child(symbol->name))
		in_child(symbol);
	else
		symbol->act();
	for (int i = 0; i < fd_count; i++)
		close(fds[i]);
}

/* Ways to run. */

/* Reads rows "WHERE FIXTURE SYMBOL ARG…", and makes each call in a new tree. Prints, with
 * tabs between: the result; what the program sees afterwards; which files the tree and
 * the cache really hold. */
static void rows(const char *cache)
{
	static char line[32768];

	while (fgets(line, sizeof line, stdin)) {
		int at = 0;
		char fixture[256];

		line[strcspn(line, "\n")] = '\0';
		if (*line == '#' || sscanf(line, "%*s %255s %n", fixture, &at) != 1 ||
			!at)
			continue;
		alarm(300); /* for each row: on a busy machine, all rows together may take
			       longer */
		tree_make(cache, fixture);
		make_call(line + at, true);
		say("\t");
		tree_see();
		say("\t");
		tree_look(cache);
		flush_said();
	}
	tree_wipe(cache);
}

/* Makes a call for each line, in one process, in the working directory. Other lines are:
 *   import DIR/NAME   does what Python does, and prints "served TEXT" or "compiled"
 *   see PATH          prints type, mode and content, as the program sees them
 *   list PATH         prints a directory's names, as the program sees them
 *   cd PATH           goes there, without the library, and prints nothing
 *   sh COMMAND        runs a shell command, without the library */
static void script(void)
{
	static char line[32768], path[16384];

	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "import ", 7))
			tree_import(line + 7);
		else if (!strncmp(line, "see ", 4))
			tree_see_path(line + 4);
		else if (!strncmp(line, "list ", 5))
			tree_see_list(line + 5);
		else if (!strncmp(line, "sh ", 3)) {
			tree_shell(line + 3);
			continue;
		} else if (!strncmp(line, "cd ", 3)) {
			(void)syscall(SYS_chdir, expand(line + 3, path, sizeof path));
			continue;
		} else
			make_call(line, !strncmp(line, "exec", 4));
		flush_said();
		fflush(stdout);
	}
}

static int list_names(bool unknown)
{
	for (size_t i = 0; i < COUNT(symbols); i++)
		if (!unknown || !symbols[i].act)
			puts(symbols[i].name);
	return 0;
}

int main(int argc, char **argv)
{
	static char line[32768];

	said = mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (argc < 2 || said == MAP_FAILED)
		return 2;
	if (!strcmp(argv[1], "--names") || !strcmp(argv[1], "--unknown"))
		return list_names(argv[1][2] == 'u');
	if (getenv("CALL_DIR"))
		dir_name = getenv("CALL_DIR");
	find_symbols();
	if (getenv("CALL_IN") && !find_awkward(getenv("CALL_IN")))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(argv[1], "--rows")) {
		if (argc < 3 || chdir(argv[2]) < 0)
			return 2;
	}
	if (syscall(SYS_getcwd, top, sizeof top) < 0)
		return 2;
	umask(022);
	if (!strcmp(argv[1], "--rows")) {
		rows(argc > 3 ? argv[3] : NULL);
	} else if (!strcmp(argv[1], "--script")) {
		script();
	} else {
		for (int i = 1; i < argc; i++)
			strcat(strcat(line, argv[i]), i + 1 < argc ? " " : "");
		make_call(line, false);
		flush_said();
	}
	return 0;
}
