/* SPDX-License-Identifier: MIT
 *
 * Reading a pyc.
 */
#include "tools/pyc/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/entry/entry_file.h"
#include "tools/cache/sys_libc.h"
#include "tools/python/interpreters.h"

/* 3.7 is the first with flags; PyPy's numbers are below all of CPython's. */
#define FIRST_WITH_FLAGS 3392u
#define FIRST_CPYTHON3 3000u
#define FIRST_PYPY_WITH_FLAGS 224u

static int read_all(int fd, struct inspection *ret)
{
	size_t size = (size_t)ret->st.st_size;

	ret->bytes = malloc(size + 1);
	if (!ret->bytes)
		return -ENOMEM;
	while (ret->size < size) {
		ssize_t n = pread(
			fd, ret->bytes + ret->size, size - ret->size, (off_t)ret->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		ret->size += (size_t)n;
	}
	return 0;
}

/* A tag with headers of the same length, where only the magic number tells. */
static const char *tag_of_magic(const uint8_t *bytes, size_t size)
{
	unsigned number = size < 4 ? 0 : interpreters_magic_number(bytes);
	bool has_flags = number >= FIRST_CPYTHON3 ? number >= FIRST_WITH_FLAGS
						  : number >= FIRST_PYPY_WITH_FLAGS;

	return has_flags ? "cpython-37" : "cpython-36";
}

static uint64_t number(const uint8_t *bytes, unsigned size)
{
	uint64_t ret = 0;

	for (unsigned i = 0; i < size; i++)
		ret |= (uint64_t)bytes[i] << 8 * i;
	return ret;
}

static void read_header(struct inspection *ret, const char *tag)
{
	if (!*tag)
		tag = tag_of_magic(ret->bytes, ret->size);
	ret->header_size = header_length(tag);
	ret->header = header_read(tag, ret->bytes, ret->pyc_size);
	if (ret->header.kind == HEADER_BAD || ret->header_size < HEADER_MAX)
		return;
	ret->flags = (uint32_t)number(ret->bytes + 4, 4);
	ret->hash = number(ret->bytes + 8, 8);
}

/* The checksum leaves out the mtime and size of a header, which are patched at times; but
 * they are in the seal, too. */
static const char *compare_seal(const struct inspection *inspection)
{
	const struct seal *seal = &inspection->seal;
	const struct header *header = &inspection->header;

	if (header->kind == HEADER_BAD)
		return NULL; /* said anyway */
	if (!seal_covers(seal, inspection->bytes, inspection->header_size))
		return "not the bytes that were sealed";
	if (memcmp(seal->magic, header->magic, sizeof seal->magic) != 0)
		return "the seal has another magic number";
	if ((header->kind == HEADER_HASH) != !!(seal->flags & SEAL_HASH))
		return "the seal is for another kind of header";
	if (header->kind == HEADER_TIMESTAMP && (seal->flags & SEAL_SOURCE) &&
		(header->mtime != (uint32_t)seal->source.mtime.tv_sec ||
			header->size != (uint32_t)seal->source.size))
		return "the header is not that of the source in the seal";
	return NULL;
}

bool inspect_is_newer(const uint8_t *end, size_t size, uint64_t file_size)
{
	uint8_t as_ours[SEAL_TAIL + SEAL_SIZE];
	struct seal seal;

	if (seal_format(end, size) <= SEAL_VERSION)
		return false;
	if (size < SEAL_SIZE || size > sizeof as_ours)
		return true;
	memcpy(as_ours, end, size);
	/* where docs/seal.md has it, for all formats */
	memcpy(as_ours + size - SEAL_SIZE + 8, (const uint8_t[]){ SEAL_VERSION, 0 }, 2);
	return !seal_read(as_ours, size, file_size, &seal);
}

static void read_seal(struct inspection *ret)
{
	size_t tail =
		ret->size < SEAL_TAIL + SEAL_SIZE ? ret->size : SEAL_TAIL + SEAL_SIZE;

	ret->pyc_size = ret->size;
	ret->sealed = tail > SEAL_SIZE && seal_read(ret->bytes + ret->size - tail, tail,
						  ret->size, &ret->seal);
	if (ret->sealed)
		ret->pyc_size = (size_t)ret->seal.pyc_size;
	else
		ret->newer =
			inspect_is_newer(ret->bytes + ret->size - tail, tail, ret->size);
}

static bool is_marked(int fd)
{
	struct entry_world world = { .sys = &sys_libc, .user = geteuid() };
	struct seal seal;
	struct stat st;

	if (fstat(fd, &st) == 0)
		world.user = st.st_uid;
	return entry_file_check(&world, fd, &seal) == ENTRY_FILE_PROGRAMS_OWN;
}

static int take_apart(int fd, const char *tag, struct inspection *ret)
{
	int r = read_all(fd, ret);

	if (r < 0)
		return r;
	read_seal(ret);
	read_header(ret, tag);
	if (ret->sealed)
		ret->seal_why = compare_seal(ret);
	else
		ret->own = is_marked(fd);
	ret->code_result = -EBADMSG;
	if (ret->header.kind != HEADER_BAD)
		ret->code_result = marshal_read(ret->header.magic,
			ret->bytes + ret->header_size, ret->pyc_size - ret->header_size,
			&ret->code, &ret->code_why);
	return ret->code_result == -ENOMEM ? -ENOMEM : 0;
}

int inspect(int fd, const char *tag, struct inspection *ret)
{
	int r;

	*ret = (struct inspection){ .size = 0 };
	if (fstat(fd, &ret->st) < 0)
		return -errno;
	if (!S_ISREG(ret->st.st_mode))
		return -EINVAL;
	if (ret->st.st_size > INSPECT_LIMIT)
		return -EFBIG;
	r = take_apart(fd, tag, ret);
	if (r < 0)
		inspection_release(ret);
	return r;
}

void inspection_release(struct inspection *inspection)
{
	free(inspection->bytes);
	inspection->bytes = NULL;
}

int inspect_source(
	const char *path, struct stat *ret_st, uint8_t **ret_bytes, size_t *ret_size)
{
	struct inspection whole = { .size = 0 };
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &whole.st) < 0)
		r = -errno;
	else if (!S_ISREG(whole.st.st_mode))
		r = -EINVAL;
	else if (whole.st.st_size > INSPECT_LIMIT)
		r = -EFBIG;
	else
		r = read_all(fd, &whole);
	close(fd);
	*ret_st = whole.st;
	if (r < 0) {
		inspection_release(&whole);
		return r;
	}
	*ret_bytes = whole.bytes;
	*ret_size = whole.size;
	return 0;
}

const char *inspection_fault(const struct inspection *inspection)
{
	if (inspection->header.kind == HEADER_BAD)
		return "no header of a pyc";
	if (inspection->seal_why)
		return inspection->seal_why;
	if (inspection->code_result == -EBADMSG)
		return inspection->code_why;
	if (inspection->code_result == 0 && !inspection->newer &&
		inspection->code.size != inspection->pyc_size - inspection->header_size)
		return "there is something behind the code";
	return NULL;
}

void identity_differences(
	const struct identity *a, const struct identity *b, char buf[64])
{
	const struct {
		const char *name;
		bool differs;
	} fields[] = {
		{ "inode", a->inode != b->inode },
		{ "size", a->size != b->size },
		{ "ctime", a->ctime.tv_sec != b->ctime.tv_sec ||
				   a->ctime.tv_nsec != b->ctime.tv_nsec },
		{ "mtime", a->mtime.tv_sec != b->mtime.tv_sec ||
				   a->mtime.tv_nsec != b->mtime.tv_nsec },
	};
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].differs)
			len += (size_t)snprintf(buf + len, 64 - len, "%s%s",
				len ? ", " : "", fields[i].name);
}
