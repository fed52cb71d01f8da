/* SPDX-License-Identifier: MIT
 *
 * Listing the version folders.
 */
#include "tools/cache/versions.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/compat.h"
#include "tools/cache/layout.h"

static void add(char ***versions, const char *name)
{
	size_t count = 0;

	for (; *versions && (*versions)[count]; count++)
		if (strcmp((*versions)[count], name) == 0)
			return;
	GROW(*versions, count);
	(*versions)[count] = alloc_copy(name);
	GROW(*versions, count + 1);
	(*versions)[count + 1] = NULL;
}

static int is_version(const struct dirent *entry)
{
	return layout_version(entry->d_name) == strlen(entry->d_name);
}

int versions_add(char ***versions, int dirfd, const char *layout)
{
	struct dirent **found;
	int count = scandirat(dirfd, layout, &found, is_version, alphasort);

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		add(versions, found[i]->d_name);
		free(found[i]);
	}
	free(found);
	if (!*versions) {
		GROW(*versions, 0);
		**versions = NULL;
	}
	return 0;
}

const char *version_split(const char *version, char *tag, size_t size)
{
	size_t len = strcspn(version, "+/");

	if (len >= size)
		return NULL;
	memcpy(tag, version, len);
	tag[len] = '\0';
	return version + len;
}
