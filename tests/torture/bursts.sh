#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Sixteen programs start at once, alone, with threads or with forks, and most of them are killed
# at some moment. The others never notice, damage heals, and gc deletes the leftovers.
#
# Takes 20 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"
# shellcheck source=tests/torture/crowd.bash
. "$(dirname "$0")/crowd.bash"

python=/usr/bin/python3
rounds=6
! long || rounds=60
edition 100
for how in alone threads forks; do
	wrong=
	for ((i = 0; i < rounds / 3; i++)); do
		[ $((i % 3)) != 0 ] || rm -rf "$CACHE"
		said=$(preloaded /usr/bin/python3 "$crowd" burst "$python" -S "$crowd" "$T/src" "${how#alone}")
		case $said in '' | "100 ended with 7") ;; *) wrong+="one says: ${said:0:300}"$'\n' ;; esac
		wrong+=$(healed 100)
	done
	is "$wrong" "" "of many programs that start at once ($how) and are killed, none notices and nothing is broken"
done
find "$CACHE/v1" -regex '.*\.pyc\.[0-9]+' -exec touch -d '2 hours ago' {} +
check "gc succeeds on a cache whose programs were killed" "$PYCSTASH" gc --dir "$CACHE"
find "$CACHE/v1" -regex '.*\.pyc\.[0-9]+' | none "gc leaves no temporary file of those that were killed"
done_testing
