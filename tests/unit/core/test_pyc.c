/* SPDX-License-Identifier: MIT
 *
 * Which names in a `__pycache__` are for the cache, and under which interpreter's tag.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/python/pyc.h"

#define D10 "0123456789"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *name, *want; /* the kind, and the tag where there is one */
} rows[] = {
	/* what the import system writes */
	{ "a module", "m.cpython-311.pyc", "code cpython-311" },
	{ "a package", "__init__.cpython-38.pyc", "code cpython-38" },
	{ "a program's __main__", "__main__.cpython-313.pyc", "code cpython-313" },
	{ "a module under -O", "m.cpython-311.opt-1.pyc", "code cpython-311" },
	{ "a module under -OO", "m.cpython-311.opt-2.pyc", "code cpython-311" },
	{ "a module of PyPy", "m.pypy39.pyc", "code pypy39" },
	{ "a module of PyPy under -O", "m.pypy310.opt-1.pyc", "code pypy310" },
	{ "a module of PyPy without a version's second digit", "m.pypy3.pyc",
		"code pypy3" },
	{ "a module of GraalPy", "m.graalpy230-310.pyc", "code graalpy230-310" },
	{ "a module of GraalPy 25", "m.graalpy250-312.pyc", "code graalpy250-312" },
	{ "a module of GraalPy under -O", "m.graalpy230-310.opt-2.pyc",
		"code graalpy230-310" },
	{ "a module of Pyston", "m.pyston-23.pyc", "code pyston-23" },
	{ "a module of RustPython", "m.rustpython-312.pyc", "code rustpython-312" },
	{ "a module of IronPython", "m.ironpython-34.pyc", "code ironpython-34" },
	{ "a module of Jython", "m.jython-27.pyc", "code jython-27" },
	{ "a version of three digits to come", "m.cpython-3100.pyc",
		"code cpython-3100" },
	{ "one letter's module", "x.cpython-36.pyc", "code cpython-36" },
	{ "no module at all before the tag", ".cpython-36.pyc", "code cpython-36" },
	{ "a module in another script", "\xd0\xbc\xd0\xbe\xd0\xb4.cpython-36.pyc",
		"code cpython-36" },
	{ "a module that is not UTF-8", "\xff\xfe.cpython-36.pyc", "code cpython-36" },
	{ "a module with a blank and a newline", "a b\n.cpython-36.pyc",
		"code cpython-36" },

	/* what import hooks write */
	{ "pytest", "test_a.cpython-311-pytest-7.2.1.pyc", "code cpython-311" },
	{ "pytest under -O", "test_a.cpython-311-pytest-8.3.0.pyo", "code cpython-311" },
	{ "pytest under -O, while it writes", "test_a.cpython-311-pytest-8.3.0.pyo.77",
		"temporary cpython-311" },
	{ "pytest before its version was in the name", "test_a.cpython-37-PYTEST.pyc",
		"code cpython-37" },
	{ "pytest's release candidate", "test_a.cpython-313-pytest-8.0.0rc1.pyc",
		"code cpython-313" },
	{ "pytest from a checkout", "test_a.cpython-312-pytest-7.2.1.dev3+g1234.pyc",
		"code cpython-312" },
	{ "pytest from a checkout that was changed",
		"t.cpython-312-pytest-8.4.0.dev3+g12ab.d20240101.pyc",
		"code cpython-312" },
	{ "pytest on PyPy", "test_a.pypy39-pytest-8.3.0.pyc", "code pypy39" },
	{ "pytest on GraalPy", "test_a.graalpy230-310-pytest-8.3.0.pyc",
		"code graalpy230-310" },
	{ "pytest on an interpreter no list knows, whose tag shows no end",
		"t.newpython-1-pytest-8.3.0.pyc", "code" },
	{ "pytest's plugin hooks", "conftest.cpython-311-pytest-6.2.5.pyc",
		"code cpython-311" },
	{ "typeguard", "m.cpython-311.opt-typeguard443.pyc", "code cpython-311" },
	{ "jaxtyping", "m.cpython-311.opt-jaxtyping6123.pyc", "code cpython-311" },
	{ "jaxtyping on PyPy", "m.pypy310.opt-jaxtyping6123.pyc", "code pypy310" },
	{ "beartype", "m.cpython-312.opt-beartype0v18v5.pyc", "code cpython-312" },
	{ "an optimization level of its own", "m.cpython-312.opt-debug.pyc",
		"code cpython-312" },

	/* module names that are hard to tell from a tag */
	{ "a source without a dot has none before its tag", "toolcpython-313.pyc",
		"code cpython-313" },
	{ "the same under -O", "toolcpython-313.opt-1.pyc", "code cpython-313" },
	{ "the same of PyPy", "toolpypy39.pyc", "code pypy39" },
	{ "a tag alone", "cpython-313.pyc", "code cpython-313" },
	{ "a module with dots in its name", "foo.bar.cpython-311.pyc",
		"code cpython-311" },
	{ "a module with a word and a number in its name", "foo.bar-7.cpython-311.pyc",
		"code cpython-311" },
	{ "a module called as a tag", "cpython-36.cpython-311.pyc", "code cpython-311" },
	{ "a module called as another's tag", "pypy39.cpython-311.pyc",
		"code cpython-311" },
	{ "a module called as a tag, for PyPy", "cpython-311.pypy39.pyc", "code pypy39" },
	{ "a module that ends as a tag", "usecpython-36.cpython-311.pyc",
		"code cpython-311" },
	{ "a module called opt-1", "opt-1.cpython-311.pyc", "code cpython-311" },
	{ "a module called as a level behind a tag",
		"m.cpython-36.opt-1.cpython-311.opt-2.pyc", "code cpython-311" },
	{ "a module called pyc", "pyc.cpython-311.pyc", "code cpython-311" },
	{ "a module with the suffix in its name", "m.pyc.cpython-311.pyc",
		"code cpython-311" },

	/* tags that no list knows */
	{ "an unknown interpreter", "m.newpython-1.pyc", "code newpython-1" },
	{ "an unknown interpreter under -O", "m.newpython-12.opt-1.pyc",
		"code newpython-12" },
	{ "an unknown interpreter, a module with dots", "foo.bar.newpython-1.pyc",
		"code newpython-1" },
	{ "an older GraalPython", "m.graalpython-38.pyc", "code graalpython-38" },
	{ "a known tag is preferred to what looks like one", "m.pypy39.foo-1.pyc",
		"code pypy39" },
	{ "the last of two unknown ones", "m.foo-1.bar-2.pyc", "code bar-2" },
	{ "an optimization level is not a tag", "m.opt-1.pyc", "code" },
	{ "two letters are not an interpreter's name", "m.ab-12.pyc", "code" },
	{ "capitals are no interpreter", "m.NewPython-12.pyc", "code" },
	{ "no number behind the word", "m.newpython-.pyc", "code" },
	{ "characters after the number", "m.newpython-12x.pyc", "code" },
	{ "no dash before the number", "m.newpython12.pyc", "code" },
	{ "an unknown tag needs its dot", "toolnewpython-12.pyc", "code" },
	{ "a known word without a number", "m.cpython-.pyc", "code" },
	{ "a known word with a letter for a number", "m.cpython-x.pyc", "code" },
	{ "PyPy without a number", "m.pypy.pyc", "code" },
	{ "a name without a tag", "m.pyc", "code" },
	{ "a name with dots and no tag", "a.b.c.pyc", "code" },
	{ "a number that is too long for a tag", "m.cpython-" D10 D10 D10 ".pyc",
		"code" },
	{ "a word that is too long for a tag",
		"m.abcdefghijklmnopqrstuvwxyzabcdef-12.pyc", "code" },
	{ "the longest tag there is room for", "m.cpython-" D10 D10 "012.pyc",
		"code cpython-" D10 D10 "012" },
	{ "one letter more than there is room for", "m.cpython-" D10 D10 "0123.pyc",
		"code" },

	/* temporary spellings */
	{ "importlib's temporary", "m.cpython-311.pyc.140234567890",
		"temporary cpython-311" },
	{ "a temporary of one digit", "m.cpython-311.pyc.1", "temporary cpython-311" },
	{ "a temporary under -O", "m.cpython-311.opt-1.pyc.140234567890",
		"temporary cpython-311" },
	{ "pytest's temporary, of its process", "t.cpython-311-pytest-7.2.1.pyc.4711",
		"temporary cpython-311" },
	{ "typeguard's temporary", "m.cpython-311.opt-typeguard443.pyc.99",
		"temporary cpython-311" },
	{ "PyPy's temporary", "m.pypy39.pyc.94512345", "temporary pypy39" },
	{ "a temporary without a dot before the tag", "toolcpython-313.pyc.1",
		"temporary cpython-313" },
	{ "a temporary without a tag", "m.pyc.1", "temporary" },
	{ "a temporary name of a temporary name is not one", "m.cpython-311.pyc.1.2",
		"none" },
	{ "no digits", "x.pyc.", "none" },
	{ "characters after the digits", "x.pyc.12a", "none" },
	{ "characters before the digits", "x.pyc.a12", "none" },
	{ "a sign before the digits", "x.pyc.-12", "none" },
	{ "a temporary of nothing", ".pyc.12", "none" },
	{ "no dot before the digits", "x.pyc12", "none" },

	/* numba */
	{ "numba's index", "m.f-12.py311.nbi", "numba cpython-311" },
	{ "numba's machine code", "m.f-12.py311.1.nbc", "numba cpython-311" },
	{ "numba's machine code of many signatures", "m.f-12.py38.123.nbc",
		"numba cpython-38" },
	{ "numba's index of a method", "m.C.f-7.py310.nbi", "numba cpython-310" },
	{ "numba's index of an inner function", "m.f.locals.g-7.py310.nbi",
		"numba cpython-310" },
	{ "numba's index of a module called as its tag", "m.py36.f-7.py310.nbi",
		"numba cpython-310" },
	{ "numba's index being written", "m.f-12.py311.nbi.tmp.0123456789abcdef",
		"temporary cpython-311" },
	{ "numba's machine code being written", "m.f-12.py311.1.nbc.tmp.fedcba9876543210",
		"temporary cpython-311" },
	{ "numba's index being written, one digit", "m.f-12.py311.nbi.tmp.0",
		"temporary cpython-311" },
	{ "numba's temporary without digits", "m.f-12.py311.nbi.tmp.", "none" },
	{ "numba's temporary name with other characters", "m.f-12.py311.nbi.tmp.xyz",
		"none" },
	{ "numba's temporary with importlib's digits", "m.f-12.py311.nbi.123", "none" },
	{ "importlib's with numba's temporary", "m.cpython-311.pyc.tmp.0123456789abcdef",
		"none" },
	{ "numba's index without a tag", "m.f-12.nbi", "numba" },
	{ "numba's index with a word for a tag", "m.f-12.pyxy.nbi", "numba" },
	{ "numba's index with a tag that is too long", "m.py" D10 D10 D10 ".nbi",
		"numba" },
	{ "numba's index with characters after the tag", "m.f-12.py311t.nbi", "numba" },

	/* not for the cache */
	{ "nothing", "", "none" },
	{ "the suffix alone", ".pyc", "none" },
	{ "numba's suffix alone", ".nbi", "none" },
	{ "numba's other suffix alone", ".nbc", "none" },
	{ "a dot behind the suffix", "m.cpython-311.pyc.", "none" },
	{ "the suffix without its dot", "mpyc", "none" },
	{ "the suffix in capitals", "m.cpython-311.PYC", "none" },
	{ "a source", "m.py", "none" },
	{ "a suffix that goes on", "m.cpython-311.pycx", "none" },
	{ "a backup", "m.cpython-311.pyc~", "none" },
	{ "another backup", "m.cpython-311.pyc.bak", "none" },
	{ "cffi's source", "_cffi__x1a2b3c4dx5e6f7081.c", "none" },
	{ "cffi's object", "_cffi__x1a2b3c4dx5e6f7081.o", "none" },
	{ "cffi's shared object",
		"_cffi__x1a2b3c4dx5e6f7081.cpython-311-x86_64-linux-gnu.so", "none" },
	{ "mypyc's shared object", "m__mypyc.cpython-311-x86_64-linux-gnu.so", "none" },
	{ "tempfile's probe", "tmpab12cd34", "none" },
	{ "NFS's name for a file that is open", ".nfs000000000123", "none" },
	{ "git's keeper", ".gitkeep", "none" },
	{ "a tag without a suffix", "m.cpython-311", "none" },
	{ "a single dot", ".", "none" },
};

