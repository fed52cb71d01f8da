#!/bin/bash
# SPDX-License-Identifier: MIT
#
# clang-tidy finds nothing in the library and the command; .clang-tidy says what it looks for.
#
# Takes 10 s.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1
type -P clang-tidy >/dev/null || skip_all "clang-tidy finds nothing" "it is not installed"

# tidy FILE…: prints what clang-tidy finds, with the flags of the build
tidy() {
	clang-tidy --quiet --config-file=.clang-tidy "$@" -- -std=gnu11 -D_GNU_SOURCE -I. \
		-DPYCSTASH_VERSION='""' -DPYCSTASH_LIBDIR='""' -DPYCSTASH_SYSCONFDIR='""' 2>/dev/null |
		sed -n "s,^$HERE/,,; s/^\([^ ]*:[0-9]*\):[0-9]*: \(error\|warning\): /\1: /p"
}
echo 'int same(int a); int same(int a) { return a == 1 && a == 1; }' >"$T/sample.c"
is "$(tidy "$T/sample.c" | grep -c misc-redundant-expression)" 1 "clang-tidy finds a fault in a sample"

export -f tidy
export HERE
find shim tools -name '*.c' | sort | xargs -P 2 -n 20 bash -c 'tidy "$@"' tidy | sort -u |
	none "clang-tidy finds nothing in shim and tools"
done_testing
