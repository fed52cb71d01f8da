/* SPDX-License-Identifier: MIT
 *
 * Texts that stay valid for a while.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/brief.h"

static void stays(void **state)
{
	const char *first = brief_format("%d", 1);

	(void)state;
	for (int i = 1; i < BRIEF_TEXTS; i++)
		assert_ptr_not_equal(brief_format("text %d", i), first);
	assert_string_equal(first, "1");
}

static void takes_over(void **state)
{
	char *text = strdup("text");

	(void)state;
	assert_ptr_equal(brief_keep(text), text);
	for (int i = 0; i < 2 * BRIEF_TEXTS;
		i++) /* a leak, or a double free, shows here */
		(void)brief_format("%d", i);
}

static void is_hex(void **state)
{
	(void)state;
	assert_string_equal(brief_hex("\0\x7f\xff", 3), "007fff");
	assert_string_equal(brief_hex("", 0), "");
}

static void is_of_any_length(void **state)
{
	char want[128];

	(void)state;
	for (int len = 0; len < (int)sizeof want; len++) {
		sprintf(want, "%*s", len, "");
		assert_string_equal(brief_format("%*s", len, ""), want);
	}
}

int main(void)
{
	unit_one("a text stays until all the room is used by later ones", stays);
	unit_one("a text that is handed over is freed", takes_over);
	unit_one("a text may have any length", is_of_any_length);
	unit_one("each byte is written as two hex digits", is_hex);
	return unit_run("brief");
}
