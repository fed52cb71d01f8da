#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The library runs with the compiler's sanitizers and under valgrind, and they find nothing.
# shellcheck source=tests/calls/fast.bash
. "$(dirname "$0")/../calls/fast.bash"
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/calls/rows.bash
. "$HERE/tests/calls/rows.bash"

safety=$BUILD/tests/library
runtime() { "${CC:-cc}" -print-file-name="lib$1.so"; }
mkdir -p "$T/work" "$T/tree"/{a,b,d0,d1,d2,d3,d4,d5,d6,d7}
echo source >"$T/tree/a/m.py"
clean() { rm -rf "$CACHE" "$T/tree"/*/__pycache__; }
rows_every | rows_here | sed '/^$/d' >"$T/every"
# A sanitizer's runtime handles bad pointers in its own way.
grep -vE ' (NULL|BAD)( |$)' "$T/every" >"$T/rows"
rows_pass "$T/bare" "$T/work" "$T/rows" X=

built() { # MODE: sets so to the library of that mode
	so=$HERE/build/$1/libpycstash.so
	make -s -C "$HERE" MODE="$1" "build/$1/libpycstash.so" >"$T/make" 2>&1 && [ -f "$so" ]
}
# checked NAME PRELOAD: runs rows_every and the tests with many signals, threads and no
# descriptors under that library.
checked() {
	local name=$1 preload=LD_PRELOAD=$2
	clean
	rows_pass "$T/got" "$T/work" "$T/rows" "$preload" PYCSTASH_DIR="$CACHE" -- "$CACHE"
	rows_compare "$name: %s" cached "$T/rows" "$T/bare" "$T/got" | rows_as_one "$name finds nothing in any call"
	clean
	check "$name finds nothing while signals interrupt the library" \
		env "$preload" PYCSTASH_DIR="$CACHE" timeout 100 "$safety/storm" "$T/tree" 262144
	clean
	check "$name finds nothing while threads import and fork" \
		env "$preload" PYCSTASH_DIR="$CACHE" timeout 100 "$safety/importers" "$T/tree" 8 50
	clean
	check "$name finds nothing with all descriptors closed" \
		env "$preload" PYCSTASH_DIR="$CACHE" "$safety/fds" "$T/tree" closed
}

export ASAN_OPTIONS=detect_leaks=0:use_sigaltstack=0 UBSAN_OPTIONS=print_stacktrace=1
if built asan; then
	checked "the address sanitizer" "$(runtime asan):$so"
else
	skip "the address sanitizer finds nothing" "that build fails: $(head -1 "$T/make")"
fi
if built ubsan; then
	checked "the undefined behaviour sanitizer" "$so"
else
	skip "the undefined behaviour sanitizer finds nothing" "that build fails: $(head -1 "$T/make")"
fi
if built tsan && "${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -g -fsanitize=thread "$HERE/tests/library/importers.c" \
	-o "$T/importers" -lpthread 2>"$T/make"; then
	clean
	check "the thread sanitizer finds nothing in a program of its own" \
		env TSAN_OPTIONS=die_after_fork=0 timeout 100 "$T/importers" "$T/tree" 8 30
	clean
	check "the thread sanitizer finds nothing while threads import and fork" \
		env TSAN_OPTIONS=die_after_fork=0 LD_PRELOAD="$so" PYCSTASH_DIR="$CACHE" timeout 200 "$T/importers" "$T/tree" 8 30
	is "$(find "$T/tree" -name __pycache__)" "" "threads under the thread sanitizer leave no __pycache__ in the tree"
else
	skip "the thread sanitizer finds nothing" "that build fails: $(head -1 "$T/make")"
fi

if command -v valgrind >/dev/null; then
	# The wrappers behave the same in each row, so a tenth of the rows is enough.
	awk 'NR % 10 == 1' "$T/rows" >"$T/few"
	clean
	check "valgrind finds nothing in the driver alone" sh -c \
		"valgrind -q --error-exitcode=9 --trace-children=no '$CALL' --rows '$T/work' <'$T/few'"
	clean
	check "valgrind finds nothing in any call" sh -c "valgrind -q --error-exitcode=9 --trace-children=no env LD_PRELOAD='$SO' true &&
		LD_PRELOAD='$SO' PYCSTASH_DIR='$CACHE' valgrind -q --error-exitcode=9 '$CALL' --rows '$T/work' '$CACHE' <'$T/few'"
	clean
	check "valgrind finds no read beyond a path on the heap" sh -c \
		"LD_PRELOAD='$SO' PYCSTASH_DIR='$CACHE' valgrind -q --error-exitcode=9 '$safety/heap' '$T/tree'"
else
	skip "valgrind finds nothing" "not installed"
fi
done_testing
