/* SPDX-License-Identifier: MIT
 *
 * What a process remembers of directories, with one thread and with many.
 */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "shim/core/cache/memo.h"

/* The bytes behind the arena must not be touched. */
static struct {
	struct memo memo;
	char behind[2048];
} both;
#define memo both.memo

static int begin(void **state)
{
	(void)state;
	memset(&both, 0, sizeof both);
	return 0;
}

static void remember(const char *path, const char *canonical)
{
	memo_add(&memo, path, strlen(path), canonical, strlen(canonical));
}

/* Returns what is remembered for a path, "?" for nothing. */
static const char *recall(const char *path)
{
	static char text[8192];
	size_t len;
	const char *found = memo_find(&memo, path, strlen(path), &len);

	if (!found)
		return "?";
	memcpy(text, found, len);
	text[len] = '\0';
	return text;
}

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *path, *canonical;
} rows[] = {
	{ "a directory that has its own name is remembered", "/a/b", "/a/b" },
	{ "a link to something shorter is remembered", "/long/link", "/a" },
	{ "a link to something longer is remembered", "/l", "/a/b/c/d" },
	{ "a link to something of its own length is remembered", "/a/b", "/a/c" },
	{ "a link to the root directory, whose path is empty, is remembered", "/l", "" },
	{ "a name that is not UTF-8 is remembered", "/\xff/\xfe", "/\x80" },
};
/* clang-format on */

static void remembers(void **state)
{
	const struct row *row = *state;

	assert_string_equal(recall(row->path), "?");
	remember(row->path, row->canonical);
	assert_string_equal(recall(row->path), row->canonical);
	remember("/other", "/else");
	assert_string_equal(recall(row->path), row->canonical);
}

static void only_the_letters_asked_about_count(void **state)
{
	size_t len;

	(void)state;
	memo_add(&memo, unit_at_page_end("/a/b", 4), 4, "/c/d", 2);
	assert_string_equal(recall("/a/b"), "/c");
	assert_non_null(memo_find(&memo, "/a/b/e", 4, &len));
	assert_null(memo_find(&memo, "/a/b", 3, &len));
	assert_string_equal(recall("/a/b/"), "?");
}

static void nothing_is_ever_changed(void **state)
{
	size_t len, again_len;
	const char *found, *again;

	(void)state;
	remember("/a", "/b");
	found = memo_find(&memo, "/a", 2, &len);
	remember("/a", "/c");
	remember("/a", "/a");
	again = memo_find(&memo, "/a", 2, &again_len);
	assert_ptr_equal(found, again);
	assert_string_equal(recall("/a"), "/b");
}

static void not_found_touches_nothing(void **state)
{
	size_t len = 77;

	(void)state;
	assert_null(memo_find(&memo, "/a", 2, &len));
	assert_int_equal(len, 77);
}

/* The paths of each pair have the same hash on a little-endian machine. */
static void one_hash_for_two(void **state)
{
	(void)state;
	remember("/lpxnrp", "/1");
	assert_string_equal(recall("/gealoz"), "?");
	remember("/gealoz", "/2");
	assert_string_equal(recall("/lpxnrp"), "/1");
	assert_string_equal(recall("/gealoz"), "/2");
	remember("/snbazltstzh", "/3");
	assert_string_equal(recall("/hfbakcmitua"), "?");
}

/* Four times as many directories as slots, so that each has neighbours. */
static void a_full_table(void **state)
{
	unsigned known = 0;
	char path[32];

	(void)state;
	for (unsigned i = 0; i < 4 * MEMO_SLOTS; i++) {
		sprintf(path, "/%x", i);
		remember(path, path);
	}
	for (unsigned i = 0; i < 4 * MEMO_SLOTS; i++) {
		const char *got;

		sprintf(path, "/%x", i);
		got = recall(path);
		if (strcmp(got, "?") == 0)
			continue;
		assert_string_equal(got, path);
		known++;
	}
	assert_in_range(known, MEMO_SLOTS * 3 / 4, MEMO_SLOTS);
}

/* Long paths, so that the arena is full before the slots are. */
static void a_full_arena(void **state)
{
	char path[1025];
	unsigned known = 0;
	bool was_known = true;

	(void)state;
	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	for (unsigned i = 0; i < 3000; i++) {
		sprintf(path, "/%04u", i);
		path[5] = '/';
		remember(path, path);
		assert_true(strcmp(recall(path), "?") == 0 ||
			    strcmp(recall(path), path) == 0);
		if (strcmp(recall(path), "?") != 0) {
			assert_true(was_known);
			known++;
		} else {
			was_known = false;
		}
	}
	assert_in_range(known, MEMO_ARENA / 1100, MEMO_ARENA / 1024);
	/* the counter stops, so it never wraps around */
	assert_in_range(atomic_load(&memo.used), 0, MEMO_ARENA);
	remember("/short", "/short");
	assert_string_equal(recall("/short"), "/short");
	sprintf(path, "/%04u", 0);
	path[5] = '/';
	assert_string_equal(recall(path), path);
}

static void paths_too_long_to_be_remembered(void **state)
{
	static char path[70000];
	size_t len;

	(void)state;
	memset(path, 'a', sizeof path);
	memo_add(&memo, path, UINT16_MAX + 1, "/a", 2);
	memo_add(&memo, "/a", 2, path, UINT16_MAX + 1);
	assert_null(memo_find(&memo, path, UINT16_MAX + 1, &len));
	assert_string_equal(recall("/a"), "?");
	memo_add(&memo, path, UINT16_MAX, path, UINT16_MAX);
	assert_ptr_not_equal(memo_find(&memo, path, UINT16_MAX, &len), NULL);
	assert_int_equal(len, UINT16_MAX);
}

