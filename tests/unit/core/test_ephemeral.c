/* SPDX-License-Identifier: MIT
 *
 * Which letters of a path are hidden, and that they can be restored.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/cache/ephemeral.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *patterns, *path, *want; /* NULL: nothing is hidden */
} rows[] = {
	{ "an AppImage's mount is ephemeral", EPHEMERAL_PATTERNS,
		"/tmp/.mount_gimpX1y2Z3/usr/lib", "/tmp/.mount_**********/usr/lib" },
	{ "pip's build environment is ephemeral", EPHEMERAL_PATTERNS,
		"/tmp/pip-build-env-ab_cd12/overlay/lib",
		"/tmp/pip-build-env-*******/overlay/lib" },
	{ "build's environment is ephemeral", EPHEMERAL_PATTERNS,
		"/tmp/build-env-ab_cd12/lib", "/tmp/build-env-*******/lib" },
	{ "uv's build environment is ephemeral because of the directory above it",
		EPHEMERAL_PATTERNS, "/h/.cache/uv/builds-v0/.tmpAbCdEf/lib",
		"/h/.cache/uv/builds-v0/.tmp******/lib" },
	{ "uv's temporary name in a different directory is not ephemeral",
		EPHEMERAL_PATTERNS, "/h/archive-v0/.tmpAbCdEf/lib", NULL },
	{ "an ordinary path is not ephemeral", EPHEMERAL_PATTERNS,
		"/usr/lib/python3/dist-packages/sympy/core", NULL },
	{ "a path may end with the directory that a pattern matches", ".mount_*",
		"/tmp/.mount_ab", "/tmp/.mount_**" },
	{ "a star matches at least one letter", ".mount_*", "/tmp/.mount_/lib", NULL },
	{ "a pattern is matched from the beginning of a name", "mount_*",
		"/tmp/.mount_ab", NULL },
	{ "a pattern is matched to the end of a name", "a*z", "/abczd", NULL },
	{ "a star may be in the middle of a pattern", "a*z", "/abcz/d", "/a**z/d" },
	{ "the letters before and after a star do not overlap", "aa*aa", "/aaa", NULL },
	{ "a star alone matches any name", "/run/*/x", "/run/1/x", "/run/*/x" },
	{ "a pattern with a slash in front matches from the root directory", "/srv/env-*",
		"/srv/env-12/lib", "/srv/env-**/lib" },
	{ "a pattern with a slash in front does not match further down", "/srv/env-*",
		"/a/srv/env-12/lib", NULL },
	{ "a pattern without a star hides nothing", "/srv", "/srv/x", NULL },
	{ "a pattern may have two stars", "a*/b*", "/x/a1/b2/c", "/x/a*/**/c" },
	{ "a pattern does not match if only its beginning is there", "a*/b*", "/x/a1",
		NULL },
	{ "the second of two patterns may match", "a*:/b*", "/b1/c", "/b*/c" },
	{ "empty patterns are ignored", "::a*:", "/x/a1", "/x/a*" },
	{ "no tree is ephemeral without patterns", NULL, "/x/a1", NULL },
	{ "no tree is ephemeral with an empty list of patterns", "", "/x/a1", NULL },
	{ "the root directory is not ephemeral", "*", "/", NULL },
	{ "a slash alone as a pattern matches nothing", "/", "/x", NULL },
	{ "the first of two names that match is hidden", "*", "/x/yy", "/*/yy" },
	{ "a pattern may be one letter and a star", "b*", "/a/bc", "/a/b*" },
	{ "a pattern may begin with a name of one letter", "b/c*", "/b/cd", "/b/c*" },
	{ "a pattern of one letter without a star hides nothing", "a:b", "/b", NULL },
	{ "a pattern matches letters beyond ASCII", "\xc3\xa4*", "/x/\xc3\xa4y",
		"/x/\xc3\xa4*" },
	{ "a name with more letters than can be kept is not hidden", "*",
		"/0123456789012345678901234567890123456789012345678901234567890123456789",
		NULL },
	{ "a name with as many letters as can be kept is hidden", "*",
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

/* Nothing behind the end of the path is readable. */
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
	unit_one("nothing behind the path is read", looks_no_further);
	return unit_run("ephemeral");
}
