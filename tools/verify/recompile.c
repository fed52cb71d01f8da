/* SPDX-License-Identifier: MIT
 *
 * Names wait in unnamed files, so that they take no memory, however many there are. Then
 * an interpreter gets one pyc after the other; if one makes it crash, or never ends to
 * load, the next pyc gets a new interpreter.
 */
#include "tools/verify/recompile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/core/base/digest.h"
#include "shim/core/proof/source.h"
#include "shim/core/python/pyc.h"
#include "tools/base/compat.h"
#include "tools/base/embedded.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/subprocess.h"
#include "tools/cache/versions.h"
#include "tools/pyc/inspect.h"
#include "tools/python/script.h"

#define GROUPS_MOST 50 /* without an interpreter, that get a line each */
#define PAUSE_MS 100   /* between checks for interrupts */
#define IDLE_MOST (SCRIPT_IDLE_MS / PAUSE_MS)

/* --- collecting ----------------------------------------------------------------------*/

void recompile_begin(struct recompile *recompile)
{
	recompile->python_count = interpreters_find(&recompile->pythons);
}

static bool is_for(const struct python *python, const struct recompile_group *group)
{
	char tag[PYC_TAG_SIZE];

	return version_split(group->version, tag, sizeof tag) &&
	       strcmp(python->tag, tag) == 0 &&
	       memcmp(python->magic, group->magic, sizeof group->magic) == 0;
}

static bool is_of_release(
	const struct python *python, const struct recompile_group *group)
{
	const unsigned release = python_release(python);

	return !release || !group->release || release == group->release;
}

static bool has_interpreter(
	const struct recompile *recompile, const struct recompile_group *group)
{
	for (size_t i = 0; i < recompile->python_count; i++)
		if (is_for(&recompile->pythons[i], group))
			return true;
	return false;
}

static bool has_variant(const struct recompile_group *group)
{
	return strchr(group->version, '+') != NULL;
}

static bool is_same_group(
	const struct recompile_group *a, const struct recompile_group *b)
{
	const size_t tag = strcspn(a->version, "+");

	return tag == strcspn(b->version, "+") &&
	       memcmp(a->version, b->version, tag) == 0 &&
	       has_variant(a) == has_variant(b) && a->release == b->release &&
	       memcmp(a->magic, b->magic, sizeof a->magic) == 0;
}

/* Returns the group of a pyc, and creates it if needed. Whoever has written the cache
 * decides how many versions and magic numbers there are, but not how many interpreters:
 * only those get a spool. Returns NULL if the pyc gets no group. */
static struct recompile_group *find_group(
	struct recompile *recompile, const struct recompile_group *of)
{
	const bool known = has_interpreter(recompile, of);

	for (size_t i = 0; i < recompile->count; i++)
		if (is_same_group(&recompile->groups[i], of))
			return &recompile->groups[i];
	if (!known && recompile->count >= GROUPS_MOST)
		return NULL;
	GROW(recompile->groups, recompile->count);
	recompile->groups[recompile->count] = *of;
	if (known)
		recompile->groups[recompile->count].spool = file_temporary();
	if (known && !recompile->groups[recompile->count].spool) {
		recompile->error = file_temporary_failed();
		return NULL;
	}
	return &recompile->groups[recompile->count++];
}

int recompile_add(struct recompile *recompile, const char *version,
	const struct seal *seal, const char *pyc, const char *source, char level)
{
	struct recompile_group of = { .count = 0 }, *group;
	int r;

	snprintf(of.version, sizeof of.version, "%s", version);
	memcpy(of.magic, seal->magic, sizeof of.magic);
	of.release = (seal->flags & SEAL_RELEASE) >> SEAL_RELEASE_SHIFT;
	pthread_mutex_lock(&recompile->mutex);
	group = recompile->error < 0 ? NULL : find_group(recompile, &of);
	if (!group)
		recompile->others++;
	else
		group->count++;
	if (group && group->spool) {
		fprintf(group->spool, "%s%c%s%c%c%c", pyc, 0, source, 0,
			level ? level : '0', 0);
		if (ferror(group->spool))
			recompile->error = -ENOSPC;
	}
	r = recompile->error;
	pthread_mutex_unlock(&recompile->mutex);
	return r;
}

/* --- one interpreter -----------------------------------------------------------------*/

