#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every symbol of calls.def has a test: the driver can call it, and the other suites in this
# folder have rows for it.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

call=$BUILD/tests/calls/call
rows=$HERE/tests/calls
is "$("$call" --unknown)" "" "the driver can call every symbol of calls.def (if not, add a row to tests/calls/table.def)"

# The suites name the symbols of a template or of a `for symbol in` list.
untested=
for name in $("$call" --names); do
	grep -qE "(^|[\" ])${name}[\" ;:\\\\]" "$rows"/spellings.sh "$rows"/words.sh || untested="$untested $name"
done
is "$untested" "" "the suites have rows for every symbol of calls.def"

# The library exports what calls.def lists, and a program reaches it by an ordinary reference.
nm -D --defined-only "$SO" | awk '$2 ~ /[TW]/ { print $3 }' | sort >"$T/exported"
"$call" --names | sort >"$T/names"
is "$(diff "$T/names" "$T/exported")" "" "the library exports the symbols of calls.def and nothing else"

# A program must reach the library whatever version of a symbol it asks for.
cat >"$T/ask.c" <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
	struct stat st;
	char buf[4096];
	int fd = open64("a/__pycache__/m.cpython-311.pyc", O_RDONLY);
	printf("%d %d %d %d\n", fd >= 0, stat("a/__pycache__/m.cpython-311.pyc", &st),
		access("a/__pycache__/m.cpython-311.pyc", R_OK), realpath("a/__pycache__", buf) != NULL);
	return 0;
}
END
mkdir -p "$T/tree/a"
cd "$T/tree" || exit 1
for how in "" "-Wl,-z,now" "-no-pie" "-O2 -D_FORTIFY_SOURCE=2" "-fno-plt -Wl,-z,now,-z,relro"; do
	# shellcheck disable=SC2086
	${CC:-cc} $how "$T/ask.c" -o "$T/ask" 2>/dev/null || continue
	rm -rf "$CACHE"
	printf 'import a/m\n' | preloaded "$call" --script >/dev/null
	is "$(preloaded "$T/ask")" "1 0 0 1" "a program linked with '$how' is served from the cache"
done
done_testing
