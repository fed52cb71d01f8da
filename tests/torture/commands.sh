#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The storm, in which the command itself deletes and fills: purge, gc, verify --repair, warm and
# import run beside interpreters that import sources while they are edited, and some of each are
# killed. Runs for COMMANDS_SECONDS (12).
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"

python=$(interpreters cached | grep -E '/(usr/bin/python3\.11|3\.13\.[0-9]+/bin/python3\.13)$' | tail -1)
mkdir "$T/src"
"$python" "$HERE/tests/torture/storm.py" "$T/src" "$CACHE" "${COMMANDS_SECONDS:-12}" "$SO" 6 2 "$PYCSTASH" \
	>"$T/said" 2>"$T/errors"
while IFS=: read -r way rest; do
	[ -n "$rest" ] || continue # the last line
	is "$(echo "$rest" | sed 's/.*imports, //')" "0 wrong " "${way//_/ }: no import is of another time"
done <"$T/said"
is "$(wc -l <"$T/said")" 7 "the storm raged"
echo "# $(tail -1 "$T/said")"
is "$(grep -v "sources that others may not read" "$T/errors")" "" "no command ends with a code that says something else than what was"
is "$(find "$T/src" -name __pycache__)" "" "nothing is beside the sources"
is "$(/usr/bin/python3 "$SEAL/check.py" "$CACHE" | grep -v ' files,' | sed "s,$T,,")" "" "nothing in the cache is broken"
check "verify finds nothing broken either" "$PYCSTASH" verify --dir "$CACHE"
find "$CACHE/v1" -name '*.[0-9]*[0-9]' -path '*/tree/*' -exec touch -d '2 hours ago' {} +
check "gc succeeds on a cache whose writers were killed" "$PYCSTASH" gc --dir "$CACHE"
is "$(find "$CACHE/v1" -mindepth 2 -regextype posix-extended -regex '.*\.(pyc|pyo)\.[0-9]+|.*/\.trash/.*')" "" \
	"gc leaves no old temporary file and no trash"
done_testing
