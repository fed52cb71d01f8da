/* SPDX-License-Identifier: MIT
 *
 * Files, directories and patterns as people name them, compared with canonical paths.
 */
#include "tools/select/target.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/core/cache/config.h"
#include "tools/base/files.h"

/* --- reading -------------------------------------------------------------------------*/

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Returns where the component before path[end] begins, including its slash. */
static size_t component_before(const char *path, size_t end)
{
	while (end > 0 && path[end - 1] == '/')
		end--;
	while (end > 0 && path[end - 1] != '/')
		end--;
	while (end > 0 && path[end - 1] == '/')
		end--;
	return end;
}

/* Returns the canonical path of the directory in the first `end` bytes of path, or of
 * its longest part that exists. *ret_end is the length of that part. */
static char *resolve(const char *path, size_t end, size_t *ret_end)
{
	for (;; end = component_before(path, end)) {
		AUTOFREE char *directory = alloc_part(path, end);
		char *canonical;

		*ret_end = end;
		canonical = realpath(end ? directory : "/", NULL);
		if (canonical || end == 0)
			return canonical;
	}
}

/* Appends the components of rest, each after a single slash. */
static void append(char *path, const char *rest)
{
	size_t len = strlen(path);

	for (;;) {
		size_t n;

		rest += strspn(rest, "/");
		if (!*rest)
			break;
		n = strcspn(rest, "/");
		if (n > 1 || *rest != '.') {
			path[len++] = '/';
			memcpy(path + len, rest, n);
			len += n;
		}
		rest += n;
	}
	path[len] = '\0';
}

/* Returns the length of the directory part of an absolute word: all of it if the word
 * is a directory; else without its last component, which may be a link to a source
 * elsewhere. */
static size_t directory_of(const char *word)
{
	return is_directory(word) ? strlen(word) : component_before(word, strlen(word));
}

/* Returns the length of the part before the first component with a pattern, or of the
 * whole word if there is no pattern. */
static size_t before_pattern(const char *word)
{
	size_t special = strcspn(word, "*?[");

	if (!word[special] || exists(word))
		return strlen(word);
	while (special > 0 && word[special - 1] != '/')
		special--;
	return special;
}

/* Resolves the first `end` bytes of an absolute word as far as they exist, and appends
 * the rest, which is the pattern. */
static struct target make_canonical(const char *word, size_t directory, size_t end)
{
	AUTOFREE char *literal = alloc_part(word, end);
	size_t resolved;
	AUTOFREE char *canonical = resolve(literal, directory, &resolved);
	struct target target = { .path = alloc_array(
					 strlen(canonical) + strlen(word) + 2, 1) };

	append(target.path, canonical); /* appends nothing for "/" */
	append(target.path, literal + resolved);
	target.literal = strlen(target.path);
	append(target.path, word + end);
	return target;
}

int target_canonical(const char *word, char **ret_path)
{
	AUTOFREE char *absolute = NULL;
	int r = file_absolute(word, &absolute);

	if (r == 0)
		*ret_path =
			make_canonical(absolute, directory_of(absolute), strlen(absolute))
				.path;
	return r;
}

int targets_add(struct targets *targets, const char *word)
{
	const struct ephemeral_patterns patterns =
		config_ephemeral(getenv(config_names[CONFIG_EPHEMERAL]));
	AUTOFREE char *absolute = NULL;
	struct ephemeral hidden;
	struct target target;
	size_t end;
	int r = file_absolute(word, &absolute);

	if (r < 0)
		return r;
	end = before_pattern(absolute);
	target = make_canonical(
		absolute, absolute[end] ? end : directory_of(absolute), end);
	/* Hides the changing part, as the cache does for ephemeral trees. */
	(void)ephemeral_hide(&patterns, target.path, target.literal, &hidden);
	GROW(targets->list, targets->count);
	targets->list[targets->count++] = target;
	return 0;
}

/* --- matching ------------------------------------------------------------------------*/

/* Returns the length of the component after the slash with which path begins. */
static size_t component(const char *path, const char *end)
{
	const char *slash = memchr(path + 1, '/', (size_t)(end - path) - 1);

	return (size_t)((slash ? slash : end) - path) - 1;
}

static bool fits(const char *pattern, size_t pattern_len, const char *name, size_t len)
{
	char pattern_text[PATH_MAX], text[NAME_MAX + 1];

	if (pattern_len >= sizeof pattern_text || len >= sizeof text)
		return false;
	memcpy(pattern_text, pattern, pattern_len);
	pattern_text[pattern_len] = '\0';
	memcpy(text, name, len);
	text[len] = '\0';
	return fnmatch(pattern_text, text, 0) == 0;
}

/* Pattern and path are either empty or begin with a slash. */
static enum cover match(
	const char *pattern, const char *pattern_end, const char *path, const char *end)
{
	while (pattern < pattern_end && path < end) {
		size_t n = component(pattern, pattern_end), len = component(path, end);

		if (n == 2 && memcmp(pattern, "/**", 3) == 0) {
			enum cover none = match(pattern + 3, pattern_end, path, end);
			enum cover one = match(pattern, pattern_end, path + 1 + len, end);

			return one > none ? one : none;
		}
		if (!fits(pattern + 1, n, path + 1, len))
			return COVER_NONE;
		pattern += 1 + n;
		path += 1 + len;
	}
	return pattern == pattern_end ? COVER_ALL : COVER_SOME;
}

static enum cover target_covers(const struct target *target, const char *path, size_t len)
{
	size_t literal = target->literal, shorter = len < literal ? len : literal;
	const char *pattern = target->path + literal;

	/* The shorter of the two must end where a component of the other ends. */
	if (memcmp(target->path, path, shorter) != 0)
		return COVER_NONE;
	if (len < literal)
		return target->path[len] == '/' ? COVER_SOME : COVER_NONE;
	if (len > literal && path[literal] != '/')
		return COVER_NONE;
	return match(pattern, pattern + strlen(pattern), path + literal, path + len);
}

enum cover targets_cover(const struct targets *targets, const char *path, size_t len)
{
	enum cover best = targets->count == 0 ? COVER_ALL : COVER_NONE;

	if (len == 1)
		len = 0; /* "/" */
	for (size_t i = 0; i < targets->count && best < COVER_ALL; i++) {
		enum cover cover = target_covers(&targets->list[i], path, len);

		if (cover > best)
			best = cover;
	}
	return best;
}
