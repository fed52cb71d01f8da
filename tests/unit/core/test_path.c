/* SPDX-License-Identifier: MIT
 *
 * Which component of a path is the `__pycache__`, decided by its letters alone.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/base/path.h"

/* --- path_split ----------------------------------------------------------------------
 * `want`: what follows the component, the directory of the sources, the name, and what
 * is behind the name. */
/* clang-format off: a row a line */
static const struct split {
	const char *sentence, *path, *want;
} splits[] = {
	{ "a file in a __pycache__ is split into directory and name",
		"/a/__pycache__/m.pyc", "name [/a/] [m.pyc] []" },
	{ "a file in a __pycache__ of a relative directory is split",
		"a/__pycache__/m.pyc", "name [a/] [m.pyc] []" },
	{ "a file in the __pycache__ of the working directory is split",
		"__pycache__/m.pyc", "name [] [m.pyc] []" },
	{ "a file in ./__pycache__ is split", "./__pycache__/m.pyc",
		"name [./] [m.pyc] []" },
	{ "a file in /__pycache__ is split", "/__pycache__/m.pyc",
		"name [/] [m.pyc] []" },
	{ "a __pycache__ itself is found", "/a/__pycache__", "pycache [/a/] [] []" },
	{ "the bare word __pycache__ is the directory", "__pycache__",
		"pycache [] [] []" },
	{ "a __pycache__ in the root directory is found", "/__pycache__",
		"pycache [/] [] []" },
	{ "a slash behind __pycache__ is ignored", "/a/__pycache__/",
		"pycache [/a/] [] []" },
	{ "several slashes behind __pycache__ are ignored", "/a/__pycache__///",
		"pycache [/a/] [] []" },
	{ "a dot behind __pycache__ is ignored", "/a/__pycache__/.",
		"pycache [/a/] [] []" },
	{ "dots and slashes behind __pycache__ are ignored", "/a/__pycache__/.//././",
		"pycache [/a/] [] []" },
	{ "dots and slashes between __pycache__ and the name are skipped",
		"/a/__pycache__//./m.pyc", "name [/a/] [m.pyc] []" },
	{ "a slash behind the name is not part of the name", "/a/__pycache__/m.pyc/",
		"name [/a/] [m.pyc] [/]" },
	{ "slashes and dots behind the name are not part of it",
		"/a/__pycache__/m.pyc/./.", "name [/a/] [m.pyc] [/./.]" },
	{ "a name below a name is deep", "/a/__pycache__/d/m.o",
		"deep [/a/] [d] [/m.o]" },
	{ ".. behind a name is deep", "/a/__pycache__/m/..", "deep [/a/] [m] [/..]" },
	{ "a name of dots behind a name is deep", "/a/__pycache__/m/...",
		"deep [/a/] [m] [/...]" },
	{ ".. behind __pycache__ leads back to the sources", "/a/__pycache__/../m.py",
		"up [/a/] [..] [/m.py]" },
	{ ".. at the end of the path leads back to the sources", "/a/__pycache__/..",
		"up [/a/] [..] []" },
	{ "./.. behind __pycache__ leads back to the sources", "/a/__pycache__/./..",
		"up [/a/] [..] []" },
	{ "three dots in a __pycache__ are a name", "/a/__pycache__/...",
		"name [/a/] [...] []" },
	{ "a hidden file in a __pycache__ has a name", "/a/__pycache__/.m.pyc",
		"name [/a/] [.m.pyc] []" },
	{ "a name may begin with two dots", "/a/__pycache__/..m", "name [/a/] [..m] []" },
	{ "the last of two __pycache__ in a path counts", "/__pycache__/b/__pycache__/m",
		"name [/__pycache__/b/] [m] []" },
	{ "a file in a __pycache__ that lies in another has a name in the inner one",
		"/a/__pycache__/__pycache__/m.o", "name [/a/__pycache__/] [m.o] []" },
	{ "a __pycache__ directly in another is a name in the outer one",
		"a/__pycache__/__pycache__", "name [a/] [__pycache__] []" },
	{ "a __pycache__ behind slashes and dots is a name in the outer one",
		"a/__pycache__//./__pycache__/./", "name [a/] [__pycache__] [/./]" },
	{ "the third of three nested __pycache__ is a name in the second",
		"__pycache__/__pycache__/__pycache__",
		"name [__pycache__/] [__pycache__] []" },
	{ "a __pycache__ below a name of another is not a name in that one",
		"a/__pycache__/b/__pycache__", "pycache [a/__pycache__/b/] [] []" },
	{ "a __pycache__ beside another, reached through .., is not a name in that one",
		"a/__pycache__/../__pycache__", "pycache [a/__pycache__/../] [] []" },
	{ "a name that only contains the letters is a name",
		"/a/__pycache__/x__pycache__", "name [/a/] [x__pycache__] []" },
	{ "slashes before __pycache__ belong to the directory", "//a///__pycache__/m",
		"name [//a///] [m] []" },
	{ ".. before __pycache__ stays in the directory, for the kernel",
		"/a/../b/__pycache__/m", "name [/a/../b/] [m] []" },
	{ "a path may contain blanks and newlines", "/a b/__pycache__/m\n.pyc",
		"name [/a b/] [m\n.pyc] []" },
	{ "a path need not be UTF-8", "/\xff/__pycache__/\xfe.pyc",
		"name [/\xff/] [\xfe.pyc] []" },
	{ "an empty path has no __pycache__", "", "none" },
	{ "the root directory is not a __pycache__", "/", "none" },
	{ "a path without the word has no __pycache__", "/usr/lib/python3/os.py",
		"none" },
	{ "a component with letters before the word is not a __pycache__",
		"/a/x__pycache__/m.pyc", "none" },
	{ "a component with letters behind the word is not a __pycache__",
		"/a/__pycache__x/m.pyc", "none" },
	{ "a component with a third underscore in front is not a __pycache__",
		"/a/___pycache__/m.pyc", "none" },
	{ "a component with a third underscore at the end is not a __pycache__",
		"/a/__pycache___/m.pyc", "none" },
	{ "a component with the word twice is not a __pycache__",
		"/a/__pycache____pycache__/m", "none" },
	{ "a component with a dot before the word is not a __pycache__",
		"/a/.__pycache__/m.pyc", "none" },
	{ "a component with a suffix is not a __pycache__", "/a/__pycache__.bak/m.pyc",
		"none" },
	{ "a component in capitals is not a __pycache__", "/a/__PYCACHE__/m.pyc",
		"none" },
	{ "a component that lacks the last letter is not a __pycache__", "/a/__pycache_",
		"none" },
	{ "a component in a __pycache__ that lacks the last letter is a name",
		"/a/__pycache__/__pycache_", "name [/a/] [__pycache_] []" },
};
/* clang-format on */

