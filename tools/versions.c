/* SPDX-License-Identifier: MIT
 *
 * Listing the version folders.
 */
#include "tools/versions.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/item.h"

static int is_version(const struct dirent *entry)
{
	return item_version(entry->d_name) == strlen(entry->d_name);
}

char **versions_list(int layout_fd)
{
	struct dirent **found;
	int count = scandirat(layout_fd, ".", &found, is_version, alphasort);
	char **versions = count < 0 ? NULL : calloc((size_t)count + 1, sizeof *versions);
	bool whole = true;

	for (int i = 0; i < count; i++) {
		if (versions)
			whole &= (versions[i] = strdup(found[i]->d_name)) != NULL;
		free(found[i]);
	}
	if (count >= 0)
		free(found);
	if (whole)
		return versions;
	for (int i = 0; i < count; i++)
		free(versions[i]);
	free(versions);
	return NULL;
}

void versions_release(char **versions)
{
	for (char **version = versions; version && *version; version++)
		free(*version);
	free(versions);
}

const char *version_split(const char *version, char *tag, size_t size)
{
	size_t len = strcspn(version, "+");

	if (len >= size)
		return NULL;
	memcpy(tag, version, len);
	tag[len] = '\0';
	return version + len;
}
