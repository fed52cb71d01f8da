/* SPDX-License-Identifier: MIT */
#include "shim/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/core/base/shown.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/way.h"
#include "shim/process.h"

/* --- counting ------------------------------------------------------------------------*/

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* In a page that every program touches anyway, for fini. */
_Atomic(struct counters *) report_page __attribute__((section(".data")));
static atomic_bool has_no_page; /* an old kernel: not asked again */

static struct counters *make_page(void)
{
	struct counters *counters, *other = NULL;

	if (!process_config.stats || process_config.readonly || !process_config.enabled ||
		atomic_load_explicit(&has_no_page, memory_order_relaxed))
		return NULL;
	counters = sys_real.map(sizeof *counters);
	if (!counters ||
		syscall(SYS_madvise, counters, sizeof *counters, MADV_WIPEONFORK) < 0) {
		atomic_store_explicit(&has_no_page, true, memory_order_relaxed);
		if (counters)
			sys_real.unmap(counters, sizeof *counters);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&report_page, &other, counters))
		return counters;
	sys_real.unmap(counters, sizeof *counters);
	return other;
}

struct counters *report_counters(void)
{
	struct counters *counters =
		atomic_load_explicit(&report_page, memory_order_acquire);
	int saved = errno;

	if (counters && counters_has_begun(counters))
		return counters;
	if (!counters)
		counters = make_page();
	if (counters)
		counters_begin(counters, &sys_real, (pid_t)sys_real.pid());
	errno = saved;
	return counters;
}

/* Returns whether the journal would grow beyond the program's limit, for which the
 * program would get a signal. */
static bool is_limited(void)
{
	struct rlimit limit;

	return syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) < 0 ||
	       (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < 4 * JOURNAL_MOST);
}

static void name_version(struct journal_record *record)
{
	struct text text = TEXT(record->version);
	const char *tag = process_tag();

	if (tag) {
		text_adds(&text, tag);
		text_adds(&text, process_config.variant);
	}
}

/* A record and the path of its journal, which a small stack has no room for. A scratch of
 * its own, since that of the process's calls is in use when a decision is counted. */
static struct scratch kept;
struct room {
	struct journal_record record;
	char path[PATH_MAX];
};

static void append(struct room *room, struct counters *counters, bool goes_on)
{
	const struct config *config = &process_config;

	if (!counters_take(counters, &sys_real, goes_on, &room->record))
		return;
	memcpy(room->path, config->root, config->root_len);
	name_version(&room->record);
	journal_finish(&room->record);
	(void)journal_append(&sys_real, room->path, config->root_len, sizeof room->path,
		&room->record);
}

/* If there is no cache yet, the counts are kept for the next time. */
static void flush(struct counters *counters, bool goes_on)
{
	size_t size;
	struct room *room = scratch_take(&kept, &sys_real, sizeof *room, &size);
	enum verdict why;

	if (room && process_root(room->path, &why) == ROOT_READY && !is_limited())
		append(room, counters, goes_on);
	scratch_give(&kept, &sys_real, room, size);
}

/* Also called in a vfork child, whose counts and record are its parent's. */
static void count(enum verdict verdict)
{
	struct counters *counters = report_counters();
	int saved = errno;

	if (__builtin_expect(counters_count(counters, verdict), 0))
		flush(counters, true);
	errno = saved;
}

/* In a vfork child, the owner is the parent, or counting has not begun. */
void report_flush(void)
{
	struct counters *counters =
		atomic_load_explicit(&report_page, memory_order_acquire);
	int saved = errno;

	if (counters && counters_has_begun(counters) &&
		atomic_load_explicit(&counters->owner, memory_order_relaxed) ==
			(pid_t)sys_real.pid())
		flush(counters, false);
	errno = saved;
}

/* A vfork child never runs this, whichever process began to count. */
__attribute__((destructor)) static void fini(void)
{
	struct counters *counters =
		atomic_load_explicit(&report_page, memory_order_acquire);

	if (counters && counters_has_begun(counters))
		flush(counters, false);
}

