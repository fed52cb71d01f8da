/* SPDX-License-Identifier: MIT
 *
 * Which bytecode in the tree stands for its name, and which an import must not get.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

static struct recent_stat recent;

static void nothing(void)
{
}

static void fits(void)
{
	fake_pyc_in_the_tree("first");
}

static void is_edited(void)
{
	fits();
	fake_source("src/m.py", "first, and more");
}

static void is_edited_secretly(void)
{
	fits();
	fake_source_lies("src/m.py", "tsrif");
}

static void has_no_source(void)
{
	fits();
	assert_return_code(unlink(fake_path("src/m.py")), errno);
}

static void is_a_directory(void)
{
	fits();
	assert_return_code(unlink(fake_path("src/__pycache__/" FAKE_NAME)), errno);
	assert_return_code(mkdir(fake_path("src/__pycache__/" FAKE_NAME), 0755), errno);
}

static void is_no_bytecode(void)
{
	fits();
	fake_make_file("src/__pycache__/" FAKE_NAME, "text");
}

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	void (*before)(void);
	bool fits, is_old;
} rows[] = {
	{ "no bytecode in the tree fits no source", nothing, false, false },
	{ "bytecode in the tree fits its source", fits, true, false },
	{ "bytecode in the tree does not fit an edited source", is_edited, false, false },
	{ "bytecode in the tree does not fit a source with another content, but the same size and time",
		is_edited_secretly, false, true },
	{ "bytecode in the tree without a source fits none", has_no_source, false,
		false },
	{ "a directory in the place of bytecode stands for its name", is_a_directory,
		true, false },
	{ "what is no bytecode fits no source", is_no_bytecode, false, false },
};
/* clang-format on */

static void look(void)
{
	struct stat st;

	memset(&recent, 0, sizeof recent);
	fe.world.env.recent = &recent;
	if (stat(fake_path("src/m.py"), &st) == 0)
		recent_stat_note(&recent, &fake_sys, fake_path("src/m.py"), &st);
}

static void is_judged(void **state)
{
	const struct row *row = *state;
	int fd;

	memcpy(fe.world.python.magic, FAKE_MAGIC, 4);
	row->before();
	assert_int_equal(entry_tree_fits(&fe.entry), row->fits);
	look();
	fd = fake_sys.openat(
		fe.entry.tree_dirfd, fe.entry.tree_path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	assert_int_equal(entry_tree_is_old(&fe.entry, fd), row->is_old);
	fake_sys.close(fd);
}

/* The import has seen the source as it was before. */
static void by_the_stat_of_the_import(void **state)
{
	int fd;

	(void)state;
	fits();
	look();
	fake_source("src/m.py", "first, and more");
	fd = fake_sys.openat(
		fe.entry.tree_dirfd, fe.entry.tree_path, O_RDONLY | O_CLOEXEC, 0);
	assert_return_code(fd, -fd);
	assert_true(entry_tree_is_old(&fe.entry, fd));
	fake_sys.close(fd);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(is_judged, rows);
	unit_one(
		"bytecode in the tree is old to an import whose stat it fits if the source has changed since",
		by_the_stat_of_the_import);
	return unit_run("entry_tree");
}
