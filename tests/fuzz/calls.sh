#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Random sequences of calls return what they return without the library, except for what
# docs/limits.md names. SEEDS=FROM:TO, LENGTH=N and MODES=… are those of fuzz.py; `make fuzz`
# sets them.
#
# Takes 40 s.
# shellcheck source=tests/calls/fast.bash
. "$(dirname "$0")/../calls/fast.bash"
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

fuzz=$HERE/tests/fuzz/fuzz.py
chmod 755 "$T"
is "$("$fuzz" --symbols "$BUILD" "$T" | sort)" "$("$BUILD/tests/calls/call" --names | sort)" \
	"every interposed call is fuzzed, or is named as one that is not"

# What was found before.
"$fuzz" --replay "$HERE/tests/fuzz/found.calls" "$BUILD" "$T" | told

# In the short form the modes share the seeds.
modes=${MODES:-plain few src real other links notag user src+user src+real+other}
count=$(wc -w <<<"$modes")
first=0
for mode in $modes; do
	seeds=${SEEDS:-$first:$((first + 100 / count))}
	first=$((first + 100 / count))
	"$fuzz" --modes "$mode" --seeds "$seeds" --length "${LENGTH:-60}" "$BUILD" "$T" >"$T/said" 2>&1
	is "$? $(grep -v '^excused\|differences$' "$T/said")" "0 " \
		"$mode: no difference that docs/limits.md does not name ($(tail -1 "$T/said"))"
	grep '^excused' "$T/said" | sed 's/^/# /'
done
done_testing
