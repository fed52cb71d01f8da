/* SPDX-License-Identifier: MIT
 *
 * doctor: whether all calls by which the interpreter names files reach the library.
 *
 * The tables know every path-taking function of libc that has a name today: those
 * that are interposed (calls.def) and those that are left alone on purpose
 * (exceptions.def). What neither knows may be a later libc's new spelling of one of
 * the first kind, which the bytecode would then be written through.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/names.h"
#include "tools/doctor/doctor.h"
#include "tools/python/elf.h"

static const char *const call_names[] = {
#define CALL(ret, name, params, args, maybe, slow, early) #name,
#include "shim/calls.def"
};

static const char *const exception_names[] = {
#define EXCEPTION(name, reason) #name,
#include "shim/exceptions.def"
};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NAME_MAX_LENGTH 64

struct coverage {
	struct names *calls, *exceptions, *exported, *seen;
	size_t covered; /* calls that are imported and arrive in the library */
	FILE *missed;	/* names of those that do not, separated by spaces */
	size_t missed_count;
};

static bool cut_end(char *name, const char *end)
{
	size_t length = strlen(name), cut = strlen(end);

	if (length <= cut || strcmp(name + length - cut, end) != 0)
		return false;
	name[length - cut] = '\0';
	return true;
}

/* Whether a name is another spelling of an interposed function, by libc's habits. */
static bool is_variant(const struct names *calls, const char *name)
{
	static const char *const begins[] = { "_IO_", "__" };
	static const char *const ends[] = { "_time64", "64", "_2", "_chk", "at2", "at",
		"2" };
	char base[NAME_MAX_LENGTH];
	size_t i;

	for (i = 0; i < COUNT(begins); i++)
		if (strncmp(name, begins[i], strlen(begins[i])) == 0) {
			name += strlen(begins[i]);
			if (names_has(calls, name))
				return true;
		}
	if (strlen(name) >= sizeof base)
		return false;
	strcpy(base, name);
	for (i = 0; i < COUNT(ends); i++)
		if (cut_end(base, ends[i]) && names_has(calls, base))
			return true;
	return false;
}

static void add_exported(void *context, const char *name, bool defined)
{
	struct coverage *coverage = context;

	if (defined)
		(void)names_add(&coverage->exported, name);
}

static void look_at_import(void *context, const char *name, bool defined)
{
	struct coverage *coverage = context;

	if (defined || names_has(coverage->exceptions, name) ||
		names_has(coverage->seen, name))
		return;
	(void)names_add(&coverage->seen, name);
	if (names_has(coverage->exported, name)) {
		coverage->covered += names_has(coverage->calls, name);
		return;
	}
	if (!names_has(coverage->calls, name) && !is_variant(coverage->calls, name))
		return;
	fprintf(coverage->missed, "%s%s", coverage->missed_count++ ? " " : "", name);
}

/* The next "NAME => PATH (0x...)" of ld.so's listing whose file is the interpreter as a
 * library. *ret_path is the caller's; NULL: there are no more. */
static const char *next_libpython(const char *listing, char **ret_path)
{
	while ((listing = strstr(listing, " => /"))) {
		const char *end = strchrnul(listing, '\n'), *open = end;
		char *path;

		listing += strlen(" => ");
		while (open > listing && *open != '(')
			open--;
		path = strndup(
			listing, (size_t)(open > listing ? open - listing - 1 : 0));
		if (path && (strncmp(file_name(path), "libpython", 9) == 0 ||
				    strncmp(file_name(path), "libpypy", 7) == 0)) {
			*ret_path = path;
			return end;
		}
		free(path);
	}
	*ret_path = NULL;
	return NULL;
}

/* The interpreter is often but a shell around libpython, which makes the calls. Returns
 * how many files were mapped; the names in `coverage` point into them. */
#define MAX_FILES 4
static size_t look_at_imports(
	struct doctor *doctor, struct coverage *coverage, struct elf files[MAX_FILES])
{
	const char *rest = doctor->listing;
	AUTOFREE char *path = strdup(doctor->program);
	size_t count = 0;

	while (path && count < MAX_FILES) {
		if (elf_open(path, &files[count]) == 0)
			elf_each_symbol(&files[count++], look_at_import, coverage);
		free(path);
		path = NULL;
		if (rest)
			rest = next_libpython(rest, &path);
	}
	return count;
}

static void say(
	struct doctor *doctor, const struct coverage *coverage, const char *missed)
{
	if (coverage->missed_count)
		findings_add(&doctor->report, FINDING_WARN, "symbols",
			"the interpreter also names files by functions that this library does not know: %s; should the proof fail, that is why; please report it",
			missed);
	else
		findings_add(&doctor->report, FINDING_OK, "symbols",
			"all %zu functions by which the interpreter names files are known",
			coverage->covered);
}

static void compare(struct doctor *doctor, const struct elf *library)
{
	struct coverage coverage = { 0 };
	struct elf files[MAX_FILES];
	char *missed = NULL;
	size_t size, count, i;

	coverage.missed = open_memstream(&missed, &size);
	if (!coverage.missed)
		return;
	for (i = 0; i < COUNT(call_names); i++)
		(void)names_add(&coverage.calls, call_names[i]);
	for (i = 0; i < COUNT(exception_names); i++)
		(void)names_add(&coverage.exceptions, exception_names[i]);
	elf_each_symbol(library, add_exported, &coverage);
	count = look_at_imports(doctor, &coverage, files);
	if (fclose(coverage.missed) == 0 && count)
		say(doctor, &coverage, missed);
	names_release(&coverage.calls);
	names_release(&coverage.exceptions);
	names_release(&coverage.exported);
	names_release(&coverage.seen);
	for (i = 0; i < count; i++)
		elf_close(&files[i]);
	free(missed);
}

void doctor_check_symbols(struct doctor *doctor)
{
	struct elf library;

	if (doctor->hopeless || !doctor->program)
		return;
	if (elf_open(doctor->library, &library) < 0)
		return;
	compare(doctor, &library);
	elf_close(&library);
}
