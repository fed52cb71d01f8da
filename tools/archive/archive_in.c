/* SPDX-License-Identifier: MIT
 *
 * Reading archives. Any byte of an archive may be hostile.
 */
#include "tools/archive/archive.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "tools/archive/libarchive.h"
#include "tools/archive/neutral.h"
#include "tools/base/compat.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/units.h"
#include "tools/pyc/inspect.h"

#define TOP CACHE_LAYOUT "/"
#define BLOCK (128u * 1024)

/* More than the headers of a member that we write. libarchive keeps what it reads in
 * headers and maps of sparse files in memory, some ten bytes for each byte, and a
 * thousand of these take one byte of the archive. */
#define HEADERS_MAX (1u << 20)

static int refuse(const struct archive_in *in, const char *why)
{
	const char *path = LIB(archive_entry_pathname)(in->entry);

	complain(in->name, "refused: %s%s%s", path ? path : "", path ? ": " : "", why);
	return -EPERM;
}

static int cut_off(struct archive_in *in)
{
	const char *why = LIB(archive_error_string)(in->handle);

	in->broken = why ? why : strerror(EIO);
	return -EBADMSG;
}

/* To be called if nothing usable has been read yet. */
static int unreadable(const struct archive_in *in)
{
	if (in->part)
		return -EBADMSG;
	complain(in->name, "this is not an archive that `pycstash export` has made");
	return -EPERM;
}

/* Returns 1 if there is a member, 0 if there are no more, or -EBADMSG. */
static int next_header(struct archive_in *in)
{
	int r;

	in->quota = HEADERS_MAX;
	r = LIB(archive_read_next_header2)(in->handle, in->entry);
	if (r == ARCHIVE_EOF)
		return 0;
	/* A warning concerns an attribute that we do not use, or a name, which is then
	 * found to be missing. */
	return r == ARCHIVE_OK || r == ARCHIVE_WARN ? 1 : cut_off(in);
}

/* --- data ----------------------------------------------------------------------------*/

static void make_room(struct archive_in *in, size_t size)
{
	if (size <= in->room)
		return;
	free(in->data);
	in->data = alloc_array(size, 1);
	in->room = size;
}

static int read_data(struct archive_in *in, size_t size)
{
	size_t at = 0;

	in->quota = size + HEADERS_MAX;
	make_room(in, size + 1);
	while (at < size) {
		la_ssize_t n =
			LIB(archive_read_data)(in->handle, in->data + at, size - at);

		if (n < 0)
			return cut_off(in);
		if (n == 0)
			return refuse(in, "it is shorter than its manifest says");
		at += (size_t)n;
	}
	return 0;
}

/* Returns the member's extended attribute of that name, or NULL. */
static const char *find_attribute(
	const struct archive_in *in, const char *wanted, size_t *ret_size)
{
	const char *name;
	const void *value;

	LIB(archive_entry_xattr_reset)(in->entry);
	while (LIB(archive_entry_xattr_next)(in->entry, &name, &value, ret_size) ==
		ARCHIVE_OK)
		if (strcmp(name, wanted) == 0)
			return value;
	return NULL;
}

/* Reads the identity that came with the member. */
static void read_identity(struct archive_in *in)
{
	size_t size;
	const char *value = find_attribute(in, ARCHIVE_SOURCE, &size);

	in->member.identity = NULL;
	if (!value)
		return;
	snprintf(in->identity_text, sizeof in->identity_text, "%.*s", (int)size, value);
	if (neutral_scan(in->identity_text, &in->identity))
		in->member.identity = &in->identity;
}

/* Returns true if the member's digest is that of its data and identity. */
static bool has_its_digest(struct archive_in *in, const void *data, size_t size)
{
	char hex[2 * DIGEST_SIZE];
	size_t length;
	const char *value = find_attribute(in, ARCHIVE_DIGEST, &length);

	if (!value) /* only a link without an identity has no digest */
		return !data && !in->member.identity;
	archive_digest(data, size, in->member.identity ? in->identity_text : NULL, hex);
	return length == sizeof hex && memcmp(value, hex, length) == 0;
}

