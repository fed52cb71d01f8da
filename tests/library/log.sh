#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PYCSTASH_LOG shows each decision with its reason.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

decide() { # DIR SETTINGS…: imports m there, and tells what was decided about it
	logged "${@:2}" "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$1" \
		>/dev/null 2>&1
	decisions m | tr '\n' ';'
}
entry() { entries | grep -F "/tree$T/a/"; }

decided() {
	mkdir "$T"/{a,b}
	version one "$T/a/m.py"
	version one "$T/b/m.py"
	is "$(decide "$T/a")" "miss (no entry);sealed;" "$name: a first start: miss (no entry), sealed"
	is "$(decide "$T/a")" "hit;" "$name: a second: hit"
	touch "$T/a/m.py"
	is "$(decide "$T/a")" "hit (re-sealed);" "$name: touched: hit (re-sealed)"
	is "$(decide "$T/a")" "hit;" "$name: a second start logs: hit"
	is "$(decide "$T/a" PYCSTASH_VALIDATE=content | sed 's/hit (.*)/hit/')" "hit;" \
		"$name: with PYCSTASH_VALIDATE=content: hit"
	is "$(decide "$T/b")" "reused from object;" "$name: a copy: reused from object"
	version two "$T/a/m.py"
	is "$(decide "$T/a")" "miss (source changed);sealed;" "$name: edited: miss (source changed), sealed"
	cp "$(entry)" "$T/copy" && rm "$(entry)" && head -c 200 "$T/copy" >"$(entry_path)"
	rm -rf "$CACHE"/v1/*/objects
	is "$(decide "$T/a")" "miss (damaged);sealed;" "$name: truncated: miss (damaged), sealed"
	is "$(decide "$T/a")" "hit;" "$name: a healed entry logs: hit"
	# An entry without a proof, because its source changed while it was compiled.
	rm -rf "$CACHE"
	is "$(decide "$T/a" LD_PRELOAD="$BUILD/tests/library/libat.so $SO" AT=rename:.pyc \
		DO="touch '$T/a/m.py'; touch -d @1600000000 '$T/a/m.py'")" \
		"miss (no entry);not sealed (source changed while compiling);" \
		"$name: changed meanwhile: not sealed (source changed while compiling)"
	is "$(decide "$T/a")" "miss (not sealed);sealed;" "$name: an unsealed entry logs: miss (not sealed), sealed"
	# In the tree.
	rm -rf "$CACHE"
	(cd "$T/a" && "$python" -c 'import m')
	is "$(decide "$T/a")" "in-tree;" "$name: Python's own pyc beside the source: in-tree"
	touch "$T/a/m.py"
	case $(decide "$T/a") in
	"miss (source changed);sealed;") ok "$name: one that is old: miss (source changed), sealed" ;;
	*) not_ok "$name: one that is old: miss (source changed), sealed" "$(decisions m)" ;;
	esac
	rm -r "$T"/a/__pycache__ "$CACHE"
	is "$(logged "$python" -c "import py_compile; py_compile.compile('$T/a/m.py')"; decisions m | tail -1)" \
		"sealed" "$name: py_compile: sealed"
	if at_least "$python" 3 7; then
		rm -rf "$CACHE"
		is "$(logged "$python" -m compileall -q --invalidation-mode checked-hash "$T/a"; decisions m | tail -1)" \
			"not sealed (hash-based, which is valid beside its source alone)" "$name: a hash-based pyc: not sealed"
		is "$(decide "$T/a")" "in-tree;" "$name: it is in the tree"
		rm -r "$T"/a/__pycache__
	fi
	is "$(grep -cvE '^pycstash\[[0-9]+\]: [a-z -]+: .*$' "$log")" 0 \
		"$name: every line is the process, the decision, the file and the reason"
}
entry_path() { find "$CACHE" -type d -path "*/tree$T/a/__pycache__" -printf '%p/m.'"$tag"'.pyc\n'; }
some decided
done_testing
