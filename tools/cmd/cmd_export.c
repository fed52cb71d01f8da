/* SPDX-License-Identifier: MIT
 *
 * pycstash export: writes the cache, or part of it, as one archive.
 *
 * Interpreters may keep running. Each file is read once, as a whole, and is judged by
 * what was read. A file that vanishes after it was counted is missing from the archive,
 * and reported.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/archive/archive.h"
#include "tools/archive/export_list.h"
#include "tools/archive/neutral.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"
#include "tools/base/whole_file.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/fleet/known.h"
#include "tools/fleet/pack.h"
#include "tools/select/select.h"

struct export
{
	struct common common;
	struct select select;
	struct cache cache;
	struct export_list list;
	struct pack objects; /* its objects, if it is a pack */
	bool as_pack, unknown_only;
	struct archive_out out;
	struct progress progress;
	const char *file;
	uint8_t *data; /* of one file */
	size_t room;
	uint64_t files, links, bytes, archive_bytes;
};

static const struct opt own_options[] = {
	{ "used-since", 0, "TIME",
		"only files that were read or written within this time (`30d`) or since this date (`2026-08-01`); where the file system does not record each read, also files that may have been read",
		OPT_TIME(struct export, list.used_since) },
	{ "public-only", 0, NULL,
		"leave out bytecode of sources that others may not read",
		OPT_FLAG(struct export, list.public_only) },
	{ "pack", 0, NULL,
		"write a pack, as `pycstash push` does: only objects, and nothing that says anything about this host",
		OPT_FLAG(struct export, as_pack) },
	{ "new", 0, NULL,
		"write a pack of the objects that are new since the last `pycstash push` or `pull`",
		OPT_FLAG(struct export, unknown_only) },
	{ 0 },
};

static struct export export_request = { .cache = { .fd = -1, .root_fd = -1 },
	.list = { .used_since = INT64_MIN } };

/* --- one file ------------------------------------------------------------------------*/

