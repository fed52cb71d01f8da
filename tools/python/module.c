/* SPDX-License-Identifier: MIT
 *
 * Asking an interpreter for a module's source.
 */
#include "tools/python/module.h"

#include <errno.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cli/command.h"
#include "tools/python/script.h"

/* What packages print is kept off the answer. */
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

int module_find(const struct python *python, const char *module, char **ret_source)
{
	AUTOFREE char *reason = NULL;
	const char *const words[] = { module, NULL };
	int r = script_run(python->path, "-B", question, words, SCRIPT_SECONDS,
		ret_source, 1, &reason);

	if (r == 0)
		return EXIT_OK;
	if (r == -EINTR)
		return interrupt_exit_code();
	if (r == -ENOEXEC)
		complain(module, "%s cannot find its source: %s", python->path, reason);
	else
		complain(python->path, "cannot be run: %s", strerror(-r));
	return EXIT_UNABLE;
}
