/* SPDX-License-Identifier: MIT
 *
 * The layout of the cache, read from its paths.
 */
#include "tools/item.h"

#include <stdlib.h>
#include <string.h>

#include "shim/core/config.h"
#include "shim/core/path.h"
#include "shim/core/text.h"

#define TREE "/tree"

const char *const item_kind_names[] = {
	[ITEM_FOREIGN] = "foreign",
	[ITEM_ENTRY] = "entry",
	[ITEM_PROGRAMS] = "program's",
	[ITEM_OBJECT] = "object",
	[ITEM_TEMPORARY] = "temporary",
};

/* Whether the shim takes those letters for a tag, in the name of a pyc. */
static bool is_tag(const char *tag, size_t len)
{
	char name[PYC_TAG_SIZE + sizeof "m..pyc"];
	struct text text = TEXT(name);
	struct pyc_name pyc;

	text_adds(&text, "m.");
	text_add(&text, tag, len);
	text_adds(&text, ".pyc");
	if (text.cut)
		return false;
	pyc = pyc_parse(name, text.len);
	return strlen(pyc.tag) == len && len && memcmp(pyc.tag, tag, len) == 0;
}

static bool is_variant(const char *variant, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	return len == 0 ||
	       (len > 1 && variant[0] == '+' && strspn(variant + 1, letters) >= len - 1);
}

/* The letters of a version folder in front of its variant. */
static size_t tag_len(const char *version, size_t len)
{
	const char *plus = memchr(version, '+', len);

	return plus ? (size_t)(plus - version) : len;
}

size_t item_version(const char *path)
{
	size_t len = strcspn(path, "/"), tag = tag_len(path, len);

	return is_tag(path, tag) && is_variant(path + tag, len - tag) ? len : 0;
}

const char *item_source_dir(const char *dir, size_t *ret_len)
{
	size_t version = item_version(dir), len = strlen(dir);
	const char *source = dir + version + strlen(TREE);
	const char *last = dir + len - PYCACHE_LEN;

	if (!version || strncmp(dir + version, TREE "/", strlen(TREE "/")) != 0 ||
		last <= source || strcmp(last - 1, "/" PYCACHE) != 0)
		return NULL;
	*ret_len = last - 1 > source ? (size_t)(last - 1 - source) : 1;
	return source;
}

/* What stands between the tag and the suffix. */
static char read_level(const struct pyc_name *pyc, const char *name)
{
	const char *rest = name + pyc->module_len + pyc->dotted + strlen(pyc->tag);

	if (strncmp(rest, ".opt-", strlen(".opt-")) != 0)
		return '\0';
	rest += strlen(".opt-");
	return (rest[0] == '1' || rest[0] == '2') && rest[1] == '.' ? rest[0] : '?';
}

/* A name in a __pycache__. */
static void read_entry(struct item *item, const char *name)
{
	size_t tag = tag_len(item->version, item->version_len);
	char shared_level;

	item->pyc = pyc_parse(name, strlen(name));
	if (item->pyc.kind == PYC_NONE ||
		(item->pyc.tag[0] && (strlen(item->pyc.tag) != tag ||
					     memcmp(item->pyc.tag, item->version, tag))))
		return;
	if (item->pyc.kind == PYC_TEMPORARY)
		item->kind = ITEM_TEMPORARY;
	else if (item->pyc.kind == PYC_CODE && item->pyc.module_len) {
		item->kind = ITEM_ENTRY;
		item->level = read_level(&item->pyc, name);
		item->stock = object_is_shareable(
			name, strlen(name), item->pyc.tag, &shared_level);
	} else {
		item->kind = ITEM_PROGRAMS;
	}
}

