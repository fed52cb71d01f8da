/* SPDX-License-Identifier: MIT */
#include "shim/core/base/path.h"

static const char *skip_slashes_and_dots(const char *p)
{
	for (;;) {
		if (*p == '/')
			p++;
		else if (*p == '.' && (p[1] == '/' || p[1] == '\0'))
			p++;
		else
			return p;
	}
}

static bool is_dotdot(const char *name, size_t len)
{
	return len == 2 && name[0] == '.' && name[1] == '.';
}

/* Returns the next component `__pycache__` at or after `from`, or NULL. */
static const char *next_pycache(const char *path, const char *from)
{
	const char *at;

	for (at = from; (at = strstr(at, PYCACHE)); at++) {
		char next = at[PYCACHE_LEN];

		if ((at == path || at[-1] == '/') && (next == '/' || next == '\0'))
			return at;
	}
	return NULL;
}

struct path_parts path_split(const char *path)
{
	struct path_parts parts = { .tail = PATH_NO_PYCACHE };
	const char *last = NULL, *previous = NULL;

	for (const char *at = path; (at = next_pycache(path, at)); at++) {
		previous = last;
		last = at;
	}
	if (!last)
		return parts;
	if (previous && skip_slashes_and_dots(previous + PYCACHE_LEN) == last &&
		!*skip_slashes_and_dots(last + PYCACHE_LEN))
		last = previous; /* inside another one, it is a name like any other */

	parts.dir_len = (size_t)(last - path);
	parts.cache_end = parts.dir_len + PYCACHE_LEN;
	parts.name = skip_slashes_and_dots(last + PYCACHE_LEN);
	parts.name_len = strcspn(parts.name, "/");
	parts.after = parts.name + parts.name_len;

	if (parts.name_len == 0)
		parts.tail = PATH_PYCACHE;
	else if (is_dotdot(parts.name, parts.name_len))
		parts.tail = PATH_UP;
	else if (*skip_slashes_and_dots(parts.after) == '\0')
		parts.tail = PATH_NAME;
	else
		parts.tail = PATH_DEEP;
	return parts;
}

bool path_next_up(const char *path, size_t from, size_t *ret_end, size_t *ret_rest)
{
	for (const char *at = path + from; (at = next_pycache(path, at)); at++) {
		const char *name = skip_slashes_and_dots(at + PYCACHE_LEN);

		if (is_dotdot(name, strcspn(name, "/"))) {
			*ret_end = (size_t)(at - path) + PYCACHE_LEN;
			*ret_rest = (size_t)(name - path) + strlen("..");
			return true;
		}
	}
	return false;
}

bool path_is_below(const char *path, size_t len, const char *prefix, size_t prefix_len)
{
	while (prefix_len && prefix[prefix_len - 1] == '/')
		prefix_len--;
	return len >= prefix_len && memcmp(path, prefix, prefix_len) == 0 &&
	       (len == prefix_len || path[prefix_len] == '/');
}

bool path_is_clean(const char *path, size_t len)
{
	if (len == 0 || path[0] != '/')
		return false;
	for (size_t i = 0; i < len;) {
		size_t start = ++i; /* after the slash */

		while (i < len && path[i] != '/')
			i++;
		if (i == start || (i == start + 1 && path[start] == '.') ||
			is_dotdot(path + start, i - start))
			return false;
	}
	return true;
}
