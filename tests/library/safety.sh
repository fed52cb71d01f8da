#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The library is called from awkward places and in unusual company. Every symbol has some rows
# (rows_every), and each place is compared with the same place without the library.
#
# Takes 40 s.
# shellcheck source=tests/calls/fast.bash
. "$(dirname "$0")/../calls/fast.bash"
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/calls/rows.bash
. "$HERE/tests/calls/rows.bash"

safety=$BUILD/tests/library
mkdir "$T/work"
rows_every | rows_here | sed '/^$/d' >"$T/every"
is "$("$CALL" --names | while read -r name; do grep -q " $name " "$T/every" || echo "$name"; done)" "" \
	"these tests call every symbol of calls.def"

preload=LD_PRELOAD=$SO
cache=PYCSTASH_DIR=$CACHE
rows_pass "$T/bare" "$T/work" "$T/every" X=

# cached SENTENCE [VARIABLE=VALUE…]: the rows of rows_every give the same results as in the tree
cached() {
	local sentence=$1
	shift
	rm -rf "$CACHE"
	local in=${1:-X=}
	case $in in CALL_*) ;; *) in=X= ;; esac
	if [ "$in" != "${in_bare:-X=}" ]; then # the place itself is to be sound
		rows_pass "$T/bare" "$T/work" "$T/every" "$in"
		in_bare=$in
	fi
	rows_pass "$T/got" "$T/work" "$T/every" "$preload" "$cache" "$@" -- "$CACHE"
	rows_compare "$sentence: %s" cached "$T/every" "$T/bare" "$T/got" | rows_as_one "$sentence"
}
cached "every call works"
# The parent goes on after each row, so this also shows that a vfork child does not damage it.
cached "every call works in a vfork child" CALL_IN=vfork
cached "every call works in a thread with a stack of 16 KiB" CALL_IN=thread
cached "every call works in a signal handler on a stack of 16 KiB" CALL_IN=signal
cached "every call works in the forked child of a threaded parent" CALL_IN=fork
cached "every call works with LD_BIND_NOW" LD_BIND_NOW=1
cached "every call works without the scan's AVX2" GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2
cached "every call works with PYCSTASH_LOG" PYCSTASH_LOG="$T/log"

# Constructors and destructors of others.
bare_names() { sed 's,[^:]*/,,g' <<<"$1"; }
early() { # PRELOAD WHEN [CACHE]
	rm -rf "$CACHE"
	EARLY=$2 EARLY_ROWS=$T/every EARLY_OUT=$T/got EARLY_WORK=$T/work EARLY_CACHE=${3:-} \
		PYCSTASH_DIR=$CACHE LD_PRELOAD=$1 /bin/true 2>"$T/got.err"
}
rows_pass "$T/bare" "$T/work" "$T/every" X=
early "$safety/libearly.so" start
rows_compare "in a constructor, without the library: %s" same "$T/every" "$T/bare" "$T/got" |
	rows_as_one "these rows can be run in a constructor of a library"
early "$SO:$safety/libearly.so" start
rows_compare "before our own constructor %s is libc's" same "$T/every" "$T/bare" "$T/got" |
	rows_as_one "before the library's own constructor has run, every call does what libc does"
is "$(ls -A "$CACHE" 2>/dev/null)" "" "before the library's own constructor has run, nothing goes to the cache"
early "$safety/libearly.so:$SO" start "$CACHE"
rows_compare "in a constructor after our own: %s" cached "$T/every" "$T/bare" "$T/got" |
	rows_as_one "in a constructor that runs after ours every call works"
for order in "$safety/libearly.so:$SO" "$SO:$safety/libearly.so"; do
	early "$order" end "$CACHE"
	rows_compare "in a destructor: %s" cached "$T/every" "$T/bare" "$T/got" |
		rows_as_one "in a destructor every call works ($(bare_names "$order"))"
done

