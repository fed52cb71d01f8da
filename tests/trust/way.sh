#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The path to the cache and to a layer: another user who owns a directory or a link on it, or
# can write to one, must not get their own bytecode run. docs/security.md has the table.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks on the way to the cache"

src=$T/src
official "$src"
run() { # CACHE [NAME=VALUE…]: what the victim's program prints
	with "$VICTIM" "$@" timeout -s KILL 20 "$PY" -c "$(imports "$src")" 2>&1
}
shut() { # PATH: what of it the attacker can read
	as "$ATTACKER" find "$1" -mindepth 1 \( -type f -readable -o -type d -readable \) 2>/dev/null |
		head -3
}

# --- others cannot read it ------------------------------------------------------------
# A POSIX ACL gives the attacker all rights, also by default; the mode shows only its mask.
acl() {
	"$PY" -c 'import os, struct, sys
who, path = int(sys.argv[1]), sys.argv[2]
rights = [(1, 7, -1), (2, 7, who), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
value = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in rights)
os.setxattr(path, "system.posix_acl_access", value)
os.setxattr(path, "system.posix_acl_default", value)' "$ATTACKER" "$1"
}
mkdir -p "$T/open/plain" "$T/open/setgid" "$T/open/acl"
chown -R "$VICTIM:0" "$T/open"
chmod 2755 "$T/open/setgid"
for kind in plain setgid acl; do
	[ $kind != acl ] || acl "$T/open/acl" 2>/dev/null || {
		skip "a cache under an ACL that lets others in is closed to them" "no ACLs here"
		continue
	}
	as "$VICTIM" sh -c "umask 000; exec env PYCSTASH_DIR='$T/open/$kind/cache' \
		LD_PRELOAD='$SO' '$PY' -c \"$(imports "$src")\"" >/dev/null
	used=$(find "$T/open/$kind" -path '*/v1' 2>/dev/null | grep -c .)
	case $kind in
	acl) is "$used" 0 "a cache where an ACL lets others write is not used" ;;
	*) is "$used $(shut "$T/open/$kind/cache/v1")" "1 " \
		"a cache that is created under umask 0 is closed to others ($kind)" ;;
	esac
done

# --- others have been there first -----------------------------------------------------
# In a directory like /tmp, with and without the sticky bit, the attacker creates the victim's
# future cache.
stuff=$T/$VICTIM/stuff # unpacked of the attacker's archive, never run: the victim's own
plant "$stuff" "$src"
chown -R "$VICTIM:$VICTIM" "$stuff"
cp -a "$stuff" "$T/$ATTACKER/"
chown -R "$ATTACKER:$ATTACKER" "$T/$ATTACKER"
chmod -R a+rX,g-w "$T/$ATTACKER"
chmod 700 "$T/$ATTACKER/stuff/v1"
his=$T/$ATTACKER/stuff
is "$(run "$stuff")" ATTACKER "bytecode that is forged like this runs if it is in the victim's own cache"

