#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Directories that are moved, deleted and recreated: bytecode without a source stays with the
# directory that it was written in, and is not seen in another directory of the same name.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

seen_by() { # WAY: in a directory of its own
	rm -rf "$T/$1"
	mkdir "$T/$1"
	"${@:2}" "$HERE/tests/library/moves.py" "$T/$1" 2>&1
}

moves() {
	local alone
	alone=$(seen_by alone "$python")
	is "$(grep -c . <<<"$alone")" 15 "moves.py runs to its end on $name"
	is "$(seen_by under preloaded "$python")" "$alone" \
		"bytecode without a source stays with the directory that it was written in on $name"
	check "the cache has files of the tree that was moved on $name" \
		test -n "$(find "$CACHE" -path '*/other/*' -name '*.nbi')"
}

each moves
done_testing