# With other preloaded libraries.
for order in "$SO:$safety/libother.so" "$safety/libother.so:$SO"; do
	rm -f "$T/other"
	cached "with another preload: $(bare_names "$order")" LD_PRELOAD="$order" OTHER_LOG="$T/other"
	read -r opens stats renames < <(tail -1 "$T/other" 2>/dev/null)
	# Behind us it gets those that are about other paths, under the names they had.
	if [ "${opens:-0}" -gt 0 ] && [ "${stats:-0}" -gt 0 ]; then
		ok "another preload gets its calls too: $(bare_names "$order")"
	else
		not_ok "another preload gets its calls too: $(bare_names "$order")" "open64, stat64, rename: ${opens:-} ${stats:-} ${renames:-}"
	fi
done
for order in "$SO:$safety/libpublic.so" "$safety/libpublic.so:$SO"; do
	cached "with one that is made of public calls: $(bare_names "$order")" LD_PRELOAD="$order"
done
for order in "$SO:$safety/libmalloc.so" "$safety/libmalloc.so:$SO"; do
	cached "with an allocator that opens files: $(bare_names "$order")" LD_PRELOAD="$order"
done
faketime=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -1)
if [ "$faketime" ]; then
	for order in "$SO:$faketime" "$faketime:$SO"; do
		cached "with libfaketime: $(bare_names "$order")" LD_PRELOAD="$order"
	done
else
	skip "with libfaketime" "not installed"
fi

if [ "$(id -u)" = 0 ]; then
	mkdir -p "$T/tree/a"
	chmod 755 "$T"
	is "$(env "$preload" "$cache" "$safety/vforked" "$T/tree")" \
		"at first yes, after a child's setuid yes, after a child's chroot no" \
		"a vfork child's setuid does not concern its parent (its chroot does: docs/limits.md)"
else
	skip "a vfork child that changes its user or root does not change what its parent may use" "not root"
fi

