#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Looking at bytecode does not count as using it: `gc` and --unused-since go by the last use,
# and bytecode that was verified, listed or exported yesterday must not look as if a program
# needed it.
. "$(dirname "$0")/made.sh"

archive=$T/archive.tar.zst
age_all() { # used 40 days ago, which a read would change even under relatime
	find "$CACHE/v1" -type f -exec touch -a -d '40 days ago' {} +
}
used() { find "$CACHE/v1/$TAG" -name '*.pyc' -atime -1 | wc -l; }

age_all
cat "$(entries | grep -a "/$TAG/" | head -1)" >/dev/null
if [ "$(used)" = 0 ]; then
	skip_all "looking at bytecode does not count as using it" "this file system does not record reads"
fi
leaves() { # SENTENCE COMMAND…
	local sentence=$1 code
	shift
	age_all
	"$PYCSTASH" "$@" >"$T/out" 2>&1
	code=$?
	is "$code $(used)" "0 0" "$sentence"
}
leaves "ls" ls
leaves "ls --state" ls --state fresh --objects
leaves "ls --long" ls --long
leaves "du" du --by age
leaves "path" path "$S/top.py"
leaves "show" show --all "$S/top.py"
leaves "explain" explain "$S/top.py"
leaves "verify" verify
check "verify read everything" grep -q "$((COUNT * VERSIONS)) entries" "$T/out"
leaves "verify --deep" verify --deep --tag "$TAG"
leaves "purge --dry-run" purge --dry-run --state stale
leaves "export" export "$archive"
leaves "import of what is there" import "$archive"
echo 'x = "now another"' >"$S/top.py"
leaves "gc" gc --max-age 0
touch "$S/pkg/a.py"
leaves "explain of what is read by its content" explain "$S/pkg/a.py"
done_testing
