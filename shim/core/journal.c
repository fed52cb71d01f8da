/* SPDX-License-Identifier: MIT */
#include "shim/core/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/config.h"
#include "shim/core/seal.h"
#include "shim/core/text.h"

static const uint8_t magic[8] = { 'p', 'y', 'c', 'c', 'o', 'u', 'n', 't' };

static uint64_t checksum(const struct journal_record *record)
{
	return seal_checksum(record, offsetof(struct journal_record, checksum), 0);
}

void journal_finish(struct journal_record *record)
{
	memcpy(record->magic, magic, sizeof magic);
	record->format = JOURNAL_FORMAT;
	record->checksum = checksum(record);
}

static bool is_whole(const struct journal_record *record)
{
	return memcmp(record->magic, magic, sizeof magic) == 0 &&
	       record->format == JOURNAL_FORMAT && record->checksum == checksum(record) &&
	       memchr(record->version, '\0', sizeof record->version);
}

size_t journal_next(const uint8_t *data, size_t size, struct journal_record *ret)
{
	struct journal_record record;

	for (size_t at = 0; at + sizeof record <= size; at++) {
		const uint8_t *next = memchr(data + at, magic[0], size - at);

		if (!next || (at = (size_t)(next - data)) + sizeof record > size)
			break;
		memcpy(&record, next, sizeof record);
		if (is_whole(&record)) {
			*ret = record;
			return at + sizeof record;
		}
	}
	return 0;
}

/* Opens the journal to append. Not the file that a link leads to, and not a pipe that
 * would be waited for: whatever is wrong, there is no journal then. */
static int open_journal(const struct sys *sys, const char *path, int create)
{
	return sys->openat(AT_FDCWD, path,
		O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
			create,
		0600);
}

/* The process's umask may have taken away our own rights. */
static int make_state(const struct sys *sys, const char *path)
{
	int err = sys->mkdirat(AT_FDCWD, path, 0700);

	return err == 0 ? sys->fchmodat(AT_FDCWD, path, 0700) : err;
}

static int make_journal(const struct sys *sys, char *path, size_t state_len)
{
	int fd, err;

	path[state_len] = '\0';
	err = make_state(sys, path);
	path[state_len] = '/';
	if (err < 0 && err != -EEXIST)
		return err;
	fd = open_journal(sys, path, O_CREAT);
	if (fd >= 0)
		(void)sys->fchmodat(AT_FDCWD, path, 0600);
	return fd;
}

/* Exactly one process is the one whose record passes the mark, so that nobody puts a
 * fresh journal over the full one. */
static bool passes_mark(off_t end)
{
	return end / JOURNAL_MOST >
	       (end - (off_t)sizeof(struct journal_record)) / JOURNAL_MOST;
}

int journal_append(const struct sys *sys, char *path, size_t root_len, size_t path_size,
	const struct journal_record *record)
{
	struct text text = { .data = path, .size = path_size, .len = root_len }, full;
	size_t state_len;
	off_t end;
	int fd;

	text_adds(&text, "/" CACHE_LAYOUT "/" JOURNAL_STATE);
	state_len = text.len;
	text_adds(&text, "/" JOURNAL_NAME);
	full = (struct text){ .data = path + text.len + 1,
		.size = path_size - text.len - 1 };
	text_add(&full, path, state_len);
	text_adds(&full, "/" JOURNAL_FULL);
	if (text.cut || full.cut)
		return -ENAMETOOLONG;
	fd = open_journal(sys, path, 0);
	if (fd == -ENOENT)
		fd = make_journal(sys, path, state_len);
	if (fd < 0)
		return fd;
	end = sys->append(fd, record, sizeof *record);
	sys->close(fd);
	if (end >= 0 && passes_mark(end))
		(void)sys->renameat(AT_FDCWD, path, AT_FDCWD, full.data);
	return end < 0 ? (int)end : 0;
}
