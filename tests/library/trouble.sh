#!/bin/bash
# SPDX-License-Identifier: MIT
#
# No cache, a bad cache, a cache that disappears, and the settings that restrict it: the program
# works as it does without the library, and prints nothing more.
#
# Takes 40 s.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

# A start without -v, whose whole output counts: quiet COMMAND…
quiet() {
	said=$("$@" 2>&1 </dev/null)
	status=$?
	compiled=-
	loaded=-
}
in_tree() { find "$tree" -name '*.pyc' 2>/dev/null | wc -l; }
clean_tree() {
	find "$tree" -name __pycache__ -prune -exec rm -r {} +
	find "$tree" -type d -exec touch -d @1600000000 {} +
}

# falls_back SENTENCE COMMAND…: the command works and prints nothing more, and Python writes
# beside the source.
falls_back() {
	quiet "${@:2}"
	is "$said, $status, $(in_tree) in the tree" "six, 0, 5 in the tree" "$1: Python runs as without the library on $name"
	clean_tree
}

no_cache() {
	: >"$T/file"
	falls_back "the cache is a file" env LD_PRELOAD="$SO" PYCSTASH_DIR="$T/file" "$python" "$tree/app.py"
	falls_back "the cache cannot be created" env LD_PRELOAD="$SO" PYCSTASH_DIR=/proc/none/cache "$python" "$tree/app.py"
	falls_back "PYCSTASH_DIR and HOME are relative" env -u HOME LD_PRELOAD="$SO" PYCSTASH_DIR=cache HOME=home "$python" "$tree/app.py"
	falls_back "HOME is unset" env -u HOME LD_PRELOAD="$SO" "$python" "$tree/app.py"
	falls_back "HOME does not exist" env HOME="$T/ghost" LD_PRELOAD="$SO" "$python" "$tree/app.py"
	is "$(find "$T/ghost" 2>/dev/null)" "" "no home directory is created on $name"
	falls_back "HOME is empty" env HOME= LD_PRELOAD="$SO" "$python" "$tree/app.py"
	mkdir -m 1777 "$T/open"
	falls_back "everyone can write to the cache" env LD_PRELOAD="$SO" PYCSTASH_DIR="$T/open" "$python" "$tree/app.py"
	falls_back "PYCSTASH_DISABLE=1" preloaded PYCSTASH_DISABLE=1 "$python" "$tree/app.py"
	mkdir -m 500 "$T/shut"
	falls_back "the cache cannot be written" modest env LD_PRELOAD="$SO" PYCSTASH_DIR="$T/shut" "$python" "$tree/app.py"
	local entry
	mkdir -m 700 "$T/small"
	if mount -t tmpfs -o size=16k,mode=700 none "$T/small" 2>/dev/null; then
		head -c 100k /dev/zero >"$T/small/filler" 2>/dev/null
		falls_back "the cache's disk is full" env LD_PRELOAD="$SO" PYCSTASH_DIR="$T/small" "$python" "$tree/app.py"
		rm -f "$T/small/filler"
		quiet env LD_PRELOAD="$SO" PYCSTASH_DIR="$T/small" "$python" "$tree/app.py"
		quiet env LD_PRELOAD="$SO" PYCSTASH_DIR="$T/small" "$python" "$tree/app.py"
		is "$said, $status" "six, 0" "if the file system fills up during a start, Python runs as without the library on $name"
		entry=$(find "$T/small" -name '*.pyc.*')
		is "$entry" "" "no entry is left incomplete on a full disk on $name"
		umount "$T/small"
		clean_tree
	else
		skip "with a full disk, Python runs as without the library on $name" "no tmpfs may be mounted here"
	fi
}

# By default the cache is in the home directory.
default_place() {
	mkdir "$T/house"
	watched env -u XDG_CACHE_HOME HOME="$T/house" LD_PRELOAD="$SO" "$python" "$tree/app.py"
	is "$(entries "$T/house/.cache/pycstash" | grep -cF "/tree$tree/")" 5 "the cache is ~/.cache/pycstash on $name"
	is "$(stat -c %a "$T/house/.cache/pycstash"), $(head -c 43 "$T/house/.cache/pycstash/v1/CACHEDIR.TAG")" \
		"700, Signature: 8a477f597d28d172789f06886806bc55" "a new cache is private, and marked as a cache, on $name"
	watched env HOME="$T/house" XDG_CACHE_HOME="$T/xdg" LD_PRELOAD="$SO" "$python" "$tree/app.py"
	is "$(entries "$T/xdg/pycstash" | grep -cF "/tree$tree/")" 5 "XDG_CACHE_HOME decides where the cache is on $name"
	untouched "neither of two starts touches the tree on $name"
}

removed_meanwhile() {
	cat >"$T/removed.py" <<'END'
import os, shutil, sys, importlib
sys.path.insert(0, sys.argv[1])
import alpha
shutil.rmtree(sys.argv[2])
import pkg.beta
from pkg.deep import leaf
importlib.invalidate_caches()
del sys.modules["alpha"]
import alpha
print(alpha.one() + leaf.THREE + pkg.beta.two() == 6 and "six", os.path.exists(pkg.beta.__spec__.cached))
END
	quiet preloaded "$python" "$T/removed.py" "$tree" "$CACHE"
	is "$said, $status, $(in_tree)" "six True, 0, 0" "a cache that is deleted during a run is created again on $name"
	served "$python" "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "an entry in a cache that was created again is valid on $name"
	untouched "deleting the cache leaves the tree unchanged on $name"
}

