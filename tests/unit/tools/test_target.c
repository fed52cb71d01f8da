/* SPDX-License-Identifier: MIT
 *
 * What arguments of the command line stand for, and what they cover.
 */
#include "tests/unit/fake/fake_sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/select/target.h"

#define NONE COVER_NONE
#define SOME COVER_SOME
#define ALL COVER_ALL

/* --- reading: @ is the temporary directory -------------------------------------------*/
/* clang-format off: a row a line */
static const struct word {
	const char *sentence, *word, *literal, *pattern;
} words[] = {
	{ "the path of a file is a target", "@/a/m.py", "@/a/m.py", "" },
	{ "the path of a directory is a target", "@/a", "@/a", "" },
	{ "slashes at the end of a target are dropped", "@/a//", "@/a", "" },
	{ "the root directory is an empty target", "/", "", "" },
	{ "several slashes are the root directory as a target", "///", "", "" },
	{ "a relative target starts at the working directory", "m.py", "@/a/m.py", "" },
	{ ". as a target is the working directory", ".", "@/a", "" },
	{ ".. as a target is the directory above the working directory", "..", "@", "" },
	{ "a target may lead through ..", "../a/m.py", "@/a/m.py", "" },
	{ "a target through a link is resolved", "@/to_a/m.py", "@/a/m.py", "" },
	{ "a target that is a link to a directory is resolved", "@/to_a", "@/a", "" },
	{ "a target that is a link to a file is not resolved", "@/a/link.py",
		"@/a/link.py", "" },
	{ "a target may be a file that is gone", "@/a/gone.py", "@/a/gone.py", "" },
	{ "a target may be a file that is gone with its directories", "@/a/x/y/gone.py",
		"@/a/x/y/gone.py", "" },
	{ "a target behind a link may be gone", "@/to_a/x/y", "@/a/x/y", "" },
	{ "slashes and dots are dropped from a target that is gone", "@/a//x/./y/",
		"@/a/x/y", "" },
	{ "a target may lie below a file", "@/a/m.py/x", "@/a/m.py/x", "" },
	{ "a target with a star is a directory and a pattern", "@/a/*.py", "@/a",
		"/*.py" },
	{ "a pattern behind a link is resolved", "@/to_a/*.py", "@/a", "/*.py" },
	{ "a pattern may follow a directory that is gone", "@/to_a/x/*", "@/a/x", "/*" },
	{ "a relative pattern starts at the working directory", "[m].py", "@/a",
		"/[m].py" },
	{ "a pattern may begin in the root directory", "/*/a", "", "/*/a" },
	{ "a pattern may begin in the middle of a target", "@/*/m.py", "@", "/*/m.py" },
	{ "a name that exists is no pattern although it has letters of one", "@/a/[1].py",
		"@/a/[1].py", "" },
};
/* clang-format on */

static char *expand(const char *word)
{
	static char text[2][300];
	static unsigned turn;
	char *ret = text[turn++ % 2];

	snprintf(ret, sizeof text[0], "%s%s", *word == '@' ? fake.dir : "",
		word + (*word == '@'));
	return ret;
}

static void is_read(void **state)
{
	const struct word *row = *state;
	char *list[] = { expand(row->word), NULL };
	struct targets targets = { 0 };

	fake_make_directory("a", 0755);
	fake_make_file("a/m.py", "");
	fake_make_file("a/[1].py", "");
	fake_make_link("to_a", "a");
	fake_make_link("a/link.py", "m.py");
	assert_return_code(chdir(fake_path("a")), errno);
	assert_int_equal(targets_add(&targets, list[0]), 0);
	assert_int_equal(targets.count, 1);
	assert_string_equal(targets.list[0].path + targets.list[0].literal, row->pattern);
	targets.list[0].path[targets.list[0].literal] = '\0';
	assert_string_equal(targets.list[0].path, expand(row->literal));
	assert_return_code(chdir("/"), errno);
}

