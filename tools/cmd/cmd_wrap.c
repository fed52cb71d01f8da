/* SPDX-License-Identifier: MIT
 *
 * pycstash wrap: prints a POSIX sh script that stands in for an interpreter.
 *
 * CPython and PyPy find their virtual environment by the name they are started
 * under: pyvenv.cfg lies beside it or one directory up. A script cannot choose another
 * name for what it executes (`exec -a` is not POSIX), so the interpreter's own name
 * is kept as it is, links and all, and becomes sys.executable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/embedded.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/whole_file.h"
#include "tools/cli/command.h"
#include "tools/cmd/wrap_venv.h"
#include "tools/conf/conf.h"
#include "tools/conf/settings.h"
#include "tools/python/filetype.h"
#include "tools/python/library.h"

#define MAX_LINKS 40 /* as many as the kernel follows */

struct wrap {
	struct settings settings;
	const char *output, *venv;
	bool remove;
};

static const struct opt own_options[] = {
	{ "output", 'o', "FILE",
		"write the wrapper to FILE (mode 0755) instead of stdout",
		OPT_STRING(struct wrap, output) },
	{ "venv", 0, "DIR", "wrap every interpreter of that virtual environment in place",
		OPT_STRING(struct wrap, venv) },
	{ "remove", 0, NULL, "with --venv: put the interpreters back",
		OPT_FLAG(struct wrap, remove) },
	{ 0 },
};

static struct wrap command;

static void print_gc(FILE *out)
{
	AUTOFREE char *self = NULL;

	if (!conf_number("auto_gc") || file_readlink("/proc/self/exe", &self) < 0)
		return;
	fprintf(out, "pycstash_command=%s\n%s", escape_sh(self), embedded_wrap_gc);
}

static void print_wrapper(FILE *out, const struct settings *settings, const char *library,
	const char *interpreter)
{
	fprintf(out,
		"#!/bin/sh\n" WRAPPER_MARK
		", made by `pycstash wrap`: runs the interpreter named in the\n"
		"# last line with its bytecode in the cache. Without the library it just runs it.\n"
		"unset pycstash_library\n"
		"pycstash_library=%s\n%s",
		escape_sh(library), embedded_wrap);
	if (!settings->keep_dontwrite)
		fputs("unset PYTHONDONTWRITEBYTECODE\n", out);
	conf_print_sh(out);
	print_gc(out);
	fprintf(out, "exec %s \"$@\"\n", escape_sh(interpreter));
}

/* Whether executing `path` would come to execute `place`: one of the names it leads
 * through is there. Such a wrapper would execute itself for ever. */
static int leads_through(const char *path, const char *place)
{
	AUTOFREE char *now = alloc_copy(path);

	for (int links = 0; links < MAX_LINKS; links++) {
		AUTOFREE char *here = NULL;
		AUTOFREE char *directory = NULL;
		AUTOFREE char *target = NULL;
		int r = file_place(now, &here);

		if (r < 0)
			return r;
		if (strcmp(here, place) == 0)
			return 1;
		r = file_readlink(here, &target);
		if (r < 0)
			return r == -EINVAL ? 0 : r;
		directory = file_parent(here);
		free(now);
		now = *target == '/' ? alloc_copy(target)
				     : alloc_format("%s/%s", directory, target);
	}
	return -ELOOP;
}

static int check_output(const char *output, const char *interpreter)
{
	AUTOFREE char *place = NULL;
	int r = file_place(output, &place);

	if (r == 0)
		r = leads_through(interpreter, place);
	if (r < 0) {
		complain(output, "%s", strerror(-r));
		return r;
	}
	if (r == 0)
		return 0;
	complain(output,
		"%s runs this file, so the wrapper would run itself for ever; move it within its directory first and wrap its new name",
		interpreter);
	return -ELOOP;
}

