/* SPDX-License-Identifier: MIT
 *
 * JSON, written as it comes.
 */
#include "tools/base/json.h"

#include <inttypes.h>

#include "tools/base/escape.h"
#include "tools/base/human.h"

/* What stands before a value: a comma, if it is not the first, and its key. */
static void begin_value(struct json *json, const char *key)
{
	if (json->depth > 0) {
		if (json->filled[json->depth])
			fputc(',', json->out);
		json->filled[json->depth] = true;
	}
	if (key) {
		escape_json(json->out, key);
		fputc(':', json->out);
	}
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin_value(json, key);
	fputc(bracket, json->out);
	json->depth++;
	json->filled[json->depth] = false;
	json->closing[json->depth] = bracket == '{' ? '}' : ']';
}

void json_close(struct json *json)
{
	fputc(json->closing[json->depth], json->out);
	if (--json->depth == 0)
		fputc('\n', json->out);
}

void json_schema(struct json *json, const char *kind, unsigned version)
{
	begin_value(json, "schema");
	fprintf(json->out, "\"pycstash.%s/%u\"", kind, version);
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin_value(json, key);
	if (value)
		escape_json(json->out, value);
	else
		fputs("null", json->out);
}

void json_number(struct json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRId64, value);
}

void json_unsigned(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_time(struct json *json, const char *key, int64_t seconds)
{
	char buf[HUMAN_SIZE];

	json_string(json, key, human_time(seconds, buf));
}
