/* SPDX-License-Identifier: MIT */
#include "shim/next.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

/* The tables of one loaded library, and where it is. */
struct tables {
	ElfW(Addr) base;
	const ElfW(Sym) * symbols;
	const char *strings;
	const ElfW(Half) * versions; /* or NULL */
	const uint32_t *gnu;	     /* DT_GNU_HASH, or NULL */
	const uint32_t *sysv; /* DT_HASH, or NULL; used only if there is no other */
};

#define IN_DATA __attribute__((section(".data")))

/* Far more than there are before libc in a program that links to a hundred libraries. If
 * there are still more, those last before libc are skipped: preloads come first. */
#define LIBRARIES_MAX 40

/* In the page of initialised data, which the loader has written to anyway: each further
 * page costs every program a page fault. */
static struct tables libraries[LIBRARIES_MAX] IN_DATA;
static _Atomic(size_t) libraries_count IN_DATA; /* 0 until they are noted */
static struct tables program IN_DATA; /* its executable; all zeros if it has no names */

struct noting {
	size_t seen, count;
	bool is_after; /* our own library has been passed */
};

#define HIDDEN_VERSION 0x8000

/* Our own dynamic section, as defined by the linker. */
extern const ElfW(Dyn) own_dynamic[] __asm__("_DYNAMIC")
	__attribute__((visibility("hidden")));

/* Returns the address that a dynamic section gives. ld.so may have made it absolute; it
 * is still relative to the library's base if the section is read-only, and in musl. */
static const void *pointed_to(const struct dl_phdr_info *library, ElfW(Addr) pointer)
{
	const ElfW(Phdr) *segment = library->dlpi_phdr;

	for (int i = 0; i < library->dlpi_phnum; i++, segment++)
		if (segment->p_type == PT_LOAD &&
			pointer - (library->dlpi_addr + segment->p_vaddr) <
				segment->p_memsz)
			return (const void *)pointer;
	return (const void *)(library->dlpi_addr + pointer);
}

