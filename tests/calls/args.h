/* SPDX-License-Identifier: MIT
 *
 * The arguments of a row: how the driver interprets the words, and the buffers for calls
 * that return something.
 */
#pragma once

#include <sys/inotify.h>
#include <sys/xattr.h>

#include "tests/calls/call.h"

#define ARGS 8
static const char *strings[ARGS];
static long numbers[ARGS];
static int fds[ARGS], fd_count;
static bool is_wild; /* a pointer that may kill the process */

#define P(i) ((char *)strings[i])
#define I(i) ((int)numbers[i])

static struct stat the_stat;
#ifndef __LP64__
/* The struct stat of programs with 64-bit times. */
static struct {
	uint64_t device, inode;
	uint32_t mode, links, user, group;
	uint64_t number;
	int64_t size;
	char rest[64];
} the_wide_stat;
#endif
static struct statx the_statx;
static struct statfs the_statfs;
static struct statvfs the_statvfs;
static struct dirent **the_list;
static dev_t the_device;
static pid_t the_pid;
static char the_buffer[PATH_MAX];
static char the_name[] = "program", *the_argv[] = { the_name, NULL };

static struct open_how *how_of(int i)
{
	static struct open_how how;

	how = (struct open_how){ .flags = (unsigned)I(i),
		.mode = (unsigned)I(i + 1),
		.resolve = (unsigned)I(i + 2) };
	return &how;
}

static FILE *the_stream;

static DIR *the_dir;

/* Prints the directory that the i-th argument lists; the working directory if it is
 * missing. */
static DIR *dir_of(int i)
{
	the_dir = fn.opendir(P(i));
	if (!the_dir)
		the_dir = fn.opendir(".");
	errno = ERRNO_BEFORE;
	return the_dir;
}

static FILE *some_stream(void)
{
	return the_stream = fdopen(raw_open(AT_FDCWD, "/dev/null", O_RDWR, 0), "r+");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* By how many bytes plain calls of 32-bit machines have the name nearer. */
#define PLAIN_NEARER (2 * (sizeof(off_t) - sizeof(long)))

static int by_plain_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name - PLAIN_NEARER, (*b)->d_name - PLAIN_NEARER);
}

static const struct {
	const char *name;
	long value;
} words[] = {
#define WORD(name)          \
	{                   \
#name, name \
	}
	WORD(O_RDONLY),
	WORD(O_WRONLY),
	WORD(O_RDWR),
	WORD(O_CREAT),
	WORD(O_EXCL),
	WORD(O_TRUNC),
	WORD(O_APPEND),
	WORD(O_DIRECTORY),
	WORD(O_NOFOLLOW),
	WORD(O_CLOEXEC),
	WORD(O_TMPFILE),
	WORD(O_PATH),
	WORD(O_NONBLOCK),
	WORD(AT_REMOVEDIR),
	WORD(AT_EMPTY_PATH),
	WORD(AT_SYMLINK_NOFOLLOW),
	WORD(AT_SYMLINK_FOLLOW),
	WORD(AT_EACCESS),
	WORD(RENAME_NOREPLACE),
	WORD(RENAME_EXCHANGE),
	WORD(RENAME_WHITEOUT),
	WORD(RESOLVE_BENEATH),
	WORD(RESOLVE_NO_SYMLINKS),
	WORD(S_IFREG),
	WORD(S_IFIFO),
	WORD(S_IFCHR),
	WORD(S_IFSOCK),
	WORD(IN_ALL_EVENTS),
	WORD(IN_ONLYDIR),
	WORD(XATTR_CREATE),
	WORD(XATTR_REPLACE),
	{ "CWD", AT_FDCWD },
};

static bool number_of(const char *text, long *ret)
{
	char *end;
	long sum = 0;

	*ret = strtol(text, &end, 0);
	if (end != text && !*end)
		return true;
	while (*text) {
		size_t n = strcspn(text, "|"), i;
		long value = strtol(text, &end, 0);

		for (i = 0; i < COUNT(words); i++)
			if (strlen(words[i].name) == n &&
				!strncmp(words[i].name, text, n))
				break;
		if (i < COUNT(words))
			value = words[i].value;
		else if (end != text + n)
			return false;
		sum |= value;
		text += n + (text[n] == '|');
	}
	*ret = sum;
	return true;
}

/* Writes the path for which a word of a row stands. */
static char *expand(const char *from, char *buf, size_t size)
{
	char *to = buf, *end = buf + size - 2;

	if (!strncmp(from, "ABS:", 4)) {
		to += sprintf(to, "%s/", top);
		from += 4;
	}
	while (*from && to < end) {
		unsigned byte;
		char word[64];
		int count;

		if (sscanf(from, "\\x%2x", &byte) == 1) {
			*to++ = (char)byte;
			from += 4;
		} else if (sscanf(from, "{%63[^*}]*%d}", word, &count) == 2) {
			while (count-- && to + strlen(word) < end)
				to += sprintf(to, "%s", word);
			from += strcspn(from, "}") + 1;
		} else if (sscanf(from, "LONG:%d", &count) == 1) {
			while (count-- && to < end)
				*to++ = 'x';
			from += 5 + strspn(from + 5, "0123456789");
		} else if (*from == '@') {
			to += sprintf(to, "%s", dir_name);
			from++;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return buf;
}

static void take_argument(int i, const char *text)
{
	static char buffers[ARGS][16384];

	numbers[i] = 0;
	strings[i] = buffers[i];
	if (!strcmp(text, "NULL")) {
		strings[i] = NULL;
	} else if (!strcmp(text, "BAD")) {
		strings[i] = (char *)1;
	} else if (!strcmp(text, "EMPTY")) {
		*buffers[i] = '\0';
	} else if (!strcmp(text, "BUF")) {
		strings[i] = the_buffer;
	} else if (!strncmp(text, "FD:", 3)) {
		numbers[i] =
			fn.open(expand(text + 3, buffers[i], sizeof *buffers), O_RDONLY);
		fds[fd_count++] = (int)numbers[i];
	} else if (!strcmp(text, "INOTIFY")) {
		numbers[i] = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		fds[fd_count++] = (int)numbers[i];
	} else if (!number_of(text, &numbers[i])) {
		expand(text, buffers[i], sizeof *buffers);
	}
	is_wild |= strings[i] <= (char *)1;
}
