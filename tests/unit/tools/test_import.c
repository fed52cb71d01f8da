/* SPDX-License-Identifier: MIT
 *
 * Archives: the order of their members, how much they may hold, and the arguments of
 * --map. (What happens to members: tests/cli/import.sh.)
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/archive/archive.h"
#include "tools/archive/import.h"
#include "tools/base/alloc.h"
#include "tools/base/compat.h"

/* clang-format off: a row a line */
static const struct order_row {
	const char *sentence, *a_dir, *a_name, *b_dir, *b_name;
	int want;
} orders[] = {
	{ "an object comes before an entry", "t/objects/a/1", "x", "t/tree/a", "a", -1 },
	{ "a directory's files come before those below it", "t/tree", "z", "t/tree/a",
		"a", -1 },
	{ "files of a directory are sorted by name", "t", "a", "t", "b", -1 },
	{ "a file is equal to itself", "t", "a", "t", "a", 0 },
	{ "names are compared by unsigned bytes", "t", "\xff", "t", "z", 1 },
	{ "files are sorted by directory first", "b", "a", "a", "b", 1 },
};

#define GB (UINT64_C(1) << 30)

static const struct size_row {
	const char *sentence;
	uint64_t bytes, objects;
	int error;
} sizes[] = {
	{ "an archive of 1 GB is written, however small it gets", GB, 0, 0 },
	{ "an archive that its readers would take for a bomb is not written", 2 * GB, 0,
		-EFBIG },
	{ "an archive that announces all bytes there can be is not written", UINT64_MAX,
		0, -EFBIG },
	{ "a pack whose list its readers read is written", GB, 100000, 0 },
	{ "a pack whose list is too large for its readers is not written", GB, 200000,
		-EFBIG },
};

static const struct map_row {
	const char *sentence, *text;
	int error;
	const char *old, *new;
} maps[] = {
	{ "two directories with an equals sign between them are accepted", "/a=/b", 0,
		"/a", "/b" },
	{ "slashes at the end of the directories are dropped", "/a/=/b//", 0, "/a",
		"/b" },
	{ "the root directory may be the old one", "/=/b", 0, "", "/b" },
	{ "the root directory may be the new one", "/a=/", 0, "/a", "" },
	{ "a directory may have an equals sign in its name", "/a=b=/c=d", 0, "/a=b",
		"/c=d" },
	{ "an empty text is refused as two directories", "", -EINVAL, NULL, NULL },
	{ "a single directory is refused", "/a", -EINVAL, NULL, NULL },
	{ "an empty new directory is refused", "/a=", -EINVAL, NULL, NULL },
	{ "an empty old directory is refused", "=/b", -EINVAL, NULL, NULL },
	{ "a relative old directory is refused", "a=/b", -EINVAL, NULL, NULL },
	{ "a relative new directory is refused", "/a=b", -EINVAL, NULL, NULL },
	{ "an old directory with dots is refused", "/a/../b=/c", -EINVAL, NULL, NULL },
	{ "a new directory with dots is refused", "/a=/b/./c", -EINVAL, NULL, NULL },
};
/* clang-format on */

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

static void has_an_order(void **state)
{
	const struct order_row *row = *state;

	assert_int_equal(
		sign(archive_compare(row->a_dir, row->a_name, row->b_dir, row->b_name)),
		row->want);
}

/* Writes an archive without its members. */
static int write_empty(int fd, const struct archive_manifest *manifest, uint64_t *packed)
{
	struct archive_out out;
	int r = archive_out_begin(&out, "an archive", fd, manifest);

	r = r < 0 ? r : archive_out_finish(&out, packed);
	archive_out_release(&out);
	return r;
}

static void is_written_if_it_can_be_read(void **state)
{
	static char dir[] = "cpython-311/objects/a70d0d0a/3";
	static const char name[] =
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1.pyc";
	const struct size_row *row = *state;
	struct archive_object *objects = NULL;
	struct archive_manifest manifest = { row->objects, row->bytes, NULL };
	int fd = memfd_create("archive", MFD_CLOEXEC);
	struct archive_in in;
	uint64_t packed;

	if (row->objects)
		objects = alloc_array(row->objects, sizeof *objects);
	for (uint64_t i = 0; i < row->objects; i++)
		objects[i] = (struct archive_object){ dir, name, 1000 };
	manifest.objects = objects;
	assert_int_equal(write_empty(fd, &manifest, &packed), row->error);
	if (row->error == 0) {
		lseek(fd, 0, SEEK_SET);
		assert_int_equal(archive_in_begin(&in, "it", fd, packed), 0);
		archive_in_release(&in);
	}
	free(objects);
	close(fd);
}

static void reads_a_map(void **state)
{
	const struct map_row *row = *state;
	struct import import = { 0 };

	assert_int_equal(import_add_map(&import, row->text, false), row->error);
	assert_int_equal(import.map_count, row->error ? 0 : 1);
	if (!row->error) {
		assert_string_equal(import.maps[0].old, row->old);
		assert_string_equal(import.maps[0].replacement, row->new);
	}
}

int main(void)
{
	unit_rows(has_an_order, orders);
	unit_rows(is_written_if_it_can_be_read, sizes);
	unit_rows(reads_a_map, maps);
	return unit_run("import");
}
