/* SPDX-License-Identifier: MIT
 *
 * Which names in a `__pycache__` are for the cache, and for which cache tag.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/python/pyc.h"

#define D10 "0123456789"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *name, *want; /* the kind, and the tag if there is one */
} rows[] = {
	/* names that the import system writes */
	{ "a module's pyc is known", "m.cpython-311.pyc", "code cpython-311" },
	{ "a package's pyc is known", "__init__.cpython-38.pyc", "code cpython-38" },
	{ "a pyc of __main__ is known", "__main__.cpython-313.pyc", "code cpython-313" },
	{ "a pyc of -O is known", "m.cpython-311.opt-1.pyc", "code cpython-311" },
	{ "a pyc of -OO is known", "m.cpython-311.opt-2.pyc", "code cpython-311" },
	{ "a pyc of PyPy is known", "m.pypy39.pyc", "code pypy39" },
	{ "a pyc of PyPy under -O is known", "m.pypy310.opt-1.pyc", "code pypy310" },
	{ "a pyc of PyPy without minor version is known", "m.pypy3.pyc", "code pypy3" },
	{ "a pyc of GraalPy is known", "m.graalpy230-310.pyc", "code graalpy230-310" },
	{ "a pyc of GraalPy 25 is known", "m.graalpy250-312.pyc", "code graalpy250-312" },
	{ "a pyc of GraalPy under -O is known", "m.graalpy230-310.opt-2.pyc",
		"code graalpy230-310" },
	{ "a pyc of Pyston is known", "m.pyston-23.pyc", "code pyston-23" },
	{ "a pyc of RustPython is known", "m.rustpython-312.pyc", "code rustpython-312" },
	{ "a pyc of IronPython is known", "m.ironpython-34.pyc", "code ironpython-34" },
	{ "a pyc of Jython is known", "m.jython-27.pyc", "code jython-27" },
	{ "a pyc of a future version of four digits is known", "m.cpython-3100.pyc",
		"code cpython-3100" },
	{ "a pyc of a module x is known", "x.cpython-36.pyc", "code cpython-36" },
	{ "a pyc with an empty name is known", ".cpython-36.pyc", "code cpython-36" },
	{ "a pyc with a name in Cyrillic is known",
		"\xd0\xbc\xd0\xbe\xd0\xb4.cpython-36.pyc", "code cpython-36" },
	{ "a pyc with a name not in UTF-8 is known", "\xff\xfe.cpython-36.pyc",
		"code cpython-36" },
	{ "a pyc with a blank and a newline in its name is known", "a b\n.cpython-36.pyc",
		"code cpython-36" },

	/* what import hooks write */
	{ "pytest's pyc is known", "test_a.cpython-311-pytest-7.2.1.pyc",
		"code cpython-311" },
	{ "pytest's bytecode of -O is known", "test_a.cpython-311-pytest-8.3.0.pyo",
		"code cpython-311" },
	{ "pytest's temporary file of -O is known",
		"test_a.cpython-311-pytest-8.3.0.pyo.77", "temporary cpython-311" },
	{ "the pyc of a pytest that did not put its version into the name is known",
		"test_a.cpython-37-PYTEST.pyc", "code cpython-37" },
	{ "the pyc of a release candidate of pytest is known",
		"test_a.cpython-313-pytest-8.0.0rc1.pyc", "code cpython-313" },
	{ "the pyc of a pytest from a checkout is known",
		"test_a.cpython-312-pytest-7.2.1.dev3+g1234.pyc", "code cpython-312" },
	{ "the pyc of a pytest from a changed checkout is known",
		"t.cpython-312-pytest-8.4.0.dev3+g12ab.d20240101.pyc",
		"code cpython-312" },
	{ "pytest's PyPy pyc is known", "test_a.pypy39-pytest-8.3.0.pyc", "code pypy39" },
	{ "pytest's pyc of GraalPy is known", "test_a.graalpy230-310-pytest-8.3.0.pyc",
		"code graalpy230-310" },
	{ "pytest's pyc of an unknown interpreter has no tag",
		"t.newpython-1-pytest-8.3.0.pyc", "code" },
	{ "pytest's pyc of a conftest is known", "conftest.cpython-311-pytest-6.2.5.pyc",
		"code cpython-311" },
	{ "typeguard's pyc is known", "m.cpython-311.opt-typeguard443.pyc",
		"code cpython-311" },
	{ "jaxtyping's pyc is known", "m.cpython-311.opt-jaxtyping6123.pyc",
		"code cpython-311" },
	{ "jaxtyping's pyc of PyPy is known", "m.pypy310.opt-jaxtyping6123.pyc",
		"code pypy310" },
	{ "beartype's pyc is known", "m.cpython-312.opt-beartype0v18v5.pyc",
		"code cpython-312" },
	{ "a pyc with an opt level that is a word is known",
		"m.cpython-312.opt-debug.pyc", "code cpython-312" },

	/* names of modules that are hard to tell from a tag */
	{ "a known tag needs no dot before it", "toolcpython-313.pyc",
		"code cpython-313" },
	{ "a known tag needs no dot before it under -O", "toolcpython-313.opt-1.pyc",
		"code cpython-313" },
	{ "a known tag of PyPy needs no dot before it", "toolpypy39.pyc", "code pypy39" },
	{ "a tag and suffix alone have a tag", "cpython-313.pyc", "code cpython-313" },
	{ "a module name may have dots", "foo.bar.cpython-311.pyc", "code cpython-311" },
	{ "a module may have a word and a number in its name",
		"foo.bar-7.cpython-311.pyc", "code cpython-311" },
	{ "a module may look like a tag", "cpython-36.cpython-311.pyc",
		"code cpython-311" },
	{ "a module may be called pypy39", "pypy39.cpython-311.pyc", "code cpython-311" },
	{ "a module of PyPy may have the name of CPython's tag", "cpython-311.pypy39.pyc",
		"code pypy39" },
	{ "a module's name may end like a tag", "usecpython-36.cpython-311.pyc",
		"code cpython-311" },
	{ "a module may be called opt-1", "opt-1.cpython-311.pyc", "code cpython-311" },
	{ "a module's name may end like a tag with an opt level",
		"m.cpython-36.opt-1.cpython-311.opt-2.pyc", "code cpython-311" },
	{ "a module may be called pyc", "pyc.cpython-311.pyc", "code cpython-311" },
	{ "a module name may have .pyc", "m.pyc.cpython-311.pyc", "code cpython-311" },

	/* tags that no list knows */
	{ "a new interpreter's tag is known", "m.newpython-1.pyc", "code newpython-1" },
	{ "the tag of a new interpreter is known under -O", "m.newpython-12.opt-1.pyc",
		"code newpython-12" },
	{ "the tag of a new interpreter is known behind a name with dots",
		"foo.bar.newpython-1.pyc", "code newpython-1" },
	{ "the tag of the older GraalPython is known", "m.graalpython-38.pyc",
		"code graalpython-38" },
	{ "a known tag is preferred to something that looks like a tag",
		"m.pypy39.foo-1.pyc", "code pypy39" },
	{ "the last of two unknown tags is the tag", "m.foo-1.bar-2.pyc", "code bar-2" },
	{ "an opt level is not a tag", "m.opt-1.pyc", "code" },
	{ "two letters are not the name of an interpreter", "m.ab-12.pyc", "code" },
	{ "capitals are not the name of an interpreter", "m.NewPython-12.pyc", "code" },
	{ "a new word without a number is not a tag", "m.newpython-.pyc", "code" },
	{ "a word with letters behind it is not a tag", "m.newpython-12x.pyc", "code" },
	{ "a new interpreter's tag needs its dash", "m.newpython12.pyc", "code" },
	{ "the tag of a new interpreter needs a dot", "toolnewpython-12.pyc", "code" },
	{ "cpython- without a number is not a tag", "m.cpython-.pyc", "code" },
	{ "cpython- with a letter for a number is not a tag", "m.cpython-x.pyc", "code" },
	{ "pypy without a number is not a tag", "m.pypy.pyc", "code" },
	{ "a name without a tag is known as a pyc", "m.pyc", "code" },
	{ "a name with dots but no tag is known as a pyc", "a.b.c.pyc", "code" },
	{ "a known tag with too long a number is not a tag",
		"m.cpython-" D10 D10 D10 ".pyc", "code" },
	{ "a word too long for a tag is not a tag",
		"m.abcdefghijklmnopqrstuvwxyzabcdef-12.pyc", "code" },
	{ "the longest tag there is room for is a tag", "m.cpython-" D10 D10 "012.pyc",
		"code cpython-" D10 D10 "012" },
	{ "a tag one letter longer than there is room for is not a tag",
		"m.cpython-" D10 D10 "0123.pyc", "code" },

	/* temporary spellings */
	{ "importlib's temporary file is known", "m.cpython-311.pyc.140234567890",
		"temporary cpython-311" },
	{ "a temporary file with a single digit is known", "m.cpython-311.pyc.1",
		"temporary cpython-311" },
	{ "a temporary file of -O is known", "m.cpython-311.opt-1.pyc.140234567890",
		"temporary cpython-311" },
	{ "pytest's temporary file with the id of its process is known",
		"t.cpython-311-pytest-7.2.1.pyc.4711", "temporary cpython-311" },
	{ "typeguard's temporary file is known", "m.cpython-311.opt-typeguard443.pyc.99",
		"temporary cpython-311" },
	{ "PyPy's temporary file is known", "m.pypy39.pyc.94512345", "temporary pypy39" },
	{ "PyPy's temporary file with a negative id (on i386) is known",
		"m.pypy39.pyc.-185155006", "temporary pypy39" },
	{ "a temporary file without a dot before the tag is known",
		"toolcpython-313.pyc.1", "temporary cpython-313" },
	{ "a temporary file without a tag is known", "m.pyc.1", "temporary" },
	{ "the temporary name of a temporary name is not cached", "m.cpython-311.pyc.1.2",
		"none" },
	{ "a temporary name without digits is not cached", "x.pyc.", "none" },
	{ "a temporary name with trailing letters is not cached", "x.pyc.12a", "none" },
	{ "a temporary name with leading letters is not cached", "x.pyc.a12", "none" },
	{ "a temporary name of two minus signs is not cached", "x.pyc.--12", "none" },
	{ "a temporary name of a minus sign alone is not cached", "x.pyc.-", "none" },
	{ "a temporary name of nothing is not cached", ".pyc.12", "none" },
	{ "a temporary name without its dot is not cached", "x.pyc12", "none" },

	/* numba */
	{ "numba's index is known", "m.f-12.py311.nbi", "numba cpython-311" },
	{ "numba's machine code is known", "m.f-12.py311.1.nbc", "numba cpython-311" },
	{ "numba's machine code with a number of three digits is known",
		"m.f-12.py38.123.nbc", "numba cpython-38" },
	{ "numba's method index is known", "m.C.f-7.py310.nbi", "numba cpython-310" },
	{ "numba's index of an inner function is known", "m.f.locals.g-7.py310.nbi",
		"numba cpython-310" },
	{ "numba's index of a module with the name of its tag is known",
		"m.py36.f-7.py310.nbi", "numba cpython-310" },
	{ "numba's temporary file of an index is known",
		"m.f-12.py311.nbi.tmp.0123456789abcdef", "temporary cpython-311" },
	{ "numba's temporary file of machine code is known",
		"m.f-12.py311.1.nbc.tmp.fedcba9876543210", "temporary cpython-311" },
	{ "numba's temporary file with a single digit is known", "m.f-12.py311.nbi.tmp.0",
		"temporary cpython-311" },
	{ "numba's temporary name without digits is not cached", "m.f-12.py311.nbi.tmp.",
		"none" },
	{ "numba's temporary name with letters that are not hex digits is not cached",
		"m.f-12.py311.nbi.tmp.xyz", "none" },
	{ "numba's name with importlib's temporary suffix is not cached",
		"m.f-12.py311.nbi.123", "none" },
	{ "importlib's name with numba's temporary suffix is not cached",
		"m.cpython-311.pyc.tmp.0123456789abcdef", "none" },
	{ "numba's index without a tag is known", "m.f-12.nbi", "numba" },
	{ "numba's index with a word for a tag has no tag", "m.f-12.pyxy.nbi", "numba" },
	{ "numba's index ignores a long tag", "m.py" D10 D10 D10 ".nbi", "numba" },
	{ "numba's index with a wrong tag has no tag", "m.f-12.py311t.nbi", "numba" },

	/* not for the cache */
	{ "an empty name is not cached", "", "none" },
	{ ".pyc alone is not cached", ".pyc", "none" },
	{ ".nbi alone is not cached", ".nbi", "none" },
	{ ".nbc alone is not cached", ".nbc", "none" },
	{ "a name with a dot behind .pyc is not cached", "m.cpython-311.pyc.", "none" },
	{ "a name that ends in pyc without its dot is not cached", "mpyc", "none" },
	{ "a name that ends in .PYC is not cached", "m.cpython-311.PYC", "none" },
	{ "a source is not cached", "m.py", "none" },
	{ "a name with a letter after .pyc is not cached", "m.cpython-311.pycx", "none" },
	{ "a backup that ends in a tilde is not cached", "m.cpython-311.pyc~", "none" },
	{ "a backup that ends in .bak is not cached", "m.cpython-311.pyc.bak", "none" },
	{ "cffi's source is not cached", "_cffi__x1a2b3c4dx5e6f7081.c", "none" },
	{ "cffi's object is not cached", "_cffi__x1a2b3c4dx5e6f7081.o", "none" },
	{ "cffi's shared object is not cached",
		"_cffi__x1a2b3c4dx5e6f7081.cpython-311-x86_64-linux-gnu.so", "none" },
	{ "mypyc's shared object is not cached",
		"m__mypyc.cpython-311-x86_64-linux-gnu.so", "none" },
	{ "a file of tempfile's own is not cached", "tmpab12cd34", "none" },
	{ "NFS's name for a removed file is not cached", ".nfs000000000123", "none" },
	{ ".gitkeep is not cached", ".gitkeep", "none" },
	{ "a name with a tag but no suffix is not cached", "m.cpython-311", "none" },
	{ "a single dot is not cached", ".", "none" },
};

