/* SPDX-License-Identifier: MIT
 *
 * What a path in the cache stands for, and where the entries of a source are.
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
	{ "a folder of CPython is a version folder", "cpython-311", 11 },
	{ "a path in a version folder begins with that folder", "cpython-311/tree/srv",
		11 },
	{ "a folder with a variant behind its tag is a version folder",
		"cpython-311+no_debug_ranges/tree", 27 },
	{ "a folder of PyPy is a version folder", "pypy39", 6 },
	{ "a folder of an interpreter that no list knows is a version folder",
		"newpy-42/objects", 8 },
	{ "a folder of GraalPy is a version folder", "graalpy250-312", 14 },
	{ "a hidden file of the command is not a version folder", ".state", 0 },
	{ "the trash is not a version folder", ".trash/x", 0 },
	{ "a word without a number is not a version folder", "journal", 0 },
	{ "a folder with letters behind the tag is not a version folder", "cpython-311x",
		0 },
	{ "a folder with something before the tag is not a version folder",
		"x.cpython-311", 0 },
	{ "a folder with an empty variant is not a version folder", "cpython-311+", 0 },
	{ "a folder whose variant has a blank is not a version folder", "cpython-311+a b",
		0 },
	{ "a folder with a name longer than a tag is not a version folder",
		"cpython-31111111111111111111111111", 0 },
	{ "a folder whose variant is longer than any of the library's is not a version folder",
		"cpython-311+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/objects",
		0 },
	{ "an empty path is not a version folder", "", 0 },
};

static const struct file {
	const char *sentence, *dir, *name;
	enum layout_kind kind;
	char level;
	const char *source; /* "" where there is none */
} files[] = {
	{ "a module's pyc in the tree is an entry", TREE, "m.cpython-311.pyc",
		LAYOUT_ENTRY, '\0', "/srv/app/m.py" },
	{ "a pyc of -O is an entry of opt level 1", TREE, "m.cpython-311.opt-1.pyc",
		LAYOUT_ENTRY, '1', "/srv/app/m.py" },
	{ "a pyc of -OO is an entry of opt level 2", TREE, "m.cpython-311.opt-2.pyc",
		LAYOUT_ENTRY, '2', "/srv/app/m.py" },
	{ "a pyc of opt level 12 is an entry of an unknown level", TREE,
		"m.cpython-311.opt-12.pyc", LAYOUT_ENTRY, '?', "/srv/app/m.py" },
	{ "typeguard's pyc is an entry of an unknown level", TREE,
		"m.cpython-311.opt-typeguard440.pyc", LAYOUT_ENTRY, '?',
		"/srv/app/m.py" },
	{ "pytest's pyc is an entry", TREE, "m.cpython-311-pytest-8.3.0.pyc",
		LAYOUT_ENTRY, '\0', "/srv/app/m.py" },
	{ "a pyc without a dot before the tag is the entry of a program", TREE,
		"toolcpython-311.pyc", LAYOUT_ENTRY, '\0', "/srv/app/tool" },
	{ "an entry may stand for a source in the root directory",
		"cpython-311/tree/__pycache__", "m.cpython-311.pyc", LAYOUT_ENTRY, '\0',
		"/m.py" },
	{ "the path of an entry may have any byte", "pypy39/tree/a\n\xff/__pycache__",
		"\x80.pypy39.pyc", LAYOUT_ENTRY, '\0', "/a\n\xff/\x80.py" },
	{ "a pyc in the version folder of a variant is an entry",
		"cpython-311+no_debug_ranges/tree/a/__pycache__", "m.cpython-311.pyc",
		LAYOUT_ENTRY, '\0', "/a/m.py" },
	{ "numba's index is a file of a program", TREE, "m.f-3.py311.nbi",
		LAYOUT_PROGRAMS, '\0', "" },
	{ "a pyc without a tag is a file of a program", TREE, "m.pyc", LAYOUT_PROGRAMS,
		'\0', "" },
	{ "the file that importlib writes before it renames it is temporary", TREE,
		"m.cpython-311.pyc.139", LAYOUT_TEMPORARY, '\0', "" },
	{ "the file that numba writes before it renames it is temporary", TREE,
		"m.f-3.py311.nbi.tmp.7f", LAYOUT_TEMPORARY, '\0', "" },
	{ "the temporary file of an object is temporary", OBJECTS, HEX ".pyc.17",
		LAYOUT_TEMPORARY, '\0', "" },
	{ "a pyc that is named after its digest is an object", OBJECTS, HEX ".pyc",
		LAYOUT_OBJECT, '\0', "" },
	{ "an object of -OO has opt level 2", OBJECTS, HEX ".opt-2.pyc", LAYOUT_OBJECT,
		'2', "" },
	{ "a pyc with the tag of a different version is foreign", TREE,
		"m.cpython-38.pyc", LAYOUT_FOREIGN, '\0', "" },
	{ "a pyc with a longer tag than its version folder is foreign", TREE,
		"m.cpython-3110.pyc", LAYOUT_FOREIGN, '\0', "" },
	{ "a file that is not bytecode is foreign", TREE, "README", LAYOUT_FOREIGN, '\0',
		"" },
	{ "a pyc outside a __pycache__ is foreign", "cpython-311/tree/srv/app",
		"m.cpython-311.pyc", LAYOUT_FOREIGN, '\0', "" },
	{ "a pyc directly in a version folder is foreign", "cpython-311",
		"m.cpython-311.pyc", LAYOUT_FOREIGN, '\0', "" },
	{ "a pyc outside a version folder is foreign", "x/tree/__pycache__",
		"m.cpython-311.pyc", LAYOUT_FOREIGN, '\0', "" },
	{ "a pyc at the top of the cache is foreign", "", "m.cpython-311.pyc",
		LAYOUT_FOREIGN, '\0', "" },
	{ "an object with a short digest is foreign", OBJECTS, "0.pyc", LAYOUT_FOREIGN,
		'\0', "" },
	{ "an object directly in the folder of its magic number is foreign",
		"cpython-311/objects/a70d0d0a", HEX ".pyc", LAYOUT_FOREIGN, '\0', "" },
	{ "an object with too long a name is foreign", OBJECTS, HEX HEX HEX ".pyc",
		LAYOUT_FOREIGN, '\0', "" },
};

static const struct dir {
	const char *sentence, *source, *want;
} dirs[] = {
	{ "entries of a package lie in the __pycache__ below its path", "/srv/app",
		TREE },
	{ "entries of the root directory lie in tree/__pycache__", "/",
		"cpython-311/tree/__pycache__" },
	{ "the directory of entries may have any byte", "/\n\xff",
		"cpython-311/tree/\n\xff/__pycache__" },
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
	if (len) /* not with a byte less than it needs */
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