for mode in 1777 777; do
	n=0 wrong=
	while read -r how; do
		n=$((n + 1))
		place=$T/shared.$mode.$n
		mkdir -m "$mode" "$place"
		as "$ATTACKER" sh -c "cd '$place' && $how" </dev/null || wrong="$wrong; cannot: $how"
		for target in "$place/cache" "$place/cache/deeper"; do
			got=$(run "$target")
			[ "$got" = TRUSTED ] || wrong="$wrong; $how ($target): ${got:-nothing}"
		done
		rm -rf "$place/cache"
	done <<-HOW
		cp -a '$his' cache
		cp -a '$his' cache && chmod -R a+rwX cache
		cp -a '$his' cache && chmod 700 cache
		mkdir cache && cp -a '$his' cache/deeper
		mkdir -m 777 cache && ln -s '$stuff' cache/deeper
		mkdir -m 777 cache && ln -s '$stuff/v1' cache/v1
		mkdir cache && ln -s '$stuff/v1' cache/v1
		ln -s '$his' cache
		ln -s '$stuff' cache
		ln -s '$stuff/../stuff/.' cache
		ln -s '$T/$ATTACKER/link' cache && ln -sfn '$stuff' '$T/$ATTACKER/link'
		ln -s /proc/self/cwd/../../../../../'$stuff' cache
		ln -s '$T/$VICTIM' cache && ln -sfn '$stuff' '$T/$ATTACKER/deeper'
		ln -s cache cache
		echo >cache
		mkfifo cache
		mkdir cache && mkfifo cache/v1
		mkdir cache && echo >cache/v1
	HOW
	is "$n$wrong" 18 "a cache that others have put in place of the victim's runs nothing (mode $mode)"
	mkdir "$T/$VICTIM/private.$mode"
	chown "$VICTIM" "$T/$VICTIM/private.$mode"
	as "$ATTACKER" ln -s "$T/$VICTIM/private.$mode" "$T/shared.$mode.1/cache"
	run "$T/shared.$mode.1/cache" >/dev/null
	is "$(ls "$T/$VICTIM/private.$mode")" "" \
		"through a planted link, nothing is created in a directory of the victim's (mode $mode)"
	ln -s "$T/$VICTIM/private.$mode" "$T/$VICTIM/docs.$mode" && chown -h "$VICTIM" "$T/$VICTIM/docs.$mode"
	ln -fPT "$T/$VICTIM/docs.$mode" "$T/shared.$mode.1/cache" # as the attacker can without fs.protected_hardlinks
	run "$T/shared.$mode.1/cache" >/dev/null
	is "$(stat -c %h "$T/$VICTIM/docs.$mode")$(ls "$T/$VICTIM/private.$mode")" 2 \
		"through a second name of the victim's link, nothing is created where it leads (mode $mode)"
	rm -f "$T/shared.$mode.1/cache"
	mkdir -m 777 "$T/box.$mode" && as "$VICTIM" ln -s "$T/$VICTIM/private.$mode" "$T/box.$mode/docs"
	as "$ATTACKER" mv "$T/box.$mode/docs" "$T/shared.$mode.1/cache"
	run "$T/shared.$mode.1/cache" >/dev/null
	is "$(stat -c %u "$T/shared.$mode.1/cache")$(ls "$T/$VICTIM/private.$mode")" "$VICTIM" \
		"through a link of the victim's that others have moved there, nothing is created where it leads (mode $mode)"
done

# The path leads through a directory or link that another user owns or others can write to. The
# path is written in different ways, too.
mkdir -m 777 "$T/ww"
as "$ATTACKER" sh -c "mkdir '$T/ww/his' && ln -s '$T/$VICTIM' '$T/ww/his/in' && ln -s '$stuff' '$T/ww/cache'"
mkdir -m 700 "$T/$VICTIM/.cache" && chown "$VICTIM" "$T/$VICTIM/.cache"
ways=("PYCSTASH_DIR=$T/ww/his/in/stuff" "PYCSTASH_DIR=$T/ww/../ww/cache" "PYCSTASH_DIR=$T//ww/./cache/"
	"PYCSTASH_DIR=$T/ww/his/../cache" "PYCSTASH_DIR= XDG_CACHE_HOME=$T/ww/xdg"
	"PYCSTASH_DIR= HOME=$T/ww/home" "PYCSTASH_DIR=$T/ww/cache/../../$VICTIM/stuff")
as "$ATTACKER" sh -c "mkdir -p '$T/ww/xdg' '$T/ww/home/.cache' && ln -s '$stuff' '$T/ww/xdg/pycstash' &&
	ln -s '$stuff' '$T/ww/home/.cache/pycstash'"
for way in "${ways[@]}"; do
	# shellcheck disable=SC2086
	[ "$(run "" $way)" = TRUSTED ] || echo "$way"
done >"$T/got"
is "$(cat "$T/got")" "" "no link of another user's on the path is followed, however the path is written"

# A directory on the path is writable by a group that has other members.
mkdir -m 775 "$T/team" && chgrp "$ATTACKER" "$T/team"
cp -a "$stuff" "$T/team/cache"
is "$(run "$T/team/cache")" TRUSTED "a cache in a directory that a group can write to is not used"
said=$(command_of "$VICTIM" "$T/team/cache" doctor "$PY" 2>&1)
check "doctor names the directory that the group can write to" grep -qE "$T/team([^/a-z]|\$)" <<<"$said"

