/* SPDX-License-Identifier: MIT
 *
 * Reading JSON that a command of ours has printed (json.h), perhaps sorted and indented
 * by another program since. Escapes in strings stay as they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A member of an object that is no object or array. value: of a string its text, of a
 * number or a word what begins there; NULL: null. */
struct json_field {
	const char *key, *value;
};

/* Called at the end of each object. path: the keys that lead to it, "size.versions", in
 * which arrays do not count; "" for the outermost. */
typedef void json_object(
	void *context, const char *path, const struct json_field *fields, size_t count);

/* Reads the value at *text, which is cut into pieces, and moves on to the end of it and
 * the space after it. False: it is none. */
bool json_read(char **text, json_object *object, void *context);

/* The value of that key; NULL: null, or none. */
const char *json_field(const struct json_field *fields, size_t count, const char *key);
