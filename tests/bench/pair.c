/* SPDX-License-Identifier: MIT
 *
 * pair COUNT [-a NAME=VALUE|SHELL COMMAND]… [-b …]… [--] COMMAND [ARG…]
 *
 * Runs one command COUNT times in each of two ways, a and b, which differ in their
 * environment, and compares their times. An -a or -b of the form NAME=VALUE is put
 * into that way's environment; any other is a shell command, run before each run of that
 * way and not measured. The ways alternate, and which comes first alternates too, so that
 * a machine that is busy for a while is busy for both. A first pair warms up and does not
 * count.
 *
 * Prints one line: the medians of wall and CPU time (user and system) in milliseconds,
 * the medians of the pairs' ratios b/a, and the ratios of the least times:
 *
 *	wall-a wall-b wall-ratio cpu-a cpu-b cpu-ratio best-wall-ratio best-cpu-ratio
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNS 1000
#define MAX_ENTRIES 20

struct way {
	const char *set[MAX_ENTRIES], *before[MAX_ENTRIES];
	int n_set, n_before;
	double wall[MAX_RUNS], cpu[MAX_RUNS];
};

static void die(const char *what)
{
	fprintf(stderr, "pair: %s\n", what);
	exit(1);
}

static bool is_assignment(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return n && word[n] == '=';
}

static void add(struct way *way, const char *word)
{
	if (way->n_set == MAX_ENTRIES || way->n_before == MAX_ENTRIES)
		die("too many -a or -b");
	if (is_assignment(word))
		way->set[way->n_set++] = word;
	else
		way->before[way->n_before++] = word;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double milliseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static void child(const struct way *way, char **argv)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	for (int i = 0; i < way->n_set; i++)
		putenv((char *)way->set[i]);
	execvp(argv[0], argv);
	_exit(127);
}

static void run(struct way *way, char **argv, int n)
{
	struct rusage use;
	double start;
	int status;
	pid_t pid;

	for (int i = 0; i < way->n_before; i++)
		if (system(way->before[i]) != 0)
			die(way->before[i]);
	start = now();
	pid = fork();
	if (pid == 0)
		child(way, argv);
	if (pid < 0 || wait4(pid, &status, 0, &use) != pid)
		die("fork or wait4 failed");
	if (status != 0)
		die("the command failed");
	if (n < 0)
		return;
	way->wall[n] = now() - start;
	way->cpu[n] = milliseconds(use.ru_utime) + milliseconds(use.ru_stime);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values, int n)
{
	double sorted[MAX_RUNS];

	memcpy(sorted, values, (size_t)n * sizeof *values);
	qsort(sorted, (size_t)n, sizeof *sorted, by_value);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static double ratio(const double *a, const double *b, int n)
{
	double ratios[MAX_RUNS];

	for (int i = 0; i < n; i++)
		ratios[i] = a[i] > 0 ? b[i] / a[i] : 1;
	return median(ratios, n);
}

/* The best of b divided by the best of a. Other programs can only make a run slower, so
 * this is stable when medians still vary. */
static double best_ratio(const double *a, const double *b, int n)
{
	double least_a = a[0], least_b = b[0];

	for (int i = 1; i < n; i++) {
		least_a = a[i] < least_a ? a[i] : least_a;
		least_b = b[i] < least_b ? b[i] : least_b;
	}
	return least_a > 0 ? least_b / least_a : 1;
}

int main(int argc, char **argv)
{
	static struct way a, b;
	int n, i;

	n = argc > 1 ? atoi(argv[1]) : 0;
	for (i = 2; i + 1 < argc && argv[i][0] == '-' && argv[i][1] != '-'; i += 2)
		add(argv[i][1] == 'a' ? &a : &b, argv[i + 1]);
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	if (n < 1 || n > MAX_RUNS || i >= argc)
		die("usage: pair COUNT [-a|-b NAME=VALUE|COMMAND]... -- COMMAND [ARG...]");
	for (int run_no = -1; run_no < n; run_no++) {
		run(run_no % 2 ? &a : &b, argv + i, run_no);
		run(run_no % 2 ? &b : &a, argv + i, run_no);
	}
	printf("%.1f %.1f %.3f %.1f %.1f %.3f %.3f %.3f\n", median(a.wall, n),
		median(b.wall, n), ratio(a.wall, b.wall, n), median(a.cpu, n),
		median(b.cpu, n), ratio(a.cpu, b.cpu, n), best_ratio(a.wall, b.wall, n),
		best_ratio(a.cpu, b.cpu, n));
	return 0;
}
