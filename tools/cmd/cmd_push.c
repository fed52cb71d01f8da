/* SPDX-License-Identifier: MIT
 *
 * pycstash push: puts bytecode of the cache into a store.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/fleet/fleet.h"
#include "tools/fleet/push.h"

static const struct opt own_options[] = {
	{ "sign", 0, "KEY",
		"sign the pack with the secret key of minisign in the file KEY",
		OPT_STRING(struct push, sign) },
	{ "expires", 0, "AGE",
		"with --sign: the signature expires after this time, such as `90d`",
		OPT_AGE(struct push, expires, 1) },
	{ "compact", 0, "AGE",
		"push one pack of all objects that were used within this time, such as `30d`, even if they are not new",
		OPT_AGE(struct push, compact, 1) },
	{ "public-only", 0, NULL,
		"leave out bytecode of sources that others may not read",
		OPT_FLAG(struct push, public_only) },
	{ 0 },
};

static struct push push_request;

static void print_object(const struct push *push)
{
	struct json json = json_begin(stdout, "push", 1);

	json_string(&json, "cache", push->cache.root);
	json_bool(&json, "dry_run", push->common.dry_run);
	json_string(&json, "pack", push->name[0] ? push->name : NULL);
	json_unsigned(&json, "objects", push->objects);
	json_unsigned(&json, "bytes", push->bytes);
	json_unsigned(&json, "pack_bytes", push->packed);
	json_unsigned(&json, "private", push->hidden);
	json_bool(&json, "signed", push->sign != NULL);
	json_close(&json);
}

static void print_text(const struct push *push)
{
	if (!push->name[0])
		puts("nothing to push: no object is new");
	else
		printf("%s %" PRIu64 " objects, %s in %s: %s\n",
			push->common.dry_run ? "would push" : "pushed", push->objects,
			units_size(push->bytes), units_size(push->packed), push->name);
}

static int run(const struct command *self, char **words)
{
	struct push *push = &push_request;
	int code, r;

	push->url = fleet_url(words[0]);
	if (!push->url)
		return EXIT_USAGE;
	if (push->expires && !push->sign)
		return opt_usage(self, "--expires needs --sign");
	code = cache_open(&push->cache, push->common.dir);
	if (code != EXIT_OK)
		return code;
	umask(022);
	interrupt_catch();
	r = push_run(push);
	if (r == 0 && push->common.json)
		print_object(push);
	else if (r == 0 && !push->common.quiet)
		print_text(push);
	if (r == 0 && push->objects && push->hidden && !push->public_only)
		complain(push->cache.root,
			"%" PRIu64
			" objects were made from sources that others may not read; keep the store private, or use --public-only",
			push->hidden);
	if (r == -EINVAL)
		return EXIT_USAGE;
	if (r == -EINTR)
		return common_interrupted(push->cache.root, "the next push starts again");
	if (common_exit_code(r) == EXIT_UNABLE)
		return EXIT_UNABLE;
	return r < 0 || push->unread ? EXIT_PARTLY : EXIT_OK;
}

const struct command_code cmd_push = {
	.run = run,
	.variables = &push_request,
	.options = {
		{ own_options, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON | COMMON_DRY_RUN | COMMON_QUIET },
	},
};
