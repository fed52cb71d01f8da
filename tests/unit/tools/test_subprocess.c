/* SPDX-License-Identifier: MIT
 *
 * How a program ended is learned, even if who started us ignores SIGCHLD.
 */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/wait.h>

#include "tools/base/subprocess.h"

static const char *const exits_with_3[] = { "/bin/sh", "-c", "exit 3", NULL };

static int ignore_sigchld(void **state)
{
	(void)state;
	(void)signal(SIGCHLD, SIG_IGN);
	return 0;
}

static void runs(void **state)
{
	struct answer answer;

	(void)state;
	assert_int_equal(
		subprocess_run((char *const *)exits_with_3, NULL, 20, 0, &answer), 0);
	assert_false(answer.timed_out);
	assert_int_equal(WEXITSTATUS(answer.status), 3);
	answer_release(&answer);
}

static void stops(void **state)
{
	struct subprocess process;

	(void)state;
	assert_int_equal(
		subprocess_start(&process, (char *const *)exits_with_3, NULL, -1), 0);
	assert_int_equal(WEXITSTATUS(subprocess_stop(&process, false)), 3);
}

int main(void)
{
	unit_around(ignore_sigchld, NULL);
	unit_one(
		"a program that has ended is not waited for until its time is over, if SIGCHLD is ignored",
		runs);
	unit_one(
		"the exit code of a program that is talked with is known, if SIGCHLD is ignored",
		stops);
	return unit_run("subprocess");
}
