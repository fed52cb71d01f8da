/* SPDX-License-Identifier: MIT
 *
 * Reading JSON that a command of ours has printed (json.h), and that another program may
 * have sorted and indented since. Escapes in strings are left as they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A member that is neither an object nor an array. value: the text of a string; the
 * beginning of a number or word; NULL for null. */
struct json_field {
	const char *key, *value;
};

/* Called at the end of each object. path: the keys that lead to it, such as
 * "size.versions"; arrays are not part of it. "" for the outermost object. */
typedef void json_object(
	void *context, const char *path, const struct json_field *fields, size_t count);

/* Reads the value at *text, cutting the text into pieces, and moves *text past the value
 * and the space after it. Returns false if there is no value. */
bool json_read(char **text, json_object *object, void *context);

/* The value of that key; NULL if it is null or missing. */
const char *json_field(const struct json_field *fields, size_t count, const char *key);
