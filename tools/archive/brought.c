/* SPDX-License-Identifier: MIT
 *
 * Objects and their packs.
 */
#include "tools/archive/brought.h"

#include <stddef.h>

#include "tools/base/hash.h"

struct brought {
	char *path, *pack;
	struct digest bytecode;
	UT_hash_handle hh;
};

void brought_add(struct brought **table, const char *path, const char *pack,
	struct digest bytecode)
{
	struct brought *object = alloc_array(1, sizeof *object);

	*object = (struct brought){
		.path = alloc_copy(path), .pack = alloc_copy(pack), .bytecode = bytecode
	};
	HASH_ADD_STR(*table, path, object);
}

const char *brought_by(
	struct brought *table, const char *path, struct digest *ret_bytecode)
{
	struct brought *object;

	HASH_FIND_STR(table, path, object);
	if (!object)
		return NULL;
	*ret_bytecode = object->bytecode;
	return object->pack;
}
