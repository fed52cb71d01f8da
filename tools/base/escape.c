/* SPDX-License-Identifier: MIT
 *
 * Printing text that may hold any byte.
 */
#include "tools/base/escape.h"

#include "shim/core/base/shown.h"

const unsigned char *escape_skip(FILE *out, const unsigned char *text, bool quoted,
	size_t *ret_length, unsigned *ret_character)
{
	const unsigned char *p = text;

	for (;;) {
		while (*p >= 0x20 && *p < 0x7f && !(quoted && (*p == '"' || *p == '\\')))
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

	while (*(p = escape_skip(out, p, false, &length, &character))) {
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