struct interpreter {
	const struct python *python;
	struct subprocess process;
	char answer[4096 + 1]; /* as recompile.py says */
};

/* The pycs of one group, while they are compared. */
struct comparison {
	struct recompile *recompile;
	const struct recompile_group *group;
	struct interpreter *interpreters;
	size_t count;
	bool other_release; /* none of the interpreters is of the group's */
	struct recompile_finding *findings; /* what is different */
	size_t finding_count;
};

struct recompile_finding {
	char *pyc, *source, *why;
	struct stat seen;
};

/* If the interpreter has ended, how it did is the answer. */
static void bury(struct interpreter *interpreter)
{
	struct answer answer = { .status = subprocess_stop(&interpreter->process, true),
		.err = (char[]){ "" } };
	AUTOFREE char *reason = answer_reason(&answer);

	snprintf(interpreter->answer, sizeof interpreter->answer,
		"Uits interpreter ended: %s", reason);
}

/* Waits for an answer. Returns 0 or -EINTR. The interpreter itself limits its processor
 * time; if it waits for anything, that is what forged bytecode has made of its memory. */
static int await(struct interpreter *interpreter)
{
	struct pollfd fds = { interpreter->process.fd, POLLIN, 0 };
	struct timespec used = { 0 };
	bool ready = false;
	ssize_t n;

	for (int idle = 0; !ready && idle < IDLE_MOST;) {
		if (interrupt_came())
			return -EINTR;
		ready = poll(&fds, 1, PAUSE_MS) > 0;
		idle = ready || subprocess_is_at_work(interpreter->process.pid, &used)
			       ? 0
			       : idle + 1;
	}
	n = recv(fds.fd, interpreter->answer, sizeof interpreter->answer - 1,
		MSG_DONTWAIT);
	if (n > 0)
		interpreter->answer[n] = '\0';
	else
		bury(interpreter);
	return 0;
}

static int start(struct interpreter *interpreter, const struct comparison *comparison)
{
	const char *version = comparison->group->version;
	const struct rlimit limit = { SCRIPT_MEMORY_MOST, SCRIPT_MEMORY_MOST };
	const char *const argv[] = { interpreter->python->path,
		"-ISBXutf8", /* any co_filename can be encoded */
		strchr(version, '+') ? "-Xno_debug_ranges" : "-Xutf8", "-c",
		embedded_recompile, NULL };
	int r = subprocess_start(&interpreter->process, (char *const *)argv, NULL,
		comparison->recompile->input);

	if (r == 0) {
		(void)prlimit(interpreter->process.pid, RLIMIT_AS, &limit, NULL);
		r = await(interpreter);
	}
	if (r == 0 && interpreter->answer[0] != 'R')
		r = -ECHILD;
	if (r < 0 && r != -EINTR)
		complain(interpreter->python->path, "cannot compare the pycs of %s: %s",
			version, r == -ECHILD ? interpreter->answer + 1 : strerror(-r));
	return r;
}

/* --- one pyc -------------------------------------------------------------------------*/

/* What recompile.py is asked: about a pyc, and about its source alone. */
struct recompile_request {
	char text[160], alone[160 + sizeof " 32"];
	bool deep; /* nothing may load it, so only its source is asked about */
};

/* Passes the code of a pyc and its source to the interpreters, and writes the request.
 * Returns NULL or why this cannot be done. Nobody looks at the source after this, as its
 * owner may change it at any moment, or put a FIFO or a device into its place. */
static const char *provide(int input, const struct inspection *pyc, const char *source,
	char level, struct recompile_request *ret)
{
	const uint8_t *code = pyc->bytes + pyc->header_size;
	const size_t code_size = pyc->pyc_size - pyc->header_size;
	AUTOCLOSE int fd = follow_openat(AT_FDCWD, source, 0);
	AUTOFREE uint8_t *text = NULL;
	struct digest digest;
	struct stat st;
	ssize_t size;

	if (file_is_unseen(fd))
		return "its source cannot be looked at";
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		st.st_size > SOURCE_MAX)
		return "its source has just been changed";
	text = alloc_array((size_t)st.st_size + 1, 1);
	size = read(fd, text, (size_t)st.st_size + 1);
	if (size >= 0)
		digest = digest_of(text, (size_t)size);
	if (size < 0 || memcmp(&digest, &pyc->seal.digest, sizeof digest) != 0)
		return "its source has just been changed";
	if (ftruncate(input, 0) < 0 || pwrite(input, text, (size_t)size, 0) != size ||
		pwrite(input, code, code_size, (off_t)size) != (ssize_t)code_size)
		return "there is no memory left";
	snprintf(ret->text, sizeof ret->text, "%ju:%ju:%jd:%ld %c %c%" PRIu64 " %zu %zd",
		(uintmax_t)pyc->st.st_dev, (uintmax_t)pyc->st.st_ino,
		(intmax_t)pyc->st.st_ctim.tv_sec, pyc->st.st_ctim.tv_nsec, level,
		pyc->header.kind == HEADER_HASH ? 'h' : '-', pyc->hash, code_size, size);
	snprintf(ret->alone, sizeof ret->alone, "%s %d", ret->text, MARSHAL_DEPTH);
	return NULL;
}

