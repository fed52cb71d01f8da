/* SPDX-License-Identifier: MIT
 *
 * Prints what is known about a pyc. Each field is named once, here, so that text and
 * JSON use the same words (docs/json.md).
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/brief.h"
#include "tools/base/columns.h"
#include "tools/base/escape.h"
#include "tools/base/follow.h"
#include "tools/base/json.h"
#include "tools/python/interpreters.h"
#include "tools/show/show.h"

#define VALUE_COLUMN 14 /* where json.h puts values in text output */
#define FLAG_CHECKED 2	/* of PEP 552 */

/* value: -1 if unknown. */
static void print_answer(struct json *json, const char *key, int value)
{
	if (value < 0)
		json_string(json, key, NULL);
	else
		json_bool(json, key, value);
}

static void print_stamp(struct json *json, const char *key, const struct timespec *time)
{
	json_open(json, key, '[');
	json_number(json, NULL, time->tv_sec);
	json_number(json, NULL, time->tv_nsec);
	json_close(json);
}

/* People know modes in octal, which JSON cannot express. */
static void print_mode(struct json *json, mode_t mode)
{
	if (json->text)
		json_string(json, "mode", brief_format("%04o", (unsigned)mode & 07777));
	else
		json_unsigned(json, "mode", mode & 07777);
}

static void print_place(struct json *json, const struct show *show)
{
	const struct cache *cache = show->cache;
	const struct layout *item = &show->item;
	AUTOFREE char *version = NULL;

	if (cache && item->version)
		version = alloc_part(item->version, item->version_len);
	json_string(json, "cache", cache ? cache->root : NULL);
	json_bool(json, "layer", cache && cache->layer);
	json_string(json, "kind", cache ? layout_kind_names[item->kind] : "pyc");
	json_string(json, "version", version);
	json_string(json, "state", cache ? state_name(show->state.state) : NULL);
	json_string(json, "why", cache ? show->state.why : NULL);
	json_string(json, "fault", show->pyc.fault);
}

static void print_file(struct json *json, const struct stat *st)
{
	json_open(json, "file", '{');
	json_unsigned(json, "size", (uint64_t)st->st_size);
	json_unsigned(json, "disk", (uint64_t)st->st_blocks * 512);
	json_unsigned(json, "inode", st->st_ino);
	json_unsigned(json, "links", st->st_nlink);
	print_mode(json, st->st_mode);
	json_unsigned(json, "user", st->st_uid);
	json_time(json, "mtime", st->st_mtim.tv_sec);
	json_close(json);
}

static void print_header(struct json *json, const struct inspection *pyc)
{
	static const char *const kinds[] = { [HEADER_BAD] = "bad",
		[HEADER_TIMESTAMP] = "timestamp",
		[HEADER_HASH] = "hash" };
	const uint8_t *magic = pyc->header.magic;

	json_open(json, "header", '{');
	json_string(json, "kind", kinds[pyc->header.kind]);
	if (pyc->header.kind != HEADER_BAD) {
		json_string(json, "magic", brief_hex(magic, 4));
		json_unsigned(json, "number", interpreters_magic_number(magic));
		json_string(json, "interpreter", interpreters_of_magic(magic)->name);
		json_string(json, "releases", interpreters_of_magic(magic)->releases);
		json_unsigned(json, "flags", pyc->flags);
	}
	if (pyc->header.kind == HEADER_TIMESTAMP) {
		json_unsigned(json, "mtime", pyc->header.mtime);
		json_unsigned(json, "size", pyc->header.size);
	} else if (pyc->header.kind == HEADER_HASH) {
		json_bool(json, "checked", pyc->flags & FLAG_CHECKED);
		json_string(json, "hash", brief_hex(pyc->bytes + 8, 8));
	}
	json_close(json);
}

/* Returns whether the header fits the source; -1 if only a hash can tell and it is
 * unknown. */
static int fits_header(const struct show *show)
{
	if (show->pyc.header.kind != HEADER_HASH)
		return header_fits(&show->pyc.header, &show->source.st);
	return show->code.algorithm ? show->pyc.hash == show->code.hash : -1;
}

