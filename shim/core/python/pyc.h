/* SPDX-License-Identifier: MIT
 *
 * The grammar of what programs put into a `__pycache__`.
 *
 * PEP 3147 and PEP 488 name the files `<module>.<tag>[.opt-<level>].pyc`;
 * importlib, py_compile and pytest write them first under a temporary name with
 * `.<digits>` after it and rename that. numba keeps an index and its machine
 * code as `<module>.<function>-<line>.py<XY>.nbi` and `….<n>.nbc`, and writes
 * them as `….tmp.<hex digits>`. All else that lies there (cffi's sources and
 * shared objects, a compiler's objects) is not for the cache.
 *
 * All functions are pure, allocate nothing and may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Room for a tag with its NUL; the longest known is "graalpy250-312". A longer one
 * counts as none. */
#define PYC_TAG_SIZE 32

enum pyc_kind {
	PYC_NONE,      /* not a name for the cache */
	PYC_CODE,      /* bytecode: *.pyc, *.pyo */
	PYC_NUMBA,     /* numba's index or machine code: *.nbi, *.nbc */
	PYC_TEMPORARY, /* either, while it is being written */
};

struct pyc_name {
	enum pyc_kind kind;
	char tag[PYC_TAG_SIZE]; /* "cpython-311"; "" where the name shows none */
	size_t module_len; /* of PYC_CODE: the bytes before the tag, without the dot */
	bool dotted;	   /* and whether there is one: a source without a dot in its own
			      name has none in front of the tag either */
};

/* Reads the len bytes at name, one component of a path. The tag is the one of the
 * interpreter's version: of "cpython-311-pytest-8.3.0" it is "cpython-311", and of
 * numba's "py311", "cpython-311", since numba runs on no other. */
struct pyc_name pyc_parse(const char *name, size_t len);

/* What a file of that name (*len bytes) is for once it is finished: of a temporary
 * name, what it is renamed to, with *len as the length of that; any other name is
 * that itself. */
struct pyc_name pyc_final(const struct pyc_name *pyc, const char *name, size_t *len);

/* Whether a pyc or a file of numba's has a name that tells no source. */
bool pyc_names_no_source(const struct pyc_name *pyc);

/* Writes the name of the source that importlib.util.cache_from_source makes this name of,
 * "m.py" for "m.cpython-311.pyc", with a NUL. 0 where the name does not tell, or has more
 * than size bytes. (A source may have another suffix: then there is no such file.) */
size_t pyc_source(const struct pyc_name *pyc, const char *name, char *buf, size_t size);

/* Whether pyc_source gives such a name: one that ends in ".py", or has no dot. */
bool pyc_may_be_source(const char *path);

/* Whether it is the bytecode of py_compile or compileall. A program that loads these
 * makes bytecode for its own ends (of a certain kind, into certain files), and must not
 * find some already made. */
bool pyc_is_compiler(const struct pyc_name *pyc, const char *name);
