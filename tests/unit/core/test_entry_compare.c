/* SPDX-License-Identifier: MIT
 *
 * Comparing a sealed entry with the present source. Each row changes one thing about the
 * source, the seal or the policy of an entry that would otherwise be a hit.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "shim/core/entry/entry_file.h"
#include "tests/unit/fake/fake_entry.h"

static struct seal seal;

static void nothing(void)
{
}

static void no_source(void)
{
	unlink(fake_path("src/m.py"));
}

static void no_permission(void)
{
	fake.fail_at = 1;
	fake.fail_with = EACCES;
}

static struct sys closing;

static int open_closed(int dirfd, const char *path, int flags, mode_t mode)
{
	return flags & O_PATH ? fake_sys.openat(dirfd, path, flags, mode) : -EACCES;
}

/* Root could read it. */
static void closed(void)
{
	closing = fake_sys;
	closing.openat = open_closed;
	fe.world.env.sys = &closing;
	assert_return_code(chmod(fake_path("src/m.py"), 0), errno);
}

static void closed_and_another_file(void)
{
	fake_source_lies("src/m.py", "tsrif");
	closed();
}

static void closed_and_edited(void)
{
	fake_source_time(77);
	closed();
}

static void same_content(void)
{
	fake_source_lies("src/m.py", "first");
}

static void same_content_of_another_time(void)
{
	fake_source("src/m.py", "first");
	fake_source_time(77);
}

static void same_content_by_path(void)
{
	same_content_of_another_time();
	fe.world.policy.rewritten_by_path = true;
}

static void other_content(void)
{
	fake_source_lies("src/m.py", "tsrif");
}

static void other_size(void)
{
	fake_source_lies("src/m.py", "first and more");
}

static void no_digest(void)
{
	seal.flags &= ~(uint32_t)(SEAL_SOURCE | SEAL_IDENTITY);
}

static void no_identity(void)
{
	seal.flags &= ~(uint32_t)SEAL_IDENTITY;
}

static void digest_policy(void)
{
	fe.world.policy.always_digest = true;
}

static void compiler(void)
{
	same_content_of_another_time();
	fe.world.policy.compiles = true;
}

static void own_codec(void)
{
	fake_source_lies("src/m.py", "# coding: mine\n");
	seal.source.size = strlen("# coding: mine\n");
	seal.digest = digest_of("# coding: mine\n", seal.source.size);
}

static void by(uint32_t writers)
{
	seal.flags |= writers << SEAL_WRITERS_SHIFT;
}

/* The mode, and thereby the ctime, of the source changes, and the seal with it. */
static void all_can_write(void)
{
	struct stat st;
	uint64_t fs = seal.source.fs;

	assert_return_code(chmod(fake_path("src/m.py"), 0666), errno);
	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	seal.source = identity_of(&st);
	seal.source.fs = fs;
}

static void others_could_write(void)
{
	by(WAY_EVERYBODY);
	all_can_write();
}

static void unknown_others_could_write(void)
{
	by(WAY_OTHERS);
}

static void a_group_could_write(void)
{
	by(way_number(&fake_sys, 0, 4711));
}

static void all_could_write_to_its_like(void)
{
	by(WAY_EVERYBODY);
}

static void another_could_write_to_its_like(void)
{
	by(way_number(&fake_sys, 4711, 0));
}

static void nobody_knows_whose_its_like_was(void)
{
	by(WAY_UNKNOWN);
	all_can_write();
}

static void its_like_was_the_users(void)
{
	by(way_number(&fake_sys, geteuid(), 0));
}

static void unknown_others_could_write_once(void)
{
	by(WAY_OTHERS);
	same_content();
}

static void others_could_write_once(void)
{
	by(WAY_EVERYBODY);
	same_content();
}

static void others_could_write_and_can(void)
{
	others_could_write_once();
	assert_return_code(chmod(fake_path("src/m.py"), 0666), errno);
	assert_return_code(chmod(fake_path("."), 0755), errno);
}

static void others_could_write_and_cannot_get_there(void)
{
	others_could_write_and_can();
	assert_return_code(chmod(fake_path("src"), 0700), errno);
}

static void others_could_write_to_this_one(void)
{
	others_could_write();
	assert_return_code(chmod(fake_path("src"), 0700), errno);
}

