/* SPDX-License-Identifier: MIT
 *
 * Names as they are printed for people, for sh and in JSON.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/base/escape.h"
#include "tools/base/json.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *text, *plain, *json;
} rows[] = {
	{ "the empty text stays empty", "", "", "\"\"" },
	{ "ASCII stays as it is", "a b~", "a b~", "\"a b~\"" },
	{ "characters of other alphabets are unchanged", "äЖ日𝄞", "äЖ日𝄞", "\"äЖ日𝄞\"" },
	{ "a backslash and a quote are escaped in JSON only", "\\\"", "\\\"",
		"\"\\\\\\\"\"" },
	{ "a line feed is escaped", "a\nb", "a\\nb", "\"a\\u000ab\"" },
	{ "a tab is escaped", "a\tb", "a\\tb", "\"a\\u0009b\"" },
	{ "a carriage return is escaped", "a\rb", "a\\x0db", "\"a\\u000db\"" },
	{ "ESC is escaped", "\x1b[2J", "\\x1b[2J", "\"\\u001b[2J\"" },
	{ "the last of C0 is escaped", "\x1f", "\\x1f", "\"\\u001f\"" },
	{ "DEL is escaped", "\x7f", "\\x7f", "\"\\u007f\"" },
	{ "CSI of C1 is escaped in UTF-8",
		"\xc2\x9b"
		"2J",
		"\\u009b2J", "\"\\u009b2J\"" },
	{ "CSI of C1 is escaped as a raw byte",
		"\x9b"
		"2J",
		"\\x9b2J", "\"\\udc9b2J\"" },
	{ "the first of C1 is escaped", "\xc2\x80", "\\u0080", "\"\\u0080\"" },
	{ "the last of C1 is escaped", "\xc2\x9f", "\\u009f", "\"\\u009f\"" },
	{ "the character behind C1 stays", "\xc2\xa1", "\xc2\xa1", "\"\xc2\xa1\"" },
	{ "the Arabic letter mark is escaped", "\xd8\x9c", "\\u061c", "\"\\u061c\"" },
	{ "the left-to-right mark is escaped", "\xe2\x80\x8e", "\\u200e", "\"\\u200e\"" },
	{ "the right-to-left mark is escaped", "\xe2\x80\x8f", "\\u200f", "\"\\u200f\"" },
	{ "the line separator is escaped", "\xe2\x80\xa8", "\\u2028", "\"\\u2028\"" },
	{ "the paragraph separator is escaped", "\xe2\x80\xa9", "\\u2029",
		"\"\\u2029\"" },
	{ "an embedding is escaped", "\xe2\x80\xaa", "\\u202a", "\"\\u202a\"" },
	{ "an override is escaped", "gpj\xe2\x80\xaeyp.", "gpj\\u202eyp.",
		"\"gpj\\u202eyp.\"" },
	{ "the first isolate is escaped", "\xe2\x81\xa6", "\\u2066", "\"\\u2066\"" },
	{ "the last isolate is escaped", "\xe2\x81\xa9", "\\u2069", "\"\\u2069\"" },
	{ "the neighbours of the escaped characters stay",
		"\xe2\x80\x8d\xe2\x80\x90\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5",
		"\xe2\x80\x8d\xe2\x80\x90\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5",
		"\"\xe2\x80\x8d\xe2\x80\x90\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\"" },
	{ "a byte that begins no character is escaped",
		"a\xff"
		"b",
		"a\\xffb", "\"a\\udcffb\"" },
	{ "a sequence that is cut off is escaped", "\xe2\x80", "\\xe2\\x80",
		"\"\\udce2\\udc80\"" },
	{ "an overlong slash is escaped", "\xc0\xaf", "\\xc0\\xaf",
		"\"\\udcc0\\udcaf\"" },
	{ "an overlong form of three bytes is escaped", "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf",
		"\"\\udce0\\udc9f\\udcbf\"" },
	{ "a surrogate is escaped", "\xed\xa0\x80", "\\xed\\xa0\\x80",
		"\"\\udced\\udca0\\udc80\"" },
	{ "the last character stays", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf",
		"\"\xf4\x8f\xbf\xbf\"" },
	{ "a character beyond the last is escaped", "\xf4\x90\x80\x80",
		"\\xf4\\x90\\x80\\x80", "\"\\udcf4\\udc90\\udc80\\udc80\"" },
};
/* clang-format on */

static void prints(void **state)
{
	const struct row *row = *state;
	char *json = NULL;
	size_t size;
	FILE *out = open_memstream(&json, &size);

	json_quote(out, row->text);
	fclose(out);
	assert_string_equal(escape_plain(row->text), row->plain);
	assert_string_equal(json, row->json);
	free(json);
}

static void quotes_for_sh(void **state)
{
	(void)state;
	assert_string_equal(escape_sh("a'b $c\n"), "'a'\\''b $c\n'");
}

int main(void)
{
	unit_rows(prints, rows);
	unit_one("a quoted word of sh stands for exactly its bytes", quotes_for_sh);
	return unit_run("escape");
}