/* --- matching ------------------------------------------------------------------------*/
/* clang-format off: a row a line */
static const struct match {
	const char *sentence, *literal, *pattern, *path;
	enum cover want;
} matches[] = {
	{ "a target covers itself", "/a/b", "", "/a/b", ALL },
	{ "a target covers everything below it", "/a/b", "", "/a/b/c/d.py", ALL },
	{ "a target covers a part of the directory above it", "/a/b", "", "/a", SOME },
	{ "a target covers a part of the root directory", "/a/b", "", "/", SOME },
	{ "a target does not cover a sibling", "/a/b", "", "/a/c", NONE },
	{ "a target does not cover a path that only begins with its letters", "/a/b", "",
		"/a/bc", NONE },
	{ "a target does not cover a path whose letters it begins with", "/a/bc", "",
		"/a/b", NONE },
	{ "the root directory as a target covers everything", "", "", "/a", ALL },
	{ "the root directory as a target covers itself", "", "", "/", ALL },
	{ "a target with a star that is no pattern does not match", "/a/*", "", "/a/b",
		NONE },
	{ "stars of a path in the cache stand for a target's letters", "/a/x12/b", "",
		"/a/x**/b/m.py", ALL },
	{ "stars of a path in the cache stand for the letters of a target's first part",
		"/a/x12/b", "", "/a/x**", SOME },
	{ "stars of a path in the cache do not stand for a slash", "/a/b", "", "/a**",
		NONE },
	{ "stars of a path in the cache stand for as many letters", "/a/x1", "", "/a/x**",
		NONE },
	{ "a pattern covers a file that matches", "/a", "/*.py", "/a/m.py", ALL },
	{ "a pattern covers a directory that matches", "/a", "/b*", "/a/bc", ALL },
	{ "a pattern covers everything below a directory that matches", "/a", "/b*",
		"/a/bc/d/e.py", ALL },
	{ "a pattern covers a part of the directory in which it begins", "/a", "/*.py",
		"/a", SOME },
	{ "a pattern covers a part of the directories above", "/a/b", "/*.py", "/a",
		SOME },
	{ "a pattern does not cover a file with a different suffix", "/a", "/*.py",
		"/a/m.txt", NONE },
	{ "a star does not match a slash", "/a", "/*.py", "/a/b/m.py", NONE },
	{ "a star in the middle of a pattern matches one directory", "/a", "/*/m.py",
		"/a/b/m.py", ALL },
	{ "a pattern with a star in the middle covers a part of the directory on the way",
		"/a", "/*/m.py", "/a/b", SOME },
	{ "a pattern with a star in the middle does not cover a different file", "/a",
		"/*/m.py", "/a/b/n.py", NONE },
	{ "a question mark matches a letter", "/a", "/?.py", "/a/m.py", ALL },
	{ "a question mark does not match two letters", "/a", "/?.py", "/a/mm.py", NONE },
	{ "a class matches one of its letters", "/a", "/[mn].py", "/a/n.py", ALL },
	{ "a negated class does not match one of its letters", "/a", "/[!mn].py",
		"/a/n.py", NONE },
	{ "an escaped star matches a star", "/a", "/\\*.py", "/a/*.py", ALL },
	{ "an escaped star matches nothing but a star", "/a", "/\\*.py", "/a/b.py",
		NONE },
	{ "two stars match no component", "/a", "/**/m.py", "/a/m.py", ALL },
	{ "two stars match several components", "/a", "/**/m.py", "/a/b/c/m.py", ALL },
	{ "two stars cover a part of each directory on the way", "/a", "/**/m.py",
		"/a/b/c", SOME },
	{ "two stars at the end cover everything below", "/a", "/**", "/a/b/c", ALL },
	{ "two stars may occur twice in a pattern", "/a", "/**/b/**/m.py",
		"/a/x/b/c/d/m.py", ALL },
	{ "two stars that occur twice cover a part of a directory on the way", "/a",
		"/**/b/**/m.py", "/a/x/c/d/m.py", SOME },
	{ "two stars do not match outside of their directory", "/a", "/**/m.py",
		"/b/m.py", NONE },
	{ "a star matches a hidden name", "/a", "/*", "/a/.hidden", ALL },
	{ "a question mark matches a byte that is not UTF-8", "/a", "/?.py", "/a/\xff.py",
		ALL },
	{ "a question mark matches a newline", "/a", "/m?n.py", "/a/m\nn.py", ALL },
};
/* clang-format on */

static void is_covered(void **state)
{
	const struct match *row = *state;
	char path[300], *copy;
	struct target target = { .path = path, .literal = strlen(row->literal) };
	const struct targets targets = { .list = &target, .count = 1 };
	size_t len = strlen(row->path);

	snprintf(path, sizeof path, "%s%s", row->literal, row->pattern);
	copy = unit_at_page_end(row->path, len);
	assert_int_equal(targets_cover(&targets, copy, len), row->want);
}

static void the_best_counts(void **state)
{
	struct target list[] = { { (char *)"/a/b/c", 6 }, { (char *)"/a/b", 4 },
		{ (char *)"/x", 2 } };
	struct targets targets = { .list = list, .count = 3 };

	(void)state;
	assert_int_equal(targets_cover(&targets, "/a/b", 4), COVER_ALL);
	assert_int_equal(targets_cover(&targets, "/a", 2), COVER_SOME);
	assert_int_equal(targets_cover(&targets, "/y", 2), COVER_NONE);
	targets.count = 0;
	assert_int_equal(targets_cover(&targets, "/y", 2), COVER_ALL);
}

int main(void)
{
	unit_rows(is_covered, matches);
	unit_one("the best of several targets counts, and no targets cover everything",
		the_best_counts);
	unit_around(fake_begin, fake_end);
	unit_rows(is_read, words);
	return unit_run("target");
}
