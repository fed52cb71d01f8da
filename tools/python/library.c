/* SPDX-License-Identifier: MIT
 *
 * Finds the library, and edits LD_PRELOAD.
 */
#include "tools/python/library.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/base/text.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/trust.h"
#include "tools/python/elf.h"

#define TOKEN "$LIB" /* ld.so puts its architecture's directory in its place */

static bool is_readable_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0;
}

/* Takes ownership of `path`. */
static int accept_path(char *path, char **ret_path, char **ret_why)
{
	if (!strpbrk(path, LIBRARY_SEPARATORS "$")) {
		*ret_path = path;
		return 0;
	}
	*ret_why = alloc_format(
		"%s: ld.so accepts no path with a space, a colon or a dollar sign; install pycstash elsewhere, or use --library with another path to the library",
		path);
	free(path);
	return -EINVAL;
}

static int find_given(const char *given, char **ret_path, char **ret_why)
{
	char *path;
	int r = file_absolute(given, &path);

	if (r < 0)
		return r;
	if (is_readable_file(path))
		return accept_path(path, ret_path, ret_why);
	*ret_why =
		alloc_format("%s: there is no such library, or it cannot be read", path);
	free(path);
	return -ENOENT;
}

/* Another user may have put a file of that name beside a command in /tmp. If others can
 * change the command itself (NULL: not known), they need no library; but one that has
 * been deleted nobody changes. */
static char *why_not_trusted(const char *library, const char *self)
{
	AUTOFREE char *why = NULL;
	AUTOFREE char *of_self = NULL;
	int r;

	if (!self || trust_file(library, &why) == 0)
		return NULL;
	r = trust_file(self, &of_self);
	if (r < 0 && r != -ENOENT)
		return NULL;
	return alloc_format(
		"%s: not used, because %s; delete it, or say which library to use with --library FILE",
		library, why ? why : "it cannot be reached");
}

int library_find(const char *given, char **ret_path, char **ret_why)
{
	AUTOFREE char *self = NULL;
	AUTOFREE char *beside = NULL;
	AUTOFREE char *installed = NULL;
	const char *places[] = { NULL, NULL, PYCSTASH_LIBDIR "/" LIBRARY_NAME };

	*ret_why = NULL;
	if (given)
		return find_given(given, ret_path, ret_why);
	/* Two of the places are relative to this program's own path, which is unknown
	 * without /proc. That path is canonical, so `..` can be resolved in its
	 * text. */
	if (file_readlink("/proc/self/exe", &self) == 0) {
		AUTOFREE char *directory = file_parent(self);
		AUTOFREE char *prefix = file_parent(directory);

		places[0] = beside =
			alloc_format("%s/" LIBRARY_NAME, directory[1] ? directory : "");
		places[1] = installed = alloc_format(
			"%s/lib/pycstash/" LIBRARY_NAME, prefix[1] ? prefix : "");
	}
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (!places[i] || !is_readable_file(places[i]))
			continue;
		*ret_why = why_not_trusted(places[i], self);
		return *ret_why ? -EPERM
				: accept_path(alloc_copy(places[i]), ret_path, ret_why);
	}
	*ret_why = alloc_format(LIBRARY_NAME
		" was not found; looked for %s, %s and %s; install it, or say where it is with --library FILE",
		beside ? beside : "(no /proc)", installed ? installed : "(no /proc)",
		places[2]);
	return -ENOENT;
}

/* A link to the library may have any name. */
static bool has_library_name(const char *entry)
{
	AUTOFREE char *place = realpath(entry, NULL);

	return strcmp(file_name(entry), LIBRARY_NAME) == 0 ||
	       (place && strcmp(file_name(place), LIBRARY_NAME) == 0);
}

static bool is_same_file(const char *one, const char *other)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

