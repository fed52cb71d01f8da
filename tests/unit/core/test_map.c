/* SPDX-License-Identifier: MIT
 *
 * Where the entry of a file in the tree is, and which directories have no entries.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "shim/core/cache/map.h"

static struct config config;

static int before(void **state)
{
	const char *values[CONFIG_SETTINGS] = { [CONFIG_DIR] = "/c",
		[CONFIG_LAYERS] = "/opt/layer",
		[CONFIG_EXCLUDE] = "/srv/no" };

	(void)state;
	config_read(&config, values, "/home/u", NULL, false);
	return 0;
}

/* --- map_begin -------------------------------------------------------------------- */
static void the_path_of_a_tree(void **state)
{
	char buf[100];
	struct map map = { .path = buf, .size = sizeof buf };

	(void)state;
	config.variant = "+x";
	assert_true(map_begin(&map, &config, "cpython-311"));
	assert_string_equal(buf, "/c/v1/cpython-311+x/tree");
	assert_int_equal(map.version_len, strlen("/c/v1/cpython-311+x"));
	assert_int_equal(map.tree_len, strlen(buf));
}

static void a_tree_has_to_fit_with_a_slash(void **state)
{
	const size_t len = strlen("/c/v1/pypy39/tree");
	char zeros[32] = "";

	(void)state;
	for (size_t size = 1; size < sizeof zeros; size++) {
		struct map map = { .path = unit_at_page_end(zeros, size), .size = size };

		assert_int_equal(map_begin(&map, &config, "pypy39"), size > len + 1);
	}
}

/* --- map_directory, map_name ------------------------------------------------------ */
static const struct path_row {
	const char *sentence, *canonical, *name, *want;
	bool ephemeral;
} path_rows[] = {
	{ "an entry lies below the canonical path of its sources", "/srv/app",
		"m.cpython-311.pyc", "v/tree/srv/app/__pycache__/m.cpython-311.pyc",
		false },
	{ "the root directory has an empty path", "", "m.cpython-311.pyc",
		"v/tree/__pycache__/m.cpython-311.pyc", false },
	{ "stars hide what changes in the path of an ephemeral tree",
		"/tmp/.mount_ab/lib", "m.pyc",
		"v/tree/tmp/.mount_**/lib/__pycache__/m.pyc", true },
	{ "slashes after a name stay", "/srv", "m.pyc//.",
		"v/tree/srv/__pycache__/m.pyc//.", false },
};

/* Returns false if the path does not fit. */
static bool put(struct map *map, const struct path_row *row)
{
	size_t len = strlen(row->canonical);

	if (!map_begin_in(map, "v", 1) || map->tree_len + len >= map->size)
		return false;
	memcpy(map->path + map->tree_len, row->canonical, len);
	return map_directory(map, &config.ephemeral, len) && map_name(map, row->name);
}

static void the_path_of_an_entry(void **state)
{
	const struct path_row *row = *state;
	char buf[100], zeros[100] = "";
	struct map map = { .path = buf, .size = sizeof buf };

	assert_true(put(&map, row));
	assert_string_equal(buf, row->want);
	assert_int_equal(map.dir_len, strlen(buf) - strlen(row->name) - 1);
	assert_int_equal(map.ephemeral.len > 0, row->ephemeral);
	for (size_t size = 1; size < sizeof zeros; size++) {
		struct map tight = { .path = unit_at_page_end(zeros, size),
			.size = size };

		assert_int_equal(put(&tight, row), size > strlen(row->want));
	}
}

/* --- map_covers ------------------------------------------------------------------- */
static const struct covers_row {
	const char *sentence, *given, *canonical;
	enum map_answer want;
} covers_rows[] = {
	{ "a directory of sources is covered", "/srv/app", "/srv/app", MAP_COVERED },
	{ "the root directory is covered", "/", "", MAP_COVERED },
	{ "a __pycache__ contains no sources", "/a", "/a/__pycache__", MAP_NO_SOURCES },
	{ "a directory in a __pycache__ contains no sources", "/a", "/a/__pycache__/b",
		MAP_NO_SOURCES },
	{ "a directory below /proc contains no sources", "/dev/fd", "/proc/1/fd",
		MAP_NO_SOURCES },
	{ "/process is not below /proc", "/process", "/process", MAP_COVERED },
	{ "the cache has no entries for itself", "/a", "/c/v1", MAP_IN_CACHE },
	{ "the cache has no entries for the canonical path of its root", "/a",
		"/real/c/x", MAP_IN_CACHE },
	{ "the cache has no entries for a layer", "/a", "/opt/layer/v1", MAP_IN_CACHE },
	{ "a setting excludes a directory by the path as given", "/srv/no/x", "/x",
		MAP_EXCLUDED },
	{ "a setting excludes a directory by its canonical path", "/x", "/srv/no",
		MAP_EXCLUDED },
};

static void covers(void **state)
{
	const struct covers_row *row = *state;
	const struct map_sources sources = { row->given, strlen(row->given),
		row->canonical, strlen(row->canonical) };

	assert_int_equal(
		map_covers(&config, "/real/c", strlen("/real/c"), &sources), row->want);
}

static void a_root_that_is_not_known_excludes_nothing(void **state)
{
	const struct map_sources sources = { "/a", 2, "/real/c", strlen("/real/c") };

	(void)state;
	assert_int_equal(map_covers(&config, NULL, 0, &sources), MAP_COVERED);
}

/* --- map_keeps -------------------------------------------------------------------- */
static const struct keeps_row {
	const char *sentence, *name;
	bool ephemeral, want;
} keeps_rows[] = {
	{ "an ordinary tree keeps numba's files", "m.f-1.py311.nbi", false, true },
	{ "a name without a tag is not kept", "m.pyc", false, false },
	{ "an ephemeral tree keeps importlib's files", "m.cpython-311.opt-1.pyc", true,
		true },
	{ "an ephemeral tree does not keep numba's files", "m.f-1.py311.nbi", true,
		false },
	{ "an ephemeral tree does not keep pytest's files",
		"m.cpython-311-pytest-8.3.0.pyc", true, false },
};

static void keeps(void **state)
{
	const struct keeps_row *row = *state;
	const struct map map = { .ephemeral = { .len = row->ephemeral } };
	size_t len = strlen(row->name);
	struct pyc_name pyc = pyc_parse(row->name, len);

	assert_int_equal(map_keeps(&map, &pyc, row->name, len), row->want);
}

int main(void)
{
	unit_around(before, NULL);
	unit_one("the tree of a version lies in its version folder", the_path_of_a_tree);
	unit_one("the path of a tree must fit with a slash behind it",
		a_tree_has_to_fit_with_a_slash);
	unit_rows(the_path_of_an_entry, path_rows);
	unit_rows(covers, covers_rows);
	unit_one("a root that is not known excludes no directory",
		a_root_that_is_not_known_excludes_nothing);
	unit_rows(keeps, keeps_rows);
	return unit_run("map");
}
