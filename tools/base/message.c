/* SPDX-License-Identifier: MIT
 *
 * Errors, and the three ways of printing a text that may hold any byte.
 */
#include "tools/base/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void complain(const char *what, const char *format, ...)
{
	va_list args;
	char *why;

	va_start(args, format);
	if (vasprintf(&why, format, args) < 0)
		why = NULL;
	va_end(args);
	flockfile(stderr); /* threads complain too */
	fputs("pycstash: ", stderr);
	if (what) {
		print_plain(stderr, *what ? what : "''"); /* or it looks like a slip */
		fputs(": ", stderr);
	}
	print_plain(stderr, why ? why : strerror(ENOMEM));
	fputc('\n', stderr);
	funlockfile(stderr);
	free(why);
}

void print_plain(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (;;) {
		const unsigned char *plain = p;

		while (*p >= 0x20 && *p != 0x7f)
			p++;
		fwrite(plain, 1, (size_t)(p - plain), out);
		if (!*p)
			break;
		if (*p == '\n')
			fputs("\\n", out);
		else if (*p == '\t')
			fputs("\\t", out);
		else
			fprintf(out, "\\x%02x", *p);
		p++;
	}
}

void print_sh_quoted(FILE *out, const char *text)
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

/* The length of the UTF-8 sequence that p starts with; 0: it starts with none. Overlong
 * forms, surrogates and what lies beyond U+10FFFF are none: Python's decoder agrees. */
static size_t utf8_length(const unsigned char *p)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < length; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return length;
}

/* The length of what p begins with that is itself in a JSON string; 0: nothing. */
static size_t json_length(const unsigned char *p)
{
	if (*p < 0x20 || *p == 0x7f || *p == '"' || *p == '\\')
		return 0;
	return utf8_length(p);
}

void print_json(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	fputc('"', out);
	for (;;) {
		const unsigned char *plain = p;
		size_t length;

		while ((length = json_length(p)))
			p += length;
		fwrite(plain, 1, (size_t)(p - plain), out);
		if (!*p)
			break;
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else
			fprintf(out, *p < 0x80 ? "\\u%04x" : "\\udc%02x", *p);
		p++;
	}
	fputc('"', out);
}
