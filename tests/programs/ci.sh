#!/bin/bash
# SPDX-License-Identifier: MIT
#
# CI jobs that share a store. Each job starts with an empty cache and a checkout of its own in
# which three files have changed; it pulls, runs a program, and pushes. A job compiles only the
# files that have changed, and pushes only their bytecode.
#
#   FULL=1   runs 200 jobs, as in a day, with SymPy; takes a quarter of an hour
#
# Takes 20 s.
. "$(dirname "$0")/../lib/tap.sh"

modules=/usr/lib/python3/dist-packages
packages=(django asgiref sqlparse)
program='import django.utils.html, django.db.models, django.http, django.template, django.forms, django.dispatch'
jobs=3
if [ -n "${FULL:-}" ]; then
	packages+=(sympy mpmath)
	program+=', sympy'
	jobs=200
fi
for package in "${packages[@]}"; do
	[ -d "$modules/$package" ] || skip_all "jobs share a store" "no $package"
done
python=/usr/bin/python3
mkdir "$T/sources"
for package in "${packages[@]}"; do cp -r "$modules/$package" "$T/sources/"; done
find "$T/sources" \( -name __pycache__ -o -name LC_MESSAGES \) -prune -exec rm -rf {} +

# job NAME: runs a job on a fresh machine; its checkout has its own path, inodes and times
checkout() {
	rm -rf "$T/cache" "$T/work-"*
	cp -r "$T/sources" "$T/work-$1"
}
work() { # how many modules were compiled
	rm -f "$T/log"
	PYCSTASH_DIR=$T/cache PYCSTASH_LOG=$T/log LD_PRELOAD=$SO "$python" -c "import sys; sys.path.insert(0, '$T/work-$1'); $program
if sys.argv[1:]: print(*(m.__file__ for m in sys.modules.values() if '/work-' in str(getattr(m, '__file__', None)) and m.__file__.endswith('.py')), sep='\n')" "${@:2}" >"$T/files"
	grep -c "sealed: $T/work-" "$T/log"
}
on() { PYCSTASH_DIR=$T/cache "$PYCSTASH" "$@"; }
field() { "$python" -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

checkout main
count=$(work main names)
check "the program has modules of its own ($count)" test "$count" -gt 100
sort -u "$T/files" | sed "s,$T/work-main/,," >"$T/names"
on push -q "$T/store"
checkout other
on pull -q "$T/store"
is "$(work other)" 0 "a host that has pulled compiles nothing"

mapfile -t names <"$T/names"
bytes=0 most=0 wrong=
for ((job = 0; job < jobs; job++)); do
	checkout $job
	on pull -q "$T/store"
	for file in 0 1 2; do echo "# job $job" >>"$T/work-$job/${names[(job * 31 + file * 97) % ${#names[@]}]}"; done
	[ "$(work $job)" = 3 ] || wrong+="job $job compiles $(grep -c 'sealed: ' "$T/log") modules; "
	moved=$(on push --json "$T/store" | field pack_bytes)
	bytes=$((bytes + moved)) most=$((moved > most ? moved : most))
done
is "$wrong" "" "each job compiles the three modules that it has changed"
is "$(find "$T/store/packs" -name '*.tar.zst' | wc -l)" $((jobs + 1)) "each job puts one pack into the store"
check "200 such jobs move at most 25 MB up ($jobs jobs: $((bytes / 1000)) kB, the largest $((most / 1000)) kB)" \
	test $((bytes * 200 / jobs)) -le 25000000
done_testing
