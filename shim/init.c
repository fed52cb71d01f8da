/* SPDX-License-Identifier: MIT
 *
 * The constructor: finds the real functions and reads the settings. No system call,
 * no file: most programs that load us have nothing to do with Python.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "shim/calls.h"
#include "shim/process.h"
#include "shim/report.h"

/* Programs write over their environment (setproctitle) or put other strings there: what
 * is set is copied. Memory is mapped where settings are longer than a path. */
static void keep(const char *values[CONFIG_SETTINGS])
{
	static char usual[PATH_MAX];
	char *room = usual;
	size_t size = 0;

	for (int i = 0; i < CONFIG_SETTINGS; i++)
		size += values[i] ? strlen(values[i]) + 1 : 0;
	if (size > sizeof usual)
		room = sys_real.map(size);
	for (int i = 0; room && i < CONFIG_SETTINGS; i++)
		if (values[i]) {
			size_t length = strlen(values[i]) + 1;

			values[i] = memcpy(room, values[i], length);
			room += length;
		}
}

__attribute__((constructor)) static void init(int argc, char **argv)
{
	const char *values[CONFIG_SETTINGS];

	calls_resolve();
	for (int i = 0; i < CONFIG_SETTINGS; i++)
		values[i] = secure_getenv(config_names[i]);
	keep(values);
	config_read(&process_config, values, secure_getenv("HOME"),
		secure_getenv("XDG_CACHE_HOME"), getauxval(AT_SECURE) != 0);
	process_layers.list = process_config.layers;
	process_layers.refused = report_layer;
#ifndef __GLIBC__ /* which gives constructors main's arguments */
	argc = 0;
#endif
	process_config.variant =
		config_variant(argc > 0 ? (const char *const *)argv : NULL,
			secure_getenv("PYTHONNODEBUGRANGES"));
}
