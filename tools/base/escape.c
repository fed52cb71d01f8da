/* SPDX-License-Identifier: MIT
 *
 * Printing text that may hold any byte.
 */
#include "tools/base/escape.h"

#include <stdbool.h>

#include "shim/core/base/shown.h"

/* Prints what needs no escape; returns the rest of the text: what *ret_length bytes of it
 * stand for is *ret_character (0: they are not UTF-8). */
static const unsigned char *print_harmless(FILE *out, const unsigned char *text,
	bool json, size_t *ret_length, unsigned *ret_character)
{
	const unsigned char *p = text;

	for (;;) {
		while (*p >= 0x20 && *p < 0x7f && !(json && (*p == '"' || *p == '\\')))
			p++; /* almost all there is */
		*ret_length = shown_decode(p, ret_character);
		if (*p < 0x80 || *ret_length == 0 || shown_is_control(*ret_character))
			break;
		p += *ret_length;
	}
	fwrite(text, 1, (size_t)(p - text), out);
	return p;
}

void escape_plain(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned character;
	size_t length;

	while (*(p = print_harmless(out, p, false, &length, &character))) {
		if (*p == '\n')
			fputs("\\n", out);
		else if (*p == '\t')
			fputs("\\t", out);
		else if (length < 2)
			fprintf(out, "\\x%02x", *p);
		else
			fprintf(out, "\\u%04x", character);
		p += length ? length : 1;
	}
}

void escape_sh(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	}
	fputc('\'', out);
}

void escape_json(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned character;
	size_t length;

	fputc('"', out);
	while (*(p = print_harmless(out, p, true, &length, &character))) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else
			fprintf(out, "\\u%04x", length ? character : 0xdc00u + *p);
		p += length ? length : 1;
	}
	fputc('"', out);
}
