/* SPDX-License-Identifier: MIT
 *
 * Stores on HTTP servers.
 */
#include "tools/fleet/store_http.h"

/* The type-checking macros would call the functions by name, so they are disabled. */
#define CURL_DISABLE_TYPECHECK
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
#include "tools/base/variable.h"
#include "tools/fleet/pack.h"
#include "tools/fleet/store_s3.h"
#include "tools/fleet/url.h"

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

#define REDIRECTS 5
#define LIST_MAX (64u << 20) /* bytes: some 300,000 packs */
#define SLOW 1024L	     /* bytes a second: a slower server counts as down */

/* One request. perform frees what it owns. */
struct request {
	CURL *handle;
	struct store_http *store;
	const char *url;
	bool follows; /* redirections, with REDIRECTS as the limit */
	struct curl_slist *headers;
	char *credentials; /* for S3 */
	FILE *file;	   /* receives the answer; NULL: it is discarded */
	size_t room;	   /* how many more bytes are accepted */
	bool part;	   /* a full room is not an error */
};

static CURL *connection; /* kept from one request to the next */

/* --- requests ------------------------------------------------------------------------*/

static void add_header(struct request *request, const char *text)
{
	request->headers = LIBCURL(curl_slist_append)(request->headers, text);
}

/* Signs only the headers: signing the payload would require reading it twice. */
static void sign_s3(struct request *request)
{
	const char *token = variable_or("AWS_SESSION_TOKEN", NULL);
	AUTOFREE char *provider =
		alloc_format("aws:amz:%s:s3", variable_or("AWS_REGION", "us-east-1"));

	if (!getenv("AWS_ACCESS_KEY_ID")) /* a public bucket */
		return;
	/* An older libcurl would send the secret itself. */
	if (LIBCURL(curl_easy_setopt)(request->handle, CURLOPT_AWS_SIGV4, provider) !=
		CURLE_OK) {
		complain("s3", "libcurl is older than 7.75 and cannot sign requests");
		return;
	}
	request->credentials = alloc_format("%s:%s", variable_or("AWS_ACCESS_KEY_ID", ""),
		variable_or("AWS_SECRET_ACCESS_KEY", ""));
	LIBCURL(curl_easy_setopt)(request->handle, CURLOPT_USERPWD, request->credentials);
	add_header(request, "x-amz-content-sha256: UNSIGNED-PAYLOAD");
	if (token) {
		AUTOFREE char *header = alloc_format("x-amz-security-token: %s", token);

		add_header(request, header);
	}
}

/* Uses the same variables as curl(1); libcurl itself only reads those for proxies. */
static void set_certificates(CURL *handle)
{
	const char *file =
		variable_or("CURL_CA_BUNDLE", variable_or("SSL_CERT_FILE", NULL));
	const char *directory = variable_or("SSL_CERT_DIR", NULL);

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

static size_t take(char *data, size_t one, size_t size, void *context)
{
	struct request *request = context;
	long status = 0;

	(void)one; /* always 1 */
	LIBCURL(curl_easy_getinfo)(request->handle, CURLINFO_RESPONSE_CODE, &status);
	if (!request->file || status >= 300) /* the text of a redirection */
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
	CURL *handle;

	*request = (struct request){
		.store = store,
		.url = url,
		.follows = !store->is_s3, /* others would get the headers that sign */
	};
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
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_ERRORBUFFER, store->error);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_NOSIGNAL, 1L);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_FAILONERROR, 1L);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_NOPROGRESS, 0L);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_XFERINFOFUNCTION, stops);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_WRITEFUNCTION, take);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_WRITEDATA, request);
	set_certificates(handle);
	LIBCURL(curl_easy_setopt)(handle, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	LIBCURL(curl_easy_setopt)
	(handle, CURLOPT_CONNECTTIMEOUT, (long)store->connect_seconds);
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
	if (status == 416) /* a part was asked for, and the file is empty */
		return -ENODATA;
	if (result == CURLE_ABORTED_BY_CALLBACK)
		return -EINTR;
	return result == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;
}

/* Returns the URL to which the request for a URL is redirected, which the caller frees;
 * NULL if it is not followed. Another server gets no user and password, not even its own
 * from ~/.netrc, nor does any after it: whoever serves the store would decide what is
 * asked for in our name. */
static char *redirection(const struct request *request, const char *from)
{
	char *to = NULL, *ret;
	bool same = false;

	LIBCURL(curl_easy_getinfo)(request->handle, CURLINFO_REDIRECT_URL, &to);
	ret = request->follows && to ? url_redirected(from, to, &same) : NULL;
	if (!same)
		LIBCURL(curl_easy_setopt)
	(request->handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	return ret;
}

/* Makes the request, and those to which it is redirected. libcurl would not keep user and
 * password from all of them, so it follows none itself. */
static CURLcode perform_all(struct request *request)
{
	struct store_http *store = request->store;
	AUTOFREE char *url = alloc_copy(request->url);
	CURLcode result;

	for (int left = REDIRECTS; !store_http_is_over(store); left--) {
		const int64_t time = (store->end - clock_steady()) / 1000000;
		char *to;

		LIBCURL(curl_easy_setopt)(request->handle, CURLOPT_URL, url);
		LIBCURL(curl_easy_setopt)
		(request->handle, CURLOPT_TIMEOUT_MS, time > 0 ? (long)time : 1L);
		result = LIBCURL(curl_easy_perform)(request->handle);
		to = result == CURLE_OK ? redirection(request, url) : NULL;
		if (!to)
			return result;
		free(url);
		url = to;
		if (left == 0) {
			snprintf(store->error, sizeof store->error,
				"the server redirects more than %d times", REDIRECTS);
			return CURLE_TOO_MANY_REDIRECTS;
		}
	}
	return CURLE_OPERATION_TIMEDOUT;
}

/* Makes the request, and frees what it owns. Returns 0 or -errno. */
static int perform(struct request *request)
{
	char *error = request->store->error;
	CURLcode result;
	long status = 0;

	if (request->headers)
		LIBCURL(curl_easy_setopt)
	(request->handle, CURLOPT_HTTPHEADER, request->headers);
	result = perform_all(request);
	LIBCURL(curl_slist_free_all)(request->headers);
	free(request->credentials);
	LIBCURL(curl_easy_getinfo)(request->handle, CURLINFO_RESPONSE_CODE, &status);
	if (result == CURLE_WRITE_ERROR && request->part && request->room == 0)
		result = CURLE_OK; /* the server does not support ranges */
	if (result == CURLE_OK && status < 300)
		return 0;
	if (result == CURLE_OK)
		snprintf(error, CURL_ERROR_SIZE,
			"the server answers %ld, a redirection, which is not followed",
			status);
	if (!*error)
		snprintf(error, CURL_ERROR_SIZE, "%s",
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
	AUTOFREE char *url = store_s3_list_url(store->base, store->bucket, folder, *text);
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
	request.follows = false; /* a server would decide where we write */
	LIBCURL(curl_easy_setopt)(request.handle, CURLOPT_UPLOAD, 1L);
	LIBCURL(curl_easy_setopt)(request.handle, CURLOPT_READDATA, in);
	LIBCURL(curl_easy_setopt)
	(request.handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
	r = perform(&request);
	fclose(in);
	return r;
}
