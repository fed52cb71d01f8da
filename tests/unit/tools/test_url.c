/* SPDX-License-Identifier: MIT
 *
 * Where redirections lead, and whether user and password go with them.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tools/fleet/url.h"

static const struct redirected_row {
	const char *sentence, *from, *to, *want;
	bool same;
} redirected[] = {
	{ "the same server gets user and password again", "http://u:p@h:1/a",
		"http://h:1/b", "http://u:p@h:1/b", true },
	{ "the letters of a server's name may be large", "http://u@host/a",
		"HTTP://HOST/b", "http://u@host/b", true },
	{ "user and password that the server names are not used", "http://u@h/a",
		"http://v:q@h/b", "http://u@h/b", true },
	{ "another server gets no user and password", "http://u:p@h/a", "http://i/b",
		"http://i/b", false },
	{ "another server gets no user and password that the server names", "http://h/a",
		"http://v:q@i/b", "http://i/b", false },
	{ "another port is another server", "http://u@h:1/a", "http://h:2/a",
		"http://h:2/a", false },
	{ "a port whose number begins alike is another server", "http://u@h:1/a",
		"http://h:10/a", "http://h:10/a", false },
	{ "a name that begins alike is another server", "http://u@h.org/a",
		"http://h.org.evil/a", "http://h.org.evil/a", false },
	{ "the server is behind what looks like a server", "http://u@h/a", "http://h@i/a",
		"http://i/a", false },
	{ "the server is behind the last @", "http://u@h/a", "http://v@h@i/a",
		"http://i/a", false },
	{ "an @ in a query is not behind a user", "http://u@h/a", "http://i?@h/a",
		"http://i?@h/a", false },
	{ "a server may have no path", "http://h?a", "http://h", "http://h", true },
	{ "https is another server than http", "http://u@h/a", "https://h/a",
		"https://h/a", false },
	{ "https stays on https", "https://u@h/a", "https://h/b", "https://u@h/b", true },
	{ "https never leads to http", "https://h/a", "http://h/a", NULL, false },
	{ "a file is not followed", "http://h/a", "file:///h/a", NULL, false },
	{ "nothing without a scheme is followed", "http://h/a", "//h/a", NULL, false },
	{ "an empty text is not followed", "http://h/a", "", NULL, false },
};

static void is_redirected(void **state)
{
	const struct redirected_row *row = *state;
	bool same = !row->same;
	char *got = url_redirected(row->from, row->to, &same);

	if (!row->want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, row->want);
	assert_int_equal(same, row->same);
	free(got);
}

static void is_base(void **state)
{
	(void)state;
	assert_true(url_is_base("http://h"));
	assert_true(url_is_base("https://u:p@h:1/a@b"));
	assert_false(url_is_base("ftp://h"));
	assert_false(url_is_base("http:/h"));
	assert_false(url_is_base("http://h/?a"));
	assert_false(url_is_base("http://h/#a"));
}

int main(void)
{
	unit_rows(is_redirected, redirected);
	unit_one("only http and https without a query are the URL of a store", is_base);
	return unit_run("url");
}
