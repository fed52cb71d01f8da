/* SPDX-License-Identifier: MIT
 *
 * Whether an entry may leave the cache: only if an open would serve it now. Each row
 * changes one thing about an entry that would be served.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/entry/entry_file.h"
#include "tests/unit/fake/fake_entry.h"

static void nothing(void)
{
}

static void source_is_touched(void)
{
	fake_source("src/m.py", "first");
	fake_source_time(77);
}

static void source_is_edited(void)
{
	fake_source_lies("src/m.py", "tsrif");
}

static void source_is_deleted(void)
{
	unlink(fake_path("src/m.py"));
}

static void others_can_exchange_the_directory(void)
{
	source_is_deleted();
	chmod(fake.dir, 0777);
}

static void others_can_exchange_it_with_its_source(void)
{
	chmod(fake.dir, 0777);
}

static void others_can_create_files_beside(void)
{
	source_is_deleted();
	chmod(fake_path("src"), 0777);
}

static void a_link_leads_to_it(void)
{
	assert_return_code(rename(fake_path("src/m.py"), fake_path("other.py")), errno);
	fake_make_link("src/m.py", "../other.py");
}

static void name_tells_no_source(void)
{
	fe.entry.source = (struct source){ .path = NULL };
}

static void name_tells_no_source_and_others_can_exchange(void)
{
	name_tells_no_source();
	chmod(fake.dir, 0777);
}

static void name_tells_no_source_and_others_have_exchanged(void)
{
	name_tells_no_source();
	usleep(20000); /* a tick of the clock that determines birth times */
	fake_make_directory("new", 0755);
	rename(fake_path("src"), fake_path("old"));
	rename(fake_path("new"), fake_path("src"));
}

static void it_is_damaged(void)
{
	truncate(fake_path(fake_entry_path()), 40);
}

static void it_is_closed(void)
{
	chmod(fake_path(fake_entry_path()), 0);
}

static void it_is_gone(void)
{
	unlink(fake_path(fake_entry_path()));
}

static const struct row {
	const char *name;
	void (*change)(void);
	int want;
} rows[] = {
	{ "an entry may leave the cache", nothing, 0 },
	{ "an entry may leave the cache if its source was touched", source_is_touched,
		0 },
	{ "an entry may not leave the cache if its source was edited", source_is_edited,
		-ESTALE },
	{ "an entry may leave the cache if its source was deleted", source_is_deleted,
		0 },
	{ "an entry without a source may not leave the cache if others can exchange the directory",
		others_can_exchange_the_directory, -ESTALE },
	{ "an entry with its source may leave the cache if others can exchange the directory",
		others_can_exchange_it_with_its_source, 0 },
	{ "an entry without a source may leave the cache if others can create files beside it",
		others_can_create_files_beside, 0 },
	{ "an entry may leave the cache if the user's own link leads to its source",
		a_link_leads_to_it, 0 },
	{ "a file whose name tells no source may leave the cache", name_tells_no_source,
		0 },
	{ "a file whose name tells no source may not leave the cache if others can exchange the directory",
		name_tells_no_source_and_others_can_exchange, -ESTALE },
	{ "a file whose name tells no source may not leave the cache for another directory",
		name_tells_no_source_and_others_have_exchanged, -ESTALE },
	{ "a damaged entry may not leave the cache", it_is_damaged, -ESTALE },
	{ "an entry that its user has closed may leave the cache", it_is_closed, 0 },
	{ "an entry that does not exist cannot leave the cache", it_is_gone, -ENOENT },
};

static void leaves(void **state)
{
	const struct row *row = *state;

	fake_import_first();
	fake_entry_forget();
	row->change();
	assert_int_equal(entry_check(&fe.entry, false), row->want);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(leaves, rows);
	return unit_run("entry_judge");
}
