/* SPDX-License-Identifier: MIT
 *
 * What is served of layers: every decision, with its reason. (What can fail on the way is
 * test_entry_fail.c's.)
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

/* Nobody may take what the cache itself has, which is not trusted. */
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
	fake.clock_offset = -2; /* a source of the future proves nothing yet */
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
	bool kept; /* there is an entry of the user's own afterwards */
} rows[] = {
	{ "an entry in a layer is served as it is", in_a_layer, VERDICT_HIT_LAYER,
		false },
	{ "of a touched source it becomes an own one", touched_in_a_layer,
		VERDICT_RESEALED_LAYER, true },
	{ "of a source that was installed again it becomes an own one",
		installed_again_in_a_layer, VERDICT_RESEALED_LAYER, true },
	{ "so it does where nothing is shared: it is the same path", touched_unshared,
		VERDICT_RESEALED_LAYER, true },
	{ "of a source that was changed it is not served", changed_in_a_layer,
		VERDICT_MISS_CHANGED, false },
	{ "without a source it is not served", without_a_source, VERDICT_MISS_UNREACHABLE,
		false },
	{ "an object in a layer becomes an entry", elsewhere_in_a_layer,
		VERDICT_REUSED_LAYER, true },
	{ "but not where nothing is shared", only_its_object_unshared,
		VERDICT_MISS_NO_ENTRY, false },
	{ "read only, an entry is served as it is", read_only, VERDICT_HIT_LAYER, false },
	{ "read only, one whose header fits is served as it is",
		installed_again_read_only, VERDICT_HIT_LAYER, false },
	{ "read only, one whose header does not is served from memory", touched_read_only,
		VERDICT_RESEALED_LAYER, false },
	{ "without a cache, objects are served from memory", no_cache_but_that,
		VERDICT_REUSED_LAYER, false },
	{ "where the cache is refused, nothing of it is served",
		no_cache_but_an_empty_layer, VERDICT_MISS_NO_ENTRY, true },
	{ "an own entry comes first", in_both, VERDICT_HIT, true },
	{ "layers that have nothing are passed", in_the_second, VERDICT_HIT_LAYER,
		false },
	{ "a layer with another version is passed", in_the_second_layer,
		VERDICT_RESEALED_LAYER, true },
	{ "an own entry that is stale is replaced by the layer's", stale_in_the_cache,
		VERDICT_RESEALED_LAYER, true },
	{ "a layer's entry comes before the tree's own pyc", in_the_tree_and_an_entry,
		VERDICT_HIT_LAYER, false },
	{ "the tree's own pyc comes before a layer's object", in_the_tree_and_an_object,
		VERDICT_IN_TREE, false },
	{ "a file that others can write to is not served", others_can_write_to_it,
		VERDICT_MISS_LAYER, false },
	{ "nor one that is damaged", damaged, VERDICT_MISS_DAMAGED, false },
	{ "nor one that a program wrote", a_programs_own, VERDICT_REUSED_LAYER, true },
	{ "nor a link", a_link, VERDICT_REUSED_LAYER, true },
	{ "nor one of another magic number", of_another_magic_number, VERDICT_MISS_MAGIC,
		false },
	{ "nor one that is not sealed", not_sealed, VERDICT_MISS_NOT_SEALED, false },
	{ "a hash-based one is served by content", hash_based_in_a_layer,
		VERDICT_HIT_LAYER, false },
	{ "and not for the file alone, which may be another here",
		hash_based_in_a_layer_and_changed, VERDICT_MISS_REPLACED, false },
	{ "by content, it is served as it is", by_content, VERDICT_HIT_LAYER, false },
	{ "the same with change times in whole seconds", whole_seconds, VERDICT_HIT_LAYER,
		false },
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