char *library_preload(const char *library, const char *before)
{
	AUTOFREE char *copy = alloc_copy(before ? before : "");
	size_t size = (library ? strlen(library) : 0) + (before ? strlen(before) : 0) + 2;
	char *value = alloc_array(size, 1), *rest = copy, *entry;
	struct text text = { .data = value, .size = size };

	text_adds(&text, library ? library : "");
	while ((entry = strsep(&rest, LIBRARY_SEPARATORS))) {
		if (!*entry || has_library_name(entry) ||
			(library && is_same_file(entry, library)))
			continue;
		text_adds(&text, text.len ? ":" : "");
		text_adds(&text, entry);
	}
	return text.len ? value : NULL;
}

/* Counts the files that a name with ld.so's $LIB in it can mean. */
static size_t count_expansions(const char *name)
{
	const char *token = strstr(name, TOKEN);
	static const char *const expansions[] = { "lib64", "lib32", "lib",
		"lib/*-linux-*" };
	size_t count = 0;

	for (size_t i = 0; token && i < sizeof expansions / sizeof *expansions; i++) {
		AUTOFREE char *pattern = alloc_format("%.*s%s%s", (int)(token - name),
			name, expansions[i], token + strlen(TOKEN));
		glob_t found;

		if (glob(pattern, 0, NULL, &found) == 0) {
			count += found.gl_pathc;
			globfree(&found);
		}
	}
	return count;
}

/* Returns the entry that names this library for any word size; NULL if there is
 * none. */
static char *find_token(const char *preload)
{
	AUTOFREE char *copy = alloc_copy(preload ? preload : "");
	char *rest = copy, *entry;

	while ((entry = strsep(&rest, LIBRARY_SEPARATORS)))
		if (has_library_name(entry) && count_expansions(entry) > 0)
			return alloc_copy(entry);
	return NULL;
}

/* Returns the library's path with $LIB in it if other libraries exist under that name;
 * else NULL. */
static char *with_token(const char *library)
{
	const char *lib = strstr(library, "/lib/"),
		   *triplet = lib ? lib + strlen("/lib/") : "";
	const char *end = strchr(triplet, '/');
	AUTOFREE char *name = NULL;
	char *ret;

	if (!end ||
		!memmem(triplet, (size_t)(end - triplet), "-linux-", strlen("-linux-")))
		return NULL;
	name = alloc_format("%.*s/" TOKEN "%s", (int)(lib - library), library, end);
	ret = count_expansions(name) > 1 ? name : NULL;
	name = ret ? NULL : name;
	return ret;
}

int library_export(const char *given)
{
	AUTOFREE char *library = given ? NULL : find_token(getenv("LD_PRELOAD"));
	AUTOFREE char *token = NULL;
	AUTOFREE char *value = NULL;
	AUTOFREE char *why = NULL;
	int r = library ? 0 : library_find(given, &library, &why);

	if (r == 0) {
		token = given ? NULL : with_token(library);
		value = library_preload(token ? token : library, getenv("LD_PRELOAD"));
		r = setenv("LD_PRELOAD", value, 1) < 0 ? -errno : 0;
	}
	if (r < 0)
		complain(NULL, "%s", why ? why : strerror(-r));
	return r;
}

char *library_obstacle(const char *program)
{
	struct elf own, other;

	if (elf_read("/proc/self/exe", &own) < 0 || elf_read(program, &other) < 0)
		return NULL;
	if (own.bits != other.bits || own.machine != other.machine)
		return alloc_format(
			"this is a %d-bit program for %s, and the library is for another machine",
			other.bits, elf_machine_name(other.machine));
	return *other.loader ? NULL : alloc_copy("this program is linked statically");
}

bool library_is_in(const char *preload)
{
	AUTOFREE char *copy = alloc_copy(preload);
	char *rest = copy, *entry;

	while (rest && (entry = strsep(&rest, LIBRARY_SEPARATORS)))
		if (has_library_name(entry))
			return true;
	return false;
}

const char *library_next_missing(char **list)
{
	const char *entry;

	while ((entry = strsep(list, LIBRARY_SEPARATORS)))
		if (strchr(entry, '/') && !strchr(entry, '$') && access(entry, R_OK) < 0)
			return entry;
	return NULL;
}
