/* SPDX-License-Identifier: MIT
 *
 * Errors on stderr.
 */
#include "tools/base/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/escape.h"

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
		escape_plain(stderr, *what ? what : "''"); /* or it looks like a slip */
		fputs(": ", stderr);
	}
	escape_plain(stderr, why ? why : strerror(ENOMEM));
	fputc('\n', stderr);
	funlockfile(stderr);
	free(why);
}