/* --- pyc_source: importlib.util.cache_from_source, backwards ----------------------- */
static const struct source {
	const char *sentence, *name, *want; /* "" for none */
} sources[] = {
	{ "source: of a module", "m.cpython-311.pyc", "m.py" },
	{ "source: of a module under -O", "m.cpython-311.opt-1.pyc", "m.py" },
	{ "source: of a module of pytest", "t.cpython-311-pytest-8.3.0.pyc", "t.py" },
	{ "source: of a module of pytest under -O", "t.cpython-311-pytest-8.3.0.pyo",
		"t.py" },
	{ "source: of a module of typeguard", "m.cpython-311.opt-typeguard420.pyc",
		"m.py" },
	{ "source: of PyPy's", "m.pypy39.pyc", "m.py" },
	{ "source: of a tag that no list knows", "m.snake-12.pyc", "m.py" },
	{ "source: a name with dots", "m.1.b.cpython-311.pyc", "m.1.b.py" },
	{ "source: a name that looks like a tag", "cpython-36.cpython-311.pyc",
		"cpython-36.py" },
	{ "source: a program without a dot in its name has none here either",
		"toolcpython-311.pyc", "tool" },
	{ "source: a module without a name", ".cpython-36.pyc", "" },
	{ "source: a tag alone", "cpython-36.pyc", "" },
	{ "source: a name without a tag", "m.pyc", "" },
	{ "source: a temporary's is not asked for", "m.cpython-311.pyc.123", "" },
	{ "source: the name of numba's index names no source", "m.f-3.py311.nbi", "" },
	{ "source: what is not for the cache", "m.c", "" },
};

