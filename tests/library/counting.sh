#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The system calls of a warm start: two for each module, four for each file system, and for
# counting one for each process and five for each record. A record is written whenever the number
# of decisions has doubled, for the first one in a tree, and at the end. Calls for memory are left
# out: their number varies between runs, and the number of some others varies by two or three. So
# is the look at the cache once a second.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

if ! strace -f -o /dev/null true 2>/dev/null; then
	skip_all "counting costs five system calls a record" "strace cannot trace here"
fi

of_memory='brk,mmap,munmap,mremap,mprotect,madvise,futex,rt_sigaction,rt_sigprocmask'
# Prints how many calls an import of the first N modules of $T/src makes.
calls() { # N VARIABLE=VALUE…
	env "${@:2}" strace -qq -f -E LD_PRELOAD="${preload-}" -o "$T/trace" -e trace="!$of_memory" \
		-e signal=none "$python" -S "$T/main.py" "$1" || echo "# failed: $*"
	grep -vc -e ' +++ ' -e "stat.*\"$CACHE\"," "$T/trace"
}
cat >"$T/main.py" <<'END'
import sys
sys.path.insert(0, sys.path[0] + "/src")
for i in range(int(sys.argv[1])):
    __import__("m%d" % i)
END

costs() {
	local n bare uncounted counted decisions records most
	is_pypy "$python" && return
	cp "$suite/main.py" "$T" && mkdir "$T/src"
	for n in {0..199}; do echo "x = $n" >"$T/src/m$n.py"; done
	preloaded "$python" -S "$T/main.py" 200
	for n in 0 200; do
		env PYTHONPYCACHEPREFIX="$T/alone" "$python" -S "$T/main.py" $n
		preloaded PYCSTASH_LOG="$log" "$python" -S "$T/main.py" $n
		bare=$(calls $n PYTHONPYCACHEPREFIX="$T/alone")
		uncounted=$(preload=$SO calls $n PYCSTASH_DIR="$CACHE" PYCSTASH_STATS=0)
		counted=$(preload=$SO calls $n PYCSTASH_DIR="$CACHE")
		extra[n]=$((uncounted - bare))
		decisions=$(grep -c '\.pyc' "$log") && rm "$log"
		records=2
		for ((most = 1; most <= decisions; most *= 2)); do records=$((records + 1)); done
		most=$((1 + 5 * records + 3))
		check "$name: counting $decisions decisions costs at most $most system calls" \
			test $((counted - uncounted)) -le $most -a $((counted - uncounted)) -gt 0
	done
	check "$name: a warm import costs at most two system calls more than without the library" \
		test $((extra[200] - extra[0])) -le 407
	"$python" -S "$T/main.py" 200
	for n in 0 200; do
		bare=$(calls $n)
		counted=$(preload=$SO calls $n PYCSTASH_DIR=/nonexistent/cache PYCSTASH_STATS=0)
		extra[n]=$((counted - bare))
	done
	check "$name: without a cache, an import from the tree costs at most four system calls more" \
		test $((extra[200] - extra[0])) -le 810 -a $((extra[200] - extra[0])) -gt 0
}
suite=$T
some costs

# With umask 002, each directory may be written to by its user's own group. Who is in it, two
# files say, which are long on a host with many users.
of_groups() {
	local what="$name: the files about groups are read once, however many modules a process imports" owner
	owner=$(id -u)
	[ "$owner" != 0 ] || owner=12345
	rm -rf "$T/src/__pycache__" "$CACHE" && cp "$suite/main.py" "$T" && mkdir -p "$T/src"
	for n in {0..19}; do echo "x = $n" >"$T/src/m$n.py"; done
	chmod -R g+w "$T/src"
	if ! chown -R "$owner:$owner" "$T/src" 2>/dev/null; then
		skip "$what" "this user has no group of its own"
		return
	fi
	strace -qq -f -E LD_PRELOAD="$SO" -E PYCSTASH_DIR="$CACHE" -o "$T/trace" -e trace=openat,open "$python" -S "$T/main.py" 20
	is "$(grep -c '"/etc/group"' "$T/trace")" 1 "$what"
}
some of_groups
done_testing
