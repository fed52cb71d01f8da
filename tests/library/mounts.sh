#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Paths below which all sources are replaced at once: directories that take turns at a mount
# point, images, layers, and clocks that are wrong. The program sees the new code.
#
# Takes 40 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

can_mount=
probe && can_mount=yes

show='import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V if m.V == m.f() else "torn")'
import() { preloaded "$@" "$python" -S -c "$show" "$T/at" 2>&1 | tail -1; }

claim() { # SENTENCE GOT
	is "$2" "one two one two two " "$name: $1: each start runs the new code"
}

# One round for each of these, in a mount namespace of its own that disappears with it. A
# long-lived process has one namespace for all rounds.
turns() { # MOUNT-FUNCTION
	local v
	for v in one two one two two; do
		"$1" "$v" || echo -n "cannot-mount "
		echo -n "$(import) "
		umount "$T/at"
	done
}
bound() { mount --bind "$T/$1" "$T/at"; }
fresh_tmpfs() { mount -t tmpfs none "$T/at" && version "$1" "$T/at/m.py"; }
squashed() { mount -o loop,ro "$T/$1.squashfs" "$T/at"; }
layered() { mount -t overlay none -o "lowerdir=$T/$1:$T/base" "$T/at"; }

# Like containers of one image, each with an upper layer of its own.
contained() {
	local i
	mount -t tmpfs none "$T/two" # which an upper layer has to be on
	for i in 1 2 3; do
		mkdir "$T/two/up$i" "$T/two/work$i"
		mount -t overlay none -o "lowerdir=$T/one,upperdir=$T/two/up$i,workdir=$T/two/work$i" "$T/at" ||
			echo -n "cannot-mount "
		logged "$python" -S -c "$show" "$T/at" >/dev/null
		echo -n "$(decisions m | tail -1) "
		umount "$T/at"
	done
}

# Two file systems that are written to at the same time: their files have the same inode, size
# and times, to the nanosecond.
twins() {
	mount -t tmpfs none "$T/one" && mount -t tmpfs none "$T/two" || return
	"$python" - "$T" <<-'END' || return
		import os, sys
		def write(v):
		    path = "%s/%s/m.py" % (sys.argv[1], v)
		    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
		    os.write(fd, ("V = '%s'\ndef f():\n    return V\n" % v).encode())
		    os.close(fd)
		    st = os.stat(path)
		    return st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns
		for i in range(10000):
		    if write("one") == write("two"):
		        sys.exit(0)
		    for v in "one", "two":
		        os.remove("%s/%s/m.py" % (sys.argv[1], v))
		sys.exit("the inodes and times were never the same")
	END
	sleep 0.1
	turns bound
}
ext4_image() { mount -o loop,ro,noload "$T/$1.ext4" "$T/at"; }

# The process keeps running while the mounts take turns.
lives_on() {
	local v
	mkfifo "$T/to" "$T/from"
	preloaded "$python" -c '
import sys, importlib
sys.path.insert(0, sys.argv[1])
m = None
for line in sys.stdin:
    importlib.invalidate_caches()
    if line.strip() == "new":
        sys.modules.pop("m", None)
        m = None
    m = importlib.reload(m) if m else importlib.import_module("m")
    print(m.V)
    sys.stdout.flush()' "$T/at" <"$T/to" >"$T/from" 2>/dev/null &
	exec 7>"$T/to" 8<"$T/from"
	for v in one two one two two; do
		mount --bind "$T/$v" "$T/at"
		echo "$([ $v = two ] && echo new || echo reload)" >&7
		read -r line <&8
		echo -n "$line "
		umount "$T/at"
	done
	exec 7>&- 8<&-
	wait
}

make_images() {
	local v
	for v in one two; do
		mksquashfs "$T/$v" "$T/$v.squashfs" -quiet -no-progress -all-time 1600000000 \
			-mkfs-time 1600000000 >/dev/null 2>&1 || return 1
	done
}

# Two images with the same change times, with nanoseconds, which are written into them.
make_ext4() {
	local v inode
	for v in one two; do
		truncate -s 1M "$T/$v.ext4" &&
			mke2fs -q -t ext4 -I 256 -O ^has_journal -U clear -d "$T/$v" "$T/$v.ext4" 2>/dev/null || return 1
		for field in atime mtime ctime crtime; do
			echo "sif /m.py $field @1600000000"
			echo "sif /m.py ${field}_extra 0"
		done | debugfs -w -f - "$T/$v.ext4" >/dev/null 2>&1
	done
}

