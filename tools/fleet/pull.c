/* SPDX-License-Identifier: MIT
 *
 * Pulls packs.
 */
#include "tools/fleet/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/proof/source.h"
#include "tools/archive/import.h"
#include "tools/base/alloc.h"
#include "tools/base/brief.h"
#include "tools/base/compat.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/lock.h"
#include "tools/cache/sys_libc.h"
#include "tools/fleet/known.h"
#include "tools/fleet/store.h"

/* Enough bytes of a pack for the list of 10,000 objects, and for the longest list. */
#define HEAD (512u << 10)
#define HEAD_MAX (2 * ARCHIVE_MANIFEST_MAX)

/* How long a store that has failed is left alone. */
#define FAILED_SECONDS 300

/* --- what is wanted ------------------------------------------------------------------*/

/* The digests of the wanted sources, in hex. Global because nftw(3) has no context. */
static struct names wanted;
static uint64_t unseen;

static void note_unseen(const char *path, int error)
{
	complain(path, "cannot be looked at: %s", strerror(-error));
	unseen++;
}

static int want_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static struct scratch scratch;
	struct source source = { .dirfd = AT_FDCWD, .path = path };
	const char *suffix = strrchr(path, '.');
	int r;

	(void)ftw;
	if (type != FTW_F || !suffix || strcmp(suffix, ".py") != 0 || !st->st_size)
		return interrupt_came();
	r = source_look(&source, &sys_libc);
	if (r == 0)
		r = source_digest(&source, &sys_libc, &scratch);
	if (r == 0)
		names_add(&wanted, alloc_copy(brief_hex(&source.digest, DIGEST_SIZE)));
	else if (file_is_unseen(r))
		note_unseen(path, r);
	return interrupt_came();
}

static int want_all(struct pull *pull)
{
	for (size_t i = 0; i < pull->wanted.count; i++) {
		/* such as a link to the current release */
		AUTOFREE char *path = realpath(pull->wanted.items[i], NULL);

		if (!path || nftw(path, want_file, 16, FTW_PHYS) < 0) {
			complain(pull->wanted.items[i], "%s", strerror(errno));
			return -EINVAL;
		}
	}
	names_sort(&wanted);
	pull->unseen = unseen;
	return interrupt_came() ? -EINTR : 0;
}

static bool is_wanted(const struct archive_object *object)
{
	const struct layout item = layout_parse(object->dir, object->name);

	return item.kind == LAYOUT_OBJECT &&
	       names_has(&wanted, brief_hex(&item.object.digest, DIGEST_SIZE));
}

