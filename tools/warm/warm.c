/* SPDX-License-Identifier: MIT
 *
 * What the parts of warm share: failures, and lists of what is missing.
 */
#include "tools/warm/warm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "tools/base/message.h"

static void say(const char *path, unsigned line, const char *message)
{
	if (line)
		complain(path, "line %u: %s", line, message);
	else
		complain(path, "%s", message);
}

void warm_fail(struct warm *warm, const struct warm_target *target, const char *path,
	unsigned line, const char *message)
{
	struct warm_failure *failures;

	pthread_mutex_lock(&warm->mutex);
	say(path, line, message);
	failures =
		reallocarray(warm->failures, warm->failure_count + 1, sizeof *failures);
	if (failures) {
		warm->failures = failures;
		failures[warm->failure_count++] = (struct warm_failure){ strdup(path),
			strdup(message), line, target };
	}
	pthread_mutex_unlock(&warm->mutex);
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

bool warm_misses_add(struct warm_misses *misses, char *path, int64_t size)
{
	if (misses->count == misses->room) {
		size_t room = misses->room ? 2 * misses->room : 256;
		struct warm_miss *list = reallocarray(misses->list, room, sizeof *list);

		if (!list)
			return false;
		misses->list = list;
		misses->room = room;
	}
	misses->list[misses->count++] = (struct warm_miss){ path, size };
	return true;
}

void warm_release(struct warm *warm)
{
	for (size_t i = 0; i < warm->target_count; i++) {
		struct warm_misses *misses = &warm->targets[i].misses;

		for (size_t n = 0; n < misses->count; n++)
			free(misses->list[n].path);
		free(misses->list);
	}
	for (size_t i = 0; i < warm->failure_count; i++) {
		free(warm->failures[i].path);
		free(warm->failures[i].message);
	}
	free(warm->failures);
	free(warm->targets);
	pthread_mutex_destroy(&warm->mutex);
}
