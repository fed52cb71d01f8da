/* SPDX-License-Identifier: MIT
 *
 * Sizes, ages and times as people write them.
 */
#include "tools/base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/base/brief.h"

#define DAY INT64_C(86400)
#define YEAR (365 * DAY)

static const char size_units[] = "KMGTPE";

static const struct {
	char letter;
	int64_t seconds;
	int64_t below; /* smaller ages are shown in this unit; 0: it is only read */
} age_units[] = {
	{ 's', 1, 60 },
	{ 'm', 60, 3600 },
	{ 'h', 3600, 2 * DAY },
	{ 'd', DAY, 2 * YEAR },
	{ 'w', 7 * DAY, 0 },
	{ 'y', YEAR, INT64_MAX },
};

/* Reads digits, without the blanks and the sign that strtoull would accept. Returns their
 * number, or -ERANGE. */
static int read_digits(const char *text, uint64_t *ret_number)
{
	char *end = (char *)text;

	errno = 0;
	*ret_number = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;
	return errno ? -ERANGE : (int)(end - text);
}

int units_read_number(const char *text, uint64_t *ret_number)
{
	uint64_t number;
	int digits = read_digits(text, &number);

	if (digits <= 0 || text[digits])
		return digits < 0 ? digits : -EINVAL;
	*ret_number = number;
	return 0;
}

/* The exponent of two that a unit stands for; -1 if it is not a unit. */
static int read_size_unit(const char *text)
{
	const char *unit;

	if (!*text)
		return 0;
	unit = strchr(size_units, toupper((unsigned char)*text));
	if (!unit || (text[1] && strcmp(text + 1, "iB") != 0))
		return -1;
	return 10 * (int)(unit - size_units + 1);
}

int units_read_size(const char *text, uint64_t *ret_bytes)
{
	long double fraction = 0, place = 1;
	uint64_t whole, bytes;
	int digits = read_digits(text, &whole), shift;
	const char *p = text + digits;
	bool point = digits > 0 && *p == '.';

	if (digits < 0)
		return digits;
	/* Digits beyond the precision of a size make no difference. */
	for (p += point; point && isdigit((unsigned char)*p); p++)
		fraction += (place /= 10) * (*p - '0');
	shift = read_size_unit(p);
	if (digits == 0 || shift < 0 || (point && (shift == 0 || place == 1)))
		return -EINVAL;
	fraction *= (long double)(UINT64_C(1) << shift);
	if (__builtin_mul_overflow(whole, UINT64_C(1) << shift, &bytes) ||
		__builtin_add_overflow(bytes, (uint64_t)fraction, &bytes))
		return -ERANGE;
	*ret_bytes = bytes;
	return 0;
}

int units_read_age(const char *text, int64_t *ret_seconds)
{
	uint64_t number;
	int digits = read_digits(text, &number);

	if (digits <= 0)
		return digits < 0 ? digits : -EINVAL;
	text += digits;
	for (size_t i = 0; i < sizeof age_units / sizeof *age_units; i++)
		if (text[0] == age_units[i].letter && !text[1]) {
			int64_t seconds;

			if (__builtin_mul_overflow(
				    number, age_units[i].seconds, &seconds))
				return -ERANGE;
			*ret_seconds = seconds;
			return 0;
		}
	return -EINVAL;
}

/* Reads a calendar date: "02-30" is not one, though mktime would accept it. */
static int read_date(const char *text, int64_t *ret_seconds)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M",
		"%Y-%m-%dT%H:%M:%S" };

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &tm);
		int day = tm.tm_mday;
		bool utc = end && i > 0 && strcmp(end, "Z") == 0;

		if (!end || (*end && !utc))
			continue;
		*ret_seconds = utc ? timegm(&tm) : mktime(&tm);
		return tm.tm_mday == day ? 0 : -EINVAL;
	}
	return -EINVAL;
}

int units_read_time(const char *text, int64_t now, int64_t *ret_seconds)
{
	int64_t seconds;
	uint64_t number;
	int r;

	if (text[0] == '@') {
		r = units_read_number(text + 1, &number);
		if (r < 0)
			return r;
		if (number > UNITS_TIME_MAX)
			return -ERANGE;
		*ret_seconds = (int64_t)number;
		return 0;
	}
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	r = units_read_age(text, &seconds);
	if (r == 0)
		seconds = now - seconds;
	else if (r == -EINVAL)
		r = read_date(text, &seconds);
	if (r == 0 && seconds > UNITS_TIME_MAX)
		r = -ERANGE;
	if (r == 0)
		*ret_seconds = seconds < 0 ? 0 : seconds;
	return r;
}

const char *units_size(uint64_t bytes)
{
	double value = (double)bytes;
	const char *unit = size_units;

	if (bytes < 1024)
		return brief_format("%u", (unsigned)bytes);
	/* 1023.5 and more would be rounded to "1024K". */
	for (value /= 1024; value >= 1023.5; value /= 1024)
		unit++;
	return brief_format("%.*f%c", value < 9.95, value, *unit);
}

const char *units_age(int64_t seconds)
{
	size_t i = 0;

	if (seconds < 0)
		seconds = 0; /* the clock was set back */
	while (i + 1 < sizeof age_units / sizeof *age_units &&
		seconds >= age_units[i].below)
		i++;
	return brief_format(
		"%" PRId64 "%c", seconds / age_units[i].seconds, age_units[i].letter);
}

const char *units_time(int64_t seconds)
{
	time_t time = (time_t)seconds;
	char text[sizeof "2026-08-01T10:00:00Z"];
	struct tm tm;

	/* A year that does not fit into four digits comes from a damaged time. */
	if (time != seconds || !gmtime_r(&time, &tm) ||
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return brief_format("@%" PRId64, seconds);
	return brief_format("%s", text);
}

/* Returns its length. */
static int write_count(char *buf, size_t size, uint64_t count)
{
	int len = count < 1000 ? 0 : write_count(buf, size, count / 1000);

	return len + snprintf(buf + len, size - (size_t)len, len ? " %03u" : "%u",
			     (unsigned)(count % 1000));
}

const char *units_count(uint64_t count)
{
	char text[sizeof "18 446 744 073 709 551 615"];

	write_count(text, sizeof text, count);
	return brief_format("%s", text);
}
