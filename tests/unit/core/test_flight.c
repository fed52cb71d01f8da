/* SPDX-License-Identifier: MIT
 *
 * Single flight: who compiles, who waits and for how long. Faulty claims, and faults of
 * those who claim, cost no more than that wait.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/magic.h>

#include "shim/core/flight/flight.h"
#include "tests/unit/fake/fake_sys.h"

#define KEY UINT64_C(0x1122334455667788)
#define OTHER_KEY (KEY + (UINT64_C(1) << 40)) /* of the same set */
#define SIZE 10000			      /* of a source; 2.2 ms */
#define MS INT64_C(1000000)
#define NOBODY 0x7fffff00u /* is no process */
#define CLAIMS "cache/v1/.state/claims"

static struct flight flights[8]; /* used by the processes NOBODY and up */
static char room[4096];

static struct flight_site site(unsigned process)
{
	fake.pid = NOBODY + process;
	fake.thread = 1 + process;
	return (struct flight_site){ .sys = &fake_sys,
		.flight = &flights[process],
		.root = fake_path("cache"),
		.root_len = strlen(fake_path("cache")),
		.room = room,
		.room_size = sizeof room };
}

static int64_t join_for(unsigned process, uint64_t key)
{
	struct flight_site at = site(process);

	return flight_join(&at, key, SIZE);
}

static int64_t join(unsigned process)
{
	return join_for(process, KEY);
}

static void done(unsigned process)
{
	struct flight_site at = site(process);

	flight_done(&at);
}

static void found(unsigned process, int64_t waited)
{
	flight_found(&flights[process], waited, SIZE);
}

static int begin(void **state)
{
	if (fake_begin(state) < 0)
		return -1;
	memset(flights, 0, sizeof flights);
	fake.stopped = true;
	fake.now.tv_sec = 1700000000;
	fake_make_directory("cache", 0700);
	fake_make_directory("cache/v1", 0700);
	return 0;
}

/* --- what happens while a process waits ---------------------------------------------*/
static unsigned naps;

static void first_is_done_at_the_third_nap(unsigned call, const char *name)
{
	uint32_t pid = fake.pid;
	uintptr_t thread = fake.thread;

	(void)call;
	if (strcmp(name, "sleep") != 0 || ++naps != 3)
		return;
	fake.meanwhile = NULL;
	done(0);
	fake.pid = pid;
	fake.thread = thread;
}

static void another_claims(unsigned call, const char *name)
{
	uint32_t pid = fake.pid;
	uintptr_t thread = fake.thread;

	(void)call;
	if (strcmp(name, "pwrite") != 0)
		return;
	fake.meanwhile = NULL;
	assert_int_equal(join(0), 0);
	fake.pid = pid;
	fake.thread = thread;
}

/* ------------------------------------------------------------------------------------*/
static void one_compiles_and_another_waits(void **state)
{
	int64_t waited;

	(void)state;
	assert_int_equal(join(0), 0);
	naps = 0;
	fake.meanwhile = first_is_done_at_the_third_nap;
	waited = join(1);
	assert_in_range(waited, MS, 5 * MS);
	found(1, waited);
	assert_int_equal(flights[1].spent, 0);
}

static void nobody_waits_for_what_is_done(void **state)
{
	(void)state;
	assert_int_equal(join(0), 0);
	done(0);
	assert_int_equal(join(1), 0);
}

static void another_source_is_nobodys_business(void **state)
{
	(void)state;
	assert_int_equal(join(0), 0);
	assert_int_equal(join_for(1, OTHER_KEY), 0);
	assert_int_equal(join_for(2, KEY + 1), 0);
}

static void a_dead_process_is_waited_for_once(void **state)
{
	(void)state;
	assert_int_equal(join(0), 0);
	assert_in_range(join(1), 20 * MS, 60 * MS);
	fake.now.tv_sec++;
	flights[0].thread = 0;
	assert_int_equal(join(0), 0);
	assert_int_equal(join(1), 0);
}

static void a_busy_process_is_waited_for_longer(void **state)
{
	struct flight_site at = site(0);

	(void)state;
	fake.pid = (uint32_t)getpid(); /* which runs */
	assert_int_equal(flight_join(&at, KEY, SIZE), 0);
	assert_in_range(join(1), FLIGHT_MOST - 10 * MS, FLIGHT_MOST + 5 * MS);
}

static void waiting_in_vain_has_an_end(void **state)
{
	int64_t sum = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		struct flight_site at = site(0);

		flights[0] = (struct flight){ .thread = 0 };
		fake.pid = NOBODY - 1 - i;
		assert_int_equal(flight_join(&at, KEY, SIZE), 0);
		sum += join(1);
		fake.now.tv_sec++;
	}
	assert_in_range(sum, 900 * MS, 1100 * MS);
}

static void a_process_does_not_wait_for_itself(void **state)
{
	struct flight_site at = site(0);

	(void)state;
	assert_int_equal(flight_join(&at, KEY, SIZE), 0);
	fake.thread = 77;
	assert_int_equal(flight_join(&at, KEY, SIZE), 0);
}

static void who_writes_nothing_claims_once(void **state)
{
	(void)state;
	assert_int_equal(join(0), 0);
	assert_int_equal(join_for(0, OTHER_KEY), 0);
	assert_int_equal(join(1), 0); /* released */
	assert_int_equal(join_for(2, OTHER_KEY), 0);
	done(2);
	done(1);
	assert_int_equal(join_for(0, OTHER_KEY), 0);
	assert_int_equal(join_for(1, OTHER_KEY), 0);
	done(1);
	done(0); /* it writes after all */
	assert_int_equal(join(0), 0);
	assert_true(join(1) > 0);
}

