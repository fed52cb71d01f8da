/* SPDX-License-Identifier: MIT
 *
 * pycstash pull: takes bytecode that others have compiled from a store.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"
#include "tools/cache/layer_create.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/fleet/fleet.h"
#include "tools/fleet/pull.h"
#include "tools/fleet/store.h"

static const struct opt own_options[] = {
	{ "for", 0, "PATH",
		"take only packs that hold bytecode of sources below PATH; may be repeated",
		OPT_LIST(struct pull, wanted) },
	{ "layer", 0, "DIR",
		"put the bytecode into a read-only layer in DIR, not into the cache; if the layer exists, add to it, even while programs use it",
		OPT_STRING(struct pull, layer) },
	{ "verify-key", 0, "FILE",
		"take only what the holder of a public key in FILE has signed, instead of the setting trusted_keys",
		OPT_STRING(struct pull, verify_key) },
	{ "strict", 0, NULL,
		"fail if the store cannot be reached or has no pack, or if packs differ",
		OPT_FLAG(struct pull, strict) },
	{ 0 },
};

static struct pull pull_request;

static void print_object(const struct pull *pull)
{
	struct json json = json_begin(stdout, "pull", 1);

	json_string(&json, "cache", pull->cache ? pull->cache->root : NULL);
	json_bool(&json, "dry_run", pull->common.dry_run);
	json_unsigned(&json, "packs", pull->packs);
	json_unsigned(&json, "known", pull->known);
	json_unsigned(&json, "unwanted", pull->unwanted);
	json_unsigned(&json, "refused", pull->refused);
	json_unsigned(&json, "objects", pull->objects);
	json_unsigned(&json, "bytes", pull->bytes);
	json_unsigned(&json, "kept", pull->kept);
	json_unsigned(&json, "differing", pull->differing);
	json_unsigned(&json, "pack_bytes", pull->packed);
	json_close(&json);
}

static bool has_packs(const struct pull *pull)
{
	return pull->packs + pull->known + pull->unwanted + pull->refused > 0;
}

/* Says why there are no packs. */
static const char *explain_none(const struct pull *pull)
{
	return pull->absent ? "the store has no such directory or bucket"
			    : "nothing has been pushed to that store yet";
}

static void print_text(const struct pull *pull)
{
	printf("%s %" PRIu64 " pack%s (%s): %" PRIu64 " object%s, %s\n",
		pull->common.dry_run ? "would pull" : "pulled", pull->packs,
		pull->packs == 1 ? "" : "s", units_size(pull->packed), pull->objects,
		pull->objects == 1 ? "" : "s", units_size(pull->bytes));
	if (pull->kept)
		printf("  %" PRIu64 " left out, because the cache has its own\n",
			pull->kept);
	if (pull->differing)
		printf("  %" PRIu64 " of these differ from those of another pack\n",
			pull->differing);
	if (pull->known)
		printf("  %" PRIu64 " known already\n", pull->known);
	if (pull->unwanted)
		printf("  %" PRIu64 " hold nothing for these paths\n", pull->unwanted);
	if (pull->refused)
		printf("  %" PRIu64 " refused\n", pull->refused);
	if (!has_packs(pull))
		printf("  %s\n", explain_none(pull));
}

/* Returns the exit code. A failing store is not an error for the job that asks it, except
 * with --strict: without the store, Python compiles. Nor is a difference, which packs
 * that nobody forged can have (docs/format.md). */
static int conclude(const struct pull *pull, int r)
{
	if (r == -EINVAL)
		return EXIT_USAGE;
	if (r == -EINTR)
		return common_interrupted(pull->cache ? pull->cache->root : NULL,
			"what was pulled is whole and stays");
	if (r == -EAGAIN)
		return EXIT_LOCKED;
	if (r == STORE_FAILED)
		return pull->strict ? EXIT_PARTLY : EXIT_OK;
	if (r < 0)
		return common_exit_code(r);
	if (pull->strict && !has_packs(pull))
		complain("--strict", "%s", explain_none(pull));
	if (pull->strict && (pull->differing || !has_packs(pull)))
		return EXIT_PARTLY;
	return pull->refused || pull->unseen ? EXIT_PARTLY : EXIT_OK;
}

static int pull_into(struct pull *pull)
{
	int r = pull_run(pull);
	int finished = pull->layer && pull->cache ? layer_create_finish(pull->cache) : 0;

	if (finished == -EINTR)
		r = finished;
	else if (finished < 0)
		return common_failed(pull->cache->root, finished);
	if (pull->common.json)
		print_object(pull);
	else if (r == 0 && !pull->common.quiet)
		print_text(pull);
	return conclude(pull, r);
}

static int run(const struct command *self, char **words)
{
	static struct cache cache;
	struct pull *pull = &pull_request;
	int code;

	pull->url = fleet_url(words[0]);
	if (!pull->url)
		return EXIT_USAGE;
	if (pull->layer && pull->common.dir)
		return opt_usage(self, "--layer and --dir exclude each other");
	umask(077);
	interrupt_catch();
	if (fleet_keys(pull->verify_key, &pull->keys) < 0)
		return EXIT_REFUSED;
	code = layer_create_begin(&cache, &pull->common, pull->layer, true);
	if (code != EXIT_OK)
		return code;
	pull->cache = cache.root ? &cache : NULL;
	return pull_into(pull);
}

const struct command_code cmd_pull = {
	.run = run,
	.variables = &pull_request,
	.options = {
		{ own_options, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON | COMMON_DRY_RUN | COMMON_QUIET },
	},
};
