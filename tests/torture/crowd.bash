# shellcheck shell=bash disable=SC2154 # $python is of tests/lib/pythons.sh
# SPDX-License-Identifier: MIT
#
# Shared by suites whose programs import many modules. Sourced after tests/library/seals.sh.
#
#   edition VERSION     recreates all modules of $T/src with that version
#   crowd [HOW]         prints the output and status of a program that imports them all:
#                       "VERSION, N compiled 7"
#   starts VERSION      prints what is wrong with the starts from now on: two must print that
#                       version, and the second one must compile nothing
#   healed VERSION      does the same; verify must find no damage either
#   long                succeeds if there is time for the long form

crowd=$HERE/tests/torture/crowd.py

edition() { /usr/bin/python3 "$crowd" write "$T/src" "$1"; }
crowd() { preloaded "$python" -S "$crowd" "$T/src" "$@" 2>&1 && true; echo $?; }
starts() {
	local first second
	first=$(crowd | tr '\n' ' ') second=$(crowd | tr '\n' ' ')
	case $first in "$1, "*" compiled 7 ") ;; *) echo "the next start: ${first:0:300}" ;; esac
	[ "$second" = "$1, 0 compiled 7 " ] || echo "the start after it: ${second:0:300}"
}
healed() {
	starts "$1"
	"$PYCSTASH" verify --dir "$CACHE" >"$T/verified" 2>&1 || tail -n 3 "$T/verified"
}
long() { [ "${TORTURE_SECONDS:-20}" -gt 60 ]; }
