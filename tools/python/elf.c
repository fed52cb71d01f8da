/* SPDX-License-Identifier: MIT
 *
 * A bounds-checked reader of ELF files. Structures are copied out before they are
 * looked at, since in a damaged file they may lie at odd addresses.
 */
#include "tools/python/elf.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define NATIVE_DATA ELFDATA2LSB
#else
#define NATIVE_DATA ELFDATA2MSB
#endif

static const struct {
	int machine;
	const char *name;
} machine_names[] = {
	{ EM_386, "x86" },
	{ EM_X86_64, "x86-64" },
	{ EM_ARM, "ARM" },
	{ EM_AARCH64, "AArch64" },
	{ EM_PPC64, "PowerPC 64" },
	{ EM_S390, "S/390" },
	{ EM_RISCV, "RISC-V" },
	{ 258, "LoongArch" },
};

const char *elf_machine_name(int machine)
{
	static char number[sizeof "machine " + 3 * sizeof(int)];
	size_t i;

	for (i = 0; i < sizeof machine_names / sizeof *machine_names; i++)
		if (machine_names[i].machine == machine)
			return machine_names[i].name;
	snprintf(number, sizeof number, "machine %d", machine);
	return number;
}

/* The file's bytes [offset, offset + length), or NULL where it does not have them. */
static const void *bytes_at(const struct elf *elf, uint64_t offset, uint64_t length)
{
	if (offset > elf->size || length > elf->size - offset)
		return NULL;
	return elf->data + offset;
}

/* Copies `count` structures out; NULL: they are not all there, or out of memory. */
static void *copy_at(const struct elf *elf, uint64_t offset, uint64_t count, size_t size)
{
	const void *bytes;
	void *copy;

	if (count == 0 || count > elf->size / size)
		return NULL;
	bytes = bytes_at(elf, offset, count * size);
	copy = bytes ? malloc((size_t)count * size) : NULL;
	return copy ? memcpy(copy, bytes, (size_t)count * size) : NULL;
}

/* The string that starts at offset; NULL where the file ends before it does. */
static const char *string_at(const struct elf *elf, uint64_t offset)
{
	if (offset >= elf->size ||
		!memchr(elf->data + offset, '\0', elf->size - (size_t)offset))
		return NULL;
	return (const char *)elf->data + offset;
}

/* Where the byte at a virtual address lies in the file. The end of the file, where
 * nothing is, for an address that is not loaded from it. */
static uint64_t offset_of(const struct elf *elf, uint64_t address)
{
	size_t i;

	for (i = 0; i < elf->segment_count; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
			address - segment->p_vaddr < segment->p_filesz)
			return address - segment->p_vaddr + segment->p_offset;
	}
	return elf->size;
}

static void read_dynamic(struct elf *elf, const Elf64_Phdr *segment)
{
	const uint64_t count = segment->p_filesz / sizeof *elf->dynamic;

	elf->dynamic = copy_at(elf, segment->p_offset, count, sizeof *elf->dynamic);
	if (!elf->dynamic)
		return;
	while (elf->dynamic_count < count &&
		elf->dynamic[elf->dynamic_count].d_tag != DT_NULL)
		elf->dynamic_count++;
}

static void read_segments(struct elf *elf, const Elf64_Ehdr *header)
{
	size_t i;

	if (header->e_phentsize != sizeof *elf->segments)
		return;
	elf->segments =
		copy_at(elf, header->e_phoff, header->e_phnum, sizeof *elf->segments);
	if (!elf->segments)
		return;
	elf->segment_count = header->e_phnum;
	for (i = 0; i < elf->segment_count; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];

		if (segment->p_type == PT_INTERP)
			elf->loader = string_at(elf, segment->p_offset);
		else if (segment->p_type == PT_DYNAMIC && !elf->dynamic)
			read_dynamic(elf, segment);
	}
}

