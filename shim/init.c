/* SPDX-License-Identifier: MIT
 *
 * The constructor: finds the real functions and reads the settings. No system call,
 * no file: most programs that load us have nothing to do with Python.
 */
#include <stdlib.h>
#include <sys/auxv.h>

#include "shim/calls.h"
#include "shim/state.h"

__attribute__((constructor)) static void init(int argc, char **argv)
{
	const char *values[CONFIG_SETTINGS];

	calls_resolve();
	for (int i = 0; i < CONFIG_SETTINGS; i++)
		values[i] = secure_getenv(config_names[i]);
	config_read(&state_config, values, secure_getenv("HOME"),
		secure_getenv("XDG_CACHE_HOME"), getauxval(AT_SECURE) != 0);
#ifndef __GLIBC__ /* which gives constructors main's arguments */
	argc = 0;
#endif
	state_config.variant = config_variant(argc > 0 ? (const char *const *)argv : NULL,
		secure_getenv("PYTHONNODEBUGRANGES"));
}
