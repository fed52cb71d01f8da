/* SPDX-License-Identifier: MIT
 *
 * A set of names on uthash.
 */
#include "tools/base/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/hash.h"

struct names {
	const char *name;
	UT_hash_handle hh;
};

int names_add(struct names **names, const char *name)
{
	bool out_of_memory = false;
	struct names *one;

	if (names_has(*names, name))
		return 0;
	one = malloc(sizeof *one);
	if (!one)
		return -ENOMEM;
	one->name = name;
	HASH_ADD_KEYPTR(hh, *names, one->name, strlen(one->name), one);
	if (!out_of_memory)
		return 0;
	free(one);
	return -ENOMEM;
}

bool names_has(const struct names *names, const char *name)
{
	const struct names *found;

	HASH_FIND_STR(names, name, found);
	return found != NULL;
}

void names_release(struct names **names)
{
	struct names *one, *next;

	HASH_ITER (hh, *names, one, next) {
		HASH_DEL(*names, one);
		free(one);
	}
}