static int read_head(struct store *store, const char *file, size_t part, struct pack *ret)
{
	AUTOCLOSE int fd = memfd_create("pycstash", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : store_get(store, file, fd, part);

	return r < 0 ? r : pack_read(ret, file, fd, true);
}

/* Returns whether the beginning of a pack shows that it contains nothing wanted. */
static bool is_unwanted(const struct pull *pull, struct store *store, const char *file)
{
	struct pack pack;
	bool unwanted = true;
	int r = -EBADMSG;

	if (!pull->wanted.count)
		return false;
	for (size_t part = HEAD; r == -EBADMSG && part <= HEAD_MAX; part *= 4)
		r = read_head(store, file, part, &pack);
	if (r < 0)
		return false;
	for (size_t i = 0; i < pack.count && unwanted; i++)
		unwanted = !is_wanted(&pack.objects[i]);
	pack_release(&pack);
	return unwanted;
}

/* --- one pack ------------------------------------------------------------------------*/

/* Returns -EPERM: this pack cannot be had, but others may be. */
static int refuse(const char *file, const char *why)
{
	complain(file, "refused: %s", why);
	return -EPERM;
}

/* text: MINISIGN_SIZE zeros. */
static int get_signature(struct store *store, const char *file, char *text)
{
	AUTOFREE char *name = alloc_format("%s" MINISIGN_SUFFIX, file);
	AUTOCLOSE int got = memfd_create("pycstash", MFD_CLOEXEC);
	int r = got < 0 ? -errno : store_get(store, name, got, MINISIGN_SIZE);

	return r == 0 && pread(got, text, MINISIGN_SIZE - 1, 0) < 0 ? -errno : r;
}

/* Checks that the file matches its name, that a trusted key has signed it, and that it
 * is a pack. */
static int check(const struct pull *pull, const char *signature, const char *file,
	const char *name, int fd, struct pack *pack)
{
	char is[PACK_NAME_SIZE];
	int r = pack_name(fd, is);

	if (r == 0 && strcmp(is, name) != 0)
		r = refuse(file, "its bytes do not match the digest in its name");
	if (r == 0 && pull->keys.count)
		r = minisign_verify(&pull->keys, file, fd, signature);
	return r < 0 ? r : pack_read(pack, file, fd, false);
}

/* Returns true if the pack and those that this pull has taken are a bomb together. */
static bool is_too_much(const struct pull *pull, const struct pack *pack)
{
	uint64_t bytes = pull->bytes;

	for (size_t i = 0; i < pack->count; i++)
		bytes += pack->objects[i].size < ARCHIVE_FILE_MAX ? pack->objects[i].size
								  : ARCHIVE_FILE_MAX;
	return archive_is_bomb(bytes, pull->packed);
}

/* Gets the lock under which a pack is taken: whoever withdraws it meanwhile would miss
 * what comes after his search. Returns 1 if the pack is known by now, maybe withdrawn. */
static int begin(
	const struct pull *pull, const char *name, const struct pack *pack, int *ret_lock)
{
	int r = lock_take_packs(
		pull->cache, true, pull->hurried ? 0 : LOCK_PATIENCE, ret_lock);

	if (r < 0) {
		(void)lock_refused_packs(pull->cache, r);
		return r;
	}
	if (known_has(pull->cache, name))
		return 1;
	return known_begin(pull->cache, name, pack);
}

static int take(struct pull *pull, const char *file, const char *name, int fd,
	const struct pack *pack)
{
	AUTOCLOSE int lock = -1;
	struct import import = { .uncounted = pull->layer != NULL,
		.listed = pack->objects,
		.brought = &pull->brought };
	int r = is_too_much(pull, pack)
			? refuse(file,
				  "it would unpack to far too much for its size, together with the packs before it")
			: import_archive(&import, file, fd, false);

	if (r == 0 && (import.cut_off || import.seen.files < pack->count))
		r = refuse(file, "it is truncated");
	if (r < 0)
		return r;
	import.cache = pull->cache;
	import.dry_run = pull->common.dry_run;
	r = import.dry_run ? 0 : begin(pull, name, pack, &lock);
	if (r > 0)
		return r;
	r = r < 0 ? r : import_archive(&import, file, fd, true);
	pull->objects += import.files;
	pull->bytes += import.bytes;
	pull->kept += import.kept;
	pull->differing += import.differing;
	if (pull->common.dry_run)
		return r;
	if (r == 0 && import.failed)
		r = -EIO;
	return r < 0 ? r : known_add(pull->cache, name, pack);
}

/* Returns whether the next pack would fail with the same error. Other errors concern
 * only one pack. */
static bool is_final(int error)
{
	return file_is_full(error) || error == -EINTR || error == -ENOSYS ||
	       error == STORE_FAILED || error == -EAGAIN;
}

/* Transfers a pack. If keys are required, an unsigned pack is not transferred at
 * all. */
static int get_pack(
	struct pull *pull, struct store *store, const char *file, char *signature, int fd)
{
	int r = pull->keys.count ? get_signature(store, file, signature) : 0;
	struct stat st;

	if (r == -ENOENT) /* the pack may be gone too */
		r = store_get(store, file, fd, 1) == 0 ? refuse(file, "it is not signed")
						       : -ENOENT;
	else if (r == 0)
		r = store_get(store, file, fd, 0);
	if (r == 0 && fstat(fd, &st) == 0)
		pull->packed += (uint64_t)st.st_size;
	return r;
}

static int pull_pack(struct pull *pull, struct store *store, const char *name)
{
	AUTOFREE char *file = alloc_format("%s" PACK_SUFFIX, name);
	char signature[MINISIGN_SIZE] = "";
	AUTOFCLOSE FILE *stream = NULL;
	struct pack pack = { 0 };
	int r, fd;

	if (is_unwanted(pull, store, file)) {
		pull->unwanted++;
		return 0;
	}
	stream = file_temporary();
	if (!stream)
		return file_temporary_failed();
	fd = fileno(stream);
	r = get_pack(pull, store, file, signature, fd);
	if (r == -ENOENT) /* it has been deleted since it was listed */
		return 0;
	r = r < 0 ? r : check(pull, signature, file, name, fd, &pack);
	r = r < 0 ? r : take(pull, file, name, fd, &pack);
	pack_release(&pack);
	pull->packs += r == 0;
	pull->known += r > 0;
	pull->refused += r < 0;
	return is_final(r) ? r : 0;
}

/* --- all packs -----------------------------------------------------------------------*/

static int pull_all(struct pull *pull, struct store *store)
{
	struct names names;
	int r = store_list(store, &names);

	if (r == -ENOENT) { /* nobody has pushed yet, or the name is wrong */
		pull->absent = true;
		r = 0;
	}
	for (size_t i = 0; i < names.count && r == 0; i++)
		if (interrupt_came())
			r = -EINTR;
		else if (pull->cache && known_has(pull->cache, names.list[i]))
			pull->known++;
		else
			r = pull_pack(pull, store, names.list[i]);
	return r;
}

int pull_run(struct pull *pull)
{
	struct store store;
	int r = want_all(pull);

	r = r < 0 ? r : store_open(&store, pull->url);
	if (r < 0)
		return r;
	r = pull_all(pull, &store);
	store_close(&store);
	return r;
}

/* --- before a program starts ---------------------------------------------------------*/

/* Returns the name of the file whose modification time says when that store failed. */
static char *mark_of(const struct pull *pull)
{
	struct digest digest = digest_of(pull->url, strlen(pull->url));

	return alloc_format("store-%s", brief_hex(digest.bytes, 8));
}

static bool has_failed(const struct pull *pull, const char *mark)
{
	AUTOCLOSE int fd = cache_open_state(pull->cache, mark, O_RDONLY);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 &&
	       st.st_mtime > time(NULL) - FAILED_SECONDS && st.st_mtime <= time(NULL);
}

void pull_before_start(struct pull *pull)
{
	AUTOFREE char *mark = mark_of(pull);
	AUTOCLOSE int fd = -1;
	int r;

	if (has_failed(pull, mark))
		return;
	pull->hurried = true;
	r = pull_run(pull);
	if ((r == 0 && !pull->refused) || r == -EAGAIN) /* the cache was locked */
		return;
	fd = cache_open_state(pull->cache, mark, O_WRONLY | O_CREAT);
	if (fd >= 0)
		(void)futimens(fd, NULL);
}