/* --- pyc_source: importlib.util.cache_from_source, backwards ----------------------- */
static const struct source {
	const char *sentence, *name, *want; /* "" for none */
} sources[] = {
	{ "the source of a module's pyc is named", "m.cpython-311.pyc", "m.py" },
	{ "the source of a pyc of -O is named", "m.cpython-311.opt-1.pyc", "m.py" },
	{ "pytest's pyc names its source", "t.cpython-311-pytest-8.3.0.pyc", "t.py" },
	{ "pytest's bytecode of -O names its source", "t.cpython-311-pytest-8.3.0.pyo",
		"t.py" },
	{ "typeguard's pyc names a source", "m.cpython-311.opt-typeguard420.pyc",
		"m.py" },
	{ "the source of PyPy's pyc is named", "m.pypy39.pyc", "m.py" },
	{ "a pyc of a new interpreter names its source", "m.snake-12.pyc", "m.py" },
	{ "a pyc with dots names its source", "m.1.b.cpython-311.pyc", "m.1.b.py" },
	{ "the source of a pyc whose name looks like a tag is named",
		"cpython-36.cpython-311.pyc", "cpython-36.py" },
	{ "the source of a pyc without a dot before its tag has no suffix",
		"toolcpython-311.pyc", "tool" },
	{ "a pyc without a module's name names no source", ".cpython-36.pyc", "" },
	{ "a pyc of nothing but tag and suffix names no source", "cpython-36.pyc", "" },
	{ "a pyc without a tag names no source", "m.pyc", "" },
	{ "a temporary file names no source", "m.cpython-311.pyc.123", "" },
	{ "numba's index names no source", "m.f-3.py311.nbi", "" },
	{ "a file that is not for the cache names no source", "m.c", "" },
};

