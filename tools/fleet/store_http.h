/* SPDX-License-Identifier: MIT
 *
 * Stores that are reached by HTTP: any server with PUT and GET, WebDAV, S3. Through
 * libcurl. Functions return 0 or -errno and leave in `error` what is wrong; only that
 * there is no libcurl (-ENOSYS) is reported. For one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_http {
	char *name; /* the URL without user and password, for messages; owned */
	char *base; /* what names are appended to, with a slash; owned */
	unsigned connect_seconds; /* how long a connection may take */
	int64_t end;		  /* when all has to be done, by clock_steady */
	size_t bucket;		  /* of S3: how much of the base is the bucket's */
	bool is_s3;
	char error[256]; /* as much as libcurl writes */
};

/* The file in a folder that lists it, for readers to whom the server does not. */
#define STORE_HTTP_INDEX "index"

/* Whether it is a URL below which there can be others. */
bool store_http_is_url(const char *text);

/* Makes it that of "BUCKET/PREFIX"; false where that is none. */
bool store_http_s3(struct store_http *store, const char *bucket);

/* Asks for the list of what is below the folder, page by page: 1 where there is another
 * page, for which it is called again. *text, NULL at first, is freed by the caller. No
 * folder is an empty one. -EACCES, -EOPNOTSUPP: the server does not list it. */
int store_http_list(struct store_http *store, const char *folder, char **text);

int store_http_get(struct store_http *store, const char *url, int fd, size_t part);
int store_http_put(struct store_http *store, const char *url, int fd);

/* Closes the connection that is kept from one request to the next. */
void store_http_close(void);
