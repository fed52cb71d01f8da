/* SPDX-License-Identifier: MIT */
#include "shim/core/base/shown.h"

size_t shown_decode(const unsigned char *p, unsigned *ret_character)
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

bool shown_is_control(unsigned character)
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

static void add_hex(struct text *text, const char *prefix, unsigned number, int digits)
{
	text_adds(text, prefix);
	while (digits-- > 0)
		text_add(text, &"0123456789abcdef"[number >> 4 * digits & 15], 1);
}

void shown_add(struct text *text, const char *string)
{
	const unsigned char *p = (const unsigned char *)string;
	unsigned character;
	size_t length;

	for (; *p; p += length ? length : 1) {
		length = shown_decode(p, &character);
		if (length && !shown_is_control(character))
			text_add(text, (const char *)p, length);
		else if (*p == '\n')
			text_adds(text, "\\n");
		else if (length < 2)
			add_hex(text, "\\x", *p, 2);
		else
			add_hex(text, "\\u", character, 4);
	}
}
