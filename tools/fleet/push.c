/* SPDX-License-Identifier: MIT
 *
 * Pushing.
 */
#include "tools/fleet/push.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/compat.h"
#include "tools/base/message.h"
#include "tools/fleet/known.h"
#include "tools/fleet/minisign.h"
#include "tools/fleet/store.h"

static bool is_new(const struct archive_object *object, void *known)
{
	AUTOFREE char *path = alloc_format("%s/%s", object->dir, object->name);

	return !known_object_find(known, path);
}

static int gather(const struct push *push, struct pack *pack)
{
	const int64_t since = push->compact ? time(NULL) - push->compact : INT64_MIN;
	int r = pack_gather(pack, push->cache, since);

	if (r == 0 && !push->compact) {
		struct known_object *known = known_objects(push->cache);

		pack_filter(pack, is_new, known);
		known_objects_release(known);
	}
	return r;
}

/* Sends a text as a file. */
static int put_text(struct store *store, const char *name, const char *text)
{
	int fd = memfd_create("pycstash", MFD_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -EIO;
	r = r < 0 ? r : store_put(store, name, fd);
	close(fd);
	return r;
}

/* The signature goes first: whoever sees the pack finds it. */
static int send(const struct push *push, int fd)
{
	AUTOFREE char *file = alloc_format("%s" PACK_SUFFIX, push->name);
	AUTOFREE char *signature_file = alloc_format("%s" MINISIGN_SUFFIX, file);
	char signature[MINISIGN_SIZE];
	struct store store;
	int r = store_open(&store, push->url, push->connect, push->seconds);

	if (r == 0 && push->sign)
		r = minisign_sign(push->sign, file, fd,
			push->expires ? time(NULL) + push->expires : 0, signature);
	if (r == 0 && push->sign)
		r = put_text(&store, signature_file, signature);
	if (r == 0)
		r = store_put(&store, file, fd);
	store_close(&store);
	return r;
}

static int push_file(struct push *push, struct pack *pack, int fd)
{
	int r = gather(push, pack);
	struct stat st;

	r = r < 0 ? r : pack_write(pack, push->cache, fd, push->name);
	if (r < 0 || !pack->count)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	push->objects = pack->count;
	push->packed = (uint64_t)st.st_size;
	for (size_t i = 0; i < pack->count; i++)
		push->bytes += pack->objects[i].size;
	if (push->dry_run)
		return 0;
	r = send(push, fd);
	return r < 0 ? r : known_add(push->cache, push->name, pack);
}

int push_run(struct push *push)
{
	struct pack pack = { 0 };
	FILE *file = tmpfile();
	int r;

	if (!file) {
		complain("a temporary file", "%s", strerror(errno));
		return -errno;
	}
	r = push_file(push, &pack, fileno(file));
	pack_release(&pack);
	fclose(file);
	return r;
}
