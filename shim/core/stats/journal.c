/* SPDX-License-Identifier: MIT */
#include "shim/core/stats/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "shim/core/proof/seal.h"

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
	for (size_t at = 0; at + sizeof *ret <= size; at++) {
		const uint8_t *next = memchr(data + at, magic[0], size - at);

		if (!next || (at = (size_t)(next - data)) + sizeof *ret > size)
			break;
		memcpy(ret, next, sizeof *ret);
		if (is_whole(ret))
			return at + sizeof *ret;
	}
	return 0;
}

/* Returns the offset in a journal with that stat at which reading begins. */
static off_t begin_of(const struct stat *st)
{
	return st->st_size > JOURNAL_READ_MOST ? st->st_size - JOURNAL_READ_MOST : 0;
}

/* Opens the journal for appending. Neither follows a link nor waits for a pipe: in such
 * cases there is no journal. */
static int open_journal(const struct sys *sys, int dirfd, const char *path, int create)
{
	return sys->openat(dirfd, path,
		O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
			create,
		0600);
}

/* The process's umask may have removed our own rights. */
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
	fd = open_journal(sys, AT_FDCWD, path, O_CREAT);
	if (fd >= 0)
		(void)sys->fchmodat(AT_FDCWD, path, 0600);
	return fd;
}

/* --- folding -------------------------------------------------------------------------*/

#define HOUR INT64_C(3600000000000)

/* Seconds after which a process that has taken records to fold them counts as dead. */
#define FORGOTTEN 60

struct folding {
	struct journal_record sums[JOURNAL_SUMS], next;
	size_t count;
	uint8_t data[JOURNAL_MOST];
};

static bool takes(const struct journal_record *sum, const struct journal_record *more)
{
	for (size_t i = 0; i < VERDICT_ROOM; i++)
		if (more->counts[i] > UINT32_MAX - sum->counts[i])
			return false;
	return strcmp(sum->version, more->version) == 0;
}

static void add_to(struct journal_record *sum, const struct journal_record *more)
{
	if (more->begin < sum->begin)
		sum->begin = more->begin;
	if (more->end > sum->end)
		sum->end = more->end;
	sum->processes += more->processes;
	sum->extent.entries += more->extent.entries;
	sum->extent.objects += more->extent.objects;
	sum->extent.bytes += more->extent.bytes;
	sum->extent.disk += more->extent.disk;
	sum->extent.shared += more->extent.shared;
	for (size_t i = 0; i < VERDICT_ROOM; i++)
		sum->counts[i] += more->counts[i];
}

static void add_record(struct folding *folding, const struct journal_record *record)
{
	struct journal_record *rest = NULL;

	if (record->kind != JOURNAL_PROCESS)
		return;
	for (size_t i = folding->count; i > 0; i--) {
		struct journal_record *sum = &folding->sums[i - 1];

		if (!takes(sum, record))
			continue;
		if (sum->end / HOUR == record->end / HOUR) {
			add_to(sum, record);
			return;
		}
		rest = rest ? rest : sum;
	}
	if (folding->count < JOURNAL_SUMS)
		folding->sums[folding->count++] = *record;
	else if (rest)
		add_to(rest, record);
}

static void read_records(struct folding *folding, const struct sys *sys, int fd)
{
	struct journal_record *next = &folding->next;
	size_t kept = 0, at, used;
	struct stat st = { .st_size = 0 };
	off_t from;
	ssize_t n;

	(void)sys->fstatat(fd, "", &st, AT_EMPTY_PATH);
	from = begin_of(&st);
	folding->count = 0;
	while ((n = sys->pread(fd, folding->data + kept, sizeof folding->data - kept,
			from)) > 0) {
		from += n;
		kept += (size_t)n;
		for (at = 0;
			(used = journal_next(folding->data + at, kept - at, next)) > 0;
			at += used)
			add_record(folding, next);
		if (kept - at >= sizeof *next) /* no whole record begins before this */
			at = kept - sizeof *next + 1;
		kept -= at;
		memmove(folding->data, folding->data + at, kept);
	}
}

