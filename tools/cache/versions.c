/* SPDX-License-Identifier: MIT
 *
 * Listing the version folders.
 */
#include "tools/cache/versions.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cache/layout.h"

static int add(char ***versions, const char *name)
{
	char **longer;
	size_t count = 0;

	for (; *versions && (*versions)[count]; count++)
		if (strcmp((*versions)[count], name) == 0)
			return 0;
	longer = reallocarray(*versions, count + 2, sizeof *longer);
	if (!longer)
		return -ENOMEM;
	*versions = longer;
	longer[count] = strdup(name);
	longer[count + 1] = NULL;
	return longer[count] ? 0 : -ENOMEM;
}

static int is_version(const struct dirent *entry)
{
	return layout_version(entry->d_name) == strlen(entry->d_name);
}

int versions_add(char ***versions, int layout_fd)
{
	struct dirent **found;
	int count = scandirat(layout_fd, ".", &found, is_version, alphasort), r = 0;

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = add(versions, found[i]->d_name);
		free(found[i]);
	}
	free(found);
	if (r == 0 && !*versions && !(*versions = calloc(1, sizeof **versions)))
		r = -ENOMEM;
	return r;
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
