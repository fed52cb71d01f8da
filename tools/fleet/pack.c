/* SPDX-License-Identifier: MIT
 *
 * Writes and reads packs.
 */
#include "tools/fleet/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/python/header.h"
#include "shim/core/python/marshal.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/json_read.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/versions.h"
#include "tools/fleet/canonical.h"

void pack_release(struct pack *pack)
{
	for (size_t i = 0; i < pack->count; i++)
		free(pack->objects[i].dir);
	free(pack->objects);
	*pack = (struct pack){ 0 };
}

static void add(struct pack *pack, struct archive_object object)
{
	GROW(pack->objects, pack->count);
	pack->objects[pack->count++] = object;
}

void pack_filter(struct pack *pack,
	bool (*keep)(const struct archive_object *object, void *context), void *context)
{
	size_t kept = 0;

	for (size_t i = 0; i < pack->count; i++)
		if (keep(&pack->objects[i], context))
			pack->objects[kept++] = pack->objects[i];
		else
			free(pack->objects[i].dir);
	pack->count = kept;
}

/* --- listing the objects -------------------------------------------------------------*/

int pack_gather(struct pack *pack, struct export_list *list)
{
	int r;

	list->objects_only = true;
	r = export_list_run(list);
	*pack = (struct pack){ 0 };
	for (size_t i = 0; i < list->count; i++)
		add(pack, (struct archive_object){ .dir = list->files[i],
				  .name = export_list_name_of(list->files[i]) });
	free(list->files);
	list->files = NULL;
	list->count = 0;
	return r;
}

/* --- the objects' bytes --------------------------------------------------------------*/

/* An object as it is in the cache. */
struct body {
	char tag[PYC_TAG_SIZE];
	struct seal seal;
	size_t header; /* the length of the pyc's header */
	uint8_t *data; /* seal.pyc_size bytes, followed by the seal; owned */
};

/* Returns 0; -ENOENT if the object no longer exists or is damaged; another -errno if it
 * could not be read. */
static int read_body(
	const struct cache *cache, const struct archive_object *object, struct body *ret)
{
	AUTOFREE char *path = alloc_format("%s/%s", object->dir, object->name);
	const struct layout item = layout_parse(object->dir, object->name);
	AUTOCLOSE int fd = cache_openat(cache, path, O_RDONLY | O_NONBLOCK | O_NOATIME);
	AUTOFREE uint8_t *data = NULL;
	struct pyc_state state;
	size_t size;
	ssize_t n;

	if (fd < 0)
		return file_is_absent(fd) || fd == -ELOOP ? -ENOENT : fd;
	state = archive_state(&item, state_of(&item, fd, "", STATE_WHOLE));
	if (state.state == STATE_UNKNOWN)
		return state.error;
	if (state.state != STATE_FRESH ||
		!version_split(object->dir, ret->tag, sizeof ret->tag))
		return -ENOENT;
	ret->seal = state.seal;
	ret->header = header_length(ret->tag);
	size = (size_t)ret->seal.pyc_size + SEAL_SIZE;
	data = alloc_array(size, 1);
	if (ret->header >= ret->seal.pyc_size)
		return -ENOENT;
	n = pread(fd, data, size, 0);
	if (n != (ssize_t)size)
		return n < 0 ? -errno : -ENOENT;
	ret->data = data;
	data = NULL;
	return 0;
}

/* Writes an object with that code, without traces of this host. *ret_size: its size. */
static void write_body(FILE *out, const struct body *body, const uint8_t *code,
	size_t size, uint64_t *ret_size)
{
	const struct stat source = { .st_size = (off_t)body->seal.source.size };
	const size_t pyc_size = body->header + size;
	AUTOFREE uint8_t *pyc = alloc_array(pyc_size + SEAL_SIZE, 1);
	struct seal seal;

	memcpy(pyc, body->data, body->header);
	memcpy(pyc + body->header, code, size);
	header_patch(body->tag, pyc, &source);
	seal = seal_new(pyc, pyc_size, body->header);
	seal.flags = SEAL_SOURCE | (body->seal.flags & SEAL_RELEASE);
	seal.digest = body->seal.digest;
	seal.source.size = body->seal.source.size;
	seal_write(&seal, pyc + pyc_size);
	*ret_size = pyc_size + SEAL_SIZE;
	fwrite(pyc, 1, *ret_size, out);
}

