/* SPDX-License-Identifier: MIT
 *
 * Errors on stderr.
 */
#include "tools/base/message.h"

#include <stdarg.h>
#include <stdio.h>

#include "tools/base/alloc.h"
#include "tools/base/escape.h"

void complain(const char *what, const char *format, ...)
{
	AUTOFREE char *why = NULL;
	va_list args;

	va_start(args, format);
	why = alloc_format_args(format, args);
	va_end(args);
	fprintf(stderr, "pycstash: %s%s%s\n",
		!what	? ""
		: *what ? escape_plain(what)
			: "''", /* an empty name would look like a mistake */
		what ? ": " : "", escape_plain(why));
}