static void a_thread_that_ends_does_not_keep_others_from_claiming_for_ever(void **state)
{
	struct flight_site at = site(0);

	(void)state;
	assert_int_equal(flight_join(&at, KEY, SIZE), 0);
	fake.now.tv_sec++;
	fake.thread = 77;
	done(0);
	fake.thread = 77;
	assert_int_equal(flight_join(&at, KEY, SIZE), 0);
	flight_done(&at);
	assert_int_equal(flight_join(&at, KEY, SIZE), 0);
	assert_int_equal(flights[0].thread, 77);
}

static void who_is_overtaken_waits(void **state)
{
	(void)state;
	fake.meanwhile = another_claims;
	assert_int_equal(join(1), 0); /* it has overwritten the other process's claim */
	assert_true(join(2) > 0);
	assert_int_equal(flights[1].thread, 2);
}

static void a_clock_that_is_set_back_does_not_prolong_it(void **state)
{
	(void)state;
	assert_int_equal(join(0), 0);
	fake.now.tv_sec -= 3600;
	assert_int_equal(join(1), 0);
	fake.now.tv_sec += 7200;
	assert_int_equal(join(2), 0);
}

static void claims_that_are_damaged_are_none(void **state)
{
	uint8_t bytes[5000];
	uint64_t seed = 7;

	(void)state;
	fake_make_directory("cache/v1/.state", 0700);
	for (int i = 0; i < 200; i++) {
		for (size_t j = 0; j < sizeof bytes; j++)
			bytes[j] = i ? (uint8_t)unit_random(&seed, 256) : 0xff;
		fake_make_bytes(CLAIMS, bytes, unit_random(&seed, sizeof bytes));
		memset(flights, 0, sizeof flights);
		assert_int_equal(join(0), 0);
	}
}

/* --- what there is instead of the file -----------------------------------------------*/
static void a_pipe(void)
{
	assert_return_code(mkfifo(fake_path(CLAIMS), 0600), errno);
}

static void a_directory(void)
{
	fake_make_directory(CLAIMS, 0700);
}

static void a_link(void)
{
	fake_make_file("elsewhere", "");
	fake_make_link(CLAIMS, fake_path("elsewhere"));
}

static void another_machines(void)
{
	fake.fs_type = NFS_SUPER_MAGIC;
}

static const struct without {
	const char *sentence;
	void (*make)(void);
} withouts[] = {
	{ "a pipe in the place of the claims is left alone", a_pipe },
	{ "a directory in the place of the claims is left alone", a_directory },
	{ "a link in the place of the claims is left alone", a_link },
	{ "there are no claims on a network file system", another_machines },
};

static void nobody_waits(void **state)
{
	const struct without *row = *state;
	char data[16];

	fake_make_directory("cache/v1/.state", 0700);
	row->make();
	assert_int_equal(join(0), 0);
	assert_int_equal(join(1), 0);
	assert_int_equal(flights[0].thread, 0);
	if (row->make == a_link)
		assert_int_equal(fake_read("elsewhere", data, sizeof data), 0);
}

static void small_sources_are_not_claimed(void **state)
{
	struct flight_site at = site(0);

	(void)state;
	assert_int_equal(flight_join(&at, KEY, FLIGHT_LEAST_SIZE - 1), 0);
	assert_int_equal(flights[0].thread, 0);
}

static void no_cache_is_made(void **state)
{
	(void)state;
	assert_return_code(rmdir(fake_path("cache/v1")), errno);
	assert_int_equal(join(0), 0);
	assert_int_equal(fake_mode("cache/v1"), 0);
}

static void whatever_fails(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 30; n++) {
		fake_clear();
		fake_make_directory("cache", 0700);
		fake_make_directory("cache/v1", 0700);
		memset(flights, 0, sizeof flights);
		fake_count_from_here();
		fake.fail_at = n;
		fake.fail_with = EIO;
		assert_int_equal(join(0), 0);
		assert_in_range(join(1), 0, FLIGHT_MOST);
		done(0);
		done(1);
		assert_int_equal(flights[0].thread, 0);
	}
}

int main(void)
{
	unit_around(begin, fake_end);
	unit_one(
		"a process waits while another compiles", one_compiles_and_another_waits);
	unit_one("nobody waits for a claim that was released",
		nobody_waits_for_what_is_done);
	unit_one("nobody waits for a claim for a different source",
		another_source_is_nobodys_business);
	unit_one("a dead process is waited for once, and not long",
		a_dead_process_is_waited_for_once);
	unit_one("a process that is at work is waited for up to the limit",
		a_busy_process_is_waited_for_longer);
	unit_one("a process waits in vain for a second in all",
		waiting_in_vain_has_an_end);
	unit_one("a process does not wait for its own threads",
		a_process_does_not_wait_for_itself);
	unit_one(
		"a process whose claim led to nothing claims again once it has written bytecode",
		who_writes_nothing_claims_once);
	unit_one(
		"a thread that ends while it compiles does not keep others from claiming",
		a_thread_that_ends_does_not_keep_others_from_claiming_for_ever);
	unit_one(
		"if two processes claim at the same time, the one whose claim remains compiles",
		who_is_overtaken_waits);
	unit_one("a claim that has expired does not count",
		a_clock_that_is_set_back_does_not_prolong_it);
	unit_one("damaged claims do not count", claims_that_are_damaged_are_none);
	unit_rows(nobody_waits, withouts);
	unit_one("a source that is compiled faster than claimed is not claimed",
		small_sources_are_not_claimed);
	unit_one("no cache is created for a claim", no_cache_is_made);
	unit_one("a process compiles whichever call fails", whatever_fails);
	return unit_run("flight");
}
