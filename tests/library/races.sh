#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A source changes at the worst moments (while it is looked up, read, compiled, stored or
# hashed), always with the same size and time: the next program sees the new code. A library
# that stops the program at these moments hits them exactly (libat.c).
#
# Takes 60 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

AT_SO=$BUILD/tests/library/libat.so

import() { # …; prints the version of m in here, $stage
	preloaded "$@" "$python" -S -B -c "import sys; sys.dont_write_bytecode = False
sys.path.insert(0, 'here'); import m; print(m.V if m.V == m.f() else 'torn')" 2>&1 | tail -1
}
before() { import LD_PRELOAD="$AT_SO $SO" "$@"; } # at the calls of the program
behind() { import LD_PRELOAD="$SO $AT_SO" "$@"; } # at those of the library

fresh() { # the source here/m.py is a link to one or two; the cache is empty
	rm -rf "$T/work" "$CACHE" && mkdir -p "$T/work/here" && cd "$T/work" || return
	version one one.py && version two two.py
	version one in_place.py
	ln -s ../one.py here/m.py
}
link() { ln -sfn "../$1.py" here/m.py; }
to_one="ln -sfn ../one.py here/m.py"
to_two="ln -sfn ../two.py here/m.py"

# follow WHAT: whatever has happened before, each version of the source runs as itself, twice.
follow() {
	local got= v
	for v in two one one two; do
		link $v
		got="$got$(import) "
	done
	is "$got" "two one one two " "$name: $1"
}

edited_while() { # SENTENCE SETTINGS…: in place, at a moment
	local got
	fresh
	rm here/m.py && version one here/m.py
	before "${@:2}" "DO=$edit" >"$T/first"
	got="$(cat "$T/first") $(import) $(import)"
	case $got in
	"one two two" | "two two two") ok "$name: $1" ;;
	*) not_ok "$name: $1" "got: $got" ;;
	esac
}

