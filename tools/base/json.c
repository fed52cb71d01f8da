/* SPDX-License-Identifier: MIT
 *
 * Writing JSON, or the same as text, as a stream.
 */
#include "tools/base/json.h"

#include <inttypes.h>

#include "tools/base/escape.h"
#include "tools/base/names.h"
#include "tools/base/units.h"

void json_quote(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text, *p;
	unsigned character;
	size_t length;

	fputc('"', out);
	for (;; at = p + (length ? length : 1)) {
		p = escape_find(at, true, &length, &character);
		fwrite(at, 1, (size_t)(p - at), out);
		if (!*p)
			break;
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else
			fprintf(out, "\\u%04x", length ? character : 0xdc00u + *p);
	}
	fputc('"', out);
}

/* Writes what precedes a value in text: its name at the start of the line or within
 * it. */
static void begin_text(struct json *json, const char *key)
{
	bool filled = json->filled[json->depth];

	if (json->depth == 1)
		fprintf(json->out, "%s  %-11s ", filled ? "\n" : "", key);
	else if (json->depth > 1 && !key)
		fputs(filled ? " " : "", json->out);
	else if (json->depth > 1)
		fprintf(json->out, "%s%s ", filled ? ", " : "", key);
}

/* Writes what precedes a value: a comma, unless it is the first, and its key. */
static void begin_value(struct json *json, const char *key)
{
	if (json->text) {
		begin_text(json, key);
	} else {
		if (json->depth > 0 && json->filled[json->depth])
			fputc(',', json->out);
		if (key) {
			json_quote(json->out, key);
			fputc(':', json->out);
		}
	}
	json->filled[json->depth] = true;
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin_value(json, key);
	if (!json->text)
		fputc(bracket, json->out);
	json->depth++;
	json->filled[json->depth] = false;
	json->closing[json->depth] = bracket == '{' ? '}' : ']';
}

void json_close(struct json *json)
{
	if (!json->text)
		fputc(json->closing[json->depth], json->out);
	if (--json->depth == 0)
		fputc('\n', json->out);
}

void json_schema(struct json *json, const char *kind, unsigned version)
{
	if (json->text)
		return;
	begin_value(json, "schema");
	fprintf(json->out, "\"pycstash.%s/%u\"", kind, version);
}

struct json json_begin(FILE *out, const char *kind, unsigned version)
{
	struct json json = { .out = out };

	json_open(&json, NULL, '{');
	json_schema(&json, kind, version);
	return json;
}

void json_string(struct json *json, const char *key, const char *value)
{
	if (json->text && !value)
		return;
	begin_value(json, key);
	if (json->text)
		fputs(escape_plain(value), json->out);
	else if (value)
		json_quote(json->out, value);
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
	if (json->text)
		fputs(value ? "yes" : "no", json->out);
	else
		fputs(value ? "true" : "false", json->out);
}

void json_names(struct json *json, const char *key, const struct names *names)
{
	json_open(json, key, '[');
	for (size_t i = 0; i < names->count; i++)
		json_string(json, NULL, names->list[i]);
	json_close(json);
}

void json_time(struct json *json, const char *key, int64_t seconds)
{
	json_string(json, key, units_time(seconds));
}
