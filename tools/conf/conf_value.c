/* SPDX-License-Identifier: MIT
 *
 * What the values of settings may be, and what they mean.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/base/human.h"
#include "tools/conf/conf.h"

static int read_bool(const char *text, bool *ret)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on",
		"0", "1" };
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(words[i], text) == 0)
			return *ret = i % 2, 0;
	return -EINVAL;
}

static int read_age(const char *text, int64_t *ret)
{
	if (strcmp(text, "0") == 0)
		return *ret = 0, 0;
	return human_read_age(text, ret);
}

static int read_share(const char *text, uint64_t total, uint64_t *ret)
{
	size_t length = strspn(text, "0123456789");
	unsigned long percent;

	if (length == 0 || strcmp(text + length, "%") != 0)
		return human_read_size(text, ret);
	percent = length < 4 ? strtoul(text, NULL, 10) : 100;
	if (percent >= 100)
		return -ERANGE;
	*ret = total / 100 * percent + total % 100 * percent / 100;
	return 0;
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

bool conf_accepts(const struct conf_key *key, const char *value)
{
	uint64_t number;
	int64_t seconds;
	bool on;

	switch (key->kind) {
	case CONF_PATH:
		return value[0] == '/';
	case CONF_LIST:
		return is_path_list(value);
	case CONF_BOOL:
		return read_bool(value, &on) == 0;
	case CONF_WORD:
		return is_one_of(key->values, value);
	case CONF_SIZE:
		return human_read_size(value, &number) == 0;
	case CONF_AGE:
		return read_age(value, &seconds) == 0;
	case CONF_COUNT:
		return human_read_number(value, &number) == 0;
	case CONF_SHARE:
		return read_share(value, 0, &number) == 0;
	case CONF_TEXT:
		return true;
	}
	return false;
}

const char *conf_expected(const struct conf_key *key)
{
	switch (key->kind) {
	case CONF_PATH:
		return "an absolute path";
	case CONF_LIST:
		return "absolute paths with colons between them";
	case CONF_BOOL:
		return "`yes` or `no`";
	case CONF_SIZE:
		return "a size such as 5G or 500M";
	case CONF_AGE:
		return "an age such as 30d or 12h, or 0 for no limit";
	case CONF_COUNT:
		return "a whole number";
	case CONF_SHARE:
		return "a size such as 5G, or a part such as 10%";
	case CONF_WORD:
	case CONF_TEXT:
		break;
	}
	return key->values;
}

/* What is kept was accepted, so reading it again cannot fail. */

uint64_t conf_size(const char *key)
{
	uint64_t size = 0;

	(void)human_read_size(conf_get(key).value, &size);
	return size;
}

int64_t conf_age(const char *key)
{
	int64_t seconds = 0;

	(void)read_age(conf_get(key).value, &seconds);
	return seconds;
}

uint64_t conf_count(const char *key)
{
	uint64_t count = 0;

	(void)human_read_number(conf_get(key).value, &count);
	return count;
}

bool conf_bool(const char *key)
{
	bool on = false;

	(void)read_bool(conf_get(key).value, &on);
	return on;
}

uint64_t conf_share(const char *key, uint64_t total)
{
	uint64_t size = 0;

	(void)read_share(conf_get(key).value, total, &size);
	return size;
}
