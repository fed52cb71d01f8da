/* SPDX-License-Identifier: MIT
 *
 * Sizes, ages and times: what people may write, and what they get to read.
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
	{ "size: nothing but digits is bytes", "4096", 0, 4096 },
	{ "size: zero", "0", 0, 0 },
	{ "size: kibibytes", "3K", 0, 3072 },
	{ "size: a small letter", "3k", 0, 3072 },
	{ "size: gibibytes", "2G", 0, UINT64_C(2) << 30 },
	{ "size: with iB behind", "2GiB", 0, UINT64_C(2) << 30 },
	{ "size: a fraction", "1.5K", 0, 1536 },
	{ "size: a fraction that is not a whole byte", "1.0001K", 0, 1024 },
	{ "size: exbibytes", "15E", 0, UINT64_C(15) << 60 },
	{ "size: the largest", "18446744073709551615", 0, UINT64_MAX },
	{ "size: one more than the largest", "18446744073709551616", -ERANGE, 0 },
	{ "size: too large for its unit", "16E", -ERANGE, 0 },
	{ "size: too large by its fraction", "18446744073709551615.5K", -ERANGE, 0 },
	{ "size: an empty word is refused", "", -EINVAL, 0 },
	{ "size: a sign is refused", "-1", -EINVAL, 0 },
	{ "size: a plus sign is refused", "+1", -EINVAL, 0 },
	{ "size: a blank is not a size", " 1", -EINVAL, 0 },
	{ "size: a unit without a number is refused", "G", -EINVAL, 0 },
	{ "size: powers of 1000 are not meant", "2GB", -EINVAL, 0 },
	{ "size: half a byte is refused", "1.5", -EINVAL, 0 },
	{ "size: a point without a fraction is refused", "1.K", -EINVAL, 0 },
	{ "size: something behind it", "1Kx", -EINVAL, 0 },
	{ "size: hexadecimal is refused", "0x10", -EINVAL, 0 },
	{ "size: iB without a unit is refused", "1iB", -EINVAL, 0 },
};

static const struct age_row {
	const char *sentence, *text;
	int error;
	int64_t want;
} ages[] = {
	{ "age: seconds", "45s", 0, 45 },
	{ "age: minutes", "90m", 0, 5400 },
	{ "age: hours", "12h", 0, 43200 },
	{ "age: days", "30d", 0, 2592000 },
	{ "age: weeks", "2w", 0, 1209600 },
	{ "age: years", "1y", 0, 31536000 },
	{ "age: none at all", "0s", 0, 0 },
	{ "age: a number without a unit is refused", "30", -EINVAL, 0 },
	{ "age: a unit without a number", "d", -EINVAL, 0 },
	{ "age: another unit", "3x", -EINVAL, 0 },
	{ "age: two letters", "3da", -EINVAL, 0 },
	{ "age: a sign", "-3d", -EINVAL, 0 },
	{ "age: too large for its unit", "9223372036854775807m", -ERANGE, 0 },
	{ "age: too large", "99999999999999999999s", -ERANGE, 0 },
};

static const struct age_row times[] = {
	{ "time: a date is midnight of the local clock", "2026-08-01", 0, NOW - 36000 },
	{ "time: with an hour", "2026-08-01T10:00", 0, NOW },
	{ "time: with seconds", "2026-08-01T10:00:07", 0, NOW + 7 },
	{ "time: of UTC", "2026-08-01T08:00:00Z", 0, NOW },
	{ "time: of UTC without seconds", "2026-08-01T08:00Z", 0, NOW },
	{ "time: seconds since 1970", "@1785571200", 0, NOW },
	{ "time: an age ago", "1h", 0, NOW - 3600 },
	{ "time: a leap day", "2024-02-29T02:00", 0, 1709164800 },
	{ "time: no leap year", "2026-02-29", -EINVAL, 0 },
	{ "time: no such day", "2026-04-31", -EINVAL, 0 },
	{ "time: no such month", "2026-13-01", -EINVAL, 0 },
	{ "time: a date without a time takes no Z", "2026-08-01Z", -EINVAL, 0 },
	{ "time: something behind it", "2026-08-01T10:00x", -EINVAL, 0 },
	{ "time: a plain number", "1785571200", -EINVAL, 0 },
	{ "time: @ alone", "@", -EINVAL, 0 },
	{ "time: @ and something else", "@12x", -EINVAL, 0 },
	{ "time: @ and too much", "@9223372036854775808", -ERANGE, 0 },
	{ "time: a blank before it", " 2026-08-01", -EINVAL, 0 },
	{ "time: nothing", "", -EINVAL, 0 },
};

static const struct text_row {
	const char *sentence;
	uint64_t number;
	const char *want;
} shown_sizes[] = {
	{ "shown size: bytes", 512, "512" },
	{ "shown size: the most bytes", 1023, "1023" },
	{ "shown size: the first unit", 1024, "1.0K" },
	{ "shown size: a fraction", 1536, "1.5K" },
	{ "shown size: below ten it is rounded up to ten", 10199, "10K" },
	{ "shown size: no fraction above ten", 20480, "20K" },
	{ "shown size: not 1024K", 1048575, "1.0M" },
	{ "shown size: gibibytes", UINT64_C(1503238553), "1.4G" },
	{ "shown size: the largest", UINT64_MAX, "16E" },
}, shown_ages[] = {
	{ "shown age: seconds", 59, "59s" },
	{ "shown age: minutes", 60, "1m" },
	{ "shown age: hours up to two days", 172799, "47h" },
	{ "shown age: days up to two years", 172800, "2d" },
	{ "shown age: years", 63072000, "2y" },
	{ "shown age: of the future", (uint64_t)-5, "0s" },
}, shown_times[] = {
	{ "shown time", NOW, "2026-08-01T08:00:00Z" },
	{ "shown time: 1970", 0, "1970-01-01T00:00:00Z" },
	{ "shown time: before", (uint64_t)-1, "1969-12-31T23:59:59Z" },
	{ "shown time: of a damaged field", INT64_MAX, "@9223372036854775807" },
}, shown_counts[] = {
	{ "shown count: nothing", 0, "0" },
	{ "shown count: three digits", 204, "204" },
	{ "shown count: four digits", 1204, "1 204" },
	{ "shown count: seven digits", 1204551, "1 204 551" },
	{ "shown count: the largest", UINT64_MAX, "18 446 744 073 709 551 615" },
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
