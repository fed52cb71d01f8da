/* SPDX-License-Identifier: MIT
 *
 * JSON: commas, nesting, and every byte that a name may contain.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tools/base/json.h"

static char *written;
static size_t written_len;

static struct json begin(void)
{
	return (struct json){ .out = open_memstream(&written, &written_len) };
}

static void is_written(struct json *json, const char *want)
{
	fclose(json->out);
	assert_string_equal(written, want);
	free(written);
}

static void an_empty_object(void **state)
{
	struct json json = begin();

	(void)state;
	json_open(&json, NULL, '{');
	json_close(&json);
	is_written(&json, "{}\n");
}

static void values_of_each_kind(void **state)
{
	struct json json = begin();

	(void)state;
	json_open(&json, NULL, '{');
	json_schema(&json, "test", 3);
	json_string(&json, "s", "a\"b\\c\n\x7f");
	json_string(&json, "none", NULL);
	json_number(&json, "n", INT64_MIN);
	json_unsigned(&json, "u", UINT64_MAX);
	json_bool(&json, "yes", true);
	json_bool(&json, "no", false);
	json_time(&json, "t", 0);
	json_close(&json);
	is_written(&json, "{\"schema\":\"pycstash.test/3\","
			  "\"s\":\"a\\\"b\\\\c\\u000a\\u007f\",\"none\":null,"
			  "\"n\":-9223372036854775808,\"u\":18446744073709551615,"
			  "\"yes\":true,\"no\":false,\"t\":\"1970-01-01T00:00:00Z\"}\n");
}

static void lists_of_strings(void **state)
{
	char one[] = "one", two[] = "t\two", *list[] = { one, two, NULL };
	const struct names some = { list, 2 }, none = { 0 };
	struct json json = begin();

	(void)state;
	json_open(&json, NULL, '{');
	json_names(&json, "some", &some);
	json_names(&json, "none", &none);
	json_close(&json);
	is_written(&json, "{\"some\":[\"one\",\"t\\u0009wo\"],\"none\":[]}\n");
}

static void values_in_values(void **state)
{
	struct json json = begin();

	(void)state;
	json_open(&json, NULL, '{');
	json_open(&json, "a", '[');
	json_open(&json, NULL, '{');
	json_close(&json);
	json_open(&json, NULL, '[');
	json_number(&json, NULL, 1);
	json_number(&json, NULL, 2);
	json_close(&json);
	json_string(&json, NULL, "x");
	json_close(&json);
	json_open(&json, "b", '{');
	json_bool(&json, "c", true);
	json_close(&json);
	json_number(&json, "d", 4);
	json_close(&json);
	is_written(&json, "{\"a\":[{},[1,2],\"x\"],\"b\":{\"c\":true},\"d\":4}\n");
}

static void a_line_each(void **state)
{
	struct json json = begin();

	(void)state;
	for (int i = 0; i < 2; i++) {
		json_open(&json, NULL, '{');
		json_number(&json, "i", i);
		json_close(&json);
	}
	is_written(&json, "{\"i\":0}\n{\"i\":1}\n");
}

static void bytes_that_are_no_text(void **state)
{
	struct json json = begin();

	(void)state;
	json_open(&json, NULL, '[');
	json_string(&json, NULL, "\xc3\xa9\xff\xe2\x82.\xed\xa0\x80\xf0\x9f\x90\x8d");
	json_close(&json);
	is_written(&json, "[\"\xc3\xa9\\udcff\\udce2\\udc82.\\udced\\udca0\\udc80"
			  "\xf0\x9f\x90\x8d\"]\n");
}

static void as_deep_as_it_goes(void **state)
{
	struct json json = begin();

	(void)state;
	for (unsigned i = 1; i < JSON_DEPTH; i++)
		json_open(&json, NULL, '[');
	for (unsigned i = 1; i < JSON_DEPTH; i++)
		json_close(&json);
	is_written(&json, "[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]\n");
}

static void as_text(void **state)
{
	struct json json = begin();

	(void)state;
	json.text = true;
	json_open(&json, NULL, '{');
	json_schema(&json, "x", 1);
	json_string(&json, "path", "/a\nb");
	json_string(&json, "why", NULL);
	json_open(&json, "file", '{');
	json_unsigned(&json, "size", 12);
	json_string(&json, "fault", NULL);
	json_bool(&json, "sealed", true);
	json_open(&json, "stamp", '[');
	json_number(&json, NULL, 3);
	json_number(&json, NULL, 4);
	json_close(&json);
	json_close(&json);
	json_bool(&json, "layer", false);
	json_close(&json);
	is_written(&json, "  path        /a\\nb\n"
			  "  file        size 12, sealed yes, stamp 3 4\n"
			  "  layer       no\n");
}

int main(void)
{
	unit_one("an empty object is written", an_empty_object);
	unit_one("a value of each kind is written", values_of_each_kind);
	unit_one("a list of strings becomes an array", lists_of_strings);
	unit_one("objects and arrays may contain each other", values_in_values);
	unit_one("one writer writes a line for each object", a_line_each);
	unit_one("bytes that are not UTF-8 become lone surrogates",
		bytes_that_are_no_text);
	unit_one("fifteen levels may be nested", as_deep_as_it_goes);
	unit_one("the text form has a line for each member, without those that are null",
		as_text);
	return unit_run("json");
}
