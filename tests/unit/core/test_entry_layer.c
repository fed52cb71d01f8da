/* SPDX-License-Identifier: MIT
 *
 * What is served from layers: every decision, with its reason. (Failures:
 * test_entry_fail.c.)
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_layer.h"

static void without_a_source(void)
{
	in_a_layer();
	unlink(fake_path("src/m.py"));
}

static void only_its_object_unshared(void)
{
	elsewhere_in_a_layer();
	fe.world.policy.share = false;
}

static void touched_unshared(void)
{
	touched_in_a_layer();
	fe.world.policy.share = false;
}

static void read_only(void)
{
	in_a_layer();
	fe.world.policy.readonly = true;
}

static void installed_again_read_only(void)
{
	installed_again_in_a_layer();
	fe.world.policy.readonly = true;
}

static void touched_read_only(void)
{
	touched_in_a_layer();
	fe.world.policy.readonly = true;
}

static void no_cache_but_that(void)
{
	elsewhere_in_a_layer();
	fe.world.policy.layers_only = fe.world.policy.readonly = true;
}

/* The cache itself has the bytecode, but is not trusted, so nothing of it may be used. */
static void no_cache_but_an_empty_layer(void)
{
	fake_make_directory("home/cache", 0700);
	fake_make_layer();
	fake_make_file("other/m.py", "first");
	fake_entry_is("other", FAKE_NAME);
	fake_import_right();
	fake_entry_is("src", FAKE_NAME);
	fake_import_right();
	assert_int_equal(fe.verdict, VERDICT_REUSED);
	fe.world.policy.layers_only = fe.world.policy.readonly = true;
}

static void in_both(void)
{
	touched_in_a_layer();
	fake_import_right();
	assert_false(fe.compiled);
}

static void in_the_second(void)
{
	fake_make_directory("home/cache", 0700);
	fake_make_layer();
	in_a_layer();
}

static void stale_in_the_cache(void)
{
	in_a_layer();
	fake_source("src/m.py", "second");
	fake_import_right();
	fake_source("src/m.py", "first");
}

static void in_the_tree_and_an_entry(void)
{
	in_a_layer();
	fake_pyc_in_the_tree("first");
}

static void in_the_tree_and_an_object(void)
{
	elsewhere_in_a_layer();
	fake_pyc_in_the_tree("first");
}

static const char *layers_file(void)
{
	static char below[sizeof fe.path];

	snprintf(below, sizeof below, "home/layer.0%s",
		fe.path + fe.world.policy.root_len);
	return below;
}

static void others_can_write_to_it(void)
{
	in_a_layer();
	unlink(fake_path(fake_object_path("first")));
	assert_return_code(chmod(fake_path(layers_file()), 0664), errno);
}

static void damaged(void)
{
	in_a_layer();
	assert_return_code(truncate(fake_path(layers_file()), 60), errno);
}

static void a_programs_own(void)
{
	struct stat st;
	uint8_t data[400];
	int fd;

	in_a_layer();
	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	unlink(fake_path(layers_file()));
	fake_make_bytes(layers_file(), data, fake_pyc(data, "own", &st));
	fd = open(fake_path(layers_file()), O_RDWR | O_CLOEXEC);
	entry_disclaim(&fe.entry, fd);
	close(fd);
}

static void a_link(void)
{
	char elsewhere[sizeof fe.path];

	in_a_layer();
	strcpy(elsewhere, fake_path("elsewhere.pyc"));
	assert_return_code(rename(fake_path(layers_file()), elsewhere), errno);
	fake_make_link(layers_file(), elsewhere);
}

static void of_another_magic_number(void)
{
	in_a_layer();
	memcpy(fe.world.python.magic, "\xa8\r\r\n", 4);
}

static void not_sealed(void)
{
	fake.clock_offset = -2; /* a source from the future proves nothing yet */
	fake_import_right();
	fake.clock_offset = 10;
	fake_make_layer();
	fake_entry_forget();
}

static void by_content(void)
{
	in_a_layer();
	fe.world.policy.always_digest = true;
}

