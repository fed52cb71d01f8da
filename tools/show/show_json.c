/* SPDX-License-Identifier: MIT
 *
 * Printing what is known of a pyc, for programs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/json.h"
#include "tools/python/interpreters.h"
#include "tools/show/show.h"

static const char *const object_names[] = {
	[SHOW_OBJECT_NOT] = "none",
	[SHOW_OBJECT_ABSENT] = "absent",
	[SHOW_OBJECT_SAME] = "same",
	[SHOW_OBJECT_OTHER] = "other",
	[SHOW_OBJECT_ITSELF] = "itself",
};

void show_hash(uint64_t hash, char ret_hex[17])
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(hash >> 8 * i);
	digest_hex(bytes, sizeof bytes, ret_hex);
	ret_hex[16] = '\0';
}

static void write_hex(struct json *json, const char *key, const void *bytes, size_t size)
{
	char hex[2 * DIGEST_SIZE + 1];

	digest_hex(bytes, size, hex);
	hex[2 * size] = '\0';
	json_string(json, key, hex);
}

static void write_file(struct json *json, const struct stat *st)
{
	json_open(json, "file", '{');
	json_unsigned(json, "size", (uint64_t)st->st_size);
	json_unsigned(json, "disk", (uint64_t)st->st_blocks * 512);
	json_unsigned(json, "inode", st->st_ino);
	json_unsigned(json, "links", st->st_nlink);
	json_unsigned(json, "mode", st->st_mode & 07777);
	json_unsigned(json, "user", st->st_uid);
	json_time(json, "mtime", st->st_mtim.tv_sec);
	json_close(json);
}

static void write_header(struct json *json, const struct show *show)
{
	static const char *const kinds[] = { [HEADER_BAD] = "bad",
		[HEADER_TIMESTAMP] = "timestamp",
		[HEADER_HASH] = "hash" };
	const struct inspection *pyc = &show->pyc;
	const uint8_t *magic = pyc->header.magic;
	char owner[64];

	json_open(json, "header", '{');
	json_string(json, "kind", kinds[pyc->header.kind]);
	if (pyc->header.kind != HEADER_BAD) {
		write_hex(json, "magic", magic, 4);
		json_unsigned(json, "number", interpreters_magic_number(magic));
		json_string(json, "interpreter",
			interpreters_of_magic(magic, owner, sizeof owner) ? owner : NULL);
		json_string(json, "releases", interpreters_releases(magic));
		json_unsigned(json, "flags", pyc->flags);
	}
	if (pyc->header.kind == HEADER_TIMESTAMP) {
		json_unsigned(json, "mtime", pyc->header.mtime);
		json_unsigned(json, "size", pyc->header.size);
	} else if (pyc->header.kind == HEADER_HASH) {
		json_bool(json, "checked", pyc->flags & 2);
		write_hex(json, "hash", pyc->bytes + 8, 8);
	}
	json_close(json);
}

static void write_source(struct json *json, const struct show *show)
{
	const struct show_source *source = &show->source;
	const struct ask *ask = &show->ask;
	int fits = show_fits_header(show);
	char hash[17];

	json_open(json, "source", '{');
	json_string(json, "path", source->path);
	json_string(json, "error",
		source->path && source->error ? strerror(-source->error) : NULL);
	if (source->path && !source->error) {
		show_hash(ask->hash, hash);
		write_hex(json, "digest", &source->digest, DIGEST_SIZE);
		json_string(json, "hash", ask->algorithm ? hash : NULL);
		json_string(json, "hash_algorithm", ask->algorithm);
		if (fits < 0)
			json_string(json, "fits_header", NULL);
		else
			json_bool(json, "fits_header", fits);
	}
	json_close(json);
}

static void write_code(struct json *json, const struct ask *ask)
{
	json_open(json, "code", '{');
	json_bool(json, "known", ask->answered);
	json_string(json, "fault", ask->fault);
	if (ask->answered && !ask->fault) {
		json_string(json, "name", ask->name);
		json_string(json, "file_name", ask->file_name);
		json_number(json, "first_line", ask->first_line);
		json_unsigned(json, "codes", ask->codes);
		json_unsigned(json, "size", ask->size);
	}
	json_close(json);
}

static void write_stamp(struct json *json, const char *key, const struct timespec *time)
{
	json_open(json, key, '[');
	json_number(json, NULL, time->tv_sec);
	json_number(json, NULL, time->tv_nsec);
	json_close(json);
}

static void write_seal(struct json *json, const struct inspection *pyc)
{
	const struct seal *seal = &pyc->seal;

	if (!pyc->sealed) {
		json_string(json, "seal", NULL);
		return;
	}
	json_open(json, "seal", '{');
	json_unsigned(json, "version", SEAL_VERSION);
	json_string(json, "fault", pyc->fault);
	json_bool(json, "source", seal->flags & SEAL_SOURCE);
	json_bool(json, "identity", seal->flags & SEAL_IDENTITY);
	json_bool(json, "hash", seal->flags & SEAL_HASH);
	json_unsigned(json, "pyc_size", seal->pyc_size);
	json_unsigned(json, "inode", seal->source.inode);
	json_unsigned(json, "size", seal->source.size);
	write_stamp(json, "ctime", &seal->source.ctime);
	write_stamp(json, "mtime", &seal->source.mtime);
	write_hex(json, "digest", &seal->digest, DIGEST_SIZE);
	json_close(json);
}

static void write_sharing(struct json *json, const struct show *show)
{
	json_open(json, "object", '{');
	json_string(json, "relation", object_names[show->object]);
	json_string(json, "path",
		show->object == SHOW_OBJECT_ITSELF ? show->path : show->object_path);
	json_close(json);
	json_open(json, "also", '[');
	for (size_t i = 0; i < show->sharers_count; i++)
		json_string(json, NULL, show->sharers[i]);
	json_close(json);
}

static void write_place(struct json *json, const struct show *show)
{
	const struct layout *item = &show->item;
	AUTOFREE char *version = NULL;

	if (show->cache && item->version)
		version = strndup(item->version, item->version_len);
	json_string(json, "path", show->path);
	json_string(json, "cache", show->cache ? show->cache->root : NULL);
	json_bool(json, "layer", show->cache && show->cache->layer);
	json_string(json, "kind", show->cache ? layout_kind_names[item->kind] : "pyc");
	json_string(json, "version", version);
	json_string(json, "state", show->cache ? state_names[show->state.state] : NULL);
	json_string(json, "why", show->cache ? show->state.why : NULL);
	json_string(json, "fault", show->pyc.fault);
}

void show_print_json(const struct show *show)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_schema(&json, "show", 1);
	write_place(&json, show);
	write_file(&json, &show->pyc.st);
	write_header(&json, show);
	write_source(&json, show);
	write_code(&json, &show->ask);
	write_seal(&json, &show->pyc);
	write_sharing(&json, show);
	json_close(&json);
}
