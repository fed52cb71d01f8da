/* SPDX-License-Identifier: MIT
 *
 * The number of a release, from what Py_GetVersion and sys.version say.
 */
#include "tests/unit/unit.h"

#include "shim/core/python/release.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *tag, *version;
	unsigned want;
} rows[] = {
	{ "the first release of CPython 3.11 is 1", "cpython-311", "3.11.0", 1 },
	{ "CPython 3.11.2 is release 3", "cpython-311",
		"3.11.2 (main, May  2 2024, 11:59:08) [GCC 12.2.0]", 3 },
	{ "CPython 3.11.14 is release 15", "cpython-311", "3.11.14", 15 },
	{ "CPython 3.11.15 is release 1 again", "cpython-311", "3.11.15", 1 },
	{ "CPython 3.9.25 is release 11", "cpython-39", "3.9.25", 11 },
	{ "a candidate is of its release", "cpython-313", "3.13.0rc2 (main)", 1 },
	{ "a build between releases is of the last", "cpython-312",
		"3.12.1+ (heads/3.12)", 2 },
	{ "a free-threaded build is of its release", "cpython-313t", "3.13.1", 2 },
	{ "a huge number ends", "cpython-311", "3.11.4294967296000000000000000000", 11 },
	{ "the release of another interpreter than the tag's is not known", "cpython-312",
		"3.11.2", 0 },
	{ "the release of CPython 3.1 is not that of 3.11", "cpython-311", "3.1.1", 0 },
	{ "the release of CPython 3.110 is not that of 3.11", "cpython-311", "3.110.1",
		0 },
	{ "the release of PyPy is not known", "pypy39",
		"3.9.16 (7.3.11+dfsg-2, Feb 06 2023)", 0 },
	{ "the release of GraalPy is not known", "graalpy230-310", "3.10.8", 0 },
	{ "the release without a tag is not known", "", "3.11.2", 0 },
	{ "a version without a third number is no release", "cpython-311", "3.11", 0 },
	{ "a version that ends in a dot is no release", "cpython-311", "3.11.", 0 },
	{ "a version with a word in it is no release", "cpython-311", "3.11.x", 0 },
	{ "a version of one number is no release", "cpython-311", "3", 0 },
	{ "an empty version is no release", "cpython-311", "", 0 },
};
/* clang-format on */

static void is_told(void **state)
{
	const struct row *row = *state;

	assert_int_equal(release_of(row->tag, row->version), row->want);
}

int main(void)
{
	unit_rows(is_told, rows);
	return unit_run("release");
}
