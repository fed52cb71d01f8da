/* SPDX-License-Identifier: MIT
 *
 * Finding the functions of the next library: the same that the loader itself finds.
 */
#include "shim/next.c"

#include <dlfcn.h>

#include "tests/unit/unit.h"

static const char *const names[] = {
#define CALL(ret, name, params, args, maybe, slow, early) #name,
#include "shim/calls.def"
};
#define CALLS COUNT(names)

/* dlsym may find an old version; the linker never does. */
static void *by_loader(const char *name)
{
	static const char *const versions[][2] = { { "realpath", "GLIBC_2.3" },
		{ "posix_spawn", "GLIBC_2.15" }, { "posix_spawnp", "GLIBC_2.15" },
		{ "quick_exit", "GLIBC_2.24" } };
	void *found = NULL;

#ifdef __GLIBC__
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (strcmp(name, versions[i][0]) == 0)
			found = dlvsym(RTLD_NEXT, name, versions[i][1]);
#else
	(void)versions;
#endif
	return found ? found : dlsym(RTLD_NEXT, name);
}

static void each_call_is_what_the_loader_finds(void **state)
{
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < CALLS; i++) {
		if (by_loader(names[i]))
			assert_ptr_equal(next_find(names[i]), by_loader(names[i]));
		found += next_find(names[i]) != NULL;
	}
	assert_true(found > CALLS / 2);
}

static void what_nobody_has_is_not_found(void **state)
{
	(void)state;
	assert_null(next_find("pycstash_has_no_such_name"));
	assert_null(next_find(""));
	assert_non_null(next_find("fdopen"));
	assert_ptr_equal(next_find("fdopen64"), next_find("fdopen"));
	assert_null(next_find("pycstash64"));
	assert_null(next_find("64"));
}

static void after_the_program_come_the_libraries(void **state)
{
	(void)state;
	assert_true(program.symbols == NULL || program.base != libraries[0].base);
	assert_null(next_find_in_program("pycstash_has_no_such_name"));
	assert_ptr_equal(next_find_in_program("fdopen"), next_find("fdopen"));
}

static void the_last_library_is_libc(void **state)
{
	(void)state;
	assert_in_range(libraries_count, 1, LIBRARIES_MAX);
	assert_ptr_equal(
		next_find_in_libc("__libc_start_main"), by_loader("__libc_start_main"));
	assert_ptr_equal(next_find_in_libc("clock_gettime"), by_loader("clock_gettime"));
	assert_null(next_find_in_libc("pycstash_has_no_such_name"));
}

static int by_old_hash(struct dl_phdr_info *library, size_t size, void *context)
{
	struct tables tables;
	size_t *compared = context;

	(void)size;
	if (!strstr(library->dlpi_name, "libc.") || !read_tables(&tables, library) ||
		!tables.sysv || !tables.gnu)
		return 0;
	for (size_t i = 0; i < CALLS; i++, ++*compared)
		assert_ptr_equal(
			find_by_sysv_hash(&tables, names[i]), find_in(&tables, names[i]));
	assert_null(find_by_sysv_hash(&tables, "pycstash_has_no_such_name"));
	return 1;
}

static void libraries_with_the_older_table_are_read(void **state)
{
	size_t compared = 0;

	(void)state;
	dl_iterate_phdr(by_old_hash, &compared);
	if (!compared)
		skip();
}

int main(void)
{
	next_begin();
	unit_one(
		"each call is the function that the loader finds, in its default version",
		each_call_is_what_the_loader_finds);
	unit_one("the libraries are searched up to libc", the_last_library_is_libc);
	unit_one("an unknown name is not found, and one with 64 is the one without",
		what_nobody_has_is_not_found);
	unit_one("what the program itself does not have is searched in the libraries",
		after_the_program_come_the_libraries);
	unit_one("libraries with the older table of names give the same functions",
		libraries_with_the_older_table_are_read);
	return unit_run("next");
}
