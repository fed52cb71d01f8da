# shellcheck shell=bash disable=SC2034 # for those who source it
# SPDX-License-Identifier: MIT
#
# What the suites about seals and objects share; not a suite itself.
#
#   content V FILE      makes FILE a module of version V (one word of three letters: all
#                       versions have the same size), in place
#   old PATH…           gives the files the time that all of them have: 2020-09-13
#   version V FILE      both: same size, same time, other content
#   each FUNCTION       calls it for each interpreter, with $python, $name, $tag set, and a
#                       fresh $T, $CACHE and $log each time
#   some FUNCTION       the same for those that differ most: the first that is found (the
#                       distribution's), PyPy, the oldest and the newest; ALL=1: for each.
#                       For suites whose claims are about the cache, more than about what
#                       an interpreter does
#   logged COMMAND…     preloaded, with the decisions in $log (emptied before)
#   decisions NAME      those about NAME.*.pyc: "what (why)", a line each
#   compiled            how many modules below $T the last `logged` compiled: those that it
#                       did not find, or found stale (what Python reports is in reuse.sh)
#   mounts COMMAND…     runs it where mounting is nobody else's business
#   probe               whether that works here
# shellcheck source=tests/lib/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tap.sh"

# Without the library the dynamic loader only grumbles, and most tests would "pass".
if [ ! -r "$SO" ]; then
	not_ok "there is a library to test: $SO"
	exit 1
fi
export PYTHONHASHSEED=0 SEAL=$HERE/tests/library

content() {
	printf 'V = "%s"\n\n\ndef f():\n    def inner():\n        return "%s"\n    return inner()\n' \
		"$1" "$1" >"$2"
}
old() { touch -h -d @1600000000 "$@"; }
version() { content "$1" "$2" && old "$2"; }

logged() {
	: >"$log"
	preloaded PYCSTASH_LOG="$log" "$@"
}

decisions() {
	sed -nE "s/^pycstash\[[0-9]+\]: (.*): .*\/$1\.[^ \/]*\.pyc( \(.*\))?\$/\1\2/p" "$log"
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
	mapfile -t all < <(interpreters cached | awk -F '/python3[.]' '
		NR == 1 || NF == 1 { print }
		NF > 1 && (!oldest || $NF + 0 < first) { first = $NF + 0; oldest = $0 }
		NF > 1 && $NF + 0 > last { last = $NF + 0; newest = $0 }
		END { print oldest; print newest }' | awk 'NF && !seen[$0]++')
	with "$1" "${all[@]}"
}

with() { # FUNCTION INTERPRETER…
	local suite=$T
	[ $# -gt 1 ] || not_ok "there are interpreters to test with"
	for python in "${@:2}"; do
		case $python in ${ONLY:-*}) ;; *) continue ;; esac
		name=$(named "$python")
		tag=$("$python" -c 'import sys; print(sys.implementation.cache_tag)')
		T=$(mktemp -d "$suite/XXXXXX")
		CACHE=$T/cache log=$T/log
		"$1"
		if [ -z "${KEEP:-}" ]; then
			chmod -R u+rwx "$T" 2>/dev/null
			rm -rf "$T"
		fi
		T=$suite
	done
}

at_least() { "$1" -c "import sys; sys.exit(sys.version_info < ($2, $3))"; }
is_pypy() { case ${1##*/} in pypy*) true ;; *) false ;; esac; }

mounts() { unshare --mount --propagation private "$@"; }
probe() { mounts mount -t tmpfs none /mnt 2>/dev/null; }
