/* SPDX-License-Identifier: MIT
 *
 * pycstash dir: where the cache is.
 */
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/escape.h"
#include "tools/base/json.h"
#include "tools/cache/cache.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"

static const struct opt own_options[] = {
	{ "layers", 0, NULL,
		"also print the layers, in the order in which they are searched",
		OPT_FLAG(struct common, layers) },
	{ 0 },
};

static struct common common;

static void print_object(const char *root, const struct names *layers)
{
	struct json json = json_begin(stdout, "dir", 1);

	json_string(&json, "dir", root);
	json_bool(&json, "exists", access(root, F_OK) == 0);
	json_names(&json, "layers", layers);
	json_close(&json);
}

static int run(const struct command *self, char **words)
{
	AUTOFREE char *root = NULL;
	struct names layers;
	int code = cache_root(common.dir, &root);

	if (code != EXIT_OK)
		return code;
	layers = cache_layers();
	if (common.json)
		print_object(root, &layers);
	else
		escape_line(stdout, root, common.null);
	for (size_t i = 0; i < layers.count && common.layers && !common.json; i++)
		escape_line(stdout, layers.list[i], common.null);
	return EXIT_OK;
}

const struct command_code cmd_dir = {
	.run = run,
	.variables = &common,
	.options = {
		{ own_options, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON | COMMON_NULL },
	},
};
