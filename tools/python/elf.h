/* SPDX-License-Identifier: MIT
 *
 * What the beginning of an ELF file says: for which machine it is, and which ld.so loads
 * it. Nothing in the file is trusted; what does not fit reads as absent. Thread-safe.
 */
#pragma once

#include <elf.h>
#include <stdbool.h>

struct elf {
	int bits;    /* 32 or 64 */
	int machine; /* EM_X86_64 and so on */
	bool native; /* of this machine's class and byte order; else no loader is known */
	char loader[96]; /* PT_INTERP; "": linked statically, or not native */
};

/* 0 or -errno; -ENOEXEC: no ELF file, or one that ends within its header. */
int elf_read(const char *path, struct elf *ret_elf);

/* "x86-64" and the like; "machine 77" where we have no name for it (in a static
 * buffer). */
const char *elf_machine_name(int machine);