# --- it is replaced later -------------------------------------------------------------
# A long-running process has checked the cache; then another cache is put in its place.
up=$T/$VICTIM/upload.png # a file of the victim's that the attacker filled
forge "$src/m.py" "$up" && chown "$VICTIM" "$up"
entry=v1/$TAG/tree$src/__pycache__/m.$TAG.pyc
cat >"$T/swap.py" <<'EOF'
import ctypes, os, sys
place, up, entry, how = sys.argv[1:]
os.makedirs(place + "/new/" + os.path.dirname(entry))
os.symlink(up, place + "/new/" + entry)
if how == "exchange":
    libc = ctypes.CDLL(None, use_errno=True)
    at, old, new = -100, (place + "/cache").encode(), (place + "/new").encode()
    if libc.renameat2(at, old, at, new, 2) != 0:
        sys.exit(1)
else:
    os.rename(place + "/cache", place + "/gone")
    os.symlink("new", place + "/cache") if how == "link" else os.rename(place + "/new", place + "/cache")
EOF
for how in rename exchange link; do
	place=$T/swap.$how
	mkdir -m 777 "$place"
	mkfifo -m 666 "$place.ready" "$place.go"
	with "$VICTIM" "$place/cache" timeout -s KILL 20 "$PY" -c "import sys; sys.path.insert(0, '$T')
import this_is_first; open('$place.ready', 'w').close(); open('$place.go').read()
$(imports "$src")" >"$T/out" 2>&1 &
	: >"$T/this_is_first.py"
	timeout 15 cat "$place.ready"
	mkdir -p "$place/cache"
	as "$ATTACKER" "$PY" "$T/swap.py" "$place" "$up" "$entry" "$how"
	: >"$place.go"
	wait $!
	is "$(cat "$T/out")" TRUSTED "a cache that others put in the place of the first one is not used ($how)"
done

# In a directory like /tmp, others can do that after the victim, or a cleaner of /tmp, has deleted
# the cache. A check of the cache counts for one second.
sleeps='import time; time.sleep(1.5)'
for kind in cache layer; do
	place=$T/deleted.$kind
	mkdir -m 1777 "$place"
	mkfifo -m 666 "$place.ready" "$place.go"
	cp -a "$stuff" "$place/cache"
	places=("PYCSTASH_DIR=$place/cache")
	[ $kind = cache ] || places=(PYCSTASH_DIR=/nonexistent/cache "PYCSTASH_LAYERS=$place/cache")
	with "$VICTIM" "" "${places[@]}" timeout -s KILL 20 "$PY" -c "import sys; sys.path.insert(0, '$src')
import m; open('$place.ready', 'w').close(); open('$place.go').read(); $sleeps
del sys.modules['m']; sys.path.insert(0, '$T/later'); import m" >"$T/out" 2>&1 &
	official "$T/later"
	timeout 15 cat "$place.ready"
	as "$VICTIM" rm -rf "$place/cache"
	forge "$T/later/m.py" "$up" && chown "$VICTIM" "$up" && chmod 600 "$up"
	as "$ATTACKER" sh -c "umask 022; mkdir -m 755 '$place/cache' && mkdir -p '$place/cache/v1/$TAG/tree$T/later' &&
		ln -s '$T/$VICTIM/folder' '$place/cache/v1/$TAG/tree$T/later/__pycache__'"
	mkdir -p "$T/$VICTIM/folder" && cp -p "$up" "$T/$VICTIM/folder/m.$TAG.pyc"
	: >"$place.go"
	wait $!
	is "$(tr '\n' ' ' <"$T/out")" "ATTACKER TRUSTED " \
		"a $kind that others put in the place of a deleted one is not used"
done
mkdir -m 700 "$T/swap.rename/own" && chown "$VICTIM" "$T/swap.rename/own"
said=$(command_of "$VICTIM" "$T/swap.rename/own" doctor "$PY" 2>&1)
check "doctor names the directory above the cache that others can write to" \
	grep -qE "$T/swap.rename([^/a-z]|\$)" <<<"$said"

