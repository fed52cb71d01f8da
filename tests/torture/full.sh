#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The cache is on a disk that is too small, by any amount, in bytes or in inodes. Each program
# runs as it does without the library, and once there is room, what could not be kept is kept.
#
# Takes 20 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"
# shellcheck source=tests/torture/crowd.bash
. "$(dirname "$0")/crowd.bash"

# disk WHAT MOUNT ROOM: with a cache on what that command mounts; ROOM makes room.
disk() {
	local said wrong=
	mkdir -m 700 "$CACHE"
	if ! eval "$2" 2>/dev/null; then
		skip "a cache on $1" "it cannot be mounted here"
		rmdir "$CACHE"
		return
	fi
	for _ in 1 2; do
		said=$(crowd | tr '\n' ' ')
		case $said in "100, "*" compiled 7 ") ;; *) wrong+="on the full disk: ${said:0:300}"$'\n' ;; esac
	done
	eval "$3"
	rm -rf "$T/src/__pycache__" # there Python's own rule holds
	wrong+=$(healed 100)
	is "$wrong" "" "a cache on $1 is in nobody's way, and heals"
	umount "$CACHE" && rmdir "$CACHE"
}

filled() { # KIB: an image of ext4 with that much room
	truncate -s 6M "$T/image" && mke2fs -q -F -t ext4 -m 0 -O ^has_journal "$T/image" &&
		mount -o loop "$T/image" "$CACHE" && chmod 700 "$CACHE" && rmdir "$CACHE/lost+found" &&
		head -c "$(($(df -k --output=avail "$CACHE" | tail -1) - $1))K" /dev/zero >"$CACHE/fill"
}

if [ "${1:-}" = inside ]; then
	part_of "$2"
	CACHE=$T/cache python=/usr/bin/python3
	edition 100
	sizes="16 72 160 320" inodes="4 12" fills="60 200 500"
	if long; then
		sizes="4 8 16 32 48 64 68 72 76 80 96 112 128 160 192 224 256 320 400 500 640 800 1000 1500"
		inodes="2 3 4 6 8 10 12 15 20 25 30 36" fills="0 20 60 70 80 100 140 200 300 500 900 1500 2500"
	fi
	for n in $sizes; do disk "a tmpfs of $n KiB" "mount -t tmpfs -o size=${n}k,mode=700 none $CACHE" "mount -o remount,size=20m $CACHE"; done
	for n in $inodes; do disk "a tmpfs of $n inodes" "mount -t tmpfs -o nr_inodes=$n,mode=700 none $CACHE" "mount -o remount,nr_inodes=9999 $CACHE"; done
	for n in $fills; do disk "an ext4 with $n KiB left" "filled $n" "rm $CACHE/fill"; done
	exit
fi
probe || skip_all "a cache on a full disk is in nobody's way" "mounting needs root"
mounts "$0" inside "$T"
done_testing
