#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pytest, which compiles tests in its own way and keeps that bytecode beside Python's.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/../library/interpreters.sh"

python=/usr/bin/python3
if ! $python -c 'import pytest' 2>/dev/null; then
	skip_all "pytest works with the library" "python3-pytest is not installed"
fi
tag=$(tag_of $python)
tree=$T/project

project() {
	rm -rf "$tree"
	mkdir -p "$tree/tests/sub" "$tree/lib"
	echo 'import pytest
@pytest.fixture
def number(): return 6' >"$tree/tests/conftest.py"
	echo 'def double(n): return n * 2' >"$tree/lib/product.py"
	: >"$tree/lib/__init__.py"
	echo 'from lib.product import double
def test_good(number): assert double(number) == 12
def test_bad(number): assert double(number) == {"a": [1, 2]}' >"$tree/tests/test_one.py"
	echo 'import pytest
@pytest.mark.parametrize("n", range(3))
def test_many(n): assert n < 2, "too big"' >"$tree/tests/sub/test_two.py"
	printf '[pytest]\naddopts = -p no:cacheprovider\n' >"$tree/pytest.ini"
	find "$tree" -exec touch -d @1600000000 {} +
	remember
}

run() { # as it comes, without the times it took
	(cd "$tree" && "$@" $python -m pytest -q 2>&1 | sed -E 's/ in [0-9.]+s//')
}
rewritten() { # the pycs of the project, below a directory, that pytest made itself
	find "$1" -path "*$tree*" -name "*.$tag-pytest-*.pyc" | wc -l
}

project
bare=$(run env)
is "$(rewritten "$tree"), $(echo "$bare" | tail -1)" "3, 2 failed, 3 passed" \
	"without the library pytest writes its pycs into the tree"
project
first=$(run preloaded)
is "$first" "$bare" "pytest prints the same as without the library, with rewritten asserts"
is "$(rewritten "$CACHE"), $(entries | grep -F "/tree$tree/" | grep -cv pytest)" "3, 2" \
	"pytest's rewritten pycs and Python's are in the cache"
untouched "pytest leaves the tree as it was"
inodes=$(entries | grep -F "/tree$tree/" | xargs stat -c '%i %n')
second=$(run preloaded)
is "$second" "$bare" "pytest prints the same when started again"
is "$(entries | grep -F "/tree$tree/" | xargs stat -c '%i %n')" "$inodes" \
	"pytest writes no pyc again at a second start"
(cd "$tree" && preloaded strace -f -qq --seccomp-bpf -e trace=openat -o "$T/trace" \
	$python -m pytest -q >/dev/null 2>&1)
is "$(grep -cE "tests/(sub/)?__pycache__/(test_|conftest)[a-z]*\.$tag-pytest-.*O_RDONLY.* = [0-9]" "$T/trace"), $(
	grep -cE 'O_(WRONLY|RDWR).*pytest-.*\.pyc' "$T/trace")" "3, 0" "pytest reads what is in the cache"

# As git, there and back: other times, other inodes, the same content.
checkout() {
	find "$tree" -name '*.py' -exec cp {} {}.new \; -exec touch -d "@$1" {}.new \; -exec mv {}.new {} \;
}
written() { # ARG… of pytest: how many pycs it rewrites, after what it says
	local log=$T/log
	: >"$log"
	run preloaded PYCSTASH_LOG="$log" "$@" >"$T/said"
	cat "$T/said"
	echo "$(grep -c "^pycstash.*: write: $tree/.*pytest-" "$log") rewritten"
}
checkout 1610000000
is "$(written | tail -1)" "3 rewritten" "without a setting, pytest compiles a touched test again"
checkout 1620000000
is "$(written PYCSTASH_REWRITTEN=path)" "$bare
0 rewritten" "PYCSTASH_REWRITTEN=path: pytest rewrites nothing after a checkout there and back, and says the same"
# As a CI job that clones into the same path: other directories, too.
clone() {
	mv "$tree" "$T/clone" && cp -r "$T/clone" "$tree" && rm -rf "$T/clone"
}
clone
is "$(written PYCSTASH_REWRITTEN=path)" "$bare
0 rewritten" "PYCSTASH_REWRITTEN=path: pytest rewrites nothing in a fresh clone, and says the same"
if $python -c 'import xdist' 2>/dev/null; then
	clone
	workers=$(written PYCSTASH_REWRITTEN=path PYTEST_ADDOPTS="-n 2")
	is "$(grep -c '^E  ' <<<"$workers"), $(tail -1 <<<"$workers")" \
		"$(grep -c '^E  ' <<<"$bare"), 0 rewritten" \
		"PYCSTASH_REWRITTEN=path: several workers that start in a fresh clone rewrite nothing"
	checkout 1630000000
	workers=$(written PYCSTASH_REWRITTEN=path PYTEST_ADDOPTS="-n 4")
	is "$(grep -c '^E  ' <<<"$workers"), $(tail -1 <<<"$workers")" \
		"$(grep -c '^E  ' <<<"$bare"), 0 rewritten" \
		"PYCSTASH_REWRITTEN=path: the workers of pytest-xdist rewrite nothing either"
else
	skip "PYCSTASH_REWRITTEN=path: several workers that start in a fresh clone rewrite nothing" "python3-pytest-xdist is not installed"
	skip "PYCSTASH_REWRITTEN=path: the workers of pytest-xdist rewrite nothing either" "python3-pytest-xdist is not installed"
fi
echo 'def test_good(): assert "new" == "newest"' >"$tree/tests/test_one.py"
is "$(written PYCSTASH_REWRITTEN=path | grep -c "newest\|^1 rewritten")" "$(run env PYTHONDONTWRITEBYTECODE=1 | grep -c "newest" | awk '{ print $1 + 1 }')" \
	"PYCSTASH_REWRITTEN=path: a test that was edited is rewritten"

echo 'def test_good(): assert "new" == "newer"' >"$tree/tests/test_one.py"
third=$(run preloaded)
is "$(echo "$third" | grep -c 'newer'), $(echo "$third" | tail -1)" "$(
	cd "$tree" && run env PYTHONDONTWRITEBYTECODE=1 | grep -c newer
), 2 failed, 2 passed" "a test that was edited runs as edited"
done_testing
