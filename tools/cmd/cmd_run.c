/* SPDX-License-Identifier: MIT
 *
 * pycstash run: puts the library into LD_PRELOAD and becomes the command. Nothing of
 * this process stays: signals, descriptors and the exit code are the command's own.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cli/command.h"
#include "tools/conf/settings.h"
#include "tools/gc/gc_due.h"
#include "tools/python/library.h"

static const struct opt_table options[] = { { settings_options, 0, 0 }, { 0 } };

static struct settings settings;

/* It runs all the same, and what it starts may be another kind of program. */
static void warn_of_obstacle(const char *name)
{
	AUTOFREE char *path = NULL;
	AUTOFREE char *obstacle =
		file_command(name, &path) == 0 ? library_obstacle(path) : NULL;

	if (obstacle)
		complain(name, "warning: it runs without the cache: %s", obstacle);
}

static int become(char **argv)
{
	int error;

	execvp(argv[0], argv);
	error = errno;
	if (error == ENOENT) {
		complain(argv[0], "%s",
			strchr(argv[0], '/')
				? "there is no such file, or its interpreter is missing"
				: "there is no such command on PATH");
		return EXIT_NOT_FOUND;
	}
	complain(argv[0], "it cannot be executed: %s", strerror(error));
	return EXIT_NOT_EXECUTABLE;
}

static int run(const struct command *self, char **words)
{
	int r;

	if (library_export(settings.library) < 0)
		return EXIT_OURS;
	r = settings_export(&settings);
	if (r < 0) {
		complain(NULL, "%s", strerror(-r));
		return EXIT_OURS;
	}
	warn_of_obstacle(words[0]);
	gc_due_start();
	return become(words);
}

const struct command cmd_run = {
	.name = "run",
	.flags = COMMAND_OPTIONS_FIRST | COMMAND_ANY_CONF | COMMAND_BECOMES,
	.run = run,
	.args = "[OPTIONS] [--] COMMAND [ARG...]",
	.least = 1,
	.most = -1,
	.summary = "run a command with its bytecode in the cache",
	.variables = &settings,
	.options = options,
};
