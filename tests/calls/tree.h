/* SPDX-License-Identifier: MIT
 *
 * The tree in which the call of a row is made, and its state afterwards.
 *
 *   a/ m.py      the sources; l -> a; d.txt a file; loop -> loop; b/ another directory
 *   a/@, b/@     as the words of the row's fixture say, joined by commas:
 *     -            neither exists
 *     dir, bdir    a/@, b/@ exists
 *     m n s bm     the entry m (n, s, and b/@'s m), as Python writes it
 *     m:t n:t bm:t     the same, but in the tree, whether there is a cache or not
 *     m:b n:b bm:b     in both, with an older one in the tree
 *     m:o              in both, and the cache's is that of an older source
 *     +NAME        a file of that name, written as Python and numba do it, else in place
 *     ?NAME        the program has looked for that name
 *     x            a program, x.cpython-311.pyc
 *     in           in.pyc, beside a and b
 *     near         x@/f.pyc, @x/f.pyc, my@/f.pyc: names that only look like __pycache__
 *     link         a/@/k.cpython-311.pyc -> ../m.py (in the tree)
 *     PATH=MODE    its mode, in octal
 *
 * Everything below a/@ is made with the calls that are tested: without the library it is
 * in the tree, and with it where Python's own files would be.
 */
#pragma once

#include "tests/calls/show.h"

static int top_fd = -1, cache_fd = -1;

static const char entry_m[] = "m.cpython-311.pyc";

static bool is_final(const char *name)
{
	const char *end = strrchr(name, '.');

	return end &&
	       (!strcmp(end, ".pyc") || !strcmp(end, ".nbi") || !strcmp(end, ".nbc"));
}

/* Opens a file to read it, as Python does before it compiles. */
static void look_for(const char *dir, const char *name, size_t len)
{
	char path[16384], spelled[16384];
	int fd;

	sprintf(spelled, "%s/%.*s", dir, (int)len, name);
	fd = fn.open(expand(spelled, path, sizeof path), O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
}

/* Returns how many bytes of a temporary name are the final name. */
static size_t final_len(const char *name)
{
	size_t len = strlen(name);
	const char *end = strstr(name, ".tmp.");

	if (end)
		return (size_t)(end - name);
	while (len && name[len - 1] >= '0' && name[len - 1] <= '9')
		len--;
	return len && name[len] && name[len - 1] == '.' ? len - 1 : strlen(name);
}

/* Makes a file below `@` through the library, as Python and numba do: looks for it, reads
 * the source that its name indicates (no name here has a dot), writes a temporary file,
 * and renames it. */
static void make_entry(
	const char *dir, const char *name, const char *content, mode_t mode)
{
	char path[16384], temporary[16400], spelled[16384], at[16384];
	bool renamed = is_final(name);
	int fd;

	sprintf(at, "%s/@", dir);
	fn.mkdir(expand(at, path, sizeof path), 0755);
	look_for(at, name, final_len(name));
	sprintf(spelled, "%.*s.py", (int)strcspn(name, "."), name);
	look_for(dir, spelled, strlen(spelled));
	sprintf(spelled, "%s/@/%s", dir, name);
	expand(spelled, path, sizeof path);
	sprintf(temporary, "%s%s", path,
		!renamed	      ? ""
		: strstr(name, ".nb") ? ".tmp.1"
				      : ".1");
	fd = fn.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 || write(fd, content, strlen(content)) < 0)
		say("(fixture: %s: %s) ", temporary, error_name(errno));
	close(fd);
	if (renamed && fn.rename(temporary, path) < 0)
		say("(fixture: %s: %s) ", path, error_name(errno));
}

static void make_in_tree(const char *dir, const char *name, const char *content)
{
	char path[4096], spelled[4096];

	sprintf(spelled, "%s/@", dir);
	raw_mkdir(top_fd, expand(spelled, path, sizeof path));
	sprintf(spelled, "%s/@/%s", dir, name);
	raw_file(top_fd, expand(spelled, path, sizeof path), content);
}

