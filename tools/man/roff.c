/* SPDX-License-Identifier: MIT
 *
 * Escaping for troff. Letters beyond ASCII become \[uXXXX]: not every troff reads UTF-8.
 */
#include "tools/man/roff.h"

#include <stdbool.h>
#include <string.h>

/* The code point that p starts with, in text of our own, which is right UTF-8. */
static unsigned code_point(const unsigned char *p, size_t *ret_length)
{
	size_t length = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2, i;
	unsigned point = *p & (0xffu >> (length + 1));

	for (i = 1; i < length; i++)
		point = point << 6 | (p[i] & 0x3f);
	*ret_length = length;
	return point;
}

/* Puts one letter and returns how many bytes it has. */
static size_t put_letter(FILE *out, const char *text)
{
	static const char special[] = "\\-'^~`\":";
	static const char *const escapes[] = { "\\e", "\\-", "\\(aq", "\\(ha", "\\(ti",
		"\\(ga", "\\(dq", ":\\:" }; /* long lists may be broken at colons */
	const char *found = strchr(special, *text);
	size_t length;

	if ((unsigned char)*text >= 0x80) {
		unsigned point = code_point((const unsigned char *)text, &length);

		fprintf(out, "\\[u%04X]", point);
		return length;
	}
	if (found)
		fputs(escapes[found - special], out);
	else
		fputc(*text, out);
	return 1;
}

static void put_line(FILE *out, const char *text, size_t length)
{
	const char *end = text + length;

	if (length && *text == '.') /* else a request */
		fputs("\\&", out);
	while (text < end)
		text += put_letter(out, text);
}

void roff_text(FILE *out, const char *text)
{
	put_line(out, text, strlen(text));
}

static void put_prose_line(FILE *out, const char *text, size_t length, bool *bold)
{
	for (;;) {
		const char *quote = memchr(text, '`', length);
		size_t before = quote ? (size_t)(quote - text) : length;

		put_line(out, text, before);
		if (!quote)
			break;
		*bold = !*bold;
		fputs(*bold ? "\\fB" : "\\fR", out);
		text += before + 1;
		length -= before + 1;
	}
	fputc('\n', out);
}

void roff_prose(FILE *out, const char *text)
{
	bool literal = false, bold = false, paragraph = false;

	for (; *text; text += *text == '\n') {
		size_t length = strcspn(text, "\n");

		if (length == 0) {
			paragraph = true;
			text += length;
			continue;
		}
		if (literal && *text != ' ') {
			fputs(".EE\n", out);
			literal = false;
		}
		if (paragraph)
			fputs(".PP\n", out);
		paragraph = false;
		if (*text == ' ' && !literal) {
			fputs(".EX\n", out);
			literal = true;
		}
		if (literal) {
			put_line(out, text, length);
			fputc('\n', out);
		} else
			put_prose_line(out, text, length, &bold);
		text += length;
	}
	if (literal)
		fputs(".EE\n", out);
}
