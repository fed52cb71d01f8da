/* SPDX-License-Identifier: MIT
 *
 * Prints the results of calls: the value, errno, and what the value refers to. Addresses,
 * inodes and present times are left out; everything else is compared.
 */
#pragma once

#include "tests/calls/args.h"
#include "tests/lib/error_name.h"

static void say_errno(bool failed)
{
	int err = errno;

	if (failed)
		say("-1 %s", err == ERRNO_BEFORE ? "errno untouched" : error_name(err));
	else if (err != ERRNO_BEFORE)
		say("errno %s on success ", error_name(err) ? error_name(err) : "?");
}

static void show_number(long value)
{
	say_errno(value == -1);
	if (value != -1)
		say("%ld", value);
}

/* The call does not return; say_end reports how the process ended. */
#define show_end(call) (call)

static void say_status(const struct stat *st)
{
	static const struct {
		mode_t type;
		const char *name;
	} types[] = { { S_IFREG, "file" }, { S_IFDIR, "dir" }, { S_IFLNK, "link" },
		{ S_IFIFO, "fifo" }, { S_IFCHR, "device" }, { S_IFSOCK, "socket" } };

	for (size_t i = 0; i < COUNT(types); i++)
		if ((st->st_mode & S_IFMT) == types[i].type)
			say("%s", types[i].name);
	say(" %o", st->st_mode & 07777);
	if (!S_ISDIR(st->st_mode))
		say(" links %lu size %ld", (unsigned long)st->st_nlink,
			(long)st->st_size);
	if (st->st_uid != geteuid() || st->st_gid != getegid())
		say(" of %u:%u", st->st_uid, st->st_gid);
	if (st->st_mtime < 1000000000) /* not a present time */
		say(" at %ld", (long)st->st_mtime);
}

static void show_stat(int value)
{
	show_number(value);
	if (value == 0) {
		say(" ");
		say_status(&the_stat);
	}
}

/* On i386, the struct of a plain call has a different layout from the size on. */
static void show_plain_stat(int value)
{
#ifdef __i386__
	the_stat.st_size = (int32_t)the_stat.st_size;
	the_stat.st_mtim = the_stat.st_atim;
#endif
	show_stat(value);
}

#ifndef __LP64__
static void show_wide_stat(int value)
{
	the_stat = (struct stat){ .st_mode = the_wide_stat.mode,
		.st_nlink = the_wide_stat.links,
		.st_size = the_wide_stat.size };
	show_stat(value);
}
#endif

static void show_statx(int value)
{
	show_number(value);
	if (value == 0)
		say(" %o links %u size %llu", the_statx.stx_mode,
			S_ISDIR(the_statx.stx_mode) ? 0 : the_statx.stx_nlink,
			S_ISDIR(the_statx.stx_mode) ? 0 : the_statx.stx_size);
}

static void say_content(int fd)
{
	char content[64];
	ssize_t n = pread(fd, content, sizeof content - 1, 0);

	content[n < 0 ? 0 : n] = '\0';
	if (n >= 0)
		say(" '%.*s'", (int)strcspn(content, "\n"), content);
	else
		say(" unreadable: %s", error_name(errno));
}

/* mkstemp and the like have changed their template. */
static void say_template(void)
{
	const char *path = strings[0], *slash;

	if (path <= (const char *)1 || !(slash = strrchr(path, '/')) ||
		strncmp(slash, "/tmp-", 5))
		return;
	memcpy(said->random_letters, slash + 5, 6);
	if (!strcmp(said->random_letters, "XXXXXX"))
		*said->random_letters = '\0';
	say(" %s", path);
}

/* The library opens bytecode with O_NONBLOCK, and on 32-bit machines with O_LARGEFILE;
 * for a pyc these flags mean nothing. */
#define IGNORED_FLAGS (O_NONBLOCK | O_LARGEFILE)

static void show_fd(int fd)
{
	struct stat st;

	say_errno(fd < 0);
	if (fd >= 0) {
		say("fd flags %x cloexec %d ", fcntl(fd, F_GETFL) & ~IGNORED_FLAGS,
			fcntl(fd, F_GETFD));
		if (fstat(fd, &st) == 0)
			say_status(&st);
		if (S_ISREG(st.st_mode)) {
			say_content(fd);
			say(" write %ld", (long)write(fd, "W", 1));
		}
		close(fd);
	}
	say_template();
}

static void show_file(FILE *stream)
{
	char content[64];
	size_t n;

	say_errno(!stream);
	if (!stream) {
		return;
	}
	n = fread(content, 1, sizeof content - 1, stream);
	content[n] = '\0';
	say("stream flags %x cloexec %d '%s'",
		fcntl(fileno(stream), F_GETFL) & ~IGNORED_FLAGS,
		fcntl(fileno(stream), F_GETFD), content);
	say(" write %d", fputs("W", stream));
	say(" close %d", fclose(stream));
}

static void say_names(DIR *dir)
{
	struct dirent *entry;
	char *names[64];
	int count = 0;

	while ((entry = readdir(dir)) && count < 64)
		names[count++] = strdup(entry->d_name);
	qsort(names, (size_t)count, sizeof *names, raw_compare);
	say("[");
	for (int i = 0; i < count; i++) {
		say(i ? " %s" : "%s", names[i]);
		free(names[i]);
	}
	say("]");
}

static void show_dir(DIR *dir)
{
	say_errno(!dir);
	if (dir) {
		say_names(dir);
		closedir(dir);
	}
}

static void show_entry(const struct dirent *entry)
{
	say_errno(!entry);
	say("%s", entry ? "an entry" : "none");
	closedir(the_dir);
}

#define show_again(call) ((call), show_dir(the_dir))

static void show_list(int count)
{
	show_number(count);
	for (int i = 0; i < count; i++)
		say(" %s", the_list[i]->d_name);
}

static void show_plain_list(int count)
{
	show_number(count);
	for (int i = 0; i < count; i++)
		say(" %s", the_list[i]->d_name - PLAIN_NEARER);
}

/* Prints where the process is now, and goes back by a raw system call. */
static void show_chdir(int value)
{
	struct stat st;

	show_number(value);
	if (value == 0) {
		say(" m.py %d m.cpython-311.pyc %d", fn.stat("m.py", &st),
			fn.stat("m.cpython-311.pyc", &st));
		syscall(SYS_chdir, top);
	}
}

static void show_text(ssize_t n)
{
	show_number(n);
	if (n > 0)
		say(" %.*s", (int)n, the_buffer);
}

static void show_attribute(int value)
{
	show_number(value);
	if (value == 0)
		show_text(fn.getxattr(
			strings[0], strings[1], the_buffer, sizeof the_buffer));
}

static void show_string(char *text)
{
	say_errno(!text);
	if (text)
		say("%s %s",
			text == the_buffer   ? "in the buffer"
			: text == strings[0] ? "in place"
					     : "allocated",
			text);
	if (text && text != the_buffer && text != strings[0])
		free(text);
	say_template();
}

static void show_watch(int value)
{
	static char buf[4096];
	struct inotify_event event;
	ssize_t n;

	show_number(value);
	if (value < 0)
		return;
	fn.chmod(strings[1], 0700);
	n = read((int)numbers[0], buf, sizeof buf);
	memcpy(&event, buf, sizeof event);
	say(" event %x", n > 0 ? event.mask : 0);
}

/* posix_spawn returns the error number. */
static void show_child(int err)
{
	int status = 0;

	say("%s", err ? error_name(err) : "0");
	if (err)
		return;
	waitpid(the_pid, &status, 0);
	say(" exit %d", WEXITSTATUS(status));
}
