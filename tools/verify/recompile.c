/* SPDX-License-Identifier: MIT
 *
 * Comparing pycs with what an interpreter compiles.
 *
 * Records go to it, and answers come back, in files without a name: however many there
 * are, nobody waits for the other, and they take no memory.
 */
#include "tools/verify/recompile.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/core/python/pyc.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/versions.h"
#include "tools/python/interpreters.h"

/* A record is "pyc\0source\0level\0"; an answer, given for a pyc that is not the same, is
 * "D" (different) or "U" (could not be compared), the record, inode, ctime in
 * nanoseconds, size, and why, each with "\0" behind it. */
static const char program[] =
	"import marshal, os, sys, types\n"
	"PARTS = [name for name in '''argcount posonlyargcount kwonlyargcount nlocals\n"
	"    stacksize flags code consts names varnames freevars cellvars name qualname\n"
	"    firstlineno exceptiontable'''.split() if hasattr(types.CodeType, 'co_' + name)]\n"
	"LINES = 'linetable' if hasattr(types.CodeType, 'co_linetable') else 'lnotab'\n"
	"PARTS.append(LINES)\n"
	"HEADER = 16 if sys.version_info >= (3, 7) else 12\n"
	"def key(value):\n"
	"    kind = type(value).__name__\n"
	"    if isinstance(value, types.CodeType):\n"
	"        return kind, [key(getattr(value, 'co_' + part)) for part in PARTS]\n"
	"    if isinstance(value, (tuple, list)):\n"
	"        return kind, [key(one) for one in value]\n"
	"    if isinstance(value, (set, frozenset)):\n"
	"        return kind, sorted(repr(key(one)) for one in value)\n"
	"    return kind, hex(value) if kind == 'int' else repr(value)\n"
	"def difference(a, b):\n"
	"    for part in PARTS:\n"
	"        one, two = getattr(a, 'co_' + part), getattr(b, 'co_' + part)\n"
	"        if key(one) == key(two):\n"
	"            continue\n"
	"        if part == 'consts' and len(one) == len(two):\n"
	"            for c, d in zip(one, two):\n"
	"                if isinstance(c, types.CodeType) and isinstance(d, types.CodeType) and key(c) != key(d):\n"
	"                    return difference(c, d)\n"
	"        return 'co_%s of %s, line %d' % (part, a.co_name, a.co_firstlineno)\n"
	"def look(path, flags):\n" /* as file_look */
	"    try:\n"
	"        return os.open(path, flags | os.O_NOATIME)\n"
	"    except PermissionError:\n"
	"        return os.open(path, flags)\n"
	"def compare(pyc, source, level):\n"
	"    with open(pyc, 'rb', opener=look) as file:\n"
	"        stat = os.fstat(file.fileno())\n"
	"        stored = marshal.loads(file.read()[HEADER:])\n"
	"    try:\n"
	"        with open(source, 'rb') as file:\n"
	"            made = compile(file.read(), stored.co_filename, 'exec', dont_inherit=True, optimize=level)\n"
	"    except SyntaxError as error:\n"
	"        return stat, 'it does not compile: %s' % error\n"
	"    return stat, None if key(made) == key(stored) else difference(stored, made)\n"
	"def fields(file):\n"
	"    rest = b''\n"
	"    while True:\n"
	"        chunk = file.read(65536)\n"
	"        if not chunk:\n"
	"            return\n"
	"        parts = (rest + chunk).split(b'\\0')\n"
	"        rest = parts.pop()\n"
	"        for part in parts:\n"
	"            yield part\n"
	"def answer(*parts):\n"
	"    for part in parts:\n"
	"        if not isinstance(part, bytes):\n"
	"            part = str(part).encode('utf-8', 'replace')\n"
	"        out.write(part.replace(b'\\0', b'?') + b'\\0')\n"
	"out = sys.stdout.buffer\n"
	"records = fields(sys.stdin.buffer)\n"
	"for pyc, source, level in zip(records, records, records):\n"
	"    try:\n"
	"        stat, why = compare(pyc, source, int(level))\n"
	"        if why:\n"
	"            answer('D', pyc, source, level, stat.st_ino, stat.st_ctime_ns, stat.st_mtime_ns, stat.st_size, why)\n"
	"    except FileNotFoundError:\n"
	"        pass\n"
	"    except Exception as error:\n"
	"        answer('U', pyc, source, level, 0, 0, 0, 0, repr(error))\n";

