/* SPDX-License-Identifier: MIT
 *
 * What the library makes of an interpreter's options and variables.
 */
#include "tests/unit/unit.h"

#include "shim/core/cache/config.h"

/* clang-format off: a row a line */
static const struct variant {
	const char *sentence, *variable, *argv[6];
	bool want;
} variants[] = {
	{ "without the variable and the option there is no variant", NULL,
		{ "python3", "m.py" }, false },
	{ "a program with an empty argv has no variant", NULL, { NULL }, false },
	{ "the variable selects the variant in a program with an empty argv", "1",
		{ NULL }, true },
	{ "PYTHONNODEBUGRANGES selects the variant", "1", { "python3" }, true },
	{ "PYTHONNODEBUGRANGES=0 selects the variant, because Python takes it for set",
		"0", { "python3" }, true },
	{ "an empty PYTHONNODEBUGRANGES does not select the variant", "", { "python3" },
		false },
	{ "-X no_debug_ranges selects the variant", NULL,
		{ "python3", "-X", "no_debug_ranges" }, true },
	{ "-Xno_debug_ranges in one word selects the variant", NULL,
		{ "python3", "-Xno_debug_ranges" }, true },
	{ "-X no_debug_ranges behind other options selects the variant", NULL,
		{ "python3", "-I", "-X", "dev", "-Xno_debug_ranges" }, true },
	{ "-IX no_debug_ranges, in one word with another option, selects the variant",
		NULL, { "python3", "-IX", "no_debug_ranges", "m.py" }, true },
	{ "-X no_debug_ranges behind -Werror selects the variant", NULL,
		{ "python3", "-Werror", "-Xno_debug_ranges" }, true },
	{ "-X no_debug_ranges behind -W and its word selects the variant", NULL,
		{ "python3", "-W", "error", "-X", "no_debug_ranges" }, true },
	{ "-X no_debug_ranges=1 selects the variant, whatever the value", NULL,
		{ "python3", "-Xno_debug_ranges=1" }, true },
	{ "-X with a different word does not select the variant", NULL,
		{ "python3", "-X", "importtime" }, false },
	{ "-X with a longer word does not select the variant", NULL,
		{ "python3", "-X", "no_debug_ranges2" }, false },
	{ "-X without a word does not select the variant", NULL, { "python3", "-X" },
		false },
	{ "-X behind the name of the program belongs to the program", NULL,
		{ "python3", "m.py", "-X", "no_debug_ranges" }, false },
	{ "-X behind -c and its command belongs to the command", NULL,
		{ "python3", "-cpass", "-X", "no_debug_ranges" }, false },
	{ "-X as the name of a module does not select the variant", NULL,
		{ "python3", "-mX", "no_debug_ranges" }, false },
	{ "python3 -E ignores PYTHONNODEBUGRANGES", "1", { "/usr/bin/python3", "-E" },
		false },
	{ "pypy3 -I ignores PYTHONNODEBUGRANGES", "1", { "pypy3", "-bI", "m.py" },
		false },
	{ "PYTHONNODEBUGRANGES counts if -E is an option of a module", "1",
		{ "python3", "-m", "a", "-E" }, true },
	{ "PYTHONNODEBUGRANGES counts if -E is an option of a program that is not Python",
		"1", { "app", "-E" }, true },
	{ "-X behind - does not select the variant", NULL,
		{ "python3", "-", "-X", "no_debug_ranges" }, false },
	{ "-X behind -- does not select the variant", NULL,
		{ "python3", "--", "-X", "no_debug_ranges" }, false },
	{ "--X does not select the variant", NULL,
		{ "python3", "--X", "no_debug_ranges" }, false },
};
/* clang-format on */

static void has_variant(void **state)
{
	const struct variant *row = *state;

	assert_string_equal(config_variant(row->argv, row->variable),
		row->want ? "+no_debug_ranges" : "");
}

/* clang-format off: a row a line */
static const struct writing {
	const char *sentence, *variable, *argv[6];
	bool want;
} writing[] = {
	{ "an interpreter writes bytecode", NULL, { "python3", "m.py" }, true },
	{ "with -B it writes none", NULL, { "python3", "-B", "m.py" }, false },
	{ "with -sBE it writes none", NULL, { "python3", "-sBE", "m.py" }, false },
	{ "with PYTHONDONTWRITEBYTECODE it writes none", "1", { "python3" }, false },
	{ "an empty PYTHONDONTWRITEBYTECODE does not matter", "", { "python3" }, true },
	{ "python3 -I ignores PYTHONDONTWRITEBYTECODE", "1", { "python3", "-I" }, true },
	{ "-B behind the name of the program belongs to the program", NULL,
		{ "python3", "m.py", "-B" }, true },
	{ "-B of a program that is not Python does not matter", NULL, { "app", "-B" },
		true },
	{ "-B behind -X and its word counts", NULL, { "python3", "-X", "dev", "-B" },
		false },
};
/* clang-format on */

static void writes(void **state)
{
	const struct writing *row = *state;

	assert_int_equal(config_writes(row->argv, row->variable), row->want);
}

static void without_arguments(void **state)
{
	(void)state;
	assert_true(config_writes(NULL, NULL));
	assert_string_equal(config_variant(NULL, NULL), "");
	assert_string_not_equal(config_variant(NULL, "1"), "");
}

int main(void)
{
	unit_rows(has_variant, variants);
	unit_rows(writes, writing);
	unit_one("PYTHONNODEBUGRANGES selects the variant if there is no argv",
		without_arguments);
	return unit_run("config_python");
}
