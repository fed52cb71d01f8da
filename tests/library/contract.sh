#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A program may do anything with bytecode that it has compiled, before and after the file has
# its final name: each call returns the same as without the library, and leaves the same files.
# Above all, nothing is lost if a call fails.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

acts() { "$@" "$python" "$HERE/tests/library/contract.py" "$T/tree" 2>&1; }
contract() {
	local sentence
	mkdir -p "$T/tree"
	acts env -u LD_PRELOAD >"$T/bare"
	: >"$T/log"
	acts preloaded PYCSTASH_SHARE=0 PYCSTASH_LOG="$T/log" >"$T/got"
	check "$name: the bytecode was in the cache" \
		test "$(grep -c '^pycstash\[[0-9]*\]: sealed: ' "$T/log")" -ge 20
	while IFS=: read -r sentence _; do
		is "$(grep -F "$sentence:" "$T/got")" "$(grep -F "$sentence:" "$T/bare")" \
			"$name: $sentence: it is what it is without the library"
	done <"$T/bare"
}
some contract
done_testing
