/* SPDX-License-Identifier: MIT */
#include "shim/core/base/text.h"

#include <string.h>

void text_add(struct text *text, const char *data, size_t len)
{
	size_t room = text->len < text->size ? text->size - 1 - text->len : 0;

	if (len > room) {
		len = room;
		text->cut = 1;
	}
	if (text->len >= text->size)
		return;
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

void text_adds(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_addu(struct text *text, uint64_t number)
{
	char digits[3 * sizeof number];
	char *p = digits + sizeof digits;

	do
		*--p = (char)('0' + number % 10);
	while (number /= 10);
	text_add(text, p, (size_t)(digits + sizeof digits - p));
}
