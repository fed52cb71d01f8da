/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/ephemeral.h"

#include <string.h>

#include "shim/core/base/text.h"

struct span {
	size_t from, to;
};

static size_t name_length(const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);

	return slash ? (size_t)(slash - text) : len;
}

/* Returns whether the name matches, and widens the span to the bytes that its star stands
 * for, which lie after `at` in the path. */
static bool fits_name(const char *pattern, size_t pattern_len, const char *name,
	size_t len, size_t at, struct span *span)
{
	const char *star = memchr(pattern, '*', pattern_len);
	size_t before = star ? (size_t)(star - pattern) : pattern_len;
	size_t rest = star ? pattern_len - before - 1 : 0;

	if (!star)
		return len == pattern_len && memcmp(name, pattern, len) == 0;
	if (len <= before + rest || memcmp(name, pattern, before) != 0 ||
		memcmp(name + len - rest, star + 1, rest) != 0)
		return false;
	if (span->from == span->to)
		span->from = at + before;
	span->to = at + len - rest;
	return true;
}

/* Returns whether the pattern's names are those at path + at; the span covers the
 * changing bytes. */
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

static unsigned hash_pair(char first, char second)
{
	return ((unsigned char)first << 5 ^ (unsigned char)second) % 1024;
}

static void add_pair(struct ephemeral_patterns *patterns, char first, char second)
{
	unsigned hash = hash_pair(first, second);

	patterns->pairs[hash / 64] |= 1ull << hash % 64;
}

static void add_pairs_of(struct ephemeral_patterns *patterns, const char *pattern)
{
	/* A name of one byte matches too, followed by a slash or the end. */
	bool any_second = pattern[1] == '*' || pattern[1] == '/' || pattern[1] == ':' ||
			  pattern[1] == '\0';

	if (pattern[0] == '*' || pattern[0] == '/')
		memset(patterns->pairs, 0xff, sizeof patterns->pairs);
	else if (!any_second)
		add_pair(patterns, pattern[0], pattern[1]);
	else
		for (unsigned second = 0; second < 256; second++)
			add_pair(patterns, pattern[0], (char)second);
}

struct ephemeral_patterns ephemeral_read(const char *text)
{
	struct ephemeral_patterns ret = { .text = text };

	for (const char *p = text; p && *p;) {
		size_t n = text_until(p, ':');

		if (n)
			add_pairs_of(&ret, p);
		p += n + (p[n] == ':');
	}
	return ret;
}

static bool may_fit(
	const struct ephemeral_patterns *patterns, const char *path, size_t path_len)
{
	for (size_t i = 1; i < path_len; i++) {
		unsigned hash;

		if (path[i - 1] != '/')
			continue;
		hash = hash_pair(path[i], i + 1 < path_len ? path[i + 1] : '\0');
		if (patterns->pairs[hash / 64] >> hash % 64 & 1)
			return true;
	}
	return false;
}

/* Slashes are kept, so that a path keeps the number of its components. */
static void hide(char *path, struct span span, struct ephemeral *ret)
{
	ret->at = span.from;
	ret->len = span.to - span.from;
	memcpy(ret->bytes, path + span.from, ret->len);
	for (size_t i = span.from; i < span.to; i++)
		if (path[i] != '/')
			path[i] = '*';
}

bool ephemeral_hide(const struct ephemeral_patterns *patterns, char *path,
	size_t path_len, struct ephemeral *ret)
{
	struct span span;

	ret->len = 0;
	if (!may_fit(patterns, path, path_len))
		return false;
	for (const char *p = patterns->text; p;) {
		size_t n = text_until(p, ':');

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
		char byte = path[ephemeral->at + i];

		path[ephemeral->at + i] = ephemeral->bytes[i];
		ephemeral->bytes[i] = byte;
	}
}
