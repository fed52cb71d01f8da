/* SPDX-License-Identifier: MIT
 *
 * Layers: which of them are trusted, and where things are in them. (What is served from
 * them: test_entry_layer.c.)
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/layer.h"
#include "shim/core/entry/entry_file.h"
#include "tests/unit/fake/fake_entry.h"

/* --- layer_judge ------------------------------------------------------------------- */
/* clang-format off: a row a line */
static const struct judged {
	const char *sentence;
	enum fake_kind root;
	mode_t root_mode;
	enum fake_kind layout;
	mode_t layout_mode;
	enum verdict want;
} judged[] = {
	{ "a layer of the user that is closed to others is used", FAKE_DIRECTORY, 0700,
		FAKE_DIRECTORY, 0700, VERDICT_NONE },
	{ "a layer that all can read is used", FAKE_DIRECTORY, 0755, FAKE_DIRECTORY, 0755,
		VERDICT_NONE },
	{ "a layer that nobody can write to is used", FAKE_DIRECTORY, 0555,
		FAKE_DIRECTORY, 0555, VERDICT_NONE },
	{ "a layer that does not exist is absent", FAKE_NOTHING, 0, FAKE_NOTHING, 0,
		VERDICT_LAYER_ABSENT },
	{ "a layer without v1 is empty", FAKE_DIRECTORY, 0755, FAKE_NOTHING, 0,
		VERDICT_LAYER_EMPTY },
	{ "a layer that is a file is refused", FAKE_PLAIN_FILE, 0644, FAKE_NOTHING, 0,
		VERDICT_LAYER_NO_DIRECTORY },
	{ "a layer that is a link is refused", FAKE_LINK, 0755, FAKE_DIRECTORY, 0755,
		VERDICT_LAYER_NO_DIRECTORY },
	{ "a layer that its group can write to is refused", FAKE_DIRECTORY, 0775,
		FAKE_DIRECTORY, 0755, VERDICT_LAYER_WRITABLE },
	{ "a layer that all can write to is refused", FAKE_DIRECTORY, 0757,
		FAKE_DIRECTORY, 0755, VERDICT_LAYER_WRITABLE },
	{ "a layer that all can write to is refused, even with the sticky bit",
		FAKE_DIRECTORY, 01777, FAKE_DIRECTORY, 0755, VERDICT_LAYER_WRITABLE },
	{ "a layer whose v1 the group can write to is refused", FAKE_DIRECTORY, 0755,
		FAKE_DIRECTORY, 0775, VERDICT_LAYER_WRITABLE },
	{ "a layer whose v1 all can write to is refused", FAKE_DIRECTORY, 0755,
		FAKE_DIRECTORY, 0702, VERDICT_LAYER_WRITABLE },
	{ "a layer whose v1 is a file is refused", FAKE_DIRECTORY, 0755, FAKE_PLAIN_FILE,
		0644, VERDICT_LAYER_NO_DIRECTORY },
	{ "a layer whose v1 is a link is refused", FAKE_DIRECTORY, 0755, FAKE_LINK, 0755,
		VERDICT_LAYER_NO_DIRECTORY },
};
/* clang-format on */

static enum verdict judge(uid_t user)
{
	char path[PATH_MAX];
	enum verdict why = layer_judge(
		&fake_sys, user, strcpy(path, fake_path("root")), sizeof path);

	assert_int_equal(fake.open, 0);
	return why;
}

static void judges(void **state)
{
	const struct judged *row = *state;

	fake_make("root", row->root, 0755, "other-root");
	fake_make("root/v1", row->layout, row->layout_mode, "other-layout");
	if (row->root == FAKE_DIRECTORY)
		assert_return_code(chmod(fake_path("root"), row->root_mode), errno);
	assert_int_equal(judge(geteuid()), row->want);
	if (row->root == FAKE_DIRECTORY)
		assert_return_code(chmod(fake_path("root"), 0755), errno);
}

static void make_layer(void)
{
	fake_make_directory("root", 0755);
	fake_make_directory("root/v1", 0755);
}

/* Owners are shifted, so that it does not matter who runs the test. */
static void roots_is_everybodys(void **state)
{
	(void)state;
	make_layer();
	fake.owner_offset = -geteuid();
	assert_int_equal(judge(4711), VERDICT_NONE);
	assert_int_equal(judge(0), VERDICT_NONE);
}

static void a_users_is_that_users(void **state)
{
	(void)state;
	make_layer();
	fake.owner_offset = 4711 - geteuid();
	assert_int_equal(judge(4711), VERDICT_NONE);
	assert_int_equal(judge(4712), VERDICT_LAYER_FOREIGN);
	assert_int_equal(judge(0), VERDICT_LAYER_FOREIGN);
}

static void last_status_is_anothers(unsigned call, const char *name)
{
	(void)name; /* the first looks for a link, "/", those above, the root, and
		     * that once more */
	fake.owner_offset = (call == fake_depth() + 5 ? 4711 : 0) - geteuid();
}

static void the_layout_of_another_user(void **state)
{
	(void)state;
	make_layer();
	fake.meanwhile = last_status_is_anothers;
	assert_int_equal(judge(4712), VERDICT_LAYER_FOREIGN);
}

/* A user called nobody is like any other, except if a namespace shows others as
 * nobody. */
static void of_nobody(void **state)
{
	(void)state;
	make_layer();
	fake.owner_offset = 65534 - geteuid();
	assert_int_equal(judge(65534), VERDICT_NONE);
	fake.id_map = "         0     100000      65536\n";
	assert_int_equal(judge(65534), VERDICT_LAYER_FOREIGN);
	fake.owner_offset = -geteuid();
	assert_int_equal(judge(65534), VERDICT_NONE);
}