/* Returns whether the source has the digest in the seal; -1 if the seal has none. */
static int fits_seal(const struct show *show)
{
	const struct seal *seal = &show->pyc.seal;

	if (!show->pyc.sealed || !seal_is_proven(seal))
		return -1;
	return memcmp(&seal->digest, &show->source.digest, DIGEST_SIZE) == 0;
}

static void print_source(struct json *json, const struct show *show)
{
	const struct source *source = &show->source;
	const char *algorithm = show->code.algorithm;
	const uint64_t hash = htole64(show->code.hash); /* as in a header */

	if (json->text && !source->path)
		return;
	json_open(json, "source", '{');
	json_string(json, "path", source->path);
	json_string(json, "error", show->error ? follow_why(show->error) : NULL);
	if (source->path && !show->error) {
		json_string(json, "digest", brief_hex(&source->digest, DIGEST_SIZE));
		if (algorithm)
			json_string(json, "hash", brief_hex(&hash, sizeof hash));
		else
			json_string(json, "hash", NULL);
		json_string(json, "hash_algorithm", algorithm);
		print_answer(json, "fits_header", fits_header(show));
		print_answer(json, "fits_seal", fits_seal(show));
	}
	json_close(json);
}

static void print_code(struct json *json, const struct code *code)
{
	if (json->text && !code->answered)
		return;
	json_open(json, "code", '{');
	json_bool(json, "known", code->answered);
	json_string(json, "fault", code->fault);
	if (code->answered && !code->fault) {
		json_string(json, "name", code->name);
		json_string(json, "file_name", code->file_name);
		json_number(json, "first_line", code->first_line);
		json_unsigned(json, "codes", code->codes);
		json_unsigned(json, "size", code->size);
	}
	json_close(json);
}

static void print_seal(struct json *json, const struct show *show)
{
	const struct seal *seal = &show->pyc.seal;
	struct identity now = identity_of(&show->source.st);
	char differences[64] = "";

	if (!show->pyc.sealed) {
		json_string(json, "seal", NULL);
		return;
	}
	if (show->source.path && !show->error && !(seal->flags & SEAL_HASH))
		inspect_differences(&seal->source, &now, differences);
	json_open(json, "seal", '{');
	json_unsigned(json, "version", SEAL_VERSION);
	json_string(json, "fault", show->pyc.fault);
	json_bool(json, "source", seal->flags & SEAL_SOURCE);
	json_bool(json, "identity", seal->flags & SEAL_IDENTITY);
	json_bool(json, "hash", seal->flags & SEAL_HASH);
	json_unsigned(json, "pyc_size", seal->pyc_size);
	json_unsigned(json, "inode", seal->source.inode);
	json_unsigned(json, "size", seal->source.size);
	print_stamp(json, "ctime", &seal->source.ctime);
	print_stamp(json, "mtime", &seal->source.mtime);
	json_string(json, "digest", brief_hex(&seal->digest, DIGEST_SIZE));
	json_string(json, "differs", *differences ? differences : NULL);
	json_close(json);
}

static void print_sharing(struct json *json, const struct show *show)
{
	json_open(json, "object", '{');
	json_string(json, "relation", show->relation);
	json_string(json, "path", show->object_path);
	json_close(json);
	if (!json->text)
		json_open(json, "also", '[');
	for (size_t i = 0; i < show->sharers.count; i++)
		json_string(json, json->text ? "also" : NULL, show->sharers.list[i]);
	if (!json->text)
		json_close(json);
}

void show_print(const struct show *show, bool text)
{
	const bool wrapped = text && isatty(STDOUT_FILENO);
	AUTOFREE char *lines = NULL;
	size_t size;
	FILE *out = wrapped ? open_memstream(&lines, &size) : stdout;
	struct json json = { .out = out, .text = text };

	if (!out)
		alloc_fail();
	if (text)
		escape_line(out, show->path, false);
	json_open(&json, NULL, '{');
	json_schema(&json, "show", 1);
	if (!text)
		json_string(&json, "path", show->path);
	print_place(&json, show);
	print_file(&json, &show->pyc.st);
	print_header(&json, &show->pyc);
	print_source(&json, show);
	print_code(&json, &show->code);
	print_seal(&json, show);
	print_sharing(&json, show);
	json_close(&json);
	if (wrapped) {
		fclose(out);
		columns_print_lines(stdout, VALUE_COLUMN, lines);
	}
}
