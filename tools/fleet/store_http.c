/* SPDX-License-Identifier: MIT
 *
 * Stores on HTTP servers.
 */
#include "tools/fleet/store_http.h"

/* The type-checking macros would call the functions by name, so they are disabled.
 * Options that have had a successor since 7.85 are still used: every libcurl that may
 * be loaded knows them. */
#define CURL_DISABLE_TYPECHECK
#define CURL_DISABLE_DEPRECATION
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/clock.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/shared_library.h"
#include "tools/fleet/pack.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

/* The headers may be older than the library that is loaded. A library that is too old
 * refuses the option. */
#if LIBCURL_VERSION_NUM < 0x074b00
#define CURLOPT_AWS_SIGV4 ((CURLoption)10305)
#endif

static struct shared_library libcurl = {
	.soname = "libcurl.so.4",
	.alternative = "libcurl-gnutls.so.4", /* Debian's, with the same functions */
	.who = "stores on servers need it (Debian: libcurl4)",
};
#define LIBCURL(function) SHARED(libcurl, function)

#define REDIRECTS 5L
#define LIST_MAX (64u << 20) /* bytes: some 300,000 packs */
#define SLOW 1024L	     /* bytes a second: a slower server counts as down */

/* One request. perform frees what it owns. */
struct request {
	CURL *handle;
	struct curl_slist *headers;
	char *credentials; /* for S3 */
	FILE *file;	   /* receives the answer; NULL: it is discarded */
	size_t room;	   /* how many more bytes are accepted */
	bool part;	   /* a full room is not an error */
	char *error;	   /* the store's */
};

static CURL *connection; /* kept from one request to the next */

static const char *variable(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

bool store_http_is_url(const char *text)
{
	return (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) &&
	       !strpbrk(text, "?#");
}

/* --- S3 ------------------------------------------------------------------------------*/

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
	const char *endpoint = variable("AWS_ENDPOINT_URL", NULL);
	size_t end = endpoint ? strlen(endpoint) : 0;

	if (!endpoint)
		return alloc_format("https://%.*s.s3.%s.amazonaws.com/", (int)len, bucket,
			variable("AWS_REGION", "us-east-1"));
	while (end > 0 && endpoint[end - 1] == '/')
		end--;
	if (store_http_is_url(endpoint))
		return alloc_format("%.*s/%.*s/", (int)end, endpoint, (int)len, bucket);
	complain("AWS_ENDPOINT_URL", "this is not the URL of a server");
	return NULL;
}

bool store_http_s3(struct store_http *store, const char *bucket)
{
	size_t len = strcspn(bucket, "/"), size;
	const char *key = bucket + len + strspn(bucket + len, "/");
	AUTOFREE char *url = len ? bucket_url(bucket, len) : NULL;
	FILE *out = url ? open_memstream(&store->base, &size) : NULL;

	if (!url)
		return false;
	if (!out)
		alloc_fail();
	store->is_s3 = true;
	store->bucket = strlen(url);
	fputs(url, out);
	add_escaped(out, key, "-._~/");
	if (*key && key[strlen(key) - 1] != '/')
		fputc('/', out);
	if (fclose(out) == EOF)
		alloc_fail();
	return true;
}

/* Returns the URL of a page of a bucket's list. The parameters are in the order in
 * which they are signed. */
static char *s3_list_url(
	const struct store_http *store, const char *folder, const char *previous)
{
	static const char next[] = "<NextContinuationToken>";
	const char *token = previous ? strstr(previous, next) : NULL;
	const char *key = store->base + store->bucket;
	char *url = NULL;
	size_t size;
	FILE *out = open_memstream(&url, &size);

	if (!out)
		alloc_fail();
	fprintf(out, "%.*s?", (int)store->bucket, store->base);
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

static void add_header(struct request *request, const char *text)
{
	request->headers = LIBCURL(curl_slist_append)(request->headers, text);
}

/* Signs only the headers: signing the payload would require reading it twice. */
static void sign_s3(struct request *request)
{
	const char *token = variable("AWS_SESSION_TOKEN", NULL);
	AUTOFREE char *provider =
		alloc_format("aws:amz:%s:s3", variable("AWS_REGION", "us-east-1"));

	if (!getenv("AWS_ACCESS_KEY_ID")) /* a public bucket */
		return;
	/* An older libcurl would send the secret itself. */
	if (LIBCURL(curl_easy_setopt)(request->handle, CURLOPT_AWS_SIGV4, provider) !=
		CURLE_OK) {
		complain("s3", "libcurl is older than 7.75 and cannot sign requests");
		return;
	}
	request->credentials = alloc_format("%s:%s", variable("AWS_ACCESS_KEY_ID", ""),
		variable("AWS_SECRET_ACCESS_KEY", ""));
	LIBCURL(curl_easy_setopt)(request->handle, CURLOPT_USERPWD, request->credentials);
	add_header(request, "x-amz-content-sha256: UNSIGNED-PAYLOAD");
	if (token) {
		AUTOFREE char *header = alloc_format("x-amz-security-token: %s", token);

		add_header(request, header);
	}
}

/* --- requests ------------------------------------------------------------------------*/

/* Uses the same variables as curl(1); libcurl itself only reads those for proxies. */
static void set_certificates(CURL *handle)
{
	const char *file = variable("CURL_CA_BUNDLE", variable("SSL_CERT_FILE", NULL));
	const char *directory = variable("SSL_CERT_DIR", NULL);

	if (file)
		LIBCURL(curl_easy_setopt)(handle, CURLOPT_CAINFO, file);
	if (directory)
		LIBCURL(curl_easy_setopt)(handle, CURLOPT_CAPATH, directory);
}

/* libcurl goes on waiting after a signal, so this callback checks for interrupts. */
static int stops(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)context, (void)a, (void)b, (void)c, (void)d;
	return interrupt_came();
}

