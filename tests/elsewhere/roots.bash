# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Root directories of other systems. debootstrap makes each of them once, in $ELSEWHERE
# (default ~/.cache/pycstash-elsewhere), and nothing writes to it afterwards: each use mounts
# an overlay in a mount namespace of its own, which disappears with its last process.

ELSEWHERE=${ELSEWHERE:-${TEST_HOME:-$HOME}/.cache/pycstash-elsewhere}
MIRROR=${MIRROR:-http://deb.debian.org/debian}

# bootstrapped NAME SUITE ARCHITECTURE PACKAGES…: tries one list of packages after the other
bootstrapped() {
	local root=$ELSEWHERE/$1 suite=$2 arch=$3 foreign=
	shift 3
	[ ! -e "$root/.complete" ] || return 0
	mkdir -p "$ELSEWHERE"
	# Two suites may want the same root at a time; the second waits.
	exec 8>"$ELSEWHERE/$1.lock" && flock 8
	[ ! -e "$root/.complete" ] || return 0
	runs_here "$arch" || foreign=--foreign
	for packages; do
		rm -rf --one-file-system "$root"
		# shellcheck disable=SC2086 # nothing, or one word
		debootstrap $foreign --arch="$arch" --variant=minbase --include="$packages" \
			"$suite" "$root" "$MIRROR" >"$root.log" 2>&1 || continue
		[ -z "$foreign" ] || unpacked "$root"
		rm -f "$root"/var/cache/apt/archives/*.deb
		touch "$root/.complete"
		return 0
	done
	tail -n 1 "$root.log"
	return 1
}

runs_here() { # ARCHITECTURE
	case $(uname -m):$1 in
	x86_64:amd64 | x86_64:i386 | aarch64:arm64) ;;
	*) return 1 ;;
	esac
}

# unpacked ROOT: unpacks what debootstrap --foreign has fetched, without running any of it
unpacked() {
	local deb name
	for deb in "$1"/var/cache/apt/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -C "$1" --keep-directory-symlink -xf -
	done
	for name in passwd group; do
		cp "$1/usr/share/base-passwd/$name.master" "$1/etc/$name"
	done
	for name in proc dev sys; do # links to those of this machine
		[ ! -L "$1/$name" ] || { rm "$1/$name" && mkdir "$1/$name"; }
	done
	ln -sf mawk "$1/usr/bin/awk"
}

# make_root SUITE: makes a root directory like a user's, with each Python of that release;
# prints its path, or why it failed
make_root() {
	bootstrapped "$1" "$1" "$(dpkg --print-architecture)" python3-all,python3-venv,pypy3,libarchive13 \
		python3-all,python3-venv,pypy3,libarchive13t64 && echo "$ELSEWHERE/$1"
}

# make_build_root SUITE ARCHITECTURE: makes one that has what building and testing needs
make_build_root() {
	bootstrapped "build-$1-$2" "$1" "$2" \
		gcc,libc6-dev,make,binutils,libcmocka-dev,uthash-dev,libb2-dev,libarchive-dev,libsodium-dev,libcurl4-gnutls-dev,python3-all,python3-venv,pypy3,strace,git,zstd,procps,rsync,e2fsprogs,xz-utils &&
		echo "$ELSEWHERE/build-$1-$2"
}

# The script that in_root runs in the namespace: ROOT DIRECTORY MACHINE COMMAND…
# shellcheck disable=SC2016 # expanded there
IN_ROOT='
	root=$1 given=$2 machine=$3
	shift 3
	[ -z "$machine" ] || read -r _ <"$given/go" # who it is here is known
	mount -t tmpfs tmpfs "$given/mount"
	mkdir "$given/mount/upper" "$given/mount/work" "$given/mount/root" "$given/mount/binfmt"
	cd "$given/mount"
	if [ "$machine" ]; then
		more=,userxattr
		mount -t binfmt_misc binfmt binfmt
		zeros="\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
		ones="\\xff\\xff\\xff\\xff\\xff\\xff\\xff"
		little="$ones\\x00$ones\\xff\\xfe\\xff\\xff\\xff" big="$ones\\x00$ones\\xff\\xff\\xfe\\xff\\xff"
		case $machine in
		aarch64) magic="\\x7fELF\\x02\\x01\\x01$zeros\\x02\\x00\\xb7\\x00" mask=$little ;;
		riscv64) magic="\\x7fELF\\x02\\x01\\x01$zeros\\x02\\x00\\xf3\\x00" mask=$little ;;
		ppc64le) magic="\\x7fELF\\x02\\x01\\x01$zeros\\x02\\x00\\x15\\x00" mask=$little ;;
		s390x) magic="\\x7fELF\\x02\\x02\\x01$zeros\\x00\\x02\\x00\\x16" mask=$big ;;
		esac
		printf "%s\n" ":program:M::$magic:$mask:/usr/bin/qemu-$machine-static:F" >binfmt/register
	fi
	mount -t overlay overlay -o "lowerdir=$root,upperdir=upper,workdir=work${more-}" root
	mkdir -p root/given root/tmp
	mount --bind "$given/files" root/given
	mount -t proc proc root/proc
	mount --rbind /dev root/dev
	mount -t tmpfs tmpfs root/tmp
	chmod 1777 root/tmp
	exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot root "$@"'

# in_root ROOT DIRECTORY COMMAND…: runs the command there, with the files of DIRECTORY in /given
in_root() { unshare --mount --propagation private sh -euc "$IN_ROOT" - "$1" "$2" "" "${@:3}"; }

# in_foreign_root MACHINE ROOT DIRECTORY COMMAND…: does the same for another machine, with
# qemu. It uses a user namespace, so that nothing else on this machine runs such programs.
in_foreign_root() {
	local process
	mkfifo "$3/go"
	unshare --user --mount --pid --fork --kill-child --propagation private \
		sh -euc "$IN_ROOT" - "$2" "$3" "$1" "${@:4}" &
	process=$!
	until [ "$(readlink /proc/$process/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
	echo '0 0 65536' >/proc/$process/uid_map
	echo '0 0 65536' >/proc/$process/gid_map
	echo 1<>"$3/go" # does not wait for a reader
	rm "$3/go"
	wait $process
}
