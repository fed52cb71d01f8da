/* SPDX-License-Identifier: MIT
 *
 * The states of entries and objects, with files that core itself has created: one that
 * is fresh here is served there.
 */
#include "tests/unit/fake/fake_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/cache/sys_libc.h"
#include "tools/pyc/state.h"

/* --- what happens to the source, or to the entry -------------------------------------*/
static void nothing(void)
{
}

static void touch_source(void)
{
	fake_source("src/m.py", "first");
}

static void change_source(void)
{
	fake_source_lies("src/m.py", "secnd");
}

static void lengthen_source(void)
{
	fake_source_lies("src/m.py", "longer");
}

static void remove_source(void)
{
	assert_return_code(unlink(fake_path("src/m.py")), errno);
}

static void remove_tree(void)
{
	remove_source();
	assert_return_code(rmdir(fake_path("src")), errno);
}

static void loop_source(void)
{
	remove_source();
	fake_make_link("src/m.py", "m.py");
}

static void damage(off_t at, int whence)
{
	int fd = open(fe.path, O_RDWR | O_CLOEXEC);
	char byte;

	assert_return_code(fd, errno);
	at = lseek(fd, at, whence);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void damage_seal(void)
{
	damage(-1, SEEK_END);
}

static void damage_code(void)
{
	/* in its first bytes, because the end is checked together with the seal */
	damage(2, SEEK_SET);
}

static void cut_off(void)
{
	assert_return_code(truncate(fe.path, 20), errno);
}

static void empty(void)
{
	assert_return_code(truncate(fe.path, 0), errno);
}

static void replace(const char *how)
{
	assert_return_code(unlink(fe.path), errno);
	if (strcmp(how, "link") == 0)
		assert_return_code(symlink("/etc/passwd", fe.path), errno);
	else if (strcmp(how, "fifo") == 0)
		assert_return_code(mkfifo(fe.path, 0600), errno);
}

static void put_link(void)
{
	replace("link");
}

static void put_fifo(void)
{
	replace("fifo");
}

static void put_nothing(void)
{
	replace("");
}

/* As if a program opened the entry for writing. */
static void write_own(void)
{
	int fd;

	assert_return_code(unlink(fe.path), errno);
	fd = open(fe.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	fe.world.env.sys = &sys_libc; /* the fake's attributes are not on the file */
	entry_disclaim(&fe.entry, fd);
	fe.world.env.sys = &fake_sys;
	if (fgetxattr(fd, "user.pycstash.own", NULL, 0) < 0)
		skip(); /* a file system without attributes */
	close(fd);
}

static void hash(void)
{
	fake_hash_based(3);
}

static void write_own_and_reinstall(void)
{
	write_own();
	change_source();
}

static void write_own_and_remove(void)
{
	write_own();
	remove_source();
}

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	void (*happens)(void);
	enum layout_kind kind;
	unsigned flags;
	enum state state;
	const char *why;
	bool touched;
	int error;
} rows[] = {
	{ "an entry whose source has the sealed identity is fresh", nothing, LAYOUT_ENTRY,
		0, STATE_FRESH, NULL, false, 0 },
	{ "an entry that is read as a whole and has its source's digest is fresh",
		nothing, LAYOUT_ENTRY, STATE_WHOLE | STATE_DIGEST, STATE_FRESH, NULL,
		false, 0 },
	{ "an entry of a touched source is stale as far as its identity shows",
		touch_source, LAYOUT_ENTRY, 0, STATE_STALE, "source touched", true, 0 },
	{ "an entry of a touched source is fresh if the digest is compared", touch_source,
		LAYOUT_ENTRY, STATE_DIGEST, STATE_FRESH, "same content", true, 0 },
	{ "an entry of a changed source is stale as far as its identity shows",
		change_source, LAYOUT_ENTRY, 0, STATE_STALE, "source touched", true, 0 },
	{ "an entry of a changed source is stale if the digest is compared",
		change_source, LAYOUT_ENTRY, STATE_DIGEST, STATE_STALE, "source changed",
		false, 0 },
	{ "an entry whose source has a different size is stale without reading the source",
		lengthen_source, LAYOUT_ENTRY, 0, STATE_STALE, "source changed", false,
		0 },
	{ "an entry whose source cannot be reached is stale, not an orphan", loop_source,
		LAYOUT_ENTRY, STATE_DIGEST, STATE_STALE, "source cannot be reached", true,
		0 },
	{ "an entry whose source is gone is an orphan", remove_source, LAYOUT_ENTRY, 0,
		STATE_ORPHAN, "no source", false, 0 },
	{ "an entry whose source's directory is gone is an orphan", remove_tree,
		LAYOUT_ENTRY, 0, STATE_ORPHAN, "no source", false, 0 },
	{ "an entry with a damaged seal is damaged", damage_seal, LAYOUT_ENTRY, 0,
		STATE_DAMAGED, "no seal", false, 0 },
	{ "an entry with damaged code is damaged if it is read as a whole", damage_code,
		LAYOUT_ENTRY, STATE_WHOLE, STATE_DAMAGED,
		"not the bytes that were sealed", false, 0 },
	{ "an entry with damaged code is fresh if it is not read as a whole", damage_code,
		LAYOUT_ENTRY, 0, STATE_FRESH, NULL, false, 0 },
	{ "an entry that is cut off is damaged", cut_off, LAYOUT_ENTRY, 0, STATE_DAMAGED,
		"no seal", false, 0 },
	{ "an empty entry is damaged", empty, LAYOUT_ENTRY, 0, STATE_DAMAGED, "no seal",
		false, 0 },
	{ "a link in the place of an entry is foreign", put_link, LAYOUT_ENTRY,
		STATE_WHOLE, STATE_FOREIGN, "not a regular file", false, -ELOOP },
	{ "a FIFO in the place of an entry is foreign, and nothing waits for it",
		put_fifo, LAYOUT_ENTRY, 0, STATE_FOREIGN, "not a regular file", false,
		0 },
	{ "an entry that has vanished has no state, and the error says so", put_nothing,
		LAYOUT_ENTRY, 0, STATE_UNKNOWN, "cannot be read", false, -ENOENT },
	{ "a file with a name that the cache does not give is foreign", nothing,
		LAYOUT_FOREIGN, 0, STATE_FOREIGN, "not a name that pycstash gives", false,
		0 },
	{ "an entry that a program wrote is unsealed", write_own, LAYOUT_ENTRY, 0,
		STATE_UNSEALED, "written by a program", false, 0 },
	{ "an entry that a program wrote for a source that was replaced is stale",
		write_own_and_reinstall, LAYOUT_ENTRY, 0, STATE_STALE, "source replaced",
		false, 0 },
	{ "an entry that a program wrote for a source that is gone is an orphan",
		write_own_and_remove, LAYOUT_ENTRY, 0, STATE_ORPHAN, "no source", false,
		0 },
	{ "a temporary file is unsealed", nothing, LAYOUT_TEMPORARY, 0, STATE_UNSEALED,
		"not finished", false, 0 },
	{ "a file of numba is unsealed", nothing, LAYOUT_PROGRAMS, 0, STATE_UNSEALED,
		"written by a program", false, 0 },
	{ "a hash-based entry is unsealed", hash, LAYOUT_ENTRY, STATE_WHOLE,
		STATE_UNSEALED, "not sealed", false, 0 },
	{ "an undamaged object is fresh", nothing, LAYOUT_OBJECT, STATE_WHOLE,
		STATE_FRESH, NULL, false, 0 },
	{ "an object is fresh although a source has changed", change_source,
		LAYOUT_OBJECT, 0, STATE_FRESH, NULL, false, 0 },
	{ "an object with a damaged seal is damaged", damage_seal, LAYOUT_OBJECT, 0,
		STATE_DAMAGED, "no seal", false, 0 },
	{ "an object with damaged code is damaged if it is read as a whole", damage_code,
		LAYOUT_OBJECT, STATE_WHOLE, STATE_DAMAGED,
		"not the bytes that were sealed", false, 0 },
	{ "an object that is hash-based is damaged", hash, LAYOUT_OBJECT, 0,
		STATE_DAMAGED, "its seal proves no source", false, 0 },
	{ "an object that a program wrote is damaged", write_own, LAYOUT_OBJECT, 0,
		STATE_DAMAGED, "no seal", false, 0 },
};
/* clang-format on */

/* The state of fe's entry under the name in the row; the entry is its own object. */
static struct layout layout_of(const struct row *row)
{
	struct layout ret = {
		.kind = row->kind,
		.version = FAKE_TAG "+no_debug_ranges/tree",
		.version_len = sizeof FAKE_TAG "+no_debug_ranges" - 1,
	};

	if (row->kind == LAYOUT_OBJECT) {
		ret.object.digest = digest_of("first", 5);
		memcpy(ret.object.magic, FAKE_MAGIC, sizeof ret.object.magic);
	} else
		ret.pyc = fe.pyc;
	return ret;
}

static struct pyc_state state_of_entry(const struct layout *item, unsigned flags)
{
	const char *source = item->kind == LAYOUT_ENTRY ? fe.entry.source.path : NULL;

	return state_at(item, AT_FDCWD, fe.path, source, flags);
}

static void compiles(void)
{
	fake_import();
	assert_true(fe.compiled);
}

static void is_classified(void **state)
{
	const struct row *row = *state;
	struct layout item = layout_of(row);
	struct pyc_state got;

	compiles();
	row->happens();
	got = state_of_entry(&item, row->flags);
	assert_string_equal(state_name(got.state), state_name(row->state));
	assert_int_equal(got.why != NULL, row->why != NULL);
	if (row->why)
		assert_string_equal(got.why, row->why);
	assert_int_equal(got.touched, row->touched);
	assert_int_equal(got.error, row->error);
	assert_int_equal(got.st.st_ino != 0, row->error != -ENOENT);
}

static void an_object_of_another_name(void **state)
{
	const struct row object = { .kind = LAYOUT_OBJECT };
	struct layout item = layout_of(&object);
	struct pyc_state got;

	(void)state;
	compiles();
	item.object.digest.bytes[5] ^= 1;
	got = state_of_entry(&item, 0);
	assert_int_equal(got.state, STATE_DAMAGED);
	assert_string_equal(got.why, "its name is another source's digest");
	item = layout_of(&object);
	item.object.magic[0]++;
	got = state_of_entry(&item, 0);
	assert_int_equal(got.state, STATE_DAMAGED);
	assert_string_equal(got.why, "its folder is for another magic number");
}

static void a_seal_is_given_back(void **state)
{
	const struct row entry = { .kind = LAYOUT_ENTRY };
	struct layout item = layout_of(&entry);
	struct digest digest = digest_of("first", 5);
	struct pyc_state got;

	(void)state;
	compiles();
	got = state_of_entry(&item, 0);
	assert_true(got.sealed);
	assert_memory_equal(&got.seal.digest, &digest, sizeof digest);
	cut_off();
	got = state_of_entry(&item, 0);
	assert_false(got.sealed);
	assert_int_equal(got.st.st_size, 20);
}

/* Files of root count only for users who trust a layer. */
static void another_users_file(void **state)
{
	const struct row entry = { .kind = LAYOUT_ENTRY };
	struct layout item = layout_of(&entry);
	struct pyc_state got;

	(void)state;
	compiles();
	assert_return_code(chmod(fe.path, 0664), errno);
	got = state_of_entry(&item, STATE_LAYER);
	assert_int_equal(got.state, STATE_FOREIGN);
	assert_string_equal(got.why, "others can write to it");
	if (geteuid() != 0)
		skip();
	assert_return_code(chown(fe.path, 65534, 65534), errno);
	got = state_of_entry(&item, STATE_LAYER);
	assert_int_equal(got.state, STATE_FOREIGN);
	assert_string_equal(got.why, "another user's");
	assert_int_equal(seteuid(65533), 0);
	got = state_at(&item, AT_FDCWD, "/bin/sh", NULL, 0);
	assert_int_equal(got.state, STATE_FOREIGN);
	got = state_at(&item, AT_FDCWD, "/etc/passwd", fe.entry.source.path, STATE_LAYER);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(got.state, STATE_DAMAGED); /* looked at, and no pyc */
}

static void limit_descriptors(rlim_t most)
{
	struct rlimit limit;

	assert_return_code(getrlimit(RLIMIT_NOFILE, &limit), errno);
	limit.rlim_cur = most;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &limit), errno);
}