/* --- many threads ------------------------------------------------------------------ */
#define THREADS 8
#define PATHS 3000
#define ROUNDS 3

static pthread_barrier_t start;

struct thread {
	pthread_t id;
	unsigned number;
	unsigned wrong; /* wrong answers: not the one for their path */
	const char *found[PATHS];
};

static void *work(void *data)
{
	struct thread *self = data;
	char path[32], canonical[32];
	size_t len;

	pthread_barrier_wait(&start);
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < PATHS; i++) {
			/* half of the threads in the reverse order */
			unsigned n = self->number % 2 ? i : PATHS - 1 - i;
			int path_len = sprintf(path, "/d/%u", n);
			int canonical_len = sprintf(canonical, "/p/%u/%u", n, n * 7);

			if (!memo_find(&memo, path, (size_t)path_len, &len))
				memo_add(&memo, path, (size_t)path_len, canonical,
					(size_t)canonical_len);
			self->found[n] = memo_find(&memo, path, (size_t)path_len, &len);
			if (self->found[n] &&
				(len != (size_t)canonical_len ||
					memcmp(self->found[n], canonical, len)))
				self->wrong++;
		}
	return NULL;
}

static void many_threads(void **state)
{
	static struct thread threads[THREADS];
	unsigned known = 0;

	(void)state;
	pthread_barrier_init(&start, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i].number = i;
		assert_int_equal(
			pthread_create(&threads[i].id, NULL, work, &threads[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	pthread_barrier_destroy(&start);

	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(threads[i].wrong, 0);
	for (unsigned n = 0; n < PATHS; n++) {
		const char *found = threads[0].found[n];

		for (unsigned i = 1; found && i < THREADS; i++)
			if (threads[i].found[n])
				assert_ptr_equal(threads[i].found[n], found);
		known += found != NULL;
	}
	assert_in_range(known, PATHS * 9 / 10, PATHS);
}

/* --- two threads at the same moment --------------------------------------------------*/
#define MEETINGS 2000

static atomic_uint arrived;

/* From here both threads start as nearly together as possible. */
static void meet(unsigned meeting)
{
	atomic_fetch_add(&arrived, 1);
	while (atomic_load(&arrived) < 2 * meeting)
		sched_yield();
}

static const char *answers[2][MEETINGS];

static void *say_otherwise(void *data)
{
	unsigned number = data != NULL;
	char path[32], canonical[32];
	size_t len;

	for (unsigned i = 0; i < MEETINGS; i++) {
		int path_len = sprintf(path, "/d/%u", i);
		int canonical_len = sprintf(canonical, "/p/%u", number);

		meet(i + 1);
		memo_add(&memo, path, (size_t)path_len, canonical, (size_t)canonical_len);
		answers[number][i] = memo_find(&memo, path, (size_t)path_len, &len);
	}
	return NULL;
}

static void *take_the_last_room(void *data)
{
	unsigned number = data != NULL;
	char path[1000];

	memset(path, 'a', sizeof path);
	for (unsigned i = 0; i < MEETINGS; i++) {
		meet(2 * i + 1);
		if (number) {
			memset(memo.slots, 0, sizeof memo.slots);
			atomic_store(&memo.used, MEMO_ARENA - sizeof path - 100);
		}
		meet(2 * i + 2);
		sprintf(path, "/%u/%u", number, i);
		memo_add(&memo, path, sizeof path, path, sizeof path);
	}
	return NULL;
}

static void run_two(void *(*work_of)(void *))
{
	static char second;
	pthread_t other;

	memset(&both, 0, sizeof both);
	atomic_store(&arrived, 0);
	assert_int_equal(pthread_create(&other, NULL, work_of, &second), 0);
	work_of(NULL);
	pthread_join(other, NULL);
}

/* How close they come is up to the scheduler, so once is not enough. */
#define TIMES 10

static void two_answers(void **state)
{
	(void)state;
	for (unsigned n = 0; n < TIMES; n++) {
		run_two(say_otherwise);
		for (unsigned i = 0; i < MEETINGS; i++)
			assert_ptr_equal(answers[0][i], answers[1][i]);
	}
}

static void the_last_room(void **state)
{
	(void)state;
	for (unsigned n = 0; n < TIMES; n++) {
		run_two(take_the_last_room);
		for (size_t i = 0; i < sizeof both.behind; i++)
			assert_int_equal(both.behind[i], 0);
	}
}

int main(void)
{
	unit_around(begin, NULL);
	unit_rows(remembers, rows);
	unit_one("only the given length of the name counts",
		only_the_letters_asked_about_count);
	unit_one("the first answer stays, and stays in its place",
		nothing_is_ever_changed);
	unit_one("a name that is not found leaves the length alone",
		not_found_touches_nothing);
	unit_one("two paths with one hash are kept apart", one_hash_for_two);
	unit_one("a full table gives no wrong answer", a_full_table);
	unit_one("a full arena keeps what it has and takes no more", a_full_arena);
	unit_one("paths that are too long are not remembered",
		paths_too_long_to_be_remembered);
	unit_one("many threads get the same answers, and each its own path's",
		many_threads);
	unit_one("two threads that answer at the same moment both get the same answer",
		two_answers);
	unit_one("if two threads want the last room, one gets it", the_last_room);
	return unit_run("memo");
}
