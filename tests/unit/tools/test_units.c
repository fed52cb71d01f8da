/* SPDX-License-Identifier: MIT
 *
 * Sizes, ages and times: what people may write, and what they are shown.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/base/units.h"

#define NOW INT64_C(1785571200) /* 2026-08-01T08:00:00Z */

/* clang-format off: a row a line */
static const struct size_row {
	const char *sentence, *text;
	int error;
	uint64_t want;
} sizes[] = {
	{ "a size without a unit is a number of bytes", "4096", 0, 4096 },
	{ "0 is a size", "0", 0, 0 },
	{ "K in a size means 1024 bytes", "3K", 0, 3072 },
	{ "the unit of a size may be a small letter", "3k", 0, 3072 },
	{ "G in a size means 1024 * 1024 * 1024 bytes", "2G", 0, UINT64_C(2) << 30 },
	{ "the unit of a size may be followed by iB", "2GiB", 0, UINT64_C(2) << 30 },
	{ "a size with a unit may have a fraction", "1.5K", 0, 1536 },
	{ "a size whose fraction is not a whole number of bytes is rounded down",
		"1.0001K", 0, 1024 },
	{ "E is the largest unit of a size", "15E", 0, UINT64_C(15) << 60 },
	{ "the largest number of 64 bits is a size", "18446744073709551615", 0,
		UINT64_MAX },
	{ "a size of one byte more than 64 bits can hold is out of range",
		"18446744073709551616", -ERANGE, 0 },
	{ "a size is out of range if its unit makes it too large", "16E", -ERANGE, 0 },
	{ "a number too large for its unit is out of range, with a fraction as well",
		"18446744073709551615.5K", -ERANGE, 0 },
	{ "an empty word is refused as a size", "", -EINVAL, 0 },
	{ "a minus sign before a size is refused", "-1", -EINVAL, 0 },
	{ "a plus sign before a size is refused", "+1", -EINVAL, 0 },
	{ "a blank before a size is refused", " 1", -EINVAL, 0 },
	{ "a unit without a number is refused as a size", "G", -EINVAL, 0 },
	{ "a size in powers of 1000 (2GB) is refused", "2GB", -EINVAL, 0 },
	{ "a fraction of a byte is refused as a size", "1.5", -EINVAL, 0 },
	{ "a size with a point but no digit after it is refused", "1.K", -EINVAL, 0 },
	{ "a size with something behind its unit is refused", "1Kx", -EINVAL, 0 },
	{ "a hexadecimal size is refused", "0x10", -EINVAL, 0 },
	{ "a size with iB but no unit letter is refused", "1iB", -EINVAL, 0 },
};

static const struct age_row {
	const char *sentence, *text;
	int error;
	int64_t want;
} ages[] = {
	{ "s in an age means seconds", "45s", 0, 45 },
	{ "m in an age means minutes", "90m", 0, 5400 },
	{ "h in an age means hours", "12h", 0, 43200 },
	{ "d in an age means days", "30d", 0, 2592000 },
	{ "w in an age means weeks", "2w", 0, 1209600 },
	{ "y in an age means years of 365 days", "1y", 0, 31536000 },
	{ "0s is an age", "0s", 0, 0 },
	{ "an age without a unit is refused", "30", -EINVAL, 0 },
	{ "a unit without a number is refused as an age", "d", -EINVAL, 0 },
	{ "an age with an unknown unit is refused", "3x", -EINVAL, 0 },
	{ "an age with two letters behind its number is refused", "3da", -EINVAL, 0 },
	{ "an age with a sign is refused", "-3d", -EINVAL, 0 },
	{ "an age is out of range if its unit makes it too large", "9223372036854775807m",
		-ERANGE, 0 },
	{ "an age whose number is too large is out of range", "99999999999999999999s",
		-ERANGE, 0 },
};

static const struct age_row times[] = {
	{ "a date means midnight in local time", "2026-08-01", 0, NOW - 36000 },
	{ "a date may be followed by an hour and minutes in local time",
		"2026-08-01T10:00", 0, NOW },
	{ "a time of day may have seconds", "2026-08-01T10:00:07", 0, NOW + 7 },
	{ "a time that ends in Z is in UTC", "2026-08-01T08:00:00Z", 0, NOW },
	{ "a time in UTC may lack seconds", "2026-08-01T08:00Z", 0, NOW },
	{ "a time may be @ and a number of seconds since 1970", "@1785571200", 0, NOW },
	{ "an age as a time means that long ago", "1h", 0, NOW - 3600 },
	{ "the 29th of February of a leap year is a date", "2024-02-29T02:00", 0,
		1709164800 },
	{ "the 29th of February of any other year is refused", "2026-02-29", -EINVAL, 0 },
	{ "the 31st of April is refused", "2026-04-31", -EINVAL, 0 },
	{ "a 13th month is refused", "2026-13-01", -EINVAL, 0 },
	{ "a date with a Z but no time of day is refused", "2026-08-01Z", -EINVAL, 0 },
	{ "a time with something behind it is refused", "2026-08-01T10:00x", -EINVAL, 0 },
	{ "a plain number is refused as a time", "1785571200", -EINVAL, 0 },
	{ "@ without a number is refused as a time", "@", -EINVAL, 0 },
	{ "@ and a number with something behind it is refused as a time", "@12x", -EINVAL,
		0 },
	{ "@ and a number that is too large is out of range", "@9223372036854775808",
		-ERANGE, 0 },
	{ "a blank before a time is refused", " 2026-08-01", -EINVAL, 0 },
	{ "an empty word is refused as a time", "", -EINVAL, 0 },
};