/* Returns the library's dynamic section, or NULL. */
static const ElfW(Dyn) *
	read_tables(struct tables *ret, const struct dl_phdr_info *library)
{
	const ElfW(Dyn) *dynamic = NULL;

	*ret = (struct tables){ .base = library->dlpi_addr };
	for (int i = 0; i < library->dlpi_phnum; i++)
		if (library->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(library->dlpi_addr +
						 library->dlpi_phdr[i].p_vaddr);
	for (const ElfW(Dyn) *d = dynamic; d && d->d_tag != DT_NULL; d++)
		switch (d->d_tag) {
		case DT_SYMTAB:
			ret->symbols = pointed_to(library, d->d_un.d_ptr);
			break;
		case DT_STRTAB:
			ret->strings = pointed_to(library, d->d_un.d_ptr);
			break;
		case DT_VERSYM:
			ret->versions = pointed_to(library, d->d_un.d_ptr);
			break;
		case DT_GNU_HASH:
			ret->gnu = pointed_to(library, d->d_un.d_ptr);
			break;
		case DT_HASH:
			ret->sysv = pointed_to(library, d->d_un.d_ptr);
			break;
		default:
			break;
		}
	return dynamic;
}

/* Returns whether the symbol is the function of that name. If so, sets *ret_found to its
 * address, unless the symbol's version is an old one and another was found. */
static bool is_it(const struct tables *in, uint32_t i, const char *name, void **ret_found)
{
	const ElfW(Sym) *symbol = &in->symbols[i];
	const bool is_old = in->versions && in->versions[i] & HIDDEN_VERSION;
	const unsigned type = symbol->st_info & 15; /* the same for both word sizes */
	void *address = (void *)(in->base + symbol->st_value);

	if (symbol->st_shndx == SHN_UNDEF ||
		(type != STT_FUNC && type != STT_GNU_IFUNC) || (is_old && *ret_found) ||
		strcmp(in->strings + symbol->st_name, name) != 0)
		return false;
	if (type == STT_GNU_IFUNC)
		address = ((void *(*)(unsigned long))address)(getauxval(AT_HWCAP));
	*ret_found = address;
	return !is_old;
}

static void *find_by_gnu_hash(const struct tables *in, const char *name, uint32_t hash)
{
	const uint32_t *header = in->gnu;
	const uint32_t buckets = header[0], words = header[2];
	const ElfW(Addr) *filter = (const void *)(header + 4);
	const uint32_t *bucket = (const void *)(filter + words);
	const uint32_t *chain = bucket + buckets - header[1];
	const unsigned bits = 8 * sizeof *filter;
	const ElfW(Addr) word = filter[hash / bits & (words - 1)];
	void *found = NULL;

	if (!(word >> hash % bits & word >> (hash >> header[3]) % bits & 1))
		return NULL;
	for (uint32_t i = bucket[hash % buckets]; i; i = chain[i] & 1 ? 0 : i + 1)
		if ((chain[i] ^ hash) < 2 && is_it(in, i, name, &found))
			break;
	return found;
}

static void *find_by_sysv_hash(const struct tables *in, const char *name)
{
	const uint32_t buckets = in->sysv[0];
	uint32_t hash = 0;
	void *found = NULL;

	for (const char *p = name; *p; p++) {
		hash = (hash << 4) + (unsigned char)*p;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0xfffffff;
	}
	for (uint32_t i = in->sysv[2 + hash % buckets]; i; i = in->sysv[2 + buckets + i])
		if (is_it(in, i, name, &found))
			break;
	return found;
}

static void *find_in(const struct tables *in, const char *name)
{
	uint32_t hash = 5381;

	if (!in->gnu)
		return find_by_sysv_hash(in, name);
	for (const char *p = name; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	return find_by_gnu_hash(in, name, hash);
}

/* Notes a library, or the executable, which is the first of them; stops at libc, whatever
 * comes after it. */
static int note(struct dl_phdr_info *library, size_t size, void *context)
{
	struct noting *noting = context;
	struct tables tables;
	const ElfW(Dyn) *dynamic = read_tables(&tables, library);
	const bool has_names =
		tables.symbols && tables.strings && (tables.gnu || tables.sysv);
	bool is_libc;

	(void)size;
	if (noting->seen++ == 0 && has_names)
		program = tables;
	if (dynamic == own_dynamic) {
		noting->is_after = true;
		return 0;
	}
	if (!noting->is_after || !has_names)
		return 0;
	is_libc = find_in(&tables, "__libc_start_main") != NULL;
	if (noting->count < LIBRARIES_MAX - 1 || is_libc)
		libraries[noting->count++] = tables;
	return is_libc;
}

void next_begin(void)
{
	struct noting noting = { .count = 0 };

	if (atomic_load_explicit(&libraries_count, memory_order_relaxed))
		return;
	if (!dl_iterate_phdr(note, &noting)) {
		/* We were loaded by dlopen, after libc. */
		noting = (struct noting){ .is_after = true };
		(void)dl_iterate_phdr(note, &noting);
	}
	atomic_store_explicit(&libraries_count, noting.count, memory_order_release);
}

static void *find_anywhere(const char *name)
{
	const size_t count = atomic_load_explicit(&libraries_count, memory_order_acquire);
	void *found = NULL;

	for (size_t i = 0; i < count && !found; i++)
		found = find_in(&libraries[i], name);
	return found;
}

void *next_find(const char *name)
{
	char plain[32];
	const size_t length = strlen(name);
	void *found = find_anywhere(name);

	if (found || length < 3 || length > sizeof plain ||
		strcmp(name + length - 2, "64") != 0)
		return found;
	memcpy(plain, name, length - 2);
	plain[length - 2] = '\0';
	return find_anywhere(plain);
}

void *next_find_in_libc(const char *name)
{
	const size_t count = atomic_load_explicit(&libraries_count, memory_order_acquire);

	return count ? find_in(&libraries[count - 1], name) : NULL;
}

void *next_find_in_program(const char *name)
{
	void *found = NULL;

	if (atomic_load_explicit(&libraries_count, memory_order_acquire) &&
		program.symbols)
		found = find_in(&program, name);
	return found ? found : find_anywhere(name);
}
