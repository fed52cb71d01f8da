/* SPDX-License-Identifier: MIT
 *
 * Finds interpreters and asks them for their properties.
 */
#include "tools/python/interpreters.h"

#include <endian.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/python/release.h"
#include "tools/base/alloc.h"
#include "tools/base/brief.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/trust.h"
#include "tools/python/filetype.h"
#include "tools/python/script.h"

static const char question[] =
	"from _frozen_importlib_external import MAGIC_NUMBER\n"
	"if not sys.implementation.cache_tag:\n"
	"    sys.exit('it has no cache tag')\n"
	"print(sys.implementation.cache_tag.encode().hex())\n"
	"print('.'.join(map(str, sys.version_info[:3])).encode().hex())\n"
	"print(MAGIC_NUMBER.hex().encode().hex())\n";

/* The names of interpreters; python3-config and the like do not match. */
static const char *const patterns[] = { "python", "python3", "python3.[0-9]",
	"python3.[0-9][0-9]", "python3.[0-9][0-9]t", "pypy3", "pypy3.[0-9]",
	"pypy3.[0-9][0-9]" };

static int ask(const char *name, int seconds, bool loud, struct python *python)
{
	AUTOFREE char *reason = NULL;
	const struct script script = { .python = python->path,
		.flags = "-ISB",
		.code = question,
		.seconds = seconds < SCRIPT_SECONDS ? seconds : SCRIPT_SECONDS };
	char *fields[3];
	int r = script_run(&script, fields, 3, &reason);

	if (r == 0) {
		python->tag = fields[0];
		python->version = fields[1];
		r = python_read_magic(fields[2], python->magic) ? 0 : -EPROTO;
		free(fields[2]);
	}
	if (!loud || r == 0 || r == -EINTR)
		return r;
	if (r == -ENOEXEC || r == -EPROTO)
		complain(name,
			"this is not an interpreter that keeps bytecode (Python 3.6 or later): %s",
			reason ? reason : "it gives an unexpected answer");
	else
		complain(name, "cannot be run: %s", strerror(-r));
	return r;
}

int python_ask(const char *name, int seconds, bool loud, struct python *ret)
{
	struct python python = { .path = NULL };
	int r = file_command(name, &python.path);

	if (r < 0 && loud)
		complain(name, "%s",
			r == -ENOENT ? "there is no such interpreter" : strerror(-r));
	if (r == 0)
		r = ask(name, seconds, loud, &python);
	*ret = python;
	return r;
}

uint8_t python_release(const struct python *python)
{
	return (uint8_t)release_of(python->tag, python->version);
}

bool python_read_magic(const char *hex, uint8_t ret[4])
{
	char *end;
	uint32_t magic = htobe32((uint32_t)strtoul(hex, &end, 16));

	memcpy(ret, &magic, sizeof magic);
	return end == hex + 2 * sizeof magic;
}

/* --- finding them --------------------------------------------------------------------*/

/* A list that grows. */
struct finder {
	struct python *list;
	size_t count;
};

static bool is_known(const struct finder *finder, const char *place)
{
	for (size_t i = 0; i < finder->count; i++)
		if (strcmp(finder->list[i].place, place) == 0)
			return true;
	return false;
}

/* Global because glob(3) has no context. */
static size_t unseen;

/* Counts and reports what nobody could look at. Returns 0, which means to glob to go
 * on. */
static int note(const char *path, int error)
{
	if (file_is_unseen(-error) && error != EINTR) {
		complain(path, "cannot be looked at: %s", strerror(error));
		unseen++;
	}
	return 0;
}

size_t interpreters_unseen(void)
{
	return unseen;
}

/* Returns whether it is a program. Scripts are left out: pyenv's shims start an
 * interpreter that is found in its own directory, and our own wrappers start one that
 * is on PATH too. */
static bool is_program(const char *place)
{
	AUTOFREE char *line = NULL;

	int kind = file_kind(place, &line);

	(void)note(place, kind < 0 ? -kind : 0);
	return kind == FILE_ELF;
}

/* Returns whether the interpreter may be run. No user has named it, so one that another
 * user could have put there is not run. What was judged is what is run: if the whole way
 * to it is trusted, nobody else can change any part of it. One that is absent was not
 * judged. */
