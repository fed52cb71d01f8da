/* SPDX-License-Identifier: MIT
 *
 * What redirections make of URLs.
 */
#include "tools/fleet/url.h"

#include <stddef.h>
#include <string.h>

#include "tools/base/alloc.h"

bool url_is_base(const char *text)
{
	return (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) &&
	       !strpbrk(text, "?#");
}

/* Returns the length of the scheme, which is 0 if it is another one. */
static size_t scheme_len(const char *url)
{
	if (strncasecmp(url, "https://", 8) == 0)
		return 8;
	return strncasecmp(url, "http://", 7) == 0 ? 7 : 0;
}

/* Returns where name and port of the server are, after user and password. */
static const char *server_in(const char *url, size_t *ret_len)
{
	const char *start = url + scheme_len(url);
	size_t len = strcspn(start, "/?#");
	const char *at = memrchr(start, '@', len);

	*ret_len = at ? (size_t)(start + len - at - 1) : len;
	return at ? at + 1 : start;
}

/* The result does not depend on how libcurl parses `to`: a request to the same server
 * has that part of its URL from `from`. */
char *url_redirected(const char *from, const char *to, bool *ret_same)
{
	const size_t scheme = scheme_len(to);
	size_t from_len, len;
	const char *from_server = server_in(from, &from_len);
	const char *server = server_in(to, &len);

	if (scheme == 0 || scheme < scheme_len(from))
		return NULL;
	*ret_same = scheme == scheme_len(from) && len == from_len &&
		    strncasecmp(server, from_server, len) == 0;
	return *ret_same ? alloc_format("%.*s%s", (int)(from_server + len - from), from,
				   server + len)
			 : alloc_format("%.*s%s", (int)scheme, to, server);
}
