/* SPDX-License-Identifier: MIT
 *
 * The files that counters are read from and folded into.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/base/text.h"
#include "tools/base/brief.h"
#include "tools/base/files.h"
#include "tools/base/whole_file.h"
#include "tools/cache/lock.h"
#include "tools/stats/totals.h"

#define TOTALS "totals"

/* A journal of this size, in bytes, is folded. */
#define FOLD_SIZE (32 << 10)
/* How long a process may take between opening the journal and writing to it. */
#define GRACE_SECONDS 60
/* How often reading is repeated because another process folded in the meantime. */
#define TRIES 8

/* --- reading one file ----------------------------------------------------------------*/

static int open_records(int state, const char *name, struct stat *st)
{
	int fd = openat(state, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	err = errno ? -errno : -EINVAL;
	close(fd);
	return err;
}

/* Adds the records in memory. Returns how many bytes are done. */
static size_t add_all(struct totals *counters, const uint8_t *data, size_t size)
{
	const size_t tail = sizeof(struct journal_record) - 1;
	struct journal_record record;
	size_t at = 0, used;

	while ((used = journal_next(data + at, size - at, &record)) > 0) {
		totals_add(counters, &record);
		at += used;
	}
	return size - at > tail ? size - tail : at;
}

static void add_descriptor(struct totals *counters, int fd, off_t at)
{
	enum { CHUNK = 256 * 1024 };
	AUTOFREE uint8_t *data = alloc_array(CHUNK, 1);
	size_t kept = 0, done;
	ssize_t n;

	while ((n = pread(fd, data + kept, CHUNK - kept, at)) > 0) {
		at += n;
		kept += (size_t)n;
		done = add_all(counters, data, kept);
		kept -= done;
		memmove(data, data + done, kept);
	}
}

/* Adds a file. A file that cannot be read counts as empty: a bad journal must not stop
 * anyone. Nor must any number of them: each may take half of what is left. */
static void add_file(struct totals *counters, int state, const char *name)
{
	const off_t most = JOURNAL_READ_MOST - counters->read / 2;
	struct stat st;
	AUTOCLOSE int fd = open_records(state, name, &st);
	off_t size;

	if (fd < 0)
		return;
	size = st.st_size < most ? st.st_size : most;
	counters->read += size;
	add_descriptor(counters, fd, st.st_size - size);
}

/* Adds the totals. Only they have a head. */
static void add_sums(struct totals *counters, int state)
{
	struct journal_record head;
	uint8_t data[sizeof head];
	struct stat st;
	AUTOCLOSE int fd = open_records(state, TOTALS, &st);

	if (fd >= 0 && pread(fd, data, sizeof data, 0) == sizeof data &&
		journal_next(data, sizeof data, &head) && head.kind == JOURNAL_HEAD)
		totals_begin(counters, &head);
	add_file(counters, state, TOTALS);
}

/* --- which files exist ---------------------------------------------------------------*/

static const char *aside_name(uint64_t number)
{
	return brief_format(JOURNAL_NAME ".%" PRIu64, number);
}

static off_t size_of(int state, const char *name)
{
	struct stat st;

	return fstatat(state, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : st.st_size;
}

static bool is_there(int state, uint64_t number)
{
	return size_of(state, aside_name(number)) >= 0;
}

/* --- reading all ---------------------------------------------------------------------*/

/* Identifies the files behind the names: folding replaces one, rotating the other. */
struct picture {
	ino_t totals, journal;
	struct timespec changed;
};

static struct picture take_picture(int state)
{
	struct picture picture;
	struct stat st;

	memset(&picture, 0, sizeof picture); /* padding too: it is compared whole */
	if (fstatat(state, TOTALS, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		picture.totals = st.st_ino;
		picture.changed = st.st_ctim;
	}
	if (fstatat(state, JOURNAL_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0)
		picture.journal = st.st_ino;
	return picture;
}

static void read_once(int state, struct totals *counters)
{
	add_sums(counters, state);
	for (uint64_t n = counters->folded + 1; is_there(state, n); n++)
		add_file(counters, state, aside_name(n));
	add_file(counters, state, JOURNAL_FULL);
	add_file(counters, state, JOURNAL_NAME);
}

int totals_read(const struct cache *cache, int64_t now, struct totals *ret)
{
	AUTOCLOSE int state = cache_openat(cache, JOURNAL_STATE, O_RDONLY | O_DIRECTORY);
	struct picture before, after;

	*ret = (struct totals){ .now = now };
	if (state < 0)
		return state == -ENOENT ? 0 : state;
	for (int i = 0; i < TRIES; i++) {
		*ret = (struct totals){ .now = now };
		before = take_picture(state);
		read_once(state, ret);
		after = take_picture(state);
		if (!memcmp(&before, &after, sizeof before))
			break;
	}
	return 0;
}

void totals_forget_gone(const struct cache *cache, struct totals *counters)
{
	struct stat st;

	for (size_t i = 0; i < counters->sizes.count; i++) {
		struct extent_row *row = &counters->sizes.rows[i];

		if (*row->version &&
			fstatat(cache->fd, row->version, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
			errno == ENOENT)
			row->extent = (struct extent){ 0 };
	}
}

/* --- folding -------------------------------------------------------------------------*/

/* whole_file_publish detects failures. */
static void write_record(FILE *file, struct journal_record record)
{
	journal_finish(&record);
	(void)fwrite(&record, sizeof record, 1, file);
}

static void write_sizes(FILE *file, const struct extents *sizes)
{
	for (size_t i = 0; i < sizes->count; i++) {
		struct journal_record record = { .kind = JOURNAL_EXTENT,
			.extent = sizes->rows[i].extent };

		text_adds(&TEXT(record.version), sizes->rows[i].version);
		write_record(file, record);
	}
}

/* Writes the sums, and merges those that have become older. The caller holds the
 * lock. */
static int write_totals(int state, const struct totals *counters)
{
	struct totals coarser = { .now = counters->now, .zero = counters->zero };
	struct whole_file file;
	int r = whole_file_begin_locked(&file, state, TOTALS, 0600);

	if (r < 0)
		return r;
	write_record(file.out, totals_head(counters));
	for (size_t i = 0; i < counters->count; i++)
		totals_add(&coarser, &counters->rows[i]);
	for (size_t i = 0; i < coarser.count; i++)
		write_record(file.out, coarser.rows[i]);
	write_sizes(file.out, &counters->sizes);
	return whole_file_publish(&file);
}

/* Rotates a journal. Other processes may have it open: their grace time begins now. */
static void put_aside(int state, const char *name, uint64_t number, int64_t now)
{
	const struct timespec at = { .tv_sec = (time_t)(now / CLOCK_SECOND) };
	const char *aside = aside_name(number);

	if (renameat(state, name, state, aside) == 0)
		(void)utimensat(state, aside, (const struct timespec[]){ at, at },
			AT_SYMLINK_NOFOLLOW);
}

/* A time in the future, but for clocks that differ, comes from a wrong one. */
static bool is_quiet(int state, const char *name, int64_t now)
{
	const int64_t seconds = now / CLOCK_SECOND;
	struct stat st;

	return fstatat(state, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (st.st_mtim.tv_sec <= seconds - GRACE_SECONDS ||
		       st.st_mtim.tv_sec >= seconds + GRACE_SECONDS);
}

/* Adds journals that were rotated long enough ago. It stops at the first that was not,
 * since totals only records the last N. */
static void fold_aside(int state, struct totals *counters)
{
	while (is_quiet(state, aside_name(counters->folded + 1), counters->now))
		add_file(counters, state, aside_name(++counters->folded));
}

/* Deletes the journals that were just folded, and those that a killed process left. */
static void drop_folded(int state, uint64_t folded)
{
	while (folded && unlinkat(state, aside_name(folded), 0) == 0)
		folded--;
}

/* What to change in totals, besides folding. */
struct change {
	bool zero;
	int64_t when; /* when gc measured; 0: it did not */
	const struct extents *measured;
};

static void apply(struct totals *counters, const struct change *change)
{
	if (change->zero)
		counters->zero = counters->now;
	if (!change->when)
		return;
	counters->measured = change->when;
	counters->sizes = (struct extents){ 0 };
	for (size_t i = 0; i < change->measured->count; i++) {
		const struct extent_row *row = &change->measured->rows[i];

		*extent_of(&counters->sizes, 0, row->version, strlen(row->version)) =
			row->extent;
	}
}

/* Reads totals, folds what it can, applies the change, and writes totals if anything is
 * new. The caller holds the lock. */
static int with_totals(int state, int64_t now, const struct change *change)
{
	struct totals counters = { .now = now };
	uint64_t before, next;
	int r = 0;

	add_sums(&counters, state);
	before = counters.folded;
	next = before + 1;
	while (is_there(state, next))
		next++;
	if (size_of(state, JOURNAL_FULL) >= 0)
		put_aside(state, JOURNAL_FULL, next++, now);
	/* A change separates earlier records from later ones. Rotating the journal
	 * keeps processes from merging their records across that line. */
	if (size_of(state, JOURNAL_NAME) >= (change ? 1 : FOLD_SIZE))
		put_aside(state, JOURNAL_NAME, next, now);
	fold_aside(state, &counters);
	if (change)
		apply(&counters, change);
	if (change || counters.folded > before)
		r = write_totals(state, &counters);
	if (r == 0)
		drop_folded(state, counters.folded);
	return r;
}

static bool is_due(int state, const struct totals *counters)
{
	return is_there(state, counters->folded + 1) ||
	       (counters->folded && is_there(state, counters->folded)) ||
	       size_of(state, JOURNAL_NAME) >= FOLD_SIZE;
}

int totals_fold(const struct cache *cache, const struct totals *counters)
{
	AUTOCLOSE int state = cache_openat(cache, JOURNAL_STATE, O_RDONLY | O_DIRECTORY);
	AUTOCLOSE int lock = -1;

	if (state < 0)
		return state == -ENOENT ? 0 : state;
	if (!is_due(state, counters))
		return 0;
	lock = lock_take(cache, 0);
	return lock < 0 ? lock : with_totals(state, counters->now, NULL);
}

static int change_totals(
	const struct cache *cache, int64_t now, const struct change *change)
{
	AUTOCLOSE int state = cache_open_private(cache, JOURNAL_STATE);

	return state < 0 ? state : with_totals(state, now, change);
}

int totals_zero(const struct cache *cache, int64_t now)
{
	return change_totals(cache, now, &(struct change){ .zero = true });
}

int totals_rebase(const struct cache *cache, int64_t when, const struct extents *measured)
{
	const struct change change = { .when = when, .measured = measured };

	return change_totals(cache, clock_real(), &change);
}