# --- what is in it belongs to others --------------------------------------------------
mine=$T/$VICTIM/mine
cp -a "$stuff" "$mine"
wrong=
for path in "$mine/$entry" "$mine/v1" "$mine"; do
	chown "$ATTACKER" "$path"
	got=$(run "$mine")
	[ "$got" = TRUSTED ] || wrong="$wrong $path: $got"
	chown "$VICTIM" "$path"
done
is "$wrong" "" "a cache, layout folder or entry of another user is not used"

# --- layers ---------------------------------------------------------------------------
layered() { # LAYER: what runs with that layer
	run "/nonexistent/cache" PYCSTASH_LAYERS="$1"
}
layer() { # DIR: a layer of root's in which everything is forged
	rm -rf "$1"
	cp -a "$stuff" "$1"
	chown -R 0:0 "$1"
	chmod -R a+rX,go-w "$1"
}
layer "$T/base"
is "$(layered "$T/base")" ATTACKER "granted: whoever makes a layer decides what runs"
wrong= n=0
while read -r how; do
	n=$((n + 1))
	layer "$T/layer"
	(cd "$T/layer" && eval "$how")
	got=$(layered "$T/layer")
	[ "$got" = TRUSTED ] || wrong="$wrong; $how: $got"
done <<-HOW
	chown $ATTACKER .
	chown $ATTACKER v1
	chown $ATTACKER $entry
	chmod 777 .
	chmod 1777 v1
	chmod 777 v1
	chgrp $ATTACKER . && chmod 775 .
	chgrp $ATTACKER v1 && chmod 775 v1
	chgrp $ATTACKER $entry && chmod 664 $entry
	chmod 666 $entry
	mv $entry $T/e && ln -s $T/e $entry
	mv v1 $T/v.\$\$ && ln -s $T/v.\$\$ v1
