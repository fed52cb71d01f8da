/* SPDX-License-Identifier: MIT
 *
 * Records of the journal are found again among any bytes.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/fake/fake_journal.h"

/* A journal made of pieces, one for each letter: a whole record (its pid is its place in
 * the row), half a record, noise, zeros, the first bytes of a record, a record with a
 * wrong checksum, one of a different format, and one whose name has no end. */
static const struct row {
	const char *sentence, *pieces;
	unsigned want; /* records */
} rows[] = {
	{ "no record is read from an empty journal", "", 0 },
	{ "a whole record is read", "w", 1 },
	{ "several records are read in order", "www", 3 },
	{ "a record behind half a record is read", "whww", 3 },
	{ "half a record at the end is ignored", "wh", 1 },
	{ "records between noise are read", "nwnnw", 2 },
	{ "a record behind zeros is read", "zzw", 1 },
	{ "records behind the first letters of a record are read", "bwbbw", 2 },
	{ "a record with a wrong checksum is ignored", "wsw", 2 },
	{ "a record of a different format is ignored", "wfw", 2 },
	{ "a record whose name has no end is ignored", "wvw", 2 },
	{ "no record is read from noise", "nnnn", 0 },
};

static size_t put(uint8_t *at, char piece, uint32_t pid)
{
	struct journal_record record = record_of(pid);
	uint64_t seed = pid + 1;

	switch (piece) {
	case 'h':
		memcpy(at, &record, SIZE / 2);
		return SIZE / 2;
	case 'n':
		for (size_t i = 0; i < 333; i++)
			at[i] = (uint8_t)unit_random(&seed, 256);
		return 333;
	case 'z':
		memset(at, 0, 1000);
		return 1000;
	case 'b':
		memcpy(at, "pyccou", 6);
		return 6;
	case 's':
		record.counts[3]++;
		break;
	case 'f':
		record.format++;
		break;
	case 'v':
		memset(record.version, 'x', sizeof record.version);
		journal_finish(&record);
		break;
	default:
		break;
	}
	memcpy(at, &record, SIZE);
	return SIZE;
}

static void reads(void **state)
{
	const struct row *row = *state;
	uint8_t bytes[16 * 1024], *end = bytes;
	struct journal_record record;
	uint32_t wanted[16];
	unsigned found = 0, whole = 0;
	const uint8_t *data;
	size_t used, size;

	for (uint32_t i = 0; row->pieces[i]; i++) {
		end += put(end, row->pieces[i], 100 + i);
		if (row->pieces[i] == 'w')
			wanted[whole++] = 100 + i;
	}
	size = (size_t)(end - bytes);
	data = (const uint8_t *)unit_at_page_end((const char *)bytes, size);
	while ((used = journal_next(data, size, &record)) > 0) {
		assert_in_range(used, SIZE, size);
		assert_int_equal(record.pid, wanted[found++]);
		data += used;
		size -= used;
	}
	assert_int_equal(found, row->want);
}

static void any_bit_that_flips_is_noticed(void **state)
{
	struct journal_record record = record_of(5), got;
	uint8_t bytes[SIZE];

	(void)state;
	for (size_t bit = 0; bit < 8 * SIZE; bit++) {
		memcpy(bytes, &record, SIZE);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(journal_next(bytes, SIZE, &got), 0);
	}
}

int main(void)
{
	unit_rows(reads, rows);
	unit_one("a record with any bit flipped is refused",
		any_bit_that_flips_is_noticed);
	return unit_run("journal_next");
}
