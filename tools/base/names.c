/* SPDX-License-Identifier: MIT
 *
 * Lists of names that grow.
 */
#include "tools/base/names.h"

#include <stdlib.h>
#include <string.h>

#include "tools/base/alloc.h"

void names_add(struct names *names, char *name)
{
	GROW(names->list, names->count + 1);
	names->list[names->count++] = name;
	names->list[names->count] = NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(struct names *names)
{
	size_t kept = 0;

	if (!names->count)
		return;
	qsort(names->list, names->count, sizeof *names->list, compare);
	for (size_t i = 0; i < names->count; i++)
		if (!kept || strcmp(names->list[kept - 1], names->list[i]) != 0)
			names->list[kept++] = names->list[i];
		else
			free(names->list[i]);
	names->list[kept] = NULL;
	names->count = kept;
}

bool names_has(const struct names *names, const char *name)
{
	return names->count &&
	       bsearch(&name, names->list, names->count, sizeof *names->list, compare);
}