/* With too few descriptors, the state is the same, or unknown. */
static void is_never_mistaken(void (*happens)(void), unsigned flags, enum state want)
{
	const struct row row = { .kind = LAYOUT_ENTRY };
	struct layout item = layout_of(&row);
	unsigned known = 0, unknown = 0;
	struct rlimit limit;
	struct pyc_state got;
	int next;

	compiles();
	happens();
	assert_return_code(getrlimit(RLIMIT_NOFILE, &limit), errno);
	next = open("/", O_PATH | O_CLOEXEC);
	assert_return_code(next, errno);
	close(next);
	for (rlim_t more = 0; more < 8; more++) {
		limit_descriptors((rlim_t)next + more);
		got = state_of_entry(&item, flags);
		limit_descriptors(limit.rlim_cur);
		if (got.state == STATE_UNKNOWN)
			assert_int_equal(got.error, -EMFILE);
		else
			assert_string_equal(state_name(got.state), state_names[want]);
		unknown += got.state == STATE_UNKNOWN;
		known += got.state == want;
	}
	assert_true(known && unknown > 1);
}

static void touched_is_not_stale(void **state)
{
	(void)state;
	is_never_mistaken(touch_source, STATE_DIGEST, STATE_FRESH);
}

static void own_is_not_stale(void **state)
{
	(void)state;
	is_never_mistaken(write_own, 0, STATE_UNSEALED);
}

