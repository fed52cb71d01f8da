/* SPDX-License-Identifier: MIT
 *
 * pycstash import: puts the bytecode of an archive into the cache, or creates a layer
 * from it.
 *
 * The archive is read twice: all of it is checked before anything is put into the cache,
 * so that not even the beginning of a hostile archive gets there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tools/archive/import.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"
#include "tools/cache/layer_create.h"
#include "tools/cache/sys_libc.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/fleet/fleet.h"

struct import_command {
	struct common common;
	const char *file, *layer;
	struct opt_list maps; /* OLD=NEW */
	const char *verify_key;
	bool update;
	struct import import;
	struct cache cache;
	int fd; /* of the archive */
};

static const struct opt own_options[] = {
	{ "map", 0, "OLD=NEW",
		"import the entries of sources below OLD for the sources below NEW; may be repeated, and then the first that matches counts",
		OPT_LIST(struct import_command, maps) },
	{ "layer", 0, "DIR",
		"make a read-only layer in DIR (a new or empty directory) instead of filling the cache",
		OPT_STRING(struct import_command, layer) },
	{ "update", 0, NULL,
		"with --layer: add to the existing layer in DIR, even while programs use it",
		OPT_FLAG(struct import_command, update) },
	{ "verify-key", 0, "FILE",
		"refuse the archive unless the holder of a public key in FILE has signed it; instead of the setting trusted_keys",
		OPT_STRING(struct import_command, verify_key) },
	{ "force", 'f', NULL, "replace entries of the cache even if they are as good",
		OPT_FLAG(struct import_command, import.force) },
	{ 0 },
};

static struct import_command import_request = {
	.cache = { .fd = -1, .root_fd = -1 },
	.fd = -1,
};

/* --- the archive's file --------------------------------------------------------------*/

static const char zstd_magic[4] = { '\x28', '\xb5', '\x2f', '\xfd' };

/* Returns true if the file begins as zstd's do (RFC 8878), so that it may be an archive
 * of ours. Other files are not copied to their end, which may never come. */
static bool is_compressed(int fd)
{
	char head[sizeof zstd_magic];

	return pread(fd, head, sizeof head, 0) == sizeof head &&
	       memcmp(head, zstd_magic, sizeof head) == 0;
}

/* Copies input that cannot be read twice to a file that nobody else sees. */
static int spool(int from)
{
	FILE *file = file_temporary(); /* kept to the end of the process */
	int to = file ? fileno(file) : -1, r;

	if (!file)
		return -errno;
	r = file_copy(from, to, sizeof zstd_magic);
	if (r == 0 && is_compressed(to))
		r = file_copy(from, to, 0);
	return r < 0 ? r : to;
}

static int open_archive(const char *file)
{
	int fd = strcmp(file, "-") == 0 ? STDIN_FILENO
					: open(file, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		r = -errno;
	else if (S_ISREG(st.st_mode))
		return fd;
	else
		r = S_ISDIR(st.st_mode) ? -EISDIR : spool(fd);
	if (fd > STDIN_FILENO)
		close(fd);
	if (r < 0 && !interrupt_came())
		complain(file, "%s", strerror(-r));
	return r;
}

/* --- output --------------------------------------------------------------------------*/

static const char *place(const struct import_command *job)
{
	return job->cache.root ? job->cache.root : job->common.dir;
}

static uint64_t missing(const struct import_command *job)
{
	return job->import.announced.files - job->import.seen.files;
}

static void print_object(const struct import_command *job)
{
	const struct import *import = &job->import;
	struct json json = json_begin(stdout, "import", 1);

	json_string(&json, "file", job->file);
	json_string(&json, "cache", place(job));
	json_bool(&json, "layer", job->layer != NULL);
	json_bool(&json, "dry_run", import->dry_run);
	json_unsigned(&json, "files", import->files);
	json_unsigned(&json, "links", import->links);
	json_unsigned(&json, "bytes", import->bytes);
	json_unsigned(&json, "moved", import->moved);
	json_unsigned(&json, "kept", import->kept);
	json_unsigned(&json, "bound", import->bound);
	json_unsigned(&json, "damaged", import->damaged);
	json_unsigned(&json, "newer", import->newer);
	json_unsigned(&json, "failed", import->failed);
	json_unsigned(&json, "private", import->hidden);
	json_unsigned(&json, "missing", missing(job));
	json_close(&json);
}

static void print_text(const struct import_command *job)
{
	const struct import *import = &job->import;
	const struct {
		uint64_t count;
		const char *what;
	} rows[] = {
		{ import->links, "links to objects" },
		{ import->moved, "to other paths" },
		{ import->kept, "kept, because the cache has an entry that is as good" },
		{ import->bound,
			"left out, because they cannot be moved to another path" },
		{ import->damaged, "damaged" },
		{ import->newer, "made by a newer pycstash" },
		{ import->failed, "failed" },
		{ missing(job), "missing in the archive" },
	};
	size_t i;

	printf("%s%" PRIu64 " files, %s, ",
		import->dry_run ? "would import " : "imported ", import->files,
		units_size(import->bytes));
	printf("into %s\n", place(job) ? escape_plain(place(job)) : "a new cache");
	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].count)
			printf("  %" PRIu64 " %s\n", rows[i].count, rows[i].what);
}