/* --- pyc_is_compiler --------------------------------------------------------------- */
static const struct finished {
	const char *sentence, *name;
	size_t len;
	enum pyc_kind kind;
} finished[] = {
	{ "importlib's temporary file becomes bytecode", "m.cpython-311.pyc.1234", 17,
		PYC_CODE },
	{ "a temporary file with a negative id becomes bytecode", "m.pypy39.pyc.-1234",
		12, PYC_CODE },
	{ "a final name stays as it is", "m.cpython-311.pyc", 17, PYC_CODE },
	{ "a name that is not for the cache is not changed", "m.c.12", 6, PYC_NONE },
};

static void knows_what_becomes_of_a_name(void **state)
{
	const struct finished *row = *state;
	size_t len = strlen(row->name);
	struct pyc_name pyc = pyc_parse(row->name, len);

	pyc = pyc_final(&pyc, row->name, &len);
	assert_int_equal(pyc.kind, row->kind);
	assert_int_equal(len, row->len);
}

static const struct compiler {
	const char *sentence, *name;
	bool want;
} compilers[] = {
	{ "py_compile is a compiler", "py_compile.cpython-311.pyc", true },
	{ "compileall is a compiler", "compileall.cpython-311.pyc", true },
	{ "py_compile under -O is a compiler", "py_compile.cpython-311.opt-1.pyc", true },
	{ "PyPy's compileall is a compiler", "compileall.pypy39.pyc", true },
	{ "a module with a longer name than py_compile is not a compiler",
		"py_compile2.cpython-311.pyc", false },
	{ "a module with a shorter name than py_compile is not a compiler",
		"py_compil.cpython-311.pyc", false },
	{ "the module os is not a compiler", "os.cpython-311.pyc", false },
	{ "the temporary file of py_compile is not a compiler",
		"py_compile.cpython-311.pyc.1", false },
	{ "py_compile without a tag is not a compiler", "py_compile.pyc", false },
};
/* clang-format on */