static bool may_run(const char *path)
{
	AUTOFREE char *why = NULL;
	bool trusted = trust_file(path, &why) == 0;

	if (!trusted)
		complain(path, "not run: %s",
			why ? why : "it is not known who can change it");
	return trusted;
}

static void try_path(struct finder *finder, const char *path)
{
	char *place = realpath(path, NULL);
	struct python python;
	int r = place ? 0 : -errno;

	if (r == 0 && (is_known(finder, place) || !is_program(place) || !may_run(path)))
		r = -ENOENT;
	if (r == 0)
		r = python_ask(path, SCRIPT_SECONDS, false, &python);
	if (r < 0) {
		/* One that answers with something else is no interpreter of ours. */
		(void)note(path, r == -ENOEXEC || r == -EPROTO ? 0 : -r);
		free(place);
		return;
	}
	python.place = place;
	GROW(finder->list, finder->count);
	finder->list[finder->count++] = python;
}

/* directory: may be a pattern. */
static void find_in(struct finder *finder, const char *directory)
{
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		const char *pattern = brief_format("%s/%s", directory, patterns[i]);
		glob_t found;

		if (glob(pattern, 0, note, &found) != 0)
			continue;
		for (size_t n = 0; n < found.gl_pathc; n++)
			try_path(finder, found.gl_pathv[n]);
		globfree(&found);
	}
}

static void find_on_path(struct finder *finder)
{
	const char *search = getenv("PATH");

	while (search && *search) {
		size_t length = strcspn(search, ":");
		AUTOFREE char *directory = alloc_part(search, length);

		/* who owns a relative one depends on where we are */
		if (directory[0] == '/')
			find_in(finder, directory);
		search += length + (search[length] == ':');
	}
}

/* Finds the installations of a version manager: directories that each contain a bin.
 * They are in the directory that the variable names, else in `fallback` below
 * `base`. */
static void find_installed(struct finder *finder, const char *variable, const char *below,
	const char *base, const char *fallback)
{
	const char *place = getenv(variable);
	const char *given = place && *place ? place : base;
	AUTOFREE char *pattern = alloc_format("%s%s%s/*/bin", given ? given : "",
		given == place ? "" : fallback, below);

	if (given)
		find_in(finder, pattern);
}

static void find_managed(struct finder *finder)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	bool xdg = data && *data;

	find_installed(finder, "PYENV_ROOT", "/versions", home, "/.pyenv");
	find_installed(finder, "UV_PYTHON_INSTALL_DIR", "", xdg ? data : home,
		xdg ? "/uv/python" : "/.local/share/uv/python");
}

size_t interpreters_find(struct python **ret_list)
{
	struct finder finder = { .list = NULL };

	unseen = 0;
	find_on_path(&finder);
	find_in(&finder, "/usr/bin");
	find_in(&finder, "/usr/local/bin");
	find_managed(&finder);
	*ret_list = finder.list;
	return finder.count;
}

const char *interpreters_find_magic(const uint8_t magic[4])
{
	struct python *list;
	size_t count = interpreters_find(&list);

	for (size_t i = 0; i < count; i++)
		if (memcmp(list[i].magic, magic, sizeof list[i].magic) == 0)
			return list[i].path;
	return NULL;
}

/* --- magic numbers -------------------------------------------------------------------*/

/* A pyc begins with a 16-bit number and these two bytes, which a transfer in text mode
 * would damage. */
static const uint8_t line_end[2] = { '\r', '\n' };

static const struct magic_row rows[] = {
#define INTERPRETER(first, last, tag, header, code, name, releases) \
	{ first, last, tag, name, releases },
#include "shim/core/python/interpreters.def"
};

unsigned interpreters_magic_number(const uint8_t magic[4])
{
	return magic[0] | (unsigned)magic[1] << 8;
}

const struct magic_row *interpreters_of_magic(const uint8_t magic[4])
{
	static const struct magic_row unknown = { .tag = "" };
	unsigned number = interpreters_magic_number(magic);

	if (magic[2] == line_end[0] && magic[3] == line_end[1])
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if (rows[i].first <= number && number <= rows[i].last)
				return &rows[i];
	return &unknown;
}