static void make_outdated(const char *dir, const char *name)
{
	if (cache_fd >= 0)
		make_entry(dir, name, "outdated", 0644);
	make_in_tree(dir, name, "old");
	raw_file(
		top_fd, "a/new.py", "source"); /* while m.py is there: of another inode */
	syscall(SYS_renameat2, top_fd, "a/new.py", top_fd, "a/m.py", 0);
}

/* m, m:t, m:b, m:o and the like. */
static void make_where(const char *dir, const char *name, char where, const char *content)
{
	if (where == 't') {
		make_in_tree(dir, name, content);
		return;
	}
	if (where == 'o') {
		make_outdated(dir, name);
		return;
	}
	make_entry(dir, name, content, 0644);
	if (where == 'b' && cache_fd >= 0)
		make_in_tree(dir, name, "old");
}

static void make_near(void)
{
	static const char *const dirs[] = { "x@", "@x", "my@" };
	char path[4096], spelled[64];

	for (size_t i = 0; i < COUNT(dirs); i++) {
		raw_mkdir(top_fd, expand(dirs[i], path, sizeof path));
		sprintf(spelled, "%s/f.pyc", dirs[i]);
		raw_file(top_fd, expand(spelled, path, sizeof path), "near");
	}
}

static void make_word(const char *word)
{
	char path[4096], where = strchr(word, ':') ? strchr(word, ':')[1] : 0;
	const char *mode = strchr(word, '=');
	size_t n = strcspn(word, ":");

	if (mode) {
		sprintf(path, "%.*s", (int)(mode - word), word);
		fn.chmod(expand(path, (char[4096]){ 0 }, 4096),
			(mode_t)strtol(mode + 1, NULL, 8));
	} else if (*word == '+')
		make_entry("a", word + 1, "file", 0644);
	else if (*word == '?')
		look_for("a/@", word + 1, strlen(word + 1));
	else if (!strcmp(word, "dir"))
		fn.mkdir(expand("a/@", path, sizeof path), 0755);
	else if (!strcmp(word, "bdir"))
		fn.mkdir(expand("b/@", path, sizeof path), 0755);
	else if (n == 1 && *word == 'm')
		make_where("a", entry_m, where, "code of m");
	else if (n == 1 && *word == 'n')
		make_where("a", "n.cpython-311.pyc", where, "other code");
	else if (n == 1 && *word == 's')
		make_where("a", "s.cpython-311.pyc", where, "more code");
	else if (n == 2 && !strncmp(word, "bm", 2))
		make_where("b", entry_m, where, "code in b");
	else if (!strcmp(word, "x"))
		make_entry("a", "x.cpython-311.pyc", RUN_SCRIPT, 0755);
	else if (!strcmp(word, "in"))
		raw_file(top_fd, "in.pyc", "from outside");
	else if (!strcmp(word, "near"))
		make_near();
	else if (!strcmp(word, "link")) {
		raw_mkdir(top_fd, expand("a/@", path, sizeof path));
		syscall(SYS_symlinkat, "../m.py", top_fd,
			expand("a/@/k.cpython-311.pyc", path, sizeof path));
	} else if (strcmp(word, "-"))
		say("(fixture: what is %s?) ", word);
}

static void tree_wipe(const char *cache)
{
	raw_wipe(top_fd, ".");
	if (cache)
		raw_wipe(AT_FDCWD, cache);
}

static void tree_make(const char *cache, const char *fixture)
{
	static char layout[PATH_MAX];
	char words_[256], *save, path[4096];

	if (top_fd < 0) {
		top_fd = fcntl(raw_open(AT_FDCWD, top, O_RDONLY | O_DIRECTORY, 0),
			F_DUPFD_CLOEXEC, 900);
		/* Like Python, it has opened bytecode before anything else. */
		fn.open(expand("ABS:@/x.cpython-311.pyc", path, sizeof path), O_RDONLY);
	}
	if (cache) {
		sprintf(layout, "%s/v1", cache);
		cache_fd = 1;
	}
	tree_wipe(cache ? layout : NULL);
	raw_mkdir(top_fd, "a");
	raw_mkdir(top_fd, "b");
	raw_file(top_fd, "a/m.py", "source");
	raw_file(top_fd, "d.txt", "a file");
	syscall(SYS_symlinkat, "a", top_fd, "l");
	syscall(SYS_symlinkat, "loop", top_fd, "loop");
	strcpy(words_, fixture);
	for (char *word = strtok_r(words_, ",", &save); word;
		word = strtok_r(NULL, ",", &save))
		make_word(word);
}

