# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What every shell suite sources: a clean environment, a temporary directory, and the
# words in which tests are told. A suite prints a line for each claim it checked
# (`ok - sentence`, `not ok - sentence`, `ok - sentence # SKIP reason`), and tests/run
# counts those lines. A suite runs with BUILD set to the build directory.
#
#   $T         a fresh directory, removed at the end (kept with KEEP=1)
#   $BUILD     absolute; $SO is the library in it, $PYCSTASH the command
#   ok SENTENCE | not_ok SENTENCE [DETAIL…] | skip SENTENCE REASON
#   check SENTENCE COMMAND…     passes when the command succeeds; its output is shown else
#   is GOT WANT SENTENCE        compares two strings
#   interpreters [cached]       the interpreters there are, a path a line; with `cached`
#                               those that have a __pycache__ (not 2.7)
#   preloaded COMMAND…          runs it under the library, with the cache $CACHE
#   entries [DIR]               the entries in the cache (default $CACHE), a path a line
#   as_user COMMAND…            runs it as an ordinary user, if we are root
set -u

# A developer's or CI's own settings must not decide what a test sees; above all
# PYTHONDONTWRITEBYTECODE, with which Python writes nothing and every test "passes".
for name in $(compgen -e | grep -E '^(PYTHON|PYCSTASH|PYTEST|NUMBA|XDG_|LD_PRELOAD$)'); do
	unset "$name"
done
export LC_ALL=C.UTF-8
umask 022

BUILD=$(cd "${BUILD:-build}" && pwd)
SO=$BUILD/libpycstash.so
PYCSTASH=$BUILD/pycstash
# What is without the library would be tested without it, and pass.
case $0 in
*/lint/*) ;; # some look at sources alone, and each at what it needs
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
CACHE=$T/cache
export HOME=$T/home
mkdir "$HOME"
export PYCSTASH_SYSCONFDIR=$T/etc # not this machine's configuration file
export PYCSTASH_AUTO_GC=no # nothing beside a test that is not its own

cleanup() {
	status=$?
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $T"
	else
		chmod -R u+rwx "$T" 2>/dev/null
		rm -rf "$T"
	fi
	exit $status
}
trap cleanup EXIT

ok() { echo "ok - $1"; }
not_ok() {
	echo "not ok - $1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/#   /'
}
skip() { echo "ok - $1 # SKIP $2"; }

check() {
	local sentence=$1 output
	shift
	if output=$("$@" 2>&1); then ok "$sentence"; else not_ok "$sentence" "$* =>" "$output"; fi
}

is() {
	if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "got:  $1" "want: $2"; fi
}

interpreters() {
	local candidate seen=" " real versions
	versions=${PYENV_ROOT:-${TEST_HOME:-}/.pyenv}/versions
	for candidate in /usr/bin/python[23].* /usr/local/bin/python[23].* /usr/bin/pypy3 \
		"$versions"/*/bin/python[23].* "$versions"/*/bin/pypy3; do
		case ${candidate##*/} in
		pypy3 | python[23].[0-9] | python3.[0-9][0-9]) ;;
		*) continue ;; # python3.6m, python3.11-config
		esac
		[ -x "$candidate" ] || continue
		real=$(readlink -f "$candidate")
		case $seen in *" $real "*) continue ;; esac
		seen="$seen$real "
		[ "${1:-}" = cached ] && case $candidate in */python2.*) continue ;; esac
		echo "$candidate"
	done
}

# A word for an interpreter in a sentence: "python3.11 (/usr/bin)".
named() { echo "${1##*/} ($(dirname "$1" | sed 's,.*/versions/,,; s,/bin$,,'))"; }

preloaded() {
	env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$@"
}

entries() { find "${1:-$CACHE}" -type f -path '*/tree/*' 2>/dev/null | sort; }

as_user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}