static void whole_seconds(void)
{
	fake.whole_seconds = true;
	in_a_layer();
}

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	void (*before)(void);
	enum verdict want;
	bool kept; /* the user has an entry of their own afterwards */
} rows[] = {
	{ "an entry in a layer is served as it is", in_a_layer, VERDICT_HIT_LAYER,
		false },
	{ "an entry in a layer is copied to the cache if its source was touched",
		touched_in_a_layer, VERDICT_RESEALED_LAYER, true },
	{ "an entry in a layer is copied to the cache if its source was installed again",
		installed_again_in_a_layer, VERDICT_RESEALED_LAYER, true },
	{ "an entry in a layer is copied to the cache although sharing is turned off",
		touched_unshared, VERDICT_RESEALED_LAYER, true },
	{ "an entry in a layer is not served if its source was changed",
		changed_in_a_layer, VERDICT_MISS_CHANGED, false },
	{ "an entry in a layer is not served without its source", without_a_source,
		VERDICT_MISS_UNREACHABLE, false },
	{ "an object in a layer becomes an entry of the cache", elsewhere_in_a_layer,
		VERDICT_REUSED_LAYER, true },
	{ "an object in a layer is not used if sharing is turned off",
		only_its_object_unshared, VERDICT_MISS_NO_ENTRY, false },
	{ "an entry in a layer is served as it is to a read-only cache", read_only,
		VERDICT_HIT_LAYER, false },
	{ "an entry in a layer whose header fits is served as it is to a read-only cache",
		installed_again_read_only, VERDICT_HIT_LAYER, false },
	{ "an entry in a layer whose header does not fit is served from memory to a read-only cache",
		touched_read_only, VERDICT_RESEALED_LAYER, false },
	{ "an object in a layer is served from memory if there is no cache",
		no_cache_but_that, VERDICT_REUSED_LAYER, false },
	{ "a cache that is refused serves nothing", no_cache_but_an_empty_layer,
		VERDICT_MISS_NO_ENTRY, true },
	{ "an entry of the cache comes before one in a layer", in_both, VERDICT_HIT,
		true },
	{ "a layer that has nothing is skipped", in_the_second, VERDICT_HIT_LAYER,
		false },
	{ "a layer that has a different version is skipped", in_the_second_layer,
		VERDICT_RESEALED_LAYER, true },
	{ "a stale entry of the cache is replaced by the layer's", stale_in_the_cache,
		VERDICT_RESEALED_LAYER, true },
	{ "an entry in a layer comes before a pyc in the tree", in_the_tree_and_an_entry,
		VERDICT_HIT_LAYER, false },
	{ "a pyc in the tree comes before an object in a layer",
		in_the_tree_and_an_object, VERDICT_IN_TREE, false },
	{ "a file in a layer that others can write to is not served",
		others_can_write_to_it, VERDICT_MISS_LAYER, false },
	{ "a damaged file in a layer is not served", damaged, VERDICT_MISS_DAMAGED,
		false },
	{ "a file in a layer that a program wrote is not served", a_programs_own,
		VERDICT_REUSED_LAYER, true },
	{ "a link in a layer is not served", a_link, VERDICT_REUSED_LAYER, true },
	{ "a file in a layer with a different magic number is not served",
		of_another_magic_number, VERDICT_MISS_MAGIC, false },
	{ "a file in a layer that is not sealed is not served", not_sealed,
		VERDICT_MISS_NOT_SEALED, false },
	{ "a hash-based entry in a layer is not served", hash_based_in_a_layer,
		VERDICT_REUSED_LAYER, true },
	{ "an entry in a layer is served as it is if digests are compared", by_content,
		VERDICT_HIT_LAYER, false },
	{ "an entry in a layer is served as it is if ctimes are whole seconds",
		whole_seconds, VERDICT_HIT_LAYER, false },
};
/* clang-format on */

static void serves(void **state)
{
	const struct row *row = *state;
	int fd;

	row->before();
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	assert_string_equal(verdict_rows[fe.verdict].id, verdict_rows[row->want].id);
	assert_int_equal(fd >= 0, verdict_rows[row->want].group != VERDICT_GROUP_MISS);
	assert_false(verdict_rows[fe.verdict].unproven);
	if (fd >= 0)
		fake_sys.close(fd);
	assert_int_equal(access(fe.path, F_OK) == 0, row->kept);
	assert_int_equal(fake_check_cache(), 0);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(serves, rows);
	return unit_run("entry_layer");
}