static void another_could_write(void)
{
	by(way_number(&fake_sys, 4711, 0));
	same_content();
}

static void the_user_could_write(void)
{
	by(way_number(&fake_sys, geteuid(), 0));
	same_content();
}

static void of_release(unsigned number)
{
	seal.flags |= number << SEAL_RELEASE_SHIFT;
	fe.world.python.release = 3;
}

static void of_another_release(void)
{
	of_release(8);
}

static void of_another_release_once(void)
{
	of_release(8);
	same_content();
}

static void of_this_release_once(void)
{
	of_release(3);
	same_content();
}

static void of_an_unknown_release_once(void)
{
	of_release(0);
	same_content();
}

/* compared: by identity alone; content: by content, after VERDICT_NONE; elsewhere: for an
 * entry that others may have written. */
static const struct row {
	const char *sentence;
	void (*change)(void);
	bool stock;
	enum verdict compared, elsewhere, content;
} rows[] = {
	{ "an entry of this very source is a hit", nothing, true, VERDICT_HIT,
		VERDICT_HIT, VERDICT_HIT_SAME_CONTENT },
	{ "only the user's own entry is served without its source", no_source, true,
		VERDICT_HIT_NO_SOURCE, VERDICT_MISS_UNREACHABLE,
		VERDICT_MISS_UNREADABLE },
	{ "an entry of a source that was closed is served by time and size", closed, true,
		VERDICT_NONE, VERDICT_NONE, VERDICT_HIT_CLOSED },
	{ "an entry of a source that was edited and closed is a miss", closed_and_edited,
		true, VERDICT_NONE, VERDICT_NONE, VERDICT_MISS_UNREADABLE },
	{ "an entry of a source that was replaced by a closed one is a miss",
		closed_and_another_file, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_UNREADABLE },
	{ "a source that cannot be looked at is a miss", no_permission, true,
		VERDICT_MISS_UNREACHABLE, VERDICT_HIT, VERDICT_HIT_SAME_CONTENT },
	{ "a new file of the same content, time and size is re-sealed", same_content,
		true, VERDICT_NONE, VERDICT_NONE, VERDICT_HIT_RESEALED },
	{ "a new file of the same content but a different time is re-sealed",
		same_content_of_another_time, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_HIT_RESEALED },
	{ "bytecode that is not the import system's is a miss if its source was touched",
		same_content_of_another_time, false, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_TOUCHED },
	{ "with PYCSTASH_REWRITTEN=path, bytecode of any kind is re-sealed",
		same_content_by_path, false, VERDICT_NONE, VERDICT_NONE,
		VERDICT_HIT_RESEALED },
	{ "an entry of a touched source is a miss for a compiler", compiler, true,
		VERDICT_NONE, VERDICT_NONE, VERDICT_MISS_TOUCHED },
	{ "different content of the same time and size is a miss", other_content, true,
		VERDICT_NONE, VERDICT_NONE, VERDICT_MISS_CHANGED },
	{ "different content of another size is a miss", other_size, true,
		VERDICT_MISS_CHANGED, VERDICT_MISS_CHANGED, VERDICT_MISS_CHANGED },
	{ "a seal without a digest proves nothing", no_digest, true,
		VERDICT_MISS_NOT_SEALED, VERDICT_MISS_NOT_SEALED, VERDICT_HIT_RESEALED },
	{ "an entry without an identity is compared by its content", no_identity, true,
		VERDICT_NONE, VERDICT_NONE, VERDICT_HIT_RESEALED },
	{ "an entry is compared by its content with PYCSTASH_VALIDATE=content",
		digest_policy, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_HIT_SAME_CONTENT },
	{ "an entry of a source in a program's own codec is a miss if the source was touched",
		own_codec, true, VERDICT_NONE, VERDICT_NONE, VERDICT_MISS_TOUCHED },
	{ "an entry of a source that others could write to is served for that very file",
		others_could_write, true, VERDICT_HIT, VERDICT_HIT,
		VERDICT_HIT_SAME_CONTENT },
	{ "an entry of a source that a group could write to is served for that very file",
		a_group_could_write, true, VERDICT_HIT, VERDICT_HIT,
		VERDICT_HIT_SAME_CONTENT },
	{ "an entry of a source that unknown others could write to is served for that very file",
		unknown_others_could_write, true, VERDICT_HIT, VERDICT_HIT,
		VERDICT_HIT_SAME_CONTENT },
	{ "an entry of a source that unknown others could write to is not served for a different file",
		unknown_others_could_write_once, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_TOUCHED },
	{ "an entry of a file that all could write to is not served for one of that identity which they cannot",
		all_could_write_to_its_like, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_TOUCHED },
	{ "an entry of another user's file is not served for one of that identity which is not theirs",
		another_could_write_to_its_like, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_TOUCHED },
	{ "an entry of a file whose owner is not known is not served for one of that identity",
		nobody_knows_whose_its_like_was, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_TOUCHED },
	{ "an entry that root has made of the user's file is served for that very file",
		its_like_was_the_users, true, VERDICT_HIT, VERDICT_HIT,
		VERDICT_HIT_SAME_CONTENT },
	{ "an entry of a source that all could write to is not served for a different file",
		others_could_write_once, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_TOUCHED },
	{ "an entry of a source that another user could write to is not served for a different file",
		another_could_write, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_TOUCHED },
	{ "an entry of a source that others could write to is served for one that the same can write to",
		others_could_write_and_can, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_HIT_RESEALED },
	{ "an entry of a source that others could write to is not served for one that they cannot get to",
		others_could_write_and_cannot_get_there, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_TOUCHED },
	{ "an entry of a source that others could write to is served for that file in a closed directory",
		others_could_write_to_this_one, true, VERDICT_HIT, VERDICT_HIT,
		VERDICT_HIT_SAME_CONTENT },
	{ "an entry of a source that only the user could write to is served for a different file",
		the_user_could_write, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_HIT_RESEALED },
	{ "an entry that another release has compiled is a hit for the very source",
		of_another_release, true, VERDICT_HIT, VERDICT_HIT,
		VERDICT_HIT_SAME_CONTENT },
	{ "an entry that another release has compiled is a miss if its source was touched",
		of_another_release_once, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_MISS_RELEASE },
	{ "an entry that this release has compiled is re-sealed if its source was touched",
		of_this_release_once, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_HIT_RESEALED },
	{ "an entry of an unknown release is re-sealed if its source was touched",
		of_an_unknown_release_once, true, VERDICT_NONE, VERDICT_NONE,
		VERDICT_HIT_RESEALED },
};