static void ask_about(struct canonical *canonical, const struct body *body)
{
	const uint8_t *code = body->data + body->header;
	const size_t size = (size_t)body->seal.pyc_size - body->header;
	const enum marshal_end end = marshal_end(body->seal.magic, code, size);
	const bool may_load = end == MARSHAL_WHOLE || end == MARSHAL_UNKNOWN;

	canonical_ask(canonical, code, may_load ? size : 0);
}

/* Asks an interpreter for the canonical code of the objects. Returns NULL if it cannot
 * give it. */
static struct canonical *ask(
	const struct cache *cache, const struct archive_object *objects, size_t count)
{
	const struct layout item = layout_parse(objects->dir, objects->name);
	AUTOFREE char *version = alloc_part(item.version, item.version_len);
	struct canonical *canonical = canonical_begin(version, item.object.magic);
	struct body body;

	for (size_t i = 0; canonical && i < count && !interrupt_came(); i++) {
		if (read_body(cache, &objects[i], &body) < 0) {
			canonical_ask(canonical, NULL, 0);
			continue;
		}
		ask_about(canonical, &body);
		free(body.data);
	}
	if (!canonical || (!interrupt_came() && canonical_run(canonical) == 0))
		return canonical;
	if (!interrupt_came())
		complain(version,
			"the interpreter failed; the objects are packed as they were compiled here");
	canonical_end(canonical);
	return NULL;
}

/* Returns how many objects have the same version and magic number as the first. */
static size_t run_length(const struct pack *pack, size_t first)
{
	const char *dir = pack->objects[first].dir;
	const size_t len = (size_t)(strrchr(dir, '/') - dir) + 1;
	size_t count = 1;

	while (first + count < pack->count &&
		strncmp(pack->objects[first + count].dir, dir, len) == 0)
		count++;
	return count;
}

/* Writes the objects. Sets the size of those that are gone to 0, and counts and reports
 * those that cannot be read. */
static void write_run(struct pack *pack, const struct cache *cache,
	struct archive_object *objects, size_t count, FILE *out)
{
	struct canonical *canonical = ask(cache, objects, count);
	struct body body;

	for (size_t i = 0; i < count && !interrupt_came(); i++) {
		size_t size;
		uint8_t *code = canonical ? canonical_answer(canonical, &size) : NULL;

		objects[i].size = 0;
		int r = read_body(cache, &objects[i], &body);

		if (r == 0) {
			if (code)
				write_body(out, &body, code, size, &objects[i].size);
			else
				write_body(out, &body, body.data + body.header,
					(size_t)body.seal.pyc_size - body.header,
					&objects[i].size);
			free(body.data);
		} else if (r != -ENOENT) {
			complain(objects[i].name, "cannot be read: %s", strerror(-r));
			pack->unread++;
		}
		free(code);
	}
	if (canonical)
		canonical_end(canonical);
}

static bool is_there(const struct archive_object *object, void *context)
{
	(void)context;
	return object->size > 0;
}

/* --- writing -------------------------------------------------------------------------*/

static int add_object(
	struct archive_out *out, FILE *bodies, const struct archive_object *object)
{
	AUTOFREE uint8_t *data = alloc_array(object->size, 1);
	const struct archive_member member = {
		.dir = object->dir,
		.name = object->name,
		.data = data,
		.size = object->size,
	};

	return fread(data, 1, object->size, bodies) == object->size
		       ? archive_out_add(out, &member)
		       : -EIO;
}