read_only() {
	rm -rf "$CACHE"
	served "$python" "$tree/app.py"
	echo 'THREE = 1 + 2' >"$tree/pkg/deep/leaf.py"
	find "$tree" -exec touch -d @1600000000 {} +
	remember
	local before
	before=$(snapshot "$CACHE")
	watched preloaded PYCSTASH_READONLY=1 "$python" -v "$tree/app.py"
	is "$(seen)" "six, 1 compiled, 4 loaded, status 0" "with PYCSTASH_READONLY, the cache is read on $name"
	quiet preloaded PYCSTASH_READONLY=1 "$python" -O "$tree/app.py"
	is "$said, $status" "six, 0" "with PYCSTASH_READONLY, a start that compiles prints nothing on $name"
	touch -d @1600000001 "$tree/alpha.py"
	quiet preloaded PYCSTASH_READONLY=1 "$python" -c "
import os, sys; sys.path.insert(0, '$tree'); import alpha; pyc = alpha.__spec__.cached
print(os.path.exists(pyc), alpha.one())"
	touch -d @1600000000 "$tree/alpha.py"
	is "$said, $status" "False 1, 0" "with PYCSTASH_READONLY, a program that has imported a touched source sees what the tree has on $name"
	is "$(snapshot "$CACHE")" "$before" "with PYCSTASH_READONLY, the cache is unchanged on $name"
	untouched "with PYCSTASH_READONLY, a start that compiles leaves the tree unchanged on $name"
	quiet preloaded PYCSTASH_READONLY=1 "$python" -c "
import os, sys, errno, shutil; sys.path.insert(0, '$tree'); import alpha
for call in os.unlink, os.rmdir, lambda c: os.rename(c, c + 'x'), lambda c: open(c, 'ab'):
    try: call(alpha.__spec__.cached if call is not os.rmdir else os.path.dirname(alpha.__spec__.cached))
    except OSError as error: print(errno.errorcode[error.errno])"
	is "$(echo "$said" | xargs)" "ENOENT ENOENT ENOENT ENOENT" "with PYCSTASH_READONLY, a program does not find what only the cache has on $name"
	is "$(snapshot "$CACHE")" "$before" "with PYCSTASH_READONLY, a program cannot change the cache on $name"
}

prefixes() {
	rm -rf "$CACHE" "$tree"
	sources
	quiet preloaded PYCSTASH_EXCLUDE="/none:$tree/pkg/deep" "$python" "$tree/app.py"
	is "$said, $(in_tree), $(cached)" "six, 2, 3" "PYCSTASH_EXCLUDE leaves a directory to Python on $name"
	clean_tree
	rm -rf "$CACHE"
	quiet preloaded PYCSTASH_EXCLUDE="$tree/pkg/dee:$tree/p" "$python" "$tree/app.py"
	is "$said, $(in_tree), $(cached)" "six, 0, 5" "PYCSTASH_EXCLUDE compares whole names, not beginnings of names, on $name"
	rm -rf "$CACHE"
	quiet preloaded PYCSTASH_ONLY="$tree/pkg" "$python" "$tree/app.py"
	is "$said, $(in_tree), $(cached)" "six, 1, 4" "PYCSTASH_ONLY serves only its directory on $name"
	is "$(entries | grep -cvF "/tree$tree/pkg/")" 0 "PYCSTASH_ONLY keeps the standard library out of the cache on $name"
	clean_tree
	rm -rf "$CACHE"
	quiet preloaded PYCSTASH_ONLY="$tree" PYCSTASH_EXCLUDE="$tree/pkg" "$python" "$tree/app.py"
	is "$said, $(in_tree), $(cached)" "six, 4, 1" "PYCSTASH_EXCLUDE overrides PYCSTASH_ONLY on $name"
	clean_tree
	rm -rf "$CACHE"
	# Everything except the standard library, which has its own pycs.
	local stdlib
	stdlib=$("$python" -c 'import os; print(os.path.dirname(os.__file__))')
	quiet preloaded PYCSTASH_EXCLUDE="$stdlib" "$python" "$tree/app.py"
	is "$said, $(in_tree), $(cached), $(entries | grep -cF "/tree$stdlib/")" "six, 0, 5, 0" \
		"PYCSTASH_EXCLUDE can leave out the standard library on $name"
	clean_tree
}

logged() {
	rm -rf "$CACHE"
	quiet preloaded PYCSTASH_LOG="$T/log" "$python" "$tree/app.py"
	quiet preloaded PYCSTASH_LOG="$T/log" "$python" "$tree/app.py"
	is "$said, $(grep -cE "^pycstash\[[0-9]+\]: hit: $tree" "$T/log"), $(grep -cE "^pycstash\[[0-9]+\]: miss: $tree" "$T/log")" \
		"six, 5, 5" "PYCSTASH_LOG has a line for each hit and miss on $name"
}

