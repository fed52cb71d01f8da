#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Compares what doctor and explain say with what really happens, in the environments that people
# run Python in. Each row is one environment: doctor and explain are asked first, then a module
# is imported twice, and it was served if the library logs a hit. The command that doctor
# suggests is run, and must help.
#
# Takes 60 s.
. "$(dirname "$0")/../lib/tap.sh"

for python in /usr/bin/python3 $(interpreters cached); do
	as_user "$python" -c 1 2>/dev/null && at_least "$python" 3 8 && break
done
chmod 1777 "$T"
mkdir "$T/bin"
cp "$SO" "$PYCSTASH" "$T/bin" # for users who cannot reach the checkout
LIBRARY=$T/bin/libpycstash.so
pycstash=$T/bin/pycstash
root=
[ "$(id -u)" = 0 ] && root=yes
export R=$T/root W=$T/volume
mkdir -p "$R" "$W"
namespaces=
unshare -m true 2>/dev/null && namespaces=yes

# --- ways into an environment: prefixes of a command ----------------------------------
ordinary() { as_user "$@"; }
gone() { (mkdir "$T/gone" && cd "$T/gone" && rmdir "$T/gone" && exec env -- bash -c "$(declare -f as_user "$1")"'; "$@"' - "$@"); }
mounts() { # COMMANDS COMMAND…: in a mount namespace in which COMMANDS have run
	unshare -m --propagation private bash -c "$1"' && shift && exec "$@"' - "$@"
}
# A read-only root file system in which only $W can be written.
readonly_root() {
	# shellcheck disable=SC2016 # for the inner shell
	mounts 'mkdir -p "$R" && mount --bind / "$R" && mount --bind /proc "$R/proc" &&
		mount --rbind /dev "$R/dev" && mount --bind "${R%/*}" "$R${R%/*}" && mount --bind "$W" "$R$W" &&
		mount -o remount,ro,bind "$R${R%/*}" && mount -o remount,ro,bind "$R" && set -- - chroot "$R" "${@:2}"' "$@"
}

# --- a row ----------------------------------------------------------------------------
asked() { "${how[@]}" "$pycstash" "$@" 2>&1; }
doctor() { asked doctor --library "$LIBRARY" "$python"; }
# Imports m, and prints what the library says about its bytecode.
start() {
	if [ -n "$bare" ]; then
		"${how[@]}" env PYCSTASH_LOG=stderr "$python" -S -c "$program"
	else
		"${how[@]}" env PYCSTASH_LOG=stderr "$pycstash" run --library "$LIBRARY" -- "$python" -S -c "$program"
	fi 2>&1 >/dev/null | sed -nE "s,^[^:]*: ([^:]*): $D/__pycache__/m\.[^ ]*pyc( .*)?\$,\1\2,p" | tail -1
}
served() {
	case $(start) in
	hit* | reused*) echo yes ;;
	*) echo no ;;
	esac
}
verdict() { if doctor >"$T/said"; then echo yes; else echo no; fi; }

# Does what the failed checks say: in this shell, or where the container is started.
follow() {
	local todo where
	todo=$(sed -nE '/^fail/s/.*; ((run|start the container with): )?//p' "$T/said" | head -1)
	where=$(sed -nE 's/.*-e PYCSTASH_DIR=//p' <<<"$todo")
	case $todo in
	'export '*) how=("${how[@]}" env "${todo#export }") ;;
	'set '*) how=("${how[@]}" env "${todo#set }") ;;
	'unset '*) how=("${how[@]}" env -u "${todo#unset }") ;;
	'chmod '*) eval "$todo" ;;
	--tmpfs*) how=("${how[@]}" env PYCSTASH_DIR="$W/mnt-$n/${where##*/}") && mkdir -m 1777 "$W/mnt-$n" ;;
	*) return 1 ;;
	esac
}

