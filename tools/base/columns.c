/* SPDX-License-Identifier: MIT
 *
 * Breaking text into lines.
 */
#include "tools/base/columns.h"

#include <string.h>

/* The length of the text that goes on one line: as many words as fit. */
static int line_length(const char *text, int width)
{
	int fits = 0, i;

	for (i = 0; text[i] && i <= width; i++)
		if (text[i] == ' ')
			fits = i;
	return i > width && fits ? fits : i;
}

void columns_print(FILE *out, int column, int indent, const char *text)
{
	if (column > indent) {
		fputc('\n', out);
		column = 0;
	}
	for (; *text; column = 0) {
		int length = line_length(text, COLUMNS_WIDTH - indent);

		fprintf(out, "%*s%.*s\n", indent - column, "", length, text);
		text += length + (text[length] == ' ');
	}
}

void columns_print_lines(FILE *out, int indent, char *text)
{
	const char *line;

	while ((line = strsep(&text, "\n")) && text) {
		if (strlen(line) <= COLUMNS_WIDTH)
			fprintf(out, "%s\n", line);
		else
			columns_print(out, fprintf(out, "%.*s", indent, line), indent,
				line + indent);
	}
}