static void finds_the_source(void **state)
{
	const struct source *row = *state;
	size_t want = strlen(row->want);
	struct pyc_name name = pyc_parse(row->name, strlen(row->name));
	char *buf;

	/* Exactly enough room, and one byte less. */
	buf = unit_at_page_end("????????????????????", want + 1);
	assert_int_equal(pyc_source(&name, row->name, buf, want + 1), want);
	if (want)
		assert_string_equal(buf, row->want);
	buf = unit_at_page_end("????????????????????", want ? want : 1);
	assert_int_equal(pyc_source(&name, row->name, buf, want ? want : 1), 0);
}

static void knows_compilers(void **state)
{
	const struct compiler *row = *state;
	struct pyc_name name = pyc_parse(row->name, strlen(row->name));

	assert_int_equal(pyc_is_compiler(&name, row->name), row->want);
}

static void render(char *buf, size_t size, const struct pyc_name *name)
{
	static const char *const kinds[] = { "none", "code", "numba", "temporary" };

	snprintf(buf, size, "%s%s%s", kinds[name->kind], name->tag[0] ? " " : "",
		name->tag);
}

static void reads_as_told(void **state)
{
	const struct row *row = *state;
	size_t len = strlen(row->name);
	struct pyc_name name = pyc_parse(unit_at_page_end(row->name, len), len);
	char got[80];

	render(got, sizeof got, &name);
	assert_string_equal(got, row->want);
}