static int write_archive(
	const struct pack *pack, FILE *bodies, int fd, uint64_t *ret_size)
{
	struct archive_manifest manifest = { pack->count, 0, pack->objects };
	struct archive_out out;
	int r;

	for (size_t i = 0; i < pack->count; i++)
		manifest.bytes += pack->objects[i].size;
	r = archive_out_begin(&out, "the pack", fd, &manifest);
	for (size_t i = 0; i < pack->count && r == 0; i++)
		r = add_object(&out, bodies, &pack->objects[i]);
	if (r == 0)
		r = archive_out_finish(&out, ret_size);
	archive_out_release(&out);
	return r;
}

int pack_write(struct pack *pack, const struct cache *cache, int fd, uint64_t *ret_size)
{
	AUTOFCLOSE FILE *bodies = file_temporary();
	size_t first, count;
	int r;

	if (!bodies)
		return file_temporary_failed();
	for (first = 0; first < pack->count && !interrupt_came(); first += count) {
		count = run_length(pack, first);
		write_run(pack, cache, &pack->objects[first], count, bodies);
	}
	pack_filter(pack, is_there, NULL);
	if (interrupt_came())
		return -EINTR;
	r = ferror(bodies) || fflush(bodies) == EOF ? -ENOSPC : 0;
	rewind(bodies);
	if (r == 0 && pack->count)
		r = write_archive(pack, bodies, fd, ret_size);
	if (r == -ENOSPC)
		complain("the pack",
			"there is not enough room for it in the temporary directory");
	return r;
}

/* --- reading -------------------------------------------------------------------------*/

int pack_digest(int fd, uint8_t *ret_digest, size_t size)
{
	uint8_t block[65536];
	blake2b_state state;
	struct stat st;
	off_t at = 0;
	ssize_t n = 1;

	if (fstat(fd, &st) < 0)
		return -errno;
	(void)blake2b_init(&state, size);
	while (at <= st.st_size && (n = pread(fd, block, sizeof block, at)) > 0) {
		if (interrupt_came())
			return -EINTR;
		(void)blake2b_update(&state, block, (size_t)n);
		at += n;
	}
	(void)blake2b_final(&state, ret_digest, size);
	if (n < 0)
		return -errno;
	return at > st.st_size ? -EFBIG : 0; /* it has grown meanwhile */
}

int pack_name(int fd, char ret_name[PACK_NAME_SIZE])
{
	uint8_t digest[DIGEST_SIZE];
	int r = pack_digest(fd, digest, sizeof digest);

	digest_hex(digest, sizeof digest, ret_name);
	ret_name[2 * DIGEST_SIZE] = '\0';
	return r;
}

/* For json_read: takes the objects, by their paths below the layout folder. */
static void take_objects(
	void *context, const char *path, const struct json_field *fields, size_t count)
{
	const bool is_list = strcmp(path, "objects") == 0;

	for (size_t i = 0; is_list && i < count; i++) {
		const char *slash = strrchr(fields[i].key, '/');
		struct archive_object object = { .dir = alloc_copy(fields[i].key) };

		if (!slash || !fields[i].value) {
			free(object.dir);
			continue;
		}
		object.dir[slash - fields[i].key] = '\0';
		object.name = object.dir + (slash - fields[i].key) + 1;
		object.size = strtoull(fields[i].value, NULL, 10);
		add(context, object);
	}
}

int pack_read(struct pack *pack, const char *name, int fd, bool part)
{
	struct archive_in in = { 0 };
	const off_t size = lseek(fd, 0, SEEK_END);
	int r = size < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
	char *text;

	*pack = (struct pack){ 0 };
	r = r < 0 ? r
		  : archive_in_begin(&in, name, fd, part ? ARCHIVE_PART : (uint64_t)size);
	text = in.manifest_text;
	if (r == 0 && (!json_read(&text, take_objects, pack) ||
			      pack->count != in.manifest.files)) {
		complain(name, "this is an archive, but not a pack");
		r = -EPERM;
	}
	archive_in_release(&in);
	if (r < 0)
		pack_release(pack);
	return r;
}
