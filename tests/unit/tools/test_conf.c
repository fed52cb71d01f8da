/* SPDX-License-Identifier: MIT
 *
 * Lines of configuration files, the values of settings, and words that are near.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/nearest.h"
#include "tools/conf/conf.h"
#include "tools/conf/conf_file.h"

/* clang-format off: a row a line */
static const struct line_row {
	const char *sentence, *line;
	int want;
	const char *key, *value;
} lines[] = {
	{ "line: a setting", "max_size = 2G\n", 1, "max_size", "2G" },
	{ "line: without blanks", "max_size=2G", 1, "max_size", "2G" },
	{ "line: with all kinds of blanks", " \tmax_size\t = \t2G \r\n", 1, "max_size",
		"2G" },
	{ "line: a value with a = in it", "dir = /a=b", 1, "dir", "/a=b" },
	{ "line: a value with blanks in it", "dir = /a  b", 1, "dir", "/a  b" },
	{ "line: # in a value begins no comment", "dir = /a #b", 1, "dir", "/a #b" },
	{ "line: an empty value", "only =\n", 1, "only", "" },
	{ "line: empty", "\n", 0, NULL, NULL },
	{ "line: nothing at all", "", 0, NULL, NULL },
	{ "line: blanks", " \t\n", 0, NULL, NULL },
	{ "line: a comment", "# max_size = 2G\n", 0, NULL, NULL },
	{ "line: a comment further right", "  # x\n", 0, NULL, NULL },
	{ "line: a word alone is an error", "max_size\n", -EINVAL, NULL, NULL },
	{ "line: a section is an error", "[gc]\n", -EINVAL, NULL, NULL },
	{ "line: no key is an error", "= 2G\n", -EINVAL, NULL, NULL },
};

static const struct value_row {
	const char *sentence, *key, *value;
	bool want;
} accepted[] = {
	{ "value: an absolute path", "dir", "/x", true },
	{ "value: a relative path", "dir", "x", false },
	{ "value: a tilde is not expanded", "dir", "~/x", false },
	{ "value: an empty path", "dir", "", false },
	{ "value: a list of paths", "only", "/a:/b", true },
	{ "value: a list of one", "only", "/a", true },
	{ "value: an empty list", "only", "", true },
	{ "value: empty entries of a list", "only", ":/a::/b:", true },
	{ "value: a list with a relative path", "only", "/a:b", false },
	{ "value: yes", "readonly", "yes", true },
	{ "value: True", "readonly", "True", true },
	{ "value: on", "readonly", "on", true },
	{ "value: 0", "readonly", "0", true },
	{ "value: 2 is neither yes nor no", "readonly", "2", false },
	{ "value: maybe", "readonly", "maybe", false },
	{ "value: one of two words", "validate", "content", true },
	{ "value: the other one", "validate", "stat", true },
	{ "value: the beginning of a word", "validate", "con", false },
	{ "value: both words", "validate", "stat|content", false },
	{ "value: a placeholder is not a value", "log", "FILE", false },
	{ "value: a file", "log", "/var/log/x", true },
	{ "value: or a word", "log", "stderr", true },
	{ "value: a relative file", "log", "x", false },
	{ "value: no file where none is meant", "validate", "/x", false },
	{ "value: a size", "max_size", "1.5G", true },
	{ "value: no size at all", "max_size", "0", true },
	{ "value: many", "max_size", "many", false },
	{ "value: an age", "max_age", "30d", true },
	{ "value: 0 is an age too", "max_age", "0", true },
	{ "value: 30 of what", "max_age", "30", false },
	{ "value: a number", "max_entries", "1000", true },
	{ "value: a negative number", "max_entries", "-1", false },
	{ "value: too large a number", "max_entries", "18446744073709551616", false },
	{ "value: a part", "keep_free", "10%", true },
	{ "value: a size instead", "keep_free", "5G", true },
	{ "value: all of it", "keep_free", "100%", false },
	{ "value: more than an unsigned long of percents", "keep_free",
		"99999999999999999999%", false },
	{ "value: % alone", "keep_free", "%", false },
};

