/* SPDX-License-Identifier: MIT
 *
 * Which bytecode may be shared between paths, and where its object is.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/cache/object.h"
#include "shim/core/python/pyc.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *name, *want; /* the opt level, or "no" if not shared */
} rows[] = {
	{ "a module's bytecode is shared", "m.cpython-311.pyc", "0" },
	{ "a module's bytecode of -O is shared", "m.cpython-311.opt-1.pyc", "1" },
	{ "a module's bytecode of -OO is shared", "m.cpython-311.opt-2.pyc", "2" },
	{ "a module's bytecode of PyPy is shared", "m.pypy39.pyc", "0" },
	{ "bytecode of a module with dots in its name is shared", "m.1.b.cpython-311.pyc",
		"0" },
	{ "bytecode of a module whose name ends like an opt level is shared",
		"m.opt-1.cpython-311.pyc", "0" },
	{ "pytest's bytecode is not shared", "m.cpython-311-pytest-8.3.0.pyc", "no" },
	{ "pytest's bytecode of PyPy is not shared", "m.pypy39-pytest-8.3.0.pyc", "no" },
	{ "pytest's bytecode of -O is not shared", "m.cpython-311-pytest-8.3.0.pyo",
		"no" },
	{ "bytecode with the suffix .pyo is not shared", "m.cpython-311.pyo", "no" },
	{ "typeguard's bytecode is not shared", "m.cpython-311.opt-typeguard440.pyc",
		"no" },
	{ "typeguard's bytecode of -O is not shared",
		"m.cpython-311.opt-1typeguard440.pyc", "no" },
	{ "beartype's bytecode is not shared", "m.cpython-311.opt-beartype0v18v5.pyc",
		"no" },
	{ "jaxtyping's bytecode is not shared", "m.cpython-311.opt-jaxtyping0v2v1.pyc",
		"no" },
	{ "bytecode of the unknown opt level 3 is not shared", "m.cpython-311.opt-3.pyc",
		"no" },
	{ "bytecode whose name says opt level 0 is not shared", "m.cpython-311.opt-0.pyc",
		"no" },
	{ "bytecode of opt level 11 is not shared", "m.cpython-311.opt-11.pyc", "no" },
	{ "bytecode whose name has two opt levels is not shared",
		"m.cpython-311.opt-1.opt-2.pyc", "no" },
	{ "bytecode whose name has an empty opt level is not shared",
		"m.cpython-311.opt-.pyc", "no" },
	{ "bytecode without a dot before the cache tag is not shared",
		"toolcpython-311.pyc", "no" },
	{ "bytecode without a module's name is not shared", ".cpython-311.pyc", "no" },
	{ "a name of nothing but tag and suffix is not shared", "cpython-311.pyc", "no" },
	{ "bytecode without a cache tag is not shared", "m.pyc", "no" },
	{ "a temporary file is not shared", "m.cpython-311.pyc.123", "no" },
	{ "numba's index is not shared", "m.f-3.py311.nbi", "no" },
};

static const struct magic {
	const char *sentence, *name, *want;
} magics[] = {
	{ "eight hex digits are the four bytes of a magic number", "a70d0d0a",
		"\xa7\r\r\n" },
	{ "a magic number may be all zeroes", "00000000", "\0\0\0\0" },
	{ "a magic number may have all bits set", "ffffffff", "\xff\xff\xff\xff" },
	{ "a magic number in capitals is refused", "A70d0d0a", NULL },
	{ "a magic number of seven digits is refused", "a70d0d0", NULL },
	{ "a magic number of nine digits is refused", "a70d0d0a0", NULL },
	{ "a magic number with a character that is not a hex digit is refused",
		"a70d0dg0", NULL },
	{ "a magic number with a slash before its digits is refused", "/a70d0d0", NULL },
	{ ". is refused as a magic number", ".", NULL },
	{ ".. is refused as a magic number", "..", NULL },
	{ "an empty name is refused as a magic number", "", NULL },
};