static void render(
	char *buf, size_t size, const char *path, const struct path_parts *parts)
{
	static const char *const tails[] = { "none", "pycache", "up", "name", "deep" };

	if (parts->tail == PATH_NO_PYCACHE)
		snprintf(buf, size, "none");
	else
		snprintf(buf, size, "%s [%.*s] [%.*s] [%s]", tails[parts->tail],
			(int)parts->dir_len, path, (int)parts->name_len, parts->name,
			parts->after);
}

static void splits_as_told(void **state)
{
	const struct split *row = *state;
	struct path_parts parts = path_split(row->path);
	char got[200];

	render(got, sizeof got, row->path, &parts);
	assert_string_equal(got, row->want);
	if (parts.tail != PATH_NO_PYCACHE)
		assert_int_equal(parts.cache_end, parts.dir_len + PYCACHE_LEN);
}

/* --- path_next_up --------------------------------------------------------------------
 * `want`: the path up to the end of that component, and what is behind the "..". */
/* clang-format off: a row a line */
static const struct up {
	const char *sentence, *path;
	size_t from;
	const char *want;
} ups[] = {
	{ "the .. behind __pycache__ is found", "/a/__pycache__/../m.py", 0,
		"[/a/__pycache__] [/m.py]" },
	{ "the .. behind __pycache__ is found in a relative path", "__pycache__/..", 0,
		"[__pycache__] []" },
	{ "the .. is found behind dots and slashes", "a/__pycache__//.//../m", 0,
		"[a/__pycache__] [/m]" },
	{ "the first of two .. is found from the start of the path",
		"__pycache__/../__pycache__/..", 0, "[__pycache__] [/__pycache__/..]" },
	{ "the second of two .. is found from behind the first",
		"__pycache__/../__pycache__/../m", 11,
		"[__pycache__/../__pycache__] [/m]" },
	{ "a __pycache__ with a name behind it is skipped on the search for ..",
		"__pycache__/x/__pycache__/..", 0, "[__pycache__/x/__pycache__] []" },
	{ "the .. behind the inner of two nested __pycache__ is found",
		"__pycache__/__pycache__/..", 0, "[__pycache__/__pycache__] []" },
	{ "the .. is found from the first letter of its __pycache__", "a/__pycache__/..",
		2, "[a/__pycache__] []" },
	{ "the .. is not found from the second letter of its __pycache__",
		"a/__pycache__/..", 3, "none" },
	{ "a .. behind a name is not found", "/a/__pycache__/m/..", 0, "none" },
	{ "three dots are not found as a ..", "/a/__pycache__/...", 0, "none" },
	{ "a name that begins with two dots is not found as a ..", "/a/__pycache__/..m",
		0, "none" },
	{ "one dot is not found as a ..", "/a/__pycache__/.", 0, "none" },
	{ "a __pycache__ without anything behind it has no ..", "/a/__pycache__", 0,
		"none" },
	{ "a .. behind a longer word is not found", "/a/x__pycache__/..", 0, "none" },
	{ "a .. before __pycache__ is not found", "/a/../__pycache__/m", 0, "none" },
	{ "an empty path has no ..", "", 0, "none" },
};
/* clang-format on */

