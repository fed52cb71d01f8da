/* SPDX-License-Identifier: MIT */
#include "shim/core/base/dirents.h"

#include <string.h>

/* Reads records as the kernel lays them out for getdents64(2); glibc's struct dirent64 is
 * the same. */
const char *dirents_next(struct dirents *names, const struct sys *sys)
{
	for (;;) {
		const struct dirent64 *record;

		if (names->at >= names->size) {
			names->size = sys->getdents(
				names->fd, names->records, sizeof names->records);
			names->at = 0;
		}
		if (names->size <= 0)
			return NULL;
		record = (const struct dirent64 *)(names->records + names->at);
		names->at += record->d_reclen;
		if (strcmp(record->d_name, ".") && strcmp(record->d_name, ".."))
			return record->d_name;
	}
}
