/* SPDX-License-Identifier: MIT
 *
 * What all stores share, and stores in directories.
 */
#include "tools/fleet/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/clock.h"
#include "tools/base/compat.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/whole_file.h"
#include "tools/conf/conf.h"
#include "tools/fleet/pack.h"
#include "tools/fleet/store_s3.h"
#include "tools/fleet/url.h"

#define PACKS "packs/"
#define ANNOUNCE_TRIES 5
#define NAMES_MAX 300000 /* the pages of a bucket's list may have no end */

/* --- URLs ----------------------------------------------------------------------------*/

size_t store_user(const char *url, size_t *ret_len)
{
	const char *host = strstr(url, "://"), *at;
	size_t len;

	*ret_len = 0;
	if (!host && (url[0] == '/' || strncmp(url, "file:", 5) == 0))
		return 0;
	/* a mistyped URL is printed with what is wrong with it */
	host = host ? host + 3 : url;
	len = strcspn(host, "/");
	at = memrchr(host, '@', len);
	/* with a slash in its password this is not a valid URL, but the password is
	 * still secret */
	if (!at && memchr(host, ':', len))
		at = strrchr(host, '@');
	*ret_len = at ? (size_t)(at - host) : 0;
	return (size_t)(host - url);
}

char *store_without_user(const char *url)
{
	size_t len, at = store_user(url, &len);

	return len ? alloc_format("%.*s%s", (int)at, url, url + at + len + 1)
		   : alloc_copy(url);
}

static char *with_slash(const char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	return alloc_format("%.*s/", (int)len, url);
}

static unsigned seconds(const char *setting)
{
	uint64_t number = conf_number(setting);

	/* 0 means no limit in settings, but these must be limited */
	return number == 0 || number > 24 * 3600 ? 24 * 3600 : (unsigned)number;
}

int store_open(struct store *store, const char *url)
{
	*store = (struct store){
		.http.name = store_without_user(url),
		.http.connect_seconds = seconds("store_connect"),
		.http.end = clock_steady() + seconds("store_time") * CLOCK_SECOND,
	};
	if (strncmp(url, "file:", 5) == 0)
		url += strncmp(url, "file://", 7) == 0 ? 7 : 5;
	store->is_directory = url[0] == '/';
	if (strncmp(url, "s3://", 5) == 0)
		store->http.base = store_s3_base(url + 5, &store->http.bucket);
	store->http.is_s3 = store->http.base;
	if (store->is_directory || url_is_base(url))
		store->http.base = with_slash(url);
	if (store->http.base)
		return 0;
	complain(store->http.name,
		"this is not the URL of a store, such as file:/DIR, https://HOST/PATH or s3://BUCKET/PREFIX");
	return -EINVAL;
}

void store_close(struct store *store)
{
	free(store->http.name);
	free(store->http.base);
	store_http_close();
	*store = (struct store){ 0 };
}

/* Reports an error of the store. Returns errors as they are for which it is not to blame,
 * or which have been reported already (no libcurl). */
static int fail(const struct store *store, int error)
{
	if (error == 0 || error == -ENOENT || error == -ENOSYS || error == -EINTR)
		return error;
	complain(store->http.name, "%s",
		store->is_directory && error != -ETIMEDOUT ? strerror(-error)
							   : store->http.error);
	return STORE_FAILED;
}

/* --- names ---------------------------------------------------------------------------*/

/* Finds every name of a pack in a text, whatever surrounds it: a page of a web server,
 * XML of WebDAV or S3, or a plain list. */
static void scan_names(struct names *names, const char *text)
{
	const char *at = text;

	while ((at = strstr(at, PACK_SUFFIX))) {
		const char *hex = at - (PACK_NAME_SIZE - 1);

		if (hex >= text &&
			strspn(hex, "0123456789abcdef") == PACK_NAME_SIZE - 1 &&
			strncmp(at + strlen(PACK_SUFFIX), ".", 1) != 0)
			names_add(names, alloc_part(hex, PACK_NAME_SIZE - 1));
		at += strlen(PACK_SUFFIX);
	}
}

/* --- directories ---------------------------------------------------------------------*/

