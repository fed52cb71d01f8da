/* SPDX-License-Identifier: MIT */
#include "shim/count.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shim/core/base/text.h"
#include "shim/place.h"
#include "shim/process.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

_Atomic(struct counters *) count_page;
static atomic_bool has_no_page; /* an old kernel: it was asked once */

static struct counters *make_page(void)
{
	struct counters *tally, *other = NULL;

	if (!process_config.stats || process_config.readonly || !process_config.enabled ||
		atomic_load_explicit(&has_no_page, memory_order_relaxed))
		return NULL;
	tally = sys_real.map(sizeof *tally);
	if (!tally || madvise(tally, sizeof *tally, MADV_WIPEONFORK) < 0) {
		atomic_store_explicit(&has_no_page, true, memory_order_relaxed);
		if (tally)
			sys_real.unmap(tally, sizeof *tally);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&count_page, &other, tally))
		return tally;
	sys_real.unmap(tally, sizeof *tally);
	return other;
}

struct counters *count_tally(void)
{
	struct counters *tally = atomic_load_explicit(&count_page, memory_order_acquire);
	int saved = errno;

	if (tally && counters_has_begun(tally))
		return tally;
	if (!tally)
		tally = make_page();
	if (tally)
		counters_begin(tally, &sys_real, getpid());
	errno = saved;
	return tally;
}

/* A journal that would grow beyond the program's limit would bring it a signal. */
static bool is_limited(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) < 0 ||
	       (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < 4 * JOURNAL_MOST);
}

static void name_version(struct journal_record *record)
{
	struct text text = TEXT(record->version);
	const char *tag = process_tag();

	if (tag) {
		text_adds(&text, tag);
		text_adds(&text, process_config.variant);
	}
}

static void write_record(struct journal_record *record)
{
	struct place *places =
		process_take_places(); /* for paths: a stack may be small */
	char *path = (char *)places;
	const struct config *config = &process_config;

	if (places && process_store(path) == ROOT_READY) {
		memcpy(path, config->root, config->root_len);
		name_version(record);
		journal_finish(record);
		(void)journal_append(
			&sys_real, path, config->root_len, 2 * sizeof *places, record);
	}
	process_give_places(places);
}

static void flush(struct counters *tally)
{
	struct journal_record record;

	if (counters_take(tally, &sys_real, &record) && !is_limited())
		write_record(&record);
}

void count_flush(void)
{
	struct counters *tally = atomic_load_explicit(&count_page, memory_order_acquire);
	int saved = errno;

	/* In a vfork child the owner is the parent, or it has not begun. */
	if (tally && counters_has_begun(tally) &&
		atomic_load_explicit(&tally->owner, memory_order_relaxed) == getpid())
		flush(tally);
	errno = saved;
}

/* A vfork child never comes here, whoever began to count. */
__attribute__((destructor)) static void fini(void)
{
	struct counters *tally = atomic_load_explicit(&count_page, memory_order_acquire);

	if (tally && counters_has_begun(tally))
		flush(tally);
}
