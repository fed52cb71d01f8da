/* SPDX-License-Identifier: MIT
 *
 * Printing text that may hold any byte.
 */
#include "tools/base/escape.h"

#include <stdbool.h>

/* The UTF-8 sequence that p starts with: its length, and the character that it stands
 * for; 0: it starts with none. Overlong forms, surrogates and what lies beyond U+10FFFF
 * are none: Python's decoder agrees. */
static size_t decode(const unsigned char *p, unsigned *ret_character)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	unsigned character = length == 1 ? p[0] : p[0] & (0x7fu >> length);

	if (p[0] >= 0xf8 || (p[0] >= 0x80 && p[0] < 0xc0))
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (p[i] & 0x3f);
	}
	*ret_character = character;
	if (character < least[length] || character > 0x10ffff ||
		(character >= 0xd800 && character < 0xe000))
		return 0;
	return length;
}

/* What a terminal obeys, or what makes a text look like another one. */
static bool is_control(unsigned character)
{
	static const struct {
		unsigned first, last;
	} ranges[] = {
		{ 0x00, 0x1f },	    /* C0 */
		{ 0x7f, 0x9f },	    /* DEL, C1 */
		{ 0x61c, 0x61c },   /* direction: the Arabic mark */
		{ 0x200e, 0x200f }, /* the other marks */
		{ 0x2028, 0x202e }, /* line and paragraph separators, embeddings,
				       overrides */
		{ 0x2066, 0x2069 }, /* isolates */
	};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	return false;
}

/* Prints what needs no escape; returns the rest of the text: what *ret_length bytes of it
 * stand for is *ret_character (0: they are not UTF-8). */
static const unsigned char *print_harmless(FILE *out, const unsigned char *text,
	bool json, size_t *ret_length, unsigned *ret_character)
{
	const unsigned char *p = text;

	for (;;) {
		while (*p >= 0x20 && *p < 0x7f && !(json && (*p == '"' || *p == '\\')))
			p++; /* almost all there is */
		*ret_length = decode(p, ret_character);
		if (*p < 0x80 || *ret_length == 0 || is_control(*ret_character))
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
