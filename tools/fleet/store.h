/* SPDX-License-Identifier: MIT
 *
 * Where packs are kept: a directory or a server that can hold files. In it,
 *
 *	packs/<digest>.tar.zst           a pack, which never changes
 *	packs/<digest>.tar.zst.minisig   its signature
 *
 * Nothing is locked, and nothing is read to be written again, so writers lose nothing.
 *
 *	file:/srv/packs, /srv/packs      a directory
 *	http://…, https://…              PUT and GET; the names are found in whatever the
 *	                                 server answers to GET or PROPFIND of packs/
 *	s3://BUCKET/PREFIX               S3; AWS_ENDPOINT_URL, AWS_REGION,
 *	                                 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 *	                                 AWS_SESSION_TOKEN
 *
 * A server that cannot list what it has gets packs/index, a list that each push adds to.
 *
 * Who we are comes from ~/.netrc or the URL; neither is printed. Proxies and certificates
 * come from the environment, as curl(1) has them. Functions return 0 or -errno after
 * reporting what is wrong; -ENOENT is not reported. For one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/fleet/store_http.h"

struct store {
	struct store_http http; /* where it is; of a directory name and base alone */
	bool is_directory;
};

/* Where user and password are in a URL, *ret_len bytes, 0 where there are none. */
size_t store_user(const char *url, size_t *ret_len);

/* The same URL without them, for the caller to free. */
char *store_without_user(const char *url);

/* Nothing is asked for yet; within the time of the settings all has to be done. -EINVAL:
 * the URL is none of the above. */
int store_open(struct store *store, const char *url);
void store_close(struct store *store);

/* The digests of all packs there, sorted; owned by the caller. */
struct store_names {
	char **names;
	size_t count;
};
int store_list(struct store *store, struct store_names *ret_names);
void store_names_release(struct store_names *names);

/* Writes a file of the store into fd, an empty file: all of it, or with `part` its first
 * bytes at least, if there are as many. */
int store_get(struct store *store, const char *name, int fd, size_t part);

/* Puts the bytes of fd there under a name; what has it already stays. */
int store_put(struct store *store, const char *name, int fd);
int store_put_text(struct store *store, const char *name, const char *text);

/* Sees to it that readers find a pack that was put there, by its digest. */
int store_announce(struct store *store, const char *digest);
