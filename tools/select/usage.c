/* SPDX-License-Identifier: MIT
 *
 * Sums of space by group.
 */
#include "tools/select/usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DAY INT64_C(86400)

const char *const usage_by_names[USAGE_BYS] = {
	[USAGE_VERSION] = "version",
	[USAGE_TREE] = "tree",
	[USAGE_PACKAGE] = "package",
	[USAGE_AGE] = "age",
};

static const struct {
	int64_t below; /* seconds */
	const char *name;
} ages[] = {
	{ DAY, "less than 1d" },
	{ 7 * DAY, "1d to 7d" },
	{ 30 * DAY, "7d to 30d" },
	{ 90 * DAY, "30d to 90d" },
	{ 365 * DAY, "90d to 1y" },
	{ INT64_MAX, "1y and more" },
};

void amount_add(struct amount *amount, const struct stat *st)
{
	amount->files++;
	amount->size += (uint64_t)st->st_size;
	amount->disk += (uint64_t)st->st_blocks * 512;
}

void amount_merge(struct amount *to, const struct amount *from)
{
	to->files += from->files;
	to->size += from->size;
	to->disk += from->disk;
}

/* Returns the sum of the group with that name of len bytes, and creates it if
 * needed. */
static struct amount *sum_of(struct usage *usage, const char *name, size_t len)
{
	struct usage_group *group;

	HASH_FIND(hh, usage->groups, name, len, group);
	if (!group) {
		group = alloc_array(1, sizeof *group + len + 1);
		memcpy(group->name, name, len);
		HASH_ADD_KEYPTR(hh, usage->groups, group->name, len, group);
	}
	return &group->amount;
}

/* --- names of groups -----------------------------------------------------------------*/

static const char *below_version(const struct layout_dir *dir)
{
	const char *rest = dir->path + dir->version_len;

	return *rest == '/' ? rest + 1 : rest;
}

/* Returns the group of files that have no source. */
static const char *unsourced(const struct layout_dir *dir)
{
	return dir->version_len && strncmp(below_version(dir), "objects", 7) == 0
		       ? "(objects)"
		       : "(foreign)";
}

static size_t components(const char *path, size_t len, unsigned count)
{
	for (size_t i = 1; i < len; i++)
		if (path[i] == '/' && --count == 0)
			return i;
	return len;
}

/* Returns the part after the last component with that name, either "" or beginning with
 * a slash; NULL if there is no such component. */
static const char *after(const char *path, size_t len, const char *name)
{
	const char *end = path + len, *found = NULL, *p = path;
	size_t n = strlen(name);

	while ((p = memmem(p, (size_t)(end - p), name, n))) {
		p += n;
		if (p[-(ptrdiff_t)n - 1] == '/' && (p == end || *p == '/'))
			found = p;
	}
	return found;
}

static bool is_standard(const char *path, size_t len)
{
	static const char *const homes[] = { "/lib/python3.", "/lib64/python3.",
		"/lib/pypy3", "/lib-python/3" };

	for (size_t i = 0; i < sizeof homes / sizeof *homes; i++)
		if (memmem(path, len, homes[i], strlen(homes[i])))
			return true;
	return false;
}

/* Returns the package that a directory of sources belongs to. *ret_len is 0 if each
 * file in it is a module of its own. */
static const char *package_of(const struct layout_dir *dir, size_t *ret_len)
{
	static const char *const homes[] = { "site-packages", "dist-packages" };
	const char *end = dir->source + dir->source_len, *name;

	for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
		name = after(dir->source, dir->source_len, homes[i]);
		if (!name)
			continue;
		*ret_len = name < end ? components(name, (size_t)(end - name), 1) - 1 : 0;
		return name + (name < end);
	}
	name = is_standard(dir->source, dir->source_len) ? "(standard library)"
							 : "(elsewhere)";
	*ret_len = strlen(name);
	return name;
}

struct amount *usage_of_directory(struct usage *usage, enum usage_by by, unsigned depth,
	const struct layout_dir *dir)
{
	const char *name = dir->source;
	size_t len;

	switch (by) {
	case USAGE_VERSION:
		if (dir->version_len)
			return sum_of(usage, dir->path, dir->version_len);
		name = NULL;
		break;
	case USAGE_TREE:
		if (name)
			return sum_of(
				usage, name, components(name, dir->source_len, depth));
		break;
	case USAGE_PACKAGE:
		if (!name)
			break;
		name = package_of(dir, &len);
		return len ? sum_of(usage, name, len) : NULL;
	default:
		return NULL;
	}
	name = unsourced(dir);
	return sum_of(usage, name, strlen(name));
}

struct amount *usage_of_file(
	struct usage *usage, enum usage_by by, const struct walk_file *file, int64_t now)
{
	if (by == USAGE_AGE) {
		size_t i = 0;

		while (i + 1 < sizeof ages / sizeof *ages &&
			file->st->st_mtime <= now - ages[i].below)
			i++;
		return sum_of(usage, ages[i].name, strlen(ages[i].name));
	}
	return sum_of(usage, file->name, strcspn(file->name, "."));
}

/* --- merging and sorting -------------------------------------------------------------*/

void usage_merge(struct usage *to, const struct usage *from)
{
	const struct usage_group *group, *next;

	HASH_ITER (hh, from->groups, group, next)
		if (group->amount.files)
			amount_merge(sum_of(to, group->name, strlen(group->name)),
				&group->amount);
}

static size_t age_of(const char *name)
{
	size_t i = 0;

	while (i < sizeof ages / sizeof *ages && strcmp(ages[i].name, name) != 0)
		i++;
	return i;
}

static int compare(const struct usage_group *a, const struct usage_group *b)
{
	size_t a_age = age_of(a->name), b_age = age_of(b->name);

	if (a_age != b_age)
		return a_age < b_age ? -1 : 1;
	if (a->amount.disk != b->amount.disk)
		return a->amount.disk > b->amount.disk ? -1 : 1;
	return strcmp(a->name, b->name);
}

void usage_sort(struct usage *usage)
{
	HASH_SORT(usage->groups, compare);
}

struct amount usage_total(const struct usage *usage)
{
	const struct usage_group *group, *next;
	struct amount total = { 0 };

	HASH_ITER (hh, usage->groups, group, next)
		amount_merge(&total, &group->amount);
	return total;
}