static int read_header(struct elf *elf)
{
	Elf64_Ehdr header;
	const unsigned char *ident = elf->data;

	if (elf->size < sizeof(Elf32_Ehdr) || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	elf->bits = ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	/* e_machine is at the same place in both classes */
	memcpy(&header, ident, sizeof(Elf32_Ehdr));
	elf->machine = header.e_machine;
	if (ident[EI_DATA] != NATIVE_DATA)
		elf->machine = (uint16_t)(header.e_machine << 8 | header.e_machine >> 8);
	if (ident[EI_DATA] != NATIVE_DATA || elf->bits != 64)
		return 0;
	if (elf->size < sizeof header)
		return -ENOEXEC;
	memcpy(&header, ident, sizeof header);
	elf->native = true;
	read_segments(elf, &header);
	return 0;
}

static int map_file(const char *path, struct elf *elf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *data;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		r = -errno;
	} else if (!S_ISREG(st.st_mode) || st.st_size <= 0) {
		r = -ENOEXEC;
	} else {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED)
			r = -errno;
		else
			*elf = (struct elf){ .data = data, .size = (size_t)st.st_size };
	}
	close(fd);
	return r;
}

int elf_open(const char *path, struct elf *ret_elf)
{
	struct elf elf = { 0 };
	int r = map_file(path, &elf);

	if (r < 0)
		return r;
	r = read_header(&elf);
	if (r < 0)
		elf_close(&elf);
	else
		*ret_elf = elf;
	return r;
}

void elf_close(struct elf *elf)
{
	free(elf->segments);
	free(elf->dynamic);
	if (elf->data)
		munmap((void *)elf->data, elf->size);
	*elf = (struct elf){ 0 };
}

/* The file offset that the entry `tag` points to; the file's end: there is none. */
static uint64_t dynamic_offset(const struct elf *elf, Elf64_Sxword tag)
{
	size_t i;

	for (i = 0; i < elf->dynamic_count; i++)
		if (elf->dynamic[i].d_tag == tag)
			return offset_of(elf, elf->dynamic[i].d_un.d_ptr);
	return elf->size;
}

/* A string of the dynamic string table. */
static const char *dynamic_string(const struct elf *elf, uint64_t index)
{
	const uint64_t table = dynamic_offset(elf, DT_STRTAB);

	return index < elf->size - table ? string_at(elf, table + index) : NULL;
}

const char *elf_needed(const struct elf *elf, size_t i)
{
	size_t at;

	for (at = 0; at < elf->dynamic_count; at++)
		if (elf->dynamic[at].d_tag == DT_NEEDED && i-- == 0)
			return dynamic_string(elf, elf->dynamic[at].d_un.d_val);
	return NULL;
}

/* The number of dynamic symbols is nowhere said outright. The section table has it, but
 * may be stripped off. */
static uint64_t count_in_sections(const struct elf *elf)
{
	Elf64_Ehdr header;
	Elf64_Shdr *sections;
	uint64_t count = 0;
	unsigned i;

	memcpy(&header, elf->data, sizeof header);
	if (header.e_shentsize != sizeof *sections)
		return 0;
	sections = copy_at(elf, header.e_shoff, header.e_shnum, sizeof *sections);
	for (i = 0; sections && i < header.e_shnum; i++)
		if (sections[i].sh_type == SHT_DYNSYM)
			count = sections[i].sh_size / sizeof(Elf64_Sym);
	free(sections);
	return count;
}

/* Else the old hash table counts its chains, one a symbol. The new one covers defined
 * symbols only, but says how many come before them, and the undefined ones all do. */
static uint64_t count_in_hashes(const struct elf *elf)
{
	const uint32_t *words = copy_at(elf, dynamic_offset(elf, DT_HASH), 2, 4);
	uint64_t count;

	if (!words)
		words = copy_at(elf, dynamic_offset(elf, DT_GNU_HASH), 2, 4);
	count = words ? words[1] : 0;
	free((void *)words);
	return count;
}

void elf_each_symbol(const struct elf *elf, elf_symbol_fn *each, void *context)
{
	const uint64_t table = dynamic_offset(elf, DT_SYMTAB);
	uint64_t count = elf->native ? count_in_sections(elf) : 0, i;

	if (elf->native && count == 0)
		count = count_in_hashes(elf);
	for (i = 0; i < count; i++) {
		const void *bytes =
			bytes_at(elf, table + i * sizeof(Elf64_Sym), sizeof(Elf64_Sym));
		const char *name;
		Elf64_Sym symbol;

		if (!bytes)
			return;
		memcpy(&symbol, bytes, sizeof symbol);
		name = dynamic_string(elf, symbol.st_name);
		if (name && *name)
			each(context, name, symbol.st_shndx != SHN_UNDEF);
	}
}
