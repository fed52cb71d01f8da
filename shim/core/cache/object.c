/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/object.h"

#include <string.h>

#include "shim/core/base/text.h"

static bool take_suffix(const char *name, size_t *len, const char *suffix)
{
	size_t n = strlen(suffix);

	if (*len <= n || memcmp(name + *len - n, suffix, n) != 0)
		return false;
	*len -= n;
	return true;
}

bool object_is_shareable(const char *name, size_t len, const char *tag, char *ret_level)
{
	*ret_level = '\0';
	if (!take_suffix(name, &len, ".pyc"))
		return false;
	if (take_suffix(name, &len, ".opt-1"))
		*ret_level = '1';
	else if (take_suffix(name, &len, ".opt-2"))
		*ret_level = '2';
	return *tag && take_suffix(name, &len, tag) && len > 1 && name[len - 1] == '.';
}

bool object_of(const char *name, const char *tag, const struct digest *digest,
	const uint8_t magic[4], struct object_name *ret)
{
	ret->digest = *digest;
	memcpy(ret->magic, magic, sizeof ret->magic);
	return object_is_shareable(name, strlen(name), tag, &ret->level);
}

size_t object_path(const struct object_name *name, char ret_path[OBJECT_PATH_SIZE])
{
	struct text text = { .data = ret_path, .size = OBJECT_PATH_SIZE };
	char hex[2 * DIGEST_SIZE];

	text_adds(&text, "objects/");
	digest_hex(name->magic, sizeof name->magic, hex);
	text_add(&text, hex, 2 * sizeof name->magic);
	text_adds(&text, "/");
	/* Few folders: creating 256 of them would cost a first start more than they ever
	 * save. */
	digest_hex(name->digest.bytes, DIGEST_SIZE, hex);
	text_add(&text, hex, 1);
	text_adds(&text, "/");
	text_add(&text, hex + 1, sizeof hex - 1);
	if (name->level) {
		text_adds(&text, ".opt-");
		text_add(&text, &name->level, 1);
	}
	text_adds(&text, ".pyc");
	return text.len;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Parses 2 * size hex digits into size bytes. */
static bool read_hex(const char *hex, size_t size, uint8_t *ret_bytes)
{
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool object_magic(const char *name, uint32_t *ret_magic)
{
	uint8_t magic[sizeof *ret_magic];

	if (strlen(name) != 2 * sizeof magic || !read_hex(name, sizeof magic, magic))
		return false;
	memcpy(ret_magic, magic, sizeof magic);
	return true;
}

bool object_read(const char *path, size_t len, struct object_name *ret)
{
	enum {
		MAGIC = sizeof "objects/" - 1,
		FIRST = MAGIC + 8 + 1,
		REST = FIRST + 2,
		SUFFIX = REST + 2 * DIGEST_SIZE - 1,
		LEVEL = SUFFIX + sizeof ".opt-" - 1
	};
	char hex[2 * DIGEST_SIZE], written[OBJECT_PATH_SIZE];
	struct object_name name = { .level = '\0' };

	if (len <= SUFFIX)
		return false;
	hex[0] = path[FIRST];
	memcpy(hex + 1, path + REST, sizeof hex - 1);
	if (!read_hex(path + MAGIC, sizeof name.magic, name.magic) ||
		!read_hex(hex, DIGEST_SIZE, name.digest.bytes))
		return false;
	if (len > LEVEL && (path[LEVEL] == '1' || path[LEVEL] == '2'))
		name.level = path[LEVEL];
	/* Checks everything between the parsed parts. */
	if (object_path(&name, written) != len || memcmp(written, path, len) != 0)
		return false;
	*ret = name;
	return true;
}
