/* SPDX-License-Identifier: MIT
 *
 * Places from which a call is difficult for an interposed library. $CALL_IN is one of:
 *
 *   thread    a thread with the smallest stack there may be (16 KiB)
 *   vfork     a vfork child, which shares its parent's memory
 *   signal    a signal handler on a stack of $CALL_STACK bytes (default 16 KiB)
 *   fork      the forked child of a parent with busy threads
 *
 * Each row runs in a process of its own, so that a crash affects only that row.
 */
#pragma once

#include <limits.h>
#include <pthread.h>

#include "tests/calls/call.h"

static void say_end(int status)
{
	if (WIFSIGNALED(status))
		say("died of signal %d", WTERMSIG(status));
	else if (status)
		say("exit %d", WEXITSTATUS(status));
}

static void in_child(const struct symbol *symbol)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		symbol->act();
		_exit(0);
	}
	waitpid(child, &status, 0);
	say_end(status);
}

#define GUARD 65536 /* bytes below a stack; touching them kills the process */

static void *make_stack(size_t size)
{
	char *stack = mmap(NULL, GUARD + size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || mprotect(stack, GUARD, PROT_NONE) < 0)
		abort();
	return stack + GUARD;
}

static void *thread_main(void *symbol)
{
	((const struct symbol *)symbol)->act();
	return NULL;
}

static void in_thread(const struct symbol *symbol)
{
	const size_t size = 16384;
	pthread_attr_t attr;
	pthread_t thread;
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		pthread_attr_init(&attr);
		if (pthread_attr_setstack(&attr, make_stack(size), size) ||
			pthread_create(&thread, &attr, thread_main, (void *)symbol))
			_exit(99);
		pthread_join(thread, NULL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	say_end(status);
}

static const struct symbol *handled;

static void handle(int signal_number)
{
	(void)signal_number;
	handled->act();
}

static void in_signal(const struct symbol *symbol)
{
	size_t size =
		getenv("CALL_STACK") ? strtoul(getenv("CALL_STACK"), NULL, 0) : 16384;
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_ONSTACK };
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		stack_t stack = { .ss_sp = make_stack(size), .ss_size = size };

		handled = symbol;
		if (sigaltstack(&stack, NULL) < 0 ||
			sigaction(SIGUSR1, &action, NULL) < 0)
			_exit(99);
		raise(SIGUSR1);
		_exit(0);
	}
	waitpid(child, &status, 0);
	say_end(status);
}

static __attribute__((noinline)) void in_vfork(const struct symbol *symbol)
{
	int status = 0;
	pid_t child = vfork();

	if (child == 0) {
		symbol->act();
		_exit(0);
	}
	waitpid(child, &status, 0);
	say_end(status);
}

static void *be_busy(void *name)
{
	struct stat st;
	char path[PATH_MAX + 64];

	for (;;) {
		sprintf(path, "%s/%s/%s/y.cpython-311.pyc", top, (char *)name, dir_name);
		close(fn.open(path, O_RDONLY));
		fn.stat(path, &st);
		fn.rename(path, path);
		usleep(50);
	}
	return NULL;
}

static void in_fork(const struct symbol *symbol)
{
	static bool started;
	static char *names[] = { (char *)"a", (char *)"b", (char *)"none" };
	pthread_t thread;

	for (size_t i = 0; !started && i < COUNT(names); i++)
		pthread_create(&thread, NULL, be_busy, names[i]);
	started = true;
	in_child(symbol);
}

static void (*awkward)(const struct symbol *symbol);

static bool find_awkward(const char *name)
{
	static const struct {
		const char *name;
		void (*act)(const struct symbol *symbol);
	} places[] = { { "thread", in_thread }, { "vfork", in_vfork },
		{ "signal", in_signal }, { "fork", in_fork } };

	for (size_t i = 0; i < COUNT(places); i++)
		if (!strcmp(places[i].name, name))
			awkward = places[i].act;
	return awkward != NULL;
}
