/* SPDX-License-Identifier: MIT
 *
 * JSON, written as it comes: the writer keeps the commas and the nesting, and escapes
 * strings. Every object that a program gets begins with
 * json_schema; all of them are described in docs/json.md.
 *
 *	struct json json = json_begin(stdout, "stats", 1);
 *	json_number(&json, "hits", 12);
 *	json_open(&json, "tags", '[');
 *	json_string(&json, NULL, "cpython-311");
 *	json_close(&json);
 *	json_close(&json);		the outermost ends the line
 *
 * A struct json belongs to one thread at a time. Errors of the stream are for the caller
 * to find (ferror).
 *
 * With `text` the same calls print a line for people for each member of the outermost
 * object, with the members of that in it, and without the schema and what is null:
 *
 *	  hits        12
 *	  file        size 261, inode 7
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH 16 /* levels, and the one outside of them */

struct json {
	FILE *out;
	bool text;
	unsigned depth;
	bool filled[JSON_DEPTH]; /* something stands there already: a comma is due */
	char closing[JSON_DEPTH];
};

/* A writer that has opened an object of that schema (json_schema). */
struct json json_begin(FILE *out, const char *kind, unsigned version);

/* key: NULL inside an array, and for the outermost value. */
void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json);
void json_schema(struct json *json, const char *kind, unsigned version);
void json_string(struct json *json, const char *key, const char *value); /* NULL: null */
void json_number(struct json *json, const char *key, int64_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
/* An array of strings, of which the list has `count`. */
void json_strings(struct json *json, const char *key, char *const *list, size_t count);
void json_time(struct json *json, const char *key, int64_t seconds); /* RFC 3339 */

/* Prints one JSON string, with the characters escaped that escape_plain escapes. Bytes
 * that are not UTF-8 become \udc80 to \udcff, as in Python's surrogateescape, so that
 * every name can be told from every other. */
void json_quote(FILE *out, const char *text);
