/* SPDX-License-Identifier: MIT
 *
 * The header of a pyc, in both of its lengths.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/python/header.h"

#define MAGIC "\xa7\r\r\n"
#define NEW "cpython-311"
#define OLD "cpython-36"

/* clang-format off: a row a line */
static const struct length {
	const char *sentence, *tag;
	size_t want;
} lengths[] = {
	{ "the header of CPython 3.3 has 12 bytes", "cpython-33", 12 },
	{ "the header of CPython 3.6 has 12 bytes", "cpython-36", 12 },
	{ "the header of CPython 3.7 has 16 bytes", "cpython-37", 16 },
	{ "the header of CPython 3.14 has 16 bytes", "cpython-314", 16 },
	{ "the header of a future CPython 3.36 has 16 bytes", "cpython-336", 16 },
	{ "the header of PyPy 3.6 has 12 bytes", "pypy36", 12 },
	{ "the header of PyPy 3.7 has 16 bytes", "pypy37", 16 },
	{ "the header of PyPy 3.11 has 16 bytes", "pypy311", 16 },
	{ "the header of GraalPy has 16 bytes", "graalpy230-310", 16 },
	{ "the header without a tag has 16 bytes", "", 16 },
};

static const struct row {
	const char *sentence, *tag, *data;
	size_t size;
	const char *want;
} rows[] = {
	{ "a header with a timestamp is read", NEW,
		MAGIC "\0\0\0\0"
		      "\1\2\3\4"
		      "\5\6\7\10"
		      "c",
		17, "timestamp 67305985 134678021" },
	{ "a header of 3.6 with a timestamp is read", OLD,
		MAGIC "\1\2\3\4"
		      "\5\6\7\10"
		      "c",
		13, "timestamp 67305985 134678021" },
	{ "a timestamp may have its highest bits set", NEW,
		MAGIC "\0\0\0\0"
		      "\xff\xff\xff\xff"
		      "\xfe\xff\xff\xff"
		      "c",
		17, "timestamp 4294967295 4294967294" },
	{ "a header with an unchecked hash is read", NEW,
		MAGIC "\1\0\0\0"
		      "hashhash"
		      "c",
		17, "hash" },
	{ "a header with a checked hash is read", NEW,
		MAGIC "\3\0\0\0"
		      "hashhash"
		      "c",
		17, "hash" },
	{ "a header with the flag for checking but none for a hash has a timestamp", NEW,
		MAGIC "\2\0\0\0"
		      "\1\2\3\4"
		      "\5\6\7\10"
		      "c",
		17, "timestamp 67305985 134678021" },
	{ "a header with an unknown flag is bad", NEW,
		MAGIC "\4\0\0\0"
		      "hashhash"
		      "c",
		17, "bad" },
	{ "a header with an unknown and a known flag is bad", NEW,
		MAGIC "\5\0\0\0"
		      "hashhash"
		      "c",
		17, "bad" },
	{ "a header with an unknown flag in the highest byte is bad", NEW,
		MAGIC "\1\0\0\1"
		      "hashhash"
		      "c",
		17, "bad" },
	{ "a header of 3.6 has no flags", OLD,
		MAGIC "\1\0\0\0"
		      "\0\0\0\0"
		      "c",
		13, "timestamp 1 0" },
	{ "a header without code behind it is bad", NEW,
		MAGIC "\0\0\0\0"
		      "\1\2\3\4"
		      "\5\6\7\10",
		16, "bad" },
	{ "a header of 3.6 without code behind it is bad", OLD,
		MAGIC "\1\2\3\4"
		      "\5\6\7\10",
		12, "bad" },
	{ "a header that is cut off is bad", NEW,
		MAGIC "\0\0\0\0"
		      "\1\2\3\4"
		      "\5\6\7",
		15, "bad" },
	{ "a header of 3.6 is bad for 3.7", NEW,
		MAGIC "\1\2\3\4"
		      "\5\6\7\10"
		      "c",
		13, "bad" },
	{ "a header with half a magic number is bad", NEW, MAGIC, 3, "bad" },
	{ "an empty file has a bad header", NEW, "", 0, "bad" },
	{ "a magic number without its carriage return is bad", NEW,
		"\xa7\r\n\n"
		"\0\0\0\0"
		"\1\2\3\4"
		"\5\6\7\10"
		"c",
		17, "bad" },
	{ "a magic number without its newline is bad", NEW,
		"\xa7\r\r\r"
		"\0\0\0\0"
		"\1\2\3\4"
		"\5\6\7\10"
		"c",
		17, "bad" },
	{ "a header of zeroes is bad", NEW,
		"\0\0\0\0"
		"\0\0\0\0"
		"\0\0\0\0"
		"\0\0\0\0"
		"\0",
		17, "bad" },
	{ "the header of an executable is bad", NEW,
		"\177ELF"
		"\2\1\1\0"
		"\0\0\0\0"
		"\0\0\0\0"
		"\0",
		17, "bad" },
};

