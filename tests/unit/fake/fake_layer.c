/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake/fake_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define SOURCE "src/m.py"

static void set_mtime(struct timespec mtime)
{
	const struct timespec times[2] = { mtime, mtime };

	assert_return_code(utimensat(AT_FDCWD, fake_path(SOURCE), times, 0), errno);
}

/* A different file, with the mtime of the one that it replaces. */
static void replace(const char *text)
{
	struct stat st;

	assert_return_code(stat(fake_path(SOURCE), &st), errno);
	fake_source(SOURCE, text);
	set_mtime(st.st_mtim);
}

void in_a_layer(void)
{
	fake_import_right();
	fake_make_layer();
}

void hash_based_in_a_layer(void)
{
	fake_import_right();
	fake_hash_based(1);
	fake_make_layer();
}

void touched_in_a_layer(void)
{
	in_a_layer();
	fake_source_time(2000);
}

void installed_again_in_a_layer(void)
{
	in_a_layer();
	replace("first");
}

void changed_in_a_layer(void)
{
	in_a_layer();
	replace("tsrif");
}

void elsewhere_in_a_layer(void)
{
	fake_make_file("other/m.py", "first");
	fake_entry_is("other", FAKE_NAME);
	in_a_layer();
	fake_entry_is("src", FAKE_NAME);
	fake_source_time(2000);
}

void in_the_second_layer(void)
{
	in_a_layer();
	replace("tsrif");
	in_a_layer();
	replace("third");
	fake_import_right();
	replace("tsrif");
}
