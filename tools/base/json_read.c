/* SPDX-License-Identifier: MIT
 *
 * Reading JSON.
 */
#include "tools/base/json_read.h"

#include <stdlib.h>
#include <string.h>

#include "shim/core/base/text.h"
#include "tools/base/alloc.h"

#define DEPTH 16

struct json_reader {
	char *at;
	json_object *object;
	void *context;
	struct json_field *fields; /* of all open objects */
	size_t count;
	char path[256];
};

static bool read_value(struct json_reader *reader, const char *key, unsigned depth);

static char space(struct json_reader *reader)
{
	reader->at += strspn(reader->at, " \t\r\n");
	return *reader->at;
}

static char *read_string(struct json_reader *reader)
{
	char *text;

	if (space(reader) != '"')
		return NULL;
	text = reader->at + 1;
	for (reader->at = text; *reader->at != '"'; reader->at++) {
		reader->at += *reader->at == '\\';
		if (!*reader->at)
			return NULL;
	}
	*reader->at++ = '\0';
	return text;
}

static bool read_member(struct json_reader *reader, bool is_object, unsigned depth)
{
	const char *key = NULL;

	if (is_object) {
		key = read_string(reader);
		if (!key || space(reader) != ':')
			return false;
		reader->at++;
	}
	return read_value(reader, key, depth);
}

static bool read_members(struct json_reader *reader, unsigned depth)
{
	const bool is_object = *reader->at == '{';
	const char end = is_object ? '}' : ']';
	const size_t first = reader->count;

	reader->at++;
	while (space(reader) != end) {
		if (depth == DEPTH || !read_member(reader, is_object, depth + 1))
			return false;
		if (space(reader) == ',')
			reader->at++;
		else if (*reader->at != end)
			return false;
	}
	reader->at++;
	if (is_object)
		reader->object(reader->context, reader->path, &reader->fields[first],
			reader->count - first);
	reader->count = first;
	return true;
}

static bool read_container(struct json_reader *reader, const char *key, unsigned depth)
{
	const size_t len = strlen(reader->path);
	struct text path = { reader->path, sizeof reader->path, len, false };
	bool read;

	if (key) {
		text_adds(&path, len ? "." : "");
		text_adds(&path, key);
	}
	read = read_members(reader, depth);
	reader->path[len] = '\0';
	return read;
}

static bool read_value(struct json_reader *reader, const char *key, unsigned depth)
{
	const char *value;
	const char first = space(reader);

	if (first == '{' || first == '[')
		return read_container(reader, key, depth);
	value = first == '"' ? read_string(reader) : reader->at;
	if (first != '"')
		reader->at += strcspn(reader->at, ",]} \t\r\n");
	if (!value || (first != '"' && reader->at == value))
		return false;
	if (first != '"' && strncmp(value, "null", 4) == 0)
		value = NULL;
	if (key) {
		GROW(reader->fields, reader->count);
		reader->fields[reader->count++] = (struct json_field){ key, value };
	}
	return true;
}

bool json_read(char **text, json_object *object, void *context)
{
	struct json_reader reader = { .at = *text, .object = object, .context = context };
	bool read;

	GROW(reader.fields, 0); /* an object may have none */
	read = read_value(&reader, NULL, 0);
	(void)space(&reader);
	*text = reader.at;
	free(reader.fields);
	return read;
}

const char *json_field(const struct json_field *fields, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].key, key) == 0)
			return fields[i].value;
	return NULL;
}