n=0 bare=
# row WANT SENTENCE PREFIX…: checks whether Python is served if commands have that prefix
row() {
	local want=$1 sentence=$2 said first explained
	how=("${@:3}")
	n=$((n + 1))
	program="import sys; sys.path.insert(0, '$D'); import m"
	said=$(verdict)
	explained=$(asked explain --python "$python" "$D/m.py" | sed -n 's/^to do: //p')
	first=$(served)
	is "doctor: $said; really: $(served)" "doctor: $want; really: $want" "$sentence: $want"
	case $explained in
	*pycstash\ run*) ;; # which this is
	*unset* | *'leave out'* | *'cannot be written'* | *LD_PRELOAD*) is "$want" no "$sentence: what explain wants first is what is missing" ;;
	*'import it once'*) is "$want" yes "$sentence: explain says to import it once where that helps" ;;
	esac
	rm -rf "$D/__pycache__"
	[ "$want" = no ] || return 0
	follow || { not_ok "$sentence: doctor says what mends it" "$(cat "$T/said")" && return; }
	[ "$first" = no ] || not_ok "$sentence: it is not served at the first start"
	start >/dev/null
	is "doctor: $(verdict); really: $(served)" "doctor: yes; really: yes" "$sentence: what doctor says to do helps"
}
fresh() { # a new source, and a home without a cache
	D=$T/src-$((n + 1)) H=$T/home-$((n + 1)) C=$T/cache-$((n + 1))
	rm -rf "$D" "$H" "$C"
	mkdir "$D" "$H"
	echo "x = $n" >"$D/m.py"
	[ -z "$root" ] || chown 65534:65534 "$H"
	touch -d '1 hour ago' "$D/m.py"
}
filled() { # a cache at DIR that has the source
	"$PYCSTASH" warm -q --dir "$1" --python "$python" "$D" >/dev/null
}

# Runs this file again, in a mount namespace.
if [ "${1:-}" = inside ]; then
	part_of "$2"
	n=100 pycstash=$T/bin/pycstash LIBRARY=$T/bin/libpycstash.so W=$T/volume
	fresh; row yes "an emptyDir: root's mount point for all" ordinary env HOME=/ PYCSTASH_DIR="$W/own/c"
	fresh; row no "the emptyDir itself" ordinary env HOME=/ PYCSTASH_DIR="$W/own"
	fresh; row yes "a cache mounted noexec" env PYCSTASH_DIR="$W/own/d"
	exit 0
fi

# --- plain ----------------------------------------------------------------------------
fresh; row yes "a home directory" ordinary env HOME="$H"
fresh; row yes "PYCSTASH_DIR" ordinary env HOME="$H" PYCSTASH_DIR="$H/c"
fresh; row yes "XDG_CACHE_HOME" ordinary env HOME="$H" XDG_CACHE_HOME="$H/x"
fresh; row yes "no HOME, but PYCSTASH_DIR" ordinary env -u HOME PYCSTASH_DIR="$H/c"
fresh; row no "no HOME" ordinary env -u HOME
fresh; row no "a HOME that does not exist" ordinary env HOME="$H/gone"
fresh; row no "a relative HOME" ordinary env HOME=home
fresh; row no "a relative PYCSTASH_DIR" ordinary env HOME="$H" PYCSTASH_DIR=c
fresh; row no "PYCSTASH_DIR is HOME" ordinary env HOME="$H" PYCSTASH_DIR="$H"
fresh; row yes "HOME is /, and XDG_CACHE_HOME is not" ordinary env HOME=/ XDG_CACHE_HOME="$H"
fresh; touch "$H/file"; row no "a file where the cache should be" ordinary env PYCSTASH_DIR="$H/file"
fresh; touch "$H/file"; row no "a file above the cache" ordinary env PYCSTASH_DIR="$H/file/c"
fresh; ln -s "$T/nowhere/c" "$H/.cache"; row no ".cache is a dangling link" ordinary env HOME="$H"
fresh; ln -s "$T/linked" "$H/.cache"; mkdir -m 1777 "$T/linked"; row yes ".cache is a link" ordinary env HOME="$H"
fresh; ordinary mkdir -m 777 "$H/c"; row no "a cache that others can write to" ordinary env HOME="$H" PYCSTASH_DIR="$H/c"
fresh; row yes "a directory below a sticky one" ordinary env HOME=/ PYCSTASH_DIR="$C"

