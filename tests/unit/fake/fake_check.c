/* SPDX-License-Identifier: MIT
 *
 * The part of fake_entry.h that checks the content of the cache.
 */
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/fake/fake_entry.h"

static unsigned temporaries;

static void check_whole(const char *path)
{
	uint8_t data[FAKE_LARGEST];
	struct digest digest;
	struct seal seal;
	ssize_t n = fake_read(path + strlen(fake.dir) + 1, (char *)data, sizeof data);
	size_t code = header_length(FAKE_TAG) + strlen(FAKE_CODE);

	if (!fake_read_seal(data, (size_t)n, &seal) ||
		!seal_covers(&seal, data, header_length(FAKE_TAG)))
		fail_msg("not whole: %s (%zd bytes)", path, n);
	if (strstr(path, "/objects/") &&
		(seal.flags & ~(uint32_t)SEAL_RELEASE) !=
			(SEAL_SOURCE | SEAL_IDENTITY | SEAL_SEEN))
		fail_msg("no object: %s", path);
	if (!(seal.flags & SEAL_SOURCE))
		return;
	assert_memory_equal(
		data + code - strlen(FAKE_CODE), FAKE_CODE, strlen(FAKE_CODE));
	digest = digest_of(data + code, seal.pyc_size - code);
	if (memcmp(&digest, &seal.digest, sizeof digest) != 0)
		fail_msg("of another source than it says: %s", path);
	data[seal.pyc_size] = '\0';
	if (strstr(path, "/objects/") &&
		!strstr(path, fake_object_path((char *)data + code)))
		fail_msg("of another source than it is called by: %s", path);
}

static int check_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	size_t len = strlen(path);

	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || !strstr(path, ".pyc"))
		return 0;
	if (strcmp(path + len - 4, ".pyc") == 0)
		check_whole(path);
	else
		temporaries++;
	return 0;
}

unsigned fake_check_cache(void)
{
	temporaries = 0;
	nftw(fake_path("home/cache"), check_one, 10, FTW_PHYS);
	return temporaries;
}