static const struct near_row {
	const char *sentence, *word, *want;
} near[] = {
	{ "near: a letter too few", "max_siz", "max_size" },
	{ "near: a letter too many", "max_sizes", "max_size" },
	{ "near: two characters are exchanged", "max_szie", "max_size" },
	{ "near: a hyphen", "max-age", "max_age" },
	{ "near: the word itself", "dir", "dir" },
	{ "near: one of three letters", "dif", "dir" },
	{ "near: nothing like it", "frobnicate", NULL },
	{ "near: nothing at all", "", NULL },
	{ "near: something endless",
		"max_size_max_size_max_size_max_size_max_size_max_size_max_size_max_size",
		NULL },
};

static const struct share_row {
	const char *sentence, *value;
	uint64_t total, want;
} shares[] = {
	{ "share: ten percent", "10%", 1000, 100 },
	{ "share: of little", "10%", 15, 1 },
	{ "share: of more than fits when multiplied", "99%", UINT64_MAX,
		UINT64_MAX / 100 * 99 + 14 },
	{ "share: a size, whatever the total", "2K", 1000, 2048 },
};
/* clang-format on */

static void reads_a_line(void **state)
{
	const struct line_row *row = *state;
	char *line = strdup(row->line), *key = NULL, *value = NULL;

	assert_int_equal(conf_line(line, &key, &value), row->want);
	if (row->want == 1) {
		assert_string_equal(key, row->key);
		assert_string_equal(value, row->value);
	}
	free(line);
}

static void judges_a_value(void **state)
{
	const struct value_row *row = *state;

	assert_int_equal(conf_wrong(conf_find(row->key), row->value) == NULL, row->want);
}

static void finds_what_was_meant(void **state)
{
	const struct near_row *row = *state;
	const char *got = conf_nearest(row->word);

	assert_string_equal(got ? got : "", row->want ? row->want : "");
}

static void computes_a_share(void **state)
{
	const struct share_row *row = *state;

	assert_int_equal(conf_set("keep_free", row->value), 0);
	assert_int_equal(conf_share("keep_free", row->total), row->want);
}

static void the_nearest_is_the_first_of_equals(void **state)
{
	struct nearest nearest = { .word = "ab" };

	(void)state;
	nearest_offer(&nearest, "ax");
	nearest_offer(&nearest, "ay");
	assert_string_equal(nearest.best, "ax");
	nearest_offer(&nearest, "ab");
	assert_string_equal(nearest.best, "ab");
}

static void every_default_is_a_value(void **state)
{
	const struct conf_key *key;
	size_t seen = 0;

	(void)state;
	for (key = conf_keys; key->name; key++, seen++)
		if (key->fallback)
			assert_null(conf_wrong(key, key->fallback));
	assert_true(seen > 10);
}

static void every_key_is_its_variable(void **state)
{
	const struct conf_key *key;

	(void)state;
	for (key = conf_keys; key->name; key++) {
		assert_memory_equal(key->variable, "PYCSTASH_", 9);
		assert_int_equal(strcasecmp(key->variable + 9, key->name), 0);
		assert_ptr_equal(conf_find(key->name), key);
	}
}

int main(void)
{
	unit_rows(reads_a_line, lines);
	unit_rows(judges_a_value, accepted);
	unit_rows(finds_what_was_meant, near);
	unit_rows(computes_a_share, shares);
	unit_one("of words equally near the first wins, a nearer one wins over all",
		the_nearest_is_the_first_of_equals);
	unit_one("every default is a value that its setting may have",
		every_default_is_a_value);
	unit_one("every key is its variable without PYCSTASH_, in lower case",
		every_key_is_its_variable);
	return unit_run("conf");
}
