/* SPDX-License-Identifier: MIT
 *
 * libcurl, loaded when it is first needed (shared_library.h).
 */
#pragma once

/* The type-checking macros would call the functions by name, so they are disabled.
 * Options that have had a successor since 7.85 are still used: every libcurl that may
 * be loaded knows them. */
#define CURL_DISABLE_TYPECHECK
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>

#include "tools/base/shared_library.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

/* The headers may be older than the library that is loaded. A library that is too old
 * refuses the option. */
#if LIBCURL_VERSION_NUM < 0x074b00
#define CURLOPT_AWS_SIGV4 ((CURLoption)10305)
#endif

extern struct shared_library libcurl;

#define LIBCURL(function) SHARED(libcurl, function)