static void finds_the_way_up(void **state)
{
	const struct up *row = *state;
	size_t end = 99, rest = 98;
	char got[200] = "none";

	if (path_next_up(row->path, row->from, &end, &rest)) {
		snprintf(got, sizeof got, "[%.*s] [%s]", (int)end, row->path,
			row->path + rest);
	} else {
		assert_int_equal(end, 99);
		assert_int_equal(rest, 98);
	}
	assert_string_equal(got, row->want);
}

/* --- path_is_below and path_is_clean ----------------------------------------------- */
/* clang-format off: a row a line */
static const struct below {
	const char *sentence, *path, *prefix;
	bool want;
} belows[] = {
	{ "a file in the directory is below it", "/a/b", "/a", true },
	{ "a file several directories down is below", "/a/b/c/d", "/a", true },
	{ "the directory itself counts as below", "/a", "/a", true },
	{ "a slash at the end of the prefix makes no difference", "/a/b", "/a/", true },
	{ "slashes at the end of the prefix make no difference", "/a", "/a///", true },
	{ "a name that only begins with the letters of the prefix is not below", "/ab",
		"/a", false },
	{ "a path whose component only begins with the last one of the prefix is not below",
		"/a/bc/d", "/a/b", false },
	{ "the parent is not below its directory", "/a", "/a/b", false },
	{ "a sibling is not below", "/b", "/a", false },
	{ "everything is below the root directory", "/a", "/", true },
	{ "the root directory, whose canonical path is empty, is below itself", "", "/",
		true },
	{ "the root directory is not below another", "", "/a", false },
	{ "a prefix of several slashes is the root directory", "/a", "//", true },
	{ "a relative path is not below the root directory", "a/b", "/", false },
	{ "a path of different case is not below", "/A/b", "/a", false },
}, cleans[] = {
	{ "a path of one component is clean", "/a", NULL, true },
	{ "a path of several components is clean", "/a/b/c", NULL, true },
	{ "a path with names that begin with dots is clean", "/.a/..b/...", NULL, true },
	{ "a path with names that end in dots is clean", "/a./b..", NULL, true },
	{ "an empty path is not clean", "", NULL, false },
	{ "the root directory is not clean, because it ends in a slash", "/", NULL,
		false },
	{ "a relative path is not clean", "a/b", NULL, false },
	{ "a path with a slash at the end is not clean", "/a/", NULL, false },
	{ "a path with an empty component is not clean", "/a//b", NULL, false },
	{ "a path that begins with an empty component is not clean", "//a", NULL, false },
	{ "a path with . in it is not clean", "/a/./b", NULL, false },
	{ "a path that ends in . is not clean", "/a/.", NULL, false },
	{ "a path with .. in it is not clean", "/a/../b", NULL, false },
	{ "a path that ends in .. is not clean", "/a/..", NULL, false },
	{ "a path that begins with .. is not clean", "/../a", NULL, false },
};
/* clang-format on */

