/* SPDX-License-Identifier: MIT
 *
 * Makes libc calls and says what came of them: `ret errno details`, a line each.
 *
 *   call SYMBOL ARG…            one call, here and now
 *   call --script               a call a line from stdin, in one process; see script()
 *   call --rows WORK [CACHE]    rows of tests from stdin, each in a fresh tree; see
 * rows() call --names | --unknown    the symbols of calls.def; those that table.h lacks
 *
 * It is linked with libc alone and finds each symbol where the dynamic linker would, so
 * a preloaded library gets the call. An argument is NULL, BAD (a pointer to nowhere),
 * EMPTY, BUF, CWD (AT_FDCWD), FD:dir (opened first), INOTIFY, a number, names of flags
 * joined by '|', or a path. In a path, ABS: stands for the working tree, '@' for
 * __pycache__ (or $CALL_DIR), \xHH for a byte, {text*n} for n times text, LONG:n for
 * {x*n}. With $CALL_IN each call is made in an awkward place; see awkward.h.
 */
#include <ctype.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "shim/calls.h"
#include "tests/calls/raw.h"

#define ERRNO_BEFORE 77
#define STAT_VERSION (sizeof(long) == 8 && __x86_64__ ? 1 : 0)
#define MKNOD_VERSION 0

#define RUN_SCRIPT "#!/bin/sh\nexit 7\n"

/* 1. The symbols. */

static struct real_calls fn;

#define CALL(ret, name, params, args, maybe, slow, early) \
	__attribute__((weak)) void do_##name(void);
#include "shim/calls.def"

static const struct symbol {
	const char *name;
	size_t offset;
	void (*act)(void);
} symbols[] = {
#define CALL(ret, name, params, args, maybe, slow, early) \
	{ #name, offsetof(struct real_calls, name), do_##name },
#include "shim/calls.def"
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What a libc may lack. */
static int own_openat2(
	int dirfd, const char *path, const struct open_how *how, size_t size)
{
	return (int)syscall(SYS_openat2, dirfd, path, how, size);
}

static void find_symbols(void)
{
	fn.openat2 = own_openat2;
	for (size_t i = 0; i < COUNT(symbols); i++) {
		void *found = dlsym(RTLD_DEFAULT, symbols[i].name);

		if (found)
			memcpy((char *)&fn + symbols[i].offset, &found, sizeof found);
	}
}

static const struct symbol *symbol_of(const char *name)
{
	for (size_t i = 0; i < COUNT(symbols); i++)
		if (!strcmp(symbols[i].name, name) && symbols[i].act)
			return &symbols[i];
	return NULL;
}

/* 2. What is said; in shared memory, since some calls are made in a child. */

static struct {
	size_t len;
	char text[65536];
	char random_letters[8]; /* that mkstemp chose */
} * said;

static __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
	int saved = errno;
	size_t room = sizeof said->text - said->len;
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(said->text + said->len, room, format, list);
	va_end(list);
	said->len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
	errno = saved;
}

static char top[PATH_MAX]; /* the working tree */
static const char *dir_name = "__pycache__";

/* Says what differs from run to run by another name: the tree %, the directory @, a
 * random name ??????. */
static const char *plain(const char *text, char *buf, size_t size)
{
	const struct {
		const char *from, *to;
	} names[] = { { top, "%" }, { dir_name, "@" },
		{ said->random_letters, "??????" } };
	size_t len = 0;

	while (*text && len + 8 < size) {
		size_t i, n = 0;

		for (i = 0; i < COUNT(names); i++) {
			n = strlen(names[i].from);
			if (n > 1 && !strncmp(text, names[i].from, n))
				break;
		}
		if (i < COUNT(names)) {
			len += (size_t)sprintf(buf + len, "%s", names[i].to);
			text += n;
		} else if ((*text & 0x80) || (*text < ' ' && *text != '\t')) {
			len += (size_t)sprintf(
				buf + len, "\\x%02x", (unsigned char)*text++);
		} else {
			buf[len++] = *text++;
		}
	}
	buf[len] = '\0';
	return buf;
}

static void flush_said(void)
{
	static char text[2 * sizeof said->text];

	said->text[said->len] = '\0';
	puts(plain(said->text, text, sizeof text));
	said->len = 0;
}

/* 3. The arguments of a row. */

#include "tests/calls/args.h"

/* 4. The results. */

#include "tests/calls/show.h"

#define DO(kind, name, ...)                     \
	void do_##name(void)                    \
	{                                       \
		__auto_type call = fn.name;     \
                                                \
		errno = ERRNO_BEFORE;           \
		show_##kind(call(__VA_ARGS__)); \
	}
#include "tests/calls/table.h"

/* Whether the call is better made in a child: it changes the process for good. */
static bool wants_child(const char *name)
{
	return strncmp(name, "exec", 4) == 0 || strncmp(name, "set", 3) == 0 ||
	       !strcmp(name, "chroot") || is_wild;
}

static void say_end(int status)
{
	if (WIFSIGNALED(status))
		say("died of signal %d", WTERMSIG(status));
	else if (status)
		say("exit %d", WEXITSTATUS(status));
}

static void in_child(const struct symbol *symbol)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		symbol->act();
		_exit(0);
	}
	waitpid(child, &status, 0);
	say_end(status);
}

#include "tests/calls/awkward.h"

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

/* 5. Ways to run. */

#include "tests/calls/tree.h"

/* Rows "WHERE FIXTURE SYMBOL ARG…": each in a tree made anew. Prints, with tabs
 * between: the result; what the program sees afterwards; what the tree and the cache
 * really hold. */
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

/* Lines of calls, in one process, in the directory where we are. Besides symbols:
 *   import DIR/NAME   what Python does for it, and says "served TEXT" or "compiled"
 *   see PATH          type, mode and content, as the program sees them
 *   list PATH         likewise, a directory's names
 *   sh COMMAND        a shell's command, without the library */
static void script(void)
{
	static char line[32768];

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
		alarm(300);
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
