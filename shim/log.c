/* SPDX-License-Identifier: MIT */
#include "shim/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/core/base/text.h"
#include "shim/count.h"
#include "shim/process.h"

static struct iovec piece(const char *string)
{
	return (struct iovec){ .iov_base = (void *)string, .iov_len = strlen(string) };
}

static void log_line(const char *what, const char *why, int dirfd, const char *path)
{
	const char *file = process_config.log;
	int saved = errno, fd = STDERR_FILENO;
	char head[80], at[32];
	struct text start = TEXT(head), base = TEXT(at);

	text_adds(&start, "pycstash[");
	text_addu(&start, (unsigned long)getpid());
	text_adds(&start, "]: ");
	text_adds(&start, what);
	text_adds(&start, ": ");
	if (dirfd >= 0 && path[0] != '/') {
		text_adds(&base, "fd ");
		text_addu(&base, (unsigned long)dirfd);
		text_adds(&base, ": ");
	}
	if (strcmp(file, "stderr") != 0)
		fd = real.openat(AT_FDCWD, file,
			O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd >= 0) {
		struct iovec line[] = { piece(head), { at, base.len }, piece(path),
			piece(why ? " (" : ""), piece(why ? why : ""),
			piece(why ? ")\n" : "\n") };
		ssize_t ignored = writev(fd, line, sizeof line / sizeof *line);

		(void)ignored;
		if (fd != STDERR_FILENO)
			close(fd);
	}
	errno = saved;
}

void log_decision(enum verdict verdict, int dirfd, const char *path)
{
	const struct verdict_row *row = &verdict_rows[verdict];

	counters_count(count_tally(), verdict);
	if (__builtin_expect(process_config.log != NULL, 0))
		log_line(row->what, row->why, dirfd, path);
}

/* Why nothing could be cached, as far as one can do something about it. */
static enum verdict refine(enum verdict verdict, int err)
{
	if (verdict != VERDICT_NOT_CACHED)
		return verdict;
	switch (-err) {
	case ENOSPC:
	case EDQUOT:
		return VERDICT_NOT_CACHED_FULL;
	case EACCES:
	case EPERM:
		return VERDICT_NOT_CACHED_FORBIDDEN;
	case EROFS:
		return VERDICT_NOT_CACHED_READ_ONLY;
	default:
		return verdict;
	}
}

/* What people know an error by; strerror may take a lock. Numbers differ between
 * architectures, and those that are not here are told as such. */
static const struct {
	int number;
	char name[16]; /* no pointer, which the loader would have to set */
} errors[] = {
	{ EPERM, "EPERM" },
	{ ENOENT, "ENOENT" },
	{ EINTR, "EINTR" },
	{ EIO, "EIO" },
	{ ENOMEM, "ENOMEM" },
	{ EACCES, "EACCES" },
	{ EBUSY, "EBUSY" },
	{ EEXIST, "EEXIST" },
	{ EXDEV, "EXDEV" },
	{ ENOTDIR, "ENOTDIR" },
	{ EISDIR, "EISDIR" },
	{ EINVAL, "EINVAL" },
	{ ENFILE, "ENFILE" },
	{ EMFILE, "EMFILE" },
	{ EFBIG, "EFBIG" },
	{ ENOSPC, "ENOSPC" },
	{ EROFS, "EROFS" },
	{ EMLINK, "EMLINK" },
	{ ENAMETOOLONG, "ENAMETOOLONG" },
	{ ENOSYS, "ENOSYS" },
	{ ENOTEMPTY, "ENOTEMPTY" },
	{ ELOOP, "ELOOP" },
	{ EOPNOTSUPP, "EOPNOTSUPP" },
	{ ESTALE, "ESTALE" },
	{ EDQUOT, "EDQUOT" },
};

static void add_error(struct text *text, int number)
{
	text_adds(text, "errno ");
	text_addu(text, (unsigned long)number);
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].number == number) {
			text_adds(text, ", ");
			text_adds(text, errors[i].name);
			return;
		}
}

void log_failure(enum verdict verdict, int err, int dirfd, const char *path)
{
	char reason[32];
	struct text text = TEXT(reason);

	counters_count(count_tally(), refine(verdict, err));
	if (__builtin_expect(!process_config.log, 1))
		return;
	add_error(&text, -err);
	log_line(verdict_rows[verdict].what, reason, dirfd, path);
}
