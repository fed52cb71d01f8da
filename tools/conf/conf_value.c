/* SPDX-License-Identifier: MIT
 *
 * The possible values of settings, and what they mean.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/base/units.h"
#include "tools/conf/conf.h"

static int read_bool(const char *text, uint64_t *ret)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on",
		"0", "1" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(words[i], text) == 0)
			return *ret = i % 2, 0;
	return -EINVAL;
}

static int read_age(const char *text, uint64_t *ret)
{
	int64_t seconds = 0;
	int r = strcmp(text, "0") == 0 ? 0 : units_read_age(text, &seconds);

	*ret = (uint64_t)seconds;
	return r;
}

static int read_share(const char *text, uint64_t total, uint64_t *ret)
{
	size_t length = strspn(text, "0123456789");
	unsigned long percent;

	if (length == 0 || strcmp(text + length, "%") != 0)
		return units_read_size(text, ret);
	percent = length < 4 ? strtoul(text, NULL, 10) : 100;
	if (percent >= 100)
		return -ERANGE;
	*ret = total / 100 * percent + total % 100 * percent / 100;
	return 0;
}

int conf_value_number(const struct conf_key *key, const char *value, uint64_t total,
	uint64_t *ret_number)
{
	switch (key->kind) {
	case CONF_BOOL:
		return read_bool(value, ret_number);
	case CONF_SIZE:
		return units_read_size(value, ret_number);
	case CONF_AGE:
		return read_age(value, ret_number);
	case CONF_COUNT:
		return units_read_number(value, ret_number);
	case CONF_SHARE:
		return read_share(value, total, ret_number);
	default:
		return -EINVAL;
	}
}

static bool is_path_list(const char *text)
{
	for (; *text; text += strcspn(text, ":"), text += *text == ':')
		if (*text != '/' && *text != ':')
			return false;
	return true;
}

static bool is_one_of(const char *words, const char *text)
{
	size_t length;

	for (;; words += length + 1) {
		length = strcspn(words, "|");
		if (strncmp(words, "FILE", length) == 0 && text[0] == '/')
			return true;
		if (strlen(text) == length && memcmp(words, text, length) == 0)
			return strncmp(words, "FILE", length) != 0;
		if (!words[length])
			return false;
	}
}

const char *conf_wrong(const struct conf_key *key, const char *value)
{
	static const char *const numbers[] = {
		[CONF_BOOL] = "`yes` or `no`",
		[CONF_SIZE] = "a size such as 5G or 500M",
		[CONF_AGE] = "an age such as 30d or 12h, or 0 for no limit",
		[CONF_COUNT] = "a whole number",
		[CONF_SHARE] = "a size such as 5G, or a part such as 10%",
	};
	uint64_t number;

	switch (key->kind) {
	case CONF_PATH:
		return value[0] == '/' ? NULL : "an absolute path";
	case CONF_LIST:
		return is_path_list(value) ? NULL
					   : "absolute paths with colons between them";
	case CONF_WORD:
		return is_one_of(key->values, value) ? NULL : key->values;
	case CONF_TEXT:
		return NULL;
	default:
		return conf_value_number(key, value, 0, &number) < 0 ? numbers[key->kind]
								     : NULL;
	}
}
