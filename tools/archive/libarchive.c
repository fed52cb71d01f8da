/* SPDX-License-Identifier: MIT
 *
 * Loading libarchive.
 */
#include "tools/archive/libarchive.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/base/message.h"

/* The name of its ABI, the same since libarchive 3.0. */
#define SONAME "libarchive.so.13"

static const struct {
	const char *name;
	size_t at;
} functions[] = {
#define ROW(function) { #function, offsetof(struct libarchive, function) },
	LIBARCHIVE_FUNCTIONS(ROW)
#undef ROW
};

static bool fill(struct libarchive *lib, void *handle)
{
	size_t i;

	for (i = 0; i < sizeof functions / sizeof *functions; i++) {
		void *function = dlsym(handle, functions[i].name);

		if (!function)
			return false;
		*(void **)((char *)lib + functions[i].at) = function;
	}
	return true;
}

const struct libarchive *libarchive(void)
{
	static struct libarchive lib;
	static bool filled;
	void *handle;

	if (filled)
		return &lib;
	handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
	filled = handle && fill(&lib, handle);
	if (filled)
		return &lib;
	complain(SONAME, "%s; archives need it (Debian: libarchive13)", dlerror());
	return NULL;
}