/* Restricts protocols and redirects. Returns false if this libcurl cannot be
 * restricted. A server to which we are redirected receives our headers, and those of S3
 * identify us, so S3 requests follow no redirects. */
static bool set_ways(CURL *handle, bool is_s3)
{
	const long http = CURLPROTO_HTTP | CURLPROTO_HTTPS;

	LIBCURL(curl_easy_setopt)(handle, CURLOPT_FOLLOWLOCATION, is_s3 ? 0L : 1L);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_MAXREDIRS, REDIRECTS);
	return LIBCURL(curl_easy_setopt)(handle, CURLOPT_PROTOCOLS, http) == CURLE_OK &&
	       LIBCURL(curl_easy_setopt)(handle, CURLOPT_REDIR_PROTOCOLS, http) ==
		       CURLE_OK;
}

static size_t take(char *data, size_t one, size_t size, void *context)
{
	struct request *request = context;

	(void)one; /* always 1 */
	if (!request->file)
		return size;
	if (size > request->room)
		size = request->room;
	request->room -= size;
	return fwrite(data, 1, size, request->file);
}

bool store_http_is_over(struct store_http *store)
{
	const bool over = store->end <= clock_steady();

	if (over)
		snprintf(store->error, sizeof store->error,
			"it took longer than the setting store_time allows");
	return over;
}

static int begin(struct request *request, struct store_http *store, const char *url)
{
	const int64_t left = store->end - clock_steady();
	CURL *handle;

	*request = (struct request){ .error = store->error };
	*store->error = '\0';
	if (shared_library_load(&libcurl) < 0)
		return -ENOSYS;
	if (store_http_is_over(store))
		return -ETIMEDOUT;
	if (!connection)
		connection = LIBCURL(curl_easy_init)();
	request->handle = handle = connection;
	if (!handle)
		alloc_fail();
	LIBCURL(curl_easy_reset)(handle);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_URL, url);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_ERRORBUFFER, request->error);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_NOSIGNAL, 1L);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_FAILONERROR, 1L);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_NOPROGRESS, 0L);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_XFERINFOFUNCTION, stops);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_WRITEFUNCTION, take);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_WRITEDATA, request);
	if (!set_ways(handle, store->is_s3)) {
		snprintf(store->error, sizeof store->error,
			"libcurl cannot be restricted to HTTP");
		return -EPROTONOSUPPORT;
	}
	set_certificates(handle);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	LIBCURL(curl_easy_setopt)
	(handle, CURLOPT_CONNECTTIMEOUT, (long)store->connect_seconds);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_TIMEOUT_MS, (long)(left / 1000000) + 1);
	if (store->is_s3)
		sign_s3(request);
	return 0;
}

/* Writes the answer to `file`. Stops if the answer has more bytes than `most`, whatever
 * the server announced, or does not arrive. */
static void receive(
	struct request *request, const struct store_http *store, FILE *file, size_t most)
{
	request->file = file;
	request->room = most;
	LIBCURL(curl_easy_setopt)(request->handle, CURLOPT_LOW_SPEED_LIMIT, SLOW);
	LIBCURL(curl_easy_setopt)
	(request->handle, CURLOPT_LOW_SPEED_TIME, (long)store->connect_seconds);
}

static int code_of(long status, CURLcode result)
{
	if (status == 404 || status == 410)
		return -ENOENT;
	if (status == 401 || status == 403)
		return -EACCES;
	if (status == 405 || status == 501)
		return -EOPNOTSUPP;
	if (result == CURLE_ABORTED_BY_CALLBACK)
		return -EINTR;
	return result == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;
}

