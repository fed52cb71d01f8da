#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Links that are flipped and directories that are recreated while a program runs, or between two
# programs: they see the same bytecode there as without the library.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

seen_by() { # WAY: in a directory of its own
	rm -rf "$T/$1"
	mkdir "$T/$1"
	"${@:2}" "$HERE/tests/library/flips.py" "$T/$1" 2>&1 | sed "s,$T/$1,.,g"
}

# In a tree that came with its bytecode, from a distribution or a wheel.
shipped() {
	rm -rf "$T/src"
	mkdir -p "$T/src/pkg"
	echo 'V = 1' >"$T/src/pkg/m.py"
	"$python" -m compileall -q "$T/src" >/dev/null
	[ -d "$T/src/pkg/__pycache__" ]
}

flips() {
	is "$(seen_by under preloaded "$python")" "$(seen_by alone "$python")" \
		"flipped links lead no file astray on $name"
	shipped || return
	copied="import shutil, sys
for i in range(2):
    shutil.copytree(*sys.argv[1:])
    sys.path.insert(0, sys.argv[2]); import pkg.m
    shutil.rmtree(sys.argv[2])
shutil.copytree(*sys.argv[1:])
print('copied')"
	is "$(preloaded "$python" -c "$copied" "$T/src" "$T/copy.$tag" 2>&1)" copied \
		"a tree with bytecode is copied to where one was deleted on $name"
	preloaded /bin/cp -r "$T/src" "$T/cp" && rm -rf "$T/cp"
	is "$(preloaded /bin/cp -r "$T/src" "$T/cp" 2>&1)" "" "cp copies a tree with bytecode to where one was deleted on $name"
}

each flips
done_testing