static void is_below(void **state)
{
	const struct below *row = *state;
	size_t len = strlen(row->path), prefix_len = strlen(row->prefix);
	const char *path = unit_at_page_end(row->path, len);

	assert_int_equal(path_is_below(path, len, row->prefix, prefix_len), row->want);
	/* neither is terminated: the prefix may be an item of a list */
	path = unit_at_page_end(row->prefix, prefix_len);
	assert_int_equal(path_is_below(row->path, len, path, prefix_len), row->want);
}

static void is_clean(void **state)
{
	const struct below *row = *state;
	size_t len = strlen(row->path);

	assert_int_equal(path_is_clean(unit_at_page_end(row->path, len), len), row->want);
}

static void clean_is_asked_of_a_part(void **state)
{
	(void)state;
	assert_true(path_is_clean("/a/b/../c", 4));
	assert_false(path_is_clean("/a/b/../c", 5));
}

/* --- all paths --------------------------------------------------------------------- */
static size_t make_path(uint64_t *seed, char *path)
{
	static const char *const pieces[] = { "/", "/", "/", ".", "..", "a", "m.pyc", "_",
		"__pycache__", "__pycache__", "__pycache__/", "__pycache",
		"/__pycache__/..", "\xff", "e__", "__p" };
	size_t len = 0;

	for (unsigned n = unit_random(seed, 9); n--;) {
		const char *piece = pieces[unit_random(seed, COUNT(pieces))];

		memcpy(path + len, piece, strlen(piece));
		len += strlen(piece);
	}
	path[len] = '\0';
	return len;
}

/* Splits a path component by component, the slow way. Returns whether there is a
 * `__pycache__`, and where the one is that counts: the last, unless it ends the path
 * right behind another. */
static bool last_pycache(const char *path, size_t *ret_at)
{
	enum { NOTHING, PYCACHE_SEEN, PYCACHE_TWICE } state = NOTHING;
	bool found = false;
	size_t at[2] = { 0 };

	for (const char *p = path;;) {
		size_t n = strcspn(p, "/");
		bool counts = n > 1 || (n == 1 && *p != '.');

		if (n == PYCACHE_LEN && memcmp(p, PYCACHE, n) == 0) {
			at[0] = at[1];
			at[1] = (size_t)(p - path);
			state = state == NOTHING ? PYCACHE_SEEN : PYCACHE_TWICE;
			found = true;
		} else if (counts) {
			state = NOTHING;
		}
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	*ret_at = at[state != PYCACHE_TWICE];
	return found;
}

static void check_split(const char *path, size_t len)
{
	struct path_parts parts = path_split(path);
	size_t at = 0;

	assert_int_equal(parts.tail != PATH_NO_PYCACHE, last_pycache(path, &at));
	if (parts.tail == PATH_NO_PYCACHE)
		return;
	assert_int_equal(parts.dir_len, at);
	assert_int_equal(parts.cache_end, at + PYCACHE_LEN);
	assert_true(parts.name >= path + parts.cache_end && parts.after <= path + len);
	assert_ptr_equal(parts.after, parts.name + parts.name_len);
	assert_true(*parts.after == '\0' || *parts.after == '/');
	assert_int_equal(parts.name_len == 0, parts.tail == PATH_PYCACHE);
	assert_null(memchr(parts.name, '/', parts.name_len));
}

static void check_next_up(const char *path, size_t len)
{
	size_t from = 0, end, rest;

	while (path_next_up(path, from, &end, &rest)) {
		assert_true(end >= from + PYCACHE_LEN && end < rest && rest <= len);
		assert_memory_equal(path + end - PYCACHE_LEN, PYCACHE, PYCACHE_LEN);
		assert_memory_equal(path + rest - 2, "..", 2);
		assert_int_equal(
			strspn(path + end, "/."), rest - end + strspn(path + rest, "/."));
		assert_true(path[rest] == '\0' || path[rest] == '/');
		from = end;
	}
}

static void stays_within_any_path(void **state)
{
	uint64_t seed = 1;
	char path[200];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t len = make_path(&seed, path);
		const char *at = unit_at_page_end(path, len + 1);

		check_split(at, len);
		check_next_up(at, len);
	}
}

int main(void)
{
	unit_rows(splits_as_told, splits);
	unit_rows(finds_the_way_up, ups);
	unit_rows(is_below, belows);
	unit_rows(is_clean, cleans);
	unit_one("only the given length of a path must be clean",
		clean_is_asked_of_a_part);
	unit_one(
		"200000 random paths are split at the right component, and nothing behind them is read",
		stays_within_any_path);
	return unit_run("path");
}