/* --- the manifest --------------------------------------------------------------------*/

/* As archive_out writes it. A newer version appends its additions, and raises a number
 * when it changes something. */
#define MANIFEST                                                             \
	" { \"schema\" : \"pycstash.archive/%9u\" , \"layout\" : \"v%9u\" ," \
	" \"files\" : %19[0-9] , \"bytes\" : %19[0-9]"

struct manifest_versions {
	unsigned schema, layout;
};

/* Returns true if the manifest has all of these. Versions that it lacks are left
 * unchanged. */
static bool scan_manifest(const char *text, struct manifest_versions *versions,
	struct archive_manifest *manifest)
{
	char files[20] = "", bytes[20] = "";
	int values = sscanf(
		text, MANIFEST, &versions->schema, &versions->layout, files, bytes);

	manifest->files = strtoull(files, NULL, 10);
	manifest->bytes = strtoull(bytes, NULL, 10);
	return values == 4;
}

static int take_manifest(struct archive_in *in, const char *text, uint64_t packed)
{
	struct archive_manifest *manifest = &in->manifest;
	const unsigned ours = (unsigned)strtoul(&CACHE_LAYOUT[1], NULL, 10);
	struct manifest_versions versions = { 0, 0 };
	const bool whole = scan_manifest(text, &versions, manifest);

	/* first of all: a newer version may change everything below */
	if (versions.schema > 1 || versions.layout > ours)
		return refuse(in, INSPECT_NEWER "; import it with that");
	if (!has_its_digest(in, in->data, in->member.size))
		return refuse(in, "it is damaged");
	if (versions.schema != 1 || versions.layout != ours)
		return refuse(in, "this is not the manifest of an archive");
	if (!whole)
		return refuse(in, "its manifest is not complete");
	if (archive_is_bomb(manifest->bytes, packed)) {
		complain(in->name,
			"refused: it would unpack to %s, far too much for an archive of its size",
			units_size(manifest->bytes));
		return -EPERM;
	}
	return 0;
}

static int read_manifest(struct archive_in *in, uint64_t packed)
{
	const char *path;
	int64_t size;
	int r = next_header(in);

	path = r > 0 ? LIB(archive_entry_pathname)(in->entry) : NULL;
	if (!path || strcmp(path, ARCHIVE_MANIFEST) != 0 ||
		LIB(archive_entry_filetype)(in->entry) != AE_IFREG)
		return unreadable(in);
	size = LIB(archive_entry_size)(in->entry);
	if (size <= 0 || size > ARCHIVE_MANIFEST_MAX)
		return refuse(in, "it is too large");
	in->member.size = (size_t)size;
	r = read_data(in, in->member.size);
	if (r < 0)
		return r == -EBADMSG ? unreadable(in) : r;
	in->data[size] = '\0';
	in->manifest_text = alloc_copy((const char *)in->data);
	return take_manifest(in, in->manifest_text, packed);
}

/* Gives libarchive the next bytes of the tar file, if it may have any. */
static la_ssize_t read_block(struct archive *handle, void *context, const void **ret)
{
	struct archive_in *in = context;
	la_int64_t offset;
	size_t size = 0;
	int r;

	if (in->quota == 0) {
		LIB(archive_set_error)(handle, EFBIG, "Header too large");
		return -1;
	}
	r = LIB(archive_read_data_block)(in->packed, ret, &size, &offset);
	if (r != ARCHIVE_OK && r != ARCHIVE_EOF) {
		const char *why = LIB(archive_error_string)(in->packed);

		LIB(archive_set_error)(handle, EIO, "%s", why ? why : strerror(EIO));
		return -1;
	}
	in->quota -= size < in->quota ? size : in->quota;
	return (la_ssize_t)size;
}

/* Unpacks zstd, once. With archive_read_support_filter_zstd, libarchive would unpack it
 * as often as it finds zstd in the result: a few layers give nothing, after hours. */
static bool is_unpacked(const struct archive_in *in, int fd)
{
	static const uint8_t magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	uint8_t bytes[sizeof magic];

	return pread(fd, bytes, sizeof bytes, 0) != sizeof bytes ||
	       memcmp(bytes, magic, sizeof magic) != 0 ||
	       LIB(archive_read_append_filter)(in->packed, ARCHIVE_FILTER_ZSTD) ==
		       ARCHIVE_OK;
}

