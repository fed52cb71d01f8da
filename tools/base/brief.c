/* SPDX-License-Identifier: MIT
 *
 * The last texts of each thread.
 */
#include "tools/base/brief.h"

#include <stdarg.h>
#include <stdlib.h>

#include "tools/base/alloc.h"

const char *brief_keep(char *text)
{
	static _Thread_local char *texts[BRIEF_TEXTS];
	static _Thread_local unsigned next;
	char **oldest = &texts[next++ % BRIEF_TEXTS];

	free(*oldest);
	return *oldest = text;
}

const char *brief_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = alloc_format_args(format, args);
	va_end(args);
	return brief_keep(text);
}
