/* SPDX-License-Identifier: MIT
 *
 * Pushes packs.
 */
#include "tools/fleet/push.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/fleet/known.h"
#include "tools/fleet/minisign.h"
#include "tools/fleet/store.h"

static int gather(struct push *push, struct pack *pack)
{
	struct select all = { 0 };
	struct export_list list = {
		.cache = &push->cache,
		.select = &all,
		.public_only = push->public_only,
		.used_since = push->compact ? time(NULL) - push->compact : INT64_MIN,
	};
	int r = pack_gather(pack, &list);

	push->hidden = list.hidden;
	push->unread = list.unreadable;
	if (r == 0 && !push->compact)
		known_drop(&push->cache, pack);
	return r;
}

/* Signs the pack, unless the store has it with a signature that is to stay. */
static int send_signature(
	const struct push *push, struct store *store, const char *file, int fd)
{
	AUTOFREE char *name = alloc_format("%s" MINISIGN_SUFFIX, file);
	char signature[MINISIGN_SIZE];
	int r = store_peek(store, name, signature, sizeof signature);

	if (r == 0)
		r = minisign_sign(push->sign, file, fd,
			push->expires ? time(NULL) + push->expires : INT64_MAX,
			signature);
	return r == 0 ? store_put_text(store, name, signature) : r;
}

/* Sends the signature first, so that whoever sees the pack finds the signature too.
 * Returns -EEXIST, after sending the pack, if the signature there is of another key. */
static int send(const struct push *push, int fd)
{
	AUTOFREE char *file = alloc_format("%s" PACK_SUFFIX, push->name);
	struct store store;
	int r = store_open(&store, push->url), signature = 0;

	if (r == 0 && push->sign)
		signature = send_signature(push, &store, file, fd);
	if (signature < 0 && signature != -EEXIST)
		r = signature;
	if (r == 0)
		r = store_put(&store, file, fd);
	if (r == 0)
		r = store_announce(&store, push->name);
	store_close(&store);
	return r == 0 && signature < 0 ? signature : r;
}

static int push_file(struct push *push, int fd)
{
	struct pack pack = { 0 };
	int r = gather(push, &pack);

	r = r < 0 ? r : pack_write(&pack, &push->cache, fd, &push->packed);
	push->unread += pack.unread;
	if (r == 0 && pack.count)
		r = pack_name(fd, push->name);
	if (r < 0 || !pack.count)
		return r;
	push->objects = pack.count;
	for (size_t i = 0; i < pack.count; i++)
		push->bytes += pack.objects[i].size;
	if (push->common.dry_run)
		return 0;
	r = send(push, fd);
	return r < 0 ? r : known_add(&push->cache, push->name, &pack);
}

int push_run(struct push *push)
{
	AUTOFCLOSE FILE *file = file_temporary();

	return file ? push_file(push, fileno(file)) : file_temporary_failed();
}
