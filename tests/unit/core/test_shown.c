/* SPDX-License-Identifier: MIT
 *
 * Which characters of a name are shown as they are, and which are escaped.
 */
#include <string.h>

#include "shim/core/base/shown.h"
#include "tests/unit/unit.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	const char *string, *want;
} rows[] = {
	{ "plain text is shown as it is", "/a b/m.py", "/a b/m.py" },
	{ "text of other scripts is shown as it is",
		"/\xc3\xa4/\xe6\x97\xa5/\xf0\x9f\x90\x8d",
		"/\xc3\xa4/\xe6\x97\xa5/\xf0\x9f\x90\x8d" },
	{ "a newline is escaped", "a\nb", "a\\nb" },
	{ "control characters and DEL are escaped", "\x01\x1b[31m\x7f\t",
		"\\x01\\x1b[31m\\x7f\\x09" },
	{ "a control character of C1 in UTF-8 is escaped",
		"\xc2\x9b"
		"1m",
		"\\u009b1m" },
	{ "a raw C1 byte is escaped",
		"\x9b"
		"1m",
		"\\x9b1m" },
	{ "bytes that are not UTF-8 are escaped", "\xff\xc3(", "\\xff\\xc3(" },
	{ "an overlong form is escaped", "\xc0\x8a", "\\xc0\\x8a" },
	{ "a surrogate is escaped", "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "a change of the direction of writing is escaped",
		"a\xe2\x80\xae"
		"b",
		"a\\u202eb" },
	{ "an isolate of the direction of writing is escaped", "\xe2\x81\xa6",
		"\\u2066" },
	{ "a line separator is escaped", "\xe2\x80\xa8", "\\u2028" },
	{ "a sequence that is cut off is escaped", "\xe2\x80", "\\xe2\\x80" },
	{ "an empty text is shown as such", "", "" },
};
/* clang-format on */

static void shows(void **state)
{
	const struct row *row = *state;
	char buf[100] = "";
	struct text text = TEXT(buf);

	shown_add(&text, row->string);
	assert_string_equal(text.data, row->want);
}

static void what_does_not_fit_is_cut(void **state)
{
	char buf[6];
	struct text text = TEXT(buf);

	(void)state;
	shown_add(&text, "a\x01\x02");
	assert_true(text.cut);
	assert_in_range(strlen(buf), 0, sizeof buf - 1);
}

int main(void)
{
	unit_rows(shows, rows);
	unit_one("a text that does not fit is cut off", what_does_not_fit_is_cut);
	return unit_run("shown");
}