/* A program by its absolute name, or a script that is not one of our own wrappers. */
static int check_interpreter(const char *name, char **ret_path)
{
	AUTOFREE char *line = NULL;
	AUTOFREE char *path = NULL;
	AUTOFREE char *obstacle = NULL;
	const char *why = NULL;
	int r = file_command(name, &path);

	if (r < 0) {
		complain(name, "%s",
			r == -ENOENT ? "there is no such interpreter" : strerror(-r));
		return r;
	}
	r = file_kind(path, &line);
	if (r < 0)
		why = strerror(-r);
	else if (r == FILE_WRAPPER)
		why = "this is a wrapper already; give the interpreter that its last line names";
	else if (r == FILE_OTHER)
		why = "neither a program nor a script";
	if (why) {
		complain(path, "%s", why);
		return -EINVAL;
	}
	obstacle = library_obstacle(path);
	if (obstacle) {
		complain(path, "a wrapper would be useless: %s", obstacle);
		return -EINVAL;
	}
	if (r == FILE_SCRIPT)
		complain(path,
			"warning: this is a script (%s), so every program that it starts will be under the library; the real interpreter is what it prints for -c 'import sys; print(sys.executable)'",
			line);
	*ret_path = path;
	path = NULL;
	return 0;
}

/* Atomically: nobody may execute half a wrapper, and a name that is a symlink (a virtual
 * environment's python) is replaced rather than its target. */
static int write_wrapper(const char *output, const struct settings *settings,
	const char *library, const char *interpreter)
{
	struct whole_file file;
	int r = whole_file_begin(&file, AT_FDCWD, output, 0755);

	if (r < 0)
		return r;
	print_wrapper(file.out, settings, library, interpreter);
	return whole_file_publish(&file);
}

static int wrap(const struct settings *settings, const char *output, const char *name)
{
	AUTOFREE char *interpreter = NULL;
	AUTOFREE char *library = NULL;
	AUTOFREE char *why = NULL;
	int r = check_interpreter(name, &interpreter);

	if (r < 0)
		return EXIT_FOUND;
	r = library_find(settings->library, &library, &why);
	if (r < 0) {
		complain(NULL, "%s", why ? why : strerror(-r));
		return EXIT_OURS;
	}
	if (!output) {
		print_wrapper(stdout, settings, library, interpreter);
		return EXIT_OK;
	}
	r = check_output(output, interpreter);
	if (r < 0)
		return r == -ELOOP ? EXIT_REFUSED : EXIT_OURS;
	r = write_wrapper(output, settings, library, interpreter);
	if (r == -EEXIST) {
		complain(output,
			"not replaced: this is a device, a FIFO or a socket; without -o the wrapper goes to standard output");
		return EXIT_REFUSED;
	}
	if (r < 0)
		complain(output, "%s", strerror(-r));
	return r < 0 ? EXIT_OURS : EXIT_OK;
}

static int wrap_in_place(const char *output, const char *interpreter)
{
	return wrap(&command.settings, output, interpreter);
}

static int wrap_venv(const char *venv)
{
	AUTOFREE char *relative = alloc_format("%s/bin", venv);
	AUTOFREE char *bin = NULL;
	int r = file_absolute(relative, &bin), code;

	if (r < 0 || !wrap_venv_is_bin(bin)) {
		complain(venv, "%s",
			r < 0 ? strerror(-r)
			      : "this is not a virtual environment: it has no pyvenv.cfg");
		return EXIT_FOUND;
	}
	code = command.remove ? wrap_venv_remove(bin)
			      : wrap_venv_all(bin, NULL, wrap_in_place);
	if (code == EXIT_FOUND)
		complain(bin, "%s",
			command.remove ? "no interpreter here is wrapped"
				       : "there is no interpreter here");
	return code;
}

/* Where the wrapper has become one of the interpreters of an environment, its other names
 * are to be served too. */
static int wrap_beside(const char *output)
{
	AUTOFREE char *path = NULL;
	AUTOFREE char *bin = NULL;
	int code;

	if (file_absolute(output, &path) < 0)
		return EXIT_OK;
	bin = file_parent(path);
	if (!wrap_venv_is_bin(bin))
		return EXIT_OK;
	code = wrap_venv_all(bin, path, wrap_in_place);
	return code == EXIT_FOUND ? EXIT_OK : code;
}

static int run(const struct command *self, char **words)
{
	int code;

	if (!words[0] == !command.venv || (command.venv && command.output))
		return opt_usage(self, "either an INTERPRETER, or --venv DIR without -o");
	if (command.remove && !command.venv)
		return opt_usage(self, "--remove goes with --venv");
	if (command.venv)
		return wrap_venv(command.venv);
	code = wrap(&command.settings, command.output, words[0]);
	return code == EXIT_OK && command.output ? wrap_beside(command.output) : code;
}

const struct command_code cmd_wrap = {
	.run = run,
	.variables = &command,
	.options = {
		{ own_options, 0, 0 },
		{ settings_options, offsetof(struct wrap, settings), 0 },
	},
};
