/* SPDX-License-Identifier: MIT
 *
 * Finding interpreters and asking them what they are.
 */
#include "tools/python/interpreters.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/subprocess.h"
#include "tools/cache/trust.h"
#include "tools/python/filetype.h"

#define ASK_SECONDS 30

/* Without an import from sys.path, which may begin with a directory that is anyone's. */
static const char question[] =
	"import sys\n"
	"if sys.version_info < (3, 3):\n"
	"    sys.exit('Python %d.%d has no __pycache__' % sys.version_info[:2])\n"
	"from _frozen_importlib_external import MAGIC_NUMBER\n"
	"print(sys.implementation.cache_tag)\n"
	"print('.'.join(map(str, sys.version_info[:3])))\n"
	"print(MAGIC_NUMBER.hex())\n";

/* What interpreters are called; python3-config and such are not among them. */
static const char *const patterns[] = { "python", "python3", "python3.[0-9]",
	"python3.[0-9][0-9]", "python3.[0-9][0-9]t", "pypy3", "pypy3.[0-9]",
	"pypy3.[0-9][0-9]" };

static bool read_magic(const char *hex, uint8_t ret[4])
{
	unsigned byte;
	int used;

	for (int i = 0; i < 4; i++, hex += 2) {
		if (sscanf(hex, "%2x%n", &byte, &used) != 1 || used != 2)
			return false;
		ret[i] = (uint8_t)byte;
	}
	return *hex == '\n' || !*hex;
}

/* Takes the three lines of an answer. */
static int read_answer(const char *out, struct python *ret)
{
	const char *version = strchr(out, '\n'), *magic;

	magic = version ? strchr(version + 1, '\n') : NULL;
	if (!magic || !read_magic(magic + 1, ret->magic))
		return -EPROTO;
	ret->tag = strndup(out, (size_t)(version - out));
	ret->version = strndup(version + 1, (size_t)(magic - version - 1));
	if (!ret->tag || !ret->version)
		return -ENOMEM;
	return strcmp(ret->tag, "None") == 0 ? -ENOTSUP : 0;
}

static int ask(const char *name, int seconds, bool loud, struct python *python)
{
	char arguments[][4] = { "-E", "-s", "-S", "-B", "-c" };
	char *argv[] = { python->path, arguments[0], arguments[1], arguments[2],
		arguments[3], arguments[4], (char *)question, NULL };
	const char *const changes[] = { NULL };
	struct answer answer;
	int r = subprocess_run(
		argv, changes, seconds < ASK_SECONDS ? seconds : ASK_SECONDS, &answer);

	if (r < 0) {
		if (loud && r != -EINTR)
			complain(name, "cannot be run: %s", strerror(-r));
		return r;
	}
	r = answer_is_success(&answer) ? read_answer(answer.out, python) : -ENOEXEC;
	if (r < 0 && loud) {
		AUTOFREE char *reason = answer_reason(&answer);

		complain(name, "this is no interpreter that keeps bytecode: %s",
			r == -ENOEXEC ? reason : "it does not say which");
	}
	answer_release(&answer);
	return r;
}

int python_ask(const char *name, bool loud, struct python *ret)
{
	return python_ask_within(name, ASK_SECONDS, loud, ret);
}

int python_ask_within(const char *name, int seconds, bool loud, struct python *ret)
{
	struct python python = { .path = NULL };
	int r = file_command(name, &python.path);

	if (r < 0 && loud)
		complain(name, "%s",
			r == -ENOENT ? "there is no such interpreter" : strerror(-r));
	if (r == 0)
		r = ask(name, seconds, loud, &python);
	if (r < 0)
		python_release(&python);
	else
		*ret = python;
	return r;
}

void python_release(struct python *python)
{
	free(python->path);
	free(python->tag);
	free(python->version);
	*python = (struct python){ .path = NULL };
}

/* A list that grows, and where each of it is in truth. */
struct finder {
	struct python *list;
	char **places;
	size_t count;
};

static bool is_known(const struct finder *finder, const char *place)
{
	for (size_t i = 0; i < finder->count; i++)
		if (strcmp(finder->places[i], place) == 0)
			return true;
	return false;
}