static void any_call_of_judge_may_fail(void **state)
{
	enum verdict got;

	(void)state;
	make_layer();
	for (fake.fail_at = 1;; fake.fail_at++) {
		fake_count_from_here();
		got = judge(geteuid());
		if (fake.calls < fake.fail_at)
			break;
		assert_int_equal(got, VERDICT_LAYER_UNREACHABLE);
	}
	assert_int_equal(got, VERDICT_NONE);
}

/* --- layer_is_trusted -------------------------------------------------------------- */
static const struct trusted {
	const char *sentence;
	uid_t owner;
	mode_t mode;
	bool want;
} trusted[] = {
	{ "a file of root in a layer is trusted", 0, 0644, true },
	{ "a file of the user in a layer is trusted", 4711, 0600, true },
	{ "a file of another user in a layer is refused", 4712, 0644, false },
	{ "a file that the group can write to is refused", 0, 0664, false },
	{ "a file that all can write to is refused", 4711, 0646, false },
};

static void trusts(void **state)
{
	const struct trusted *row = *state;
	const struct stat st = { .st_uid = row->owner, .st_mode = S_IFREG | row->mode };

	assert_int_equal(layer_is_trusted(&fake_sys, &st, 4711), row->want);
}

static void trusts_of_nobody(void **state)
{
	const struct stat own = { .st_uid = 65534, .st_mode = S_IFREG | 0644 };
	const struct stat roots = { .st_uid = 0, .st_mode = S_IFREG | 0644 };

	(void)state;
	assert_true(layer_is_trusted(&fake_sys, &own, 65534));
	fake.id_map = "         0     100000      65536\n";
	assert_false(layer_is_trusted(&fake_sys, &own, 65534));
	assert_true(layer_is_trusted(&fake_sys, &roots, 65534));
}

/* --- entry_layer_next
 * -------------------------------------------------------------------- */
static const char *const roots[] = { "/a", "", "/longer/than/the/cache's/own", NULL };

static ssize_t find_root(void *context, size_t n, char *room, size_t size)
{
	size_t len;

	(void)context;
	if (!roots[n])
		return -1;
	len = strlen(roots[n]);
	if (len >= size)
		return 0;
	strcpy(room, roots[n]);
	return (ssize_t)len;
}

static void assert_at(const struct entry *at, const char *root)
{
	const char *below = fe.path + fe.world.policy.root_len;
	char want[sizeof fe.path];

	sprintf(want, "%s%s", root, below);
	assert_string_equal(at->path, want);
	assert_true(at->layer);
	assert_memory_equal(at->path + at->version_len, "/tree/", 6);
	assert_string_equal(at->path + at->dir_len, "/" FAKE_NAME);
	assert_ptr_equal(at->spare, at->path + strlen(at->path) + 1);
	assert_ptr_equal(at->spare + at->spare_size, fe.path + sizeof fe.path);
}

static void one_after_the_other(void **state)
{
	struct entry at;
	size_t n = 0;

	(void)state;
	fe.world.policy.layer = find_root;
	assert_true(entry_layer_next(&fe.entry, &n, &at));
	assert_at(&at, "/a");
	assert_true(entry_layer_next(&fe.entry, &n, &at));
	assert_at(&at, "/longer/than/the/cache's/own");
	assert_int_equal(n, 3);
	assert_false(entry_layer_next(&fe.entry, &n, &at));
}

static void without_a_setting_there_are_none(void **state)
{
	struct entry at;
	size_t n = 0;

	(void)state;
	assert_false(entry_layer_next(&fe.entry, &n, &at));
}

/* However little room there is, nothing is written behind it. */
static void a_layer_has_to_fit(void **state)
{
	struct entry at;
	size_t longest = strlen("/longer/than/the/cache's/own") +
			 strlen(fe.path + fe.world.policy.root_len) + 1;
	unsigned fitted = 0;

	(void)state;
	fe.world.policy.layer = find_root;
	for (size_t size = 0; size <= longest; size++) {
		size_t n = 0;

		memset(fe.entry.spare, 'x', longest + 1);
		fe.entry.spare_size = size;
		while (entry_layer_next(&fe.entry, &n, &at)) {
			assert_in_range(strlen(at.path), 1, size - 1);
			fitted++;
		}
		for (size_t i = size; i <= longest; i++)
			assert_int_equal(fe.entry.spare[i], 'x');
	}
	assert_in_range(fitted, 2, longest);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(judges, judged);
	unit_one("a layer of nobody is refused if unmapped users appear as nobody",
		of_nobody);
	unit_one("a layer of root is used by everybody", roots_is_everybodys);
	unit_one("a layer of a user is used by that user alone", a_users_is_that_users);
	unit_one("a layer whose v1 is another user's is refused",
		the_layout_of_another_user);
	unit_one(
		"any call of the check of a layer may fail, and then the layer is not used",
		any_call_of_judge_may_fail);
	unit_rows(trusts, trusted);
	unit_one(
		"a file of nobody in a layer is refused if unmapped users appear as nobody",
		trusts_of_nobody);
	unit_around(fake_entry_begin, fake_entry_end);
	unit_one("layers are tried in order, except those that are not used",
		one_after_the_other);
	unit_one("there are no layers without a setting",
		without_a_setting_there_are_none);
	unit_one("a layer whose path does not fit is skipped", a_layer_has_to_fit);
	return unit_run("layer");
}
