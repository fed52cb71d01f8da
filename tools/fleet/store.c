/* SPDX-License-Identifier: MIT
 *
 * Stores: what is the same for all, and directories.
 */
#include "tools/fleet/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/clock.h"
#include "tools/base/message.h"
#include "tools/base/whole_file.h"
#include "tools/fleet/pack.h"

#define PACKS "packs/"

/* --- URLs ----------------------------------------------------------------------------*/

/* The URL without what stands between "//" and "@". */
static char *without_user(const char *url)
{
	const char *host = strstr(url, "://");
	const char *at, *end;

	if (!host)
		return alloc_copy(url);
	host += 3;
	end = host + strcspn(host, "/");
	at = memrchr(host, '@', (size_t)(end - host));
	return at ? alloc_format("%.*s%s", (int)(host - url), url, at + 1)
		  : alloc_copy(url);
}

static char *with_slash(const char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	return alloc_format("%.*s/", (int)len, url);
}

int store_open(
	struct store *store, const char *url, unsigned connect_seconds, unsigned seconds)
{
	*store = (struct store){
		.http.name = without_user(url),
		.http.connect_seconds = connect_seconds,
		.http.end = clock_steady() + seconds * CLOCK_SECOND,
	};
	if (strncmp(url, "file:", 5) == 0)
		url += strncmp(url, "file:///", 8) == 0 ? 7 : 5;
	store->is_directory = url[0] == '/';
	store->http.is_s3 = strncmp(url, "s3://", 5) == 0;
	if (store->http.is_s3)
		store->http.base = store_http_s3_base(url + 5);
	else if (store->is_directory || strncmp(url, "http://", 7) == 0 ||
		 strncmp(url, "https://", 8) == 0)
		store->http.base = with_slash(url);
	if (store->http.base)
		return 0;
	complain(store->http.name,
		"this is no URL of a store: file:/DIR, https://HOST/PATH, s3://BUCKET/PREFIX");
	return -EINVAL;
}

void store_close(struct store *store)
{
	free(store->http.name);
	free(store->http.base);
	*store = (struct store){ 0 };
}

/* --- names ---------------------------------------------------------------------------*/

static void add_name(struct store_names *names, const char *hex)
{
	GROW(names->names, names->count);
	names->names[names->count++] = alloc_part(hex, PACK_NAME_SIZE - 1);
}

/* Every name of a pack in a text, whatever else there is: a page of a web server, XML of
 * WebDAV or S3, or a plain list. */
static void scan_names(struct store_names *names, const char *text)
{
	const char *at = text;

	while ((at = strstr(at, PACK_SUFFIX))) {
		const char *hex = at - (PACK_NAME_SIZE - 1);

		if (hex >= text &&
			strspn(hex, "0123456789abcdef") == PACK_NAME_SIZE - 1 &&
			strncmp(at + strlen(PACK_SUFFIX), ".", 1) != 0)
			add_name(names, hex);
		at += strlen(PACK_SUFFIX);
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_names(struct store_names *names)
{
	size_t kept = 0;

	if (names->count)
		qsort(names->names, names->count, sizeof *names->names, compare);
	for (size_t i = 0; i < names->count; i++)
		if (kept && strcmp(names->names[kept - 1], names->names[i]) == 0)
			free(names->names[i]);
		else
			names->names[kept++] = names->names[i];
	names->count = kept;
}

void store_names_release(struct store_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct store_names){ 0 };
}

/* --- directories ---------------------------------------------------------------------*/

static int fail(const struct store *store, int error)
{
	if (error < 0 && error != -ENOENT)
		complain(store->http.name, "%s", strerror(-error));
	return error;
}

static int copy(int from, int to, size_t part)
{
	char block[65536];
	size_t copied = 0;
	ssize_t n;

	while ((!part || copied < part) && (n = read(from, block, sizeof block)) != 0) {
		if (n < 0)
			return -errno;
		if (write(to, block, (size_t)n) != n)
			return -ENOSPC;
		copied += (size_t)n;
	}
	return 0;
}

static int list_directory(const struct store *store, struct store_names *names)
{
	AUTOFREE char *path = alloc_format("%s" PACKS, store->http.base);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return access(store->http.base, F_OK) == 0 && errno == ENOENT ? 0
									      : -errno;
	while ((entry = readdir(dir)))
		scan_names(names, entry->d_name);
	closedir(dir);
	return 0;
}

static int get_file(const char *path, int to, size_t part)
{
	int from = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), r;
	struct stat st;

	if (from < 0)
		return -errno;
	r = fstat(from, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	r = r < 0 ? r : copy(from, to, part);
	close(from);
	return r;
}

static int put_file(const struct store *store, const char *path, int from)
{
	AUTOFREE char *folder = alloc_format("%s" PACKS, store->http.base);
	struct whole_file file;
	int r;

	(void)mkdir(store->http.base, 0777);
	(void)mkdir(folder, 0777);
	r = whole_file_begin(&file, AT_FDCWD, path, 0644);
	if (r < 0)
		return r;
	r = lseek(from, 0, SEEK_SET) < 0 ? -errno : copy(from, fileno(file.out), 0);
	if (r == 0)
		return whole_file_publish(&file);
	whole_file_discard(&file);
	return r;
}

/* --- all -----------------------------------------------------------------------------*/

int store_list(struct store *store, struct store_names *ret_names)
{
	char *text = NULL;
	int r = 1;

	*ret_names = (struct store_names){ 0 };
	if (store->is_directory)
		r = fail(store, list_directory(store, ret_names));
	while (r > 0) {
		r = store_http_list(&store->http, PACKS, &text);
		if (r >= 0 && text)
			scan_names(ret_names, text);
	}
	free(text);
	sort_names(ret_names);
	return r;
}

int store_get(struct store *store, const char *name, int fd, size_t part)
{
	AUTOFREE char *path = alloc_format("%s" PACKS "%s", store->http.base, name);

	return store->is_directory ? fail(store, get_file(path, fd, part))
				   : store_http_get(&store->http, path, fd, part);
}

int store_put(struct store *store, const char *name, int fd)
{
	AUTOFREE char *path = alloc_format("%s" PACKS "%s", store->http.base, name);

	return store->is_directory ? fail(store, put_file(store, path, fd))
				   : store_http_put(&store->http, path, fd);
}
