/* SPDX-License-Identifier: MIT
 *
 * Pending compiles are kept until they are answered, sometimes lost, and never mixed up:
 * with one thread and with many.
 */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "shim/core/proof/pending.h"

#define ME ((uintptr_t)1) /* the thread that asks */

static struct pending pending;

static int begin(void **state)
{
	(void)state;
	memset(&pending, 0, sizeof pending);
	return 0;
}

/* Returns a source in which every word depends on the number. */
static struct pending_source numbered(uint64_t number)
{
	struct pending_source source;

	memset(&source, 0, sizeof source);
	source.identity.inode = number;
	source.identity.ctime = (struct timespec){ (time_t)number, (long)number };
	source.identity.mtime = (struct timespec){ -(time_t)number, (long)number };
	source.identity.size = number;
	source.device = number;
	source.digested = (uint32_t)number;
	for (size_t i = 0; i < DIGEST_SIZE; i += sizeof number)
		memcpy(source.digest.bytes + i, &number, sizeof number);
	return source;
}

/* The thread opens the source of that number, if it is on that device. */
static void open_on(dev_t device, uintptr_t thread, const char *path, uint64_t number)
{
	struct pending_source source = numbered(number);

	source.device = device;
	source.opened = 0;
	pending_opened(&pending, thread, path, &source);
}

static void add(const char *path, uint64_t number)
{
	struct pending_source source = numbered(number);

	pending_add(&pending, ME, path, &source);
}

/* Returns the number that is remembered for a path, 0 for none. */
static uint64_t find(const char *path)
{
	struct pending_source found, want;

	memset(&found, 0, sizeof found);
	if (!pending_find(&pending, ME, path, &found))
		return 0;
	want = numbered(found.identity.inode);
	want.opened = found.opened;
	assert_memory_equal(&found, &want, sizeof want);
	return found.identity.inode;
}

static void what_was_asked_is_found(void **state)
{
	(void)state;
	assert_int_equal(find("/a"), 0);
	add("/a", 1);
	assert_int_equal(find("/a"), 1);
	assert_int_equal(find("/a"), 1);
}

static void the_last_question_counts(void **state)
{
	(void)state;
	add("/a", 1);
	add("/a", 2);
	assert_int_equal(find("/a"), 2);
}

static void other_paths_are_others(void **state)
{
	(void)state;
	add("/a", 1);
	assert_int_equal(find("/"), 0);
	assert_int_equal(find("/b"), 0);
	assert_int_equal(find("/aa"), 0);
	assert_int_equal(find(""), 0);
}

static void what_is_not_found_touches_nothing(void **state)
{
	struct pending_source found = numbered(77), want = numbered(77);

	(void)state;
	assert_false(pending_find(&pending, ME, "/a", &found));
	assert_memory_equal(&found, &want, sizeof want);
}

static char *path_of(unsigned number)
{
	static _Thread_local char path[40];

	snprintf(path, sizeof path, "/usr/lib/m%u.cpython-311.pyc", number);
	return path;
}

/* As many paths as slots, so that some share a slot. */
static void others_may_take_its_place(void **state)
{
	const unsigned many = 4 * PENDING_SLOTS;
	unsigned kept = 0;

	(void)state;
	for (unsigned i = 1; i <= many; i++) {
		add(path_of(i), i);
		assert_int_equal(find(path_of(i)), i);
	}
	for (unsigned i = 1; i <= many; i++) {
		uint64_t found = find(path_of(i));

		assert_true(found == 0 || found == i);
		kept += found != 0;
	}
	assert_in_range(kept, PENDING_SLOTS * 9 / 10, PENDING_SLOTS);
}

/* As many as many threads have at one time are all kept: each one lost is a module that
 * is compiled once more. */
static void some_hundred_are_all_kept(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 300; i++)
		add(path_of(i), i);
	for (unsigned i = 1; i <= 300; i++)
		assert_int_equal(find(path_of(i)), i);
}

static void the_oldest_goes(void **state)
{
	unsigned others = 0;

	(void)state;
	add("/a", 1);
	for (unsigned i = 2; find("/a"); i++, others++) {
		add(path_of(i), i);
		if (i % 100 == 0)
			add("/b", i / 100);
		assert_int_equal(find("/b"), i / 100);
	}
	assert_in_range(others, PENDING_SLOTS / 4, PENDING_SLOTS * 4);
}

static void the_served_go_first(void **state)
{
	(void)state;
	add("/a", 1);
	for (unsigned i = 1; i <= 4 * PENDING_SLOTS; i++) {
		struct pending_source source = numbered(i);

		source.served = true;
		pending_add(&pending, ME, path_of(i), &source);
	}
	assert_int_equal(find("/a"), 1);
}

