#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The power fails while programs import edited sources and the command works: whatever the
# cache's disk has lost, the next start is right, and the one after it compiles nothing.
#
# Takes 20 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"
# shellcheck source=tests/torture/crowd.bash
. "$(dirname "$0")/crowd.bash"

# Nothing reaches the disk any more, not even the log: FS_IOC_SHUTDOWN.
cut_power() {
	/usr/bin/python3 -c 'import fcntl, os, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, b"\2\0\0\0")' "$T/disk"
}
attach() { mount -o loop,noatime "$T/image" "$T/disk" 2>/dev/null; }

work() { # VERSION: what goes on until the power fails
	local command
	command=$(shuf -n 1 -e "gc" "purge --state stale" "purge --path $T/src/m7.py" "warm --python $python $T/src" "verify --repair")
	crowd >/dev/null & crowd >/dev/null &
	# shellcheck disable=SC2086 # its words
	PYCSTASH_DIR=$CACHE "$PYCSTASH" $command -q >/dev/null 2>&1 &
	edition "$1"
	crowd >/dev/null &
	sleep "0.$((RANDOM % 8))"
}

cuts() { # HOW MANY, COMMAND THAT MAKES THE FILE SYSTEM…
	local version=100 end=$((100 + $1)) until=$((SECONDS + ${TORTURE_SECONDS:-20} / 2)) wrong=
	rm -f "$T/image" && truncate -s 320M "$T/image"
	if ! "${@:2}" "$T/image" >/dev/null 2>&1 || ! attach; then
		skip "the power fails, and the cache is on ${2#mkfs.}" "it cannot be mounted here"
		return
	fi
	while [ $version -lt $end ] && { [ $version -lt 104 ] || [ $SECONDS -lt $until ]; }; do
		version=$((version + 1))
		[ $((version % 4)) != 0 ] || rm -rf "$CACHE"
		[ $((version % 4)) != 2 ] || sync -f "$T/disk"
		mkdir -p -m 700 "$CACHE"
		work $version
		cut_power
		wait
		umount "$T/disk" && attach || wrong+="${2#mkfs.} cannot be mounted after a power cut"$'\n'
		mkdir -p -m 700 "$CACHE"
		rm -rf "$T/src/__pycache__" # there Python's own rule holds
		wrong+=$(starts $version)
	done
	is "$wrong" "" "when the power has failed, and the cache is on ${2#mkfs.}, the starts are right and it heals"
	umount "$T/disk"
	[ $version = $end ] || echo "# $((end - version)) cuts of the power were left out"
}

if [ "${1:-}" = inside ]; then
	part_of "$2"
	CACHE=$T/disk/cache python=/usr/bin/python3
	PATH=$PATH:/usr/sbin:/sbin
	mkdir "$T/disk"
	count=4
	! long || count=60
	cuts $count mkfs.ext4 -q -F
	cuts $count mkfs.xfs -q -f
	exit
fi
probe || skip_all "the power fails" "mounting needs root"
mounts "$0" inside "$T"
done_testing
