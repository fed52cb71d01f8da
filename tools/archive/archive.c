/* SPDX-License-Identifier: MIT
 *
 * Archives: what goes into one, and writing it.
 */
#include "tools/archive/archive.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "shim/core/proof/source.h"
#include "tools/archive/libarchive.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/cache/sys_libc.h"

#define OPTIONS "zstd:compression-level=9,pax:xattrheader=SCHILY"
/* With several threads, zstd splits the data at unpredictable places. Before version 3.6
 * libarchive uses one thread only and does not have this option. */
#define ONE_THREAD "zstd:threads=1"

struct pyc_state archive_state(const struct layout *item, struct pyc_state state)
{
	if (state.state == STATE_DAMAGED || state.state == STATE_FOREIGN ||
		state.state == STATE_UNKNOWN)
		return state;
	state.state = STATE_UNSEALED;
	state.why = "no source proves it";
	if (item->kind == LAYOUT_PROGRAMS ||
		(state.sealed && seal_is_proven(&state.seal))) {
		state.state = STATE_FRESH;
		state.why = NULL;
	}
	if (state.sealed && (state.seal.flags & SEAL_WRITERS)) {
		state.state = STATE_UNSEALED;
		state.why =
			"others could write to its source when it was compiled, so it is only for that file";
	}
	return state;
}

#define FUSE_MAGIC 0x65735546 /* FUSE_SUPER_MAGIC of newer headers */

/* A group whose members may not do what others may is kept out. */
#define ALL_READ (S_IRGRP | S_IROTH)
#define ALL_ENTER (S_IXGRP | S_IXOTH)

#define OPENED "/proc/self/fd/%d"
#define OPENED_MAX (sizeof OPENED + 3 * sizeof(int))

static bool allows(mode_t mode, mode_t bits)
{
	return (mode & bits) == bits;
}

/* Returns whether the POSIX ACL of a file, if it has one, gives these rights to everybody
 * in it but the owner. The group's bits of the mode are then only the ACL's mask. The
 * descriptor may be of O_PATH, from which fgetxattr reads nothing. */
static bool acl_allows(int fd, mode_t bits)
{
	struct {
		uint32_t version;
		struct {
			uint16_t tag, rights;
			uint32_t id;
		} entries[511];
	} acl;
	const uint16_t owner = htole16(1), needed = htole16(bits & S_IRWXO);
	char path[OPENED_MAX];
	ssize_t size;

	snprintf(path, sizeof path, OPENED, fd);
	size = getxattr(path, "system.posix_acl_access", &acl, sizeof acl);
	if (size < 0)
		return errno == ENODATA || errno == EOPNOTSUPP;
	if (size < (ssize_t)sizeof acl.version || acl.version != htole32(2))
		return false;
	for (size_t i = 0; i < ((size_t)size - sizeof acl.version) / sizeof *acl.entries;
		i++)
		if (acl.entries[i].tag != owner &&
			(acl.entries[i].rights & needed) != needed)
			return false;
	return true;
}

/* Returns whether everybody has the rights of an opened file that are in `bits`. */
static bool all_may(int fd, const struct stat *st, mode_t bits)
{
	return allows(st->st_mode, bits) && acl_allows(fd, bits);
}

/* Returns whether a file is on a FUSE mount without allow_other: the kernel lets
 * nobody but the user who has mounted it look there, whatever the modes say. */
static bool is_on_closed_mount(int fd, dev_t device)
{
	AUTOFCLOSE FILE *mounts = NULL;
	AUTOFREE char *line = NULL;
	unsigned major, minor;
	struct statfs fs;
	const char *type;
	size_t room = 0;

	if (fstatfs(fd, &fs) == 0 && fs.f_type != FUSE_MAGIC)
		return false;
	mounts = fopen("/proc/self/mountinfo", "re");
	while (mounts && getline(&line, &room, mounts) > 0)
		if (sscanf(line, "%*d %*d %u:%u", &major, &minor) == 2 &&
			makedev(major, minor) == device && (type = strstr(line, " - ")))
			return strncmp(type, " - fuse", strlen(" - fuse")) == 0 &&
			       !strstr(strrchr(line, ' '), "allow_other");
	return true;
}