/* Asks one interpreter. Returns 0 or -errno if it does not start. */
static int put(struct interpreter *interpreter, const struct comparison *comparison,
	const char *request)
{
	int r = interpreter->process.pid ? 0 : start(interpreter, comparison);

	if (r < 0)
		return r;
	(void)send(interpreter->process.fd, request, strlen(request), MSG_NOSIGNAL);
	return await(interpreter);
}

/* If the interpreter ends, asks a new one about the source alone: if that goes well, the
 * compiler has not made what the other one met. Returns as put does. */
static int ask(struct interpreter *interpreter, const struct comparison *comparison,
	const struct recompile_request *request)
{
	int r = put(
		interpreter, comparison, request->deep ? request->alone : request->text);
	AUTOFREE char *end = alloc_copy(interpreter->answer);

	if (r < 0 || interpreter->process.pid)
		return r;
	r = put(interpreter, comparison, request->alone);
	*end = interpreter->answer[0] == 'D' ? 'D' : 'U';
	snprintf(interpreter->answer, sizeof interpreter->answer, "%s", end);
	return r;
}

/* Asks one interpreter after the other, until one does not answer "different". Sets
 * *ret_answer only if it returns 0. */
static int ask_all(const struct comparison *comparison,
	const struct recompile_request *request, const char **ret_answer)
{
	struct interpreter *interpreter;
	size_t i = 0;
	int r;

	do {
		interpreter = &comparison->interpreters[i++];
		r = ask(interpreter, comparison, request);
	} while (r == 0 && interpreter->answer[0] == 'D' && i < comparison->count);
	if (r == 0)
		*ret_answer = interpreter->answer;
	if (r == 0 && comparison->other_release && interpreter->answer[0] == 'D')
		*ret_answer =
			"Uanother release of its interpreter compiled it, which was not found";
	return r;
}

static void note_difference(struct comparison *comparison, const char *pyc,
	const char *source, const struct stat *seen, const char *why)
{
	GROW(comparison->findings, comparison->finding_count);
	comparison->findings[comparison->finding_count++] =
		(struct recompile_finding){ .pyc = alloc_copy(pyc),
			.source = alloc_copy(source),
			.why = alloc_copy(why),
			.seen = *seen };
}

/* Reads the pyc. Returns NULL or why it cannot be compared. */
static const char *take(
	const struct recompile_group *group, int fd, struct inspection *ret)
{
	char tag[PYC_TAG_SIZE];
	int r = fd < 0						 ? fd
		: version_split(group->version, tag, sizeof tag) ? inspect(fd, tag, ret)
								 : -EINVAL;

	if (r < 0)
		return strerror(-r);
	return ret->sealed && !ret->fault &&
			       memcmp(ret->seal.magic, group->magic,
				       sizeof group->magic) == 0
		       ? NULL
		       : "it has just been changed";
}

/* Returns -errno if an interpreter does not start. */
static int compare(
	struct comparison *comparison, const char *path, const char *source, char level)
{
	struct recompile *recompile = comparison->recompile;
	AUTOCLOSE int fd = file_look(AT_FDCWD, path, O_NOFOLLOW);
	struct inspection pyc = { .size = 0 };
	const char *answer = "U", *why, *fault = NULL;
	enum marshal_end end = MARSHAL_WHOLE;
	struct recompile_request request = { .deep = false };
	int r = 0;