/* Reports why it was not read to its end; returns the exit code. */
static int stopped(const struct import_command *job, int error)
{
	bool began = job->import.files > 0;

	if (error == -EPERM)
		return EXIT_REFUSED;
	if (error == -EINTR || began)
		complain(job->file, "%s after %" PRIu64 " of %" PRIu64 " files; %s",
			error == -EINTR ? "interrupted" : "stopped", job->import.files,
			job->import.announced.files,
			began ? "what was imported is whole and stays; import it again for the rest"
			      : "nothing was imported");
	if (error == -EINTR)
		return interrupt_exit_code();
	return common_exit_code(error);
}

/* --- the command ---------------------------------------------------------------------*/

/* If others can write to the archive, copies it: they could replace it after it was
 * verified. */
static int keep_as_it_is(struct import_command *job)
{
	struct stat st;
	int fd = job->fd, r = fstat(fd, &st) < 0 ? -errno : 0;

	if (r < 0 || way_is_private(&sys_libc, geteuid(), AT_FDCWD, job->file, &st))
		return r;
	job->fd = spool(fd);
	if (fd > STDIN_FILENO)
		close(fd);
	if (job->fd < 0 && job->fd != -EINTR)
		complain(job->file, "cannot be copied: %s", strerror(-job->fd));
	return job->fd < 0 ? job->fd : 0;
}

/* If keys are configured, an archive must be signed by the holder of one of them. */
static int check_signature(struct import_command *job)
{
	AUTOFREE char *file = alloc_format("%s" MINISIGN_SUFFIX, job->file);
	char text[MINISIGN_SIZE] = "";
	struct minisign_keys keys;
	AUTOCLOSE int fd = -1;
	int r = fleet_keys(job->verify_key, &keys);

	if (r < 0 || !keys.count)
		return r < 0 ? -EPERM : 0;
	r = keep_as_it_is(job);
	if (r < 0)
		return r;
	fd = file_open(file);
	if (fd < 0 || pread(fd, text, sizeof text - 1, 0) < 0) {
		complain(job->file,
			"refused: it is not signed; its signature would be in the file beside it with the suffix " MINISIGN_SUFFIX);
		return -EPERM;
	}
	return minisign_verify(&keys, job->file, job->fd, text);
}

static int import_all(struct import_command *job)
{
	struct import *import = &job->import;
	int r = check_signature(job), code;

	r = r < 0 ? r : import_archive(import, job->file, job->fd, false);
	if (r < 0)
		return stopped(job, r);
	code = layer_create_begin(&job->cache, &job->common, job->layer, job->update);
	if (code != EXIT_OK)
		return code;
	import->cache = job->cache.root ? &job->cache : NULL;
	r = import_archive(import, job->file, job->fd, true);
	if (r < 0)
		return stopped(job, r);
	if (job->layer && import->cache && (r = layer_create_finish(&job->cache)) < 0) {
		if (r == -EINTR)
			return stopped(job, r);
		complain(job->cache.root, "it cannot be made readable: %s", strerror(-r));
		code = EXIT_OURS;
	}
	if (job->common.json)
		print_object(job);
	else if (!job->common.quiet)
		print_text(job);
	if (job->layer && import->hidden)
		complain(job->layer,
			"everybody can read it, and %" PRIu64
			" files in it were made from sources that others may not read; see `pycstash export --public-only`",
			import->hidden);
	if (missing(job) && !import->cut_off)
		complain(job->file,
			"%" PRIu64
			" of its files are missing: they vanished or were found damaged while it was made; the others are imported",
			missing(job));
	if (code == EXIT_OK && (import->damaged || import->newer || import->failed ||
				       missing(job) || import->cut_off))
		code = EXIT_PARTLY;
	return code;
}

static int read_maps(struct import_command *job)
{
	size_t i;
	int r = 0;

	/* the paths of a layer are those in the image */
	for (i = 0; i < job->maps.count && r == 0; i++)
		r = import_add_map(&job->import, job->maps.items[i], !job->layer);
	return r;
}

static int import_file(struct import_command *job)
{
	job->import.dry_run = job->common.dry_run;
	job->import.uncounted = job->layer != NULL;
	umask(077);
	interrupt_catch();
	if (read_maps(job) < 0)
		return EXIT_USAGE;
	job->fd = open_archive(job->file);
	if (job->fd >= 0)
		return import_all(job);
	return interrupt_came() ? stopped(job, -EINTR) : EXIT_USAGE;
}

static int check(const struct command *self, const struct import_command *job)
{
	if (strcmp(job->file, "-") == 0 && isatty(STDIN_FILENO))
		return opt_usage(self, "standard input is a terminal");
	if (job->layer && job->common.dir)
		return opt_usage(self, "--layer and --dir exclude each other");
	if (job->update && !job->layer)
		return opt_usage(self, "--update needs --layer");
	return EXIT_OK;
}

static int run(const struct command *self, char **words)
{
	int code;

	import_request.file = words[0];
	code = check(self, &import_request);
	return code == EXIT_OK ? import_file(&import_request) : code;
}

const struct command_code cmd_import = {
	.run = run,
	.variables = &import_request,
	.options = {
		{ own_options, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON | COMMON_QUIET | COMMON_DRY_RUN },
	},
};