static void unproven_is_not_fresh(void **state)
{
	(void)state;
	is_never_mistaken(touch_source, STATE_WHOLE | STATE_PROVE, STATE_STALE);
}

static void a_source_behind_another_users_link(void **state)
{
	const struct row entry = { .kind = LAYOUT_ENTRY };
	struct layout item = layout_of(&entry);
	struct pyc_state got;

	(void)state;
	compiles();
	assert_return_code(rename(fake_path("src/m.py"), fake_path("m.py")), errno);
	fake_make_link("src/m.py", "../m.py");
	got = state_of_entry(&item, STATE_DIGEST);
	assert_int_equal(got.state, STATE_FRESH);
	if (geteuid() != 0)
		skip();
	assert_return_code(lchown(fake_path("src/m.py"), 65534, 65534), errno);
	got = state_of_entry(&item, STATE_DIGEST);
	assert_int_equal(got.state, STATE_UNKNOWN);
	assert_int_equal(got.error, -ENOLINK);
	assert_string_equal(
		got.why, "a link that others may have made leads to the source");
}

/* The command asks the real kernel for the number of the file system. */
static int begin(void **state)
{
	struct stat st;

	if (fake_entry_begin(state) < 0 || stat(fake.dir, &st) < 0)
		return -1;
	fake.fs_id = sys_libc.fs_id(AT_FDCWD, fake.dir, st.st_dev);
	return 0;
}

int main(void)
{
	unit_around(begin, fake_entry_end);
	unit_rows(is_classified, rows);
	unit_one("an object that is not named after its digest is damaged",
		an_object_of_another_name);
	unit_one("the state of an entry includes its seal and its stat",
		a_seal_is_given_back);
	unit_one("a file of another user is foreign, except root's in a layer",
		another_users_file);
	unit_one("an entry is not stale because its source cannot be looked at",
		touched_is_not_stale);
	unit_one("what a program wrote is not stale because it cannot be looked at",
		own_is_not_stale);
	unit_one("a source that cannot be looked at proves nothing",
		unproven_is_not_fresh);
	unit_one(
		"the state of an entry whose source is behind another user's link is unknown",
		a_source_behind_another_users_link);
	return unit_run("state");
}
