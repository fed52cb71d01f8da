/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 400

static struct CMUnitTest tests[MOST]; /* cmocka passes over those without a function */
static size_t count;
static CMFixtureFunction before_each, after_each;

static void add(const char *sentence, CMUnitTestFunction test, void *row)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(tests[i].name, sentence) == 0) {
			fprintf(stderr, "two tests are called: %s\n", sentence);
			exit(2);
		}
	if (count == MOST) {
		fprintf(stderr, "more than %d tests\n", MOST);
		exit(2);
	}
	tests[count++] = (struct CMUnitTest){
		.name = sentence,
		.test_func = test,
		.setup_func = before_each,
		.teardown_func = after_each,
		.initial_state = row,
	};
}

void unit_add_rows(CMUnitTestFunction test, const void *rows, size_t size, size_t number)
{
	for (size_t i = 0; i < number; i++) {
		char *row = (char *)rows + i * size;

		add(*(const char **)row, test, row);
	}
}

void unit_one(const char *sentence, CMUnitTestFunction test)
{
	add(sentence, test, NULL);
}

void unit_around(CMFixtureFunction before, CMFixtureFunction after)
{
	before_each = before;
	after_each = after;
}

int unit_run(const char *group)
{
	/* If a test crashes, the output of the others must not be lost. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests_name(group, tests, NULL, NULL) ? 1 : 0;
}

unsigned unit_random(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % below;
}

char *unit_at_page_end(const char *data, size_t len)
{
	static char *pages;
	static size_t size;
	char *at;

	if (!pages) {
		size = (size_t)sysconf(_SC_PAGESIZE) * 4;
		pages = mmap(NULL, size * 2, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(pages != MAP_FAILED);
		assert_return_code(mprotect(pages + size, size, PROT_NONE), 0);
	}
	assert_true(len <= size);
	at = pages + size - len;
	memcpy(at, data, len);
	return at;
}
