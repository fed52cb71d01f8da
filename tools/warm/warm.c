/* SPDX-License-Identifier: MIT
 *
 * What the parts of warm share: sums, and lists of what is missing.
 */
#include "tools/warm/warm.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "tools/base/alloc.h"
#include "tools/base/message.h"

uint64_t warm_sum(const struct warm *warm, enum warm_outcome outcome)
{
	uint64_t total = 0;

	for (size_t i = 0; i < warm->target_count; i++)
		total += warm->targets[i].counts[outcome];
	return total;
}

void warm_give_up(struct warm *warm, int err)
{
	struct statvfs fs;

	if (atomic_exchange(&warm->stop, true))
		return;
	if (!err && statvfs(warm->config.root, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		err = -EROFS;
	pthread_mutex_lock(&warm->mutex);
	complain(warm->config.root, "the cache cannot be written: %s",
		err ? strerror(-err) : "is the disk full?");
	pthread_mutex_unlock(&warm->mutex);
}

void warm_miss(struct warm *warm, struct warm_target *target, struct warm_miss miss)
{
	pthread_mutex_lock(&warm->mutex);
	GROW(target->misses, target->miss_count);
	target->misses[target->miss_count++] = miss;
	pthread_mutex_unlock(&warm->mutex);
}
