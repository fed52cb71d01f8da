/* SPDX-License-Identifier: MIT
 *
 * entry_is_for_others: decided by what the program did, and by who can read the source.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tests/unit/fake/fake_entry.h"
#include "tests/unit/unit.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence,
		*acts;	    /* ?: looks, o: opens the entry, s: opens the source */
	mode_t top, source; /* mode of the topmost directory, and of the source */
	bool want;	    /* of root */
} rows[] = {
	{ "root's py_compile writes for others in a directory that others can reach",
		"??s", 0755, 0644, true },
	{ "py_compile writes for nobody else in a directory that others cannot reach",
		"??s", 0700, 0644, false },
	{ "compileall, which opens the existing file first, writes for others", "o??s",
		0755, 0644, true },
	{ "a program that looks for bytecode twice, and does not read the source, writes for nobody else",
		"??", 0755, 0644, false },
	{ "bytecode of a source that others may not read is for nobody else", "??s", 0755,
		0600, false },
	{ "an import writes for nobody else", "os", 0755, 0644, false },
	{ "an import after its bytecode was looked for writes for nobody else", "??os",
		0755, 0644, false },
	{ "bytecode that was looked for once, as warm does, is for nobody else", "?s",
		0755, 0644, false },
	{ "bytecode that was not looked for is for nobody else", "", 0755, 0644, false },
};
/* clang-format on */

/* Returns whether others can reach the temporary directory that tests use. */
static bool can_be_reached(void)
{
	char path[PATH_MAX];

	strcpy(path, fake_path("."));
	return way_is_public(&fake_sys, path);
}

static void is_for_others(void **state)
{
	const struct row *row = *state;
	char before[sizeof fe.path];

	fake_entry_is("src", FAKE_NAME);
	strcpy(before, fe.entry.path);
	assert_return_code(chmod(fake_path("src/m.py"), row->source), errno);
	assert_return_code(chmod(fake_path("."), row->top), errno);
	for (const char *act = row->acts; *act; act++) {
		if (*act == '?')
			entry_ask(&fe.entry);
		else if (*act == 's')
			fake_open_source();
		else
			assert_int_equal(fake_open_entry(O_RDONLY), -ENOENT);
	}
	assert_int_equal(entry_is_for_others(&fe.entry),
		row->want && geteuid() == 0 && can_be_reached());
	assert_string_equal(fe.entry.path, before);
	assert_return_code(chmod(fake_path("."), 0700), errno);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(is_for_others, rows);
	return unit_run("audience");
}
