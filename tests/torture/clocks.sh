#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs whose clock jumps (libfaketime, before and behind the library) get no old code, and
# what they leave serves programs whose clock is right.
#
# Takes 10 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"
# shellcheck source=tests/torture/crowd.bash
. "$(dirname "$0")/crowd.bash"

faketime=$(find /usr/lib /usr/local/lib -name 'libfaketime.so.1' 2>/dev/null | head -1)
[ -n "$faketime" ] || skip_all "a clock that jumps makes no code old" "there is no libfaketime"
python=/usr/bin/python3
edits=100

# jumps CLOCK: two starts with that clock, each after an edit, then one with the right clock.
jumps() {
	local stat preload wrong= said
	for stat in "" NO_FAKE_STAT=1; do
		for preload in "$SO:$faketime" "$faketime:$SO"; do
			for _ in 1 2; do
				edits=$((edits + 1)) && edition $edits
				said=$(faked env PYCSTASH_DIR="$CACHE" ${stat:+"$stat"} FAKETIME="$1" LD_PRELOAD="$preload" "$python" -S "$crowd" "$T/src" 2>&1)
				case $said in "$edits, "*) ;; *) wrong+="$stat $preload: it says ${said:0:200}, not $edits"$'\n' ;; esac
			done
			rm -rf "$T/src/__pycache__" # there Python's own rule holds
			wrong+=$(starts $edits)
		done
	done
	is "$wrong" "" "a program whose clock is at '$1' gets no old code and leaves none"
}
jumps -10y
jumps +1h
if long; then
	for clock in +10y -1h -2s +2s "+0 x1000" "-5s x0.1" "@2000-01-01 00:00:00" "@2037-01-01 00:00:00"; do jumps "$clock"; done
fi
check "verify finds no damage where clocks have jumped" "$PYCSTASH" verify --dir "$CACHE"
done_testing
