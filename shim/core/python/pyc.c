/* SPDX-License-Identifier: MIT */
#include "shim/core/python/pyc.h"

#include <string.h>

#include "shim/core/base/text.h"

/* The cache tags (PEP 421, sys.implementation.cache_tag) of the known interpreters, up to
 * their version. They are looked for by name first, since a module may be called
 * "foo.bar-7", and pytest's own version, with its dots, follows the tag. */
#define INTERPRETER(name)             \
	{                             \
		name, sizeof name - 1 \
	}
static const struct {
	const char *name;
	size_t len;
} interpreters[] = {
	INTERPRETER("cpython-"),
	INTERPRETER("pypy"),
	INTERPRETER("graalpy"),
	INTERPRETER("pyston-"),
	INTERPRETER("rustpython-"),
	INTERPRETER("ironpython-"),
	INTERPRETER("jython-"),
};

/* Without <ctype.h>: a name means the same whatever the program's locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static size_t count_digits(const char *s, const char *end)
{
	const char *p = s;

	while (p < end && is_digit(*p))
		p++;
	return (size_t)(p - s);
}

static bool ends_in(const char *name, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && memcmp(name + len - n, suffix, n) == 0;
}

/* Returns whether a tag may begin with c: this is tested for each byte of a name. */
static bool is_initial(char c)
{
	switch (c) {
	case 'c':
	case 'g':
	case 'i':
	case 'j':
	case 'p':
	case 'r':
		return true;
	default:
		return false;
	}
}

/* Returns the length of "<interpreter><digits>[-<digits>]" at s, a whole tag. */
static size_t known_tag(const char *s, const char *end)
{
	for (size_t i = 0; i < sizeof interpreters / sizeof *interpreters; i++) {
		size_t n = interpreters[i].len, digits;

		if ((size_t)(end - s) <= n || s[0] != interpreters[i].name[0] ||
			memcmp(s, interpreters[i].name, n) != 0)
			continue;
		digits = count_digits(s + n, end);
		if (digits == 0)
			continue;
		n += digits;
		if (s + n < end && s[n] == '-' && (digits = count_digits(s + n + 1, end)))
			n += 1 + digits; /* graalpy230-310 */
		return n;
	}
	return 0;
}

/* Returns the length of "<word>-<digits>" at s, if nothing but a '.' follows: the form of
 * a tag that no list knows yet. */
static size_t likely_tag(const char *s, const char *end)
{
	const char *p = s;
	size_t digits;

	while (p < end && *p >= 'a' && *p <= 'z')
		p++;
	if (p - s < 3 || p == end || *p != '-' || (p - s == 3 && !memcmp(s, "opt", 3)))
		return 0;
	digits = count_digits(p + 1, end);
	p += 1 + digits;
	return digits && (p == end || *p == '.') ? (size_t)(p - s) : 0;
}

static void set_tag(struct pyc_name *ret, const char *name, const char *tag, size_t len)
{
	if (len >= sizeof ret->tag)
		return;
	memcpy(ret->tag, tag, len);
	ret->tag[len] = '\0';
	ret->dotted = tag > name && tag[-1] == '.';
	ret->module_len = (size_t)(tag - name) - ret->dotted;
}

/* Finds the tag in "<module>.<tag>[.opt-<level>]". The last known interpreter counts:
 * "cpython-36.cpython-311" is a module called "cpython-36". A source without a dot in its
 * name has none before its tag either: /bin/tool gives "toolcpython-311". */
static void find_tag(const char *name, const char *end, struct pyc_name *ret)
{
	const char *p;
	size_t len;

	for (p = end; p-- > name;)
		if (is_initial(*p) && (len = known_tag(p, end))) {
			set_tag(ret, name, p, len);
			return;
		}
	for (p = end; p-- > name;)
		if (p > name && p[-1] == '.' && (len = likely_tag(p, end))) {
			set_tag(ret, name, p, len);
			return;
		}
}