races() {
	local edit got
	edit=". $SEAL/../lib/nothing 2>/dev/null; sed -i.bak s/one/two/g here/m.py; touch -d @1600000000 here/m.py"
	edit='printf %s "$(sed s/one/two/g here/m.py)" >new; echo >>new; cat new >here/m.py; touch -d @1600000000 here/m.py'
	edited_while "a source edited before Python reads it" AT=open:/m.py
	edited_while "a source edited once Python has opened it" AT=open:/m.py:after
	edited_while "a source edited between Python's reading and its writing" AT=rename:.pyc
	edited_while "a source edited while the pyc is renamed" AT=rename:.pyc:after
	edited_while "a source edited at the first stat of it" AT=stat:/m.py
	edited_while "a source edited just before the library looks at it again" AT=stat:2:/m.py:after
	edit='cp here/m.py new; sed -i s/one/two/g new; touch -d @1600000000 new; mv new here/m.py'
	edited_while "a source replaced before Python reads it" AT=open:/m.py
	edited_while "a source replaced once Python has opened it" AT=open:/m.py:after
	edited_while "a source replaced between Python's reading and its writing" AT=rename:.pyc
	edited_while "a source replaced while the pyc is renamed" AT=rename:.pyc:after

	fresh
	before AT=open:/m.py DO="$to_two" >/dev/null
	follow "a link that flips before Python reads"
	fresh
	before AT=rename:.pyc DO="$to_two" >/dev/null
	follow "a link that flips before the pyc is renamed"
	fresh
	before AT=open:/m.py DO="$to_two" AT2=rename:.pyc DO2="$to_one" >/dev/null
	follow "a link that flips while Python reads, and flips back before the pyc is renamed"
	local n
	for n in 1 2 3; do
		fresh
		behind AT=open:$n:/m.py DO="$to_two" >/dev/null
		follow "a link that flips before opening $n of the source"
		fresh
		behind PYCSTASH_SHARE=0 AT=open:$n:/m.py DO="$to_two" >/dev/null
		follow "a link that flips before opening $n of the source, with PYCSTASH_SHARE=0"
		fresh
		behind AT=open:$n:/m.py DO="$to_two" AT2=open:$n:/m.py:after DO2="$to_one" >/dev/null
		follow "a link that flips during opening $n of the source alone"
		fresh
		import >/dev/null
		link two
		behind AT=open:$n:/m.py DO="$to_one" >/dev/null
		follow "a link that flips before opening $n of a source that has an entry"
	done
	for n in 1 2 3 4 5; do
		fresh
		behind AT=stat:$n:/m.py:after DO="$to_two" >/dev/null
		follow "a link that flips after stat $n of the source"
		fresh
		import >/dev/null
		link two
		behind AT=stat:$n:/m.py:after DO="$to_one" >/dev/null
		follow "a link that flips after stat $n of a source that has an entry"
	done
	fresh
	import >/dev/null # leaves an object of one
	link two
	rm -rf "$CACHE"/v1/*/tree
	behind AT=open:/m.py DO="$to_one" >/dev/null
	follow "a link that flips before a source that has an object is hashed"
	# The entry is of version one, the source of version two; and while Python opens its
	# pyc, the source becomes version six, with another time.
	fresh
	rm here/m.py && version one here/m.py
	import >/dev/null
	version two here/m.py
	content six six
	got=$(before AT="open:/m.$tag.pyc" DO='cat six >here/m.py')
	case $got in
	two | six) ok "$name: an old entry is not served for a source whose time changes during the lookup" ;;
	*) not_ok "$name: an old entry is not served for a source whose time changes during the lookup" "$got" ;;
	esac
	# Another process replaces the entry that was just made with its older one.
	fresh
	mkdir there
	rm here/m.py && version one here/m.py && version two there/m.py
	import >/dev/null
	cp "$(entries | grep -F "/tree$T/work/here/")" older
	(cd there && ln -s . here && import >/dev/null)
	version two here/m.py
	got=$(behind AT=rename:.pyc:after DO="cp older new && mv new '$(entries | grep -F "/tree$T/work/here/")'")
	is "$got $(import)" "two two" \
		"$name: if another process puts its older entry in place of a reused one, that is not served"
	chmod 600 here/m.py # as above, for an entry that is re-sealed
	got=$(behind AT=rename:.pyc:after DO="cp older new && mv new '$(entries | grep -F "/tree$T/work/here/")'")
	case $got in
	two) ok "$name: no edit is missed while an entry is re-sealed" ;;
	*) not_ok "$name: no edit is missed while an entry is re-sealed" "$got" ;;
	esac
	# One thread looks for bytecode and reads version one; another looks for it after an edit.
	fresh
	rm here/m.py && version one here/m.py
	got=$(preloaded "$python" -S -c '
import sys, threading
from importlib.machinery import SourceFileLoader
read, edited = threading.Event(), threading.Event()
class Slow(SourceFileLoader):
    def source_to_code(self, data, path, *args, **options):
        read.set()
        edited.wait()
        return SourceFileLoader.source_to_code(self, data, path, *args, **options)
slow = threading.Thread(target=lambda: Slow("m", "here/m.py").get_code("m"))
slow.start()
read.wait()
with open("here/m.py") as f: text = f.read()
with open("here/m.py", "w") as f: f.write(text.replace("one", "two"))
import os
os.utime("here/m.py", (1600000000, 1600000000))
class Gone(Exception): pass
class Stop(SourceFileLoader):
    def source_to_code(self, data, path, *args, **options):
        edited.set()
        slow.join()
        raise Gone  # so that the slow one has the last word
try: Stop("m", "here/m.py").get_code("m")
except Gone: pass
' 2>&1; import)
	is "$got" two "$name: a thread's lookup does not prove what another thread has read"
	cd "$HERE" || exit
}
some races

# One process that imports right after each edit.
edits() {
	mkdir "$T/edits"
	preloaded "$python" -S "$SEAL/edits.py" "$T/edits" 42 >"$T/said" 2>&1
	while read -r line; do
		is "${line#*: }" "0 wrong of 42" \
			"$name: a process that edits and imports without a pause runs the new code: ${line%%: *}"
	done <"$T/said"
	is "$(wc -l <"$T/said")" 6 "$name: six ways to edit without a pause were tried"
	# A new process right after each edit.
	local got= want= i v
	for i in 1 2 3 4 5 6; do
		v=$((100 + i % 4))
		content $v "$T/edits/m.py"
		touch -d @1600000000 "$T/edits/m.py"
		got="$got$(cd "$T/edits" && preloaded "$python" -S -c 'import m; print(m.f())') "
		want="$want$v "
	done
	is "$got" "$want" "$name: six starts, each right after an edit, run the new code"
}
some edits
done_testing
