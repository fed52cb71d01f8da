/* SPDX-License-Identifier: MIT
 *
 * The Levenshtein distance, one row of its matrix at a time.
 */
#include "tools/base/nearest.h"

#include <stddef.h>
#include <string.h>

#define LONGEST 64 /* our names are shorter, and nothing longer is near to one */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static unsigned distance(const char *a, const char *b)
{
	unsigned row[LONGEST + 1];
	unsigned i, j, diagonal, above;

	for (j = 0; j == 0 || b[j - 1]; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (j = 0; b[j]; j++) {
			above = row[j + 1];
			row[j + 1] =
				least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[strlen(b)];
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	size_t length = strlen(nearest->word);
	unsigned far;

	if (length > LONGEST || strlen(candidate) > LONGEST)
		return;
	far = distance(nearest->word, candidate);
	/* A third of the characters may differ: one in "rn". If both might, "ls" would be
	 * near to everything. */
	if (far > (length + 2) / 3 || (nearest->best && far >= nearest->distance))
		return;
	nearest->best = candidate;
	nearest->distance = far;
}
