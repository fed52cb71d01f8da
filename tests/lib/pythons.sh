# shellcheck shell=bash disable=SC2034 # for those who source it
# SPDX-License-Identifier: MIT
#
# The interpreters that suites run with. Sourced by tests/lib/tap.sh.
#
#   interpreters [cached]   prints the installed ones, a path a line; with `cached` only those
#                           that use a __pycache__ (not 2.7)
#   differing               prints the four that differ most: the first that is found (the
#                           distribution's), PyPy, the oldest and the newest
#   pair                    prints two of CPython that have one magic number and are different
#                           releases, on one line; nothing if there are none
#   named PYTHON            prints its name in a sentence: "python3.11 (/usr/bin)"
#   tag_of PYTHON           prints its sys.implementation.cache_tag
#   at_least PYTHON 3 8     succeeds if it is of that version or later
#   is_pypy PYTHON          succeeds if it is PyPy, judging by its name
#   each FUNCTION           calls the function for each interpreter with $python, $name and $tag
#                           set, and a fresh $T, $CACHE and $log each time
#                           ($before_each is a command that is run before it)
#   some FUNCTION           does the same for `differing`, or for each if ALL=1 is set
#   in_turn FUNCTION SECONDS LEAST
#                           does the same for as many as can have LEAST of these seconds each,
#                           and at least for one; a different interpreter comes first each day.
#                           $share is the time of each
#
# ONLY='*3.11*' in the environment limits `each`, `some` and `in_turn` to paths that match.

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

differing() {
	interpreters cached | awk -F '/python3[.]' '
		NR == 1 || NF == 1 { print }
		NF > 1 && (!oldest || $NF + 0 < first) { first = $NF + 0; oldest = $0 }
		NF > 1 && $NF + 0 > last { last = $NF + 0; newest = $0 }
		END { print oldest; print newest }' | awk 'NF && !seen[$0]++'
}

pair() {
	local python
	interpreters cached | while read -r python; do
		"$python" -IS -c 'import sys
from importlib.util import MAGIC_NUMBER
if sys.implementation.name == "cpython":
    print(MAGIC_NUMBER.hex(), "%02d" % sys.version_info[2], sys.executable)' 2>/dev/null
	done | sort | awk '$1 == magic && $2 != release { print first, $3; exit } { magic = $1; release = $2; first = $3 }'
}

# can_stat PYTHON FILE: fails if the interpreter has 32-bit times and the file's time is too late
can_stat() { "$1" -c 'import os, sys; os.stat(sys.argv[1])' "$2" 2>/dev/null; }

named() { echo "${1##*/} ($(dirname "$1" | sed 's,.*/versions/,,; s,/bin$,,'))"; }
tag_of() { "$1" -c 'import sys; print(sys.implementation.cache_tag)'; }
at_least() { "$1" -c "import sys; sys.exit(sys.version_info < ($2, $3))"; }
is_pypy() { case ${1##*/} in pypy*) true ;; *) false ;; esac; }

with() { # FUNCTION INTERPRETER…
	local suite=$T
	[ $# -gt 1 ] || not_ok "there are interpreters to test with"
	for python in "${@:2}"; do
		# shellcheck disable=SC2254 # a pattern
		case $python in ${ONLY:-*}) ;; *) continue ;; esac
		name=$(named "$python")
		tag=$(tag_of "$python")
		T=$(mktemp -d "$suite/XXXXXX")
		CACHE=$T/cache log=$T/log
		${before_each:-:}
		"$1"
		if [ -z "${KEEP:-}" ]; then
			chmod -R u+rwx "$T" 2>/dev/null
			rm -rf "$T"
		fi
		T=$suite
	done
}
each() {
	local all
	mapfile -t all < <(interpreters cached)
	with "$1" "${all[@]}"
}
some() {
	local all
	if [ -n "${ALL:-}" ]; then
		each "$1"
		return
	fi
	mapfile -t all < <(differing)
	with "$1" "${all[@]}"
}
in_turn() {
	local all count first
	mapfile -t all < <(interpreters cached | while read -r python; do
		# shellcheck disable=SC2254 # a pattern
		case $python in ${ONLY:-*}) echo "$python" ;; esac
	done)
	count=$(($2 / $3))
	[ $count -gt 0 ] || count=1
	[ $count -lt ${#all[@]} ] || count=${#all[@]}
	[ $count -gt 0 ] || skip_all "there are interpreters to test with" "ONLY=${ONLY:-}"
	share=$(($2 / count))
	first=$(($(date +%s) / 86400 * count % ${#all[@]}))
	all=("${all[@]:first}" "${all[@]:0:first}")
	with "$1" "${all[@]:0:count}"
}
