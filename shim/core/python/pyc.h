/* SPDX-License-Identifier: MIT
 *
 * The grammar of the names that programs create in a `__pycache__`.
 *
 * PEP 3147 and PEP 488 name the files `<module>.<tag>[.opt-<level>].pyc`; importlib,
 * py_compile and pytest first write them under a temporary name with `.<id>` appended, a
 * decimal number, then rename them. numba keeps an index and its machine code as
 * `<module>.<function>-<line>.py<XY>.nbi` and `….<n>.nbc`, and writes them as `….tmp.<hex
 * digits>`. No other file there (cffi's sources and shared objects, a compiler's objects)
 * belongs in the cache.
 *
 * All functions are pure, allocate nothing and may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Room for a tag with its NUL; the longest known tag is "graalpy250-312". A longer tag is
 * treated as none. */
#define PYC_TAG_SIZE 32

enum pyc_kind {
	PYC_NONE,      /* not a name for the cache */
	PYC_CODE,      /* bytecode: *.pyc, *.pyo */
	PYC_NUMBA,     /* numba's index or machine code: *.nbi, *.nbc */
	PYC_TEMPORARY, /* either, while it is being written */
};

struct pyc_name {
	enum pyc_kind kind;
	char tag[PYC_TAG_SIZE]; /* "cpython-311"; "" if the name has none */
	size_t module_len; /* of PYC_CODE: the bytes before the tag, without the dot */
	bool dotted; /* whether there is such a dot: a source without a dot in its own
			name has none in front of the tag either */
};

/* What the temporary files of `pycstash warm` end in, before more digits: they never get
 * out of the cache. No interpreter uses a number that begins with 0. */
#define PYC_CACHE_ONLY ".0"

/* Parses the len bytes at name, one component of a path. The tag is that of the
 * interpreter's version: "cpython-311" for "cpython-311-pytest-8.3.0", and also for
 * numba's "py311", since numba runs on no other interpreter. */
struct pyc_name pyc_parse(const char *name, size_t len);

/* Returns what a file of that name (*len bytes) is once it is finished: for a temporary
 * name, the name it is renamed to, whose length is then in *len; any other name is
 * returned as it is. */
struct pyc_name pyc_final(const struct pyc_name *pyc, const char *name, size_t *len);

/* Returns whether the name, of a pyc or a file of numba's, names no source. */
bool pyc_names_no_source(const struct pyc_name *pyc);

/* Writes the name of the source for which importlib.util.cache_from_source returns this
 * name, "m.py" for "m.cpython-311.pyc", with a NUL. Returns 0 if the name does not tell,
 * or the result needs more than size bytes. (If the source has a different suffix, there
 * is no file of the name written.) */
size_t pyc_source(const struct pyc_name *pyc, const char *name, char *buf, size_t size);

/* Returns whether path may be a name that pyc_source writes: one that ends in ".py", or
 * has no dot. */
bool pyc_may_be_source(const char *path);

/* Returns whether it is the bytecode of py_compile or compileall. A program that loads
 * these creates bytecode for purposes of its own (of a certain kind, in certain files),
 * and must not find that already created. */
bool pyc_is_compiler(const struct pyc_name *pyc, const char *name);