static void only_the_letters_count_that_belong_to_it(void **state)
{
	struct pyc_name name =
		pyc_parse("m.cpython-311.pyc.123", strlen("m.cpython-311.pyc"));

	(void)state;
	assert_int_equal(name.kind, PYC_CODE);
	name = pyc_parse("m.cpython-311.pyc", strlen("m.cpython-311.py"));
	assert_int_equal(name.kind, PYC_NONE);
	name = pyc_parse("m.cpython-311.pyc/", strlen("m.cpython-3.pyc"));
	assert_int_equal(name.kind, PYC_NONE);
}

static void the_longest_name_of_a_file_is_read(void **state)
{
	static const char end[] = ".cpython-311.pyc";
	char text[255];
	struct pyc_name name;

	(void)state;
	memset(text, 'a', sizeof text);
	memcpy(text + sizeof text - strlen(end), end, strlen(end));
	name = pyc_parse(unit_at_page_end(text, sizeof text), sizeof text);
	assert_int_equal(name.kind, PYC_CODE);
	assert_string_equal(name.tag, "cpython-311");
}

/* --- all names --------------------------------------------------------------------- */
static size_t make_name(uint64_t *seed, char *name)
{
	static const char *const pieces[] = { ".", ".", "m", "cpython-", "311", "pypy",
		"39", "graalpy", "230-310", "-", "opt-", "1", "new", ".pyc", ".pyc",
		".pyc.", ".nbi", ".nbc", ".pyo", ".tmp.", "ab12", "\xff", "py38",
		"-pytest-", D10 D10, "tool" };
	size_t len = 0;

	for (unsigned n = unit_random(seed, 9); n--;) {
		const char *piece = pieces[unit_random(seed, COUNT(pieces))];

		memcpy(name + len, piece, strlen(piece));
		len += strlen(piece);
	}
	name[len] = '\0';
	return len;
}

