/* SPDX-License-Identifier: MIT
 *
 * What a path in the cache stands for, and where the entries of a source lie.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "tools/cache/layout.h"

#define HEX "0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define OBJECTS "cpython-311/objects/a70d0d0a/a"
#define TREE "cpython-311/tree/srv/app/__pycache__"

/* clang-format off: a row a line */
static const struct version {
	const char *sentence, *path;
	size_t want;
} versions[] = {
	{ "version: CPython's", "cpython-311", 11 },
	{ "version: a path in it", "cpython-311/tree/srv", 11 },
	{ "version: a variant", "cpython-311+no_debug_ranges/tree", 27 },
	{ "version: PyPy's", "pypy39", 6 },
	{ "version: one that no list knows", "newpy-42/objects", 8 },
	{ "version: GraalPy's", "graalpy250-312", 14 },
	{ "no version: what is ours", ".state", 0 },
	{ "no version: trash", ".trash/x", 0 },
	{ "no version: a word", "journal", 0 },
	{ "no version: too much behind it", "cpython-311x", 0 },
	{ "no version: too much in front", "x.cpython-311", 0 },
	{ "no version: an empty variant", "cpython-311+", 0 },
	{ "not a version: a variant with other characters", "cpython-311+a b", 0 },
	{ "no version: longer than a tag", "cpython-31111111111111111111111111", 0 },
	{ "no version: nothing", "", 0 },
};

static const struct file {
	const char *sentence, *dir, *name;
	enum layout_kind kind;
	char level;
	const char *source; /* "" where there is none */
} files[] = {
	{ "entry: a module", TREE, "m.cpython-311.pyc", LAYOUT_ENTRY, '\0',
		"/srv/app/m.py" },
	{ "entry: -O", TREE, "m.cpython-311.opt-1.pyc", LAYOUT_ENTRY, '1',
		"/srv/app/m.py" },
	{ "entry: -OO", TREE, "m.cpython-311.opt-2.pyc", LAYOUT_ENTRY, '2',
		"/srv/app/m.py" },
	{ "entry: another level", TREE, "m.cpython-311.opt-12.pyc", LAYOUT_ENTRY, '?',
		"/srv/app/m.py" },
	{ "entry: typeguard's", TREE, "m.cpython-311.opt-typeguard440.pyc", LAYOUT_ENTRY,
		'?', "/srv/app/m.py" },
	{ "entry: pytest's", TREE, "m.cpython-311-pytest-8.3.0.pyc", LAYOUT_ENTRY, '\0',
		"/srv/app/m.py" },
	{ "entry: of a program", TREE, "toolcpython-311.pyc", LAYOUT_ENTRY, '\0',
		"/srv/app/tool" },
	{ "entry: in the root directory", "cpython-311/tree/__pycache__",
		"m.cpython-311.pyc", LAYOUT_ENTRY, '\0', "/m.py" },
	{ "entry: any byte", "pypy39/tree/a\n\xff/__pycache__", "\x80.pypy39.pyc",
		LAYOUT_ENTRY, '\0', "/a\n\xff/\x80.py" },
	{ "entry: of a variant", "cpython-311+no_debug_ranges/tree/a/__pycache__",
		"m.cpython-311.pyc", LAYOUT_ENTRY, '\0', "/a/m.py" },
	{ "program's: numba's index", TREE, "m.f-3.py311.nbi", LAYOUT_PROGRAMS, '\0',
		"" },
	{ "program's: a name without a tag", TREE, "m.pyc", LAYOUT_PROGRAMS, '\0', "" },
	{ "temporary: importlib's", TREE, "m.cpython-311.pyc.139", LAYOUT_TEMPORARY, '\0',
		"" },
	{ "temporary: numba's", TREE, "m.f-3.py311.nbi.tmp.7f", LAYOUT_TEMPORARY, '\0',
		"" },
	{ "temporary: of an object", OBJECTS, HEX ".pyc.17", LAYOUT_TEMPORARY, '\0', "" },
	{ "object: a module's", OBJECTS, HEX ".pyc", LAYOUT_OBJECT, '\0', "" },
	{ "object: of -OO", OBJECTS, HEX ".opt-2.pyc", LAYOUT_OBJECT, '2', "" },
	{ "foreign: another version's", TREE, "m.cpython-38.pyc", LAYOUT_FOREIGN, '\0',
		"" },
	{ "foreign: another version's, longer", TREE, "m.cpython-3110.pyc",
		LAYOUT_FOREIGN, '\0', "" },
	{ "foreign: no bytecode", TREE, "README", LAYOUT_FOREIGN, '\0', "" },
	{ "foreign: beside a __pycache__", "cpython-311/tree/srv/app",
		"m.cpython-311.pyc", LAYOUT_FOREIGN, '\0', "" },
	{ "foreign: in a version", "cpython-311", "m.cpython-311.pyc", LAYOUT_FOREIGN,
		'\0', "" },
	{ "foreign: in no version", "x/tree/__pycache__", "m.cpython-311.pyc",
		LAYOUT_FOREIGN, '\0', "" },
	{ "foreign: at the top", "", "m.cpython-311.pyc", LAYOUT_FOREIGN, '\0', "" },
	{ "foreign: a short digest", OBJECTS, "0.pyc", LAYOUT_FOREIGN, '\0', "" },
	{ "foreign: an object too high", "cpython-311/objects/a70d0d0a", HEX ".pyc",
		LAYOUT_FOREIGN, '\0', "" },
	{ "foreign: an object's long name", OBJECTS, HEX HEX HEX ".pyc", LAYOUT_FOREIGN,
		'\0', "" },
};

static const struct dir {
	const char *sentence, *source, *want;
} dirs[] = {
	{ "directory: of a package", "/srv/app", TREE },
	{ "directory: the root", "/", "cpython-311/tree/__pycache__" },
	{ "directory: any byte", "/\n\xff", "cpython-311/tree/\n\xff/__pycache__" },
};
/* clang-format on */

static void is_a_version(void **state)
{
	const struct version *row = *state;

	assert_int_equal(layout_version(row->path), row->want);
}

static void is_that_item(void **state)
{
	const struct file *row = *state;
	struct layout item = layout_parse(row->dir, row->name);
	char source[64] = "";
	size_t len = layout_source(&item, row->name, source, sizeof source);

	assert_string_equal(layout_kind_names[item.kind], layout_kind_names[row->kind]);
	assert_int_equal(item.level, row->level);
	assert_int_equal(len, strlen(row->source));
	if (len)
		assert_string_equal(source, row->source);
	if (len) /* and no letter less than it needs */
		assert_int_equal(layout_source(&item, row->name, source, len), 0);
}

static void there_and_back(void **state)
{
	const struct dir *row = *state;
	char buf[64];
	size_t len = layout_entry_dir("cpython-311", 11, row->source, buf, sizeof buf),
	       back;
	const char *source;

	assert_int_equal(len, strlen(row->want));
	assert_string_equal(buf, row->want);
	source = layout_source_dir(buf, &back);
	assert_non_null(source);
	assert_int_equal(back, strlen(row->source));
	assert_memory_equal(source, row->source, back);
	assert_int_equal(layout_entry_dir("cpython-311", 11, row->source, buf, len), 0);
}

int main(void)
{
	unit_rows(is_a_version, versions);
	unit_rows(is_that_item, files);
	unit_rows(there_and_back, dirs);
	return unit_run("item");
}
