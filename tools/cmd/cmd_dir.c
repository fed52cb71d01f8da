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
		"the layers as well, in the order in which they are searched",
		OPT_FLAG(struct common, layers) },
	{ 0 },
};

static struct common common;

/* json: where they go, or NULL for lines. */
static void print_layers(struct json *json)
{
	struct cache layer;

	for (size_t i = 0; cache_open_layer(&layer, i) == 0; i++) {
		if (json)
			json_string(json, NULL, layer.root);
		else
			escape_line(stdout, layer.root, common.null);
		cache_close(&layer);
	}
}

static void print_object(const char *root)
{
	struct json json = json_begin(stdout, "dir", 1);

	json_string(&json, "dir", root);
	json_bool(&json, "exists", access(root, F_OK) == 0);
	json_open(&json, "layers", '[');
	print_layers(&json);
	json_close(&json);
	json_close(&json);
}

static int run(const struct command *self, char **words)
{
	AUTOFREE char *root = NULL;
	int code = cache_root(common.dir, &root);

	if (code != EXIT_OK)
		return code;
	if (common.json) {
		print_object(root);
		return EXIT_OK;
	}
	escape_line(stdout, root, common.null);
	if (common.layers)
		print_layers(NULL);
	return EXIT_OK;
}

const struct command cmd_dir = {
	.name = "dir",
	.run = run,
	.args = "[--layers]",
	.summary = "print where the cache is",
	.variables = &common,
	.options = {
		{ own_options, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON | COMMON_NULL },
	},
};
