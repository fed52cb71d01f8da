/* SPDX-License-Identifier: MIT
 *
 * Where packs are kept: a directory, or a server that can hold files. It contains
 *
 *	packs/<digest>.tar.zst           a pack, which never changes
 *	packs/<digest>.tar.zst.minisig   its signature, which gives way to a better one
 *
 * Nothing is locked, and nothing is read, changed and written back, so writers lose
 * nothing.
 *
 *	file:/srv/packs, /srv/packs      a directory
 *	http://…, https://…              PUT and GET; the names are found in whatever the
 *	                                 server answers to GET or PROPFIND of packs/
 *	s3://BUCKET/PREFIX               S3; AWS_ENDPOINT_URL, AWS_REGION,
 *	                                 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 *	                                 AWS_SESSION_TOKEN
 *
 * A server that cannot list its files gets packs/index, a list to which each push adds.
 *
 * Credentials come from ~/.netrc or the URL, are never printed, and are for the server
 * in the URL alone: when it redirects to another one, that gets none. Proxies and
 * certificates come from the environment, as for curl(1). Functions return 0, or -errno
 * after reporting what is wrong; -ENOENT is not reported. If the store is to blame, that
 * is STORE_FAILED, which no other function returns: what a job does without the store, it
 * may not do if its own disk is full. For one thread.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/base/names.h"
#include "tools/fleet/store_http.h"

/* The store could not be reached, did not answer in time, or did not take what it was
 * given. */
#define STORE_FAILED (-EHOSTDOWN)

struct store {
	struct store_http http; /* the location; a directory only has name and base */
	bool is_directory;
};

/* Returns where user and password are in a URL. *ret_len: their length, 0 if there are
 * none. */
size_t store_user(const char *url, size_t *ret_len);

/* Returns the URL without user and password, for the caller to free. */
char *store_without_user(const char *url);

/* Opens a store, without asking it for anything yet. All of the work has to be done
 * within the time in the settings. Returns -EINVAL if the URL is none of the above. */
int store_open(struct store *store, const char *url);
void store_close(struct store *store);

/* Lists the digests of all packs in the store, sorted. */
int store_list(struct store *store, struct names *ret_names);

/* Writes a file of the store into fd, which is empty: the whole file, or with `part` at
 * least that many of its first bytes, if it has them. An error that concerns only this
 * file is returned as it is, after it was reported. */
int store_get(struct store *store, const char *name, int fd, size_t part);

/* Reads a text, or its first size - 1 bytes. "": there is none, or nothing that can be
 * read by those who push. */
int store_peek(struct store *store, const char *name, char *ret_text, size_t size);

/* Stores the bytes of fd under a name. A file that already has these bytes stays as it
 * is. */
int store_put(struct store *store, const char *name, int fd);
int store_put_text(struct store *store, const char *name, const char *text);

/* Makes sure that readers find a stored pack, given by its digest. */
int store_announce(struct store *store, const char *digest);
