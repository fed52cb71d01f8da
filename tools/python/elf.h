/* SPDX-License-Identifier: MIT
 *
 * What doctor asks of an ELF file: for which machine it is, how it is loaded, and which
 * dynamic symbols it takes and gives. Nothing in the file is trusted: every offset is
 * checked against the file's size, and damage reads as absence.
 *
 * A struct elf owns a mapping of the file; strings point into it and live until
 * elf_close. Beyond class and machine only files of this computer's own class and byte
 * order are understood, since no others can be served by this library.
 */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

struct elf {
	const unsigned char *data;
	size_t size;
	int bits;	    /* 32 or 64 */
	int machine;	    /* EM_X86_64 and so on */
	bool native;	    /* understood beyond these two; else all that follows is 0 */
	const char *loader; /* PT_INTERP; NULL: linked statically */
	Elf64_Phdr *segments;
	size_t segment_count;
	Elf64_Dyn *dynamic; /* up to and without DT_NULL; NULL: no dynamic section */
	size_t dynamic_count;
};

/* 0 or -errno; -ENOEXEC: no ELF file, or one cut off within its header. */
int elf_open(const char *path, struct elf *ret_elf);
void elf_close(struct elf *elf);

/* "x86-64" and the like; "machine 77" where we have no name for it (in a static
 * buffer). */
const char *elf_machine_name(int machine);

/* The i-th DT_NEEDED; NULL: there are no more. */
const char *elf_needed(const struct elf *elf, size_t i);

/* Calls `each` for every dynamic symbol that has a name. */
typedef void elf_symbol_fn(void *context, const char *name, bool defined);
void elf_each_symbol(const struct elf *elf, elf_symbol_fn *each, void *context);