/* Each row's header belongs to a source of mtime 5 and size 7. */
static const struct fit {
	const char *sentence;
	const char *flags;
	long long mtime, size;
	bool want;
} fits[] = {
	{ "a header fits a source of its mtime and size", "\0\0\0\0", 5, 7, true },
	{ "a header does not fit a source of a different mtime", "\0\0\0\0", 6, 7,
		false },
	{ "a header does not fit a source of a different size", "\0\0\0\0", 5, 8, false },
	{ "a header fits an mtime 2^32 seconds later, which Python cannot distinguish",
		"\0\0\0\0", 5 + (1LL << 32), 7, true },
	{ "a header fits an mtime 2^32 seconds earlier", "\0\0\0\0", 5 - (1LL << 32), 7,
		true },
	{ "a header fits a source that is 4 GiB larger", "\0\0\0\0", 5, 7 + (1LL << 32),
		true },
	{ "a header with a hash fits no mtime and size", "\1\0\0\0", 5, 7, false },
	{ "a bad header fits no mtime and size", "\4\0\0\0", 5, 7, false },
};
/* clang-format on */

static void has_length(void **state)
{
	const struct length *row = *state;

	assert_int_equal(header_length(row->tag), row->want);
	assert_in_range(header_length(row->tag), 12, HEADER_MAX);
}

static void reads(void **state)
{
	static const char *const kinds[] = { "bad", "timestamp", "hash" };
	const struct row *row = *state;
	struct header header =
		header_read(row->tag, unit_at_page_end(row->data, row->size), row->size);
	char got[60];

	if (header.kind == HEADER_TIMESTAMP)
		snprintf(got, sizeof got, "timestamp %u %u", header.mtime, header.size);
	else
		snprintf(got, sizeof got, "%s", kinds[header.kind]);
	assert_string_equal(got, row->want);
	if (header.kind != HEADER_BAD)
		assert_memory_equal(header.magic, MAGIC, 4);
}

static struct stat stat_of(long long mtime, long long size)
{
	return (struct stat){ .st_mtim = { .tv_sec = (time_t)mtime, .tv_nsec = 77 },
		.st_size = (off_t)size };
}

static void fits_as_told(void **state)
{
	const struct fit *row = *state;
	struct stat source = stat_of(row->mtime, row->size);
	char data[] = MAGIC "????\5\0\0\0\7\0\0\0c";
	struct header header;

	memcpy(data + 4, row->flags, 4);
	header = header_read(NEW, data, sizeof data);
	assert_int_equal(header_fits(&header, &source), row->want);
}

/* A patched header fits, whatever the source's time and size, and nothing else is
 * changed. */
static void a_patched_header_fits(void **state)
{
	static const long long numbers[] = { 0, 1, -1, 1700000000, -1700000000,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x123456789a };

	(void)state;
	for (size_t i = 0; i < COUNT(numbers) * COUNT(numbers) * 2; i++) {
		const char *tag = i % 2 ? NEW : OLD;
		long long mtime = numbers[i / 2 % COUNT(numbers)];
		struct stat source = stat_of(mtime, numbers[i / 2 / COUNT(numbers)]);
		char data[18] = MAGIC "\0\0\0\0????????c", before[18];
		size_t at = header_length(tag) - 8;
		struct header header;

		memcpy(before, data, sizeof data);
		header_patch(tag, data, &source);
		header = header_read(tag, data, header_length(tag) + 1);
		assert_true(header_fits(&header, &source));
		assert_memory_equal(data, before, at);
		assert_memory_equal(data + at + 8, before + at + 8, sizeof data - at - 8);
	}
}

/* As importlib's _pack_uint32(int(mtime)): a time before 1970 becomes its lowest 32
 * bits. */
static void a_negative_mtime(void **state)
{
	struct stat source = stat_of(-2, 1);
	char data[] = MAGIC "\0\0\0\0????????c";

	(void)state;
	header_patch(NEW, data, &source);
	assert_memory_equal(data + 8, "\xff\xff\xff\xff\1\0\0\0", 8);
}

/* The value of int(os.stat(…).st_mtime) in CPython and PyPy. */
static void an_mtime_is_pythons(void **state)
{
	static const struct {
		struct timespec mtime;
		uint32_t header;
	} mtimes[] = {
		{ { 1700000000, 0 }, 1700000000 },
		{ { 1700000000, 999999700 }, 1700000000 },
		{ { 1700000000, 999999999 }, 1700000001 },
		{ { -2, 500000000 }, (uint32_t)-1 },
		{ { -1, 1 }, 0 },
#ifdef __LP64__
		{ { 4300000000, 5 }, 5032704 },
#endif
	};

	(void)state;
	for (size_t i = 0; i < COUNT(mtimes); i++)
		assert_int_equal(header_mtime(&mtimes[i].mtime), mtimes[i].header);
}

int main(void)
{
	unit_rows(has_length, lengths);
	unit_rows(reads, rows);
	unit_rows(fits_as_told, fits);
	unit_one("a patched header fits, and nothing else is changed",
		a_patched_header_fits);
	unit_one("an mtime is converted to whole seconds as in Python",
		an_mtime_is_pythons);
	unit_one("a negative mtime becomes its lowest 32 bits", a_negative_mtime);
	return unit_run("header");
}
