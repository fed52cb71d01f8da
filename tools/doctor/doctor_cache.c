/* SPDX-License-Identifier: MIT
 *
 * doctor: the file system that the cache is on, what lies at its top, and the layers
 * below it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "shim/core/cache/layer.h"
#include "tools/base/files.h"
#include "tools/base/human.h"
#include "tools/cache/cache.h"
#include "tools/cache/sys_libc.h"
#include "tools/doctor/doctor.h"
#include "tools/gc/gc_due.h"

#define DAY (24 * 60 * 60)

/* --- the file system -----------------------------------------------------------------*/

/* The numbers are of linux/magic.h and statfs(2), which have no header in common. */
static const struct file_system {
	unsigned long type;
	const char *name;
	const char *warning; /* or NULL */
} file_systems[] = {
	{ 0x6969, "NFS",
		"each start asks its server; set PYCSTASH_DIR to a directory on a local disk" },
	{ 0xff534d42, "CIFS",
		"each start asks its server; set PYCSTASH_DIR to a directory on a local disk" },
	{ 0xfe534d42, "SMB",
		"each start asks its server; set PYCSTASH_DIR to a directory on a local disk" },
	{ 0x01021997, "9p",
		"each start asks its server; set PYCSTASH_DIR to a directory on a local disk" },
	{ 0x65735546, "FUSE",
		"its times and links may prove nothing; set PYCSTASH_DIR to a directory on a local disk" },
	{ 0x01021994, "tmpfs", NULL },
	{ 0x794c7630, "overlay", NULL },
	{ 0xef53, "ext4", NULL },
	{ 0x9123683e, "btrfs", NULL },
	{ 0x58465342, "XFS", NULL },
	{ 0x2fc12fc1, "ZFS", NULL },
	{ 0xf2f52010, "F2FS", NULL },
};

static void check_type(struct doctor *doctor, const char *path)
{
	struct statfs fs;
	size_t i;

	if (statfs(path, &fs) < 0)
		return;
	for (i = 0; i < sizeof file_systems / sizeof *file_systems; i++) {
		const struct file_system *known = &file_systems[i];

		if ((unsigned long)fs.f_type == known->type)
			findings_add(&doctor->report,
				known->warning ? FINDING_WARN : FINDING_OK, "file system",
				"%s%s%s", known->name, known->warning ? ": " : "",
				known->warning ? known->warning : "");
	}
}

void doctor_check_file_system(struct doctor *doctor, const char *path)
{
	struct findings *report = &doctor->report;
	char size[HUMAN_SIZE];
	struct statvfs fs;
	uint64_t available;

	check_type(doctor, path);
	if (statvfs(path, &fs) < 0)
		return;
	available = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (fs.f_bavail * 100 < fs.f_blocks)
		findings_add(report, FINDING_WARN, "file system",
			"%s are free: less than 1%%; run: pycstash gc --max-size 500M",
			human_size(available, size));
	if (fs.f_favail * 100 < fs.f_files)
		findings_add(report, FINDING_WARN, "file system",
			"%llu inodes are free: less than 1%%; run: pycstash gc --max-entries 10000",
			(unsigned long long)fs.f_favail);
	if (fs.f_flag & ST_NOATIME)
		findings_add(report, FINDING_WARN, "file system",
			"it is mounted noatime: gc cannot know when bytecode was used, and goes by when it was written");
}

/* --- what lies at the top ------------------------------------------------------------*/

struct strangers {
	char *first; /* the name of one */
	unsigned count;
};

/* What another user put there (a run under sudo) can be neither renewed nor deleted. */
static void look_for_strangers(struct strangers *strangers, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, "..") == 0 ||
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) <
				0 ||
			st.st_uid == geteuid())
			continue;
		strangers->count++;
		if (!strangers->first &&
			asprintf(&strangers->first, "%s/%s", path, entry->d_name) < 0)
			strangers->first = NULL;
	}
	if (dir)
		closedir(dir);
}

static void check_owners(struct doctor *doctor, const char *root, const char *layout)
{
	struct strangers strangers = { 0 };

	look_for_strangers(&strangers, root);
	look_for_strangers(&strangers, layout);
	if (strangers.count)
		findings_add(&doctor->report, FINDING_WARN, "cache",
			"%s belongs to another user%s and can be neither renewed nor deleted; run as root: chown -hR %u %s",
			strangers.first ? strangers.first : "something in it",
			strangers.count > 1 ? ", as do others," : "", geteuid(), root);
	free(strangers.first);
}

static void check_layouts(struct doctor *doctor, const char *root)
{
	DIR *dir = opendir(root);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (fnmatch("v[0-9]*", entry->d_name, 0) == 0 &&
			strcmp(entry->d_name, CACHE_LAYOUT) != 0)
			findings_add(&doctor->report, FINDING_WARN, "cache",
				"%s/%s is of another version of pycstash, and gc does not limit its size; when nothing uses it any more, run: rm -r %s/%s",
				root, entry->d_name, root, entry->d_name);
	if (dir)
		closedir(dir);
}

/* -errno where there is no such file. */
static int64_t age_of(const char *directory, const char *name)
{
	AUTOFREE char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return path = NULL, -ENOMEM;
	if (stat(path, &st) < 0)
		return -errno;
	return time(NULL) - st.st_mtime;
}

static void check_gc(struct doctor *doctor, const char *root, const char *layout)
{
	int64_t ago = age_of(layout, CACHE_STATE "/" GC_DUE_MARK);
	char age[HUMAN_SIZE];

	if (ago > 7 * DAY)
		findings_add(&doctor->report, FINDING_WARN, "gc",
			"last run %s ago; run: pycstash gc", human_age(ago, age));
	else if (ago >= 0)
		findings_add(&doctor->report, FINDING_OK, "gc", "last run %s ago",
			human_age(ago, age));
	else if (age_of(root, "CACHEDIR.TAG") > DAY) /* else there was no time yet */
		findings_add(&doctor->report, FINDING_WARN, "gc",
			"it has never run, and without it the cache only grows; run: pycstash gc");
}

void doctor_check_contents(struct doctor *doctor, const char *root)
{
	AUTOFREE char *layout = NULL;

	if (asprintf(&layout, "%s/" CACHE_LAYOUT, root) < 0) {
		layout = NULL;
		return;
	}
	check_owners(doctor, root, layout);
	check_layouts(doctor, root);
	check_gc(doctor, root, layout);
}

size_t doctor_check_layers(struct doctor *doctor, const char *layers)
{
	const char *layer;
	char at[PATH_MAX];
	enum verdict why;
	size_t n, len, used = 0;

	for (n = 0; layers && (layer = config_layer(layers, n, &len)); n++) {
		if (len >= sizeof at)
			continue;
		memcpy(at, layer, len);
		at[len] = '\0';
		why = layer_judge(&sys_libc, geteuid(), at, sizeof at);
		used += why == VERDICT_NONE;
		if (why == VERDICT_NONE)
			findings_add(&doctor->report, FINDING_OK, "layer", "%s", at);
		else
			findings_add(&doctor->report, FINDING_WARN, "layer",
				"%.*s is not used: %s: %s", (int)len, layer, at,
				verdict_rows[why].why);
	}
	return used;
}
