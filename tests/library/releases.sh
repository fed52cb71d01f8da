#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Two releases of CPython with one magic number, whose compilers differ: 3.11.4 corrected the
# order of assignments (gh-104615), 3.11.2 has it wrong. Bytecode of the one is not served to the
# other because a source has the same content.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

read -r old new < <(pair)
[ -n "${new:-}" ] || skip_all "two releases of one magic number" "there are no two releases of one minor version"
of_old=$("$old" -V) of_new=$("$new" -V)

source_in() { # DIR…
	local dir
	for dir; do
		mkdir -p "$dir"
		printf 'def f(x, y):\n    a, a = x, y\n    return a\n' >"$dir/m.py"
		touch -d '1 hour ago' "$dir/m.py"
	done
}
program='import sys; sys.path.insert(0, sys.argv[1]); import m; print("f gives", m.f(1, 2))'
alone() { PYTHONDONTWRITEBYTECODE=1 "$1" -S -c "$program" "$2"; }
# run PYTHON DIR [SETTING…]: what it prints, and the decisions
run() { echo "$(logged "${@:3}" "$1" -S -c "$program" "$2" 2>&1), $(decisions m | grep -v ^write | tr '\n' ';')"; }

CACHE=$T/cache log=$T/log
compiled="miss (no entry);sealed;" another="miss (compiled by another release of the interpreter);sealed;"
source_in "$T/a" "$T/b" "$T/c" "$T/d" "$T/e"
by_old=$(alone "$old" "$T/a") by_new=$(alone "$new" "$T/a")

is "$(run "$old" "$T/a")" "$by_old, $compiled" "$of_old compiles a source"
is "$(run "$new" "$T/b")" "$by_new, $compiled" "$of_new compiles another source of that content itself"
is "$(run "$new" "$T/c")" "$by_new, reused from object;" "what $of_new has compiled is shared from then on"
is "$(run "$old" "$T/d")" "$by_old, $compiled" "$of_old does not reuse it"
is "$(run "$old" "$T/e")" "$by_old, reused from object;" "what $of_old has compiled since is shared"
is "$(run "$new" "$T/a")" "$by_old, hit;" "$of_new is served the entry of $of_old for the very source, as Python alone is"

touch -d '2 hours ago' "$T/a/m.py"
is "$(run "$new" "$T/a")" "$by_new, $another" \
	"$of_new compiles a source again that was touched since $of_old compiled it"
is "$(run "$new" "$T/a")" "$by_new, hit;" "$of_new is served what it has compiled again"
touch -d '3 hours ago' "$T/a/m.py"
is "$(run "$new" "$T/a")" "$by_new, hit (re-sealed);" "$of_new is served what it has compiled after another touch"
touch -d '4 hours ago' "$T/a/m.py"
is "$(run "$new" "$T/a")" "$by_new, hit (re-sealed);" "a re-sealed entry is still that of $of_new"
is "$(run "$old" "$T/a")" "$by_new, hit;" "$of_old is served it for the very source"
touch -d '5 hours ago' "$T/a/m.py"
is "$(run "$old" "$T/a")" "$by_old, $another" \
	"$of_old compiles it again after a touch"

mv "$CACHE" "$T/layer"
touch -d '6 hours ago' "$T/a/m.py"
source_in "$T/f"
is "$(run "$new" "$T/a" PYCSTASH_LAYERS="$T/layer")" "$by_new, $another" \
	"$of_new is not served a layer's entry of $of_old by content"
rm -r "$CACHE"
is "$(run "$new" "$T/f" PYCSTASH_LAYERS="$T/layer")" "$by_new, $compiled" "$of_new is not served a layer's object of $of_old"
rm -r "$CACHE"
is "$(run "$old" "$T/f" PYCSTASH_LAYERS="$T/layer")" "$by_old, reused from layer's object;" "$of_old is served a layer's object of its own"
is "$(python3 "$SEAL/check.py" "$CACHE" | grep -v 'files,')" "" "every file in the cache is whole"

done_testing