#define REST "0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
static const struct path {
	const char *sentence, *path;
	bool want;
} paths[] = {
	{ "the path of an object is read", "objects/a70d0d0a/a/" REST ".pyc", true },
	{ "the path of an object of -O is read", "objects/a70d0d0a/a/" REST ".opt-1.pyc",
		true },
	{ "the path of an object of -OO is read", "objects/a70d0d0a/a/" REST ".opt-2.pyc",
		true },
	{ "a path with the unknown opt level 3 is not an object's",
		"objects/a70d0d0a/a/" REST ".opt-3.pyc", false },
	{ "the path of a temporary file is not an object's",
		"objects/a70d0d0a/a/" REST ".pyc.1", false },
	{ "a path without a suffix is not an object's", "objects/a70d0d0a/a/" REST,
		false },
	{ "a path with the suffix .pyo is not an object's",
		"objects/a70d0d0a/a/" REST ".pyo", false },
	{ "a path with a digit too many in the digest is not an object's",
		"objects/a70d0d0a/a/" REST "0.pyc", false },
	{ "a path with a capital in the digest is not an object's",
		"objects/a70d0d0a/A/" REST ".pyc", false },
	{ "a path with a capital in the magic number is not an object's",
		"objects/A70d0d0a/a/" REST ".pyc", false },
	{ "a path in a folder other than objects is not an object's",
		"Objects/a70d0d0a/a/" REST ".pyc", false },
	{ "a path with a dot instead of a slash is not an object's",
		"objects/a70d0d0a.a/" REST ".pyc", false },
	{ "a path with a short digest is not an object's", "objects/a70d0d0a/a/0.pyc",
		false },
	{ "an empty path is not an object's", "", false },
};
/* clang-format on */

static void reads_a_path(void **state)
{
	const struct path *row = *state;
	size_t len = strlen(row->path);
	struct object_name name = { .level = 'x' };
	char again[OBJECT_PATH_SIZE];

	assert_int_equal(
		object_read(unit_at_page_end(row->path, len), len, &name), row->want);
	if (!row->want) {
		assert_int_equal(name.level, 'x');
		return;
	}
	assert_int_equal(object_path(&name, again), len);
	assert_string_equal(again, row->path);
}

static void is_shared(void **state)
{
	const struct row *row = *state;
	size_t len = strlen(row->name);
	struct pyc_name pyc = pyc_parse(row->name, len);
	const char *name = unit_at_page_end(row->name, len);
	const char *got = "no";
	char level = '?';

	if (object_is_shareable(name, len, pyc.tag, &level))
		got = level == '1' ? "1" : level == '2' ? "2" : "0";
	assert_string_equal(got, row->want);
	if (row->want[0] == '0')
		assert_int_equal(level, '\0');
}

static void reads_a_magic_number(void **state)
{
	const struct magic *row = *state;
	uint32_t magic = 77;

	assert_int_equal(object_magic(row->name, &magic), row->want != NULL);
	if (row->want)
		assert_memory_equal(&magic, row->want, 4);
	else
		assert_int_equal(magic, 77);
}

static void a_path_is_made_of_all(void **state)
{
	struct object_name name = { .magic = { 0xa7, 13, 13, 10 } };
	char path[OBJECT_PATH_SIZE];
	size_t len;

	(void)state;
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		name.digest.bytes[i] = (uint8_t)(i + 0xa0);
	len = object_path(&name, path);
	assert_int_equal(len, strlen(path));
	assert_string_equal(path, "objects/a70d0d0a/a/0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
				  "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf.pyc");
	name.level = '2';
	len = object_path(&name, path);
	assert_int_equal(len, strlen(path));
	assert_true(strlen(path) < OBJECT_PATH_SIZE - 1);
	assert_string_equal(path, "objects/a70d0d0a/a/0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
				  "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf.opt-2.pyc");
}

int main(void)
{
	unit_rows(is_shared, rows);
	unit_rows(reads_a_magic_number, magics);
	unit_rows(reads_a_path, paths);
	unit_one("an object's path is made of its magic number, digest and opt level",
		a_path_is_made_of_all);
	return unit_run("object");
}
