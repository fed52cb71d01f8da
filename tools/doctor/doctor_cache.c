/* SPDX-License-Identifier: MIT
 *
 * doctor: the location of the cache, its file system, the files at its top, and the
 * layers.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "shim/core/cache/layer.h"
#include "shim/core/cache/root.h"
#include "shim/core/cache/way.h"
#include "tools/base/files.h"
#include "tools/base/units.h"
#include "tools/cache/cache.h"
#include "tools/cache/inherited.h"
#include "tools/cache/layout.h"
#include "tools/cache/obstacle.h"
#include "tools/cache/sys_libc.h"
#include "tools/doctor/doctor.h"
#include "tools/gc/gc_due.h"

#define DAY (24 * 60 * 60)

/* --- the file system -----------------------------------------------------------------*/

#define SLOW "each start has to wait for its server"

/* File systems that do harm. The numbers come from linux/magic.h and statfs(2), since
 * no single header has them all. */
static const struct file_system {
	unsigned long type;
	const char *name, *problem;
} file_systems[] = {
	{ 0x6969, "NFS", SLOW },
	{ 0xff534d42, "CIFS", SLOW },
	{ 0xfe534d42, "SMB", SLOW },
	{ 0x01021997, "9p", SLOW },
	{ 0x65735546, "FUSE", "its times and hard links may not be reliable" },
};

static void check_file_system(struct findings *report, const char *path)
{
	const size_t before = report->count;
	const char *size;
	struct statvfs fs;
	struct statfs type;

	if (statvfs(path, &fs) < 0 || statfs(path, &type) < 0)
		return;
	size = units_size((uint64_t)fs.f_bavail * fs.f_frsize);
	for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems; i++)
		if ((uint32_t)type.f_type == file_systems[i].type)
			findings_add(report, FINDING_WARN, "file system",
				"%s: %s; set PYCSTASH_DIR to a directory on a local disk",
				file_systems[i].name, file_systems[i].problem);
	if (fs.f_bavail * 100 < fs.f_blocks)
		findings_add(report, FINDING_WARN, "file system",
			"%s are free: less than 1%%; run: pycstash gc --keep-free 1%%",
			size);
	if (fs.f_favail * 100 < fs.f_files)
		findings_add(report, FINDING_WARN, "file system",
			"%llu inodes are free: less than 1%%; run: pycstash gc --max-entries 10000",
			(unsigned long long)fs.f_favail);
	if (fs.f_flag & ST_NOATIME)
		findings_add(report, FINDING_WARN, "file system",
			"it is mounted noatime: gc cannot know when bytecode was used, so it goes by the time of writing");
	if (report->count == before)
		findings_add(report, FINDING_OK, "file system", "%s are free", size);
}

/* --- what lies at the top ------------------------------------------------------------*/

/* Reports a version, or its tree, that is no directory: nothing is stored in it. */
static void check_version(
	struct findings *report, int fd, const char *layout, const char *version)
{
	AUTOFREE char *tree = alloc_format("%s/tree", version);
	const char *names[] = { version, tree };
	struct stat st;

	for (size_t i = 0; i < 2; i++)
		if (fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			(fstatat(fd, names[i], &st, 0) < 0 || !S_ISDIR(st.st_mode)))
			findings_add(report, FINDING_WARN, "cache",
				"%s/%s is not a directory, so nothing of that version is cached; run: rm %s/%s",
				layout, names[i], layout, names[i]);
}

/* Reports what should not be in `path`, which is the root or its layout folder. Files
 * of another user (from a run under sudo) can be neither renewed nor deleted. */
