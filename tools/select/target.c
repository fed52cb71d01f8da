/* SPDX-License-Identifier: MIT
 *
 * Files, directories and patterns as people name them, compared with canonical paths.
 */
#include "tools/select/target.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/core/cache/dirs.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/cache/sys_libc.h"

/* --- reading -------------------------------------------------------------------------*/

/* follow: others' links too, as in what the user names. Otherwise such a link may lead to
 * a directory, and resolve fails. */
static bool is_directory(const char *path, bool follow)
{
	struct stat st;
	int r = follow ? stat(path, &st) : follow_stat(AT_FDCWD, path, &st);

	return r == FOLLOW_FOREIGN || (r == 0 && S_ISDIR(st.st_mode));
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

int target_directory(const char *path, char **ret_path)
{
	char canonical[PATH_MAX];
	ssize_t len =
		dirs_resolve(&sys_libc, AT_FDCWD, path, canonical, sizeof canonical);

	if (len == -ENOSYS) { /* without /proc */
		*ret_path = realpath(path, NULL);
		return *ret_path ? 0 : -errno;
	}
	if (len >= 0)
		*ret_path = len ? alloc_part(canonical, (size_t)len) : alloc_copy("/");
	return len < 0 ? (int)len : 0;
}

/* Returns the canonical path of the directory in the first `end` bytes of path, or of
 * its longest part that exists; NULL if another's link leads there. *ret_end is the
 * length of that part. */
static char *resolve(const char *path, size_t end, bool follow, size_t *ret_end)
{
	for (;; end = component_before(path, end)) {
		AUTOFREE char *directory = end ? alloc_part(path, end) : alloc_copy("/");
		char *canonical = NULL;
		int r = 0;

		*ret_end = end;
		if (follow)
			canonical = realpath(directory, NULL);
		else
			r = target_directory(directory, &canonical);
		if (canonical || end == 0 || r == FOLLOW_FOREIGN)
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
static size_t directory_of(const char *word, bool follow)
{
	return is_directory(word, follow) ? strlen(word)
					  : component_before(word, strlen(word));
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

/* Resolves the first `directory` bytes of an absolute word as far as they exist, and
 * appends the rest; what follows the first `end` bytes is the pattern. Returns 0, or
 * FOLLOW_FOREIGN if another's link is not followed. */
static int make_canonical(
	const char *word, size_t directory, size_t end, bool follow, struct target *ret)
{
	AUTOFREE char *literal = alloc_part(word, end);
	size_t resolved;
	AUTOFREE char *canonical = resolve(literal, directory, follow, &resolved);

	if (!canonical)
		return FOLLOW_FOREIGN;
	ret->path = alloc_array(strlen(canonical) + strlen(word) + 2, 1);
	append(ret->path, canonical); /* appends nothing for "/" */
	append(ret->path, literal + resolved);
	ret->literal = strlen(ret->path);
	append(ret->path, word + end);
	return 0;
}

int target_canonical(const char *word, char **ret_path)
{
	AUTOFREE char *absolute = NULL;
	struct target target = { .path = NULL };
	int r = file_absolute(word, &absolute);

	if (r == 0)
		r = make_canonical(absolute, directory_of(absolute, false),
			strlen(absolute), false, &target);
	if (r == 0)
		*ret_path = target.path;
	return r;
}

int targets_add(struct targets *targets, const char *word)
{
	AUTOFREE char *absolute = NULL;
	struct target target = { .path = NULL };
	size_t end;
	int r = file_absolute(word, &absolute);

	if (r < 0)
		return r;
	end = before_pattern(absolute);
	(void)make_canonical(absolute, absolute[end] ? end : directory_of(absolute, true),
		end, true, &target);
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

/* Returns whether the cache may keep what is called `name` under `stored`: there, stars
 * hide what changes in the name of an ephemeral tree (ephemeral.h). Which bytes they hide
 * depends on the whole path, of which `name` may be a part. */
static bool stands_for(const char *stored, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (stored[i] != name[i] && (stored[i] != '*' || name[i] == '/'))
			return false;
	return true;
}

static enum cover target_covers(const struct target *target, const char *path, size_t len)
{
	size_t literal = target->literal, shorter = len < literal ? len : literal;
	const char *pattern = target->path + literal;

	/* The shorter of the two must end where a component of the other ends. */
	if (!stands_for(path, target->path, shorter))
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
