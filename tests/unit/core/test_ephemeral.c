/* SPDX-License-Identifier: MIT
 *
 * Which letters of a path are hidden, and that they come back.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/cache/ephemeral.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *patterns, *path, *want; /* NULL: nothing is hidden */
} rows[] = {
	{ "AppImage's mounts", EPHEMERAL_PATTERNS, "/tmp/.mount_gimpX1y2Z3/usr/lib",
		"/tmp/.mount_**********/usr/lib" },
	{ "pip's build environments", EPHEMERAL_PATTERNS,
		"/tmp/pip-build-env-ab_cd12/overlay/lib",
		"/tmp/pip-build-env-*******/overlay/lib" },
	{ "build's environments", EPHEMERAL_PATTERNS, "/tmp/build-env-ab_cd12/lib",
		"/tmp/build-env-*******/lib" },
	{ "uv's, of which the directory above tells", EPHEMERAL_PATTERNS,
		"/h/.cache/uv/builds-v0/.tmpAbCdEf/lib",
		"/h/.cache/uv/builds-v0/.tmp******/lib" },
	{ "the same name elsewhere is another", EPHEMERAL_PATTERNS,
		"/h/archive-v0/.tmpAbCdEf/lib", NULL },
	{ "an ordinary path", EPHEMERAL_PATTERNS,
		"/usr/lib/python3/dist-packages/sympy/core", NULL },
	{ "the directory itself", ".mount_*", "/tmp/.mount_ab", "/tmp/.mount_**" },
	{ "a star is one letter at least", ".mount_*", "/tmp/.mount_/lib", NULL },
	{ "a name is matched from its beginning", "mount_*", "/tmp/.mount_ab", NULL },
	{ "and to its end", "a*z", "/abczd", NULL },
	{ "a star in the middle", "a*z", "/abcz/d", "/a**z/d" },
	{ "letters on either side are not one", "aa*aa", "/aaa", NULL },
	{ "a star alone is any name", "/run/*/x", "/run/1/x", "/run/*/x" },
	{ "a slash in front: from the beginning", "/srv/env-*", "/srv/env-12/lib",
		"/srv/env-**/lib" },
	{ "and nowhere else", "/srv/env-*", "/a/srv/env-12/lib", NULL },
	{ "without a star nothing changes", "/srv", "/srv/x", NULL },
	{ "two stars", "a*/b*", "/x/a1/b2/c", "/x/a*/**/c" },
	{ "the whole pattern must be there", "a*/b*", "/x/a1", NULL },
	{ "the second of two patterns", "a*:/b*", "/b1/c", "/b*/c" },
	{ "empty patterns", "::a*:", "/x/a1", "/x/a*" },
	{ "no patterns", NULL, "/x/a1", NULL },
	{ "an empty list", "", "/x/a1", NULL },
	{ "the root", "*", "/", NULL },
	{ "a slash alone as a pattern", "/", "/x", NULL },
	{ "of two that fit the first counts", "*", "/x/yy", "/*/yy" },
	{ "a pattern of one letter and a star", "b*", "/a/bc", "/a/b*" },
	{ "a name of one letter before another", "b/c*", "/b/cd", "/b/c*" },
	{ "a pattern of one letter at the end", "a:b", "/b", NULL },
	{ "letters beyond ASCII", "\xc3\xa4*", "/x/\xc3\xa4y", "/x/\xc3\xa4*" },
	{ "more letters than are kept", "*",
		"/0123456789012345678901234567890123456789012345678901234567890123456789",
		NULL },
	{ "as many as are kept", "*",
		"/0123456789012345678901234567890123456789012345678901234567890123",
		"/****************************************************************" },
};
/* clang-format on */

static void hides(void **state)
{
	const struct row *row = *state;
	const struct ephemeral_patterns patterns = ephemeral_read(row->patterns);
	size_t len = strlen(row->path);
	char path[200];
	struct ephemeral kept;

	snprintf(path, sizeof path, "%s", row->path);
	assert_int_equal(ephemeral_hide(&patterns, path, len, &kept), row->want != NULL);
	assert_string_equal(path, row->want ? row->want : row->path);
	ephemeral_swap(&kept, path);
	assert_string_equal(path, row->path);
	ephemeral_swap(&kept, path);
	assert_string_equal(path, row->want ? row->want : row->path);
}

/* The path may end where its letters end. */
static void looks_no_further(void **state)
{
	const struct ephemeral_patterns patterns = ephemeral_read(EPHEMERAL_PATTERNS);
	struct ephemeral kept;
	char *path = unit_at_page_end("/tmp/.mount_ab", 14);

	(void)state;
	assert_true(ephemeral_hide(&patterns, path, 14, &kept));
	path = unit_at_page_end("/tmp/builds-v0", 14);
	assert_false(ephemeral_hide(&patterns, path, 14, &kept));
}

int main(void)
{
	unit_rows(hides, rows);
	unit_one("nothing behind the path is looked at", looks_no_further);
	return unit_run("ephemeral");
}