static void check_names(struct findings *report, const char *path, const char *root)
{
	AUTOCLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char **names = file_names(dup(fd));
	struct stat st;
	bool strange = false; /* report one file only: one command mends them all */

	for (; names && *names; names++) {
		const char *name = *names;

		if (!strange && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			st.st_uid != geteuid()) {
			strange = true;
			findings_add(report, FINDING_WARN, "cache",
				"%s/%s belongs to another user and can be neither replaced nor deleted; run as root: chown -hR %u %s",
				path, name, geteuid(), root);
		}
		if (path != root && layout_version(name) == strlen(name))
			check_version(report, fd, path, name);
		if (path == root && fnmatch("v[0-9]*", name, 0) == 0 &&
			strcmp(name, CACHE_LAYOUT) != 0)
			findings_add(report, FINDING_WARN, "cache",
				"%s/%s is of another version of pycstash, and gc does not limit its size; when nothing uses it any more, run: rm -r %s/%s",
				root, name, root, name);
	}
}

static void check_inherited(struct findings *report, const char *layout)
{
	AUTOCLOSE int fd = open(layout, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && inherited_is_there(fd))
		findings_add(report, FINDING_WARN, "cache",
			"%s has a default ACL, which decides about the rights to bytecode in place of your umask; run: pycstash verify --repair",
			layout);
}

/* Returns the age in seconds, or -errno if there is no such file. */
static int64_t age_of(const char *directory, const char *name)
{
	AUTOFREE char *path = alloc_format("%s/%s", directory, name);
	struct stat st;

	return stat(path, &st) < 0 ? -errno : time(NULL) - st.st_mtime;
}

static void check_gc(struct findings *report, const char *layout)
{
	int64_t ago = age_of(layout, CACHE_STATE "/" GC_DUE_MARK);

	if (ago > 7 * DAY)
		findings_add(report, FINDING_WARN, "gc",
			"last run %s ago; run: pycstash gc", units_age(ago));
	else if (ago >= 0)
		findings_add(report, FINDING_OK, "gc", "last run %s ago", units_age(ago));
	else if (age_of(layout, ROOT_TAG) > DAY) /* else it had no time yet */
		findings_add(report, FINDING_WARN, "gc",
			"it has never run, and without it the cache only grows; run: pycstash gc");
}

/* --- its location --------------------------------------------------------------------*/

static int is_bytecode(const char *path, const struct stat *st, int type, struct FTW *way)
{
	const size_t len = strlen(path);

	(void)st;
	(void)way;
	return type == FTW_F && len > 4 && strcmp(path + len - 4, ".pyc") == 0;
}

/* Returns whether the layout folder contains bytecode of any version. */
static bool holds_anything(const char *layout)
{
	return nftw(layout, is_bytecode, 16, FTW_PHYS) == 1;
}

/* Checks a cache that exists or that the library would create. shut: the variable that
 * keeps new bytecode out, or NULL. bad: how bad it is if nothing can be served from the
 * cache. */
static void check_usable(struct findings *report, const char *root, enum root_state state,
	const char *shut, enum finding_state bad)
{
	const char *why;
	AUTOFREE char *layout = alloc_format("%s/" CACHE_LAYOUT, root);
	char at[PATH_MAX];
	bool ready = state == ROOT_READY;

	why = obstacle_below(root, ready ? layout : root, at);
	if (why && ready && holds_anything(layout))
		findings_add(report, FINDING_WARN, "cache",
			"%s can be read, but new bytecode cannot be written to it: %s; %s",
			root, why, obstacle_remedy());
	else if (why)
		findings_add(report, bad, "cache", "%s cannot be %s in %s: %s; %s", root,
			ready ? "written" : "made", at, why, obstacle_remedy());
	else if (shut && !holds_anything(layout))
		findings_add(report, bad, "cache",
			"%s is empty, and %s keeps new bytecode out; run: unset %s", root,
			shut, shut);
	else
		findings_add(report, FINDING_OK, "cache", "%s%s", root,
			ready ? "" : " (will be made on first use)");
	check_file_system(report, at);
	if (!ready)
		return;
	check_names(report, root, root);
	check_names(report, layout, root);
	check_inherited(report, layout);
	check_gc(report, layout);
}

/* Returns the command that makes the cache writable by its owner only. If others could
 * write to the bytecode, it can no longer be trusted and has to be deleted. The caller
 * frees the result. */
