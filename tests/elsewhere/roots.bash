# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Roots of other systems. They are made once, by debootstrap, in $ELSEWHERE (default
# ~/.cache/pycstash-elsewhere), and never written to afterwards: each use is an overlay in
# a mount namespace of its own, which goes with its last process.

ELSEWHERE=${ELSEWHERE:-${TEST_HOME:-$HOME}/.cache/pycstash-elsewhere}
MIRROR=${MIRROR:-http://deb.debian.org/debian}

# make_root SUITE: a path on stdout, or what was said about why not
make_root() {
	local root=$ELSEWHERE/$1
	if ! [ -e "$root/.complete" ]; then
		mkdir -p "$ELSEWHERE"
		rm -rf --one-file-system "$root"
		debootstrap --variant=minbase --include=python3,python3-venv,libarchive13 \
			"$1" "$root" "$MIRROR" >"$ELSEWHERE/$1.log" 2>&1 ||
			debootstrap --variant=minbase --include=python3,python3-venv,libarchive13t64 \
				"$1" "$root" "$MIRROR" >"$ELSEWHERE/$1.log" 2>&1 || {
			tail -n 1 "$ELSEWHERE/$1.log"
			return 1
		}
		touch "$root/.complete"
	fi
	echo "$root"
}

# in_root ROOT DIRECTORY COMMAND…: runs it there, with the directory of this machine as /given
in_root() {
	# shellcheck disable=SC2016 # expanded by the shell in the namespace
	unshare --mount --propagation private sh -euc '
		root=$1 given=$2
		shift 2
		mount -t tmpfs tmpfs "$given/mount"
		mkdir "$given/mount/upper" "$given/mount/work" "$given/mount/root"
		cd "$given/mount"
		mount -t overlay overlay -o "lowerdir=$root,upperdir=upper,workdir=work" root
		mkdir -p root/given
		mount --bind "$given/files" root/given
		mount -t proc proc root/proc
		mount --rbind /dev root/dev
		mount -t tmpfs tmpfs root/tmp
		chmod 1777 root/tmp
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			chroot root "$@"' - "$@"
}