static int read_whole(struct export *export, int fd, size_t size)
{
	ssize_t n;

	if (size > ARCHIVE_FILE_MAX)
		return -EFBIG;
	if (size > export->room) {
		free(export->data);
		export->data = alloc_array(size, 1);
		export->room = size;
	}
	n = pread(fd, export->data, size, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

/* Returns true if that file equals the one in memory, apart from the identity of its
 * source. */
static bool has_same_bytes(
	const struct export *export, const char *path, int fd, const struct stat *st)
{
	const size_t size = (size_t)st->st_size;
	AUTOFREE uint8_t *data = alloc_array(size, 1);
	struct identity identity;

	if (pread(fd, data, size, 0) != (ssize_t)size)
		return false;
	(void)neutral_take(path, data, size, &identity);
	return memcmp(data, export->data, size) == 0;
}

/* Returns true if the object at path is in the archive and is the same file as the one in
 * memory. The bytes are compared, since hard links are lost when a cache is copied, and
 * that should not change the archive. */
static bool is_object(
	const struct export *export, const char *path, const struct pyc_state *state)
{
	AUTOCLOSE int fd =
		cache_openat(&export->cache, path, O_RDONLY | O_NONBLOCK | O_NOATIME);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       export_list_is_used(&export->list, &st) &&
	       ((st.st_ino == state->st.st_ino) ||
		       (st.st_size == state->st.st_size &&
			       has_same_bytes(export, path, fd, &st)));
}

/* Returns the object that an entry shares its file with, which the caller frees; NULL if
 * there is none, or if objects are not archived. */
static char *shared_object(const struct export *export, const struct layout *item,
	const char *name, const struct pyc_state *state)
{
	char path[PATH_MAX];

	if (export->select.paths.count > 0 || export->list.public_only ||
		!layout_object_of(item, name, &state->seal, path, sizeof path) ||
		!is_object(export, path, state))
		return NULL;
	return alloc_copy(path);
}

static int add_open(struct export *export, const char *dir, const char *name, int fd)
{
	struct archive_member member = { .dir = dir, .name = name };
	struct layout item = layout_parse(dir, name);
	struct pyc_state state =
		archive_state(&item, state_of(&item, fd, "", STATE_WHOLE));
	AUTOFREE char *object = NULL;
	struct identity identity;
	int r;

	if (state.state == STATE_UNKNOWN) {
		export_list_failed(&export->list, dir, name, state.error);
		return 0;
	}
	if (state.state != STATE_FRESH) {
		export->list.left_out[state.state]++;
		return 0;
	}
	/* A program may have replaced it since the list was made. */
	if (export->list.public_only && archive_is_public(&item, name, &state.seal) < 1) {
		export->list.hidden++;
		return 0;
	}
	member.size = (size_t)state.st.st_size;
	r = read_whole(export, fd, member.size);
	if (r < 0) {
		export_list_failed(&export->list, dir, name, r);
		return 0;
	}
	member.data = export->data;
	if (neutral_take(dir, export->data, member.size, &identity))
		member.identity = &identity;
	member.link = object = shared_object(export, &item, name, &state);
	r = archive_out_add(&export->out, &member);
	if (r < 0)
		return r;
	export->files++;
	export->links += object != NULL;
	export->bytes += object ? 0 : member.size;
	return 0;
}

static int add_file(struct export *export, const char *dir, int dirfd, const char *name)
{
	AUTOCLOSE int fd = file_look(dirfd, name, O_NOFOLLOW);
	int r;

	if (fd < 0) {
		if (fd != -ENOENT)
			export_list_failed(&export->list, dir, name, fd);
		return 0;
	}
	r = add_open(export, dir, name, fd);
	progress_update(&export->progress, export->files);
	return r;
}

/* Opens the directory of a file, and keeps it open for the next file. *dir is its path,
 * NULL at first; *dirfd may be -errno. */
static void enter(struct export *export, const char *file, const char **dir, int *dirfd)
{
	if (*dir && strcmp(*dir, file) == 0)
		return;
	if (*dirfd >= 0)
		close(*dirfd);
	*dir = file;
	*dirfd = cache_openat(&export->cache, file, O_PATH | O_DIRECTORY);
	if (*dirfd < 0 && *dirfd != -ENOENT)
		export_list_failed(&export->list, file, "", *dirfd);
}

static int add_files(struct export *export)
{
	const char *dir = NULL;
	int dirfd = -1, r = 0;

	for (size_t i = 0; i < export->list.count && r == 0; i++) {
		const char *file = export->list.files[i];

		enter(export, file, &dir, &dirfd);
		if (interrupt_came())
			r = -EINTR;
		else if (dirfd >= 0)
			r = add_file(export, dir, dirfd, export_list_name_of(file));
	}
	if (dirfd >= 0)
		close(dirfd);
	return r;
}

/* --- the archive ---------------------------------------------------------------------*/

static int write_pack(struct export *export, int fd)
{
	int r = pack_write(&export->objects, &export->cache, fd, &export->archive_bytes);

	export->files = export->objects.count;
	for (size_t i = 0; i < export->objects.count; i++)
		export->bytes += export->objects.objects[i].size;
	return r;
}

static int write_all(struct export *export, int fd)
{
	const struct archive_manifest manifest = {
		.files = export->list.count,
		.bytes = export->list.bytes,
	};
	int r = archive_out_begin(&export->out, export->file, fd, &manifest);

	progress_begin(&export->progress, "exporting", manifest.files);
	if (r == 0)
		r = add_files(export);
	if (r == 0)
		r = archive_out_finish(&export->out, &export->archive_bytes);
	progress_end(&export->progress);
	archive_out_release(&export->out);
	return r;
}

static bool is_stdout(const struct export *export)
{
	return strcmp(export->file, "-") == 0;
}

/* Returns true if the output is written directly: only a regular file can be replaced. */
static bool is_direct(const struct export *export)
{
	struct stat st;

	return is_stdout(export) ||
	       (stat(export->file, &st) == 0 && !S_ISREG(st.st_mode));
}

static bool is_trusted(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Opens what cannot be replaced: a pipe, a device. Another user may have made it, to read
 * the archive; or a link, which by now leads to a file of ours. */
static int open_direct(const char *file, const char **ret_why)
{
	AUTOCLOSE int found = open(file, O_PATH | O_CLOEXEC);
	struct stat st, name;

	if (found < 0 || fstat(found, &st) < 0 || lstat(file, &name) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) && is_trusted(&st) && is_trusted(&name))
		return file_reopen(found, AT_FDCWD, file, O_WRONLY);
	*ret_why =
		"another user made it, or what it leads to, and it is not a file; choose another name";
	return -EPERM;
}

/* Returns a descriptor, or -errno after reporting it; file->out is NULL if there is no
 * temporary file. */
static int open_file(const struct export *export, struct whole_file *file)
{
	const char *why = NULL;
	int fd;

	file->out = NULL;
	if (is_stdout(export))
		return STDOUT_FILENO;
	if (is_direct(export))
		fd = open_direct(export->file, &why);
	else if ((fd = whole_file_begin(file, AT_FDCWD, export->file, 0600)) == 0)
		fd = fileno(file->out);
	if (fd < 0)
		complain(export->file, "%s", why ? why : strerror(-fd));
	return fd;
}

static int close_file(struct whole_file *file, int fd, bool keep)
{
	if (!file->out)
		return fd != STDOUT_FILENO && close(fd) < 0 ? -errno : 0;
	if (keep)
		return whole_file_publish(file);
	whole_file_discard(file);
	return 0;
}

static int write_archive(struct export *export)
{
	struct whole_file file;
	int fd = open_file(export, &file), r, closed;

	if (fd < 0)
		return common_exit_code(fd);
	r = export->as_pack ? write_pack(export, fd) : write_all(export, fd);
	closed = close_file(&file, fd, r == 0);
	if (r == -EINTR) {
		complain(export->file,
			"interrupted after %" PRIu64 " of %zu files; no archive written",
			export->files, export->list.count);
		return interrupt_exit_code();
	}
	if (r < 0) /* archive.h has reported it */
		return common_exit_code(r);
	return closed < 0 ? common_failed(export->file, closed) : EXIT_OK;
}

/* --- output --------------------------------------------------------------------------*/

static void print_object(const struct export *export)
{
	const struct export_list *list = &export->list;
	struct json json = json_begin(stdout, "export", 1);

	json_string(&json, "cache", export->cache.root);
	json_string(&json, "file", export->file);
	json_unsigned(&json, "files", export->files);
	json_unsigned(&json, "links", export->links);
	json_unsigned(&json, "bytes", export->bytes);
	json_unsigned(&json, "archive_bytes", export->archive_bytes);
	json_unsigned(&json, "private", list->public_only ? 0 : list->hidden);
	json_open(&json, "left_out", '{');
	json_unsigned(&json, "private", list->public_only ? list->hidden : 0);
	json_unsigned(&json, "writable", list->writable);
	json_unsigned(&json, "unsealed", list->left_out[STATE_UNSEALED]);
	json_unsigned(&json, "damaged", list->left_out[STATE_DAMAGED]);
	json_unsigned(&json, "foreign", list->left_out[STATE_FOREIGN]);
	json_unsigned(&json, "unreadable", list->unreadable);
	json_close(&json);
	json_close(&json);
}

static void print_text(const struct export *export)
{
	const struct export_list *list = &export->list;
	int state;

	printf("%s: %" PRIu64 " files, %" PRIu64 " of them links; %s in %s\n",
		escape_plain(export->file), export->files, export->links,
		units_size(export->bytes), units_size(export->archive_bytes));
	for (state = 0; state < STATES; state++)
		if (list->left_out[state])
			printf("left out: %" PRIu64 " %s\n", list->left_out[state],
				state_names[state]);
	if (list->writable)
		printf("left out: %" PRIu64 " of sources that others could write to\n",
			list->writable);
	if (list->hidden && list->public_only)
		printf("left out: %" PRIu64 " of sources that others may not read\n",
			list->hidden);
}

/* Also if the archive itself goes to standard output. */
static void warn_of_private(const struct export *export)
{
	if (export->list.hidden && !export->list.public_only)
		complain(export->file,
			"it holds %" PRIu64
			" files made from sources that others may not read; keep it private, or use --public-only",
			export->list.hidden);
}

static int finish(const struct export *export)
{
	const struct export_list *list = &export->list;

	if (export->common.json)
		print_object(export);
	else if (!is_stdout(export) && !export->common.quiet)
		print_text(export);
	warn_of_private(export);
	if (export->files < list->count)
		complain(export->file,
			"%" PRIu64
			" files vanished or were found damaged while the archive was made",
			list->count - export->files);
	return list->unreadable || export->files < list->count ? EXIT_PARTLY : EXIT_OK;
}

static int check(const struct command *self, const struct export *export)
{
	if (is_stdout(export) && isatty(STDOUT_FILENO))
		return opt_usage(self, "standard output is a terminal");
	if (is_stdout(export) && export->common.json)
		return opt_usage(
			self, "the archive and --json both go to standard output");
	return EXIT_OK;
}

/* Collects what is to be written. */
static int gather(struct export *export)
{
	int r;

	if (!export->as_pack)
		return export_list_run(&export->list);
	r = pack_gather(&export->objects, &export->list);
	if (r == 0 && export->unknown_only)
		known_drop(&export->cache, &export->objects);
	export->list.count = export->objects.count;
	return r;
}

static int run(const struct command *self, char **words)
{
	struct export *export = &export_request;
	int code, r;

	export->as_pack |= export->unknown_only;
	export->file = words[0];
	code = check(self, export);
	if (code == EXIT_OK)
		code = cache_open(&export->cache, export->common.dir);
	if (code != EXIT_OK)
		return code;
	interrupt_catch();
	export->list.cache = &export->cache;
	export->list.select = &export->select;
	r = gather(export);
	if (r == -EINTR)
		return common_interrupted(export->cache.root, "no archive written");
	if (r < 0)
		return common_failed(export->cache.root, r);
	(void)select_tags_found(&export->select);
	if (export->list.count == 0) {
		complain(export->cache.root, "nothing to export%s; no archive written",
			export->unknown_only ? " that is new"
			: export->select.tags.count || export->select.paths.count ||
					export->list.public_only
				? " that was selected"
				: "");
		return EXIT_FOUND;
	}
	code = write_archive(export);
	return code == EXIT_OK ? finish(export) : code;
}

const struct command_code cmd_export = {
	.run = run,
	.variables = &export_request,
	.options = {
		{ select_options, offsetof(struct export, select), 0 },
		{ own_options, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON | COMMON_QUIET },
	},
};
