/* SPDX-License-Identifier: MIT
 *
 * Loading libarchive.
 */
#include "tools/archive/libarchive.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "tools/base/exit.h"
#include "tools/base/message.h"

/* The name of its ABI, the same since libarchive 3.0. */
#define SONAME "libarchive.so.13"

static void *library;

static void say(void)
{
	complain(SONAME, "%s; archives need it (Debian: libarchive13)", dlerror());
}

int libarchive_load(void)
{
	if (!library)
		library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		say();
	return library ? 0 : -ENOSYS;
}

void *libarchive_symbol(const char *name)
{
	void *symbol = dlsym(library, name);

	if (symbol)
		return symbol;
	say();
	exit(EXIT_UNABLE);
}
