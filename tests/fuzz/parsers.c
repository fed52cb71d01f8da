/* SPDX-License-Identifier: MIT
 *
 * Feeds bytes to everything that reads what others may have written. With clang's
 * libFuzzer (`make fuzz-parsers`) the fuzzer generates the bytes, for the parser
 * $PARSER. Without it,
 *
 *   parsers NAME <CORPUS         feeds the rows of that parser, and prints how many
 *   parsers NAME DIR <CORPUS     writes them to files there, as libFuzzer's first inputs
 *
 * A row of the corpus is "NAME TEXT", in which \xHH stands for a byte. A parser must
 * not crash, hang, read outside of its input, or contradict itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/proof/seal.h"
#include "shim/core/python/coding.h"
#include "shim/core/python/header.h"
#include "shim/core/python/pyc.h"
#include "shim/core/stats/journal.h"
#include "tools/archive/archive.h"
#include "tools/conf/conf_file.h"
#include "tools/python/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(claim)              \
	do {                     \
		if (!(claim))    \
			abort(); \
	} while (0)

/* The bytes up to the first NUL as text, in memory that ends where the text ends. */
static char *text_of(const uint8_t *data, size_t size)
{
	return size ? strndup((const char *)data, size) : strdup("");
}

static void parse_path(const uint8_t *data, size_t size)
{
	char *path = text_of(data, size);
	size_t len = strlen(path), end, rest, from = 0;
	struct path_parts parts = path_split(path);

	MUST(parts.dir_len <= len && parts.cache_end <= len);
	if (parts.tail == PATH_NAME)
		MUST(parts.name >= path && parts.name + parts.name_len <= path + len &&
			parts.name_len > 0 && !memchr(parts.name, '/', parts.name_len));
	while (path_next_up(path, from, &end, &rest)) {
		MUST(end > from && rest > end && rest <= len);
		from = end;
	}
	(void)path_is_clean(path, len);
	(void)pyc_may_be_source(path);
	free(path);
}

static void parse_pyc(const uint8_t *data, size_t size)
{
	char *name = text_of(data, size), source[64];
	size_t len = strlen(name);
	struct pyc_name pyc = pyc_parse(name, len);

	MUST(strlen(pyc.tag) < sizeof pyc.tag && pyc.module_len <= len);
	if (pyc.module_len)
		MUST(pyc_source(&pyc, name, source, sizeof source) < sizeof source);
	(void)pyc_names_no_source(&pyc);
	(void)pyc_is_compiler(&pyc, name);
	free(name);
}

static void parse_header(const uint8_t *data, size_t size)
{
	static const char *const tags[] = { "cpython-311", "cpython-36", "pypy39", "" };
	struct stat st = { .st_mtime = 1, .st_size = 2 };
	uint8_t copy[HEADER_MAX + 1];

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		struct header header = header_read(tags[i], data, size);

		MUST(header_length(tags[i]) <= HEADER_MAX);
		if (header.kind != HEADER_TIMESTAMP || size < sizeof copy)
			continue;
		memcpy(copy, data, sizeof copy);
		header_patch(tags[i], copy, &st);
		header = header_read(tags[i], copy, sizeof copy);
		MUST(header_fits(&header, &st));
	}
}

static void parse_seal(const uint8_t *data, size_t size)
{
	uint8_t again[SEAL_SIZE];
	struct seal seal;
	uint64_t file_size;

	if (size < sizeof file_size)
		return;
	memcpy(&file_size, data, sizeof file_size);
	data += sizeof file_size;
	size -= sizeof file_size;
	if (file_size < size || size > SEAL_TAIL + SEAL_SIZE)
		return;
	if (size >= SEAL_SIZE && seal_read(data, size, file_size, &seal)) {
		seal_write(&seal, again);
		MUST(memcmp(again, data + size - SEAL_SIZE, SEAL_SIZE) == 0);
		MUST(seal.pyc_size + SEAL_SIZE == file_size);
	}
	(void)seal_format(data, size);
	(void)seal_is_newer(data, size, file_size);
}

static void parse_journal(const uint8_t *data, size_t size)
{
	struct journal_record record;
	size_t n;

	while (size > 0 && (n = journal_next(data, size, &record)) > 0) {
		MUST(n <= size);
		data += n;
		size -= n;
	}
}

static void parse_configuration(const uint8_t *data, size_t size)
{
	char *line = text_of(data, size), *key, *value;
	size_t len = strlen(line);

	if (conf_line(line, &key, &value) == 1)
		MUST(key >= line && value > key && value <= line + len);
	free(line);
}

static void parse_source(const uint8_t *data, size_t size)
{
	(void)coding_is_own(data, size);
}

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("parsers", MFD_CLOEXEC);

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size &&
		lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void parse_archive(const uint8_t *data, size_t size)
{
	struct archive_in in = { 0 };
	int fd = file_of(data, size), ret;

	ret = archive_in_begin(&in, "archive", fd, size);
	while (ret >= 0 && (ret = archive_in_next(&in)) == 1)
		MUST(in.member.dir && in.member.name && !strchr(in.member.name, '/'));
	archive_in_release(&in);
	close(fd);
}

static void parse_elf(const uint8_t *data, size_t size)
{
	int fd = file_of(data, size);
	struct elf elf;
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (elf_read(path, &elf) == 0)
		MUST(strlen(elf.loader) < sizeof elf.loader &&
			elf_machine_name(elf.machine));
	close(fd);
}

static const struct parser {
	const char *name;
	void (*parse)(const uint8_t *data, size_t size);
} parsers[] = { { "path", parse_path }, { "pyc", parse_pyc }, { "header", parse_header },
	{ "seal", parse_seal }, { "journal", parse_journal },
	{ "configuration", parse_configuration }, { "source", parse_source },
	{ "archive", parse_archive }, { "elf", parse_elf } };

static const struct parser *parser_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof parsers / sizeof *parsers; i++)
		if (!strcmp(parsers[i].name, name))
			return &parsers[i];
	fprintf(stderr, "no parser has that name: %s\n", name ? name : "");
	exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct parser *parser;

	if (!parser)
		parser = parser_of(getenv("PARSER"));
	parser->parse(data, size);
	return 0;
}

#ifndef LIBFUZZER
/* Decodes \xHH, in place. */
static size_t decode(char *text)
{
	char *to = text;
	unsigned byte;

	for (char *from = text; *from;) {
		if (sscanf(from, "\\x%2x", &byte) == 1) {
			*to++ = (char)byte;
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	return (size_t)(to - text);
}

static void keep(const char *dir, int n, const char *data, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%d", dir, n);
	file = fopen(path, "w");
	MUST(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

int main(int argc, char **argv)
{
	const struct parser *parser = parser_of(argc > 1 ? argv[1] : NULL);
	size_t len = strlen(parser->name), room = 0, size;
	char *line = NULL, *data;
	ssize_t n;
	int count = 0;

	while ((n = getline(&line, &room, stdin)) > 0) {
		if (strncmp(line, parser->name, len) || line[len] != ' ')
			continue;
		line[n - 1] = '\0';
		size = decode(line + len + 1);
		if (argc > 2)
			keep(argv[2], count, line + len + 1, size);
		/* Its memory ends where it ends: sanitizers see reads beyond it. */
		data = malloc(size + !size);
		memcpy(data, line + len + 1, size);
		parser->parse((uint8_t *)data, size);
		free(data);
		count++;
	}
	free(line);
	printf("%d\n", count);
	return 0;
}
#endif