static void write_sums(struct folding *folding, const struct sys *sys, int state)
{
	int fd = open_journal(sys, state, JOURNAL_NAME, O_CREAT);

	if (fd < 0)
		return;
	for (size_t i = 0; i < folding->count; i++) {
		folding->sums[i].pid = 0;
		journal_finish(&folding->sums[i]);
	}
	if (folding->count)
		(void)sys->append(
			fd, folding->sums, folding->count * sizeof *folding->sums);
	sys->close(fd);
}

/* Closes the file before deleting it: NFS would otherwise keep it under a different
 * name. */
static void fold(const struct sys *sys, int state)
{
	int fd = sys->openat(
		state, JOURNAL_OLD, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
	struct folding *folding = fd < 0 ? NULL : sys->map(sizeof *folding);

	if (folding) {
		read_records(folding, sys, fd);
		write_sums(folding, sys, state);
		sys->unmap(folding, sizeof *folding);
	}
	if (fd >= 0)
		sys->close(fd);
	(void)sys->unlinkat(state, JOURNAL_OLD, 0);
}

/* Renames without replacing a file, if the file system can: another process, whose record
 * passed the next mark, may be doing the same. */
static int rename_in(const struct sys *sys, int state, const char *from, const char *to)
{
	int err = sys->rename_new(state, from, state, to);

	return err == -EINVAL || err == -ENOSYS ? sys->renameat(state, from, state, to)
						: err;
}

/* Returns whether records that were taken to be folded are still there because their
 * process has died. (A rename updates the ctime.) */
static bool is_forgotten(const struct sys *sys, int state)
{
	struct timespec now;
	struct stat st;

	sys->clock(&now);
	return sys->fstatat(state, JOURNAL_OLD, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       now.tv_sec - st.st_ctim.tv_sec > FORGOTTEN;
}

/* Sets the journal aside. The file set aside earlier is first renamed to a name of its
 * own: the process that has renamed it, this one or the command, is the one to fold it.
 * If another process is already folding, the journal grows until its next mark. */
static void turn(const struct sys *sys, const char *state_path)
{
	int state =
		sys->openat(AT_FDCWD, state_path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	int err;

	if (state < 0)
		return;
	err = rename_in(sys, state, JOURNAL_FULL, JOURNAL_OLD);
	if (err == -EEXIST && is_forgotten(sys, state))
		err = sys->renameat(state, JOURNAL_FULL, state, JOURNAL_OLD);
	(void)rename_in(sys, state, JOURNAL_NAME, JOURNAL_FULL);
	if (err == 0)
		fold(sys, state);
	sys->close(state);
}

static bool passes_mark(off_t end)
{
	return end / JOURNAL_MOST >
	       (end - (off_t)sizeof(struct journal_record)) / JOURNAL_MOST;
}

int journal_append(const struct sys *sys, char *path, size_t root_len, size_t path_size,
	const struct journal_record *record)
{
	struct text text = { .data = path, .size = path_size, .len = root_len };
	size_t state_len;
	off_t end;
	int fd;

	text_adds(&text, "/" CACHE_LAYOUT "/" JOURNAL_STATE);
	state_len = text.len;
	text_adds(&text, "/" JOURNAL_NAME);
	if (text.cut)
		return -ENAMETOOLONG;
	fd = open_journal(sys, AT_FDCWD, path, 0);
	if (fd == -ENOENT)
		fd = make_journal(sys, path, state_len);
	if (fd < 0)
		return fd;
	end = sys->append(fd, record, sizeof *record);
	sys->close(fd);
	if (end >= 0 && passes_mark(end)) {
		path[state_len] = '\0';
		turn(sys, path);
	}
	return end < 0 ? (int)end : 0;
}