static const struct text_row {
	const char *sentence;
	uint64_t number;
	const char *want;
} shown_sizes[] = {
	{ "a size of less than 1K is shown in bytes", 512, "512" },
	{ "a size of 1023 bytes is shown in bytes", 1023, "1023" },
	{ "a size of 1024 bytes is shown as 1.0K", 1024, "1.0K" },
	{ "a size of less than ten units is shown with one digit after the point", 1536,
		"1.5K" },
	{ "a size that rounds to ten units is shown without a fraction", 10199, "10K" },
	{ "a size of more than ten units is shown without a fraction", 20480, "20K" },
	{ "a size of almost a mebibyte is shown as 1.0M, not as 1024K", 1048575, "1.0M" },
	{ "gibibytes are shown with the letter G", UINT64_C(1503238553), "1.4G" },
	{ "the largest size of 64 bits is shown as 16E", UINT64_MAX, "16E" },
}, shown_ages[] = {
	{ "an age of less than a minute is shown in seconds", 59, "59s" },
	{ "an age of a minute is shown in minutes", 60, "1m" },
	{ "an age of less than two days is shown in hours", 172799, "47h" },
	{ "an age of less than two years is shown in days", 172800, "2d" },
	{ "an age of two years is shown in years", 63072000, "2y" },
	{ "an age of less than nothing, of a time in the future, is shown as 0s",
		(uint64_t)-5, "0s" },
}, shown_times[] = {
	{ "a time is shown in UTC with its seconds", NOW, "2026-08-01T08:00:00Z" },
	{ "the start of 1970 is shown as a date", 0, "1970-01-01T00:00:00Z" },
	{ "a time before 1970 is shown as a date", (uint64_t)-1, "1969-12-31T23:59:59Z" },
	{ "a time too large for a date, from a damaged field, is shown as @ and the number",
		INT64_MAX, "@9223372036854775807" },
}, shown_counts[] = {
	{ "a count of nothing is shown as 0", 0, "0" },
	{ "a count of three digits is shown as it is", 204, "204" },
	{ "a count of four digits has a blank before the last three", 1204, "1 204" },
	{ "a count of seven digits has a blank before each three", 1204551, "1 204 551" },
	{ "the largest count of 64 bits is shown in groups of three digits", UINT64_MAX,
		"18 446 744 073 709 551 615" },
};
/* clang-format on */

static void reads_a_size(void **state)
{
	const struct size_row *row = *state;
	uint64_t got = 77;

	assert_int_equal(units_read_size(row->text, &got), row->error);
	assert_int_equal(got, row->error ? 77 : row->want);
}

static void reads_an_age(void **state)
{
	const struct age_row *row = *state;
	int64_t got = 77;

	assert_int_equal(units_read_age(row->text, &got), row->error);
	assert_int_equal(got, row->error ? 77 : row->want);
}

static void reads_a_time(void **state)
{
	const struct age_row *row = *state;
	int64_t got = 77;

	assert_int_equal(units_read_time(row->text, NOW, &got), row->error);
	assert_int_equal(got, row->error ? 77 : row->want);
}

static void shows_a_size(void **state)
{
	const struct text_row *row = *state;

	assert_string_equal(units_size(row->number), row->want);
	assert_true(strlen(row->want) <= 6);
}

static void shows_an_age(void **state)
{
	const struct text_row *row = *state;

	assert_string_equal(units_age((int64_t)row->number), row->want);
}

static void shows_a_time(void **state)
{
	const struct text_row *row = *state;

	assert_string_equal(units_time((int64_t)row->number), row->want);
}

static void shows_a_count(void **state)
{
	const struct text_row *row = *state;

	assert_string_equal(units_count(row->number), row->want);
}

int main(void)
{
	setenv("TZ", "EET-2", 1); /* two hours ahead of UTC */
	tzset();
	unit_rows(reads_a_size, sizes);
	unit_rows(reads_an_age, ages);
	unit_rows(reads_a_time, times);
	unit_rows(shows_a_size, shown_sizes);
	unit_rows(shows_an_age, shown_ages);
	unit_rows(shows_a_time, shown_times);
	unit_rows(shows_a_count, shown_counts);
	return unit_run("units");
}