/* Returns whether a directory above the file, as far as they exist, keeps others out. If
 * the file is opened, its path is canonical, and a file that is not found there counts as
 * closed. Each directory is opened in the one above it and judged by its descriptor:
 * between two looks at a path, whoever owns a directory can exchange what is in it. */
static bool is_closed(const char *path, const struct stat *opened)
{
	AUTOFREE char *names = alloc_copy(path);
	int fd = open("/", O_PATH | O_CLOEXEC), above;
	bool closed = false;
	struct stat st;
	char *rest;

	for (char *name = strtok_r(names, "/", &rest); name && fd >= 0 && !closed;
		name = strtok_r(NULL, "/", &rest)) {
		closed = fstat(fd, &st) < 0 || !all_may(fd, &st, ALL_ENTER) ||
			 is_on_closed_mount(fd, st.st_dev);
		above = fd;
		fd = opened ? openat(above, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
			    : follow_find(above, name, 0);
		close(above);
	}
	if (opened && !closed)
		closed = fd < 0 || fstat(fd, &st) < 0 || st.st_dev != opened->st_dev ||
			 st.st_ino != opened->st_ino || is_on_closed_mount(fd, st.st_dev);
	if (fd >= 0)
		close(fd);
	return closed;
}

/* Opens a source without reading it, so that a device or a FIFO does not notice. */
static int open_source(const char *path)
{
	return follow_find(AT_FDCWD, path, 0);
}

static bool is_private(int fd)
{
	AUTOFREE char *real = NULL;
	char opened[OPENED_MAX];
	struct stat st;

	snprintf(opened, sizeof opened, OPENED, fd);
	return file_readlink(opened, &real) < 0 || fstat(fd, &st) < 0 ||
	       !all_may(fd, &st, ALL_READ) || is_closed(real, &st);
}

/* numba's files begin with the name of their source, up to some dot: "m.f-1.py311.nbi".
 * Their modes do not show the source's. */
static bool is_programs_private(const struct layout *item, const char *name, bool unknown)
{
	for (const char *dot = name; (dot = strchr(dot, '.')); dot++) {
		AUTOFREE char *source =
			alloc_format("%.*s/%.*s.py", (int)item->source_dir_len,
				item->source_dir, (int)(dot - name), name);
		AUTOCLOSE int fd = open_source(source);

		if (fd == FOLLOW_FOREIGN || (fd >= 0 && is_private(fd)))
			return true;
		unknown &= fd < 0;
	}
	return unknown;
}

bool archive_is_private(
	const struct layout *item, const char *name, const struct stat *pyc)
{
	static const struct stat none = { .st_mode = ALL_READ };
	char source[PATH_MAX];
	AUTOCLOSE int fd = -1;

	if (item->kind == LAYOUT_PROGRAMS)
		return is_programs_private(item, name, pyc);
	if (!pyc)
		pyc = &none;
	if (!layout_source(item, name, source, sizeof source))
		return !allows(pyc->st_mode, ALL_READ);
	fd = open_source(source);
	if (fd >= 0)
		return is_private(fd);
	return fd == FOLLOW_FOREIGN || file_is_unseen(fd) ||
	       !allows(pyc->st_mode, ALL_READ) || is_closed(source, NULL);
}

/* Returns as archive_is_public does. */
static int has_digest(const char *path, const struct digest *digest)
{
	static struct scratch scratch; /* shared by all threads */
	struct source source = { .dirfd = AT_FDCWD, .path = path };

	int r = source_look(&source, &sys_libc);

	if (r == 0)
		r = source_digest(&source, &sys_libc, &scratch);
	if (r < 0)
		return file_is_unseen(r) ? r : 0;
	return memcmp(&source.digest, digest, sizeof *digest) == 0;
}

int archive_is_public(
	const struct layout *item, const char *name, const struct seal *seal)
{
	char path[PATH_MAX], opened[OPENED_MAX];
	AUTOCLOSE int fd = -ENOENT;

	if (layout_source(item, name, path, sizeof path))
		fd = open_source(path);
	if (fd < 0)
		return file_is_unseen(fd) ? fd : 0;
	snprintf(opened, sizeof opened, OPENED, fd);
	return is_private(fd) ? 0 : has_digest(opened, &seal->digest);
}

int archive_compare(
	const char *a_dir, const char *a_name, const char *b_dir, const char *b_name)
{
	int order = strcmp(a_dir, b_dir);

	return order ? order : strcmp(a_name, b_name);
}

/* Bytecode compresses to about a quarter, but that of large tables to a thousandth or
 * less. So every archive may hold 1 GB. */
#define BOMB_RATIO 200
#define BOMB_SLACK (UINT64_C(1) << 30)

bool archive_is_bomb(uint64_t bytes, uint64_t packed)
{
	return bytes > BOMB_SLACK && (bytes - BOMB_SLACK) / BOMB_RATIO > packed;
}

/* Refuses to write what a reader would refuse. */
static int too_large(const struct archive_out *out, const char *why)
{
	complain(out->name,
		"%s, so no pycstash would read it; `pycstash export` can write it in parts (--path)",
		why);
	return -EFBIG;
}

static int fail(struct archive_out *out)
{
	int error = out->handle ? LIB(archive_errno)(out->handle) : ENOMEM;
	const char *why = out->handle ? LIB(archive_error_string)(out->handle) : NULL;

	/* libarchive's own errors are negative, or have only a text. */
	if (error > 0)
		why = strerror(error);
	complain(out->name, "%s", why ? why : strerror(EIO));
	return error > 0 ? -error : -EIO;
}

/* A warning means that a name is not ASCII and was written as its bytes. */
static bool write_header(struct archive_out *out)
{
	int r = LIB(archive_write_header)(out->handle, out->entry);

	return r == ARCHIVE_OK || r == ARCHIVE_WARN;
}

void archive_digest(
	const void *data, size_t size, const char *identity, char ret[2 * DIGEST_SIZE])
{
	struct digest digest = digest_of(data, size);
	uint8_t both[DIGEST_SIZE + NEUTRAL_TEXT];
	const size_t len = identity ? strlen(identity) : 0;

	if (identity) {
		memcpy(both, digest.bytes, DIGEST_SIZE);
		memcpy(both + DIGEST_SIZE, identity, len);
		digest = digest_of(both, DIGEST_SIZE + len);
	}
	digest_hex(digest.bytes, sizeof digest.bytes, ret);
}

/* Adds the digest and the identity as extended attributes. */
static void add_attributes(
	struct archive_out *out, const void *data, size_t size, const char *identity)
{
	char hex[2 * DIGEST_SIZE];

	archive_digest(data, size, identity, hex);
	LIB(archive_entry_xattr_add_entry)(out->entry, ARCHIVE_DIGEST, hex, sizeof hex);
	if (identity)
		LIB(archive_entry_xattr_add_entry)
	(out->entry, ARCHIVE_SOURCE, identity, strlen(identity));
}

/* Writes a member with its data. path is relative to the top of the archive. */
static int write_file(
	struct archive_out *out, const char *path, const void *data, size_t size)
{
	LIB(archive_entry_set_pathname)(out->entry, path);
	LIB(archive_entry_set_size)(out->entry, (int64_t)size);
	if (!write_header(out) ||
		LIB(archive_write_data)(out->handle, data, size) != (la_ssize_t)size)
		return fail(out);
	return 0;
}

static int write_link(struct archive_out *out, const char *path, const char *target)
{
	LIB(archive_entry_set_pathname)(out->entry, path);
	LIB(archive_entry_set_hardlink)(out->entry, target);
	return write_header(out) ? 0 : fail(out);
}

static void begin_entry(struct archive_out *out)
{
	LIB(archive_entry_clear)(out->entry);
	LIB(archive_entry_set_filetype)(out->entry, AE_IFREG);
	LIB(archive_entry_set_perm)(out->entry, 0644);
	LIB(archive_entry_set_mtime)(out->entry, 0, 0);
}

static void list_objects(struct json *json, const struct archive_manifest *manifest)
{
	json_open(json, "objects", '{');
	for (size_t i = 0; i < manifest->files; i++) {
		const struct archive_object *object = &manifest->objects[i];
		AUTOFREE char *path = alloc_format("%s/%s", object->dir, object->name);

		json_unsigned(json, path, object->size);
	}
	json_close(json);
}

static int write_manifest(
	struct archive_out *out, const struct archive_manifest *manifest)
{
	AUTOFREE char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct json json;

	if (!file)
		alloc_fail();
	json = json_begin(file, "archive", 1);
	json_string(&json, "layout", CACHE_LAYOUT);
	json_unsigned(&json, "files", manifest->files);
	json_unsigned(&json, "bytes", manifest->bytes);
	if (manifest->objects)
		list_objects(&json, manifest);
	json_close(&json);
	if (fclose(file) == EOF)
		alloc_fail();
	if (size > ARCHIVE_MANIFEST_MAX)
		return too_large(out, "it would list too many files");
	begin_entry(out);
	add_attributes(out, text, size, NULL);
	return write_file(out, ARCHIVE_MANIFEST, text, size);
}

int archive_out_begin(struct archive_out *out, const char *name, int fd,
	const struct archive_manifest *manifest)
{
	int r = shared_library_load(&libarchive);

	*out = (struct archive_out){ .name = name, .announced = manifest->bytes };
	if (r < 0)
		return r;
	out->handle = LIB(archive_write_new)();
	out->entry = LIB(archive_entry_new)();
	if (!out->handle || !out->entry ||
		LIB(archive_write_add_filter_zstd)(out->handle) != ARCHIVE_OK ||
		LIB(archive_write_set_format_pax)(out->handle) != ARCHIVE_OK ||
		LIB(archive_write_set_options)(out->handle, OPTIONS) != ARCHIVE_OK)
		return fail(out);
	(void)LIB(archive_write_set_options)(out->handle, ONE_THREAD);
	/* no padding: it would depend on the kind of file that fd is */
	if (LIB(archive_write_set_bytes_in_last_block)(out->handle, 1) != ARCHIVE_OK ||
		LIB(archive_write_open_fd)(out->handle, fd) != ARCHIVE_OK)
		return fail(out);
	return write_manifest(out, manifest);
}

int archive_out_add(struct archive_out *out, const struct archive_member *member)
{
	AUTOFREE char *path =
		alloc_format(CACHE_LAYOUT "/%s/%s", member->dir, member->name);
	AUTOFREE char *target = NULL;
	char identity[NEUTRAL_TEXT];

	if (member->identity)
		neutral_print(member->identity, identity);
	begin_entry(out);
	if (member->identity || !member->link)
		add_attributes(out, member->link ? NULL : member->data,
			member->link ? 0 : member->size,
			member->identity ? identity : NULL);
	if (!member->link)
		return write_file(out, path, member->data, member->size);
	target = alloc_format(CACHE_LAYOUT "/%s", member->link);
	return write_link(out, path, target);
}

int archive_out_finish(struct archive_out *out, uint64_t *ret_bytes)
{
	if (LIB(archive_write_close)(out->handle) != ARCHIVE_OK)
		return fail(out);
	*ret_bytes = (uint64_t)LIB(archive_filter_bytes)(out->handle, -1);
	return archive_is_bomb(out->announced, *ret_bytes)
		       ? too_large(out, "it would unpack to far too much for its size")
		       : 0;
}

void archive_out_release(struct archive_out *out)
{
	if (out->entry)
		LIB(archive_entry_free)(out->entry);
	if (out->handle) {
		/* or freeing the handle would complete a half-written archive */
		LIB(archive_write_fail)(out->handle);
		LIB(archive_write_free)(out->handle);
	}
	*out = (struct archive_out){ 0 };
}
