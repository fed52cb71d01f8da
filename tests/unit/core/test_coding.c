/* SPDX-License-Identifier: MIT
 *
 * Sources that name an encoding, and those that only seem to.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "shim/core/python/coding.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *source;
	bool want;
} rows[] = {
	{ "nothing", "", false },
	{ "code", "import a\nimport b\n", false },
	{ "a codec", "# coding: mycodec\n", true },
	{ "Emacs' way", "# -*- coding: future_fstrings -*-\n", true },
	{ "Vim's way", "# vim: set fileencoding=pyxl :\n", true },
	{ "in the second line", "#!/usr/bin/python\n# coding=pyxl\n", true },
	{ "in the second line, lines of Windows",
		"#!/usr/bin/python\r\n# coding=pyxl\r\n", true },
	{ "in the second line, lines of old Macs", "#!/usr/bin/python\r# coding=pyxl\r",
		true },
	{ "in the third line", "\n\n# coding: pyxl\n", false },
	{ "in the third line, lines of Windows", "\r\n\r\n# coding: pyxl\r\n", false },
	{ "behind a byte order mark", "\xef\xbb\xbf# coding: pyxl\n", true },
	{ "at the end of the file", "# coding:pyxl", true },
	{ "tabs before it", "# coding:\t\t pyxl", true },
	{ "UTF-8", "# -*- coding: utf-8 -*-\n", false },
	{ "utf8", "# coding: utf8\n", false },
	{ "UTF_8", "# coding: UTF_8\n", false },
	{ "Latin-1", "# coding: Latin-1\n", false },
	{ "ISO-8859-15", "# coding: ISO-8859-15\n", false },
	{ "iso_8859_1", "# coding: iso_8859_1\n", false },
	{ "ASCII", "# coding: us-ascii\n", false },
	{ "more than UTF-8", "# coding: utf-8x\n", true },
	{ "less than ISO-8859", "# coding: iso-8859-\n", true },
	{ "the first ISO-8859", "# coding: iso-8859-1\n", false },
	{ "the last ISO-8859", "# coding: iso-8859-16\n", false },
	{ "an ISO-8859 that does not exist", "# coding: iso-8859-12\n", true },
	{ "an ISO-8859 after the last", "# coding: iso-8859-17\n", true },
	{ "an ISO-8859 before the first", "# coding: iso-8859-0\n", true },
	{ "an ISO-8859 of two digits that does not exist", "# coding: iso-8859-99\n",
		true },
	{ "an ISO-8859 with a zero before it", "# coding: iso-8859-01\n", true },
	{ "an ISO-8859 with a digit too many", "# coding: iso-8859-100\n", true },
	{ "a long name that begins with one", "# coding: utf-8-with-something-more\n",
		true },
	{ "two names", "# coding: utf-8, coding: pyxl\n", true },
	{ "the word alone", "# coding standards apply\n", false },
	{ "no name", "# coding: \n", false },
	{ "the word at the end", "# coding", false },
	{ "the word and a colon at the end", "# coding:", false },
	{ "what only looks like it", "f(encoding=other)\n", true },
};
/* clang-format on */

/* In memory of just that size, for the sanitizers to see what is read behind it. */
static void says(void **state)
{
	const struct row *row = *state;
	size_t size = strlen(row->source);
	char *source = malloc(size ? size : 1);

	memcpy(source, row->source, size);
	assert_int_equal(coding_is_own(source, size), row->want);
	free(source);
}

int main(void)
{
	unit_rows(says, rows);
	return unit_run("coding");
}