/* --- pyc_is_compiler --------------------------------------------------------------- */
static const struct finished {
	const char *sentence, *name;
	size_t len;
	enum pyc_kind kind;
} finished[] = {
	{ "importlib's temporary file becomes bytecode", "m.cpython-311.pyc.1234", 17,
		PYC_CODE },
	{ "a file of a finished name stays what it is", "m.cpython-311.pyc", 17,
		PYC_CODE },
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
	{ "compiler: py_compile", "py_compile.cpython-311.pyc", true },
	{ "compiler: compileall", "compileall.cpython-311.pyc", true },
	{ "compiler: under -O", "py_compile.cpython-311.opt-1.pyc", true },
	{ "compiler: PyPy's", "compileall.pypy39.pyc", true },
	{ "compiler: a longer name", "py_compile2.cpython-311.pyc", false },
	{ "compiler: a shorter name", "py_compil.cpython-311.pyc", false },
	{ "compiler: another module", "os.cpython-311.pyc", false },
	{ "compiler: while it is written", "py_compile.cpython-311.pyc.1", false },
	{ "compiler: without a tag", "py_compile.pyc", false },
};
/* clang-format on */

static void finds_the_source(void **state)
{
	const struct source *row = *state;
	size_t want = strlen(row->want);
	struct pyc_name name = pyc_parse(row->name, strlen(row->name));
	char *buf;

	/* Just enough room, and one letter less. */
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

/* A tag is made of letters of the name, and nothing in it could lead out of the folder
 * that is called by it. */
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

/* The source's name is the letters before the tag, with ".py" where a dot follows. */
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
		/* importlib's temporary spelling of it has the same tag */
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
	unit_one("what may be a source", names_of_sources);
	unit_one("only the bytes of the name count",
		only_the_letters_count_that_belong_to_it);
	unit_one("the longest name a file can have is read",
		the_longest_name_of_a_file_is_read);
	unit_one(
		"300000 random names give tags that are parts of them, a temporary name has the tag of its file, and no byte after the name is read",
		stays_within_any_name);
	return unit_run("pyc");
}
