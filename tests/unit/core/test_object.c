/* SPDX-License-Identifier: MIT
 *
 * Which bytecode may be shared between paths, and where it lies then.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/cache/object.h"
#include "shim/core/python/pyc.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *name, *want; /* the level, "no" where it is not shared */
} rows[] = {
	{ "shared: a module", "m.cpython-311.pyc", "0" },
	{ "shared: a module under -O", "m.cpython-311.opt-1.pyc", "1" },
	{ "shared: a module under -OO", "m.cpython-311.opt-2.pyc", "2" },
	{ "shared: a module of PyPy", "m.pypy39.pyc", "0" },
	{ "shared: a name with dots", "m.1.b.cpython-311.pyc", "0" },
	{ "shared: a name that ends as a level", "m.opt-1.cpython-311.pyc", "0" },
	{ "not shared: pytest's", "m.cpython-311-pytest-8.3.0.pyc", "no" },
	{ "not shared: pytest's on PyPy", "m.pypy39-pytest-8.3.0.pyc", "no" },
	{ "not shared: pytest's under -O", "m.cpython-311-pytest-8.3.0.pyo", "no" },
	{ "not shared: another's suffix", "m.cpython-311.pyo", "no" },
	{ "not shared: typeguard's", "m.cpython-311.opt-typeguard440.pyc", "no" },
	{ "not shared: typeguard's under -O", "m.cpython-311.opt-1typeguard440.pyc",
		"no" },
	{ "not shared: beartype's", "m.cpython-311.opt-beartype0v18v5.pyc", "no" },
	{ "not shared: jaxtyping's", "m.cpython-311.opt-jaxtyping0v2v1.pyc", "no" },
	{ "not shared: a level to come", "m.cpython-311.opt-3.pyc", "no" },
	{ "not shared: level 0", "m.cpython-311.opt-0.pyc", "no" },
	{ "not shared: level 11", "m.cpython-311.opt-11.pyc", "no" },
	{ "not shared: two levels", "m.cpython-311.opt-1.opt-2.pyc", "no" },
	{ "not shared: no level", "m.cpython-311.opt-.pyc", "no" },
	{ "not shared: a program without a dot in its name", "toolcpython-311.pyc",
		"no" },
	{ "not shared: no module", ".cpython-311.pyc", "no" },
	{ "not shared: a tag alone", "cpython-311.pyc", "no" },
	{ "not shared: no tag", "m.pyc", "no" },
	{ "not shared: a temporary", "m.cpython-311.pyc.123", "no" },
	{ "not shared: numba's", "m.f-3.py311.nbi", "no" },
};

static const struct magic {
	const char *sentence, *name, *want;
} magics[] = {
	{ "magic: four bytes", "a70d0d0a", "\xa7\r\r\n" },
	{ "magic: zeroes", "00000000", "\0\0\0\0" },
	{ "magic: all bits", "ffffffff", "\xff\xff\xff\xff" },
	{ "magic: capitals are not ours", "A70d0d0a", NULL },
	{ "magic: too short", "a70d0d0", NULL },
	{ "magic: too long", "a70d0d0a0", NULL },
	{ "magic: a character that is not a hex digit", "a70d0dg0", NULL },
	{ "magic: a sign before the digits", "/a70d0d0", NULL },
	{ "magic: the directory itself", ".", NULL },
	{ "magic: the one above", "..", NULL },
	{ "magic: nothing", "", NULL },
};

#define REST "0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
static const struct path {
	const char *sentence, *path;
	bool want;
} paths[] = {
	{ "path: an object", "objects/a70d0d0a/a/" REST ".pyc", true },
	{ "path: one of -O", "objects/a70d0d0a/a/" REST ".opt-1.pyc", true },
	{ "path: one of -OO", "objects/a70d0d0a/a/" REST ".opt-2.pyc", true },
	{ "path: no level to come", "objects/a70d0d0a/a/" REST ".opt-3.pyc", false },
	{ "path: no temporary", "objects/a70d0d0a/a/" REST ".pyc.1", false },
	{ "path: no suffix", "objects/a70d0d0a/a/" REST, false },
	{ "path: another suffix", "objects/a70d0d0a/a/" REST ".pyo", false },
	{ "path: a digit too many", "objects/a70d0d0a/a/" REST "0.pyc", false },
	{ "path: capitals in the digest", "objects/a70d0d0a/A/" REST ".pyc", false },
	{ "path: capitals in the magic number", "objects/A70d0d0a/a/" REST ".pyc",
		false },
	{ "path: another folder", "Objects/a70d0d0a/a/" REST ".pyc", false },
	{ "path: a dot for a slash", "objects/a70d0d0a.a/" REST ".pyc", false },
	{ "path: short", "objects/a70d0d0a/a/0.pyc", false },
	{ "path: nothing at all", "", false },
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
	unit_one("a path is made of magic number, digest and level",
		a_path_is_made_of_all);
	return unit_run("object");
}
