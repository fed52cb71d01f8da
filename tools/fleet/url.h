/* SPDX-License-Identifier: MIT
 *
 * URLs of HTTP servers, as texts. Makes no request. Thread-safe.
 */
#pragma once

#include <stdbool.h>

/* Returns whether it is a URL to which names can be appended. */
bool url_is_base(const char *text);

/* Returns the URL to go to when the request for `from` is redirected to `to`, for the
 * caller to free; NULL if that is another scheme, or leads from https to http. If
 * *ret_same is true, it is the same server, by scheme, name and port, and gets user and
 * password of `from`; otherwise the URL has none. */
char *url_redirected(const char *from, const char *to, bool *ret_same);
