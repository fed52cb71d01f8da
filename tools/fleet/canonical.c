/* SPDX-License-Identifier: MIT
 *
 * Asks an interpreter for canonical code objects. Questions and answers are in unnamed
 * files: neither side waits for the other, and they take no memory.
 */
#include "tools/fleet/canonical.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/core/python/pyc.h"
#include "tools/archive/archive.h"
#include "tools/base/alloc.h"
#include "tools/base/embedded.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/subprocess.h"
#include "tools/cache/versions.h"
#include "tools/python/interpreters.h"
#include "tools/python/script.h"

#define PAUSE_MS 10 /* between looks at the interpreter */

struct canonical {
	const char *python;
	FILE *questions, *answers;
	size_t largest; /* code that it was asked about */
	uint64_t asked, answered;
	bool lost; /* nobody knows where the next answer begins */
};

/* Before the code of a question and of its answer; little-endian. */
struct canonical_head {
	uint64_t number, length;
};

/* Returns the path of an interpreter; NULL if there is none. */
static const char *find(const char *version, const uint8_t magic[4])
{
	static struct python *pythons;
	static size_t count;
	char tag[PYC_TAG_SIZE];

	if (!pythons)
		count = interpreters_find(&pythons);
	for (size_t i = 0; i < count; i++)
		if (version_split(version, tag, sizeof tag) &&
			strcmp(pythons[i].tag, tag) == 0 &&
			memcmp(pythons[i].magic, magic, 4) == 0)
			return pythons[i].path;
	return NULL;
}

struct canonical *canonical_begin(const char *version, const uint8_t magic[4])
{
	struct canonical canonical = {
		.python = find(version, magic),
		.questions = file_temporary(),
		.answers = file_temporary(),
	};
	struct canonical *ret = alloc_array(1, sizeof *ret);

	*ret = canonical;
	if (ret->python && ret->questions && ret->answers)
		return ret;
	complain(version, "%s; its objects are packed as they were compiled here",
		ret->python ? "no temporary file can be made"
			    : "no interpreter with that magic number was found");
	canonical_end(ret);
	return NULL;
}

void canonical_ask(struct canonical *canonical, const uint8_t *code, size_t size)
{
	const struct canonical_head head = { htole64(canonical->asked++), htole64(size) };

	fwrite(&head, sizeof head, 1, canonical->questions);
	fwrite(code, 1, size, canonical->questions);
	if (size > canonical->largest)
		canonical->largest = size;
}

/* Runs in the child. CPython 3.13 imports traceback when it is interrupted, and without
 * -I it looks for it in the working directory first. */
_Noreturn static void become(const struct canonical *canonical)
{
	const char *argv[] = { canonical->python, "-SsB", "-c", embedded_canonical,
		NULL };
	const char *environment[] = { "PYTHONHASHSEED=0", "PYCSTASH_DISABLE=1", NULL };

	subprocess_leave_terminal();
	subprocess_limit(script_memory(canonical->largest));
	if (chdir("/") == 0 && dup2(fileno(canonical->questions), 0) >= 0 &&
		dup2(fileno(canonical->answers), 1) >= 0)
		execve(canonical->python, (char *const *)argv,
			(char *const *)environment);
	_exit(127);
}

int canonical_run(struct canonical *canonical)
{
	struct timespec used = { 0 };
	int status, idle = 0;
	pid_t child;

	/* without a part of one question, the code of the next would pass for others */
	if (fflush(canonical->questions) == EOF || ferror(canonical->questions) ||
		lseek(fileno(canonical->questions), 0, SEEK_SET) < 0)
		return -EIO;
	child = subprocess_fork();
	if (child == 0)
		become(canonical);
	/* it may be at work in C, where it does not notice a Ctrl-C */
	while (child > 0 && waitpid(child, &status, WNOHANG) == 0) {
		idle = subprocess_is_at_work(child, &used) ? 0 : idle + 1;
		if (interrupt_came() || idle > SCRIPT_IDLE_MS / PAUSE_MS)
			kill(child, SIGKILL);
		poll(NULL, 0, PAUSE_MS);
	}
	rewind(canonical->answers);
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

/* Reads an answer, with a NUL behind it. Returns NULL if it is not the one to that
 * question. */
static uint8_t *read_answer(FILE *answers, uint64_t number, size_t *ret_size)
{
	AUTOFREE uint8_t *data = NULL;
	struct canonical_head head;
	uint8_t *ret;

	if (fread(&head, sizeof head, 1, answers) != 1 ||
		le64toh(head.number) != number || le64toh(head.length) > ARCHIVE_FILE_MAX)
		return NULL;
	*ret_size = (size_t)le64toh(head.length);
	data = alloc_array(*ret_size + 1, 1);
	if (fread(data, 1, *ret_size, answers) != *ret_size)
		return NULL;
	ret = data;
	data = NULL;
	return ret;
}

uint8_t *canonical_answer(struct canonical *canonical, size_t *ret_size)
{
	uint8_t *answer;
	size_t size;

	if (canonical->lost)
		return NULL;
	answer = read_answer(canonical->answers, canonical->answered++, &size);
	canonical->lost = !answer;
	if (!answer)
		complain(canonical->python,
			"an answer of this interpreter is not what it was asked for; that object and those that follow are packed as they were compiled here");
	if (answer && size) {
		*ret_size = size;
		return answer;
	}
	free(answer);
	return NULL;
}

void canonical_end(struct canonical *canonical)
{
	if (canonical->questions)
		fclose(canonical->questions);
	if (canonical->answers)
		fclose(canonical->answers);
	free(canonical);
}