int archive_in_begin(struct archive_in *in, const char *name, int fd, uint64_t packed)
{
	int r = shared_library_load(&libarchive);

	*in = (struct archive_in){ .name = name, .part = packed == ARCHIVE_PART };
	if (r < 0)
		return r;
	in->packed = LIB(archive_read_new)();
	in->handle = LIB(archive_read_new)();
	in->entry = LIB(archive_entry_new)();
	if (!in->packed || !in->handle || !in->entry || !is_unpacked(in, fd) ||
		LIB(archive_read_support_format_raw)(in->packed) != ARCHIVE_OK ||
		LIB(archive_read_support_format_tar)(in->handle) != ARCHIVE_OK) {
		complain(name, "libarchive cannot read it");
		return -ENOSYS;
	}
	in->quota = HEADERS_MAX;
	if (LIB(archive_read_open_fd)(in->packed, fd, BLOCK) != ARCHIVE_OK ||
		LIB(archive_read_next_header2)(in->packed, in->entry) != ARCHIVE_OK ||
		LIB(archive_read_open)(in->handle, in, NULL, read_block, NULL) !=
			ARCHIVE_OK)
		return unreadable(in);
	return read_manifest(in, packed);
}

/* --- members -------------------------------------------------------------------------*/

static bool has_short_names(const char *path)
{
	for (;; path++) {
		size_t len = strcspn(path, "/");

		if (len > NAME_MAX)
			return false;
		path += len;
		if (!*path)
			return true;
	}
}

/* Returns true if path is "v1/…", clean, and short enough for a file name. */
static bool is_plain(const char *path)
{
	char absolute[PATH_MAX];
	size_t len = strlen(path);

	if (strncmp(path, TOP, strlen(TOP)) != 0 || len + 2 > sizeof absolute)
		return false;
	absolute[0] = '/';
	memcpy(absolute + 1, path, len + 1);
	return path_is_clean(absolute, len + 1) && has_short_names(path);
}

/* Splits a copy of the path below the layout folder at its last slash. */
static char *split(const char *path, const char **ret_name)
{
	char *copy = alloc_copy(path), *slash = strrchr(copy, '/');

	if (slash)
		*slash = '\0';
	*ret_name = slash ? slash + 1 : copy;
	return copy;
}

/* Reads where the member belongs. */
static int read_path(struct archive_in *in)
{
	const char *path = LIB(archive_entry_pathname)(in->entry);
	struct archive_member *member = &in->member;

	if (!path)
		return refuse(in, "it has a member without a name");
	if (!is_plain(path))
		return refuse(in,
			"this name leads out of the cache, or is not a name in a cache");
	free(in->before);
	in->before = in->path;
	in->path = split(path + strlen(TOP), &member->name);
	member->dir = in->path;
	in->item = layout_parse(member->dir, member->name);
	if (in->item.kind != LAYOUT_ENTRY && in->item.kind != LAYOUT_OBJECT &&
		in->item.kind != LAYOUT_PROGRAMS)
		return refuse(in, "this is not a name in a cache");
	if (in->before && archive_compare(in->before, in->before + strlen(in->before) + 1,
				  member->dir, member->name) >= 0)
		return refuse(in, "it occurs twice, or out of order");
	return 0;
}

static bool is_object_of(
	const struct layout *object, const struct layout *entry, const char *name)
{
	char level;

	return object->kind == LAYOUT_OBJECT && entry->kind == LAYOUT_ENTRY &&
	       object->version_len == entry->version_len &&
	       memcmp(object->version, entry->version, entry->version_len) == 0 &&
	       object_is_shareable(name, strlen(name), entry->pyc.tag, &level) &&
	       level == object->object.level;
}

