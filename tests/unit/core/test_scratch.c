/* SPDX-License-Identifier: MIT
 *
 * Memory for one file at a time: which block is kept, and which is mapped anew.
 */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/base/scratch.h"
#include "tests/unit/fake/fake_sys.h"

static struct scratch scratch;

static int begin(void **state)
{
	scratch = (struct scratch){ .kept = NULL };
	return fake_begin(state);
}

static int end(void **state)
{
	if (scratch.kept)
		fake_sys.unmap(scratch.kept, SCRATCH_KEPT);
	return fake_end(state);
}

static void *take(size_t size, size_t *ret_size)
{
	char *memory = scratch_take(&scratch, &fake_sys, size, ret_size);

	if (memory) {
		assert_true(*ret_size >= size);
		memset(memory, 1, *ret_size);
	}
	return memory;
}

static void give(void *memory, size_t size)
{
	scratch_give(&scratch, &fake_sys, memory, size);
}

static void one_block_serves_all_that_is_small(void **state)
{
	size_t sizes[] = { 0, 1, 4096, SCRATCH_KEPT - 1, SCRATCH_KEPT }, size;
	void *first = take(1, &size);

	(void)state;
	give(first, size);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		void *memory = take(sizes[i], &size);

		assert_ptr_equal(memory, first);
		assert_int_equal(size, SCRATCH_KEPT);
		give(memory, size);
	}
	assert_int_equal(fake.calls, 1);
}

static void two_at_a_time_are_two_blocks(void **state)
{
	size_t size, other_size;
	void *memory = take(1, &size), *other = take(1, &other_size);

	(void)state;
	assert_ptr_not_equal(memory, other);
	give(memory, size);
	assert_int_equal(fake.mapped, 2);
	give(other, other_size);
	assert_int_equal(fake.mapped, 1);
	assert_ptr_equal(take(1, &size), memory);
	give(memory, size);
}

static void what_is_larger_is_not_kept(void **state)
{
	size_t size;
	void *memory = take(SCRATCH_KEPT + 1, &size);

	(void)state;
	assert_int_equal(size, SCRATCH_KEPT + 1);
	give(memory, size);
	assert_int_equal(fake.mapped, 0);
	assert_null(scratch.kept);
}

static void without_memory_there_is_none(void **state)
{
	size_t size;

	(void)state;
	fake.fail_at = 1;
	assert_null(take(1, &size));
	give(NULL, size);
	fake_count_from_here();
	assert_null(take(SCRATCH_KEPT + 1, &size));
	give(NULL, size);
	assert_int_equal(fake.mapped, 0);
}

/* --- many threads ------------------------------------------------------------------ */
static atomic_int mapped;

static void *map(size_t size)
{
	mapped++;
	return malloc(size);
}

static void unmap(void *memory, size_t size)
{
	(void)size;
	mapped--;
	free(memory);
}

static void *take_and_give(void *mark)
{
	static const struct sys sys = { .map = map, .unmap = unmap };
	void *wrong = NULL;

	for (int i = 0; i < 20000; i++) {
		size_t size;
		char *memory = scratch_take(&scratch, &sys, 64, &size);

		memset(memory, *(char *)mark, 64);
		if (i % 100 == 0)
			sched_yield();
		for (size_t at = 0; at < 64; at++)
			if (memory[at] != *(char *)mark)
				wrong = mark;
		scratch_give(&scratch, &sys, memory, size);
	}
	return wrong;
}

static void no_two_threads_have_one_block(void **state)
{
	pthread_t threads[4];
	char marks[] = "abcd";

	(void)state;
	mapped = 0;
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, take_and_give, &marks[i]), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	assert_int_equal(mapped, 1);
	assert_non_null(scratch.kept);
	free(atomic_exchange(&scratch.kept, NULL));
}

int main(void)
{
	unit_around(begin, end);
	unit_one("one block serves all small requests, one at a time",
		one_block_serves_all_that_is_small);
	unit_one("two requests at a time get two blocks, one of which is kept",
		two_at_a_time_are_two_blocks);
	unit_one("a larger block is mapped and not kept", what_is_larger_is_not_kept);
	unit_one(
		"without memory there is no scratch memory, and returning it does nothing",
		without_memory_there_is_none);
	unit_one("no two of four threads ever have the same block",
		no_two_threads_have_one_block);
	return unit_run("scratch");
}
