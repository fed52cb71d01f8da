# shellcheck shell=bash disable=SC2034,SC2120 # for those who source it
# SPDX-License-Identifier: MIT
#
# Shared by the suites that run real interpreters; not a suite itself.
#
#   sources [DIR]            creates the small program $tree (default $T/tree): app.py imports
#                            five modules and prints "six". Times are fixed, so that two such
#                            trees are identical byte for byte.
#   served PYTHON ARG…       runs it under the library, with -v; sets $status, $said (its
#                            output), $compiled and $loaded: how many modules below $tree
#                            were compiled, and how many came from a pyc
#   bare PYTHON ARG…         does the same without the library
#   cached                   prints how many entries the cache has for sources below $tree
#   modest COMMAND…          runs it so that the modes of files count, for root too
#   snapshot [DIR]           prints all about a tree: names, kinds, modes, sizes, times, contents
#   untouched SENTENCE       $tree is as `sources` (or `remember`) left it, without a __pycache__
#   remember                 takes the snapshot with which `untouched` compares
# shellcheck source=tests/lib/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tap.sh"

export PYTHONHASHSEED=0 # so that the same source gives the same bytecode

sources() {
	tree=${1:-$T/tree}
	mkdir -p "$tree/pkg/deep"
	echo 'import alpha, pkg.deep.leaf
print(alpha.one() + pkg.beta.two() + pkg.deep.leaf.THREE == 6 and "six")' >"$tree/app.py"
	echo '"""a docstring"""
def one():
    """another"""
    assert True
    return 1' >"$tree/alpha.py"
	echo 'from . import beta' >"$tree/pkg/__init__.py"
	echo 'def two():
    return 2' >"$tree/pkg/beta.py"
	echo 'import alpha, pkg.deep.leaf
print(alpha.one() + pkg.beta.two() + pkg.deep.leaf.THREE == 6 and "six")' >"$tree/pkg/__main__.py"
	: >"$tree/pkg/deep/__init__.py"
	echo 'THREE = 3' >"$tree/pkg/deep/leaf.py"
	find "$tree" -exec touch -d @1600000000 {} +
	remember
}

snapshot() {
	(cd "${1:-$tree}" 2>/dev/null && find . -printf '%y %m %U %G %n %s %T@ %p %l\n' &&
		find . -type f -exec sha256sum {} +) 2>/dev/null | sort
}

remember() { snapshot >"$T/.remembered"; }

untouched() {
	local now
	now=$(snapshot)
	if [ -z "$now" ]; then
		not_ok "$1" "$tree is not there"
	elif [ "$now" != "$(cat "$T/.remembered")" ]; then
		not_ok "$1" "$(diff "$T/.remembered" <(echo "$now"))"
	elif find "$tree" -name __pycache__ | grep -q .; then
		not_ok "$1" "$(find "$tree" -name __pycache__)"
	else
		ok "$1"
	fi
}

count_modules() { # PATTERN of the file's end
	grep -cE "^# code object from '?$tree/.*$1'?\$" "$T/.err"
}

watched() {
	"$@" >"$T/.out" 2>"$T/.err" </dev/null
	status=$?
	said=$(cat "$T/.out")
	compiled=$(count_modules '\.py')
	loaded=$(count_modules '\.pyc')
}

served() { watched preloaded "$1" -S -v "${@:2}"; }
bare() { watched "$1" -S -v "${@:2}"; }

# seen: prints the results of `served` as one string.
seen() { echo "$said, $compiled compiled, $loaded loaded, status $status"; }

cached() { entries | grep -cF "/tree$tree/"; }

# modest COMMAND…: runs it so that the modes of files count, for root too.
modest() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --inh-caps=-all --bounding-set=-dac_override,-dac_read_search "$@"
	else
		"$@"
	fi
}

before_each=sources # of each and some
