#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An interpreter is killed at each system call between its question for bytecode and the
# end: a new entry, one renewed, one reused, one replaced, in a fresh cache and in a used
# one. What is left is whole, and the next program is right. For TORTURE_SECONDS (20);
# moments that there was no time for are told.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"

total=${TORTURE_SECONDS:-20}
show='import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V if m.V == m.f() else "torn")'
calls='/^(open|openat|creat|p?write(v|64)?|close|rename(at2?)?|link(at)?|mkdir(at)?|unlink(at)?|rmdir|ioctl|copy_file_range|f?chmod(at)?|newfstatat|fstat|pread64|f?[gs]etxattr)$'

# What there is before: scene_<name> makes $T/src and $CACHE.
scene_fresh() { mkdir "$T/src" && version one "$T/src/m.py"; }
scene_new() { scene_fresh && mkdir "$T/src/other" && version two "$T/src/other/m.py" && run "$T/src/other"; }
scene_touched() { scene_fresh && run "$T/src" && touch -d @1650000000 "$T/src/m.py"; }
scene_edited() { scene_fresh && version two "$T/src/m.py" && run "$T/src" && version one "$T/src/m.py"; }
scene_reused() { scene_fresh && mkdir "$T/src/other" && cp "$T/src/m.py" "$T/src/other/" && run "$T/src/other"; }
scene_damaged() {
	scene_fresh && run "$T/src"
	entries | grep -F "/tree$T/src/" | while read -r entry; do truncate -s 100 "$entry"; done
}
run() { preloaded "$python" -c "$show" "$1" >"$T/said" 2>&1; }

set_scene() {
	rm -rf "$T/src" "$CACHE"
	"scene_$1"
}

# The moments: "call n" for the n-th call of its kind in the process, from the first that
# touches the cache's entry or the source on.
moments() {
	preloaded strace -qq -o "$T/trace" -E LD_PRELOAD="$SO" "$python" -c "$show" "$T/src" >"$T/said" 2>&1
	awk -v calls="$calls" -v src="$T/src" -F'(' '
		{ n[$1]++ }
		index($0, src "/__pycache__/m.") || index($0, src "/m.py") { on = 1 }
		on && ("/" $1 ~ "/") && $1 ~ substr(calls, 2) { print $1, n[$1] }
		/exit_group/ { exit }' "$T/trace"
}

check_cache() {
	local checked
	checked=$(/usr/bin/python3 "$SEAL/check.py" "$CACHE" 2>&1 | grep -v ' files,')
	[ -z "$checked" ] || wrong="$wrong$1: $checked"$'\n'
}

kills() { # SECONDS
	local scene call n done left wrong until moments share=$(($1 / 6))
	for scene in fresh new touched edited reused damaged; do
		until=$((SECONDS + share))
		set_scene $scene
		mapfile -t moments < <(moments | shuf)
		done=0 left=0 wrong=
		for moment in "${moments[@]}"; do
			if [ $SECONDS -ge $until ]; then
				left=$((left + 1))
				continue
			fi
			read -r call n <<<"$moment"
			set_scene $scene
			preloaded strace -qq -o /dev/null -E LD_PRELOAD="$SO" -e trace="$call" \
				-e inject="$call:signal=KILL:when=$n" "$python" -c "$show" "$T/src" >/dev/null 2>&1
			# What was damaged before may still be so.
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

# In the short form one interpreter a day; in the long one all of them.
number=-1
count=$(interpreters cached | wc -l)
first=$(($(date +%s) / 86400 % count))
one() {
	number=$((number + 1))
	if [ "$total" -gt 60 ]; then
		kills $((total / count))
	elif [ $number = $first ]; then
		kills "$total"
	fi
}
if ! strace -qq -o /dev/null true 2>/dev/null; then
	skip_all "an interpreter is killed at each system call" "strace does not work here"
fi
each one
done_testing
