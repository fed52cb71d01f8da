/* SPDX-License-Identifier: MIT
 *
 * The URLs of stores in S3. Makes no request: see store_http.h. For one thread.
 */
#pragma once

#include <stddef.h>

/* Returns the URL for "BUCKET/PREFIX", which ends with a slash, for the caller to free;
 * NULL if the text is not of that form, or after reporting a wrong AWS_ENDPOINT_URL.
 * *ret_bucket is the length of the bucket's part. */
char *store_s3_base(const char *text, size_t *ret_bucket);

/* Returns the URL of a page of the list of a folder's files, for the caller to free.
 * previous: the page before it, or NULL. */
char *store_s3_list_url(
	const char *base, size_t bucket, const char *folder, const char *previous);
