/* SPDX-License-Identifier: MIT */
#include "tools/python/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/brief.h"
#include "tools/base/files.h"

const char *elf_machine_name(int machine)
{
	switch (machine) {
	case EM_386:
		return "x86";
	case EM_X86_64:
		return "x86-64";
	case EM_ARM:
		return "ARM";
	case EM_AARCH64:
		return "AArch64";
	}
	return brief_format("machine %d", machine);
}

static void read_loader(int fd, const ElfW(Ehdr) * header, struct elf *elf)
{
	unsigned i;

	for (i = 0; i < header->e_phnum; i++) {
		const off_t at = (off_t)(header->e_phoff + i * sizeof(ElfW(Phdr)));
		ElfW(Phdr) segment;

		if (pread(fd, &segment, sizeof segment, at) != sizeof segment)
			return;
		if (segment.p_type != PT_INTERP)
			continue;
		if (pread(fd, elf->loader, sizeof elf->loader, (off_t)segment.p_offset) <=
				0 ||
			!memchr(elf->loader, '\0', sizeof elf->loader))
			*elf->loader = '\0';
		return;
	}
}

static int read_all(int fd, struct elf *elf)
{
	const int order = __BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
	ElfW(Ehdr) header;
	ssize_t length = pread(fd, &header, sizeof header, 0);

	if (length < (ssize_t)sizeof(Elf32_Ehdr) ||
		memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return length < 0 ? -errno : -ENOEXEC;
	elf->bits = header.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	elf->machine = header.e_machine; /* at the same offset in both classes */
	if (header.e_ident[EI_DATA] != order)
		elf->machine = (header.e_machine & 0xff) << 8 | header.e_machine >> 8;
	elf->native =
		header.e_ident[EI_DATA] == order && elf->bits == 8 * sizeof(ElfW(Addr));
	if (elf->native && length < (ssize_t)sizeof header)
		return -ENOEXEC;
	if (elf->native && header.e_phentsize == sizeof(ElfW(Phdr)))
		read_loader(fd, &header, elf);
	return 0;
}

int elf_read(const char *path, struct elf *ret_elf)
{
	AUTOCLOSE int fd = file_open(path);

	*ret_elf = (struct elf){ 0 };
	return fd < 0 ? fd : read_all(fd, ret_elf);
}