static char *closing_command(const char *path, const char *root, enum verdict why)
{
	AUTOFREE char *layout = alloc_format("%s/" CACHE_LAYOUT, root);
	struct stat st;

	if (why != VERDICT_REFUSED_WAY_WRITABLE && stat(layout, &st) == 0 &&
		st.st_mode & (S_IWGRP | S_IWOTH))
		return alloc_format(
			"others may have changed the bytecode in it; run: chmod go-w %s && rm -r %s%s",
			root, layout,
			getenv("KUBERNETES_SERVICE_HOST")
				? "; with fsGroup, set fsGroupChangePolicy: OnRootMismatch in the pod's securityContext"
				: "");
	return alloc_format(
		"run: chmod %s %s", why == VERDICT_REFUSED_LAYOUT ? "700" : "go-w", path);
}

/* Returns why a cache or layer is not used; the file at that path is at fault. */
static const char *reason(enum verdict why, const char *at)
{
	struct stat st;

	if ((why == VERDICT_REFUSED_WAY_FOREIGN || why == VERDICT_LAYER_WAY_FOREIGN) &&
		lstat(at, &st) == 0 && st.st_uid == WAY_UNMAPPED &&
		!way_tells_users(&sys_libc, WAY_UNMAPPED))
		return "in this user namespace, root cannot be told from another user who may own it";
	return verdict_rows[why].why;
}

/* Suggests a command only for files that the user owns: a service may need the owner or
 * mode of other users' files. */
static void check_refused(struct findings *report, const char *root, const char *at,
	enum verdict why, enum finding_state bad)
{
	const bool layout = why == VERDICT_REFUSED_LAYOUT;
	AUTOFREE char *path = alloc_format("%s%s", at, layout ? "/" CACHE_LAYOUT : "");
	AUTOFREE char *command = closing_command(path, root, why);
	const bool mendable = layout || why == VERDICT_REFUSED_WRITABLE ||
			      why == VERDICT_REFUSED_WAY_WRITABLE;
	struct stat st;

	findings_add(report, bad, "cache", "%s is not used: %s: %s; %s", root, at,
		reason(why, at),
		mendable && stat(path, &st) == 0 && st.st_uid == geteuid()
			? command
			: obstacle_remedy());
}

/* Returns how many layers are used. layers: NULL if there are none. */
static size_t check_layers(struct findings *report, const char *layers)
{
	const char *layer;
	char at[PATH_MAX];
	enum verdict why;
	size_t len, used = 0;

	for (size_t n = 0; layers && (layer = config_layer(layers, n, &len)); n++) {
		/* a path that is cut off here does not exist */
		snprintf(at, sizeof at, "%.*s", (int)len, layer);
		why = layer_judge(&sys_libc, geteuid(), at, sizeof at);
		used += why == VERDICT_NONE;
		if (why == VERDICT_NONE)
			findings_add(report, FINDING_OK, "layer", "%s", at);
		else
			findings_add(report, FINDING_WARN, "layer",
				"%.*s is not used: %s: %s", (int)len, layer,
				*at ? at : "/", reason(why, at));
	}
	return used;
}

void doctor_check_cache(struct doctor *doctor)
{
	struct findings *report = &doctor->report;
	struct config config;
	char at[PATH_MAX];
	/* How bad it is to have no cache: layers work without one */
	enum finding_state bad;
	enum root_state state = ROOT_UNKNOWN;
	const char *shut = NULL;
	enum verdict why;

	settings_config(&config, true);
	if (config.readonly)
		shut = config_names[CONFIG_READONLY];
	else if (doctor->dontwrite && doctor->preloaded)
		shut = "PYTHONDONTWRITEBYTECODE";
	bad = check_layers(report, config.layers) ? FINDING_WARN : FINDING_FAIL;
	if (config.root_len)
		state = root_judge(&sys_libc, config.root, at, &why);
	if (state == ROOT_UNKNOWN)
		findings_add(report, bad, "cache", "%s; %s", config.why_not,
			obstacle_remedy());
	else if (state != ROOT_REFUSED)
		check_usable(report, config.root, state, shut, bad);
	else
		check_refused(report, config.root, *at ? at : "/", why, bad);
}
