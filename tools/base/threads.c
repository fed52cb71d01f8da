/* SPDX-License-Identifier: MIT */
#include "tools/base/threads.h"

#include <pthread.h>

#include "tools/base/alloc.h"

void threads_run(void *(*work)(void *worker), void *workers, size_t size, unsigned count)
{
	AUTOFREE pthread_t *others = alloc_array(count, sizeof *others);
	unsigned n = 1;

	while (n < count &&
		pthread_create(&others[n], NULL, work, (char *)workers + n * size) == 0)
		n++;
	work(workers);
	while (--n > 0)
		pthread_join(others[n], NULL);
}
