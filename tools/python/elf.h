/* SPDX-License-Identifier: MIT
 *
 * Reads from the beginning of an ELF file which machine it is for and which ld.so loads
 * it. Nothing in the file is trusted; fields that make no sense are treated as absent.
 * Thread-safe.
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

/* Returns 0 or -errno; -ENOEXEC if it is not an ELF file, or one that ends within its
 * header. */
int elf_read(const char *path, struct elf *ret_elf);

/* Returns "x86-64" and the like, or "machine 77" (in a static buffer) for a machine
 * that has no name here. */
const char *elf_machine_name(int machine);
