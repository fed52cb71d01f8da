/* SPDX-License-Identifier: MIT
 *
 * What words of a command line mean, and what they cover.
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
	{ "a file", "@/a/m.py", "@/a/m.py", "" },
	{ "a directory", "@/a", "@/a", "" },
	{ "slashes at its end", "@/a//", "@/a", "" },
	{ "the root", "/", "", "" },
	{ "many roots", "///", "", "" },
	{ "relative to the working directory", "m.py", "@/a/m.py", "" },
	{ "the working directory", ".", "@/a", "" },
	{ "the one above it", "..", "@", "" },
	{ "through the one above it", "../a/m.py", "@/a/m.py", "" },
	{ "through a link", "@/to_a/m.py", "@/a/m.py", "" },
	{ "a link to a directory", "@/to_a", "@/a", "" },
	{ "a link to a file is a name of its own", "@/a/link.py", "@/a/link.py", "" },
	{ "what is gone", "@/a/gone.py", "@/a/gone.py", "" },
	{ "what is gone with its directories", "@/a/x/y/gone.py", "@/a/x/y/gone.py", "" },
	{ "what is gone behind a link", "@/to_a/x/y", "@/a/x/y", "" },
	{ "what is gone, not neatly", "@/a//x/./y/", "@/a/x/y", "" },
	{ "below a file", "@/a/m.py/x", "@/a/m.py/x", "" },
	{ "a pattern", "@/a/*.py", "@/a", "/*.py" },
	{ "a pattern behind a link", "@/to_a/*.py", "@/a", "/*.py" },
	{ "a pattern behind what is gone", "@/to_a/x/*", "@/a/x", "/*" },
	{ "a relative pattern", "[m].py", "@/a", "/[m].py" },
	{ "a pattern from the root", "/*/a", "", "/*/a" },
	{ "a pattern in the middle", "@/*/m.py", "@", "/*/m.py" },
	{ "letters of a pattern in a name that is there", "@/a/[1].py", "@/a/[1].py",
		"" },
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
	{ "itself", "/a/b", "", "/a/b", ALL },
	{ "below it", "/a/b", "", "/a/b/c/d.py", ALL },
	{ "above it", "/a/b", "", "/a", SOME },
	{ "the root is above all", "/a/b", "", "/", SOME },
	{ "beside it", "/a/b", "", "/a/c", NONE },
	{ "longer by some letters", "/a/b", "", "/a/bc", NONE },
	{ "shorter by some letters", "/a/bc", "", "/a/b", NONE },
	{ "all is below the root", "", "", "/a", ALL },
	{ "the root itself", "", "", "/", ALL },
	{ "no pattern, whatever it looks like", "/a/*", "", "/a/b", NONE },
	{ "a pattern's file", "/a", "/*.py", "/a/m.py", ALL },
	{ "a pattern's directory", "/a", "/b*", "/a/bc", ALL },
	{ "below a pattern's directory", "/a", "/b*", "/a/bc/d/e.py", ALL },
	{ "where a pattern begins", "/a", "/*.py", "/a", SOME },
	{ "above where a pattern begins", "/a/b", "/*.py", "/a", SOME },
	{ "another suffix", "/a", "/*.py", "/a/m.txt", NONE },
	{ "a star does not cross a slash", "/a", "/*.py", "/a/b/m.py", NONE },
	{ "a star in the middle", "/a", "/*/m.py", "/a/b/m.py", ALL },
	{ "on the way to a star in the middle", "/a", "/*/m.py", "/a/b", SOME },
	{ "beside a star in the middle", "/a", "/*/m.py", "/a/b/n.py", NONE },
	{ "a question mark", "/a", "/?.py", "/a/m.py", ALL },
	{ "a question mark is one letter", "/a", "/?.py", "/a/mm.py", NONE },
	{ "a class", "/a", "/[mn].py", "/a/n.py", ALL },
	{ "a class without", "/a", "/[!mn].py", "/a/n.py", NONE },
	{ "an escaped star", "/a", "/\\*.py", "/a/*.py", ALL },
	{ "an escaped star stands for itself", "/a", "/\\*.py", "/a/b.py", NONE },
	{ "two stars: no component", "/a", "/**/m.py", "/a/m.py", ALL },
	{ "two stars: several components", "/a", "/**/m.py", "/a/b/c/m.py", ALL },
	{ "two stars: on the way", "/a", "/**/m.py", "/a/b/c", SOME },
	{ "two stars at the end", "/a", "/**", "/a/b/c", ALL },
	{ "two stars, twice", "/a", "/**/b/**/m.py", "/a/x/b/c/d/m.py", ALL },
	{ "two stars, twice, not all there", "/a", "/**/b/**/m.py", "/a/x/c/d/m.py",
		SOME },
	{ "two stars and beside", "/a", "/**/m.py", "/b/m.py", NONE },
	{ "a hidden name fits a star", "/a", "/*", "/a/.hidden", ALL },
	{ "bytes that are no text", "/a", "/?.py", "/a/\xff.py", ALL },
	{ "a line feed", "/a", "/m?n.py", "/a/m\nn.py", ALL },
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
	unit_one("of several targets the best counts; none at all are everything",
		the_best_counts);
	unit_around(fake_begin, fake_end);
	unit_rows(is_read, words);
	return unit_run("target");
}
