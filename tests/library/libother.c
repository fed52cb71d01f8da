/* SPDX-License-Identifier: MIT
 *
 * Stands for any other preloaded library: it counts the calls that it passes on, and
 * writes the number to the file $OTHER_LOG at the end.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned opens, stats, renames;

#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

int open64(const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = va_arg(list, mode_t);
	va_end(list);
	opens++;
	return NEXT(open64)(path, flags, mode);
}

int stat64(const char *restrict path, struct stat64 *restrict st)
{
	stats++;
	return NEXT(stat64)(path, st);
}

int rename(const char *from, const char *to)
{
	renames++;
	return NEXT(rename)(from, to);
}

__attribute__((destructor)) static void end(void)
{
	const char *log = getenv("OTHER_LOG");
	FILE *file = log ? fopen(log, "a") : NULL;

	if (!file)
		return;
	fprintf(file, "%u %u %u\n", opens, stats, renames);
	fclose(file);
}