same_stat() {
	"$1" one && stat -c '%i %s %y %z %w %h' "$T/at/m.py" >"$T/stat.one" && umount "$T/at"
	"$1" two && stat -c '%i %s %y %z %w %h' "$T/at/m.py" >"$T/stat.two" && umount "$T/at"
	cmp -s "$T/stat.one" "$T/stat.two" && echo same || cat "$T/stat.one" "$T/stat.two"
}
elsewhere() {
	local at
	at=$(mktemp -d "$T/mnt/XXXXXX")
	mount --bind "$T/$1" "$at"
	preloaded "$python" -S -c "$show" "$at" 2>&1 | tail -1
}
# Runs this file again, in a mount namespace, for one function.
if [ "${1:-}" = inside ]; then
	part_of "$2"
	CACHE=$2/cache log=$2/log python=$3
	"${@:4}"
	trap - EXIT
	exit 0
fi
inside() { mounts "$0" inside "$T" "$python" "$@"; }

taking_turns() {
	local v got
	if [ -z "$can_mount" ]; then
		skip "$name: if another directory is mounted, each start runs the new code" "mounting is not allowed"
		return
	fi
	mkdir "$T/at" "$T/base" "$T/one" "$T/two"
	version one "$T/one/m.py"
	version two "$T/two/m.py"
	old "$T/one" "$T/two"
	claim "two directories take turns at a mount point" "$(inside turns bound)"
	claim "two directories take turns while a program keeps running" "$(inside lives_on)"
	rm -rf "$CACHE"
	claim "a new tmpfs with the same inode numbers at each start" "$(inside turns fresh_tmpfs)"
	rm -rf "$CACHE"
	claim "two lower layers of an overlay take turns" "$(inside turns layered)"
	rm -rf "$CACHE"
	claim "file systems that were written to at once" "$(inside twins)"
	rm -rf "$CACHE"
	is "$(inside contained)" "sealed hit hit " "$name: containers of one image use its entries as they are"
	rm -rf "$CACHE"
	if make_images && inside squashed one; then
		claim "squashfs images with the same times and inodes" "$(inside turns squashed)"
		is "$(inside same_stat squashed)" same \
			"$name: (no stat can tell one of these images from the other)"
	else
		skip "$name: squashfs images with the same times and inodes" "no squashfs here"
	fi
	rm -rf "$CACHE"
	if make_ext4 && inside ext4_image one; then
		claim "ext4 images with clamped change times" "$(inside turns ext4_image)"
		is "$(inside same_stat ext4_image)" same \
			"$name: (no stat can tell one of these file systems from the other)"
	else
		skip "$name: ext4 images with clamped change times" "no ext4 images here"
	fi
	# The image is mounted at another path at each start.
	mkdir "$T/mnt"
	got=
	for v in one two one; do got="$got$(inside elsewhere "$v") "; done
	is "$got" "one two one " "$name: an image that is mounted at a new path at each start"
}
some taking_turns

# --- read-only trees, and what settings promise ---------------------------------------
read_only_trees() {
	local got= v validate
	for validate in stat content; do
		rm -rf "$CACHE" "$T"/{one,two,at}
		mkdir "$T"/{one,two}
		version one "$T/one/m.py"
		version two "$T/two/m.py"
		chmod 444 "$T"/*/m.py
		chmod 555 "$T"/{one,two}
		got=
		for v in one two one two two; do
			ln -sfn "$v" "$T/at"
			got="$got$(import PYCSTASH_VALIDATE=$validate) "
		done
		claim "read-only trees behind a link, PYCSTASH_VALIDATE=$validate" "$got"
	done
}
some read_only_trees

# --- clocks ---------------------------------------------------------------------------
faketime=$(dpkg -L libfaketime 2>/dev/null | grep -m 1 'libfaketime\.so\.1')
[ -n "$faketime" ] || faketime=$(find /usr/lib /usr/local/lib -name libfaketime.so.1 2>/dev/null | head -1)
clocks() {
	local order offset got v libs
	if [ -z "$faketime" ]; then
		skip "$name: with a wrong clock, each start runs the new code" "libfaketime is not installed"
		return
	fi
	mkdir "$T/at"
	for order in first last; do
		[ $order = first ] && libs="$faketime $SO" || libs="$SO $faketime"
		for offset in -400d +400d -2s +2s; do
			rm -rf "$CACHE"
			got=
			for v in one two one two; do
				version $v "$T/at/m.py"
				got="$got$(import LD_PRELOAD="$libs" FAKETIME=$offset \
					DONT_FAKE_MONOTONIC=1) "
			done
			got="$got$(import) " # and without
			claim "the clock is off by $offset (libfaketime $order)" "$got"
		done
		# The clock is set back between two edits.
		rm -rf "$CACHE"
		got=
		version one "$T/at/m.py"
		got="$got$(import LD_PRELOAD="$libs" FAKETIME=+30d) "
		version two "$T/at/m.py"
		got="$got$(import LD_PRELOAD="$libs" FAKETIME=-30d) "
		version one "$T/at/m.py"
		got="$got$(import LD_PRELOAD="$libs" FAKETIME=+60d) "
		version two "$T/at/m.py"
		got="$got$(import) $(import LD_PRELOAD="$libs" FAKETIME=-60d) "
		claim "the clock is set back and forth (libfaketime $order)" "$got"
	done
}
some clocks
done_testing