# The library is loaded with dlopen.
mkdir -p "$T/tree"/{a,b,d0,d1,d2,d3,d4,d5,d6,d7}
echo source >"$T/tree/a/m.py"
clean() { rm -rf "$CACHE" "$T/tree"/*/__pycache__; }
clean
check "if the library is opened with dlopen, it interposes no calls" env "$cache" "$safety/loaded" "$SO" "$T/tree"

# Descriptors.
clean
"$safety/fds" "$T/tree" leaks && bare=$? || bare=$?
clean
check "1,000 times each kind of call leaves no descriptor open (without the library: $bare)" \
	env "$preload" "$cache" "$safety/fds" "$T/tree" leaks
is "$(find "$T/tree" -name __pycache__)" "" "1,000 times each kind of call leaves no __pycache__ in the tree"
clean
"$safety/fds" "$T/tree" closed && bare=$? || bare=$?
clean
env "$preload" "$cache" "$safety/fds" "$T/tree" closed && got=$? || got=$?
is "$got" "$bare" "the library works with all descriptors closed, and takes none of 0, 1 and 2"
# With one left, the library cannot move a pyc to the tree: it needs a second one for the directory.
for left in 0 2 3; do
	clean
	"$safety/fds" "$T/tree" limit $left >"$T/want"
	clean
	env "$preload" "$cache" "$safety/fds" "$T/tree" limit $left >"$T/out" 2>&1
	is "$(diff "$T/want" "$T/out")" "" "with $left descriptors left the library fails where the program fails without it"
done

# Signals.
clean
is "$("$safety/storm" "$T/tree" 16384)" "main 0 handler 0 came often" "without the library, the test with many signals passes"
clean
is "$(env "$preload" "$cache" timeout 60 "$safety/storm" "$T/tree" 16384 2>&1)" "main 0 handler 0 came often" \
	"signal handlers that interrupt the library see whole files, on 16 KiB of stack"

# Stack. What the call takes without the library is left out: 600 bytes for stat on i386.
clean
env LD_BIND_NOW=1 "$safety/depth" "$T/tree" | cut -d ' ' -f 1 >"$T/depth.bare"
clean
env LD_BIND_NOW=1 "$preload" "$cache" "$safety/depth" "$T/tree" >"$T/depth"
big=$(($(getconf LONG_BIT) == 64))
while read -r bare bytes call; do
	bytes=$((bytes - bare))
	case $call in
	nothing | "of libc's"*) ;;
	# While a compile is pending, opens of sources are watched. For i386, libb2 takes 300 bytes more.
	"open of a source") check "$call takes little stack" test "$bytes" -lt $((big ? 1024 : 1536)) ;;
	*"a source") check "$call takes little stack" test "$bytes" -lt 512 ;;
	*) check "$call takes less than 3.5 KiB of stack" test "$bytes" -lt 3584 ;;
	esac
done < <(paste -d ' ' "$T/depth.bare" "$T/depth")
sed 's/^/# stack: /' "$T/depth"

# Memory.
clean
check "the library reads no byte after the end of a path, wherever it lies in memory" env "$preload" "$cache" "$safety/heap" "$T/tree"

# Threads.
clean
check "threads that import at once see whole files" env "$preload" "$cache" timeout 100 "$safety/importers" "$T/tree" 16 100
is "$(find "$T/tree" -name __pycache__)$(find "$CACHE" -name '*.pyc.*')" "" "threads that import at once leave neither a __pycache__ nor a temporary file"
# A thread with descriptors of its own, where the main thread has other bytecode at each number.
mkdir -p "$T/alone/a" "$T/alone/b"
echo 'V = 1' | tee "$T/alone/a/m.py" >"$T/alone/b/m.py"
echo 'V = 9' >"$T/alone/b/n.py"
touch -d 2001-01-01 "$T/alone/b/"*.py
cat >"$T/alone.py" <<'END'
import ctypes, os, sys, threading
sys.path.insert(0, "b")
begins, goes_on, said = threading.Event(), threading.Event(), []
def work():
    if ctypes.CDLL(None).unshare(0x400): # CLONE_FILES
        said.append("cannot")
        return begins.set()
    begins.set()
    goes_on.wait()
    import m
    said.append(m.V)
thread = threading.Thread(target=work)
thread.start()
begins.wait()
fds = [os.open("n.pyc", os.O_RDONLY) for _ in range(8)]
goes_on.set()
thread.join()
print(*said)
END
what="in a thread with descriptors of its own, bytecode is served from memory, and none of another thread's files"
python=$(command -v python3)
(cd "$T/alone/a" && env "$preload" "$cache" "$python" -c 'import m')
(cd "$T/alone" && "$python" -c 'import py_compile; py_compile.compile("b/n.py", "n.pyc")')
case $(cd "$T/alone" && env "$preload" "$cache" PYCSTASH_READONLY=1 PYCSTASH_LOG="$T/alone.log" timeout 60 "$python" "$T/alone.py" 2>&1) in
cannot | *ImportError*) skip "$what" "there is no such thread" ;;
1) is "$(grep -c 'reused from object: .*/b/__pycache__/m[.]' "$T/alone.log")" 1 "$what" ;;
*) not_ok "$what" ;;
esac

# One of the first x86-64 processors, which has no AVX2.
if [ "$(uname -m)" = x86_64 ] && type -P qemu-x86_64-static >/dev/null; then
	echo whole >"$T/whole"
	is "$(qemu-x86_64-static -cpu Nehalem -E LD_PRELOAD="$SO" /bin/cat "$T/whole" 2>&1)" whole \
		"a program runs on a processor without AVX2"
	check "the scan finds __pycache__ on a processor without AVX2" \
		qemu-x86_64-static -cpu Nehalem "$BUILD/tests/unit/shim/test_scan"
else
	skip "a program runs on a processor without AVX2" "there is no qemu for x86-64"
fi
done_testing
