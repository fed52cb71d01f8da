/* SPDX-License-Identifier: MIT
 *
 * Printing what is known of a pyc, for people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/human.h"
#include "tools/python/interpreters.h"
#include "tools/show/show.h"

static void label(const char *name)
{
	printf("  %-11s ", name);
}

static void print_time(int64_t seconds)
{
	char buf[HUMAN_SIZE];

	fputs(human_time(seconds, buf), stdout);
}

static void print_file(const struct show *show)
{
	const struct stat *st = &show->pyc.st;
	char size[HUMAN_SIZE];

	label("file");
	printf("%s, inode %llu, %llu hard link%s, mode %04o, user %u, ",
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

static const char *fits(const struct show *show)
{
	if (!show->source.path || show->source.error)
		return "no source to compare it with";
	switch (show_fits_header(show)) {
	case 1:
		return "fits the source";
	case 0:
		return "does not fit the source";
	default:
		return "not compared with the source; see --deep";
	}
}

static void print_header(const struct show *show)
{
	const struct inspection *pyc = &show->pyc;
	char hash[17];

	label("header");
	if (pyc->header.kind == HEADER_BAD) {
		puts("none that an interpreter would accept");
	} else if (pyc->header.kind == HEADER_HASH) {
		show_hash(pyc->hash, hash);
		printf("%s hash %s: %s\n", pyc->flags & 2 ? "checked" : "unchecked", hash,
			fits(show));
	} else {
		fputs("timestamp: mtime ", stdout);
		print_time(pyc->header.mtime);
		printf(" (%lu), size %lu: %s\n", (unsigned long)pyc->header.mtime,
			(unsigned long)pyc->header.size, fits(show));
	}
}

static void print_code(const struct show *show)
{
	const struct ask *ask = &show->ask;

	if (!ask->answered)
		return;
	label("code");
	if (ask->fault) {
		escape_plain(stdout, ask->fault);
	} else {
		escape_plain(stdout, ask->name);
		printf(", line %d, %zu code object%s, %zu bytes\n", ask->first_line,
			ask->codes, ask->codes == 1 ? "" : "s", ask->size);
		label("co_filename");
		escape_plain(stdout, ask->file_name);
	}
	putchar('\n');
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
	inspect_differences(&seal->source, &now, other);
	printf(": %s%s\n", *other ? "the source has another " : "fits the source", other);
}

static void print_seal(const struct show *show)
{
	const struct inspection *pyc = &show->pyc;
	const struct seal *seal = &pyc->seal;
	char digest[2 * DIGEST_SIZE + 1];

	label("seal");
	if (!pyc->sealed) {
		puts(pyc->own	      ? "none: marked as written by a program"
			: pyc->newer  ? "none that this version can read: " INSPECT_NEWER
			: show->cache ? "none, or a damaged one"
				      : "none");
		return;
	}
	digest[2 * DIGEST_SIZE] = '\0';
	digest_hex(&seal->digest, DIGEST_SIZE, digest);
	printf("version %d, proves %s%s%s; pyc of %llu bytes, checksum %016llx: %s\n",
		SEAL_VERSION, seal->flags & SEAL_SOURCE ? "source" : "no source",
		seal->flags & SEAL_IDENTITY ? " and identity" : "",
		seal->flags & SEAL_HASH ? ", hash-based" : "",
		(unsigned long long)seal->pyc_size,
		(unsigned long long)seal->pyc_checksum,
		pyc->fault ? pyc->fault : "correct");
	if (!(seal->flags & (SEAL_SOURCE | SEAL_HASH)))
		return;
	print_identity(show);
	label("");
	printf("digest %s", digest);
	if (show->source.path && !show->source.error)
		fputs(memcmp(&seal->digest, &show->source.digest, DIGEST_SIZE) == 0
				? ": fits the source"
				: ": does not fit the source",
			stdout);
	putchar('\n');
}

static const char *const object_says[] = {
	[SHOW_OBJECT_NOT] = "none: this pyc is not shared",
	[SHOW_OBJECT_ABSENT] = "does not exist",
	[SHOW_OBJECT_SAME] = "the same file as this",
	[SHOW_OBJECT_OTHER] = "exists, another file",
};

static void print_sharing(const struct show *show)
{
	if (show->object != SHOW_OBJECT_ITSELF) {
		label("object");
		if (show->object_path)
			escape_plain(stdout, show->object_path);
		printf("%s%s\n", show->object_path ? ": " : "",
			object_says[show->object]);
	}
	for (size_t i = 0; i < show->sharers_count; i++) {
		label(i ? "" : "also");
		escape_plain(stdout, show->sharers[i]);
		putchar('\n');
	}
}

static void print_state(const struct show *show)
{
	const char *fault = show->pyc.fault;

	label("kind");
	if (show->cache)
		printf("%s of %.*s%s\n", layout_kind_names[show->item.kind],
			(int)show->item.version_len, show->item.version,
			show->cache->layer ? ", in a layer" : "");
	else
		puts("pyc outside the cache");
	if (show->source.path) {
		label("source");
		escape_plain(stdout, show->source.path);
		printf("%s%s\n", show->source.error ? ": " : "",
			show->source.error ? strerror(-show->source.error) : "");
	}
	label("state");
	if (show->cache)
		printf("%s%s%s\n", state_names[show->state.state],
			show->state.why ? ": " : "",
			show->state.why ? show->state.why : "");
	if (fault || !show->cache) {
		if (show->cache)
			label("");
		puts(fault ? fault : "whole");
	}
}

void show_print(const struct show *show)
{
	escape_plain(stdout, show->path);
	putchar('\n');
	print_state(show);
	print_file(show);
	print_magic(&show->pyc);
	print_header(show);
	print_code(show);
	print_seal(show);
	print_sharing(show);
}