/* As in a signal handler that interrupts an addition. */
static void a_question_within_a_question_is_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < PENDING_SLOTS; i++)
		pending.slots[i].sequence = 1;
	add("/a", 1);
	assert_int_equal(find("/a"), 0);
	for (size_t i = 0; i < PENDING_SLOTS; i++) {
		assert_int_equal(pending.slots[i].sequence, 1);
		for (size_t word = 0; word < PENDING_WORDS; word++)
			assert_int_equal(pending.slots[i].words[word], 0);
	}
}

static void it_goes_on_when_the_sequence_goes_round(void **state)
{
	(void)state;
	for (size_t i = 0; i < PENDING_SLOTS; i++)
		pending.slots[i].sequence = 0u - 2;
	add("/a", 1);
	assert_int_equal(find("/a"), 1);
	add("/a", 2);
	assert_int_equal(find("/a"), 2);
}

static void each_thread_has_its_own_questions(void **state)
{
	struct pending_source source = numbered(5), found;

	(void)state;
	add("/a", 1);
	assert_false(pending_find(&pending, ME + 1, "/a", &found));
	pending_add(&pending, ME + 1, "/a", &source);
	assert_int_equal(find("/a"), 1);
	assert_true(pending_find(&pending, ME + 1, "/a", &found));
	assert_int_equal(found.identity.inode, 5);
}

static void opening_another_file_voids_the_question(void **state)
{
	struct pending_source found;

	(void)state;
	add("/a", 1);
	open_on(5, ME, "/b", 5);
	assert_int_equal(find("/b"), 0);
	open_on(5, ME + 1, "/a", 5);
	assert_int_equal(find("/a"), 1);
	open_on(1, ME, "/a", 1);
	assert_int_equal(find("/a"), 1);
	open_on(5, ME, "/a", 5);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_int_equal(found.identity.inode, 0);
	assert_false(found.digested);
	/* until it is asked again */
	add("/a", 1);
	assert_int_equal(find("/a"), 1);
}

/* Its name may be that of several sources' bytecode. */
static void asking_again_forgets_that_the_source_was_opened(void **state)
{
	struct pending_source source = numbered(2), found; /* even: not opened */

	(void)state;
	pending_add(&pending, ME, "/a", &source);
	open_on(2, ME, "/a", 2);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_true(found.opened);
	pending_add(&pending, ME, "/a", &source);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_false(pending_was_opened(&found));
}

/* fakeroot's rename looks at the new name. */
static void asking_while_it_is_written_forgets_nothing(void **state)
{
	struct pending_source source = numbered(2), found;

	(void)state;
	pending_add(&pending, ME, "/a", &source);
	pending_begin(&pending, ME, "/a"); /* it was not opened */
	pending_add(&pending, ME, "/a", &source);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_false(found.opened);
	open_on(2, ME, "/a", 2);
	pending_begin(&pending, ME, "/a");
	pending_add(&pending, ME, "/a", &source);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_true(found.opened);
	source = numbered(4);
	pending_add(&pending, ME, "/a", &source);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_false(pending_was_opened(&found));
}

/* The program looks for the bytecode of that source and opens it. Returns the state. */
static unsigned state_after(uint64_t number, bool unknown)
{
	struct pending_source source = numbered(number), found;

	source.unknown = unknown;
	pending_add(&pending, ME, "/a", &source);
	open_on((dev_t)number, ME, "/a", number);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_int_equal(found.identity.inode, number);
	return found.opened;
}

/* Its bytecode may be written after that of the next one was asked for, and opened. */
static void another_that_was_opened(void **state)
{
	(void)state;
	assert_int_equal(state_after(4, false), PENDING_OPENED);
	assert_int_equal(state_after(4, false), PENDING_OPENED | PENDING_BEFORE);
	add("/a", 4); /* and not opened again */
	assert_int_equal(state_after(6, false), PENDING_OPENED | PENDING_ANOTHER);
	assert_true(state_after(6, false) & PENDING_ANOTHER);
	pending_drop(&pending, ME, "/a");
	assert_int_equal(state_after(6, false), PENDING_OPENED);
	assert_int_equal(state_after(8, true), PENDING_OPENED | PENDING_ANOTHER);
}

static void look_at(const char *path)
{
	const struct pending_source unknown = { .unknown = true, .looks = 1 };

	pending_add(&pending, ME, path, &unknown);
}

static void opening_an_unknown_source_tells_it(void **state)
{
	struct pending_source found;

	(void)state;
	assert_false(pending_is_unknown(&pending, ME, "/a"));
	look_at("/a");
	look_at("/a");
	assert_true(pending_is_unknown(&pending, ME, "/a"));
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_false(found.opened);
	open_on(1, ME, "/a", 1);
	assert_false(pending_is_unknown(&pending, ME, "/a"));
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_int_equal(found.identity.inode, 1);
	assert_true(found.opened && found.digested);
	assert_int_equal(found.looks, 2);
	open_on(1, ME, "/a", 1);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_int_equal(found.identity.inode, 1);
	/* another one, after the first was read */
	open_on(2, ME, "/a", 2);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_int_equal(found.identity.inode, 0);
	open_on(1, ME, "/a", 1);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_int_equal(found.identity.inode, 0);
	/* until it is looked for again */
	look_at("/a");
	assert_true(pending_is_unknown(&pending, ME, "/a"));
}

