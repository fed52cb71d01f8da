/* SPDX-License-Identifier: MIT */
#include "shim/core/stats/counters.h"

#define BLOCK 4096

static int64_t now(const struct sys *sys)
{
	struct timespec time;

	sys->clock(&time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void counters_begin(struct counters *counters, const struct sys *sys, pid_t owner)
{
	pid_t none = 0;

	if (counters_has_begun(counters))
		return;
	atomic_store_explicit(&counters->begin, now(sys), memory_order_relaxed);
	atomic_compare_exchange_strong_explicit(&counters->owner, &none, owner,
		memory_order_release, memory_order_relaxed);
}

static bool is_power_of_two(uint32_t n)
{
	return n && (n & (n - 1)) == 0;
}

static bool is_due_by_tree(uint32_t n)
{
	return n == 1 || (n >= 16 && is_power_of_two(n) && (n & 0x55555555));
}

static bool is_due_by_cache(uint32_t n)
{
	return n == 1 || (n % 3 == 0 && is_power_of_two(n / 3));
}

bool counters_count(struct counters *counters, enum verdict verdict)
{
	const enum verdict_group group = verdict_rows[verdict].group;

	if (!counters)
		return false;
	atomic_fetch_add_explicit(&counters->counts[verdict], 1, memory_order_relaxed);
	/* A program's calls on the cache itself, such as deleting it, must not create a
	 * journal there again. */
	if (group >= VERDICT_GROUP_NOT_CACHED)
		return false;
	if (group == VERDICT_GROUP_TREE)
		return is_due_by_tree(1 + atomic_fetch_add_explicit(&counters->by_tree, 1,
						  memory_order_relaxed));
	return is_due_by_cache(1 + atomic_fetch_add_explicit(
					   &counters->by_cache, 1, memory_order_relaxed));
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
	struct counters *counters, const struct stat *old, off_t size, int64_t disk)
{
	add(&counters->bytes, size - (old ? old->st_size : 0));
	add(&counters->disk, disk);
	if (old) /* a file with other names frees no space */
		add(old->st_nlink > 1 ? &counters->shared : &counters->disk,
			-on_disk(old->st_size));
}

void counters_entry(
	struct counters *counters, const struct stat *old, off_t size, bool linked)
{
	if (!counters)
		return;
	add(&counters->entries, !old);
	add_sizes(counters, old, size, linked ? 0 : on_disk(size));
	add(&counters->shared, linked ? on_disk(size) : 0);
}

void counters_object(struct counters *counters, const struct stat *old, off_t size)
{
	if (!counters)
		return;
	add(&counters->objects, !old);
	add_sizes(counters, old, size, on_disk(size));
}

void counters_gone(struct counters *counters, const struct stat *old)
{
	if (!counters)
		return;
	add(&counters->entries, -1);
	add_sizes(counters, old, 0, 0);
}

static int64_t take(_Atomic int64_t *sum)
{
	return atomic_exchange_explicit(sum, 0, memory_order_relaxed);
}

bool counters_take(struct counters *counters, const struct sys *sys, bool goes_on,
	struct journal_record *ret)
{
	const int64_t end = now(sys);
	pid_t owner = goes_on ? atomic_load(&counters->owner)
			      : atomic_exchange(&counters->owner, 0);
	uint32_t any = 0;

	*ret = (struct journal_record){
		.kind = JOURNAL_PROCESS,
		.pid = (uint32_t)owner,
		.begin = atomic_exchange_explicit(
			&counters->begin, goes_on ? end : 0, memory_order_relaxed),
		.end = end,
		.extent = {
			.entries = take(&counters->entries),
			.objects = take(&counters->objects),
			.bytes = take(&counters->bytes),
			.disk = take(&counters->disk),
			.shared = take(&counters->shared),
		},
	};
	for (int i = 0; i < VERDICT_ROOM; i++) {
		ret->counts[i] = atomic_exchange_explicit(
			&counters->counts[i], 0, memory_order_relaxed);
		any |= ret->counts[i];
	}
	if (!any && !ret->extent.entries && !ret->extent.objects && !ret->extent.bytes)
		return false;
	ret->processes = atomic_exchange(&counters->told, owner) != owner;
	/* A concurrent call may have taken the beginning. */
	if (!ret->begin)
		ret->begin = end;
	return true;
}
