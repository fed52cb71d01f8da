/* SPDX-License-Identifier: MIT
 *
 * Printing what is known of a pyc: for people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/human.h"
#include "tools/base/message.h"
#include "tools/python/interpreters.h"
#include "tools/show/show.h"
#include "tools/show/show_words.h"

static void label(const char *name)
{
	printf("  %-11s ", name);
}

static void print_time(int64_t seconds)
{
	char buf[HUMAN_SIZE];

	fputs(human_time(seconds, buf), stdout);
}

static void print_plain_text(const struct marshal_text *text)
{
	AUTOFREE char *copy = strndup(text->data, text->size);

	print_plain(stdout, copy ? copy : "?");
}

static void print_file(const struct show *show)
{
	const struct stat *st = &show->pyc.st;
	char size[HUMAN_SIZE];

	label("file");
	printf("%s, inode %llu, %llu name%s, mode %04o, user %u, ",
		human_size((uint64_t)st->st_size, size), (unsigned long long)st->st_ino,
		(unsigned long long)st->st_nlink, st->st_nlink == 1 ? "" : "s",
		(unsigned)st->st_mode & 07777, (unsigned)st->st_uid);
	print_time(st->st_mtim.tv_sec);
	putchar('\n');
}

static void print_magic(const struct inspection *pyc)
{
	const char *releases = interpreters_releases(pyc->header.magic);
	char owner[64];

	if (pyc->header.kind == HEADER_BAD)
		return;
	label("magic");
	printf("%u: %s%s%s\n", interpreters_magic_number(pyc->header.magic),
		interpreters_of_magic(pyc->header.magic, owner, sizeof owner)
			? owner
			: "of an unknown interpreter",
		releases ? ", " : "", releases ? releases : "");
}

static void print_header(const struct show *show)
{
	const struct inspection *pyc = &show->pyc;
	const struct show_source *source = &show->source;
	char hash[17];

	label("header");
	if (pyc->header.kind == HEADER_BAD) {
		puts("none that an interpreter would take");
		return;
	}
	if (pyc->header.kind == HEADER_HASH) {
		hash_hex(pyc->hash, hash);
		printf("%s hash %s: ", pyc->flags & 2 ? "checked" : "unchecked", hash);
		if (source->path && !source->error)
			printf("%s source's (%s)\n",
				pyc->hash == source->hash ? "the" : "not the",
				source->hash_algorithm);
		else
			puts("there is no source to compare it with");
		return;
	}
	fputs("timestamp: mtime ", stdout);
	print_time(pyc->header.mtime);
	printf(" (%lu), size %lu: ", (unsigned long)pyc->header.mtime,
		(unsigned long)pyc->header.size);
	puts(!source->path || source->error ? "there is no source to compare it with"
		: header_fits(&pyc->header, &source->st) ? "the source's"
							 : "not the source's");
}

static void print_code(const struct inspection *pyc)
{
	if (pyc->header.kind == HEADER_BAD)
		return;
	label("code");
	if (pyc->code_result == 0) {
		print_plain_text(&pyc->code.name);
		printf(", line %d, %zu code object%s, %zu bytes\n",
			(int)pyc->code.first_line, pyc->code.codes,
			pyc->code.codes == 1 ? "" : "s", pyc->code.size);
		label("co_filename");
		print_plain_text(&pyc->code.file_name);
		putchar('\n');
	} else {
		puts(pyc->code_why ? pyc->code_why
				   : "its layout is not known for that magic number");
	}
}

static void print_identity(const struct show *show)
{
	const struct seal *seal = &show->pyc.seal;
	struct identity now = identity_of(&show->source.st);
	char other[64];

	label("");
	printf("source: inode %llu, size %llu, ctime %lld.%09ld, mtime %lld.%09ld",
		(unsigned long long)seal->source.inode,
		(unsigned long long)seal->source.size,
		(long long)seal->source.ctime.tv_sec, seal->source.ctime.tv_nsec,
		(long long)seal->source.mtime.tv_sec, seal->source.mtime.tv_nsec);
	if ((seal->flags & SEAL_HASH) || !show->source.path || show->source.error) {
		putchar('\n');
		return;
	}
	identity_differences(&seal->source, &now, other);
	printf(": %s%s\n", *other ? "not the source's " : "the source's", other);
}

static void print_seal(const struct show *show)
{
	const struct inspection *pyc = &show->pyc;
	const struct seal *seal = &pyc->seal;
	char digest[2 * DIGEST_SIZE + 1], flags[32];

	label("seal");
	if (!pyc->sealed) {
		puts(pyc->own	      ? "none: marked as written by a program"
			: pyc->newer  ? "none that this version reads: " INSPECT_NEWER
			: show->cache ? "none, or a damaged one"
				      : "none");
		return;
	}
	digest[2 * DIGEST_SIZE] = '\0';
	digest_hex(&seal->digest, DIGEST_SIZE, digest);
	printf("version %d, says %s; pyc of %llu bytes, checksum %016llx: %s\n",
		SEAL_VERSION, seal_flags_words(seal->flags, flags),
		(unsigned long long)seal->pyc_size,
		(unsigned long long)seal->pyc_checksum,
		pyc->seal_why ? pyc->seal_why : "holds");
	if (!(seal->flags & (SEAL_SOURCE | SEAL_HASH)))
		return;
	print_identity(show);
	label("");
	printf("digest %s", digest);
	if (show->source.path && !show->source.error)
		printf(": %s source's",
			memcmp(&seal->digest, &show->source.digest, DIGEST_SIZE) == 0
				? "the"
				: "not the");
	putchar('\n');
}

static void print_sharing(const struct show *show)
{
	if (show->object != SHOW_OBJECT_ITSELF) {
		label("object");
		if (show->object_path)
			print_plain(stdout, show->object_path);
		printf("%s%s\n", show->object_path ? ": " : "",
			show_object_says[show->object]);
	}
	for (size_t i = 0; i < show->sharers_count; i++) {
		label(i ? "" : "also");
		print_plain(stdout, show->sharers[i]);
		putchar('\n');
	}
}

static void print_standing(const struct show *show)
{
	const char *fault = inspection_fault(&show->pyc);

	label("kind");
	if (show->cache)
		printf("%s of %.*s%s\n", layout_kind_names[show->item.kind],
			(int)show->item.version_len, show->item.version,
			show->cache->layer ? ", in a layer" : "");
	else
		puts("pyc outside of the cache");
	if (show->source.path) {
		label("source");
		print_plain(stdout, show->source.path);
		printf("%s%s\n", show->source.error ? ": " : "",
			show->source.error ? strerror(-show->source.error) : "");
	}
	label("state");
	if (show->cache)
		printf("%s%s%s\n", state_names[show->judgement.state],
			show->judgement.why ? ": " : "",
			show->judgement.why ? show->judgement.why : "");
	if (fault || !show->cache) {
		if (show->cache)
			label("");
		puts(fault ? fault : "whole");
	}
}

void show_print(const struct show *show)
{
	print_plain(stdout, show->path);
	putchar('\n');
	print_standing(show);
	print_file(show);
	print_magic(&show->pyc);
	print_header(show);
	print_code(&show->pyc);
	print_seal(show);
	print_sharing(show);
}