/* Makes the request, and frees what it owns. Returns 0 or -errno. */
static int perform(struct request *request)
{
	CURLcode result;
	long status = 0;

	if (request->headers)
		LIBCURL(curl_easy_setopt)
	(request->handle, CURLOPT_HTTPHEADER, request->headers);
	result = LIBCURL(curl_easy_perform)(request->handle);
	LIBCURL(curl_slist_free_all)(request->headers);
	free(request->credentials);
	LIBCURL(curl_easy_getinfo)(request->handle, CURLINFO_RESPONSE_CODE, &status);
	if (result == CURLE_WRITE_ERROR && request->part && request->room == 0)
		result = CURLE_OK; /* the server does not support ranges */
	if (result == CURLE_OK && status < 300)
		return 0;
	if (result == CURLE_OK)
		snprintf(request->error, CURL_ERROR_SIZE,
			"the server answers %ld, a redirection, which is not followed",
			status);
	if (!*request->error)
		snprintf(request->error, CURL_ERROR_SIZE, "%s",
			LIBCURL(curl_easy_strerror)(result));
	return code_of(status, result);
}

void store_http_close(void)
{
	if (connection)
		LIBCURL(curl_easy_cleanup)(connection);
	connection = NULL;
}

/* --- listing -------------------------------------------------------------------------*/

/* Asks for a list in one way. */
static int ask_for_list(
	struct store_http *store, const char *url, const char *method, char **text)
{
	struct request request;
	size_t size;
	FILE *out;
	int r = begin(&request, store, url);

	if (r < 0)
		return r;
	free(*text);
	*text = NULL;
	out = open_memstream(text, &size);
	if (!out)
		alloc_fail();
	receive(&request, store, out, LIST_MAX);
	if (method) {
		LIBCURL(curl_easy_setopt)(request.handle, CURLOPT_CUSTOMREQUEST, method);
		add_header(&request, "Depth: 1");
	}
	r = perform(&request);
	if (fclose(out) == EOF)
		alloc_fail();
	return r;
}

static int list_s3(struct store_http *store, const char *folder, char **text)
{
	AUTOFREE char *url = s3_list_url(store, folder, *text);
	int r = ask_for_list(store, url, NULL, text);

	if (r < 0)
		return r;
	return strstr(*text, "<NextContinuationToken>") ? 1 : 0;
}

/* Reads the list from the index file, for servers that do not list. */
static int ask_for_index(struct store_http *store, const char *folder, char **text)
{
	AUTOFREE char *url = alloc_format("%s%s" STORE_HTTP_INDEX, store->base, folder);
	char why[sizeof store->error];
	int r;

	memcpy(why, store->error, sizeof why);
	r = ask_for_list(store, url, NULL, text);
	memcpy(store->error, why, sizeof why);
	return r;
}

int store_http_list(struct store_http *store, const char *folder, char **text)
{
	AUTOFREE char *url = NULL;
	int r;

	if (store->is_s3)
		return list_s3(store, folder, text);
	url = alloc_format("%s%s", store->base, folder);
	r = ask_for_list(store, url, NULL, text);
	/* a server may list no folders, but support WebDAV */
	if (r == -EACCES || r == -EOPNOTSUPP)
		r = ask_for_list(store, url, "PROPFIND", text);
	if (((r == 0 && !strstr(*text, PACK_SUFFIX)) || r == -EACCES ||
		    r == -EOPNOTSUPP || r == -ENOENT) &&
		ask_for_index(store, folder, text) == 0)
		r = 0;
	return r == -ENOENT ? 0 : r;
}

/* --- files ---------------------------------------------------------------------------*/

/* Returns a separate stream for fd, at the beginning of the file. */
static FILE *stream_of(int fd, const char *mode)
{
	int own = dup(fd);
	FILE *file = own < 0 || lseek(own, 0, SEEK_SET) < 0 ? NULL : fdopen(own, mode);

	if (!file && own >= 0)
		close(own);
	return file;
}

static int no_stream(struct store_http *store)
{
	const int error = errno;

	snprintf(store->error, sizeof store->error, "%s", strerror(error));
	return -error;
}

int store_http_get(struct store_http *store, const char *url, int fd, size_t part)
{
	struct request request;
	FILE *out;
	char range[32];
	int r = begin(&request, store, url);

	if (r < 0)
		return r;
	out = stream_of(fd, "w");
	if (!out)
		return no_stream(store);
	receive(&request, store, out, part ? part : PACK_MAX);
	request.part = part > 0;
	snprintf(range, sizeof range, "0-%zu", part - 1);
	if (part)
		LIBCURL(curl_easy_setopt)(request.handle, CURLOPT_RANGE, range);
	r = perform(&request);
	if (fclose(out) == EOF && r == 0) {
		no_stream(store);
		r = -ENOSPC;
	}
	return r;
}

int store_http_put(struct store_http *store, const char *url, int fd)
{
	struct request request;
	struct stat st;
	FILE *in;
	int r = begin(&request, store, url);

	if (r < 0)
		return r;
	in = fstat(fd, &st) < 0 ? NULL : stream_of(fd, "r");
	if (!in)
		return no_stream(store);
	LIBCURL(curl_easy_setopt)(request.handle, CURLOPT_UPLOAD, 1L);
	LIBCURL(curl_easy_setopt)(request.handle, CURLOPT_READDATA, in);
	LIBCURL(curl_easy_setopt)
	(request.handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
	r = perform(&request);
	fclose(in);
	return r;
}
