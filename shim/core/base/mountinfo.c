/* SPDX-License-Identifier: MIT */
#include "shim/core/base/mountinfo.h"

#include <fcntl.h>
#include <string.h>

#define FILE_NAME "/proc/self/mountinfo"

/* Longer lines, those of overlays with many layers, are ignored. */
#define ROOM ((size_t)64 << 10)

/* Returns whether the digits from p to end are those of the number. Formatting the number
 * as text would take stack. */
static bool is_number(const char *p, const char *end, uint64_t number)
{
	bool digits = p < end;

	while (digits && end > p) {
		digits = *--end == (char)('0' + number % 10);
		number /= 10;
	}
	return digits && number == 0;
}

/* Returns whether the text is "major:minor", the kernel's form of a st_dev. */
static bool is_device(const char *p, const char *end, dev_t device)
{
	const char *colon = memchr(p, ':', (size_t)(end - p));

	return colon &&
	       is_number(p, colon,
		       (device >> 8 & 0xfff) | (device >> 32 & ~UINT64_C(0xfff))) &&
	       is_number(colon + 1, end, (device & 0xff) | (device >> 12 & 0xffffff00));
}

/* Returns the n-th field after p, counted from 0, and its end. */
static const char *field(const char *p, const char *end, unsigned n, const char **ret_end)
{
	while (p && n-- > 0) {
		p = memchr(p, ' ', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	if (p) {
		*ret_end = memchr(p, ' ', (size_t)(end - p));
		*ret_end = *ret_end ? *ret_end : end;
	}
	return p;
}

static bool is_of_a_server(const char *source, size_t len)
{
	return (len > 2 && memcmp(source, "//", 2) == 0) || memmem(source, len, ":/", 2);
}

/* "36 35 0:45 / /home rw,noatime shared:1 - nfs4 server:/home rw,…" */
static inline __attribute__((always_inline)) uint64_t line_id(
	const char *line, size_t len, dev_t device)
{
	const char *end = line + len, *p, *p_end;
	uint64_t id = 0xcbf29ce484222325; /* FNV-1a */

	p = field(line, end, 2, &p_end);
	if (!p || !is_device(p, p_end, device))
		return 0;
	p = memmem(p, (size_t)(end - p), " - ", 3);
	p = p ? field(p + 3, end, 1, &p_end) : NULL;
	if (!p || !is_of_a_server(p, (size_t)(p_end - p)))
		return 0;
	for (; p < p_end; p++)
		id = (id ^ (unsigned char)*p) * 0x100000001b3;
	return id;
}

uint64_t mountinfo_line_id(const char *line, size_t len, dev_t device)
{
	return line_id(line, len, device);
}

static uint64_t find(const struct sys *sys, int fd, char *room, dev_t device)
{
	size_t kept = 0;
	uint64_t id = 0;
	off_t from = 0;
	ssize_t n;

	while (id == 0 && (n = sys->pread(fd, room + kept, ROOM - kept, from)) > 0) {
		char *line = room, *end = room + kept + n, *feed;

		from += n;
		for (; id == 0 && (feed = memchr(line, '\n', (size_t)(end - line)));
			line = feed + 1)
			id = line_id(line, (size_t)(feed - line), device);
		kept = line == room && end == room + ROOM ? 0 : (size_t)(end - line);
		memmove(room, line, kept);
	}
	return id;
}

uint64_t mountinfo_id(const struct sys *sys, dev_t device)
{
	int fd = sys->openat(AT_FDCWD, FILE_NAME, O_RDONLY | O_CLOEXEC, 0);
	char *room = fd < 0 ? NULL : sys->map(ROOM);
	uint64_t id = 0;

	if (room) {
		id = find(sys, fd, room, device);
		sys->unmap(room, ROOM);
	}
	if (fd >= 0)
		sys->close(fd);
	return id;
}