/* A tag consists of letters of the name, and nothing in it can lead out of the folder
 * that is named after it. */
static void check_tag(const char *text, const char *tag)
{
	static const char made_up[] = "cpython-"; /* numba's own says py311 */

	assert_non_null(memchr(tag, '\0', PYC_TAG_SIZE));
	assert_int_equal(strspn(tag, "abcdefghijklmnopqrstuvwxyz-" D10), strlen(tag));
	if (!strstr(text, tag)) {
		assert_memory_equal(tag, made_up, strlen(made_up));
		assert_non_null(strstr(text, tag + strlen(made_up)));
	}
}

/* The source's name is the part before the tag, with ".py" if there is a dot before the
 * tag. */
static void check_source(const char *text, size_t len, const struct pyc_name *name)
{
	char source[400];
	size_t n = pyc_source(name, text, source, sizeof source);

	assert_true(name->module_len + strlen(name->tag) <= len);
	if (!name->tag[0])
		assert_int_equal(n, 0);
	if (n == 0)
		return;
	assert_memory_equal(
		text + name->module_len + name->dotted, name->tag, strlen(name->tag));
	assert_memory_equal(source, text, name->module_len);
	assert_string_equal(source + name->module_len, name->dotted ? ".py" : "");
	assert_int_equal(n, strlen(source));
}

static void stays_within_any_name(void **state)
{
	uint64_t seed = 2;
	char text[300];

	(void)state;
	for (int i = 0; i < 300000; i++) {
		size_t len = make_name(&seed, text);
		struct pyc_name name = pyc_parse(unit_at_page_end(text, len), len), again;

		check_tag(text, name.tag);
		if (name.kind == PYC_NONE)
			assert_string_equal(name.tag, "");
		if (name.kind != PYC_CODE)
			continue;
		check_source(text, len, &name);
		/* importlib's temporary name for it has the same tag */
		memcpy(text + len, ".123", 4);
		again = pyc_parse(unit_at_page_end(text, len + 4), len + 4);
		assert_int_equal(again.kind, PYC_TEMPORARY);
		assert_string_equal(again.tag, name.tag);
	}
}

static void names_of_sources(void **state)
{
	(void)state;
	assert_true(pyc_may_be_source("m.py"));
	assert_true(pyc_may_be_source("/a.b/m.x.py"));
	assert_true(pyc_may_be_source("/a.b/tool"));
	assert_false(pyc_may_be_source("m.pyc"));
	assert_false(pyc_may_be_source("/a/m.txt"));
	assert_false(pyc_may_be_source("m.py.bak"));
}

int main(void)
{
	unit_rows(reads_as_told, rows);
	unit_rows(finds_the_source, sources);
	unit_rows(knows_what_becomes_of_a_name, finished);
	unit_rows(knows_compilers, compilers);
	unit_one("a name that ends in .py or has no suffix may be a source's",
		names_of_sources);
	unit_one("only the bytes of the name count",
		only_the_letters_count_that_belong_to_it);
	unit_one("the longest name a file can have is read",
		the_longest_name_of_a_file_is_read);
	unit_one(
		"300000 random names, temporary ones as well, give tags that are parts of them",
		stays_within_any_name);
	return unit_run("pyc");
}
