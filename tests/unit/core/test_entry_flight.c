/* SPDX-License-Identifier: MIT
 *
 * Opening an entry that another process is compiling: which compiles are the same, and
 * what is served when that process is done.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

#define PYTEST_NAME "m." FAKE_TAG "-pytest-7.2.1.pyc"
/* A source large enough to be waited for. */
#define SIXTEEN "x = 0x123456789\n"
#define FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define SOURCE FOUR FOUR FOUR SIXTEEN SIXTEEN
#define NOBODY 0x7fffff00u

static struct flight flights[2];

static void become(unsigned process)
{
	fake.pid = NOBODY + process;
	fake.thread = 1 + process;
	fe.world.env.flight = &flights[process];
}

/* The other process compiles the source in home/done. */
static void other_is_done(unsigned call, const char *name)
{
	char room[400];
	const struct flight_site site = { .sys = &fake_sys,
		.flight = &flights[0],
		.root = fe.path,
		.root_len = fe.world.policy.root_len,
		.room = room,
		.room_size = sizeof room };

	(void)call;
	if (strcmp(name, "sleep") != 0)
		return;
	fake.meanwhile = NULL;
	assert_return_code(
		rename(fake_path("home/done"), fake_path(FAKE_VERSION)), errno);
	become(0);
	flight_done(&site);
	become(1);
}

static void nothing(void)
{
}

static void source_is_everybodys(void)
{
	assert_return_code(chmod(fake_path("src/m.py"), 0666), errno);
	assert_return_code(chmod(fake_path("other/m.py"), 0666), errno);
}

static void compiler(void)
{
	fe.world.policy.compiles = true;
}

static void readonly(void)
{
	fe.world.policy.readonly = true;
}

static void unshared(void)
{
	fe.world.policy.share = false;
}

static const struct row {
	const char *sentence;
	const char *dir, *name; /* the source that the other process compiles */
	void (*given)(void);
	enum verdict want; /* for src/m.py */
} rows[] = {
	{ "a process waits for the entry that another process compiles", "src", FAKE_NAME,
		nothing, VERDICT_HIT },
	{ "a process waits for a different path's compile of the same content", "other",
		FAKE_NAME, nothing, VERDICT_REUSED },
	{ "a process does not wait for a compile that will not become an object", "other",
		FAKE_NAME, source_is_everybodys, VERDICT_MISS_NO_ENTRY },
	{ "a process waits for a compile of the same path although there will be no object",
		"src", FAKE_NAME, source_is_everybodys, VERDICT_HIT },
	{ "a process waits for a compile of the same path although sharing is turned off",
		"src", FAKE_NAME, unshared, VERDICT_HIT },
	{ "a process does not wait for a different path if sharing is turned off",
		"other", FAKE_NAME, unshared, VERDICT_MISS_NO_ENTRY },
	{ "a process does not wait for bytecode of a loader's own name", "src",
		PYTEST_NAME, nothing, VERDICT_MISS_NO_ENTRY },
	{ "a compiler does not wait", "src", FAKE_NAME, compiler, VERDICT_MISS_NO_ENTRY },
	{ "a process does not wait in a read-only cache", "src", FAKE_NAME, readonly,
		VERDICT_MISS_NO_ENTRY },
};

/* The source was compiled in a cache that was then moved away. */
static void prepare(const struct row *row)
{
	struct entry_policy policy;

	fake_source("src/m.py", SOURCE);
	fake_make_file("other/m.py", SOURCE);
	row->given();
	policy = fe.world.policy;
	fe.world.policy.readonly = fe.world.policy.compiles = false;
	fake_entry_is(row->dir, row->name);
	fake_import_first();
	assert_return_code(
		rename(fake_path(FAKE_VERSION), fake_path("home/done")), errno);
	fe.world.policy = policy;
}

static void is_opened(void **state)
{
	const struct row *row = *state;
	int fd;

	prepare(row);
	memset(flights, 0, sizeof flights);
	clock_gettime(CLOCK_REALTIME, &fake.now);
	fake.now.tv_sec += fake.clock_offset;
	fake.stopped = true;
	become(0);
	assert_int_equal(fake_open_entry(O_RDONLY), -ENOENT);
	fake_entry_forget();
	fake_entry_is("src", FAKE_NAME);
	become(1);
	fake.meanwhile = other_is_done;
	fd = fake_open_entry(O_RDONLY);
	assert_int_equal(fe.verdict, row->want);
	assert_int_equal(fd >= 0, row->want != VERDICT_MISS_NO_ENTRY);
	assert_int_equal(flights[1].spent, 0);
	if (fd < 0)
		return;
	fake_check_code(fd, SOURCE, true);
	fake_sys.close(fd);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(is_opened, rows);
	return unit_run("entry: single flight");
}
