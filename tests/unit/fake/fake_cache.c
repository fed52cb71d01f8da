/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake/fake_cache.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct cache fake_cache;

int fake_cache_begin(void **state)
{
	struct stat st;

	if (fake_begin(state) < 0)
		return -1;
	fake_make_directory("v1", 0700);
	fake_cache = (struct cache){ .root = strdup(fake.dir), .root_fd = -1 };
	fake_cache.fd = open(fake_path("v1"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fake_cache.fd < 0 || fstat(fake_cache.fd, &st) < 0)
		return -1;
	fake_cache.device = st.st_dev;
	return 0;
}

int fake_cache_end(void **state)
{
	cache_close(&fake_cache);
	return fake_end(state);
}