/* Removes numba's ".tmp.<hex digits>" from the end; returns the remaining length. */
static size_t without_numba_temporary(const char *name, size_t len)
{
	size_t n = len;

	while (n && is_hex_digit(name[n - 1]))
		n--;
	return n < len && ends_in(name, n, ".tmp.") ? n - strlen(".tmp.") : len;
}

/* Removes importlib's ".<id>" from the end. PyPy's ids on 32-bit machines are signed. */
static size_t without_pyc_temporary(const char *name, size_t len)
{
	size_t n = len;

	while (n && is_digit(name[n - 1]))
		n--;
	if (n == len)
		return len;
	n -= ends_in(name, n, "-");
	return ends_in(name, n, ".pyc.") || ends_in(name, n, ".pyo.") ? n - 1 : len;
}

/* Finds the tag in numba's "….py311.nbi" and "….py311.2.nbc". */
static void find_numba_tag(const char *name, const char *end, struct pyc_name *ret)
{
	static const char implementation[] = "cpython-";
	const size_t n = sizeof implementation - 1;

	for (const char *p = end; p-- > name;) {
		size_t digits;

		if (end - p < 4 || memcmp(p, ".py", 3) != 0)
			continue;
		digits = count_digits(p + 3, end);
		if (digits && digits < sizeof ret->tag - n && p[3 + digits] == '.') {
			memcpy(ret->tag, implementation, n);
			memcpy(ret->tag + n, p + 3, digits);
			ret->tag[n + digits] = '\0';
			return;
		}
	}
}

struct pyc_name pyc_parse(const char *name, size_t len)
{
	struct pyc_name ret = { .kind = PYC_NONE };
	size_t n = without_pyc_temporary(name, len);

	/* ".pyo": pytest under -O still uses that suffix. */
	if (ends_in(name, n, ".pyc") || ends_in(name, n, ".pyo")) {
		ret.kind = n < len ? PYC_TEMPORARY : PYC_CODE;
		find_tag(name, name + n - strlen(".pyc"), &ret);
		return ret;
	}
	n = without_numba_temporary(name, len);
	if (ends_in(name, n, ".nbi") || ends_in(name, n, ".nbc")) {
		ret.kind = n < len ? PYC_TEMPORARY : PYC_NUMBA;
		find_numba_tag(name, name + n - strlen(".nbi") + 1, &ret);
	}
	return ret;
}

struct pyc_name pyc_final(const struct pyc_name *pyc, const char *name, size_t *len)
{
	size_t n = *len;

	if (pyc->kind != PYC_TEMPORARY)
		return *pyc;
	*len = without_pyc_temporary(name, n);
	if (*len == n)
		*len = without_numba_temporary(name, n);
	return pyc_parse(name, *len);
}

bool pyc_names_no_source(const struct pyc_name *pyc)
{
	return pyc->kind == PYC_NUMBA || (pyc->kind == PYC_CODE && pyc->module_len == 0);
}

size_t pyc_source(const struct pyc_name *pyc, const char *name, char *buf, size_t size)
{
	struct text text = { .data = buf, .size = size };

	if (pyc->kind != PYC_CODE || pyc->module_len == 0)
		return 0;
	text_add(&text, name, pyc->module_len);
	if (pyc->dotted)
		text_adds(&text, ".py");
	return text.cut ? 0 : text.len;
}

bool pyc_may_be_source(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');

	return !dot || strcmp(dot, ".py") == 0;
}

bool pyc_is_compiler(const struct pyc_name *pyc, const char *name)
{
	static const char *const compilers[] = { "py_compile", "compileall" };

	for (size_t i = 0; i < sizeof compilers / sizeof *compilers; i++)
		if (pyc->kind == PYC_CODE && pyc->module_len == strlen(compilers[i]) &&
			strncmp(name, compilers[i], pyc->module_len) == 0)
			return true;
	return false;
}