static int read_link(struct archive_in *in, const char *target)
{
	AUTOFREE char *dir = NULL;
	const char *name;
	struct layout object;

	if (!is_plain(target))
		return refuse(in, "this link leads out of the cache");
	dir = split(target + strlen(TOP), &name);
	free(in->link);
	in->link = alloc_copy(target + strlen(TOP));
	object = layout_parse(dir, name);
	if (!is_object_of(&object, &in->item, in->member.name))
		return refuse(in, "this link does not lead to an object that fits it");
	in->member.link = in->link;
	memcpy(in->seal.digest.bytes, object.object.digest.bytes, DIGEST_SIZE);
	memcpy(in->seal.magic, object.object.magic, sizeof in->seal.magic);
	return 0;
}

/* Reads the kind of the member and its size. */
static int read_kind(struct archive_in *in)
{
	const char *target = LIB(archive_entry_hardlink)(in->entry);
	int64_t size = LIB(archive_entry_size_is_set)(in->entry)
			       ? LIB(archive_entry_size)(in->entry)
			       : 0;

	if (LIB(archive_entry_symlink)(in->entry) ||
		(!target && LIB(archive_entry_filetype)(in->entry) != AE_IFREG))
		return refuse(in, "it is neither a file nor a link to an object");
	if (LIB(archive_entry_perm)(in->entry) & 07000)
		return refuse(
			in, "its mode has the set-user-ID, set-group-ID or sticky bit");
	if (LIB(archive_entry_sparse_count)(in->entry) > 0)
		return refuse(in, "it is sparse");
	if (size < 0 || (uint64_t)size > ARCHIVE_FILE_MAX)
		return refuse(in, "it is too large for bytecode");
	if (target && size > 0)
		return refuse(in, "it is a link, but has content too");
	in->seen.files++;
	in->seen.bytes += (uint64_t)size;
	if (in->seen.files > in->manifest.files || in->seen.bytes > in->manifest.bytes)
		return refuse(in, "there is more in the archive than its manifest says");
	in->member.size = (size_t)size;
	return target ? read_link(in, target) : 0;
}

/* Puts the data into a file in memory, so that it can be judged like a file of the
 * cache. */
static int check_data(struct archive_in *in)
{
	AUTOCLOSE int fd = -1;
	struct pyc_state state;

	if (!has_its_digest(in, in->data, in->member.size)) {
		in->damage = "its bytes are not those that were archived";
		return 0;
	}
	fd = memfd_create("pycstash", MFD_CLOEXEC);
	if (fd < 0 || write(fd, in->data, in->member.size) != (ssize_t)in->member.size) {
		complain(in->name, "%s", strerror(errno));
		return -EIO;
	}
	state = archive_state(&in->item, state_of(&in->item, fd, "", STATE_WHOLE));
	if (state.state == STATE_UNKNOWN) {
		complain(in->name, "%s", strerror(-state.error));
		return state.error;
	}
	if (state.state != STATE_FRESH) {
		in->damage = state.why;
		/* the digest is right, so this number was archived and is not damage */
		in->newer = seal_format(in->data, in->member.size) > SEAL_VERSION;
	}
	in->seal = state.seal;
	return 0;
}

int archive_in_next(struct archive_in *in)
{
	int r = next_header(in);

	if (r <= 0)
		return r;
	in->member.link = NULL;
	in->member.data = NULL;
	in->damage = NULL;
	in->newer = false;
	in->seal = (struct seal){ 0 };
	read_identity(in);
	r = read_path(in);
	if (r == 0)
		r = read_kind(in);
	if (r == 0 && !in->member.link)
		r = read_data(in, in->member.size);
	if (r == 0 && !in->member.link) {
		in->member.data = in->data;
		r = check_data(in);
	} else if (r == 0 && !has_its_digest(in, NULL, 0)) {
		in->damage = "its identity is not the one that was archived";
	}
	return r < 0 ? r : 1;
}

void archive_in_release(struct archive_in *in)
{
	if (in->entry)
		LIB(archive_entry_free)(in->entry);
	if (in->handle)
		LIB(archive_read_free)(in->handle);
	if (in->packed)
		LIB(archive_read_free)(in->packed);
	free(in->manifest_text);
	free(in->path);
	free(in->before);
	free(in->link);
	free(in->data);
	*in = (struct archive_in){ 0 };
}
