/* SPDX-License-Identifier: MIT
 *
 * Memory: arrays that grow, texts, and the end of the process if there is no memory.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/exit.h"

static void grows(void **state)
{
	AUTOFREE int *numbers = NULL;
	int count = 0;

	(void)state;
	while (count < 1000) {
		GROW(numbers, (size_t)count);
		numbers[count] = count;
		count++;
	}
	while (count-- > 0)
		assert_int_equal(numbers[count], count);
}

/* Under a sanitizer, which guards the bytes behind it, an array that is too short is
 * noticed. */
static void grows_again(void **state)
{
	AUTOFREE size_t *numbers = NULL;
	size_t count = 0;

	(void)state;
	for (; count < 33; count++) {
		GROW(numbers, count);
		numbers[count] = count;
	}
	for (count = 3; count < 70; count++) {
		GROW(numbers, count);
		numbers[count] = count;
	}
	assert_int_equal(numbers[2], 2);
	assert_int_equal(numbers[69], 69);
}

static void formats(void **state)
{
	AUTOFREE char *text = alloc_format("%s/%d%%", "a", 7);
	AUTOFREE char *part = alloc_part(text, 2);
	AUTOFREE char *copy = alloc_copy(text);

	(void)state;
	assert_string_equal(text, "a/7%");
	assert_string_equal(part, "a/");
	assert_string_equal(copy, text);
	assert_ptr_not_equal(copy, text);
}

static void none_left(void **state)
{
	char said[100] = "";
	int status, fds[2];
	pid_t child;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* the sanitizer ends the process in its own way */
#endif
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		volatile size_t too_many = SIZE_MAX;

		dup2(fds[1], STDERR_FILENO);
		free(alloc_array(too_many, 16));
		_exit(0);
	}
	close(fds[1]);
	assert_true(read(fds[0], said, sizeof said - 1) > 0);
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_OURS);
	assert_string_equal(said, "pycstash: there is not enough memory\n");
}

int main(void)
{
	unit_one("an array keeps its elements as it grows", grows);
	unit_one("an array that has lost elements grows again", grows_again);
	unit_one("texts are formatted, cut and copied", formats);
	unit_one("without memory the process says so and ends with 125", none_left);
	return unit_run("alloc");
}
