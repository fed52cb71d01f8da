#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Processes and threads import one tree while it is edited, the cache is purged and some of them
# are killed: each import gives a version that existed while it ran. Runs for TORTURE_SECONDS
# (20), which the interpreters share.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"

storm() {
	local way rest crowd
	for crowd in "8 1" "8 8"; do
		rm -rf "$CACHE" "$T/src" && mkdir "$T/src"
		# shellcheck disable=SC2086 # two numbers
		"$python" "$HERE/tests/torture/storm.py" "$T/src" "$CACHE" $((share / 2)) "$SO" $crowd \
			>"$T/said" 2>"$T/errors"
		while IFS=: read -r way rest; do
			[ -n "$rest" ] || continue # the last line
			is "$(echo "$rest" | sed 's/.*imports, //')" "0 wrong " \
				"$name: ${crowd/ / processes with } threads, ${way//_/ }: no import is of another time"
		done <"$T/said"
		is "$(wc -l <"$T/said")$(cat "$T/errors")" 7 "$name: ${crowd/ / processes with } threads: the storm raged"
		echo "# $(tail -1 "$T/said")"
		is "$(find "$T/src" -name __pycache__)" "" \
			"$name: ${crowd/ / processes with } threads: nothing is beside the sources, where only time would vouch for it"
		is "$(/usr/bin/python3 "$SEAL/check.py" "$CACHE" | grep -v ' files,' | sed "s,$T,,")" "" \
			"$name: ${crowd/ / processes with } threads: nothing in the cache is broken after it"
	done
}
in_turn storm "${TORTURE_SECONDS:-20}" 4
done_testing
