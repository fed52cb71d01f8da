/* SPDX-License-Identifier: MIT */
#include "tools/pyc/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shim/core/base/timestamp.h"
#include "tools/base/alloc.h"
#include "tools/cache/sys_libc.h"
#include "tools/python/interpreters.h"

/* Reads size bytes from offset `at`, or as many as there are. Returns their number or
 * -errno. */
static ssize_t read_at(int fd, uint8_t *bytes, size_t size, off_t at)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, bytes + done, size - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int look(int fd, struct inspection *ret)
{
	*ret = (struct inspection){ .sealed = false };
	(void)sys_libc_failure(); /* state.h asks about what follows */
	if (fstat(fd, &ret->st) < 0)
		return -errno;
	return S_ISREG(ret->st.st_mode) ? 0 : -EINVAL;
}

/* Reads a seal. end: the last size bytes of a file of file_size bytes. */
static void read_seal(struct inspection *pyc, int fd, const uint8_t *end, size_t size,
	uint64_t file_size)
{
	pyc->format = seal_format(end, size);
	pyc->sealed = size > SEAL_SIZE && seal_read(end, size, file_size, &pyc->seal);
	pyc->kind =
		entry_file_kind_by_end(&sys_libc, fd, end, size, file_size, &pyc->seal);
	pyc->newer = !pyc->sealed && seal_is_newer(end, size, file_size);
}

int inspect_end(int fd, struct inspection *ret)
{
	uint8_t end[SEAL_TAIL + SEAL_SIZE];
	int r = look(fd, ret);
	uint64_t file_size;
	size_t size;
	ssize_t n;

	if (r < 0)
		return r;
	file_size = (uint64_t)ret->st.st_size;
	size = file_size < sizeof end ? (size_t)file_size : sizeof end;
	n = read_at(fd, end, size, (off_t)(file_size - size));
	if (n < 0)
		return (int)n;
	read_seal(ret, fd, end, (size_t)n, file_size);
	return 0;
}

static uint64_t number(const uint8_t *bytes, unsigned size)
{
	uint64_t ret = 0;

	for (unsigned i = 0; i < size; i++)
		ret |= (uint64_t)bytes[i] << 8 * i;
	return ret;
}

static void read_header(struct inspection *pyc, const char *tag)
{
	if (!*tag && pyc->size >= sizeof pyc->header.magic)
		tag = interpreters_of_magic(pyc->bytes)->tag;
	pyc->header_size = header_length(tag);
	pyc->header = header_read(tag, pyc->bytes, pyc->pyc_size);
	if (pyc->header.kind == HEADER_BAD || pyc->header_size < HEADER_MAX)
		return;
	pyc->flags = (uint32_t)number(pyc->bytes + 4, 4);
	pyc->hash = number(pyc->bytes + 8, 8);
}

enum marshal_end inspect_code_end(const struct inspection *pyc, const char **ret_why)
{
	static const char *const reasons[] = {
		[MARSHAL_CUT] = "its code is truncated",
		[MARSHAL_ODD] = "its code has an object as no code has",
		[MARSHAL_DEEP] = "its code is nested too deep to be loaded safely",
	};
	enum marshal_end end = marshal_end(pyc->header.magic,
		pyc->bytes + pyc->header_size, pyc->pyc_size - pyc->header_size);

	*ret_why = reasons[end];
	return end;
}

static const char *find_fault(const struct inspection *pyc)
{
	const struct seal *seal = &pyc->seal;
	const struct header *header = &pyc->header;
	const char *why;

	if (pyc->sealed && !seal_covers(seal, pyc->bytes, pyc->header_size))
		return "not the bytes that were sealed";
	if (header->kind == HEADER_BAD)
		return "it has no pyc header";
	if (!pyc->sealed)
		return NULL;
	if (inspect_code_end(pyc, &why) == MARSHAL_CUT)
		return why; /* an old release sealed such pycs */
	if ((header->kind == HEADER_HASH) != !!(seal->flags & SEAL_HASH))
		return "the seal is for another kind of header";
	/* The checksum leaves out the mtime and size in the header, because re-sealing
	 * changes them. But re-sealing changes those in the seal too, so they must be
	 * equal. */
	if (header->kind == HEADER_TIMESTAMP && (seal->flags & SEAL_SOURCE) &&
		(header->mtime != (uint32_t)seal->source.mtime.tv_sec ||
			header->size != (uint32_t)seal->source.size))
		return "the header does not fit the source in the seal";
	return NULL;
}

static int read_all(int fd, struct inspection *ret)
{
	size_t size = (size_t)ret->st.st_size;
	ssize_t n;

	ret->bytes = alloc_array(size + 1, 1);
	n = read_at(fd, ret->bytes, size, 0);
	if (n < 0) {
		inspect_release(ret);
		return (int)n;
	}
	ret->size = (size_t)n;
	return 0;
}

int inspect(int fd, const char *tag, struct inspection *ret)
{
	int r = look(fd, ret);
	size_t end;

	if (r == 0 && ret->st.st_size > INSPECT_LIMIT)
		r = -EFBIG;
	if (r == 0)
		r = read_all(fd, ret);
	if (r < 0)
		return r;
	end = ret->size < SEAL_TAIL + SEAL_SIZE ? ret->size : SEAL_TAIL + SEAL_SIZE;
	read_seal(ret, fd, ret->bytes + ret->size - end, end, ret->size);
	ret->pyc_size = ret->sealed ? (size_t)ret->seal.pyc_size : ret->size;
	read_header(ret, tag);
	ret->fault = find_fault(ret);
	return 0;
}

void inspect_release(struct inspection *pyc)
{
	free(pyc->bytes);
	pyc->bytes = NULL;
}

void inspect_differences(const struct identity *a, const struct identity *b, char buf[64])
{
	const struct {
		const char *name;
		bool differs;
	} fields[] = {
		{ "inode", a->inode != b->inode },
		{ "size", a->size != b->size },
		{ "ctime", !timestamp_equal(&a->ctime, &b->ctime) },
		{ "mtime", !timestamp_equal(&a->mtime, &b->mtime) },
	};
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].differs)
			len += (size_t)snprintf(buf + len, 64 - len, "%s%s",
				len ? ", " : "", fields[i].name);
}
