/* SPDX-License-Identifier: MIT
 *
 * Checking one file.
 */
#include "tools/pyc/check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/object.h"
#include "shim/core/proof/source.h"
#include "tools/base/files.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/versions.h"
#include "tools/pyc/inspect.h"

const char *const check_result_names[CHECK_RESULTS] = {
	[CHECK_GOOD] = "good",
	[CHECK_SKIPPED] = "skipped",
	[CHECK_DAMAGED] = "damaged",
	[CHECK_WRONG] = "wrong",
	[CHECK_DIFFERENT] = "different",
	[CHECK_FOREIGN] = "foreign",
	[CHECK_UNREADABLE] = "unreadable",
};

/* For all threads: it can be used by several at a time. */
static struct scratch scratch;

bool check_is_bad(enum check_result result)
{
	return result == CHECK_DAMAGED || result == CHECK_WRONG ||
	       result == CHECK_DIFFERENT;
}

static void conclude(struct check *check, enum check_result result, const char *why)
{
	check->result = result;
	check->why = why;
}

static void check_object(struct check *check, const struct object_name *name)
{
	const struct seal *seal = &check->seal;

	if ((seal->flags & (SEAL_SOURCE | SEAL_HASH)) != SEAL_SOURCE)
		conclude(check, CHECK_DAMAGED, "an object that no source vouches for");
	else if (memcmp(&seal->digest, &name->digest, sizeof seal->digest) != 0)
		conclude(check, CHECK_DAMAGED, "its name is another source's digest");
	else if (memcmp(seal->magic, name->magic, sizeof seal->magic) != 0)
		conclude(check, CHECK_DAMAGED, "its folder is another magic number's");
}

/* An entry against its source. Only one whose seal is taken at its word can be wrong: any
 * other is compared by content before it is served. */
static void check_source(struct check *check, const char *path)
{
	struct source source = { .dirfd = AT_FDCWD, .path = path };
	const struct seal *seal = &check->seal;

	if (!(seal->flags & SEAL_SOURCE) || source_look(&source, &sys_libc) < 0 ||
		source.identity.size > INSPECT_LIMIT ||
		source_digest(&source, &sys_libc, &scratch) < 0)
		return;
	check->current = memcmp(&seal->digest, &source.digest, sizeof seal->digest) == 0;
	if (!check->current && (seal->flags & SEAL_IDENTITY) &&
		identity_proves(&seal->source, &source.identity))
		conclude(check, CHECK_WRONG,
			"it would be served for a source of other content");
}

static void check_content(struct check *check, const struct layout *item,
	const struct inspection *pyc, const char *source)
{
	const char *fault = inspection_fault(pyc);

	check->sealed = pyc->sealed;
	check->seal = pyc->seal;
	if (pyc->newer)
		conclude(check, CHECK_FOREIGN, INSPECT_NEWER);
	else if (!pyc->sealed && !pyc->own)
		conclude(check, CHECK_DAMAGED, "no seal");
	else if (!pyc->sealed && item->kind == LAYOUT_OBJECT)
		conclude(check, CHECK_DAMAGED, "no seal");
	else if (!pyc->sealed && pyc->header.kind == HEADER_BAD)
		conclude(check, CHECK_SKIPPED, NULL); /* it need not be one */
	else if (fault)
		conclude(check, CHECK_DAMAGED, fault);
	else if (item->kind == LAYOUT_OBJECT)
		check_object(check, &item->object);
	else if (pyc->sealed && source)
		check_source(check, source);
}

static void read_file(
	struct check *check, const struct layout *item, int fd, const char *source)
{
	char tag[PYC_TAG_SIZE], version[64];
	struct inspection pyc;
	int r;

	if (item->version_len >= sizeof version) {
		conclude(check, CHECK_FOREIGN, "no name of the cache's");
		return;
	}
	memcpy(version, item->version, item->version_len);
	version[item->version_len] = '\0';
	if (!version_split(version, tag, sizeof tag))
		*tag = '\0';
	r = inspect(fd, tag, &pyc);
	if (r < 0) {
		conclude(check, CHECK_UNREADABLE, strerror(-r));
		return;
	}
	check_content(check, item, &pyc, source);
	inspection_release(&pyc);
}

static void check_open(
	struct check *check, const struct layout *item, int fd, const char *source)
{
	if (fstat(fd, &check->st) < 0)
		conclude(check, CHECK_UNREADABLE, strerror(errno));
	else if (check->st.st_uid != geteuid())
		conclude(check, CHECK_FOREIGN, "another user's");
	else if (!S_ISREG(check->st.st_mode))
		conclude(check, CHECK_FOREIGN, "no regular file");
	else if (item->kind == LAYOUT_FOREIGN)
		conclude(check, CHECK_FOREIGN, "no name of the cache's");
	else if (item->kind != LAYOUT_ENTRY && item->kind != LAYOUT_OBJECT)
		conclude(check, CHECK_SKIPPED, NULL);
	else
		read_file(check, item, fd, source);
}

struct check check_file(
	const struct layout *item, int dirfd, const char *name, const char *source)
{
	int fd = file_look(dirfd, name, O_NOFOLLOW);
	struct check ret = { .result = CHECK_GOOD };

	if (fd == -ENOENT)
		conclude(&ret, CHECK_SKIPPED, NULL);
	else if (fd == -ELOOP || fd == -ENXIO)
		conclude(&ret, CHECK_FOREIGN, "no regular file");
	else if (fd < 0)
		conclude(&ret, CHECK_UNREADABLE, strerror(-fd));
	if (fd < 0)
		return ret;
	check_open(&ret, item, fd, source);
	close(fd);
	return ret;
}
