#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Two interpreters in one tree. A program that has opened bytecode of one does not see the
# __pycache__ that the cache has for the other: it creates one, and expects no file in it.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

command -v git >/dev/null || skip_all "what programs create in a tree of two interpreters" "no git"

# Programs that copy bytecode of both.
copiers() {
	local what how first=a/__pycache__/first.cpython-399.pyc
	mkdir -p "$T/from/"{a,p}/__pycache__ && echo 'x = 1' | tee "$T/from/p/m.py" >"$T/from/p/n.py"
	printf new | tee "$T/from/$first" "$T/from/p/__pycache__/m.$tag.pyc" >"$T/from/p/__pycache__/n.$tag.pyc"
	git -C "$T/from" init -q && git -C "$T/from" add -f . && git -C "$T/from" -c user.name=x -c user.email=x@x commit -qm x
	while IFS='|' read -r what how; do
		cp -R "$T/from" "$T/both" && rm -r "$T/both/p/__pycache__" && touch -d @1700000000 "$T/both/$first"
		preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m, n' "$T/both/p"
		is "$(entries | grep -c /both/) $(preloaded $how 2>&1) $(cat "$T/both/p/__pycache__/"*; entries | grep -c /both/)" "2  newnew0" \
			"$what finds no other interpreter's bytecode in the __pycache__ that it has created on $name"
		rm -rf "$T/both"
	done <<-WAYS
		\`cp -r\`|cp -r $T/from/a $T/from/p $T/both
		git|git -C $T/both checkout -q .
	WAYS
	rm -rf "$T/from"
}
some copiers

# Calls that replace nothing. The other interpreter's bytecode is this one's under another tag.
creators() {
	local what how entry
	mkdir "$T/both" && echo 'x = 1' | tee "$T/both/"{m,n,own}.py >/dev/null
	while IFS='|' read -r what how; do
		preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m, n' "$T/both"
		mv "$CACHE/v1/$tag" "$CACHE/v1/cpython-399"
		entries | grep /both/ | while read -r entry; do mv "$entry" "${entry/.$tag./.cpython-399.}"; done
		is "$(entries | grep -c /both/.*399) $(preloaded "$python" -c 'import os, sys
sys.path.insert(0, sys.argv[1])
import own
d = sys.argv[1] + "/__pycache__/"
m, n = d + "m.cpython-399.pyc", d + "n.cpython-399.pyc"
exec(sys.argv[2])
print(sorted(os.listdir(d)), sorted(os.listdir(os.open(d, os.O_RDONLY))), os.path.isfile(m))' "$T/both" "$how" 2>&1)" \
			"2 ['m.cpython-399.pyc', 'own.$tag.pyc'] ['m.cpython-399.pyc', 'own.$tag.pyc'] $(case $what in link|file|name) echo True ;; *) echo False ;; esac)" \
			"another interpreter's bytecode is not in the way of a new $what on $name"
		rm -rf "$T/both/__pycache__" "$CACHE"
	done <<-'WAYS'
		file|os.close(os.open(m, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
		link|os.link(d + "../m.py", m)
		name|import ctypes; open(d + "../x", "w").close(); getattr(ctypes.CDLL(None), "renameat2", lambda *paths: os.rename(paths[1], paths[3]))(-100, (d + "../x").encode(), -100, m.encode(), 1)
		symbolic link|os.symlink("nowhere", m)
		pipe|os.mkfifo(m)
		directory|os.mkdir(m)
	WAYS
	rm -rf "$T/both"
}
some creators

done_testing
