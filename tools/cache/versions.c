/* SPDX-License-Identifier: MIT
 *
 * Listing the version folders.
 */
#include "tools/cache/versions.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/cache/layout.h"

int versions_add(struct names *versions, int dirfd, const char *layout)
{
	char **names =
		file_names(openat(dirfd, layout, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (!names)
		return -errno;
	for (; *names; names++)
		if (layout_version(*names) == strlen(*names))
			names_add(versions, alloc_copy(*names));
	names_sort(versions);
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
