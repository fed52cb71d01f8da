/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake/fake_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

void in_the_tree(void)
{
	fake_pyc_in_the_tree("first");
}

void in_the_tree_and_changed_since(void)
{
	fake_source_time(1000);
	fake_pyc_in_the_tree("first");
	fake_make_file("src/m.py", "tsrif");
	fake_source_time(1000);
}

void unpacked_in_the_tree(void)
{
	const struct timespec then[2] = { { .tv_sec = 2000 }, { .tv_sec = 2000 } };

	fake_source_time(1000);
	fake_pyc_in_the_tree("first");
	assert_return_code(
		utimensat(AT_FDCWD, fake_path("src/__pycache__/" FAKE_NAME), then, 0),
		errno);
	fake_source_time(1000);
}

void with_a_hash_in_the_tree(void)
{
	fe.flags = 3;
	fake_pyc_in_the_tree("first");
}

void old_in_the_tree(void)
{
	fake_pyc_in_the_tree("zeroth");
	fake_source("src/m.py", "another");
}
