#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Random sequences of calls return the same with the library as without it, except for the
# differences that docs/limits.md names. SEEDS=FROM:TO, LENGTH=N and MODES=… are passed to
# fuzz.py; `make fuzz` sets them.
#
# Takes 40 s.
# shellcheck source=tests/calls/fast.bash
. "$(dirname "$0")/../calls/fast.bash"
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

fuzz=$HERE/tests/fuzz/fuzz.py
chmod 755 "$T"
is "$("$fuzz" --symbols "$BUILD" "$T" | sort)" "$("$BUILD/tests/calls/call" --names | sort)" \
	"every interposed call is fuzzed, or is in the list of calls that are not"

# Sequences in which a difference was once found.
"$fuzz" --replay "$HERE/tests/fuzz/found.calls" "$BUILD" "$T" | told

# In the short form, the seeds are divided among the modes.
modes=${MODES:-plain few src real other links notag user src+user src+real+other}
count=$(wc -w <<<"$modes")
first=0
for mode in $modes; do
	seeds=${SEEDS:-$first:$((first + 100 / count))}
	first=$((first + 100 / count))
	"$fuzz" --modes "$mode" --seeds "$seeds" --length "${LENGTH:-60}" "$BUILD" "$T" >"$T/said" 2>&1
	is "$? $(grep -v '^excused\|differences$' "$T/said")" "0 " \
		"$mode: docs/limits.md names every difference ($(tail -1 "$T/said"))"
	grep '^excused' "$T/said" | sed 's/^/# /'
done
done_testing