/* A name below objects/; dir is that folder's path below the version's. */
static void read_object(struct item *item, const char *dir, const char *name)
{
	char path[OBJECT_PATH_SIZE + sizeof ".18446744073709551615"];
	struct text text = TEXT(path);
	size_t digits = 0;

	text_adds(&text, dir);
	text_adds(&text, "/");
	text_adds(&text, name);
	if (text.cut)
		return;
	item->pyc = pyc_parse(name, strlen(name));
	if (item->pyc.kind == PYC_TEMPORARY)
		digits = strlen(strrchr(name, '.'));
	if (!object_read(path, text.len - digits, &item->object))
		return;
	item->level = item->object.level;
	item->kind = digits ? ITEM_TEMPORARY : ITEM_OBJECT;
}

struct item_dir item_dir_parse(const char *path)
{
	struct item_dir ret = { .path = path, .version_len = item_version(path) };

	ret.source = item_source_dir(path, &ret.source_len);
	return ret;
}

struct item item_parse_in(const struct item_dir *dir, const char *name)
{
	struct item item = {
		.kind = ITEM_FOREIGN,
		.version = dir->path,
		.version_len = dir->version_len,
	};

	if (dir->source)
		read_entry(&item, name);
	else if (dir->version_len && dir->path[dir->version_len])
		read_object(&item, dir->path + dir->version_len + 1, name);
	return item;
}

struct item item_parse(const char *dir, const char *name)
{
	const struct item_dir parsed = item_dir_parse(dir);

	return item_parse_in(&parsed, name);
}

size_t item_source_in(const struct item_dir *dir, const struct item *item,
	const char *name, char *buf, size_t size)
{
	struct text text = { .data = buf, .size = size };
	size_t more;

	if (!dir->source || item->kind != ITEM_ENTRY)
		return 0;
	text_add(&text, dir->source, dir->source_len);
	if (dir->source_len > 1)
		text_adds(&text, "/");
	if (text.cut)
		return 0;
	more = pyc_source(&item->pyc, name, buf + text.len, size - text.len);
	return more ? text.len + more : 0;
}

size_t item_source(const struct item *item, const char *dir, const char *name, char *buf,
	size_t size)
{
	const struct item_dir parsed = item_dir_parse(dir);

	return item_source_in(&parsed, item, name, buf, size);
}

bool item_is_common(const char *source)
{
	const struct ephemeral_patterns patterns =
		config_ephemeral(getenv(config_names[CONFIG_EPHEMERAL]));
	struct ephemeral hidden;
	char path[PATH_MAX];
	size_t len = strlen(source);

	if (len >= sizeof path || !strchr(source, '*'))
		return false;
	memcpy(path, source, len + 1);
	return ephemeral_hide(&patterns, path, len, &hidden) && strcmp(path, source) == 0;
}

size_t item_entry_dir(const char *version, size_t version_len, const char *source_dir,
	char *buf, size_t size)
{
	struct text text = { .data = buf, .size = size };
	const struct ephemeral_patterns patterns =
		config_ephemeral(getenv(config_names[CONFIG_EPHEMERAL]));
	struct ephemeral hidden;
	size_t at;

	text_add(&text, version, version_len);
	text_adds(&text, TREE);
	at = text.len;
	if (source_dir[1])
		text_adds(&text, source_dir);
	(void)ephemeral_hide(&patterns, buf + at, text.len - at, &hidden);
	text_adds(&text, "/" PYCACHE);
	return text.cut ? 0 : text.len;
}

bool item_entry_name(
	const char *source, const char *tag, char level, char *buf, size_t size)
{
	struct text text = { .data = buf, .size = size };
	const char *dot = strrchr(source, '.');

	/* As str.rpartition: of ".hidden" it takes what is behind the dot. */
	if (dot == source)
		text_adds(&text, source + 1);
	else
		text_add(&text, source, dot ? (size_t)(dot - source) : strlen(source));
	text_adds(&text, dot ? "." : "");
	text_adds(&text, tag);
	if (level) {
		text_adds(&text, ".opt-");
		text_add(&text, &level, 1);
	}
	text_adds(&text, ".pyc");
	return !text.cut;
}
