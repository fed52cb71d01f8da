/* SPDX-License-Identifier: MIT
 *
 * Asking an interpreter for a module's source.
 */
#include "tools/python/module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/subprocess.h"
#include "tools/cli/command.h"

#define SECONDS 30

/* The name comes in hex, since it may hold any byte. What packages print is kept off the
 * answer. */
static const char question[] =
	"import os, sys\n"
	"out, sys.stdout = sys.stdout, sys.stderr\n"
	"import importlib.util\n"
	"try:\n"
	"    spec = importlib.util.find_spec(sys.argv[1])\n"
	"except (ImportError, ValueError) as error:\n"
	"    sys.exit(str(error))\n"
	"if spec is None:\n"
	"    sys.exit('no module of that name')\n"
	"if not spec.has_location or not spec.cached:\n"
	"    sys.exit('it has no source: ' + str(spec.origin or 'a namespace'))\n"
	"out.write(os.fsencode(os.path.abspath(spec.origin)).hex() + '\\n')\n";

/* Text of a string of hex digits with a line feed behind it. */
static char *read_hex(const char *hex)
{
	size_t len = strcspn(hex, "\n") / 2;
	char *text = malloc(len + 1);
	unsigned byte;

	for (size_t i = 0; text && i < len; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			byte = '?';
		text[i] = (char)byte;
	}
	if (text)
		text[len] = '\0';
	return text;
}

int module_find(const struct python *python, const char *module, char **ret_source)
{
	char dont_write[] = "-B", command[] = "-c";
	char *argv[] = { python->path, dont_write, command, (char *)question,
		(char *)module, NULL };
	const char *const changes[] = { NULL };
	struct answer answer;
	int r = subprocess_run(argv, changes, SECONDS, &answer);

	if (r == -EINTR)
		return interrupt_exit_code();
	if (r < 0) {
		complain(python->path, "cannot be run: %s", strerror(-r));
		return EXIT_UNABLE;
	}
	if (answer_is_success(&answer) && *answer.out) {
		*ret_source = read_hex(answer.out);
		r = *ret_source ? EXIT_OK : EXIT_OURS;
	} else {
		AUTOFREE char *reason = answer_reason(&answer);

		complain(module, "%s has no source of it: %s", python->path,
			reason ? reason : strerror(ENOMEM));
		r = EXIT_UNABLE;
	}
	answer_release(&answer);
	return r;
}
