/* SPDX-License-Identifier: MIT
 *
 * Which component of a path is the `__pycache__`, by its letters alone.
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
	{ "an entry", "/a/__pycache__/m.pyc", "name [/a/] [m.pyc] []" },
	{ "an entry in a relative directory", "a/__pycache__/m.pyc",
		"name [a/] [m.pyc] []" },
	{ "an entry below the working directory", "__pycache__/m.pyc",
		"name [] [m.pyc] []" },
	{ "an entry below ./", "./__pycache__/m.pyc", "name [./] [m.pyc] []" },
	{ "an entry in the root directory", "/__pycache__/m.pyc", "name [/] [m.pyc] []" },
	{ "the directory itself is redirected too", "/a/__pycache__",
		"pycache [/a/] [] []" },
	{ "the bare word is the directory", "__pycache__", "pycache [] [] []" },
	{ "the directory in the root directory", "/__pycache__", "pycache [/] [] []" },
	{ "the directory with a slash behind", "/a/__pycache__/", "pycache [/a/] [] []" },
	{ "the directory with slashes behind", "/a/__pycache__///",
		"pycache [/a/] [] []" },
	{ "the directory with a dot behind", "/a/__pycache__/.", "pycache [/a/] [] []" },
	{ "dots and slashes behind it count for nothing", "/a/__pycache__/.//././",
		"pycache [/a/] [] []" },
	{ "dots and slashes before the name are skipped", "/a/__pycache__//./m.pyc",
		"name [/a/] [m.pyc] []" },
	{ "a slash behind the name", "/a/__pycache__/m.pyc/", "name [/a/] [m.pyc] [/]" },
	{ "slashes and dots behind the name", "/a/__pycache__/m.pyc/./.",
		"name [/a/] [m.pyc] [/./.]" },
	{ "a name below a name is deep", "/a/__pycache__/d/m.o",
		"deep [/a/] [d] [/m.o]" },
	{ ".. behind a name is deep", "/a/__pycache__/m/..", "deep [/a/] [m] [/..]" },
	{ "a name of dots behind a name is deep", "/a/__pycache__/m/...",
		"deep [/a/] [m] [/...]" },
	{ ".. leads back to the sources", "/a/__pycache__/../m.py",
		"up [/a/] [..] [/m.py]" },
	{ ".. alone leads back", "/a/__pycache__/..", "up [/a/] [..] []" },
	{ "./.. leads back", "/a/__pycache__/./..", "up [/a/] [..] []" },
	{ "three dots are a name", "/a/__pycache__/...", "name [/a/] [...] []" },
	{ "a hidden name is a name", "/a/__pycache__/.m.pyc", "name [/a/] [.m.pyc] []" },
	{ "a name that begins with two dots", "/a/__pycache__/..m",
		"name [/a/] [..m] []" },
	{ "the last of two counts", "/__pycache__/b/__pycache__/m",
		"name [/__pycache__/b/] [m] []" },
	{ "one right behind the other", "/a/__pycache__/__pycache__/m.o",
		"name [/a/__pycache__/] [m.o] []" },
	{ "one in the other, itself, is a name in there", "a/__pycache__/__pycache__",
		"name [a/] [__pycache__] []" },
	{ "one in the other, with slashes and dots", "a/__pycache__//./__pycache__/./",
		"name [a/] [__pycache__] [/./]" },
	{ "the third of three in each other is a name in the second",
		"__pycache__/__pycache__/__pycache__",
		"name [__pycache__/] [__pycache__] []" },
	{ "a path below a name of the other directory is not a name in it",
		"a/__pycache__/b/__pycache__", "pycache [a/__pycache__/b/] [] []" },
	{ "a directory beside the other is not a name in it",
		"a/__pycache__/../__pycache__", "pycache [a/__pycache__/../] [] []" },
	{ "a later one that only contains the letters", "/a/__pycache__/x__pycache__",
		"name [/a/] [x__pycache__] []" },
	{ "slashes before it belong to the directory", "//a///__pycache__/m",
		"name [//a///] [m] []" },
	{ ".. before it is left to the kernel", "/a/../b/__pycache__/m",
		"name [/a/../b/] [m] []" },
	{ "a name with blanks and newlines", "/a b/__pycache__/m\n.pyc",
		"name [/a b/] [m\n.pyc] []" },
	{ "a name that is not UTF-8", "/\xff/__pycache__/\xfe.pyc",
		"name [/\xff/] [\xfe.pyc] []" },
	{ "no path at all", "", "none" },
	{ "the root directory", "/", "none" },
	{ "a path without it", "/usr/lib/python3/os.py", "none" },
	{ "letters before it", "/a/x__pycache__/m.pyc", "none" },
	{ "letters behind it", "/a/__pycache__x/m.pyc", "none" },
	{ "an underscore before it", "/a/___pycache__/m.pyc", "none" },
	{ "an underscore behind it", "/a/__pycache___/m.pyc", "none" },
	{ "the word twice in one component", "/a/__pycache____pycache__/m", "none" },
	{ "a dot before it", "/a/.__pycache__/m.pyc", "none" },
	{ "a suffix behind it", "/a/__pycache__.bak/m.pyc", "none" },
	{ "other case", "/a/__PYCACHE__/m.pyc", "none" },
	{ "cut off by one letter", "/a/__pycache_", "none" },
	{ "a component cut off, behind a whole one", "/a/__pycache__/__pycache_",
		"name [/a/] [__pycache_] []" },
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
	{ "up: directly behind it", "/a/__pycache__/../m.py", 0,
		"[/a/__pycache__] [/m.py]" },
	{ "up: relative", "__pycache__/..", 0, "[__pycache__] []" },
	{ "up: with dots and slashes between", "a/__pycache__//.//../m", 0,
		"[a/__pycache__] [/m]" },
	{ "up: the first of two", "__pycache__/../__pycache__/..", 0,
		"[__pycache__] [/__pycache__/..]" },
	{ "up: the second of two, asked from behind the first",
		"__pycache__/../__pycache__/../m", 11,
		"[__pycache__/../__pycache__] [/m]" },
	{ "up: one that has a name behind is passed over", "__pycache__/x/__pycache__/..",
		0, "[__pycache__/x/__pycache__] []" },
	{ "up: one within one", "__pycache__/__pycache__/..", 0,
		"[__pycache__/__pycache__] []" },
	{ "up: asked from its first letter", "a/__pycache__/..", 2,
		"[a/__pycache__] []" },
	{ "up: asked from its second letter", "a/__pycache__/..", 3, "none" },
	{ "up: behind a name it does not count", "/a/__pycache__/m/..", 0, "none" },
	{ "up: three dots", "/a/__pycache__/...", 0, "none" },
	{ "up: a name that begins with two dots", "/a/__pycache__/..m", 0, "none" },
	{ "up: one dot", "/a/__pycache__/.", 0, "none" },
	{ "up: the directory itself", "/a/__pycache__", 0, "none" },
	{ "up: letters before it", "/a/x__pycache__/..", 0, "none" },
	{ "up: .. before it", "/a/../__pycache__/m", 0, "none" },
	{ "up: no path", "", 0, "none" },
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
	{ "below: a file in the directory", "/a/b", "/a", true },
	{ "below: a file far below", "/a/b/c/d", "/a", true },
	{ "below: the directory itself", "/a", "/a", true },
	{ "below: a slash behind the prefix", "/a/b", "/a/", true },
	{ "below: slashes behind the prefix", "/a", "/a///", true },
	{ "below: the match ends with a component", "/ab", "/a", false },
	{ "below: a longer name beside it", "/a/bc/d", "/a/b", false },
	{ "below: the parent is not below", "/a", "/a/b", false },
	{ "below: a sibling is not", "/b", "/a", false },
	{ "below: the root directory holds everything", "/a", "/", true },
	{ "below: the root directory holds itself, whose name is nothing", "", "/", true },
	{ "below: the root directory is not below another", "", "/a", false },
	{ "below: slashes are the root directory", "/a", "//", true },
	{ "below: a relative path is not below the root directory", "a/b", "/", false },
	{ "below: case counts", "/A/b", "/a", false },
}, cleans[] = {
	{ "clean: one component", "/a", NULL, true },
	{ "clean: several", "/a/b/c", NULL, true },
	{ "clean: hidden names", "/.a/..b/...", NULL, true },
	{ "clean: names that end in dots", "/a./b..", NULL, true },
	{ "clean: nothing", "", NULL, false },
	{ "clean: the root directory ends in a slash", "/", NULL, false },
	{ "clean: a relative path", "a/b", NULL, false },
	{ "clean: a slash at the end", "/a/", NULL, false },
	{ "clean: an empty component", "/a//b", NULL, false },
	{ "clean: an empty component in front", "//a", NULL, false },
	{ "clean: a dot", "/a/./b", NULL, false },
	{ "clean: a dot at the end", "/a/.", NULL, false },
	{ "clean: two dots", "/a/../b", NULL, false },
	{ "clean: two dots at the end", "/a/..", NULL, false },
	{ "clean: two dots in front", "/../a", NULL, false },
};
/* clang-format on */

static void is_below(void **state)
{
	const struct below *row = *state;
	size_t len = strlen(row->path), prefix_len = strlen(row->prefix);
	const char *path = unit_at_page_end(row->path, len);

	assert_int_equal(path_is_below(path, len, row->prefix, prefix_len), row->want);
	/* neither is terminated: the prefix may be one of a list */
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

/* Component by component, the slow way: whether there is a `__pycache__`, and where the
 * one is that counts: the last, but for one that ends the path right behind another. */
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
	unit_one("clean: only the given length of the path counts",
		clean_is_asked_of_a_part);
	unit_one(
		"200000 random paths are split as component by component, and no letter behind them is read",
		stays_within_any_path);
	return unit_run("path");
}
