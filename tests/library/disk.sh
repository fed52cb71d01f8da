#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The space that the cache takes on disk, and file systems without hard links, nanoseconds or
# free space. The cache degrades to Python's own rules, and never serves wrong code.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

can_mount=
probe && can_mount=yes
show='import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V if m.V == m.f() else "torn")'
import() { preloaded "${@:2}" "$python" -S -c "$show" "$1" 2>&1 | tail -1; }
entry_of() { entries | grep -F "/tree$1/"; }
whole() { /usr/bin/python3 "$SEAL/check.py" "$CACHE" | grep -v ' files,'; }

# --- in a mount namespace, where file systems lack something ---------------------------

rounds() { # the sources in $T/at, edited within one second
	local v
	for v in one two one two two; do
		version $v "$T/at/m.py"
		echo -n "$(import "$T/at") "
	done
	for v in one two one; do
		mkdir "$T/at/new" && version $v "$T/at/new/m.py" && cp -p "$T/at/new/m.py" "$T/at/m.py"
		rm -r "$T/at/new"
		echo -n "$(import "$T/at") "
	done
}
seconds_only() { # WHAT: a file system without nanoseconds for the sources, the cache, both
	mkdir "$T/fs" && mount -o loop "$T/image" "$T/fs" || return
	mkdir -p "$T/fs/at" && mkdir -m 700 "$T/fs/cache"
	case $1 in *sources*) ln -s fs/at "$T/at" ;; *) mkdir "$T/at" ;; esac
	case $1 in *cache*) CACHE=$T/fs/cache ;; esac
	rounds
	umount "$T/fs"
}
no_room() {
	mkdir "$T/cache" && mount -t tmpfs -o size=40k,mode=700 none "$T/cache"
	mkdir "$T/src"
	/usr/bin/python3 -B "$SEAL/damage.py" make "$T/src" 40
	for _ in 1 2; do
		preloaded "$python" -S "$SEAL/damage.py" run "$T/src" 2>&1 | tail -n +2
	done
	whole
	umount "$T/cache"
}
no_attributes() { # ramfs has none, and gives no account of itself
	mkdir "$T/cache" "$T/at" && mount -t ramfs -o mode=700 none "$T/cache"
	chmod 700 "$T/cache"
	rounds
	umount "$T/cache"
}
# Runs this file again, for one function.
if [ "${1:-}" = inside ]; then
	part_of "$2"
	python=$3 CACHE=$T/cache
	"${@:4}"
	trap - EXIT
	exit 0
fi
inside() { mounts "$0" inside "$T" "$python" "$@"; }

# --- inodes ----------------------------------------------------------------------------
links() {
	local object
	mkdir "$T"/{a,b}
	version one "$T/a/m.py"
	import "$T/a" >"$T/said"
	object=$(find "$CACHE" -path '*/objects/*' -samefile "$(entry_of "$T/a")")
	check "$name: an entry and the object of its content are one inode" test -n "$object"
	ln "$T/a/m.py" "$T/b/m.py"
	touch -d @1650000000 "$T/b/m.py" && old "$T/b/m.py" # the same file under both names
	is "$(import "$T/a") $(import "$T/b") $(import "$T/a") $(import "$T/b")" "one one one one" \
		"$name: one file under two names is served for both"
	rm -rf "$CACHE"
	import "$T/a" >"$T/said"
	import "$T/b" >"$T/said"
	is "$(stat -c %h "$(entry_of "$T/a")")" 3 \
		"$name: the entries of one source under two names, and their object, are one inode"
	mkdir "$T/c"
	version one "$T/c/m.py"
	touch "$T/c/m.py"
	import "$T/c" >"$T/said"
	is "$(stat -c %h "$(entry_of "$T/a")") $(stat -c %h "$(entry_of "$T/c")")" "3 1" \
		"$name: where the header differs, the entry is a file of its own"
	is "$(whole)" "" "$name: all of them are whole"
}
some links

refused() {
	local error
	mkdir "$T"/{a,b}
	version one "$T/a/m.py"
	for error in EMLINK EPERM EXDEV EOPNOTSUPP; do
		rm -rf "$CACHE"
		version one "$T/b/m.py"
		preloaded strace -f -o /dev/null -E LD_PRELOAD="$SO" -e trace=link,linkat \
			-e inject=link,linkat:error=$error "$python" -c "$show" "$T/a" >"$T/said" 2>&1
		is "$(tail -1 "$T/said") $(find "$CACHE" -path '*/objects/*.pyc' -links 1 | wc -l)" "one 1" \
			"$name: where links fail with $error the object is a copy"
		is "$(whole)" "" "$name: what was written in spite of an error is whole ($error)"
		touch "$T/b/m.py"
		: >"$log"
		import "$T/b" PYCSTASH_LOG="$log" >"$T/said"
		is "$(cat "$T/said") $(decisions m)" "one reused from object" \
			"$name: it is reused ($error)"
		rm -rf "$CACHE"/v1/*/tree
		preloaded strace -f -o /dev/null -E LD_PRELOAD="$SO" -e trace=link,linkat \
			-e inject=link,linkat:error=$error "$python" -c "$show" "$T/a" >"$T/said" 2>&1
		is "$(tail -1 "$T/said") $(find "$CACHE" -path '*/tree/*m.*.pyc' -links 1 | wc -l)" "one 1" \
			"$name: where links fail with $error the entry made of an object is a copy"
	done
}
some refused

cut() { # a write that comes back short, as on a full disk, and room again after it
	local bytes
	mkdir "$T/a"
	version one "$T/a/m.py"
	for bytes in 20 100 200; do
		logged "$python" "$SEAL/cut.py" "$T/a" $bytes >"$T/said" 2>&1
		is "$(tail -1 "$T/said"); $(find "$CACHE" "$T/a" -name 'm.*pyc*')" "one; " \
			"$name: bytecode of which $bytes bytes were written is not kept"
		import "$T/a" >"$T/said"
		logged "$python" -S -c "$show" "$T/a" >>"$T/said"
		is "$(xargs <"$T/said"); $(decisions m)" "one one; hit" \
			"$name: the next start compiles it, and the one after that finds it ($bytes)"
		rm -rf "$CACHE"
	done
}
some cut

# --- other file systems ---------------------------------------------------------------
others() {
	local what
	if [ -z "$can_mount" ]; then
		skip "$name: file systems that lack something" "mounting is not allowed"
		return
	fi
	for what in sources cache "sources and cache"; do
		if truncate -s 4M "$T/image" && mke2fs -q -F -t ext2 -I 128 "$T/image" >/dev/null 2>&1 &&
			mounts mount -o loop "$T/image" /mnt 2>/dev/null; then
			is "$(inside seconds_only "$what")" "one two one two two one two one " \
				"$name: $what on a file system without nanoseconds"
		else
			skip "$name: $what on a file system without nanoseconds" "no ext2 here"
		fi
		rm -rf "$T"/{at,fs,cache}
	done
	is "$(inside no_room)" "" "$name: a cache without room: the program is right, and no file is broken"
	rm -rf "$T/cache" "$T/at"
	is "$(inside no_attributes)" "one two one two two one two one " \
		"$name: a cache on a file system without attributes"
}
some others
done_testing