enum { KIND, PYC, SOURCE, LEVEL, INODE, CTIME, MTIME, SIZE, WHY, FIELDS };

/* --- collecting ----------------------------------------------------------------------*/

static struct recompile_group *find_group(
	struct recompile *recompile, const char *version, const uint8_t magic[4])
{
	struct recompile_group *group, *grown;

	for (size_t i = 0; i < recompile->count; i++) {
		group = &recompile->groups[i];
		if (strcmp(group->version, version) == 0 &&
			memcmp(group->magic, magic, sizeof group->magic) == 0)
			return group;
	}
	if (strlen(version) >= sizeof group->version)
		return NULL;
	grown = reallocarray(recompile->groups, recompile->count + 1, sizeof *grown);
	if (!grown)
		return NULL;
	recompile->groups = grown;
	group = &grown[recompile->count];
	*group = (struct recompile_group){ .spool = tmpfile() };
	if (!group->spool)
		return NULL;
	strcpy(group->version, version);
	memcpy(group->magic, magic, sizeof group->magic);
	recompile->count++;
	return group;
}

static void write_record(
	FILE *spool, const char *pyc, const char *source, const char *level)
{
	fprintf(spool, "%s%c%s%c%s%c", pyc, 0, source, 0, level, 0);
}

int recompile_add(struct recompile *recompile, const char *version,
	const uint8_t magic[4], const char *pyc, const char *source, char level)
{
	const char text[] = { level ? level : '0', '\0' };
	struct recompile_group *group;
	int r = -ENOMEM;

	pthread_mutex_lock(&recompile->mutex);
	group = find_group(recompile, version, magic);
	if (group) {
		write_record(group->spool, pyc, source, text);
		group->count++;
		r = ferror(group->spool) ? -ENOSPC : 0;
	}
	pthread_mutex_unlock(&recompile->mutex);
	return r;
}

/* --- one interpreter -----------------------------------------------------------------*/

_Noreturn static void become(
	const struct python *python, bool no_ranges, FILE *records, FILE *answers)
{
	char x[] = "-Xno_debug_ranges", isolated[] = "-ISB", quiet[] = "-Wignore",
	     command[] = "-c";
	char *argv[] = { python->path, isolated, quiet, command, (char *)program, NULL,
		NULL };

	if (no_ranges) {
		argv[5] = argv[4];
		argv[4] = argv[3];
		argv[3] = x;
	}
	if (dup2(fileno(records), 0) >= 0 && dup2(fileno(answers), 1) >= 0)
		execv(python->path, argv);
	_exit(127);
}

