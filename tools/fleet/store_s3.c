/* SPDX-License-Identifier: MIT
 *
 * Where a bucket is, and how its list is asked for.
 */
#include "tools/fleet/store_s3.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/message.h"
#include "tools/base/variable.h"
#include "tools/fleet/url.h"

/* Appends text in the form that is signed: all characters except alphanumeric ones and
 * those in `plain` are escaped in hex. */
static void add_escaped(FILE *out, const char *text, const char *plain)
{
	for (; *text; text++)
		if (isalnum((unsigned char)*text) || strchr(plain, *text))
			fputc(*text, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*text);
}

/* Returns the URL of a bucket; NULL if the settings are wrong. */
static char *bucket_url(const char *bucket, size_t len)
{
	const char *endpoint = variable_or("AWS_ENDPOINT_URL", NULL);
	size_t end = endpoint ? strlen(endpoint) : 0;

	if (!endpoint)
		return alloc_format("https://%.*s.s3.%s.amazonaws.com/", (int)len, bucket,
			variable_or("AWS_REGION", "us-east-1"));
	while (end > 0 && endpoint[end - 1] == '/')
		end--;
	if (url_is_base(endpoint))
		return alloc_format("%.*s/%.*s/", (int)end, endpoint, (int)len, bucket);
	complain("AWS_ENDPOINT_URL", "this is not the URL of a server");
	return NULL;
}

char *store_s3_base(const char *text, size_t *ret_bucket)
{
	size_t len = strcspn(text, "/"), size;
	const char *key = text + len + strspn(text + len, "/");
	AUTOFREE char *url = len ? bucket_url(text, len) : NULL;
	char *base = NULL;
	FILE *out = url ? open_memstream(&base, &size) : NULL;

	if (!url)
		return NULL;
	if (!out)
		alloc_fail();
	*ret_bucket = strlen(url);
	fputs(url, out);
	add_escaped(out, key, "-._~/");
	if (*key && key[strlen(key) - 1] != '/')
		fputc('/', out);
	if (fclose(out) == EOF)
		alloc_fail();
	return base;
}

/* The parameters are in the order in which they are signed. */
char *store_s3_list_url(
	const char *base, size_t bucket, const char *folder, const char *previous)
{
	static const char next[] = "<NextContinuationToken>";
	const char *token = previous ? strstr(previous, next) : NULL;
	const char *key = base + bucket;
	char *url = NULL;
	size_t size;
	FILE *out = open_memstream(&url, &size);

	if (!out)
		alloc_fail();
	fprintf(out, "%.*s?", (int)bucket, base);
	if (token) {
		AUTOFREE char *text = alloc_part(
			token + strlen(next), strcspn(token + strlen(next), "<"));

		fputs("continuation-token=", out);
		add_escaped(out, text, "-._~");
		fputc('&', out);
	}
	fputs("list-type=2&prefix=", out);
	for (; *key; key++) /* in a query, slashes are escaped too */
		fprintf(out, *key == '/' ? "%%2F" : "%c", *key);
	add_escaped(out, folder, "");
	if (fclose(out) == EOF)
		alloc_fail();
	return url;
}