static bool keep(struct finder *finder, struct python *python, char *place)
{
	struct python *list =
		reallocarray(finder->list, finder->count + 1, sizeof *finder->list);
	char **places;

	if (!list)
		return false;
	finder->list = list;
	places = reallocarray(finder->places, finder->count + 1, sizeof *finder->places);
	if (!places)
		return false;
	finder->places = places;
	list[finder->count] = *python;
	places[finder->count++] = place;
	return true;
}

/* Scripts are left out: those of pyenv start an interpreter that is found in its own
 * place, and our own wrappers one that is on PATH too. */
static bool is_program(const char *place)
{
	AUTOFREE char *line = NULL;

	return file_kind(place, &line) == FILE_ELF;
}

/* Nobody has named it: what another user could have put there is not run. */
static bool may_run(const char *path)
{
	AUTOFREE char *why = NULL;
	bool trusted = trust_file(path, &why) == 0;

	if (!trusted)
		complain(path, "not run: %s",
			why ? why : "it cannot be told who can change it");
	return trusted;
}

static void try_path(struct finder *finder, const char *path)
{
	char *place = realpath(path, NULL);
	struct python python;

	if (place && !is_known(finder, place) && is_program(place) && may_run(path) &&
		python_ask(path, false, &python) == 0) {
		if (keep(finder, &python, place))
			return;
		python_release(&python);
	}
	free(place);
}

static int is_named(const struct dirent *entry)
{
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		if (fnmatch(patterns[i], entry->d_name, 0) == 0)
			return 1;
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Calls back for each name in a directory that is of interest, in order of the letters.
 */
static void each(struct finder *finder, const char *directory,
	int (*wanted)(const struct dirent *),
	void (*call)(struct finder *finder, const char *path), const char *below)
{
	struct dirent **names;
	int count = scandir(directory, &names, wanted, alphasort);

	for (int i = 0; i < count; i++) {
		AUTOFREE char *path = NULL;

		if (asprintf(&path, "%s/%s%s", directory, names[i]->d_name, below) < 0)
			path = NULL;
		else
			call(finder, path);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

static void find_in(struct finder *finder, const char *directory)
{
	each(finder, directory, is_named, try_path, "");
}

static void find_on_path(struct finder *finder)
{
	const char *search = getenv("PATH");

	while (search && *search) {
		size_t length = strcspn(search, ":");
		AUTOFREE char *directory = strndup(search, length);

		/* relative ones depend on where we are, and whose that is */
		if (directory && directory[0] == '/')
			find_in(finder, directory);
		search += length + (search[length] == ':');
	}
}

/* The installations of a manager: directories with a bin in each. The place is what the
 * variable says, else `fallback` below `base`. */
static void find_installed(struct finder *finder, const char *variable, const char *below,
	const char *base, const char *fallback)
{
	const char *place = getenv(variable);
	AUTOFREE char *directory = NULL;
	int r;

	if (place && *place)
		r = asprintf(&directory, "%s%s", place, below);
	else
		r = base ? asprintf(&directory, "%s/%s%s", base, fallback, below) : -1;
	if (r < 0)
		directory = NULL;
	else
		each(finder, directory, is_visible, find_in, "/bin");
}

static void find_managed(struct finder *finder)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	bool xdg = data && *data;

	find_installed(finder, "PYENV_ROOT", "/versions", home, ".pyenv");
	find_installed(finder, "UV_PYTHON_INSTALL_DIR", "", xdg ? data : home,
		xdg ? "uv/python" : ".local/share/uv/python");
}

size_t interpreters_find(struct python **ret_list)
{
	struct finder finder = { .list = NULL };

	find_on_path(&finder);
	find_in(&finder, "/usr/bin");
	find_in(&finder, "/usr/local/bin");
	find_managed(&finder);
	for (size_t i = 0; i < finder.count; i++)
		free(finder.places[i]);
	free(finder.places);
	*ret_list = finder.list;
	return finder.count;
}

int interpreters_find_magic(const uint8_t magic[4], char **ret_path)
{
	struct python *list;
	size_t count = interpreters_find(&list);
	char *path = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!path && memcmp(list[i].magic, magic, sizeof list[i].magic) == 0) {
			path = list[i].path;
			list[i].path = NULL;
		}
		python_release(&list[i]);
	}
	free(list);
	*ret_path = path;
	return path ? 0 : -ENOENT;
}
