# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Sourced by every shell suite: provides a clean environment, a temporary directory, and the
# functions that tests are written with. A suite prints a line for each claim it checked (`ok -
# sentence`, `not ok - sentence`, `ok - sentence # SKIP reason`) and ends with done_testing,
# which prints their number: tests/run fails a suite that stops earlier. BUILD must be set to
# the build directory.
#
#   $T         a fresh directory, removed at the end (kept with KEEP=1)
#   $BUILD     absolute; $SO is the library in it, $PYCSTASH the command
#   ok SENTENCE | not_ok SENTENCE [DETAIL…] | skip SENTENCE REASON
#   check SENTENCE COMMAND…     passes if the command succeeds; else shows its output
#   is GOT WANT SENTENCE        compares two strings
#   none SENTENCE               passes if stdin is empty
#   told                        passes on the claims that a program prints
#   done_testing                last line of every suite; status 1 if a claim failed
#   skip_all SENTENCE REASON    skips the rest of the suite and ends it
#   status_of COMMAND…          prints its exit code and hides its output
#   preloaded COMMAND…          runs it under the library, with the cache $CACHE
#   entries [DIR]               prints the entries in the cache (default $CACHE), a path a line
#   faked COMMAND…              runs it, and removes what it leaves in /dev/shm if it has loaded
#                               libfaketime and ends by _exit
#   as_user COMMAND…            runs it as an ordinary user, if we are root
#   on_terminal COMMAND…        runs it as the leader of the session of a terminal of its own,
#                               where stdin is typed; its status
#   part_of DIR                 for a suite that has run itself again, such as in a mount
#                               namespace: $T belongs to the first run, which also removes it
#   ends PID                    waits until that process has ended, at most 20 seconds
#   appears FILE                waits until that file exists, at most 20 seconds
#
# A claim is a whole sentence that says what is true if it passes, and that can be understood
# without the claim before it: "a dry run removes nothing", not "and nothing is removed".
# tests/lint/style.sh checks how it begins. The functions for interpreters are in
# tests/lib/pythons.sh, which this file sources.
set -u

# A developer's or CI's own settings must not decide what a test sees; above all
# PYTHONDONTWRITEBYTECODE, with which Python writes nothing and every test "passes"; and
# SOURCE_DATE_EPOCH, with which py_compile makes hash-based pycs.
for name in $(compgen -e | grep -E '^(PYTHON|PYCSTASH|PYTEST|NUMBA|XDG_|LD_PRELOAD$|SOURCE_DATE_EPOCH$|CI$)'); do
	unset "$name"
done
# With directories that this user may not enter (another user's, after su), a command that is missing
# is "Permission denied".
PATH=$(IFS=: && for dir in $PATH; do [ ! -x "$dir" ] || printf '%s:' "$dir"; done)
export PATH=${PATH%:} LC_ALL=C.UTF-8
umask 022

BUILD=$(cd "${BUILD:-build}" && pwd)
SO=$BUILD/libpycstash.so
PYCSTASH=$BUILD/pycstash
# Where the library is missing, ld.so only prints a warning, and most tests would pass.
case $0 in
*/lint/*) ;; # these look at sources, and each checks what else it needs
*)
	[ -r "$SO" ] || {
		echo "not ok - there is no $SO: make it first"
		exit 1
	}
	;;
esac
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) # the checkout
T=$(mktemp -d "${TMPDIR:-/tmp}/pycstash-test.XXXXXX")
T=$(cd "$T" && pwd -P)
# This file gets a line for each claim, so that claims in subshells count too, and those of a
# suite that runs itself again for a part of it.
CLAIMS=${TEST_CLAIMS:-$T.claims}
export TEST_CLAIMS=$CLAIMS
touch "$CLAIMS"
CACHE=$T/cache
export HOME=$T/home
mkdir "$HOME"
export PYCSTASH_SYSCONFDIR=$T/etc # not this machine's configuration file
export PYCSTASH_AUTO_GC=no # no process in the background that the test did not start

cleanup() {
	status=$?
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $T"
	else
		chmod -R u+rwx "$T" 2>/dev/null
		rm -rf "$T"
	fi
	rm -f "$CLAIMS"
	exit $status
}
trap cleanup EXIT

# Prints where the claim is in the suite, and from where that line was called.
place() {
	local i file at=
	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		file=${BASH_SOURCE[i]#"$HERE"/}
		case $file in
		*lib/tap.sh | *lib/pythons.sh | environment) ;;
		*) at+="${at:+, called from }$file:${BASH_LINENO[i - 1]}" ;;
		esac
	done
	echo "$at"
}

ok() {
	echo "ok - $1"
	echo ok >>"$CLAIMS"
}
not_ok() {
	echo "not ok - $1"
	echo not ok >>"$CLAIMS"
	echo "#   at $(place)"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/#   /'
}
skip() { ok "$1 # SKIP $2"; }
told() {
	awk -v claims="$CLAIMS" -v place="$(place)" '{ print }
		/^ok / { print "ok" >>claims }
		/^not ok / { print "not ok" >>claims; print "#   at " place }'
}
done_testing() {
	echo "1..$(wc -l <"$CLAIMS")"
	! grep -q '^not' "$CLAIMS"
}
skip_all() {
	skip "$@"
	done_testing
	exit
}

check() {
	local sentence=$1 output
	shift
	if output=$("$@" 2>&1); then ok "$sentence"; else not_ok "$sentence" "$* =>" "$output"; fi
}

is() {
	if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "got:  $1" "want: $2"; fi
}

none() { is "$(head -20 | tr '\n' ' ')" "" "$1"; }

status_of() { "$@" >/dev/null 2>&1; echo $?; }

preloaded() {
	env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$@"
}

entries() { find "${1:-$CACHE}" -type f -path '*/tree/*' 2>/dev/null | sort; }

faked() {
	local code
	(exec "$@") &
	wait $!
	code=$?
	LD_PRELOAD='' rm -f /dev/shm/faketime_shm_$! /dev/shm/sem.faketime_sem_$! 2>/dev/null # another user's?
	return $code
}

as_user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

on_terminal() {
	"${python:-/usr/bin/python3}" -c 'import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))' "$@"
}

part_of() {
	rm -rf "$T"
	T=$1
	trap - EXIT
}

# 20 seconds are enough even on a busy machine.
await() {
	local _
	for _ in {1..400}; do
		"$@" && return
		sleep 0.05
	done
	return 1
}
has_ended() { case $(ps -o stat= -p "$1") in '' | Z*) true ;; *) false ;; esac; } # Z: a zombie
ends() { [ -n "$1" ] && await has_ended "$1"; }
appears() { await test -e "$1"; }

# shellcheck source=tests/lib/pythons.sh
. "$HERE/tests/lib/pythons.sh"
