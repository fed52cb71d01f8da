/* SPDX-License-Identifier: MIT
 *
 * Lines of configuration files, the values of settings, and the nearest words.
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
	{ "a line of key, = and value is a setting", "max_size = 2G\n", 1, "max_size",
		"2G" },
	{ "a setting needs no blanks around its =", "max_size=2G", 1, "max_size", "2G" },
	{ "blanks, tabs and a carriage return around key and value are ignored",
		" \tmax_size\t = \t2G \r\n", 1, "max_size", "2G" },
	{ "a value may contain =", "dir = /a=b", 1, "dir", "/a=b" },
	{ "a value may contain blanks", "dir = /a  b", 1, "dir", "/a  b" },
	{ "# in a value does not begin a comment", "dir = /a #b", 1, "dir", "/a #b" },
	{ "a value may be empty", "only =\n", 1, "only", "" },
	{ "an empty line is ignored", "\n", 0, NULL, NULL },
	{ "a line without even a newline is ignored", "", 0, NULL, NULL },
	{ "a line of blanks is ignored", " \t\n", 0, NULL, NULL },
	{ "a comment is ignored", "# max_size = 2G\n", 0, NULL, NULL },
	{ "a comment that does not begin in the first column is ignored", "  # x\n", 0,
		NULL, NULL },
	{ "a line of a word alone is an error", "max_size\n", -EINVAL, NULL, NULL },
	{ "a line with a section is an error", "[gc]\n", -EINVAL, NULL, NULL },
	{ "a line without a key is an error", "= 2G\n", -EINVAL, NULL, NULL },
};

static const struct value_row {
	const char *sentence, *key, *value;
	bool want;
} accepted[] = {
	{ "an absolute path is accepted as a directory", "dir", "/x", true },
	{ "a relative path is refused as a directory", "dir", "x", false },
	{ "a path with a tilde is refused as a directory", "dir", "~/x", false },
	{ "an empty path is refused as a directory", "dir", "", false },
	{ "a list of absolute paths is accepted", "only", "/a:/b", true },
	{ "a list of one path is accepted", "only", "/a", true },
	{ "an empty list of paths is accepted", "only", "", true },
	{ "empty entries in a list of paths are accepted", "only", ":/a::/b:", true },
	{ "a list with a relative path is refused", "only", "/a:b", false },
	{ "yes is accepted as a switch", "readonly", "yes", true },
	{ "True is accepted as a switch", "readonly", "True", true },
	{ "on is accepted as a switch", "readonly", "on", true },
	{ "0 is accepted as a switch", "readonly", "0", true },
	{ "2 is refused as a switch", "readonly", "2", false },
	{ "maybe is refused as a switch", "readonly", "maybe", false },
	{ "the first of two words is accepted", "validate", "content", true },
	{ "the second of two words is accepted", "validate", "stat", true },
	{ "the beginning of a word is refused", "validate", "con", false },
	{ "both words with the bar between them are refused", "validate", "stat|content",
		false },
	{ "the placeholder FILE is refused as a file", "log", "FILE", false },
	{ "an absolute path is accepted as a log", "log", "/var/log/x", true },
	{ "stderr is accepted as a log", "log", "stderr", true },
	{ "a relative path is refused as a log", "log", "x", false },
	{ "a path is refused by a setting that takes only words", "validate", "/x",
		false },
	{ "a size with a fraction is accepted as a size", "max_size", "1.5G", true },
	{ "0 is accepted as a size", "max_size", "0", true },
	{ "a word is refused as a size", "max_size", "many", false },
	{ "an age with a unit is accepted", "max_age", "30d", true },
	{ "0 is accepted as an age", "max_age", "0", true },
	{ "an age without a unit is refused", "max_age", "30", false },
	{ "a number is accepted as a count", "max_entries", "1000", true },
	{ "a negative number is refused as a count", "max_entries", "-1", false },
	{ "a number that does not fit into 64 bits is refused as a count", "max_entries",
		"18446744073709551616", false },
	{ "a percentage is accepted as the space to keep free", "keep_free", "10%",
		true },
	{ "a size is accepted as the space to keep free", "keep_free", "5G", true },
	{ "100% is refused as the space to keep free", "keep_free", "100%", false },
	{ "a percentage that does not fit into 64 bits is refused", "keep_free",
		"99999999999999999999%", false },
	{ "% without a number is refused", "keep_free", "%", false },
};

static const struct near_row {
	const char *sentence, *word, *want;
} near[] = {
	{ "a name that lacks a letter is near its setting", "max_siz", "max_size" },
	{ "a name with a letter too many is near its setting", "max_sizes", "max_size" },
	{ "a name with two letters exchanged is near its setting", "max_szie",
		"max_size" },
	{ "a name with a hyphen is near the setting with an underscore", "max-age",
		"max_age" },
	{ "a setting's name is near itself", "dir", "dir" },
	{ "a name with one of three letters wrong is near its setting", "dif", "dir" },
	{ "a word that resembles no setting is near none", "frobnicate", NULL },
	{ "an empty word is near no setting", "", NULL },
	{ "a very long word is near no setting",
		"max_size_max_size_max_size_max_size_max_size_max_size_max_size_max_size",
		NULL },
};

static const struct share_row {
	const char *sentence, *value;
	uint64_t total, want;
} shares[] = {
	{ "ten percent of the total is a tenth", "10%", 1000, 100 },
	{ "a percentage of a small total is rounded down", "10%", 15, 1 },
	{ "a percentage of a total near 64 bits does not overflow", "99%", UINT64_MAX,
		UINT64_MAX / 100 * 99 + 14 },
	{ "a size is that size, whatever the total", "2K", 1000, 2048 },
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
	unit_one("the first of equally near words wins, and a nearer word wins over them",
		the_nearest_is_the_first_of_equals);
	unit_one("every default is a value that its setting may have",
		every_default_is_a_value);
	unit_one("every key is its variable without PYCSTASH_, in lower case",
		every_key_is_its_variable);
	return unit_run("conf");
}
