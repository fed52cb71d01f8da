/* SPDX-License-Identifier: MIT
 *
 * Loading shared objects.
 */
#include "tools/base/shared_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "tools/base/exit.h"
#include "tools/base/message.h"

static void say(const struct shared_library *library)
{
	complain(library->soname, "%s; %s", dlerror(), library->who);
}

int shared_library_load(struct shared_library *library)
{
	if (!library->handle)
		library->handle = dlopen(library->soname, RTLD_NOW | RTLD_LOCAL);
	if (!library->handle && library->alternative)
		library->handle = dlopen(library->alternative, RTLD_NOW | RTLD_LOCAL);
	if (!library->handle)
		say(library);
	return library->handle ? 0 : -ENOSYS;
}

void *shared_library_symbol(const struct shared_library *library, const char *name)
{
	void *symbol = dlsym(library->handle, name);

	if (symbol)
		return symbol;
	say(library);
	exit(EXIT_UNABLE);
}
