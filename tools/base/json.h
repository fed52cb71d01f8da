/* SPDX-License-Identifier: MIT
 *
 * Writing JSON as a stream: the writer takes care of commas and nesting, and escapes
 * strings. Every object meant for a program begins with json_schema; all of them are
 * described in docs/json.md.
 *
 *	struct json json = json_begin(stdout, "stats", 1);
 *	json_number(&json, "hits", 12);
 *	json_open(&json, "tags", '[');
 *	json_string(&json, NULL, "cpython-311");
 *	json_close(&json);
 *	json_close(&json);		the outermost ends the line
 *
 * A struct json belongs to one thread at a time. The caller checks the stream for errors
 * (ferror).
 *
 * With `text` the same calls print text for people: one line for each member of the
 * outermost object, with any nested members on that line. The schema and null values are
 * omitted:
 *
 *	  hits        12
 *	  file        size 261, inode 7
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/base/names.h"

#define JSON_DEPTH 16 /* levels, and the top level */

struct json {
	FILE *out;
	bool text;
	unsigned depth;
	bool filled[JSON_DEPTH]; /* something has been written there: a comma is needed */
	char closing[JSON_DEPTH];
};

/* Returns a writer that has opened an object of that schema (json_schema). */
struct json json_begin(FILE *out, const char *kind, unsigned version);

/* key: NULL inside an array, and for the outermost value. */
void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json);
void json_schema(struct json *json, const char *kind, unsigned version);
void json_string(struct json *json, const char *key, const char *value); /* NULL: null */
void json_number(struct json *json, const char *key, int64_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
/* An array of strings. */
void json_names(struct json *json, const char *key, const struct names *names);
void json_time(struct json *json, const char *key, int64_t seconds); /* RFC 3339 */

/* Prints one JSON string, escaping the characters that escape_plain escapes. Bytes that
 * are not UTF-8 become \udc80 to \udcff, as in Python's surrogateescape, so that
 * different names stay different. */
void json_quote(FILE *out, const char *text);
