# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For suites about the content of a cache: one that several interpreters have filled, with
# sources that have awkward names among them. $S is the tree, $TAGS the versions, $COUNT the
# number of sources for each.
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
export PYCSTASH_DIR=$CACHE
S=$T/src
modules=(top pkg/__init__ pkg/a pkg/b pkg/sub/__init__ pkg/sub/c $'new\nline' $'not\xffutf8' 'a b')
COUNT=${#modules[@]}

import_all() { # PYTHON [OPTION…]: $COUNT entries
	preloaded "$@" -S -c 'import sys, os
sys.path.insert(0, sys.argv[1])
import pkg.a, pkg.b, pkg.sub.c, top
for name in "new\nline", os.fsdecode(b"not\xffutf8"), "a b": __import__(name)' "$S"
}
make_sources() { # DIR
	local module
	mkdir -p "$1/pkg/sub"
	for module in "${modules[@]}"; do printf 'x = "%s"\n' "${1##*/}" >"$1/$module.py"; done
	for module in "$1"/pkg/*.py "$1"/pkg/sub/*.py "$1/top.py"; do echo "name = '$module'" >>"$module"; done
	sleep 0.05 # settled
}
make_sources "$S"
PYTHONS=() TAGS=()
for python in $(differing); do
	PYTHONS+=("$python")
	TAGS+=("$(tag_of "$python")")
	import_all "$python"
done
VERSIONS=${#TAGS[@]}
TAG=${TAGS[0]}

said_by() { "$@" 2>&1 >/dev/null; } # what is on stderr
names() { tr '\0' '\n' | sort; }
# jsons EXPRESSION: prints it for each JSON object on stdin, which is `x`, a line each
jsons() {
	python3 -c 'import json, os, sys
for line in open(0, encoding="utf-8", errors="strict"):
    x = json.loads(line)
    print(eval(sys.argv[1]))' "$1"
}
sizes() { # as stats has them; a version without anything is none
	"$PYCSTASH" stats --json | jsons 'sorted([(v["version"], v["entries"], v["objects"], v["bytes"],
    v["disk"], v["shared"]) for v in x["size"]["versions"] if any(list(v.values())[1:])])'
}
# counted_off SENTENCE COMMAND…: after the command, the counted sizes equal those that gc measures.
counted_off() {
	local sentence=$1 before after
	shift
	"$PYCSTASH" gc -q
	before=$(sizes)
	"$@" >"$T/out" 2>&1
	after=$(sizes)
	check "$sentence: the sizes change" test "$after" != "$before"
	"$PYCSTASH" gc -q
	is "$after" "$(sizes)" "$sentence: what went is counted off, as exactly as gc measures"
}
calls_of() { # COMMAND…: its system calls, a name a line, those of all threads
	strace -f -qq -o "$T/strace" "$@" >/dev/null 2>&1
	sed -E 's/^[0-9]+ +//; s/\(.*//' "$T/strace" | grep -aE '^[a-z0-9_]+$'
}