HOW
is "$n$wrong" 12 "a layer that others own in part, or can write to, is not used"
# A folder in the layer in which another user may do everything.
folder=$T/layer/v1/$TAG/tree$src
wrong=
while read -r how; do
	layer "$T/layer"
	cp "$T/layer/$entry" "$T/forged.pyc"
	rm -rf "${folder:?}"/*
	chown "$ATTACKER" "$folder"
	as "$ATTACKER" sh -c "cd '$folder' && $how"
	got=$(layered "$T/layer")
	[ "$got" = TRUSTED ] || wrong="$wrong; $how: $got"
done <<-HOW
	mkdir __pycache__ && cp $T/forged.pyc __pycache__/m.$TAG.pyc
	mkdir __pycache__ && ln -s $T/forged.pyc __pycache__/m.$TAG.pyc
	mkdir __pycache__ && ln $T/forged.pyc __pycache__/m.$TAG.pyc 2>/dev/null || true
	mkdir other && cp $T/forged.pyc other/m.$TAG.pyc && ln -s other __pycache__
HOW
is "$wrong" "" "in a folder of a layer that others can write to, they can move files, but not add any"
# Root adds to a layer in which there are links, or folders that others can write to.
own=$T/0/own # where the links lead
with 0 "$T/0/made" "$PY" -c "$(imports "$src")" >/dev/null
command_of 0 "$T/0/made" export -q "$T/0/made.zst" && command_of 0 "$T/0/made" push -q "file:$T/0/store"
state() { find "$own" "$T/layer/v1/$TAG" -printf '%P %u %m %l %s %T@\n' | sort; }
adds() { # HOW: the exit statuses of both commands of root's after that, and what each changes
	local command
	for command in "import -q --update $T/0/made.zst" "pull -q file:$T/0/store"; do
		rm -rf "$T/layer" "$own"
		mkdir -p -m 700 "$own/own.dir" && (umask 077 && echo secret >"$own/own.key")
		command_of 0 "" import -q --layer "$T/layer" "$T/0/made.zst"
		(umask 077 && cd "$folder" && echo more >more.pyc && eval "$1") || echo "cannot: $1"
		state >"$T/before"
		# shellcheck disable=SC2086
		command_of 0 "" $command --layer "$T/layer" >"$T/said" 2>&1
		echo "$? $(diff "$T/before" <(state) | grep '^>' | awk '{ print $2, $4 }' | sed "s|.*$src||" | paste -sd ' ');"
	done | paste -sd ' '
}
opened="0  755 /more.pyc 644;"
is "$(adds :)" "$opened $opened" "(import --update and pull --layer open a layer to all)"
is "$(adds "ln -s '$own/own.key' m.$TAG.pyc; ln -s '$own/own.dir' dir; ln -sf '$own/own.key' '$T/layer/v1/CACHEDIR.TAG'; ln -sf '$own/own.key' '$T/layer/CACHEDIR.TAG'")" \
	"$opened $opened" "import --update and pull --layer change nothing to which a link in a layer leads"
wrong=
for how in "chown $ATTACKER ." "chmod 777 ." "chmod 1777 ." "chgrp $ATTACKER . && chmod 775 ." "mkdir deep && chown $ATTACKER deep"; do
	got=$(adds "$how")
	[ "$got" = "12 ; 12 ;" ] || wrong="$wrong; $how: $got"
done
is "$wrong" "" "import --update and pull --layer change nothing in a layer with a folder that others can write to"
mkdir -p "$T/good" "$T/opt/z"
layer "$T/opt/z/layer" # what root has unpacked of the attacker's, and never run
for how in "ln -s '$T/opt/z' base" "ln -s '$T/opt/z/layer' layer" "mkdir base && ln -s '$T/opt/z/layer' base/layer"; do
	place=$T/layers.$RANDOM
	mkdir -m 777 "$place"
	as "$ATTACKER" sh -c "cd '$place' && $how"
	got="$(layered "$place/base/layer") $(layered "$place/layer")"
	is "$got" "TRUSTED TRUSTED" "no link of another user's on the path to a layer is followed: ${how//$T/}"
done
mkdir -m 777 "$T/movable"
layer "$T/movable/layer"
is "$(layered "$T/movable/layer")" TRUSTED "a layer that others could replace is not used"
said=$(as "$VICTIM" PYCSTASH_LAYERS="$T/movable/layer" "$PYCSTASH" doctor "$PY" 2>&1)
check "doctor names the directory above a layer that others can write to" \
	grep -qE "$T/movable([^/a-z]|\$)" <<<"$said"
# --- the log --------------------------------------------------------------------------
mkdir -m 777 "$T/logs"
as "$VICTIM" sh -c "echo mine >'$T/$VICTIM/.profile'"
as "$ATTACKER" ln -s "$T/$VICTIM/.profile" "$T/logs/log"
with "$VICTIM" "$T/$VICTIM/logged" PYCSTASH_LOG="$T/logs/log" "$PY" -c "$(imports "$T/movable")" >/dev/null 2>&1
is "$(cat "$T/$VICTIM/.profile")" mine "if the log is another user's link, nothing is written to its target"
ln "$T/$VICTIM/.profile" "$T/logs/linked" # as the attacker can without fs.protected_hardlinks
with "$VICTIM" "$T/$VICTIM/logged" PYCSTASH_LOG="$T/logs/linked" "$PY" -c "$(imports "$T/movable")" >/dev/null 2>&1
is "$(cat "$T/$VICTIM/.profile")" mine "if the log is a hard link to another file, nothing is written to it"
as "$ATTACKER" sh -c "umask 0; : >'$T/logs/open'"
with "$VICTIM" "$T/$VICTIM/logged" PYCSTASH_LOG="$T/logs/open" "$PY" -c "$(imports "$T/movable")" >/dev/null 2>&1
is "$(cat "$T/logs/open")" "" "if the log is another user's file, nothing is written to it"

# --- a volume that is handed to a group -----------------------------------------------
# What Kubernetes does for fsGroup: it gives the mount point to the group, and by default
# everything in it.
official "$T/app"
mkdir "$T/volume"
cat >"$T/pods" <<END
	mount -t tmpfs -o mode=2775,gid=2000 none $T/volume || exit
	pod() {
		setpriv --reuid=$VICTIM --regid=2000 --clear-groups env -i PYCSTASH_DIR=$T/volume/cache \\
			PYCSTASH_LOG=stderr LD_PRELOAD=$SO "$PY" -c "$(imports "$T/app")" 2>&1 |
			grep -oE 'sealed: .*/m\.|hit: .*/m\.|not used' | head -1 | cut -d: -f1
	}
	pod; pod
	find $T/volume -type d -exec chgrp 2000 {} + -exec chmod g+rwxs {} +
	find $T/volume -type f -exec chgrp 2000 {} + -exec chmod g+rw {} +
	pod
	entry=\$(find $T/volume -path '*/tree/*' -name 'm.*.pyc')
	setpriv --reuid=$ATTACKER --regid=2000 --clear-groups sh -c 'cat "\$1" "\$1" >"\$1.new" && cat "\$1.new" >"\$1" && echo changed' - "\$entry"
