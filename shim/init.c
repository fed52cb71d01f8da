/* SPDX-License-Identifier: MIT
 *
 * The constructor: notes where the real functions are and reads the settings. It makes no
 * system call in glibc unless there is a log, and opens one file in musl, since most
 * programs that load us have nothing to do with Python.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/process.h"
#include "shim/report.h"

/* Programs overwrite their environment (setproctitle) or put other strings there, so the
 * values of the settings are copied. If they are longer than a path, memory is mapped. */
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

/* The canary of the stack protector, on machines that do not keep it in thread-local
 * memory. glibc's is in ld.so: if the library needed that, every musl program that loads
 * it would end. Changed while no guarded function of ours is running. */
#if defined(__aarch64__) || defined(__arm__) || defined(__riscv)
uintptr_t init_guard __asm__("__stack_chk_guard") = 0xff0a5e00;

__attribute__((constructor(101), optimize("no-stack-protector"))) static void set_guard(
	void)
{
	const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);

	/* Uses the second half, since libc's own canary is made from the first. */
	for (size_t i = 1; random && i < sizeof init_guard; i++)
		((volatile unsigned char *)&init_guard)[i] = random[8 + i];
}
#endif

/* Returns the program's arguments. glibc passes them to constructors; in musl, these
 * parameters are garbage. Then at most `max` arguments are read into ret. */
static const char *const *arguments(
	int argc, char **argv, char **envp, const char *ret[], size_t max)
{
	static char line[PATH_MAX];
	const char *p = line;
	ssize_t length;
	int fd;

	if (argc > 0 && (uintptr_t)envp == (uintptr_t)argv + (argc + 1U) * sizeof *argv)
		return (const char *const *)argv;
	fd = sys_real.openat(AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
	length = fd < 0 ? 0 : sys_real.pread(fd, line, sizeof line - 1, 0);
	if (fd >= 0)
		sys_real.close(fd);
	*ret = NULL;
	for (size_t i = 0; i + 1 < max && length > 0 && p < line + length; i++) {
		ret[i] = p;
		ret[i + 1] = NULL;
		p += strlen(p) + 1;
	}
	return ret;
}

/* If there is no standard error, a file of the program's will get its number. */
static bool has_log(void)
{
	struct stat st;

	return strcmp(process_config.log, "stderr") != 0 ||
	       sys_real.kernel_stat(STDERR_FILENO, "", &st, AT_EMPTY_PATH) == 0;
}

__attribute__((constructor)) static void init(int argc, char **argv, char **envp)
{
	const char *words[64];
	const char *values[CONFIG_SETTINGS];
	const char *const *args =
		arguments(argc, argv, envp, words, sizeof words / sizeof *words);

	calls_begin();
	for (int i = 0; i < CONFIG_SETTINGS; i++)
		values[i] = secure_getenv(config_names[i]);
	keep(values);
	config_read(&process_config, values, secure_getenv("HOME"),
		secure_getenv("XDG_CACHE_HOME"), getauxval(AT_SECURE) != 0);
	if (process_config.log && !has_log())
		process_config.log = NULL;
	process_layers.list = process_config.layers;
	process_layers.refused = report_layer;
	process_config.variant =
		config_variant(args, secure_getenv("PYTHONNODEBUGRANGES"));
	process_config.writes =
		config_writes(args, secure_getenv("PYTHONDONTWRITEBYTECODE"));
}