# As setproctitle does, which keeps its own copy of the environment.
overwritten() {
	rm -rf "$CACHE"
	mkdir "$T/cwd"
	(cd "$T/cwd" && quiet preloaded PYCSTASH_LOG="$T/log2" PYCSTASH_EXCLUDE="$tree/pkg" "$python" -c '
import ctypes, sys
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_void_p
for name in b"PYCSTASH_LOG", b"PYCSTASH_EXCLUDE", b"PYCSTASH_DIR":
    value = libc.getenv(name)
    ctypes.memset(value, 120, len(ctypes.string_at(value)))
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = False
import app' "$tree"
		echo "$said, $(in_tree), $(ls), $(grep -q "left alone: $tree/pkg" "$T/log2" && echo logged)" >"$T/said")
	is "$(cat "$T/said")" "six, 4, , logged" \
		"a program that overwrites its environment keeps the settings on $name"
	rm -r "$T/cwd" "$T/log2"
	clean_tree
}

# As under Landlock or SELinux: stat works on the cache's files, but open fails.
# refused CALLS ERROR FILE WHICH COMMAND…
refused() { # all files for /, each time if not told which
	local only=(-P "$3")
	[ "$3" = / ] && only=()
	preloaded strace -f -o /dev/null -E LD_PRELOAD="$SO" "${only[@]}" -e trace="$1" \
		-e inject="$1:error=$2${4:+:when=$4}" "${@:5}"
}
policy() {
	if ! strace -f -o /dev/null true 2>/dev/null; then
		skip "a policy that forbids the cache's files on $name" "strace cannot trace here"
		return
	fi
	local entry
	rm -rf "$CACHE"
	served "$python" "$tree/app.py"
	quiet "$python" "$tree/app.py"
	entry=$(entries | grep -F "/tree$tree/__pycache__/alpha.")
	watched refused open,openat EACCES "$entry" "" "$python" -v "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "if a policy forbids opening an entry, the tree's pyc is served on $name"
	rm -r "$tree/__pycache__" # that would be found first
	# as on NFS
	quiet refused open,openat ESTALE "$entry" "" "$python" -c "open('$tree/__pycache__/${entry##*/}', 'r+b')"
	is "$(echo "$said" | grep -c 'Stale file handle'), $status, $(find "$entry")" "1, 1, $entry" \
		"an entry that a program could not open to change it stays in the cache on $name"
	chmod 200 "$entry"
	quiet modest env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$python" -c "open('${entry#"$CACHE"/v1/*/tree}')"
	is "$status, $(echo "$said" | grep -c 'Permission denied')" "1, 1" "a program cannot read bytecode whose mode forbids it on $name"
	clean_tree
}

# The disk is full, or a policy forbids it, when a pyc is sealed or gets its name.
left_to_the_tree() {
	local case why
	if ! strace -f -o /dev/null true 2>/dev/null; then
		skip "a pyc that the cache refuses on $name" "strace cannot trace here"
		return
	fi
	for case in "pwrite64 ENOSPC / 1" "pwrite64 EDQUOT / 1" "rename,renameat,renameat2 ENOSPC / 1" \
		"rename,renameat,renameat2 EACCES / 1" "rename,renameat,renameat2 EXDEV / 1"; do
		rm -rf "$CACHE"
		quiet preloaded "$python" -m py_compile "$tree/app.py" # which makes the cache
		# shellcheck disable=SC2086
		set -- $case ""
		why="$1 $2"
		quiet refused "$1" "$2" "$3" "$4" "$python" -m py_compile "$tree/alpha.py"
		is "$said, $status, $(in_tree) in the tree, $(find "$CACHE" -path '*/tree/*' -name 'alpha.*' | wc -l)" \
			", 0, 1 in the tree, 0" "a pyc that cannot be written to the cache ($why) is in the tree on $name"
		watched "$python" -B -v "$tree/app.py"
		is "$(seen)" "six, 4 compiled, 1 loaded, status 0" "Python uses a pyc that could not be written to the cache ($why) on $name"
		clean_tree
	done
}
# CPython does not check whether all bytes were written.
cut_off() {
	mkdir -m 700 "$T/little"
	if ! mount -t tmpfs -o size=128k,mode=700 none "$T/little" 2>/dev/null; then
		skip "an incomplete pyc does not get into the tree on $name" "no tmpfs may be mounted here"
		return
	fi
	seq 2000 | sed 's/.*/def f&(a): return "number &", a/' >"$tree/large.py"
	quiet env LD_PRELOAD="$SO" PYCSTASH_DIR="$T/little" "$python" -m py_compile "$tree/large.py"
	is "$(in_tree)" 0 "an incomplete pyc does not get into the tree on $name"
	umount "$T/little"
	rm "$tree/large.py"
	clean_tree
}

all() {
	no_cache
	left_to_the_tree
	cut_off
	policy
	default_place
	removed_meanwhile
	read_only
	prefixes
	logged
	overwritten
}
some all
done_testing
