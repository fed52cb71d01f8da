#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pytest, which keeps bytecode of its own making beside Python's.
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
rewritten() { # the pycs below a directory that pytest made itself
	find "$1" -name "*.$tag-pytest-*.pyc" | wc -l
}

project
bare=$(run env)
is "$(rewritten "$tree"), $(echo "$bare" | tail -1)" "3, 2 failed, 3 passed" \
	"without the library pytest writes its pycs into the tree"
project
first=$(run preloaded)
is "$first" "$bare" "pytest says the same with the library, asserts rewritten"
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
echo 'def test_good(): assert "new" == "newer"' >"$tree/tests/test_one.py"
third=$(run preloaded)
is "$(echo "$third" | grep -c 'newer'), $(echo "$third" | tail -1)" "$(
	cd "$tree" && run env PYTHONDONTWRITEBYTECODE=1 | grep -c newer
), 2 failed, 2 passed" "a test that was edited runs as edited"
done_testing
