/* SPDX-License-Identifier: MIT
 *
 * Walking through a cache, opening files in it, and the trash: on real directories.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/fake/fake_cache.h"
#include "tools/cache/cache.h"
#include "tools/cache/walk.h"
#include "tools/gc/trash.h"

/* A chain of that many directories below v1/top, deeper than any path can name. */
static void make_deep(const char *top, unsigned levels)
{
	static const char name[] = "a-directory-with-a-name-that-is-quite-long";
	int fd = open(fake_path(top), O_RDONLY | O_DIRECTORY), below, file;

	for (; levels; levels--) {
		assert_return_code(mkdirat(fd, name, 0700), 0);
		below = openat(fd, name, O_RDONLY | O_DIRECTORY);
		assert_true(below >= 0);
		close(fd);
		fd = below;
	}
	file = openat(fd, "file", O_CREAT | O_WRONLY, 0600);
	assert_true(file >= 0);
	close(file);
	close(fd);
}

/* --- opening -------------------------------------------------------------------------*/

static int open_and_close(const char *path)
{
	int fd = cache_openat(&fake_cache, path, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void opens_below(void **state)
{
	(void)state;
	fake_make_directory("v1/a", 0700);
	fake_make_directory("v1/a/b", 0700);
	fake_make_file("v1/a/b/f", "x");
	assert_int_equal(open_and_close(""), 0);
	assert_int_equal(open_and_close("."), 0);
	assert_int_equal(open_and_close("a/b"), 0);
	assert_int_equal(open_and_close("a/b/f"), 0);
	assert_int_equal(open_and_close("a/none"), -ENOENT);
}

static void opens_nothing_elsewhere(void **state)
{
	int refused;

	(void)state;
	fake_make_file("secret", "x");
	fake_make_directory("v1/a", 0700);
	fake_make_link("v1/file", "../secret");
	fake_make_link("v1/dir", "..");
	fake_make_link("v1/inside", "a");
	assert_int_equal(open_and_close("file"), -ELOOP);
	/* Without openat2, the kernel says that it is not a directory. */
	refused = open_and_close("dir/secret");
	assert_true(refused == -ELOOP || refused == -ENOTDIR);
	assert_int_equal(open_and_close("inside"), -ELOOP);
	assert_int_equal(open_and_close("../secret"), -EXDEV);
	assert_int_equal(open_and_close("a/../../secret"), -EXDEV);
}

static void opens_what_is_deep(void **state)
{
	static const char name[] = "/a-directory-with-a-name-that-is-quite-long";
	char path[PATH_MAX * 3] = "top";

	(void)state;
	fake_make_directory("v1/top", 0700);
	make_deep("v1/top", 150);
	for (unsigned i = 0; i < 150; i++)
		strcat(path, name);
	strcat(path, "/file");
	assert_true(strlen(path) > PATH_MAX);
	assert_int_equal(open_and_close(path), 0);
	strcat(path, "/x");
	assert_int_equal(open_and_close(path), -ENOTDIR);
	/* fake_end could not name it either */
	assert_int_equal(trash_move(&fake_cache, "top", 1, 0, NULL), 0);
	assert_int_equal(trash_reclaim(&fake_cache, 0, &(struct freed){ 0 }), 0);
}

/* --- walking -------------------------------------------------------------------------*/

struct seen {
	_Atomic(unsigned) files, begun, ended, left;
	_Atomic(uint64_t) bytes;
};

static void see_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct seen *seen = dir->context;

	seen->files++;
	if (file->st)
		seen->bytes += (uint64_t)file->st->st_size;
	assert_true(file->type != DT_DIR);
}

static void see_begin(struct walk_dir *dir)
{
	((struct seen *)dir->context)->begun++;
}

static void see_end(struct walk_dir *dir)
{
	((struct seen *)dir->context)->ended++;
}

static bool see_leave(struct walk *walk, const char *path)
{
	/* nothing below it may be looked at afterwards */
	assert_return_code(unlinkat(walk->cache->fd, path, AT_REMOVEDIR), errno);
	((struct seen *)walk->context)->left++;
	return true;
}

static void unlink_file(struct walk_dir *dir, const struct walk_file *file)
{
	if (strcmp(file->name, "stays") == 0)
		return;
	dir->changed = true;
	assert_return_code(unlinkat(dir->fd, file->name, 0), errno);
}

static void make_many(unsigned dirs, unsigned files)
{
	char path[64];

	fake_make_directory("v1/many", 0700);
	for (unsigned i = 0; i < dirs; i++) {
		snprintf(path, sizeof path, "v1/many/%u", i);
		fake_make_directory(path, 0700);
		for (unsigned j = 0; j < files; j++) {
			snprintf(path, sizeof path, "v1/many/%u/file-%u", i, j);
			fake_make_file(path, "four");
		}
	}
}

static void sees_all(void **state)
{
	(void)state;
	make_many(100, 30);
	fake_make_link("v1/many/link", "/");
	fake_make_directory("v1/.trash", 0700);
	fake_make_file("v1/.trash/not-this", "x");
	for (unsigned threads = 0; threads < WALK_MOST_THREADS + 2; threads++) {
		struct seen seen = { 0 };
		struct walk walk = {
			.cache = &fake_cache,
			.context = &seen,
			.stat = threads % 2,
			.threads = threads,
			.file = see_file,
			.begin = see_begin,
			.end = see_end,
		};

		assert_int_equal(walk_run(&walk, ""), 0);
		assert_int_equal(seen.files, 3001);
		assert_int_equal(walk.seen, 3001);
		assert_int_equal(walk.failed, 0);
		assert_int_equal(seen.begun, 102);
		assert_int_equal(seen.ended, 102);
		assert_int_equal(seen.bytes, threads % 2 ? 12001 : 0);
	}
}

static void leaves_from_the_bottom_up(void **state)
{
	struct seen seen = { 0 };
	struct walk walk = { .cache = &fake_cache,
		.context = &seen,
		.file = unlink_file,
		.leave = see_leave };

	(void)state;
	make_many(50, 3);
	make_deep("v1/many/7", 20);
	fake_make_directory("v1/many/other", 0700);
	fake_make_file("v1/many/other/stays", "x");
	assert_int_equal(walk_run(&walk, "many"), 0);
	assert_int_equal(seen.left, 70);
	assert_int_equal(fake_mode("v1/many/0"), 0);
	assert_true(S_ISDIR(fake_mode("v1/many")));
}

static void stop_at_ten(struct walk_dir *dir, const struct walk_file *file)
{
	(void)file;
	if (++((struct seen *)dir->context)->files >= 10)
		dir->walk->stop = true;
}

static void stops(void **state)
{
	struct seen seen = { 0 };
	struct walk walk = { .cache = &fake_cache,
		.context = &seen,
		.file = stop_at_ten,
		.leave = see_leave };

	(void)state;
	make_many(100, 30);
	assert_int_equal(walk_run(&walk, ""), -EINTR);
	assert_in_range(seen.files, 10, 20);
	assert_int_equal(seen.left, 0);
}

static void says_what_it_cannot_begin(void **state)
{
	struct walk walk = { .cache = &fake_cache };

	(void)state;
	fake_make_file("v1/file", "x");
	fake_make_link("v1/link", "..");
	assert_int_equal(walk_run(&walk, "none"), -ENOENT);
	assert_int_equal(walk_run(&walk, "file"), -ENOTDIR);
	assert_true(walk_run(&walk, "link") < 0);
}

/* Presents the cache's folder as the root directory; "closed" cannot be opened. */
static int open_elsewhere(const struct walk *walk, const char *path)
{
	(void)walk;
	assert_int_equal(path[0], '/');
	assert_true(path[1] != '/');
	return strcmp(path, "/closed") == 0
		       ? -EACCES
		       : cache_openat(&fake_cache, path[1] ? path + 1 : ".",
				 O_RDONLY | O_DIRECTORY);
}

static void note_failure(struct walk *walk, const char *path, int error)
{
	assert_string_equal(path, "/closed");
	assert_int_equal(error, -EACCES);
	((struct seen *)walk->context)->left++;
}

static void reads_any_tree(void **state)
{
	struct seen seen = { 0 };
	struct walk walk = {
		.context = &seen,
		.open = open_elsewhere,
		.file = see_file,
		.begin = see_begin,
		.fail = note_failure,
	};

	(void)state;
	fake_make_directory("v1/a", 0700);
	fake_make_directory("v1/a/b", 0700);
	fake_make_directory("v1/closed", 0700);
	fake_make_file("v1/a/b/file", "four");
	fake_make_file("v1/closed/unseen", "four");
	assert_int_equal(walk_run(&walk, "/"), 0);
	assert_int_equal(seen.files, 1);
	assert_int_equal(seen.begun, 3);
	assert_int_equal(seen.left, 1);
	assert_int_equal(walk.failed, 1);
}

/* --- trash ---------------------------------------------------------------------------*/

static bool is_empty(const char *name)
{
	return rmdir(fake_path(name)) == 0 || errno == ENOENT;
}

static void moves_and_reclaims(void **state)
{
	struct freed freed = { 0 };

	(void)state;
	make_many(20, 10);
	fake_make_directory("v1/closed", 0);
	assert_int_equal(trash_move(&fake_cache, "none", 1, 0, NULL), -ENOENT);
	assert_int_equal(trash_move(&fake_cache, "many/3/file-3", 1, 0, NULL), 0);
	assert_int_equal(trash_move(&fake_cache, "many", 1, 0, NULL), 0);
	assert_int_equal(trash_move(&fake_cache, "closed", 1, 0, NULL), 0);
	assert_int_equal(fake_mode("v1/many"), 0);
	assert_false(is_empty("v1/.trash"));
	assert_int_equal(trash_reclaim(&fake_cache, 0, &freed), 0);
	assert_true(is_empty("v1/.trash"));
	assert_int_equal(freed.files, 200);
	assert_true(freed.bytes > 0);
}

static void reclaims_any_depth(void **state)
{
	struct freed freed = { 0 };

	(void)state;
	fake_make_directory("v1/top", 0700);
	make_deep("v1/top", 500);
	assert_int_equal(trash_move(&fake_cache, "top", 1, 0, NULL), 0);
	assert_int_equal(trash_reclaim(&fake_cache, 0, &freed), 0);
	assert_true(is_empty("v1/.trash"));
	assert_int_equal(freed.files, 1);
}

static void reclaims_until_then(void **state)
{
	struct freed freed = { 0 };

	(void)state;
	make_many(20, 10);
	assert_int_equal(trash_move(&fake_cache, "many", 1, 0, NULL), 0);
	assert_int_equal(trash_reclaim(&fake_cache, 1, &freed), -EAGAIN);
	assert_in_range(freed.files, 1, 100);
	assert_false(is_empty("v1/.trash"));
}

/* In the place of libc's: with this, no directory is renamed, as in an overlay. */
static bool renames_no_directory;

int renameat(int fromfd, const char *from, int tofd, const char *to)
{
	struct stat st;

	if (renames_no_directory &&
		fstatat(fromfd, from, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode)) {
		errno = EXDEV;
		return -1;
	}
	return (int)syscall(SYS_renameat2, fromfd, from, tofd, to, 0);
}

static void deletes_in_place(void **state)
{
	struct freed freed = { 0 };
	int r;

	(void)state;
	make_many(20, 10);
	fake_make_directory("outside", 0700);
	fake_make_file("outside/file", "x");
	fake_make_link("v1/many/3/link", "../../../outside");
	renames_no_directory = true;
	r = trash_move(&fake_cache, "many", 1, 0, &freed);
	renames_no_directory = false;
	assert_int_equal(r, 0);
	assert_int_equal(fake_mode("v1/many"), 0);
	assert_true(is_empty("v1/.trash"));
	assert_int_equal(freed.files, 201);
	assert_true(freed.bytes > 0);
	assert_true(S_ISREG(fake_mode("outside/file")));
}

static void deletes_in_place_until_then(void **state)
{
	struct freed freed = { 0 };
	uint64_t first;
	int stopped, r;

	(void)state;
	make_many(20, 10);
	renames_no_directory = true;
	stopped = trash_move(&fake_cache, "many", 1, 1, &freed);
	first = freed.files;
	r = trash_move(&fake_cache, "many", 1, 0, &freed);
	renames_no_directory = false;
	assert_int_equal(stopped, -EINTR);
	assert_in_range(first, 1, 100);
	assert_int_equal(r, 0);
	assert_int_equal(freed.files, 200);
	assert_int_equal(fake_mode("v1/many"), 0);
}

static void leaves_links_targets(void **state)
{
	struct freed freed = { 0 };

	(void)state;
	fake_make_directory("outside", 0700);
	fake_make_file("outside/file", "x");
	fake_make_directory("v1/dir", 0700);
	fake_make_link("v1/dir/link", "../../outside");
	assert_int_equal(trash_move(&fake_cache, "dir", 1, 0, NULL), 0);
	assert_int_equal(trash_reclaim(&fake_cache, 0, &freed), 0);
	assert_true(S_ISREG(fake_mode("outside/file")));
}

static void counts_the_last_link(void **state)
{
	struct freed freed = { 0 };
	struct stat st;

	(void)state;
	fake_make_file("v1/a", "x");
	assert_return_code(linkat(fake_cache.fd, "a", fake_cache.fd, "b", 0), errno);
	assert_return_code(fstatat(fake_cache.fd, "a", &st, 0), errno);
	assert_int_equal(trash_unlink(fake_cache.fd, "a", &st, &freed), 0);
	assert_int_equal(freed.bytes, 0);
	fake_make_file("v1/c", "x");
	assert_int_equal(trash_unlink(fake_cache.fd, "c", &st, &freed), -ESTALE);
	/* b has a different ctime now, because of what was done to a */
	assert_int_equal(
		trash_unlink(fake_cache.fd, "b", &st, &freed), st.st_blocks * 512);
	assert_int_equal(freed.bytes, st.st_blocks * 512);
	assert_int_equal(freed.files, 2);
	assert_int_equal(trash_unlink(fake_cache.fd, "b", &st, &freed), -ENOENT);
	assert_return_code(fstatat(fake_cache.fd, "c", &st, 0), errno);
	assert_return_code(utimensat(fake_cache.fd, "c", NULL, 0), errno);
	assert_int_equal(trash_unlink(fake_cache.fd, "c", &st, &freed), -ESTALE);
}

int main(void)
{
	unit_around(fake_cache_begin, fake_cache_end);
	unit_one("a path below the start is opened", opens_below);
	unit_one("no link and no .. leads out", opens_nothing_elsewhere);
	unit_one("a path may be longer than the kernel takes", opens_what_is_deep);
	unit_one("each file is seen once, whatever the number of threads", sees_all);
	unit_one(
		"any tree is read, and its failures reported, by the visitor's functions",
		reads_any_tree);
	unit_one("a directory is left after everything below it",
		leaves_from_the_bottom_up);
	unit_one("a walk stops when told, and leaves no directory then", stops);
	unit_one("a path that is not a directory is an error", says_what_it_cannot_begin);
	unit_one("a file that was moved into the trash is reclaimed", moves_and_reclaims);
	unit_one("a tree of any depth is reclaimed", reclaims_any_depth);
	unit_one("reclaiming ends when its time is up", reclaims_until_then);
	unit_one("a directory that cannot be renamed is deleted where it is",
		deletes_in_place);
	unit_one("what is left when the time is up is deleted later",
		deletes_in_place_until_then);
	unit_one("links are deleted, not followed", leaves_links_targets);
	unit_one("space is freed with the last link of the file that was judged",
		counts_the_last_link);
	return unit_run("walk");
}
