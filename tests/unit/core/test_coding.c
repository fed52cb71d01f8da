/* SPDX-License-Identifier: MIT
 *
 * Sources that name an encoding, and sources that only seem to.
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
	{ "an empty source has no codec of a program's own", "", false },
	{ "a source without a coding line has no codec of a program's own",
		"import a\nimport b\n", false },
	{ "a source with an unknown codec is noticed", "# coding: mycodec\n", true },
	{ "an unknown codec is noticed in the manner of Emacs",
		"# -*- coding: future_fstrings -*-\n", true },
	{ "an unknown codec is noticed in the manner of Vim",
		"# vim: set fileencoding=pyxl :\n", true },
	{ "an unknown codec is noticed in the second line",
		"#!/usr/bin/python\n# coding=pyxl\n", true },
	{ "an unknown codec is noticed in the second line if lines end as on Windows",
		"#!/usr/bin/python\r\n# coding=pyxl\r\n", true },
	{ "an unknown codec is noticed in the second line if lines end as on old Macs",
		"#!/usr/bin/python\r# coding=pyxl\r", true },
	{ "an unknown codec is noticed where PyPy sees the first line",
		"#\r\r# coding: pyxl", true },
	{ "an unknown codec is noticed behind a blank that only PyPy skips",
		"# coding:\v\fpyxl", true },
	{ "a codec in the third line does not count", "\n\n# coding: pyxl\n", false },
	{ "a codec in the third line does not count if lines end as on Windows",
		"\r\n\r\n# coding: pyxl\r\n", false },
	{ "an unknown codec is noticed behind a byte order mark",
		"\xef\xbb\xbf# coding: pyxl\n", true },
	{ "an unknown codec is noticed at the end of the file", "# coding:pyxl", true },
	{ "an unknown codec is noticed behind tabs", "# coding:\t\t pyxl", true },
	{ "utf-8 is Python's own codec", "# -*- coding: utf-8 -*-\n", false },
	{ "utf8 is Python's own codec", "# coding: utf8\n", false },
	{ "UTF_8 is Python's own codec", "# coding: UTF_8\n", false },
	{ "Latin-1 is Python's own codec", "# coding: Latin-1\n", false },
	{ "ISO-8859-15 is Python's own codec", "# coding: ISO-8859-15\n", false },
	{ "iso_8859_1 is Python's own codec", "# coding: iso_8859_1\n", false },
	{ "us-ascii is Python's own codec", "# coding: us-ascii\n", false },
	{ "utf-8 with a letter behind it is unknown", "# coding: utf-8x\n", true },
	{ "iso-8859- without a number is unknown", "# coding: iso-8859-\n", true },
	{ "the first ISO-8859 is Python's own codec", "# coding: iso-8859-1\n", false },
	{ "the last ISO-8859 is Python's own codec", "# coding: iso-8859-16\n", false },
	{ "an ISO-8859 that does not exist is unknown", "# coding: iso-8859-12\n", true },
	{ "an ISO-8859 after the last is unknown", "# coding: iso-8859-17\n", true },
	{ "an ISO-8859 before the first is unknown", "# coding: iso-8859-0\n", true },
	{ "an ISO-8859 with a number of two digits that does not exist is unknown",
		"# coding: iso-8859-99\n", true },
	{ "an ISO-8859 with a zero before its number is unknown",
		"# coding: iso-8859-01\n", true },
	{ "an ISO-8859 with a digit too many is unknown", "# coding: iso-8859-100\n",
		true },
	{ "a long name that begins with utf-8 is unknown",
		"# coding: utf-8-with-something-more\n", true },
	{ "an unknown codec is noticed if a known one is named first",
		"# coding: utf-8, coding: pyxl\n", true },
	{ "the word coding in a comment names no codec", "# coding standards apply\n",
		false },
	{ "a coding line without a name names no codec", "# coding: \n", false },
	{ "the word coding at the end of the file names no codec", "# coding", false },
	{ "the word coding and a colon at the end of the file name no codec",
		"# coding:", false },
	{ "code that only looks like a coding line counts as one", "f(encoding=other)\n",
		true },
};
/* clang-format on */

/* In memory of exactly that size, so that sanitizers notice a read behind it. */
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
