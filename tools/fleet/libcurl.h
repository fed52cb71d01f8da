/* SPDX-License-Identifier: MIT
 *
 * libcurl, loaded when it is first needed (shared_library.h).
 */
#pragma once

/* Its macros that check types call the functions by name. Options that have a successor
 * since 7.85 stay, and mean something to each libcurl that may be loaded. */
#define CURL_DISABLE_TYPECHECK
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>

#include "tools/base/shared_library.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

/* Headers may be older than the library that is loaded; one that is older still refuses
 * what it does not know. */
#if LIBCURL_VERSION_NUM < 0x074b00
#define CURLOPT_AWS_SIGV4 ((CURLoption)10305)
#endif

extern struct shared_library libcurl;

#define LIBCURL(function) SHARED(libcurl, function)
