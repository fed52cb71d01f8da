/* SPDX-License-Identifier: MIT
 *
 * pycstash verify: checks every entry and object against all that can be known about it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/json.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"
#include "tools/cache/lock.h"
#include "tools/cache/owner.h"
#include "tools/cli/command.h"
#include "tools/cli/opt.h"
#include "tools/verify/verify.h"
#include "tools/verify/verify_kinds.h"

static const struct opt own_options[] = {
	{ "repair", 0, NULL,
		"delete bad files; Python compiles them again when it needs them",
		OPT_FLAG(struct verify, repair) },
	{ "deep", 0, NULL,
		"compile the sources again, with the interpreters found on this machine, and compare the code",
		OPT_FLAG(struct verify, deep) },
	{ 0 },
};

static struct verify verify_request = {
	.recompile = { .mutex = PTHREAD_MUTEX_INITIALIZER },
	.finder = { .mutex = PTHREAD_MUTEX_INITIALIZER },
	.output = PTHREAD_MUTEX_INITIALIZER
};

/* --- together ------------------------------------------------------------------------*/

/* Returns how many files are damaged, wrong or different. */
static uint64_t count_bad(const struct verify *verify)
{
	uint64_t ret = 0;

	for (enum verify_result i = 0; i < VERIFY_RESULTS; i++)
		ret += verify_finding_is_bad(i) ? verify->results[i] : 0;
	return ret;
}

static void print_summary(const struct verify *verify, uint64_t failed)
{
	printf("%" PRIu64 " entries and %" PRIu64 " objects (%s): %" PRIu64 " bad",
		verify->entries, verify->objects, units_size(verify->bytes),
		count_bad(verify));
	if (verify->repair)
		printf(", %" PRIu64 " deleted", verify->repaired);
	if (verify->results[VERIFY_FOREIGN])
		printf(", %" PRIu64 " foreign", verify->results[VERIFY_FOREIGN]);
	if (verify->deep)
		printf(", %" PRIu64 " compiled again", verify->recompile.compared);
	if (verify->results[VERIFY_UNCHECKED])
		printf(", %" PRIu64 " not checked", verify->results[VERIFY_UNCHECKED]);
	if (verify->modes.writable)
		printf(", %" PRIu64 "%s writable by others", verify->modes.writable,
			verify->repair ? " were" : "");
	if (verify->modes.closed)
		printf(", %" PRIu64 "%s closed to you", verify->modes.closed,
			verify->repair ? " were" : "");
	if (verify->modes.inherited)
		printf(", %" PRIu64 " %s a default ACL", verify->modes.inherited,
			verify->repair ? "had" : "with");
	failed += verify->results[VERIFY_UNREADABLE];
	if (failed)
		printf("; %" PRIu64 " could not be read", failed);
	putchar('\n');
}

static void print_summary_object(const struct verify *verify, uint64_t failed)
{
	struct json json = json_begin(stdout, "verify", 1);

	json_string(&json, "cache", verify->cache.root);
	json_unsigned(&json, "entries", verify->entries);
	json_unsigned(&json, "objects", verify->objects);
	json_unsigned(&json, "bytes", verify->bytes);
	for (int i = 0; i < VERIFY_RESULTS; i++)
		json_unsigned(&json, verify_result_names[i], verify->results[i]);
	json_unsigned(&json, "unreadable_directories", failed);
	json_unsigned(&json, "repaired", verify->repaired);
	json_unsigned(&json, "freed", verify->freed.bytes);
	json_unsigned(&json, "compared", verify->recompile.compared);
	json_unsigned(&json, "uncompared", verify->results[VERIFY_UNCHECKED]);
	json_unsigned(&json, "writable", verify->modes.writable);
	json_unsigned(&json, "closed", verify->modes.closed);
	json_unsigned(&json, "default_acls", verify->modes.inherited);
	json_bool(&json, "complete", !interrupt_came());
	json_close(&json);
}

static bool has_seen_any(const struct verify *verify)
{
	for (int i = 0; i < VERIFY_RESULTS; i++)
		if (verify->results[i])
			return true;
	return false;
}

static int conclude(struct verify *verify, uint64_t failed)
{
	if (verify->common.json)
		print_summary_object(verify, failed);
	else if (!verify->common.quiet)
		print_summary(verify, failed);
	if (interrupt_came())
		return common_interrupted(NULL, "the rest was not verified");
	/* Most caches have something that cannot be checked, so scripts accept 3. */
	if (count_bad(verify))
		return EXIT_FOUND;
	if (failed || verify->results[VERIFY_UNREADABLE] || verify->incomplete ||
		verify->results[VERIFY_UNCHECKED] ||
		((verify->modes.writable || verify->modes.closed ||
			 verify->modes.inherited) &&
			!verify->repair))
		return EXIT_PARTLY;
	return select_conclude(&verify->select, "verify", has_seen_any(verify));
}

static int look(struct verify *verify)
{
	uint64_t failed;
	int r = verify_run(verify, &failed);

	return r < 0 && r != -EINTR ? common_failed(verify->cache.root, r)
				    : conclude(verify, failed);
}

static int look_locked(struct verify *verify)
{
	AUTOCLOSE int lock = lock_take(&verify->cache, LOCK_PATIENCE);

	return lock < 0 ? lock_refused(&verify->cache, lock) : look(verify);
}

static int run(const struct command *self, char **words)
{
	struct verify *verify = &verify_request;
	int code = select_words(&verify->select, words), r;

	if (code != EXIT_OK)
		return code;
	if (!verify->repair || verify->common.as_owner)
		(void)owner_become(verify->common.dir);
	code = cache_open(&verify->cache, verify->common.dir);
	if (code != EXIT_OK)
		return code;
	interrupt_catch();
	verify->began = clock_real();
	modes_begin(&verify->modes, verify->repair);
	r = verify_kinds_look(verify);
	if (r < 0)
		return lock_refused_layout(&verify->cache, r);
	return verify->repair ? look_locked(verify) : look(verify);
}

const struct command_code cmd_verify = {
	.run = run,
	.variables = &verify_request,
	.options = {
		{ own_options, 0, 0 },
		{ select_options, offsetof(struct verify, select), SELECT_TAG },
		{ common_rows, 0, COMMON_DIR | COMMON_AS_OWNER | COMMON_JSON | COMMON_QUIET | COMMON_JOBS },
	},
};