static void compares(void **state)
{
	const struct row *row = *state;
	struct source source;
	int fd;

	fake_import_first();
	source = (struct source){ .dirfd = AT_FDCWD, .path = fe.entry.source.path };
	fd = fake_open_file(fe.path);
	assert_true(entry_file_is_sealed(&fe.world, fd, &seal));
	fake_sys.close(fd);
	fake_count_from_here();
	row->change();
	assert_int_equal(entry_compare(&fe.world, &source, &seal), row->compared);
	assert_int_equal(
		entry_compare_elsewhere(&fe.world, &source, &seal), row->elsewhere);
	assert_int_equal(entry_compare_content(&fe.world, &source, &seal, row->stock,
				 entry_release(&fe.entry)),
		row->content);
}

/* --- what is read
 * ----------------------------------------------------------------------*/
static unsigned reads;

static void count_read(unsigned call, const char *name)
{
	(void)call;
	reads += strcmp(name, "pread") == 0;
}

static const struct read {
	const char *sentence;
	const char *text;
	enum verdict verdict;
	unsigned reads;
} read_rows[] = {
	{ "a source of another size than the entry's is not read", "another",
		VERDICT_MISS_CHANGED, 0 },
	{ "a changed source of the same size is read", "tsrif", VERDICT_MISS_CHANGED, 1 },
	{ "a source of the same content is read", "first", VERDICT_HIT_RESEALED, 1 },
};

static void counts_reads(void **state)
{
	const struct read *row = *state;
	int fd;

	fake_import_first();
	fd = fake_open_file(fe.path);
	assert_true(entry_file_is_sealed(&fe.world, fd, &seal));
	fake_sys.close(fd);
	fake_source("src/m.py", row->text);
	reads = 0;
	fake.meanwhile = count_read;
	assert_int_equal(entry_judge(&fe.entry, &seal), row->verdict);
	fake.meanwhile = NULL;
	assert_int_equal(reads, row->reads);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(compares, rows);
	unit_rows(counts_reads, read_rows);
	return unit_run("entry_compare");
}