static int list_directory(const struct store *store, struct names *names)
{
	AUTOFREE char *path = alloc_format("%s" PACKS, store->http.base);
	char **files = file_names(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (!files)
		return access(store->http.base, F_OK) == 0 && errno == ENOENT ? 0
									      : -errno;
	for (; *files; files++)
		scan_names(names, *files);
	return 0;
}

static int get_file(const char *path, int to, size_t part)
{
	AUTOCLOSE int from = file_open(path);
	struct stat st;
	int r;

	if (from < 0)
		return from;
	if (fstat(from, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size > PACK_MAX)
		return -EFBIG;
	/* no pack grows, but whoever owns the file may let it */
	r = file_copy(from, to, part ? part : (size_t)st.st_size + 1);
	if (r == 0 && !part && lseek(to, 0, SEEK_END) > st.st_size)
		return -EFBIG;
	return r;
}

/* Returns whether a file has these bytes. Another user may own it: one who pushed the
 * same pack, or who wants this to read without an end. */
static bool has_bytes(const char *path, int fd)
{
	char there_name[PACK_NAME_SIZE], name[PACK_NAME_SIZE];
	AUTOCLOSE int there = file_open(path);
	struct stat a, b;

	return there >= 0 && fstat(there, &a) == 0 && fstat(fd, &b) == 0 &&
	       a.st_size == b.st_size && pack_name(there, there_name) == 0 &&
	       pack_name(fd, name) == 0 && strcmp(there_name, name) == 0;
}

static int put_file(const struct store *store, const char *path, int from)
{
	AUTOFREE char *folder = alloc_format("%s" PACKS, store->http.base);
	struct whole_file file;
	int r;

	if (has_bytes(path, from))
		return 0;
	(void)mkdir(store->http.base, 0777);
	(void)mkdir(folder, 0777);
	r = whole_file_begin(&file, AT_FDCWD, path, 0644);
	if (r < 0)
		return r;
	r = lseek(from, 0, SEEK_SET) < 0 ? -errno : file_copy(from, fileno(file.out), 0);
	if (r == 0)
		return whole_file_publish(&file);
	whole_file_discard(&file);
	return r;
}

/* --- all stores ----------------------------------------------------------------------*/

/* Lists the packs without reporting errors, since there may be another way. */
static int list(struct store *store, struct names *names)
{
	AUTOFREE char *text = NULL;
	int r = 1;

	*names = (struct names){ 0 };
	if (store->is_directory)
		r = list_directory(store, names);
	while (r > 0) {
		r = store_http_list(&store->http, PACKS, &text);
		if (r >= 0 && text)
			scan_names(names, text);
		if (r > 0 && names->count > NAMES_MAX) {
			snprintf(store->http.error, sizeof store->http.error,
				"it lists too many packs");
			r = -EFBIG;
		}
	}
	names_sort(names);
	return r;
}

int store_list(struct store *store, struct names *ret_names)
{
	return fail(store, list(store, ret_names));
}

static int get(struct store *store, const char *name, int fd, size_t part)
{
	AUTOFREE char *path = alloc_format("%s" PACKS "%s", store->http.base, name);

	if (store_http_is_over(&store->http))
		return -ETIMEDOUT;
	return store->is_directory ? get_file(path, fd, part)
				   : store_http_get(&store->http, path, fd, part);
}

int store_get(struct store *store, const char *name, int fd, size_t part)
{
	int r = get(store, name, fd, part), failed = fail(store, r);

	return r == -ETIMEDOUT ? failed : r; /* other errors concern this file */
}

int store_peek(struct store *store, const char *name, char *ret_text, size_t size)
{
	AUTOCLOSE int fd = memfd_create("pycstash", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : get(store, name, fd, size - 1);
	ssize_t n = r < 0 ? 0 : pread(fd, ret_text, size - 1, 0);

	ret_text[n < 0 ? 0 : n] = '\0';
	return file_is_unseen(r) ? fail(store, r) : 0;
}

int store_put(struct store *store, const char *name, int fd)
{
	AUTOFREE char *path = alloc_format("%s" PACKS "%s", store->http.base, name);

	int r = store->is_directory ? put_file(store, path, fd)
				    : store_http_put(&store->http, path, fd);

	if (r != -ENOENT)
		return fail(store, r);
	complain(store->http.name,
		"the store has no such directory or bucket, so the pack cannot be put there");
	return STORE_FAILED;
}

int store_put_text(struct store *store, const char *name, const char *text)
{
	AUTOCLOSE int fd = memfd_create("pycstash", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return -EIO;
	return store_put(store, name, fd);
}

/* --- the index -----------------------------------------------------------------------*/

static int put_index(struct store *store, const struct names *names)
{
	AUTOFREE char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		alloc_fail();
	for (size_t i = 0; i < names->count; i++)
		fprintf(out, "%s" PACK_SUFFIX "\n", names->list[i]);
	if (fclose(out) == EOF)
		alloc_fail();
	return store_put_text(store, STORE_HTTP_INDEX, text);
}

/* Another push may overwrite the index just after this one has added to it, so the
 * index is read again. */
int store_announce(struct store *store, const char *digest)
{
	bool listed = store->is_directory || store->http.is_s3;
	int r = 0;

	for (int tries = 0; !listed && r == 0 && tries < ANNOUNCE_TRIES; tries++) {
		struct names names;

		r = list(store, &names);
		listed = r == 0 && names_has(&names, digest);
		if (!listed && (r == 0 || r == -EACCES || r == -EOPNOTSUPP)) {
			names_add(&names, alloc_copy(digest));
			r = put_index(store, &names);
		}
	}
	if (listed || r == STORE_FAILED)
		return r;
	if (r < 0)
		return fail(store, r);
	complain(store->http.name, "the server has taken the pack, but does not list it");
	return STORE_FAILED;
}