END
if unshare -m true 2>/dev/null; then
	is "$(unshare -m bash "$T/pods" | tr '\n' ' ')" "sealed hit not used changed " \
		"a directory below a mount point that a group may write to is a cache, until the group can change its bytecode"
else
	skip "a directory below a mount point that a group may write to" "this needs to mount"
fi
# A program goes on running meanwhile. What it looks at again is the mode of the cache's directory.
mkdir -m 700 "$T/$VICTIM/opened" && chown "$VICTIM" "$T/$VICTIM/opened"
echo 'print("n")' >"$T/app/n.py"
with "$VICTIM" "$T/$VICTIM/opened" "$PY" -c "$(imports "$T/app"); import n" >/dev/null
with "$VICTIM" "$T/$VICTIM/opened" PYCSTASH_LOG=stderr "$PY" -c "$(imports "$T/app"); import os, time
os.chmod('$T/$VICTIM/opened', 0o770)
time.sleep(2)
import n" >"$T/said" 2>&1
is "$(grep -c ': hit: .*/m[.]' "$T/said") $(grep -c ': hit: .*/n[.]' "$T/said") $(tail -1 "$T/said")" "1 0 n" \
	"a running program does not use a cache any more that is given to a group"
# A subvolume has a device number of its own, but nobody has mounted it.
what="a directory below a subvolume that everybody may write to is not a cache"
truncate -s 200M "$T/image"
cat >"$T/subvolume" <<END
	mount -o loop $T/image $T/volume && btrfs subvolume create $T/volume/shared && chmod 777 $T/volume/shared || exit
	setpriv --reuid=$VICTIM --regid=$VICTIM --clear-groups env -i PYCSTASH_DIR=$T/volume/shared/cache \
		LD_PRELOAD=$SO "$PY" -c "$(imports "$T/app")"
	ls $T/volume/shared
END
if mkfs.btrfs -q "$T/image" >/dev/null 2>&1 && unshare -m bash "$T/subvolume" >"$T/said" 2>&1; then
	is "$(tail -1 "$T/said")" TRUSTED "$what"
else
	skip "$what" "this needs to mount, and btrfs"
fi
# --- a group that only looks like the user's own --------------------------------------
# Two files say who is in a group: /etc/group lists members, and /etc/passwd says whose primary
# group it is. The group may write to the sources and to a directory above the cache.
official "$T/grouped"
chown -R "$VICTIM:$VICTIM" "$T/grouped"
chmod 664 "$T/grouped/m.py"
cat >"$T/groups" <<END
	mount --bind $T/passwd /etc/passwd && mount --bind $T/group /etc/group || exit
	for place in open closed; do
		install -d -m 775 -o $VICTIM -g $VICTIM $T/\$1/\$place
		[ \$place = open ] || chmod 755 $T/\$1/\$place
		rm -rf $T/grouped/__pycache__
		setpriv --reuid=$VICTIM --regid=$VICTIM --clear-groups env -i PYCSTASH_DIR=$T/\$1/\$place/cache \
			LD_PRELOAD=$SO "$PY" -c "$(imports "$T/grouped")" >/dev/null 2>&1
	done
	find $T/\$1/open -name 'm.*.pyc' | grep -c .
	find $T/\$1/closed -path '*/objects/*.pyc' | grep -c .
