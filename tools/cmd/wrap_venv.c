/* SPDX-License-Identifier: MIT
 *
 * Wrapping the interpreters of a virtual environment.
 */
#include "tools/cmd/wrap_venv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cli/command.h"
#include "tools/python/filetype.h"

#define REAL ".real"

bool wrap_venv_is_bin(const char *bin)
{
	AUTOFREE char *venv = alloc_format("%s/../pyvenv.cfg", bin);
	AUTOFREE char *conda = alloc_format("%s/../conda-meta", bin);

	return access(venv, F_OK) == 0 || access(conda, F_OK) == 0;
}

/* python, python3, python3.13t, pypy3.10 */
static bool is_interpreter_name(const char *name)
{
	size_t stem = strncmp(name, "python", 6) == 0 ? 6
		      : strncmp(name, "pypy", 4) == 0 ? 4
						      : 0;

	return stem && name[stem + strspn(name + stem, "0123456789.t")] == '\0';
}

/* The program itself, or a link that leads out of the directory. */
static bool is_root(const char *path)
{
	AUTOFREE char *target = NULL;

	return file_readlink(path, &target) < 0 || strchr(target, '/');
}

static enum file_kind kind_of(const char *path)
{
	AUTOFREE char *line = NULL;
	int r = file_kind(path, &line);

	return r < 0 ? FILE_OTHER : (enum file_kind)r;
}

/* What is done with a name that is an interpreter's: path, and what it is or becomes
 * besides. */
typedef int venv_action(const char *path, const char *real, wrap_venv_writer *write);

static int wrap_one(const char *path, const char *real, wrap_venv_writer *write)
{
	bool done = kind_of(path) == FILE_WRAPPER;
	int code;

	if (done && access(real, X_OK) == 0) /* unless that leads to another wrapper */
		return kind_of(real) == FILE_WRAPPER ? EXIT_OK : write(path, real);
	if (done || !is_root(path) || access(path, X_OK) < 0)
		return EXIT_FOUND;
	/* a link of both names to one file: at no time is there no interpreter */
	(void)unlink(real);
	if (link(path, real) < 0) {
		complain(real, "%s", strerror(errno));
		return EXIT_OURS;
	}
	code = write(path, real);
	if (code != EXIT_OK)
		(void)unlink(real);
	return code;
}

static int remove_one(const char *path, const char *real, wrap_venv_writer *write)
{
	if (kind_of(path) != FILE_WRAPPER || access(real, X_OK) < 0)
		return EXIT_FOUND;
	if (rename(real, path) == 0)
		return EXIT_OK;
	complain(path, "%s", strerror(errno));
	return EXIT_OURS;
}

/* EXIT_FOUND: there was nothing to do. */
static int each(
	const char *bin, const char *except, venv_action *action, wrap_venv_writer *write)
{
	char **names = file_names(open(bin, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int worst = EXIT_FOUND;

	if (!names) {
		complain(bin, "%s", strerror(errno));
		return EXIT_OURS;
	}
	for (; *names; names++) {
		AUTOFREE char *path = alloc_format("%s/%s", bin, *names);
		AUTOFREE char *real = alloc_format("%s" REAL, path);
		bool left = !is_interpreter_name(*names) ||
			    (except && strcmp(path, except) == 0);
		int code = left ? EXIT_FOUND : action(path, real, write);

		if (worst == EXIT_FOUND || code > EXIT_FOUND)
			worst = code;
	}
	return worst;
}

int wrap_venv_all(const char *bin, const char *except, wrap_venv_writer *write)
{
	return each(bin, except, wrap_one, write);
}

int wrap_venv_remove(const char *bin)
{
	return each(bin, NULL, remove_one, NULL);
}
