/* SPDX-License-Identifier: MIT
 *
 * A record that is read and written at the same time is read as a whole or not at all.
 * (Many slots with many threads: test_pending.c.)
 */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "shim/core/base/slot.h"

#define WORDS 50
#define ROUNDS 2000

static atomic_uint sequence;
static _Atomic(uint64_t) words[WORDS];

static int begin(void **state)
{
	(void)state;
	sequence = 0;
	for (size_t i = 0; i < WORDS; i++)
		words[i] = 0;
	return 0;
}

static void fill(uint64_t *record, uint64_t number)
{
	for (size_t i = 0; i < WORDS; i++)
		record[i] = number;
}

static void what_is_written_is_read(void **state)
{
	uint64_t in[WORDS], out[WORDS];

	(void)state;
	fill(in, 7);
	assert_true(slot_write(&sequence, slot_number(&sequence), words, in, WORDS));
	assert_true(slot_read(&sequence, words, out, WORDS));
	assert_memory_equal(in, out, sizeof in);
}

static void no_more_than_asked_for_is_copied(void **state)
{
	uint64_t in[WORDS], out[WORDS];

	(void)state;
	fill(in, 7);
	fill(out, 8);
	assert_true(slot_write(&sequence, slot_number(&sequence), words, in, 2));
	assert_int_equal(words[1], 7);
	assert_int_equal(words[2], 0);
	assert_true(slot_read(&sequence, words, out, 2));
	assert_int_equal(out[1], 7);
	assert_int_equal(out[2], 8);
}

/* As in a signal handler, or after a writer was forked away. */
static void one_that_is_being_written_is_left_alone(void **state)
{
	uint64_t in[WORDS], out[WORDS];

	(void)state;
	fill(in, 7);
	sequence = 1;
	assert_false(slot_write(&sequence, slot_number(&sequence), words, in, WORDS));
	assert_false(slot_read(&sequence, words, out, WORDS));
	assert_int_equal(sequence, 1);
	assert_int_equal(words[0], 0);
}

/* The writer has read it to decide that it may be overwritten. */
static void what_was_written_since_is_left_alone(void **state)
{
	uint64_t in[WORDS], out[WORDS];
	unsigned number = slot_number(&sequence);

	(void)state;
	fill(in, 7);
	assert_true(slot_write(&sequence, number, words, in, WORDS));
	fill(in, 8);
	assert_false(slot_write(&sequence, number, words, in, WORDS));
	assert_true(slot_read(&sequence, words, out, WORDS));
	assert_int_equal(out[0], 7);
}

static atomic_bool enough;

static void *write_often(void *at)
{
	uint64_t in[WORDS];

	for (uint64_t i = 0; !enough; i++) {
		fill(in, i * 2 + (uintptr_t)at);
		(void)slot_write(&sequence, slot_number(&sequence), words, in, WORDS);
		if (i % 8 == 0) /* otherwise the reader may never find it whole */
			sched_yield();
	}
	return NULL;
}

static void two_writers_and_a_reader(void **state)
{
	pthread_t threads[2];
	uint64_t out[WORDS];

	(void)state;
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, write_often, (void *)i), 0);
	for (unsigned whole = 0; whole < ROUNDS;) {
		if (!slot_read(&sequence, words, out, WORDS))
			continue;
		whole++;
		for (size_t n = 1; n < WORDS; n++)
			assert_int_equal(out[n], out[0]);
	}
	enough = true;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(slot_read(&sequence, words, out, WORDS));
}

int main(void)
{
	unit_around(begin, NULL);
	unit_one("a value that is written is read", what_is_written_is_read);
	unit_one("no more words than asked for are copied",
		no_more_than_asked_for_is_copied);
	unit_one("a slot that is being written is left alone",
		one_that_is_being_written_is_left_alone);
	unit_one("a slot that was written since its number was taken is left alone",
		what_was_written_since_is_left_alone);
	unit_one("two writers never give a reader a mixture", two_writers_and_a_reader);
	return unit_run("slot");
}
