/* SPDX-License-Identifier: MIT
 *
 * When two states of a source count as the same.
 */
#include "tests/unit/unit.h"

#include "shim/core/proof/seal.h"

static const struct identity base = {
	.inode = 5,
	.ctime = { .tv_sec = 10, .tv_nsec = 11 },
	.mtime = { .tv_sec = 12, .tv_nsec = 13 },
	.size = 14,
};

/* clang-format off: a row a line */
static const struct change {
	const char *sentence;
	struct identity other;
	bool same, proves;
} changes[] = {
	{ "equal identities are the same", { 5, { 10, 11 }, { 12, 13 }, 14, 0 }, true,
		true },
	{ "a different inode is a different identity",
		{ 6, { 10, 11 }, { 12, 13 }, 14, 0 }, false, false },
	{ "a different second of the ctime is a different identity",
		{ 5, { 9, 11 }, { 12, 13 }, 14, 0 }, false, false },
	{ "a different nanosecond of the ctime is a different identity",
		{ 5, { 10, 12 }, { 12, 13 }, 14, 0 }, false, false },
	{ "a different second of the mtime is a different identity",
		{ 5, { 10, 11 }, { 13, 13 }, 14, 0 }, false, false },
	{ "a different nanosecond of the mtime is a different identity",
		{ 5, { 10, 11 }, { 12, 14 }, 14, 0 }, false, false },
	{ "a different size is a different identity",
		{ 5, { 10, 11 }, { 12, 13 }, 15, 0 }, false, false },
	{ "a size that is 4 GiB larger is a different identity",
		{ 5, { 10, 11 }, { 12, 13 }, 14 + (1ull << 32), 0 }, false, false },
};
/* clang-format on */

static void identities(void **state)
{
	const struct change *row = *state;

	assert_int_equal(identity_same(&base, &row->other), row->same);
	assert_int_equal(identity_same(&row->other, &base), row->same);
	assert_int_equal(identity_proves(&base, &row->other), row->proves);
	assert_int_equal(identity_proves(&row->other, &base), row->proves);
}

static void another_file_system_proves_nothing(void **state)
{
	struct identity a = base, b;

	(void)state;
	a.fs = 1;
	b = a;
	assert_true(identity_equal(&a, &b));
	assert_true(identity_proves(&a, &b));
	b.fs = 2;
	assert_true(identity_same(&a, &b));
	assert_false(identity_equal(&a, &b));
	assert_false(identity_proves(&a, &b));
}

/* On an image, or on a file system without finer times. */
static void a_change_time_in_whole_seconds_proves_nothing(void **state)
{
	struct identity a = base, b;

	(void)state;
	a.ctime.tv_nsec = 0;
	b = a;
	assert_true(identity_same(&a, &b));
	assert_false(identity_proves(&a, &b));
	a.mtime.tv_nsec = b.mtime.tv_nsec = 0;
	assert_false(identity_proves(&a, &b));
	a.ctime.tv_nsec = b.ctime.tv_nsec = 1;
	assert_true(identity_proves(&a, &b));
}

static void of_a_stat(void **state)
{
	struct stat st = { .st_ino = 5,
		.st_ctim = { 10, 11 },
		.st_mtim = { 12, 13 },
		.st_atim = { 20, 21 },
		.st_size = 14 };
	struct identity identity = identity_of(&st);

	(void)state;
	assert_true(identity_same(&identity, &base));
}

int main(void)
{
	unit_rows(identities, changes);
	unit_one("an identity on a different file system proves nothing",
		another_file_system_proves_nothing);
	unit_one("a ctime in whole seconds proves nothing",
		a_change_time_in_whole_seconds_proves_nothing);
	unit_one("the identity of a source is made of its stat", of_a_stat);
	return unit_run("identity");
}
