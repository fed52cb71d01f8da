#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An interpreter is killed at each system call between its lookup of bytecode and its end: while
# an entry is created, renewed, reused or replaced, in a fresh cache and in a used one. What is
# left is whole, and the next program is right. Runs for TORTURE_SECONDS (20), and reports the
# moments that it had no time for.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"
# shellcheck source=tests/torture/moments.bash
. "$(dirname "$0")/moments.bash"

kills() {
	local scene call n done left wrong until moments
	for scene in fresh new touched edited reused damaged; do
		until=$((SECONDS + share / 6))
		set_scene $scene
		mapfile -t moments < <(moments | shuf)
		done=0 left=0 wrong=
		for moment in "${moments[@]}"; do
			if [ $SECONDS -ge $until ]; then
				left=$((left + 1))
				continue
			fi
			read -r call n _ <<<"$moment"
			set_scene $scene
			traced -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=$n" >/dev/null 2>&1
			# Files that were damaged before may still be damaged.
			[ $scene = damaged ] || check_cache "$moment"
			run "$T/src"
			[ "$(cat "$T/said")" = one ] || wrong="$wrong$moment: $(cat "$T/said")"$'\n'
			version two "$T/src/m.py"
			run "$T/src"
			[ "$(cat "$T/said")" = two ] || wrong="$wrong$moment: after an edit: $(cat "$T/said")"$'\n'
			[ $scene != damaged ] || rm -rf "$CACHE"/v1/*/objects
			check_cache "$moment, later"
			done=$((done + 1))
		done
		[ $done -gt 0 ] || continue
		is "$(head -8 <<<"$wrong")" "" "$name: killed at $done moments ($scene): nothing broken, and the next is right"
		[ $left = 0 ] || echo "# $left moments were left out"
		[ ${#moments[@]} -gt 5 ] || not_ok "$name: there are moments to be killed at" "${moments[@]}"
	done
}

if ! strace -qq -o /dev/null true 2>/dev/null; then
	skip_all "an interpreter is killed at each system call" "strace does not work here"
fi
in_turn kills "${TORTURE_SECONDS:-20}" 20
done_testing
