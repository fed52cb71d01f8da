/* SPDX-License-Identifier: MIT
 *
 * Printing text that may contain any byte.
 */
#include "tools/base/escape.h"

#include <string.h>

#include "shim/core/base/shown.h"
#include "tools/base/alloc.h"
#include "tools/base/brief.h"

const unsigned char *escape_find(const unsigned char *text, bool quoted,
	size_t *ret_length, unsigned *ret_character)
{
	for (;;) {
		while (*text >= 0x20 && *text < 0x7f &&
			!(quoted && (*text == '"' || *text == '\\')))
			text++; /* the usual case */
		*ret_length = shown_decode(text, ret_character);
		if (*text < 0x80 || *ret_length == 0 || shown_is_control(*ret_character))
			return text;
		text += *ret_length;
	}
}

static void print_plain(FILE *out, const unsigned char *text)
{
	const unsigned char *p;
	unsigned character;
	size_t length;

	for (;; text = p + (length ? length : 1)) {
		p = escape_find(text, false, &length, &character);
		fwrite(text, 1, (size_t)(p - text), out);
		if (!*p)
			return;
		if (*p == '\n')
			fputs("\\n", out);
		else if (*p == '\t')
			fputs("\\t", out);
		else if (length < 2)
			fprintf(out, "\\x%02x", *p);
		else
			fprintf(out, "\\u%04x", character);
	}
}

const char *escape_plain(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	char *escaped = NULL;
	unsigned character;
	size_t length;
	FILE *out;

	if (!*escape_find(bytes, false, &length, &character))
		return text;
	out = open_memstream(&escaped, &length);
	if (!out)
		alloc_fail();
	print_plain(out, bytes);
	fclose(out);
	return brief_keep(escaped);
}

struct special {
	char character;
	const char *written; /* 4 bytes at most */
};

/* Puts a text between apostrophes, where a shell wants some characters to be written in
 * another way; `specials` ends with a NUL. */
static const char *quote(const char *text, const struct special *specials)
{
	char *word = alloc_array(4 * strlen(text) + sizeof "''", 1);
	char *end = word;

	*end++ = '\'';
	for (; *text; text++) {
		const struct special *special = specials;

		while (special->character && special->character != *text)
			special++;
		if (special->character)
			end = mempcpy(end, special->written, strlen(special->written));
		else
			*end++ = *text;
	}
	*end = '\'';
	return brief_keep(word);
}

const char *escape_sh(const char *text)
{
	static const struct special specials[] = { { '\'', "'\\''" }, { 0 } };

	return quote(text, specials);
}

const char *escape_fish(const char *text)
{
	static const struct special specials[] = { { '\'', "\\'" }, { '\\', "\\\\" },
		{ 0 } };

	return quote(text, specials);
}

const char *escape_csh(const char *text)
{
	static const struct special specials[] = { { '\'', "'\\''" }, { '!', "\\!" },
		{ '\n', "\\\n" }, { 0 } };

	return quote(text, specials);
}

void escape_line(FILE *out, const char *name, bool null)
{
	fputs(null ? name : escape_plain(name), out);
	fputc(null ? '\0' : '\n', out);
}