fresh; row no "an empty environment" ordinary env -i
fresh; row yes "an empty environment but for PYCSTASH_DIR" ordinary env -i PYCSTASH_DIR="$H/c"
fresh; row yes "a working directory that is gone" gone ordinary env HOME="$H"
fresh; row yes "PYCSTASH_DIR with a newline in it" ordinary env PYCSTASH_DIR="$H/c"$'\n'"d"
fresh; row yes "PYCSTASH_DIR with a slash at its end" ordinary env PYCSTASH_DIR="$H/c/"
fresh; row yes "PYCSTASH_DIR through .." ordinary env PYCSTASH_DIR="$H/../${H##*/}/c"
fresh; row no "PYCSTASH_DIR is /" ordinary env HOME="$H" PYCSTASH_DIR=/
fresh; row no "PYCSTASH_DIR too long" ordinary env HOME="$H" PYCSTASH_DIR="$H/$(printf 'x/%.0s' {1..2500})c"
fresh; row no "PYCSTASH_DIR below /proc" ordinary env HOME="$H" PYCSTASH_DIR=/proc/self/c
fresh; row yes "no TMPDIR" ordinary env HOME="$H" TMPDIR=/nowhere

# --- settings -------------------------------------------------------------------------
fresh; row no "PYCSTASH_DISABLE" env HOME="$H" PYCSTASH_DIR="$C" PYCSTASH_DISABLE=1
fresh; row yes "PYCSTASH_DISABLE=0" env PYCSTASH_DIR="$C" PYCSTASH_DISABLE=0
fresh; row no "PYCSTASH_EXCLUDE=/" env PYCSTASH_DIR="$C" PYCSTASH_EXCLUDE=/
fresh; row yes "PYCSTASH_EXCLUDE of something else" env PYCSTASH_DIR="$C" PYCSTASH_EXCLUDE=/srv
fresh; row no "PYCSTASH_READONLY without a cache" env PYCSTASH_DIR="$C" PYCSTASH_READONLY=1
fresh; filled "$C"; row yes "PYCSTASH_READONLY with a cache" env PYCSTASH_DIR="$C" PYCSTASH_READONLY=1
fresh; row no "PYTHONPYCACHEPREFIX" env PYCSTASH_DIR="$C" PYTHONPYCACHEPREFIX="$H"
fresh; row yes "an empty PYTHONPYCACHEPREFIX" env PYCSTASH_DIR="$C" PYTHONPYCACHEPREFIX=
fresh; row yes "PYTHONDONTWRITEBYTECODE, which run unsets" env PYCSTASH_DIR="$C" PYTHONDONTWRITEBYTECODE=1
fresh; row yes "PYCSTASH_SHARE=0" env PYCSTASH_DIR="$C" PYCSTASH_SHARE=0
fresh; row yes "PYCSTASH_VALIDATE=content" env PYCSTASH_DIR="$C" PYCSTASH_VALIDATE=content
fresh; row yes "PYTHONOPTIMIZE" env PYCSTASH_DIR="$C" PYTHONOPTIMIZE=
bare=yes
fresh; row yes "LD_PRELOAD" env PYCSTASH_DIR="$C" LD_PRELOAD="$LIBRARY"
fresh; row no "PYTHONDONTWRITEBYTECODE and LD_PRELOAD without run" env PYCSTASH_DIR="$C" LD_PRELOAD="$LIBRARY" PYTHONDONTWRITEBYTECODE=1
fresh; filled "$C"; row yes "the same with a filled cache" env PYCSTASH_DIR="$C" LD_PRELOAD="$LIBRARY" PYTHONDONTWRITEBYTECODE=1
fresh; row no "LD_PRELOAD of a file that is not there" env PYCSTASH_DIR="$C" LD_PRELOAD="$T/wrong/libpycstash.so"
bare=