/* --- the log -------------------------------------------------------------------------*/

static bool is_trusted(uid_t owner)
{
	return owner == 0 ||
	       (owner == sys_real.geteuid() && way_tells_users(&sys_real, owner));
}

/* The link is opened itself: another preload may change paths. */
static bool is_link_trusted(const char *file)
{
	int fd = sys_real.openat(AT_FDCWD, file, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat st;
	bool ret;

	if (fd < 0)
		return false;
	ret = sys_real.kernel_stat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
	      is_trusted(st.st_uid);
	sys_real.close(fd);
	return ret;
}

/* A log is a file or a terminal. Another user may have created a file of that name, to
 * read it; or a pipe, whose reader the program would wait for; or a link to a file of
 * this user, or a second name of it (fs.protected_hardlinks=0), and then lines with names
 * of the other user's choice would be appended to that file. */
static int open_log(const char *file)
{
	const int flags =
		O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	int fd = sys_real.openat(AT_FDCWD, file, flags | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd == -ELOOP && is_link_trusted(file))
		fd = sys_real.openat(AT_FDCWD, file, flags, 0600);
	if (fd < 0 || (sys_real.kernel_stat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
			      (S_ISCHR(st.st_mode) ||
				      (S_ISREG(st.st_mode) && st.st_nlink == 1 &&
					      is_trusted(st.st_uid)))))
		return fd;
	sys_real.close(fd);
	return -EINVAL;
}

static void write_line(const struct text *line)
{
	bool to_stderr = strcmp(process_config.log, "stderr") == 0;
	int fd = to_stderr ? STDERR_FILENO : open_log(process_config.log);
	ssize_t ignored;

	if (fd < 0)
		return;
	ignored = write(fd, line->data, line->len);
	(void)ignored;
	if (!to_stderr)
		sys_real.close(fd);
}

static void print_line(const char *what, const char *why, int dirfd, const char *path)
{
	char *room = process_take_room(); /* the stack may be small */
	struct text line = { .data = room, .size = PROCESS_ROOM };
	int saved = errno;

	if (!room)
		return;
	text_adds(&line, "pycstash[");
	text_addu(&line, sys_real.pid());
	text_adds(&line, "]: ");
	text_adds(&line, what);
	text_adds(&line, ": ");
	if (dirfd >= 0 && path[0] != '/') {
		text_adds(&line, "fd ");
		text_addu(&line, (unsigned long)dirfd);
		text_adds(&line, ": ");
	}
	shown_add(&line, path);
	if (why) {
		text_adds(&line, " (");
		text_adds(&line, why);
		text_adds(&line, ")");
	}
	text_adds(&line, "\n");
	write_line(&line);
	process_give_room(room);
	errno = saved;
}

void report_decision(enum verdict verdict, int dirfd, const char *path)
{
	const struct verdict_row *row = &verdict_rows[verdict];

	count(verdict);
	if (__builtin_expect(process_config.log != NULL, 0))
		print_line(row->what, verdict_why(verdict), dirfd, path);
}

/* Refines the reason why something could not be cached, if it is one that people can act
 * on. */
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

/* The names by which people know errors; strerror may take a lock. Numbers differ between
 * architectures, and errors that are missing here are printed as numbers. */
static const struct {
	int number;
	char name[16]; /* an array, since the loader would have to set a pointer */
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

void report_layer(enum verdict why, const char *root)
{
	report_decision(why, AT_FDCWD, root);
}

void report_failure(enum verdict verdict, int err, int dirfd, const char *path)
{
	char reason[32];
	struct text text = TEXT(reason);

	count(refine(verdict, err));
	if (__builtin_expect(!process_config.log, 1))
		return;
	add_error(&text, -err);
	print_line(verdict_rows[verdict].what, reason, dirfd, path);
}