	if (fd == -ENOENT) {
		recompile->gone++;
		return 0;
	}
	why = take(comparison->group, fd, &pyc);
	if (!why)
		end = inspect_code_end(&pyc, &why);
	if (end == MARSHAL_ODD)
		answer = "D";
	request.deep = end == MARSHAL_DEEP;
	if (!why || request.deep)
		fault = provide(recompile->input, &pyc, source, level, &request);
	if (fault)
		why = fault;
	else if (!why || request.deep)
		r = ask_all(comparison, &request, &answer);
	recompile->compared += *answer == 'S' || *answer == 'D';
	if (*answer == 'D')
		note_difference(
			comparison, path, source, &pyc.st, why ? why : answer + 1);
	else if (*answer != 'S' && r == 0)
		complain(path, "not checked: %s", why ? why : answer + 1);
	inspect_release(&pyc);
	return r;
}

/* --- all of them ---------------------------------------------------------------------*/

static int compare_all(struct comparison *comparison)
{
	enum { PYC, SOURCE, LEVEL, FIELDS };
	char *fields[FIELDS] = { NULL };
	size_t rooms[FIELDS] = { 0 };
	FILE *spool = comparison->group->spool;
	int i = 0, r = 0;

	if (fflush(spool) == EOF)
		return -ENOSPC;
	rewind(spool);
	while (r == 0 && getdelim(&fields[i], &rooms[i], '\0', spool) >= 0) {
		if (++i < FIELDS)
			continue;
		r = compare(comparison, fields[PYC], fields[SOURCE], *fields[LEVEL]);
		i = 0;
	}
	for (i = 0; i < FIELDS; i++)
		free(fields[i]);
	return r;
}

/* The findings are reported at the end, since repairing one may delete a file that is
 * still to be compared. */
static void conclude(struct comparison *comparison)
{
	const struct recompile *recompile = comparison->recompile;

	for (size_t i = 0; i < comparison->count; i++)
		subprocess_stop(&comparison->interpreters[i].process, true);
	for (size_t i = 0; i < comparison->finding_count; i++) {
		const struct recompile_finding *finding = &comparison->findings[i];

		recompile->different(recompile->context, finding->pyc, finding->source,
			&finding->seen, finding->why);
	}
}

/* Returns whether nothing more can be compared, because this process cannot have what it
 * needs. That is no reason to call bytecode unchecked. */
static bool is_final(int error)
{
	return error == -EINTR || error == -EMFILE || error == -ENFILE ||
	       error == -ENOMEM || error == -EAGAIN || file_is_full(error);
}

static void find_interpreters(struct comparison *comparison, bool other_release)
{
	const struct python *python = comparison->recompile->pythons;

	comparison->other_release = other_release;
	for (size_t i = 0; i < comparison->recompile->python_count; i++, python++)
		if (is_for(python, comparison->group) &&
			(other_release || is_of_release(python, comparison->group)))
			comparison->interpreters[comparison->count++].python = python;
}

static int compare_group(struct recompile *recompile, const struct recompile_group *group)
{
	AUTOFREE struct interpreter *interpreters =
		alloc_array(recompile->python_count, sizeof *interpreters);
	struct comparison comparison = {
		.recompile = recompile, .group = group, .interpreters = interpreters
	};
	int r;

	find_interpreters(&comparison, false);
	if (!comparison.count)
		find_interpreters(&comparison, true);
	if (!group->spool) {
		complain(group->version,
			"not checked: no interpreter with magic number %u was found for %" PRIu64
			" pycs",
			interpreters_magic_number(group->magic), group->count);
		return 0;
	}
	r = compare_all(&comparison);
	conclude(&comparison);
	return is_final(r) ? r : 0;
}

int recompile_run(struct recompile *recompile)
{
	int r = recompile->error;

	recompile->input = memfd_create("pycstash-verify", MFD_CLOEXEC);
	if (recompile->input < 0)
		return -errno;
	for (size_t i = 0; i < recompile->count; i++) {
		const struct recompile_group *group = &recompile->groups[i];

		recompile->uncompared += group->count;
		if (r == 0)
			r = compare_group(recompile, group);
	}
	recompile->uncompared += recompile->others;
	if (recompile->others)
		complain("other versions",
			"not checked: no interpreter was found for %" PRIu64 " pycs",
			recompile->others);
	recompile->uncompared -= recompile->compared + recompile->gone;
	close(recompile->input);
	return r;
}
