/* SPDX-License-Identifier: MIT */
#include "tools/base/threads.h"

#include <pthread.h>
#include <stdlib.h>

void threads_run(void *(*work)(void *worker), void *workers, size_t size, unsigned count)
{
	pthread_t *others = calloc(count, sizeof *others);
	unsigned n = 1;

	while (others && n < count &&
		pthread_create(&others[n], NULL, work, (char *)workers + n * size) == 0)
		n++;
	work(workers);
	while (--n > 0)
		pthread_join(others[n], NULL);
	free(others);
}