# --- layers ---------------------------------------------------------------------------
fresh; filled "$T/layer"; chmod -R a+rX,go-w "$T/layer"
row yes "a layer and no place for a cache" ordinary env -u HOME PYCSTASH_LAYERS="$T/layer"
fresh; filled "$T/open"; chmod -R a+rwX "$T/open"
row no "a layer that others can write to, and no cache" ordinary env HOME="$T/none" PYCSTASH_LAYERS="$T/open"
fresh; row no "a layer that does not exist, and no cache" ordinary env HOME="$T/none" PYCSTASH_LAYERS="$T/gone"

# --- other users ----------------------------------------------------------------------
if [ -n "$root" ]; then
	fresh; row no "HOME is /, for an ordinary user" ordinary env HOME=/
	fresh; row no "another user's HOME" ordinary env HOME=/root
	fresh; install -d -m 755 "$C"; row no "another user's directory" ordinary env PYCSTASH_DIR="$C"
	fresh; install -d -m 700 "$C"; row no "a directory that is closed" ordinary env PYCSTASH_DIR="$C/c"
	fresh; ordinary install -d -m 700 "$H/.cache" "$H/.cache/pycstash"; row no "root with the cache of a user" env HOME="$H"
	fresh; ordinary install -d -m 700 "$H/.cache"; row no "root with the HOME of a user" env HOME="$H"
	fresh; row no "a HOME in which root cannot make anything" env HOME=/proc
	fresh; ordinary mkdir -m 777 "$H/way"; row no "others can write above the cache" ordinary env PYCSTASH_DIR="$H/way/c"
	fresh; ordinary install -d -m 755 "$H/c" "$H/c/v1"; row no "others can read the cache" ordinary env PYCSTASH_DIR="$H/c"
else
	skip "environments of other users" "needs root"
fi

# --- mounts ---------------------------------------------------------------------------
if [ -n "$namespaces" ] && mounts true true; then
	fresh; row yes "a read-only root and a volume" readonly_root env HOME=/nowhere PYCSTASH_DIR="$W/c"
	fresh; row no "a read-only root" readonly_root env HOME="$H"
	fresh; filled "$C"; row yes "a read-only root with a filled cache" readonly_root env PYCSTASH_DIR="$C"
	fresh; rm -r "$T/layer"; filled "$T/layer"; chmod -R a+rX "$T/layer"; row yes "a read-only root with a layer" readonly_root env HOME=/ PYCSTASH_LAYERS="$T/layer"
	mkdir "$T/full"
	fresh; row no "a full disk" mounts "mount -t tmpfs -o size=1M none $T/full && head -c 2M /dev/zero >$T/full/fill 2>/dev/null; true" \
		env PYCSTASH_DIR="$T/full/c"
	tag=$("$python" -c 'import sys; print(sys.implementation.cache_tag)')
	fresh; row no "a full disk with a cache that holds nothing yet" mounts "mount -t tmpfs -o size=1M none $T/full && mkdir -m 700 $T/full/c $T/full/c/v1 &&
		mkdir -p $T/full/c/v1/$tag/objects $T/full/c/v1/$tag/tree && head -c 2M /dev/zero >$T/full/fill 2>/dev/null; true" \
		env PYCSTASH_DIR="$T/full/c"
	fresh; row no "a disk without inodes" mounts "mount -t tmpfs -o nr_inodes=1 none $T/full" env PYCSTASH_DIR="$T/full/c"
	fresh; row yes "no /proc" mounts "umount -l /proc" env PYCSTASH_DIR="$C"
	mkdir "$W/own"
	mounts "mount -t tmpfs -o mode=0777,noexec,nosuid none $W/own" "$0" inside "$T"
else
	skip "environments of their own mounts" "mount namespaces are not allowed"
fi
done_testing