END
told= n=0
if unshare -m true 2>/dev/null; then
	while IFS='|' read -r want what groups users; do
		printf 'victim:x:%s:%s::/:/bin/sh\n' "$VICTIM" "$VICTIM" >"$T/passwd"
		echo "$users" | tr ' ' '\n' >>"$T/passwd"
		echo "$groups" | tr ' ' '\n' >"$T/group"
		n=$((n + 1))
		got=$(unshare -m bash "$T/groups" "grouped.$n" | tr '\n' ' ')
		[ "$got" = "$want" ] || told="$told; $what: $got"
	done <<-GROUPS
		1 1 |the user is alone in it|root:x:0: victim:x:$VICTIM:|attacker:x:$ATTACKER:$ATTACKER::/:/bin/sh
		0 0 |somebody is a member|victim:x:$VICTIM:attacker|attacker:x:$ATTACKER:$ATTACKER::/:/bin/sh
		0 0 |another name of it has a member|victim:x:$VICTIM: alias:x:$VICTIM:attacker|attacker:x:$ATTACKER:$ATTACKER::/:/bin/sh
		0 0 |it is the first group of somebody|victim:x:$VICTIM:|attacker:x:$ATTACKER:$VICTIM::/:/bin/sh
	GROUPS
	is "$told" "" "a group is the user's own only if nobody else is in it, in /etc/group or /etc/passwd"
else
	skip "a group is the user's own only if nobody else is in it, in /etc/group or /etc/passwd" "this needs to mount"
fi
# --- another preload changes paths ----------------------------------------------------
# As with fakechroot: what lies at a path for the kernel, where the library judges it, is not
# what the program uses.
cp "$BUILD/tests/library/libmapped.so" "$T/lib/"
mkdir "$T/place" "$T/$VICTIM/private" "$T/$VICTIM/mapped"
echo 'KEY = "swordfish"; print("TRUSTED")' >"$T/$VICTIM/private/m.py"
chown -R "$VICTIM" "$T/place" "$T/$VICTIM"/{private,mapped}
chmod 700 "$T/$VICTIM/private"
elsewhere() { # FROM TO [NAME=VALUE…]: what the victim's program prints
	rm -rf "$T/$VICTIM/private/__pycache__"
	as "$VICTIM" MAP_FROM="$1" MAP_TO="$2" LD_PRELOAD="$SO:$T/lib/libmapped.so" PYCSTASH_DIR="$T/place/cache" "${@:3}" \
		timeout -s KILL 20 "$PY" -c "$(imports "$T/$VICTIM/private")" 2>&1
}
is "$(elsewhere "$T/away" "$T/$VICTIM/mapped" PYCSTASH_DIR="$T/away/cache")$(ls -A "$T/$VICTIM/mapped")" TRUSTED \
	"a program ends, and makes no cache, if another preload shows it a home that the kernel does not"
is "$(elsewhere "$T/away" "$T/$VICTIM/mapped")" TRUSTED "(a cache is used if no preload changes the way to it)"
check "(bytecode is in that cache)" grep -rqs swordfish "$T/place/cache/v1"
his=$T/$ATTACKER/place
as "$ATTACKER" mkdir -p "$his/cache/v1/$TAG/tree$T/$VICTIM/private/__pycache__" && chmod -R 777 "$his"
chmod 755 "$T/$ATTACKER"
rm -rf "$T/place/cache/v1/$TAG"
is "$(elsewhere "$T/place" "$his")$(grep -rl swordfish "$his")" TRUSTED \
	"no bytecode gets to another user's directory to which another preload leads from the path of the cache"
is "$(elsewhere "$T/place" "$his" PYCSTASH_DIR="$T/place/new")$(ls "$his")" TRUSTEDcache \
	"no cache is made in another user's directory to which another preload leads from the path of the cache"
mkdir -p "$T/place/layer/v1"
plant "$T/layered" "$T/$VICTIM/private"
chown -R "$VICTIM" "$T/layered" && mv "$T/layered" "$his/layer"
is "$(elsewhere "$T/place" "$his" PYCSTASH_LAYERS="$T/place/layer")" TRUSTED \
	"no layer is used to which another preload leads from the path of a trusted one"
echo precious >"$T/$VICTIM/precious" && ln -s /dev/null "$T/place/log" && ln -s "$T/$VICTIM/precious" "$his/log"
chown -h "$VICTIM" "$T/place/log" "$T/$VICTIM/precious" && chown -h "$ATTACKER" "$his/log"
elsewhere "$T/place" "$his" PYCSTASH_LOG="$T/place/log" >"$T/said"
is "$(cat "$T/$VICTIM/precious")" precious "another user's link to which another preload leads from the path of the log is not followed"
done_testing
