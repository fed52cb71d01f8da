/* SPDX-License-Identifier: MIT */
#include "shim/core/ephemeral.h"

#include <stdint.h>
#include <string.h>

struct span {
	size_t from, to;
};

static size_t name_length(const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);

	return slash ? (size_t)(slash - text) : len;
}

/* Whether the name fits; widens the span to the letters that its star stands for, which
 * lie behind `at` in the path. */
static bool fits_name(const char *pattern, size_t pattern_len, const char *name,
	size_t len, size_t at, struct span *span)
{
	const char *star = memchr(pattern, '*', pattern_len);
	size_t before = star ? (size_t)(star - pattern) : pattern_len;
	size_t behind = star ? pattern_len - before - 1 : 0;

	if (!star)
		return len == pattern_len && memcmp(name, pattern, len) == 0;
	if (len <= before + behind || memcmp(name, pattern, before) != 0 ||
		memcmp(name + len - behind, star + 1, behind) != 0)
		return false;
	if (span->from == span->to)
		span->from = at + before;
	span->to = at + len - behind;
	return true;
}

/* Whether the pattern's names are those at path + at; the span is what changes. */
static bool fits_here(const char *pattern, size_t pattern_len, const char *path,
	size_t path_len, size_t at, struct span *span)
{
	*span = (struct span){ 0, 0 };
	for (;;) {
		size_t want = name_length(pattern, pattern_len);
		size_t len = name_length(path + at, path_len - at);

		if (!fits_name(pattern, want, path + at, len, at, span))
			return false;
		if (want == pattern_len)
			return span->from < span->to &&
			       span->to - span->from <= EPHEMERAL_SPAN;
		pattern += want + 1;
		pattern_len -= want + 1;
		at += len;
		if (at == path_len)
			return false;
		at++;
	}
}

static bool fits(const char *pattern, size_t pattern_len, const char *path,
	size_t path_len, struct span *span)
{
	if (pattern_len && pattern[0] == '/')
		return fits_here(pattern + 1, pattern_len - 1, path, path_len, 1, span);
	for (size_t at = 1; pattern_len && at < path_len;
		at += name_length(path + at, path_len - at) + 1)
		if ((pattern[0] == path[at] || pattern[0] == '*') &&
			fits_here(pattern, pattern_len, path, path_len, at, span))
			return true;
	return false;
}

/* The letters with which a name has to begin to fit, as a set; all where that is not so
 * simple. Most paths have none such, and this is asked for every module. */
struct letters {
	uint64_t bits[4];
};

static struct letters first_letters(const char *patterns)
{
	struct letters first = { { 0 } };
	char before = ':';

	for (const char *p = patterns; *p; before = *p++) {
		unsigned char c = (unsigned char)*p;

		if (before != ':')
			continue;
		if (c == '*' || c == '/')
			return (struct letters){ { ~0ull, ~0ull, ~0ull, ~0ull } };
		first.bits[c / 64] |= 1ull << c % 64;
	}
	return first;
}

static bool may_fit(const char *patterns, const char *path, size_t path_len)
{
	struct letters first = first_letters(patterns);

	for (size_t i = 1; i < path_len; i++) {
		unsigned char c = (unsigned char)path[i];

		if (path[i - 1] == '/' && (first.bits[c / 64] >> c % 64 & 1))
			return true;
	}
	return false;
}

/* Slashes are no letters that change: names keep their number. */
static void hide(char *path, struct span span, struct ephemeral *ret)
{
	ret->at = span.from;
	ret->len = span.to - span.from;
	memcpy(ret->letters, path + span.from, ret->len);
	for (size_t i = span.from; i < span.to; i++)
		if (path[i] != '/')
			path[i] = '*';
}

bool ephemeral_hide(
	const char *patterns, char *path, size_t path_len, struct ephemeral *ret)
{
	struct span span;

	ret->len = 0;
	if (!patterns || !may_fit(patterns, path, path_len))
		return false;
	for (const char *p = patterns; p && path_len > 1;) {
		size_t n = strcspn(p, ":");

		if (fits(p, n, path, path_len, &span)) {
			hide(path, span, ret);
			return true;
		}
		p = p[n] ? p + n + 1 : NULL;
	}
	return false;
}

void ephemeral_swap(struct ephemeral *ephemeral, char *path)
{
	for (size_t i = 0; i < ephemeral->len; i++) {
		char letter = path[ephemeral->at + i];

		path[ephemeral->at + i] = ephemeral->letters[i];
		ephemeral->letters[i] = letter;
	}
}