static void looking_while_it_is_written_forgets_nothing(void **state)
{
	struct pending_source found;

	(void)state;
	look_at("/a");
	pending_begin(&pending, ME, "/a"); /* it was not opened */
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_false(found.opened);
	open_on(1, ME, "/a", 1);
	pending_begin(&pending, ME, "/a");
	look_at("/a");
	assert_false(pending_is_unknown(&pending, ME, "/a"));
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_int_equal(found.identity.inode, 1);
	assert_true(found.opened);
	assert_int_equal(found.looks, 2);
}

static void opening_its_twin_on_another_device_voids_the_question(void **state)
{
	struct pending_source found;

	(void)state;
	add("/a", 1);
	open_on(2, ME, "/a", 1);
	assert_true(pending_find(&pending, ME, "/a", &found));
	assert_int_equal(found.identity.inode, 0);
}

static void what_has_its_name_is_forgotten(void **state)
{
	(void)state;
	add("/a", 1);
	add("/b", 2);
	pending_drop(&pending, ME + 1, "/a");
	assert_int_equal(find("/a"), 1);
	pending_drop(&pending, ME, "/a");
	assert_int_equal(find("/a"), 0);
	assert_false(pending_is_lost(&pending, ME, "/a"));
	assert_int_equal(find("/b"), 2);
	pending_drop(&pending, ME, "/c");
	add("/a", 3);
	assert_int_equal(find("/a"), 3);
}

/* --- many threads ------------------------------------------------------------------ */
#define PATHS 8 /* few paths, so that the threads get into each other's way */
#define ROUNDS 60000

static void *hammer(void *at)
{
	unsigned me = (unsigned)(uintptr_t)at;
	uint64_t seed = me, found_number = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned path = unit_random(&seed, PATHS);
		/* the numbers of a path leave its remainder */
		uint64_t number = (uint64_t)unit_random(&seed, 1000000) * PATHS + path;
		struct pending_source source = numbered(number), want;

		if (unit_random(&seed, 2))
			pending_add(&pending, ME, path_of(path), &source);
		if (!pending_find(&pending, ME, path_of(path), &source))
			continue;
		found_number = source.identity.inode;
		want = numbered(found_number);
		if (memcmp(&source, &want, sizeof want) != 0 ||
			found_number % PATHS != path)
			return at;
		if (i % 256 == 0)
			sched_yield();
	}
	return NULL;
}

static void threads_never_get_a_torn_answer(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (uintptr_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	for (size_t i = 0; i < PENDING_SLOTS; i++)
		assert_int_equal(pending.slots[i].sequence % 2, 0);
}

int main(void)
{
	unit_around(begin, NULL);
	unit_one("a pending compile is found whole, and again", what_was_asked_is_found);
	unit_one("the last of several compiles of a path is found",
		the_last_question_counts);
	unit_one("a pending compile is not found by a different path",
		other_paths_are_others);
	unit_one("a path that is not found leaves the result alone",
		what_is_not_found_touches_nothing);
	unit_one(
		"of more compiles than there is room for, the last ones are kept, and none is mixed up",
		others_may_take_its_place);
	unit_one("some hundred pending compiles are all kept", some_hundred_are_all_kept);
	unit_one("the oldest pending compile makes room for others", the_oldest_goes);
	unit_one("compiles of bytecode that was served make room first",
		the_served_go_first);
	unit_one("a compile added while all places are being written is lost",
		a_question_within_a_question_is_lost);
	unit_one("compiles are found when the sequence number wraps around",
		it_goes_on_when_the_sequence_goes_round);
	unit_one("each thread has its own pending compiles",
		each_thread_has_its_own_questions);
	unit_one("opening a file other than the source voids the pending compile",
		opening_another_file_voids_the_question);
	unit_one("looking for the bytecode again forgets that the source was opened",
		asking_again_forgets_that_the_source_was_opened);
	unit_one("looking for the bytecode while it is written forgets nothing",
		asking_while_it_is_written_forgets_nothing);
	unit_one(
		"opening a source of which nothing is known tells all about it, and opening another one voids that",
		opening_an_unknown_source_tells_it);
	unit_one("looking for bytecode while it is written forgets nothing",
		looking_while_it_is_written_forgets_nothing);
	unit_one(
		"opening a file on another device, with the same identity, voids the pending compile",
		opening_its_twin_on_another_device_voids_the_question);
	unit_one("a compile whose bytecode has got its name is forgotten",
		what_has_its_name_is_forgotten);
	unit_one("four threads never get a torn answer, or that of a different path",
		threads_never_get_a_torn_answer);
	unit_one(
		"a source is marked if another one was opened before, whose bytecode was not written",
		another_that_was_opened);
	return unit_run("asked");
}
