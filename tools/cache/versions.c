/* SPDX-License-Identifier: MIT
 *
 * Listing the version folders.
 */
#include "tools/cache/versions.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cache/layout.h"

static int is_version(const struct dirent *entry)
{
	return layout_version(entry->d_name) == strlen(entry->d_name);
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

static size_t count_of(char *const *versions)
{
	size_t count = 0;

	while (versions && versions[count])
		count++;
	return count;
}

static bool has(char *const *versions, size_t count, const char *version)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(versions[i], version) == 0)
			return true;
	return false;
}

int versions_add(char ***versions, int layout_fd)
{
	char **more = versions_list(layout_fd), **longer;
	size_t count = count_of(*versions);

	longer =
		more ? reallocarray(*versions, count + count_of(more) + 1, sizeof *longer)
		     : NULL;
	if (!longer) {
		versions_release(more);
		return -ENOMEM;
	}
	for (char **version = more; *version; version++)
		if (has(longer, count, *version))
			free(*version);
		else
			longer[count++] = *version;
	longer[count] = NULL;
	free(more);
	*versions = longer;
	return 0;
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
