/* SPDX-License-Identifier: MIT
 *
 * The last texts of each thread. Most are numbers, and a million lines may have three
 * each, so short texts are not allocated.
 */
#include "tools/base/brief.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/core/base/digest.h"
#include "tools/base/alloc.h"

#define SHORT 32

struct brief {
	char *kept; /* NULL: the text is in `text` */
	char text[SHORT];
};

static struct brief *oldest(void)
{
	static _Thread_local struct brief briefs[BRIEF_TEXTS];
	static _Thread_local unsigned next;
	struct brief *brief = &briefs[next++ % BRIEF_TEXTS];

	free(brief->kept);
	brief->kept = NULL;
	return brief;
}

const char *brief_keep(char *text)
{
	return oldest()->kept = text;
}

const char *brief_format(const char *format, ...)
{
	struct brief *brief = oldest();
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(brief->text, SHORT, format, args);
	va_end(args);
	if (len < SHORT)
		return brief->text;
	va_start(args, format);
	brief->kept = alloc_format_args(format, args);
	va_end(args);
	return brief->kept;
}

const char *brief_hex(const void *bytes, size_t size)
{
	char *hex = alloc_array(2 * size + 1, 1);

	digest_hex(bytes, size, hex);
	return brief_keep(hex);
}
