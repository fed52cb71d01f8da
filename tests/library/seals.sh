# shellcheck shell=bash disable=SC2034 # for those who source it
# SPDX-License-Identifier: MIT
#
# Shared by the suites about seals and objects; not a suite itself.
#
#   content V FILE      makes FILE a module of version V (one word of three characters: all
#                       versions have the same size), in place
#   old PATH…           sets the time of the files to 2020-09-13, the same for all
#   version V FILE      does both: same size, same time, different content
#   logged COMMAND…     runs it under the library, with the decisions in $log (emptied before)
#   decisions NAME      prints those about NAME.*.pyc: "what (why)", a line each
#   mounts COMMAND…     runs it where its mounts affect nobody else
#   probe               succeeds if that works here
# shellcheck source=tests/lib/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tap.sh"

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

mounts() { unshare --mount --propagation private "$@"; }
probe() { mounts mount -t tmpfs none /mnt 2>/dev/null; }
