# shellcheck shell=bash disable=SC2154 # $python is of tests/lib/pythons.sh
# SPDX-License-Identifier: MIT
#
# Shared by suites that do something to an interpreter at each of its system calls: the
# situation before (scenes), and the calls (moments). Sourced after tests/library/seals.sh.
#
#   set_scene NAME     recreates $T/src and $CACHE; $program is what runs then, and it prints
#                      $want
#   run DIR            imports m from it; its output is in $T/said
#   moments            prints "CALL N PATHS" for the N-th call of its kind in the process,
#                      from the first that touches the cache's entry or the source
#   check_cache WHEN   adds what is broken in the cache to $wrong

show='import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V if m.V == m.f() else "torn")'
remove='import shutil, sys; shutil.rmtree(sys.argv[1] + "/__pycache__"); print("gone")'
calls='^(open|openat|openat2|creat|p?write(v|64)?|close|rename(at2?)?|link(at)?|mkdir(at)?|unlink(at)?|rmdir|ioctl|copy_file_range|f?chmod(at)?|newfstatat|fstat|statx|pread64|readlink(at)?|utimensat|f?statfs|f?[gs]etxattr|getdents64)$'

# scene_<name>: makes a scene with a process that is not disturbed.
scene_fresh() { mkdir "$T/src" && version one "$T/src/m.py"; }
scene_new() { scene_fresh && mkdir "$T/src/other" && version two "$T/src/other/m.py" && run "$T/src/other"; }
scene_warm() { scene_fresh && run "$T/src"; }
scene_touched() { scene_warm && touch -d @1650000000 "$T/src/m.py"; }
scene_edited() { scene_fresh && version two "$T/src/m.py" && run "$T/src" && version one "$T/src/m.py"; }
scene_reused() { scene_fresh && mkdir "$T/src/other" && cp "$T/src/m.py" "$T/src/other/" && run "$T/src/other"; }
scene_layer() { scene_warm && mv "$CACHE" "$T/layer" && mkdir -m 700 "$CACHE"; }
scene_compileall() { scene_fresh && program=(-S -m compileall -q) want=''; }
scene_rmtree() { scene_warm && program=(-S -c "$remove") want=gone; }
scene_damaged() {
	scene_warm
	entries | grep -F "/tree$T/src/" | while read -r entry; do truncate -s 100 "$entry"; done
}
run() { preloaded "$python" -S -c "$show" "$1" >"$T/said" 2>&1; }

set_scene() {
	rm -rf "$T/src" "$CACHE" "$T/layer"
	program=(-S -c "$show") want=one
	"scene_$1"
}

traced() { # OPTIONS OF STRACE…: the program under it; strace itself without the library
	preloaded PYCSTASH_LAYERS="$T/layer" strace -qq -E LD_PRELOAD="$SO" "$@" "$python" "${program[@]}" "$T/src"
}

moments() {
	traced -y -o "$T/trace" >"$T/said" 2>&1
	awk -v calls="$calls" -v src="$T/src" -F'(' '
		{ n[$1]++ }
		index($0, src) { on = 1 }
		on && $1 ~ calls {
			paths = ""
			rest = $0
			while (match(rest, /["<]\/[^">]*[">]/)) {
				paths = paths " " substr(rest, RSTART + 1, RLENGTH - 2)
				rest = substr(rest, RSTART + RLENGTH)
			}
			print $1, n[$1] paths
		}
		/exit_group/ { exit }' "$T/trace"
}

check_cache() {
	local checked
	checked=$(/usr/bin/python3 "$SEAL/check.py" "$CACHE" 2>&1 | grep -v ' files,')
	[ -z "$checked" ] || wrong="$wrong$1: $checked"$'\n'
}