static void see_path(const char *path, const char *called)
{
	struct stat st;
	int fd;

	if (fn.lstat(path, &st) < 0) {
		if (errno != ENOENT)
			say(" %s: %s", called, error_name(errno));
		return;
	}
	say(" %s: ", called);
	say_status(&st);
	if (!S_ISREG(st.st_mode))
		return;
	fd = fn.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		say(" unreadable: %s", error_name(errno));
		return;
	}
	say_content(fd);
	close(fd);
}

static void see_list(const char *path)
{
	DIR *dir = fn.opendir(path);

	if (!dir)
		return;
	say(" ");
	say_names(dir);
	closedir(dir);
}

/* Prints what the program sees after the call. */
static void tree_see(void)
{
	static const char *const paths[] = { "a/@", "a/@/m.cpython-311.pyc",
		"a/@/n.cpython-311.pyc", "a/@/s.cpython-311.pyc", "a/@/t.cpython-311.pyc",
		"a/@/t.cpython-311.pyc.123", "a/@/other.c", "b/@",
		"b/@/m.cpython-311.pyc", "a/m.py", "in.pyc", "out.pyc", "out" };
	char path[4096];

	for (size_t i = 0; i < COUNT(paths); i++) {
		see_path(expand(paths[i], path, sizeof path), paths[i]);
		if (!strcmp(paths[i] + 1, "/@"))
			see_list(path);
	}
}

/* Prints the files that really exist. */
static void tree_look(const char *cache)
{
	char path[3 * PATH_MAX], spelled[64];

	for (const char *dir = "ab"; *dir; dir++) {
		sprintf(spelled, "%c/@", *dir);
		say(" tree-%c=", *dir);
		raw_list(top_fd, expand(spelled, path, sizeof path), say);
		if (!cache)
			continue;
		sprintf(path, "%s/v1/cpython-311/tree%s/%c/%s", cache, top, *dir,
			dir_name);
		say(" cache-%c=", *dir);
		raw_list(AT_FDCWD, path, say);
	}
}

static void tree_see_path(const char *path)
{
	char real_path[16384];

	see_path(expand(path, real_path, sizeof real_path), path);
}

static void tree_see_list(const char *path)
{
	char real_path[16384];

	see_list(expand(path, real_path, sizeof real_path));
}

static void tree_shell(const char *command)
{
	pid_t child = fork();

	if (child == 0) {
		unsetenv("LD_PRELOAD");
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}

/* Imports DIR/NAME with the calls that Python makes; goes on if it cannot write. */
static void tree_import(const char *source)
{
	const char *slash = strrchr(source, '/');
	char path[8192], temporary[9000], pycache[4096], content[64];
	int dir_len = (int)(slash - source), fd;
	struct stat st;
	ssize_t n;

	sprintf(temporary, "%.*s/@", dir_len, source);
	expand(temporary, pycache, sizeof pycache);
	sprintf(path, "%s/%s.cpython-311.pyc", pycache, slash + 1);
	fd = fn.open64(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, content, sizeof content);
		close(fd);
		say("served '%.*s'", (int)n, content);
		return;
	}
	say("compiled");
	if (fn.stat64(pycache, &st) < 0 && fn.mkdir(pycache, 0777) < 0 && errno != EEXIST)
		return;
	sprintf(temporary, "%s.139833704914288", path);
	fd = fn.open64(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	n = write(fd, "code", 4);
	close(fd);
	if (n == 4 && fn.rename(temporary, path) == 0)
		say(" and written");
	else
		fn.unlink(temporary);
}
