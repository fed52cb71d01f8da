#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs that keep machine code in __pycache__: numba, whose index and code belong in the
# cache, and cffi, whose C sources and libraries stay in the tree.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/../library/interpreters.sh"

python=/usr/bin/python3

numba_program() {
	mkdir -p "$tree"
	echo 'import numba
@numba.njit(cache=True)
def add(a, b): return a + b
@numba.njit(cache=True)
def twice(a): return add(a, a)' >"$tree/fast.py"
	echo 'import fast
print(fast.add(1, 2), fast.twice(2.5),
      (sum(fast.add.stats.cache_hits.values()), sum(fast.twice.stats.cache_hits.values())))' >"$tree/run.py"
	find "$tree" -exec touch -d @1600000000 {} +
	remember
}
kept() { entries | grep -F "/tree$tree/" | grep -cE '\.nb[ic]$'; }

if $python -c 'import numba' 2>/dev/null; then
	tree=$T/numba
	numba_program
	bare_first=$($python "$tree/run.py" 2>&1)
	bare_second=$($python "$tree/run.py" 2>&1)
	files=$(find "$tree" -name '*.nb[ic]' | wc -l)
	rm -rf "$tree"
	numba_program
	is "$(preloaded $python "$tree/run.py" 2>&1)" "$bare_first" "numba compiles as without the library: $bare_first"
	is "$(kept)" "$files" "numba's $files files are in the cache"
	untouched "numba leaves a writable tree unchanged"
	is "$(preloaded $python "$tree/run.py" 2>&1)" "$bare_second" "a second process loads from the cache: $bare_second"
	rm -rf "$CACHE"
	chmod -R a-w "$tree"
	remember
	modest_numba() { modest env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" $python "$tree/run.py" 2>&1; }
	is "$(modest_numba)" "$bare_first" "numba works in a tree that cannot be written"
	is "$(kept)" "$files" "numba's files are in the cache after a second run"
	is "$(modest_numba)" "$bare_second" "a second process loads numba's files from the cache"
	untouched "numba leaves a read-only tree unchanged"
	chmod -R u+w "$tree"
	echo 'import numba
@numba.njit(cache=True)
def add(a, b): return a + b + 1
@numba.njit(cache=True)
def twice(a): return add(a, a)' >"$tree/fast.py"
	is "$(preloaded $python "$tree/run.py" 2>&1 | cut -d' ' -f1-2)" "4 6.0" "numba compiles an edited function again"
else
	skip "numba works with the library" "python3-numba is not installed"
fi

# What lies in the tree, without the checksums in names, and without Python's pycs.
names_in() { (cd "$1" && find . -mindepth 1 ! -name '*.pyc' -printf '%y %p\n' | grep -v '/__pycache__$' | sort); }

if $python -c 'import cffi' 2>/dev/null && command -v cc >/dev/null && [ -e /usr/include/"$(
	$python -c 'import sys; print("python%d.%d" % sys.version_info[:2])')"/Python.h ]; then
	tree=$T/cffi
	cffi_program() {
		mkdir -p "$tree"
		echo 'import cffi, warnings
warnings.simplefilter("ignore")
ffi = cffi.FFI()
ffi.cdef("int thrice(int);")
lib = ffi.verify("static int thrice(int n) { return 3 * n; }")' >"$tree/native.py"
		echo 'import native
print(native.lib.thrice(14))' >"$tree/run.py"
		find "$tree" -exec touch -d @1600000000 {} +
		remember
	}
	cffi_program
	bare_said=$($python "$tree/run.py" 2>&1)
	mv "$tree" "$T/cffi.bare"
	cffi_program
	is "$(preloaded $python "$tree/run.py" 2>&1 | tail -1)" "$bare_said" "cffi.verify works with the library: $bare_said"
	is "$(names_in "$tree")" "$(names_in "$T/cffi.bare")" "cffi's files are in the tree, as without the library"
	is "$(find "$tree" -name '*.so' | wc -l), $(find "$tree" -name '*.pyc' | wc -l), $(cached)" "1, 0, 1" \
		"cffi's native library is in the tree, and the pyc in the cache"
	before=$(find "$tree" -name '*.so' -printf '%i %T@')
	is "$(preloaded $python "$tree/run.py" 2>&1 | tail -1)" "$bare_said" "a second process uses cffi's native library"
	is "$(find "$tree" -name '*.so' -printf '%i %T@')" "$before" "a second process does not compile the native library again"
else
	skip "cffi.verify works with the library" "python3-cffi, a C compiler or Python.h is missing"
fi
done_testing
