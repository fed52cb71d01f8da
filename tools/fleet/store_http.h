/* SPDX-License-Identifier: MIT
 *
 * Stores that are reached through HTTP: any server with PUT and GET, WebDAV, S3. Uses
 * libcurl. Functions return 0 or -errno and describe the error in `error`; only a
 * missing libcurl (-ENOSYS) is reported at once. For one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_http {
	char *name; /* the URL without user and password, for messages; owned */
	char *base; /* names are appended to this; ends with a slash; owned */
	unsigned connect_seconds; /* how long connecting may take */
	int64_t end;   /* when all work has to be done, in the time of clock_steady */
	size_t bucket; /* S3 only: the length of the bucket's part of base */
	bool is_s3;
	char error[256]; /* as much as libcurl writes */
};

/* The file in a folder that lists its files, for servers that do not list them. */
#define STORE_HTTP_INDEX "index"

/* Returns whether the time for all of the work is over; if so, sets the store's error. */
bool store_http_is_over(struct store_http *store);

/* Asks for the list of a folder's files, page by page. Returns 1 if there is another
 * page, for which it has to be called again. *text is NULL at first; the caller frees
 * it. A missing folder counts as empty. Returns -EACCES or -EOPNOTSUPP if the server
 * does not list it. */
int store_http_list(struct store_http *store, const char *folder, char **text);

/* Downloads url to fd; if part is not 0, only its first `part` bytes. -ENOENT if it does
 * not exist. */
int store_http_get(struct store_http *store, const char *url, int fd, size_t part);

/* Uploads the file fd to url, and follows no redirection. */
int store_http_put(struct store_http *store, const char *url, int fd);

/* Closes the connection that is kept from one request to the next. */
void store_http_close(void);