/* It gets the terminal's signals as we do; one that is for us alone is handed on. */
static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
		if (interrupt_came())
			kill(child, SIGTERM);
	}
	if (interrupt_came())
		return -EINTR;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int run_python(
	const struct python *python, bool no_ranges, FILE *records, FILE *answers)
{
	pid_t child;
	int r;

	if (fflush(records) == EOF || fseek(records, 0, SEEK_SET) < 0)
		return -errno;
	/* the child reads from where the descriptor stands, not the stream */
	if (lseek(fileno(records), 0, SEEK_SET) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		become(python, no_ranges, records, answers);
	r = child < 0 ? -errno : wait_for(child);
	rewind(answers);
	return r;
}

/* --- comparing -----------------------------------------------------------------------*/

/* While one group is compared. */
struct round {
	void (*different)(void *context, const char *pyc, const char *source,
		const struct stat *seen, const char *why);
	void *context;
	struct recompile_sum *sum;
	FILE *again; /* for the next interpreter, NULL for the last */
	uint64_t different_count, uncompared_count;
};

/* Of nanoseconds. */
static struct timespec read_time(const char *field)
{
	unsigned long long time = strtoull(field, NULL, 10);

	return (struct timespec){ .tv_sec = (time_t)(time / 1000000000),
		.tv_nsec = (long)(time % 1000000000) };
}

static void take_answer(struct round *round, char *const fields[FIELDS])
{
	struct stat seen = { .st_ino = strtoull(fields[INODE], NULL, 10),
		.st_size = strtoll(fields[SIZE], NULL, 10),
		.st_ctim = read_time(fields[CTIME]),
		.st_mtim = read_time(fields[MTIME]) };

	if (*fields[KIND] == 'U') {
		complain(fields[PYC], "cannot be compared: %s", fields[WHY]);
		round->uncompared_count++;
		return;
	}
	round->different_count++;
	if (round->again)
		write_record(round->again, fields[PYC], fields[SOURCE], fields[LEVEL]);
	else
		round->different(
			round->context, fields[PYC], fields[SOURCE], &seen, fields[WHY]);
}

static void read_answers(struct round *round, FILE *answers)
{
	char *fields[FIELDS] = { NULL };
	size_t rooms[FIELDS] = { 0 };
	int i;

	for (;;) {
		for (i = 0; i < FIELDS; i++)
			if (getdelim(&fields[i], &rooms[i], '\0', answers) < 0)
				break;
		if (i < FIELDS)
			break;
		take_answer(round, fields);
	}
	for (i = 0; i < FIELDS; i++)
		free(fields[i]);
}

/* The spool of the group is that of the next round afterwards: what was different. */
static int compare_with(struct recompile_group *group, const struct python *python,
	struct round *round, bool last)
{
	const char *variant = strchr(group->version, '+');
	FILE *answers = tmpfile();
	int r;

	round->again = last ? NULL : tmpfile();
	round->different_count = round->uncompared_count = 0;
	r = answers && (last || round->again)
		    ? run_python(python, variant, group->spool, answers)
		    : -errno;
	if (r == 0)
		read_answers(round, answers);
	else if (r != -EINTR)
		complain(python->path, "could not compare %s: %s", group->version,
			r == -ECHILD ? "it failed" : strerror(-r));
	if (answers)
		fclose(answers);
	if (r < 0) {
		round->sum->uncompared += group->count;
		if (round->again)
			fclose(round->again);
		return r;
	}
	round->sum->uncompared += round->uncompared_count;
	round->sum->compared += group->count - round->uncompared_count;
	if (!last) {
		round->sum->compared -= round->different_count;
		fclose(group->spool);
		group->spool = round->again;
		group->count = round->different_count;
	}
	return 0;
}

static bool is_for(const struct python *python, const struct recompile_group *group)
{
	char tag[PYC_TAG_SIZE];

	return version_split(group->version, tag, sizeof tag) &&
	       strcmp(python->tag, tag) == 0 &&
	       memcmp(python->magic, group->magic, sizeof group->magic) == 0;
}

static int compare_group(struct recompile_group *group, const struct python *pythons,
	size_t count, struct round *round)
{
	size_t left = 0;
	int r = 0;

	for (size_t i = 0; i < count; i++)
		left += is_for(&pythons[i], group);
	if (left == 0) {
		complain(group->version,
			"there is no interpreter of magic number %u; %llu pycs were not compared",
			interpreters_magic_number(group->magic),
			(unsigned long long)group->count);
		round->sum->uncompared += group->count;
	}
	for (size_t i = 0; i < count && left > 0 && group->count > 0 && r == 0; i++)
		if (is_for(&pythons[i], group))
			r = compare_with(group, &pythons[i], round, --left == 0);
	return r == -EINTR ? r : 0;
}

int recompile_run(struct recompile *recompile,
	void (*different)(void *context, const char *pyc, const char *source,
		const struct stat *seen, const char *why),
	void *context, struct recompile_sum *ret_sum)
{
	struct round round = {
		.different = different, .context = context, .sum = ret_sum
	};
	struct python *pythons = NULL;
	size_t count = recompile->count ? interpreters_find(&pythons) : 0;
	int r = 0;

	for (size_t i = 0; i < recompile->count && r == 0; i++)
		r = compare_group(&recompile->groups[i], pythons, count, &round);
	for (size_t i = 0; i < count; i++)
		python_release(&pythons[i]);
	free(pythons);
	return r;
}

void recompile_release(struct recompile *recompile)
{
	for (size_t i = 0; i < recompile->count; i++)
		fclose(recompile->groups[i].spool);
	free(recompile->groups);
	*recompile = RECOMPILE_NONE;
}
