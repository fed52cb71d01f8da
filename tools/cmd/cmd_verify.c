/* SPDX-License-Identifier: MIT
 *
 * pycstash verify: every entry and object against all that can be known of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/base/human.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/cache/lock.h"
#include "tools/cli/command.h"
#include "tools/verify/verify.h"

enum {
	KEY_REPAIR,
	KEY_DEEP,
};

static const struct opt own_options[] = {
	{ "repair", 0, NULL, "delete what is bad: it is compiled again when it is needed",
		KEY_REPAIR },
	{ "deep", 0, NULL,
		"compile the sources again, with the interpreters there are,\n"
		"and compare the code",
		KEY_DEEP },
	{ NULL, 0, NULL, NULL, 0 },
};

static const struct opt *const options[] = { own_options, common_dir, common_json,
	common_jobs, select_tag_options, NULL };

/* --- together ------------------------------------------------------------------------*/

static uint64_t count_bad(const struct verify *verify)
{
	return verify->results[CHECK_DAMAGED] + verify->results[CHECK_WRONG] +
	       verify->results[CHECK_DIFFERENT];
}

static void print_summary(const struct verify *verify, uint64_t failed)
{
	char size[HUMAN_SIZE];

	printf("%llu entries and %llu objects (%s): %llu bad",
		(unsigned long long)verify->entries, (unsigned long long)verify->objects,
		human_size(verify->bytes, size), (unsigned long long)count_bad(verify));
	if (verify->repair)
		printf(", %llu deleted", (unsigned long long)verify->repaired);
	if (verify->results[CHECK_FOREIGN])
		printf(", %llu foreign",
			(unsigned long long)verify->results[CHECK_FOREIGN]);
	if (verify->deep)
		printf(", %llu compiled again",
			(unsigned long long)verify->recompiled.compared);
	if (verify->recompiled.uncompared)
		printf(", %llu not", (unsigned long long)verify->recompiled.uncompared);
	failed += verify->results[CHECK_UNREADABLE];
	if (failed)
		printf("; %llu could not be read", (unsigned long long)failed);
	putchar('\n');
}

static void print_summary_object(const struct verify *verify, uint64_t failed)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_schema(&json, "verify", 1);
	json_string(&json, "cache", verify->cache.root);
	json_unsigned(&json, "entries", verify->entries);
	json_unsigned(&json, "objects", verify->objects);
	json_unsigned(&json, "bytes", verify->bytes);
	for (int i = 0; i < CHECK_RESULTS; i++)
		json_unsigned(&json, check_result_names[i], verify->results[i]);
	json_unsigned(&json, "unreadable_directories", failed);
	json_unsigned(&json, "repaired", verify->repaired);
	json_unsigned(&json, "freed", verify->freed.bytes);
	json_unsigned(&json, "compared", verify->recompiled.compared);
	json_unsigned(&json, "uncompared", verify->recompiled.uncompared);
	json_bool(&json, "complete", !interrupt_came());
	json_close(&json);
}

static int conclude(struct verify *verify, uint64_t failed)
{
	if (verify->common.json)
		print_summary_object(verify, failed);
	else
		print_summary(verify, failed);
	if (interrupt_came()) {
		complain(NULL, "interrupted: the rest was not looked at");
		return interrupt_exit_code();
	}
	if (failed || verify->results[CHECK_UNREADABLE] || verify->incomplete ||
		verify->recompiled.uncompared)
		return EXIT_PARTLY;
	return count_bad(verify) ? EXIT_FOUND : EXIT_OK;
}

static int look(struct verify *verify)
{
	uint64_t failed;
	int r = verify_look(verify, &failed);

	if (r < 0 && r != -EINTR) {
		complain(verify->cache.root, "%s", strerror(-r));
		return EXIT_OURS;
	}
	return conclude(verify, failed);
}

static int look_locked(struct verify *verify)
{
	int lock = lock_take(&verify->cache, LOCK_PATIENCE), code;

	if (lock < 0)
		return lock_refused(&verify->cache, lock);
	code = look(verify);
	lock_release(lock);
	return code;
}

static int start(struct verify *verify, char *const *words)
{
	int code = select_words(&verify->select, words);

	if (code != EXIT_OK)
		return code;
	code = cache_open(&verify->cache, verify->common.dir);
	if (code != EXIT_OK)
		return code;
	interrupt_catch();
	code = verify->repair ? look_locked(verify) : look(verify);
	cache_close(&verify->cache);
	return code;
}

static int take(struct verify *verify, const struct opt *opt, const char *value)
{
	int r;

	switch (opt->key) {
	case KEY_REPAIR:
		verify->repair = true;
		return 0;
	case KEY_DEEP:
		verify->deep = true;
		return 0;
	default:
		r = common_take(&verify->common, opt, value);
		return r == -ENOENT ? select_take(&verify->select, opt, value) : r;
	}
}

static int run(const struct command *self, int argc, char **argv)
{
	struct verify verify = { .recompile = RECOMPILE_NONE,
		.output = PTHREAD_MUTEX_INITIALIZER };
	struct opt_parser parser;
	const struct opt *opt;
	int r, code;

	(void)argc;
	opt_begin(&parser, self, argv);
	while ((r = opt_next(&parser, &opt)) > 0)
		if ((r = take(&verify, opt, parser.value)) < 0)
			break;
	code = r < 0 ? opt_exit_code(r) : start(&verify, argv + parser.index);
	recompile_release(&verify.recompile);
	select_release(&verify.select);
	return code;
}

/* clang-format off */
static const char notes[] =
	"PATH is a source, a directory of sources or a pattern, and then their entries are\n"
	"verified; without it all is, objects too. Layers are not.\n"
	"\n"
	"A line for each finding:\n"
	"  damaged     not what was written: no seal, another checksum, a code object that is\n"
	"              not whole, an object under another source's name\n"
	"  wrong       whole, and its seal says that it is of the source as it is, but that\n"
	"              has other content: the one thing that must never be\n"
	"  different   with --deep: not the code that the interpreter makes of the source\n"
	"  foreign     not made by pycstash, or by a newer one, or another user's: never served,\n"
	"              never deleted\n"
	"  unreadable  could not be read; the rest was\n"
	"Entries that are merely out of date are neither: `pycstash ls --state stale`.\n"
	"\n"
	"--repair deletes what is damaged, wrong or different, each after a second look that\n"
	"it is still the same file. It is compiled again when it is needed.\n"
	"\n"
	"--deep runs the interpreters there are for the tags and magic numbers of the cache.\n"
	"They compile, and execute nothing. A pyc is different only if all of them say so.\n"
	"\n"
	"--json prints a line of the schema pycstash.finding/1 for each finding, and one of\n"
	"pycstash.verify/1 at the end; see docs/json.md.\n"
	"\n"
	"Exit code: 0 if all is well; 1 if something is damaged, wrong or different, deleted\n"
	"or not; 3 if something could not be read, deleted or compared.\n"
	"\n"
	"Example: after a crash of the machine\n"
	"  pycstash verify --repair\n";
/* clang-format on */

const struct command cmd_verify = {
	.name = "verify",
	.run = run,
	.args = "[OPTIONS] [PATH…]",
	.summary = "check every entry and object, and delete what is bad",
	.options = options,
	.notes = notes,
};
