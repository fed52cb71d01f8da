#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A folder with very many entries (200,000 in the long form, else 10,000): imports there make no
# more system calls than in an empty folder, and every command ends, in bounded memory.
#
# Takes 10 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"
# shellcheck source=tests/torture/crowd.bash
. "$(dirname "$0")/crowd.bash"

count=10000
! long || count=200000
if [ -w /dev/shm ]; then # small files are faster there
	CACHE=$(mktemp -d /dev/shm/pycstash-test.XXXXXX)
	trap 'rm -rf "$CACHE"; cleanup' EXIT
fi
mkdir "$T/src" && version one "$T/src/m.py"
import() { preloaded "$@" /usr/bin/python3 -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V)' "$T/src"; }
calls() { # how many an import makes in the cache
	import strace -qq -y -o "$T/calls" -E LD_PRELOAD="$SO" >"$T/said" && cat "$T/said" && grep -cF "$CACHE/v1" "$T/calls"
}
import env >/dev/null && import env >/dev/null
few=$(calls 2>&1)
/usr/bin/python3 -c 'import os, sys
entry, count = sys.argv[1], int(sys.argv[2])
top, name = os.path.split(entry)
data = open(entry, "rb").read()
for i in range(count):
    with open("%s/x%06d%s" % (top, i, name[1:]), "wb") as file:
        file.write(data)' "$(entries | grep -F "/tree$T/src/")" $count
if strace -qq -o /dev/null true 2>/dev/null; then
	is "$(calls 2>&1)" "$few" "an import beside $count entries makes as many system calls as beside none"
else
	skip "an import beside many entries makes as many system calls as beside none" "strace does not work here"
fi

# bounded COMMAND…: the command ends with 0, or with its code for findings, and takes at most
# 2 KiB of memory for each entry.
bounded() {
	local said
	said=$(PYCSTASH_DIR=$CACHE /usr/bin/python3 -c 'import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, timeout=240)
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$PYCSTASH" "$@" 2>"$T/err")
	case $said in "0 "* | "1 "* | "3 "*) ;; *) not_ok "$1 ends on $count entries in one folder" "$said $(cat "$T/err")" && return ;; esac
	check "$1 takes bounded memory for $count entries in one folder" test "${said#* }" -lt $((30000 + 2 * count))
}
bounded stats
bounded ls --json
bounded du --by package
bounded verify
bounded explain "$T/src/m.py"
bounded gc --dry-run
bounded export "$T/x.tar"
bounded gc --max-entries 1000
bounded purge --path "$T/src"
done_testing
