/* SPDX-License-Identifier: MIT */
#include "tools/cache/cachedir_tag.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/root.h"
#include "tools/base/files.h"
#include "tools/cache/sys_libc.h"

/* Reads the tag in the root or in a folder of it; "" if there is none. */
static void read_tag(int root_fd, const char *folder, char *ret, size_t size)
{
	char path[NAME_MAX + sizeof "/" ROOT_TAG];
	AUTOCLOSE int fd = -1;
	ssize_t len;

	snprintf(path, sizeof path, "%s%s" ROOT_TAG, folder, *folder ? "/" : "");
	fd = openat(root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	len = pread(fd, ret, size - 1, 0);
	ret[len < 0 ? 0 : len] = '\0';
}

static bool is_tagged(int root_fd, const char *folder)
{
	char text[512];

	read_tag(root_fd, folder, text, sizeof text);
	return strncmp(text, "Signature: ", strlen("Signature: ")) == 0 &&
	       strstr(text, "pycstash");
}

bool cachedir_tag_is_there(int root_fd)
{
	return is_tagged(root_fd, CACHE_LAYOUT) || is_tagged(root_fd, "");
}

static bool is_layout_name(const char *name)
{
	return name[0] == 'v' && isdigit((unsigned char)name[1]) &&
	       name[1 + strspn(name + 1, "0123456789")] == '\0';
}

static unsigned contents_of(int root_fd, const char *name)
{
	if (strcmp(name, ROOT_TAG) == 0)
		return is_tagged(root_fd, "") ? CACHEDIR_IS_TAGGED : CACHEDIR_OTHERS;
	if (!is_layout_name(name))
		return CACHEDIR_OTHERS;
	return CACHEDIR_LAYOUT | (is_tagged(root_fd, name) ? CACHEDIR_IS_TAGGED : 0);
}

unsigned cachedir_tag_contents(int root_fd)
{
	char **names =
		file_names(openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	unsigned found = names ? 0 : CACHEDIR_OTHERS;

	for (; names && *names; names++)
		found |= contents_of(root_fd, *names);
	return found;
}

bool cachedir_tag_is_unfinished(int root_fd)
{
	char **names = file_names(openat(
		root_fd, CACHE_LAYOUT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	struct stat st;

	return names && (!names[0] || (!names[1] && strcmp(names[0], ROOT_TAG) == 0 &&
					      fstatat(root_fd, CACHE_LAYOUT "/" ROOT_TAG,
						      &st, AT_SYMLINK_NOFOLLOW) == 0 &&
					      st.st_size == 0));
}

int cachedir_tag_finish(int root_fd)
{
	if (!cachedir_tag_is_unfinished(root_fd))
		return 0;
	(void)unlinkat(root_fd, CACHE_LAYOUT "/" ROOT_TAG, 0);
	return root_tag(&sys_libc, root_fd);
}

void cachedir_tag_move(int root_fd)
{
	char text[sizeof ROOT_TAG_TEXT + 1]; /* one more, to see if it goes on */

	(void)root_tag(&sys_libc, root_fd);
	read_tag(root_fd, "", text, sizeof text);
	if (strcmp(text, ROOT_TAG_TEXT) == 0 &&
		(cachedir_tag_contents(root_fd) & CACHEDIR_OTHERS))
		(void)unlinkat(root_fd, ROOT_TAG, 0);
}
