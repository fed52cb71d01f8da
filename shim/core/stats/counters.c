/* SPDX-License-Identifier: MIT */
#include "shim/core/stats/counters.h"

#define BLOCK 4096

static int64_t now(const struct sys *sys)
{
	struct timespec time;

	sys->clock(&time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void counters_begin(struct counters *tally, const struct sys *sys, pid_t owner)
{
	pid_t none = 0;

	if (counters_has_begun(tally))
		return;
	atomic_store_explicit(&tally->begin, now(sys), memory_order_relaxed);
	atomic_compare_exchange_strong_explicit(
		&tally->owner, &none, owner, memory_order_release, memory_order_relaxed);
}

void counters_count(struct counters *tally, enum verdict verdict)
{
	if (tally)
		atomic_fetch_add_explicit(
			&tally->counts[verdict], 1, memory_order_relaxed);
}

static int64_t on_disk(off_t size)
{
	return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static void add(_Atomic int64_t *sum, int64_t change)
{
	if (change)
		atomic_fetch_add_explicit(sum, change, memory_order_relaxed);
}

static void add_sizes(
	struct counters *tally, const struct stat *old, off_t size, int64_t disk)
{
	add(&tally->bytes, size - (old ? old->st_size : 0));
	add(&tally->disk, disk);
	if (old) /* of a file with other names nothing becomes free */
		add(old->st_nlink > 1 ? &tally->shared : &tally->disk,
			-on_disk(old->st_size));
}

void counters_entry(
	struct counters *tally, const struct stat *old, off_t size, bool linked)
{
	if (!tally)
		return;
	add(&tally->entries, !old);
	add_sizes(tally, old, size, linked ? 0 : on_disk(size));
	add(&tally->shared, linked ? on_disk(size) : 0);
}

void counters_object(struct counters *tally, const struct stat *old, off_t size)
{
	if (!tally)
		return;
	add(&tally->objects, !old);
	add_sizes(tally, old, size, on_disk(size));
}

void counters_gone(struct counters *tally, const struct stat *old)
{
	if (!tally)
		return;
	add(&tally->entries, -1);
	add_sizes(tally, old, 0, 0);
}

static int64_t take(_Atomic int64_t *sum)
{
	return atomic_exchange_explicit(sum, 0, memory_order_relaxed);
}

bool counters_take(
	struct counters *tally, const struct sys *sys, struct journal_record *ret)
{
	uint32_t any = 0;

	*ret = (struct journal_record){
		.kind = JOURNAL_PROCESS,
		.pid = (uint32_t)atomic_exchange_explicit(
			&tally->owner, 0, memory_order_acquire),
		.processes = 1,
		.begin = take(&tally->begin),
		.extent = {
			.entries = take(&tally->entries),
			.objects = take(&tally->objects),
			.bytes = take(&tally->bytes),
			.disk = take(&tally->disk),
			.shared = take(&tally->shared),
		},
	};
	for (int i = 0; i < VERDICT_ROOM; i++) {
		ret->counts[i] = atomic_exchange_explicit(
			&tally->counts[i], 0, memory_order_relaxed);
		any |= ret->counts[i];
	}
	if (!any && !ret->extent.entries && !ret->extent.objects && !ret->extent.bytes)
		return false;
	ret->end = now(sys);
	/* Who else takes at this moment may have taken the beginning. */
	if (!ret->begin)
		ret->begin = ret->end;
	return true;
}
