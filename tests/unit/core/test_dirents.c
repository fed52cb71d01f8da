/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/core/base/dirents.h"
#include "tests/unit/fake/fake_sys.h"

#define MANY 100 /* more records than one read returns */

static struct dirents open_names(void)
{
	struct dirents ret = { .fd = fake_sys.openat(AT_FDCWD, fake_path("d"),
				       O_RDONLY | O_CLOEXEC, 0) };

	assert_return_code(ret.fd, errno);
	return ret;
}

static void make(unsigned n)
{
	char name[32];

	fake_make_directory("d", 0755);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof name, "d/name.%u", i);
		fake_make_file(name, "");
	}
}

static void each_name_once(void **state)
{
	unsigned seen[MANY] = { 0 };
	struct dirents names;
	const char *name;

	(void)state;
	make(MANY);
	names = open_names();
	while ((name = dirents_next(&names, &fake_sys))) {
		assert_memory_equal(name, "name.", 5);
		seen[atoi(name + 5)]++;
	}
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	assert_null(dirents_next(&names, &fake_sys));
	fake_sys.close(names.fd);
}

static void none_in_an_empty_directory(void **state)
{
	struct dirents names;

	(void)state;
	make(0);
	names = open_names();
	assert_null(dirents_next(&names, &fake_sys));
	fake_sys.close(names.fd);
}

static void none_where_it_cannot_be_read(void **state)
{
	struct dirents names;

	(void)state;
	make(1);
	names = open_names();
	fake_count_from_here();
	fake.fail_at = 1;
	fake.fail_with = EIO;
	assert_null(dirents_next(&names, &fake_sys));
	fake.fail_at = 0;
	fake_sys.close(names.fd);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_one("each name in a directory is given once, without . and ..",
		each_name_once);
	unit_one("an empty directory gives no name", none_in_an_empty_directory);
	unit_one("a directory that cannot be read gives no name",
		none_where_it_cannot_be_read);
	return unit_run("names");
}
