#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Python 2.7 keeps its bytecode beside the source: it works, and its bytecode is left alone.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

count=0
while read -r python; do
	case ${python##*/} in python2*) ;; *) continue ;; esac
	count=$((count + 1))
	name=$(named "$python")
	CACHE=$T/cache
	sources
	"$python" "$tree/app.py" >"$T/bare.out" 2>&1
	(cd "$tree" && find . -name '*.pyc' -exec sha256sum {} + | sort) >"$T/bare.pycs"
	is "$(wc -l <"$T/bare.pycs"), $(cat "$T/bare.out")" "5, six" "without the library 2.7 writes five pycs on $name"
	find "$tree" -name '*.pyc' -delete
	preloaded "$python" "$tree/app.py" >"$T/cached.out" 2>&1
	(cd "$tree" && find . -name '*.pyc' -exec sha256sum {} + | sort) >"$T/cached.pycs"
	check "Python 2.7 prints the same with the library on $name" cmp "$T/bare.out" "$T/cached.out"
	check "Python 2.7 writes the same pycs beside the source on $name" cmp "$T/bare.pycs" "$T/cached.pycs"
	preloaded "$python" -v "$tree/app.py" 2>&1 >/dev/null </dev/null | grep -c "^# $tree.*\.pyc matches" >"$T/matches"
	is "$(cat "$T/matches")" 5 "Python 2.7 reads its pycs at the next start on $name"
	preloaded "$python" -m compileall -f "$tree" >/dev/null 2>&1
	preloaded "$python" -O "$tree/app.py" >/dev/null 2>&1
	is "$(find "$tree" -name '*.pyo' | wc -l)" 5 "-O writes its own beside the source on $name"
	is "$(entries)" "" "the cache stays empty on $name"
	rm "$tree/pkg/deep/leaf.py" "$tree"/pkg/deep/*.pyo
	preloaded "$python" "$tree/app.py" >"$T/cached.out" 2>&1
	is "$(cat "$T/cached.out")" six "a pyc without its source is imported as 2.7 does on $name"
	rm -rf "$tree"
done < <(interpreters)
[ $count -gt 0 ] || skip "Python 2.7 works as it does without the library" "there is none here"
done_testing
