#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Who owns a file, as far as that can be known: set-user-ID programs, user namespaces, nobody,
# FUSE; who may read the bytecode of a source that they may not read; and what every process of
# one user may do.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks by way of who a user is"

src=$T/src
official "$src"
run() { # USER CACHE [NAME=VALUE…]
	with "$@" timeout -s KILL 20 "$PY" -B -c "$(imports "$src")" 2>&1
}

# --- one user -------------------------------------------------------------------------
plant "$T/$VICTIM/cache" "$src"
chown -R "$VICTIM" "$T/$VICTIM/cache"
is "$(run "$VICTIM" "$T/$VICTIM/cache")" ATTACKER \
	"granted: whoever can write to the layout folder decides what its user runs"
is "$(run "$ATTACKER" "$T/$VICTIM/cache") $(run 0 "$T/$VICTIM/cache")" "TRUSTED TRUSTED" \
	"bytecode that one user has planted runs for nobody else, not even for root"

# --- more privileges than the caller --------------------------------------------------
if has_compiler; then
	cat >"$T/exec.c" <<'END'
#include <unistd.h>
int main(int argc, char **argv)
{
	(void)argc;
	execv(argv[1], argv + 1);
	return 1;
}
END
	${CC:-cc} -o "$T/exec" "$T/exec.c"
fi
plant "$T/$ATTACKER/cache" "$src"
chown -R "$ATTACKER" "$T/$ATTACKER/cache"
cp "$PY" "$T/python" 2>/dev/null
with_python() { # what the attacker gets out of a program with other rights
	as "$ATTACKER" PYCSTASH_DIR="$T/$ATTACKER/cache" LD_PRELOAD="$SO" "$T/python" -I -B -c "$(imports "$src")" 2>/dev/null
}
is "$(with_python)" ATTACKER "(the attacker's own programs run the attacker's bytecode)"
# For such a program, ld.so loads only a library that has the set-user-ID bit, too.
chmod u+s "$SO"
chown 0 "$T/python" && chmod 4755 "$T/python"
is "$(with_python)" TRUSTED "a set-user-ID program is served nothing"
chgrp "$VICTIM" "$T/python" && chmod 2755 "$T/python"
is "$(with_python)" TRUSTED "a set-group-ID program is served nothing"
chmod 755 "$T/python"
if setcap cap_net_raw+ep "$T/python" 2>/dev/null; then
	is "$(with_python)" TRUSTED "a program with file capabilities is served nothing"
	setcap -r "$T/python"
else
	skip "a program with file capabilities is served nothing" "setcap does not work here"
fi
chmod u-s "$SO"

# --- the command on another user's cache ----------------------------------------------
state() { find "$1" -printf '%p %u %m %y %s %T@\n' | sort; }
before=$(state "$T/$VICTIM/cache")
wrong=
for command in "gc" "purge --all" "verify --repair" "warm --python $PY $src" "stats --zero" "export $T/x.zst" "import $T/x.zst"; do
	# shellcheck disable=SC2086
	for who in 0 "$ATTACKER"; do
		command_of "$who" "$T/$VICTIM/cache" $command >"$T/said" 2>&1
		[ $? -ne 0 ] || [ "$command" = "warm --python $PY $src" ] || wrong="$wrong; $command succeeds for $who"
		[ "$(state "$T/$VICTIM/cache")" = "$before" ] || wrong="$wrong; $command by $who"
		before=$(state "$T/$VICTIM/cache")
	done
done
is "$wrong" "" "neither root's command nor another user's changes a user's cache"

# --- readers --------------------------------------------------------------------------
secret=$T/secret
wrong=
for umask in 000 022 077; do
	for order in "private public" "public private"; do
		rm -rf "$secret" "$T/$VICTIM/c"
		for kind in private public; do
			mkdir -p "$secret/$kind"
			echo "KEY = 'hunter2'" >"$secret/$kind/m.py"
		done
		chown -R "$VICTIM" "$secret"
		chmod 600 "$secret/private/m.py"
		for kind in $order; do
			(umask $umask && with "$VICTIM" "$T/$VICTIM/c" "$PY" -c "$(imports "$secret/$kind")")
		done
		mode=$(find "$T/$VICTIM/c" -path "*$secret/private/*.pyc" -printf '%m')
		[ "$mode" = 600 ] || wrong="$wrong; umask $umask, $order: $mode"
		[ -z "$(as "$ATTACKER" grep -rl hunter2 "$T/$VICTIM/c" 2>/dev/null)" ] || wrong="$wrong; $umask, $order: read"
	done
done
is "$wrong" "" "bytecode of a source that only its owner may read is closed to others"
# Bytecode that leaves the cache can be read by others, and a message says so.
chmod 755 "$T/$VICTIM"
rm -rf "$secret/public" "$T/$VICTIM/c"
mkdir -p "$secret/closed/open"
echo "KEY = 'swordfish'" >"$secret/closed/open/closed.py"
ln -s closed/open/closed.py "$secret/link.py"
mkdir -p "$secret/shut" # to a group, as its members are among the others
echo "KEY = 'sesame'" | tee "$secret/shut/below.py" >"$secret/grouped.py"
chown -R "$VICTIM:$ATTACKER" "$secret"
with "$VICTIM" "$T/$VICTIM/c" "$PY" -c "$(imports "$secret/private")
del sys.modules['m']
$(imports "$secret/closed/open" closed)
$(imports "$secret" link)
$(imports "$secret" grouped)
$(imports "$secret/shut" below)
$(imports "$src")
import contextlib, os
numba = '$secret/closed/open/__pycache__/closed.f-1.py%d%d.nbi' % sys.version_info[:2]
os.makedirs(os.path.dirname(numba), exist_ok=True)
with contextlib.suppress(OSError): open(numba)
open(numba + '.tmp.abc', 'xb').write(b'MARK-numba')
os.replace(numba + '.tmp.abc', numba)" >/dev/null
chmod 700 "$secret/closed"
chmod 604 "$secret/grouped.py"
chmod 705 "$secret/shut"
command_of "$VICTIM" "$T/$VICTIM/c" export "$T/$VICTIM/all.zst" >"$T/said" 2>&1
check "export says that there is bytecode of sources that others may not read" \
	grep -qiE 'may not read|private|others' "$T/said"
is "$(stat -c %a "$T/$VICTIM/all.zst")" 600 "an exported archive is closed to others"
command_of "$VICTIM" "$T/$VICTIM/c" export --public-only "$T/$VICTIM/public.zst" >"$T/said" 2>&1
command_of "$VICTIM" "" import --layer "$T/$VICTIM/layer" "$T/$VICTIM/public.zst" >"$T/said" 2>&1
in_layer() { as "$ATTACKER" grep -rl "$1" "$T/$VICTIM/layer" 2>/dev/null | grep -c .; }
is "$(in_layer hunter2)" 0 "export --public-only leaves out bytecode of sources that others may not read"
is "$(in_layer swordfish)" 0 "export --public-only leaves out bytecode of sources in directories that others may not enter"
is "$(grep -rl sesame "$T/$VICTIM/c" | grep -c /tree/) $(in_layer sesame)" "2 0" "export --public-only leaves out bytecode of sources that their group may not read"
is "$(grep -rl MARK-numba "$T/$VICTIM/c" | grep -c /tree/) $(in_layer MARK-numba)" "1 0" "export --public-only leaves out numba's files, whose source nobody knows"
check "export --public-only leaves out nothing else" test "$(in_layer TRUSTED)" -gt 0
# Only numba's files, of: a closed source, one in a closed directory, one that is gone, one whose name begins like that of an
# open one, and an open one.
numbas=$T/numbas
mkdir -p "$numbas/closed" "$numbas/gone"
touch "$numbas/shut.py" "$numbas/closed/m.py" "$numbas/m.py" "$numbas/m.more.py"
chmod 600 "$numbas/shut.py" "$numbas/m.more.py"
chown -R "$VICTIM" "$numbas"
with "$VICTIM" "$T/$VICTIM/n" "$PY" -c "import os, sys
for name in 'shut.f', 'closed/m.f', 'gone/m.f', 'm.more.f', 'm.Class.f':
    path, name = os.path.split('$numbas/' + name)
    os.makedirs(path + '/__pycache__', exist_ok=True)
    name = '%s/__pycache__/%s-1.py%d%d.nbi' % (path, name, *sys.version_info[:2])
    try: open(name)
    except OSError: pass
    open(name + '.tmp.abc', 'xb').write(b'numba')
    os.replace(name + '.tmp.abc', name)"
chmod 700 "$numbas/closed"
is "$(command_of "$VICTIM" "$T/$VICTIM/n" export "$T/$VICTIM/n.zst" 2>&1 | grep -o '[0-9]* files' | sort | paste -sd ,)" "4 files,5 files" \
	"export says how many of numba's files may be of sources that others may not read"
is "$(command_of "$VICTIM" "" import --layer "$T/$VICTIM/n.layer" "$T/$VICTIM/n.zst" 2>&1 | grep -o '[0-9]* files' | sort | paste -sd ,)" "3 files,5 files" \
	"import --layer says how many of numba's files are of sources that others may not read here"
# ACLs, where the group's bits of the mode are a mask: they shut out the group, a user, the members of another group, and a
# user from the directory above; the last one shuts out nobody.
acl() { # PATH TAG,RIGHTS,ID…
	"$PY" -c 'import os, struct, sys
entries = [struct.pack("<HHi", *map(int, entry.split(","))) for entry in sys.argv[2:]]
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(entries))' "$@"
}
lists=$T/lists code="import sys"
for name in group user members above open; do
	mkdir -p "$lists/$name"
	echo "KEY = 'MARK-$name'" >"$lists/$name/$name.py"
	code="$code; sys.path.insert(0, '$lists/$name'); import $name"
done
chown -R "$VICTIM:$ATTACKER" "$lists"
what="export --public-only leaves out bytecode of sources from which an ACL shuts out somebody, and nothing else"
if acl "$lists/group/group.py" 1,6,-1 2,4,"$VICTIM" 4,0,-1 16,4,-1 32,4,-1 2>"$T/said"; then
	acl "$lists/user/user.py" 1,6,-1 2,0,"$ATTACKER" 4,4,-1 16,4,-1 32,4,-1
	chgrp "$VICTIM" "$lists/members/members.py"
	acl "$lists/members/members.py" 1,6,-1 4,4,-1 8,0,"$ATTACKER" 16,4,-1 32,4,-1
	acl "$lists/above" 1,7,-1 2,4,"$ATTACKER" 4,5,-1 16,5,-1 32,5,-1
	acl "$lists/open/open.py" 1,6,-1 2,4,"$ATTACKER" 4,4,-1 16,4,-1 32,4,-1
	is "$(as "$ATTACKER" cat "$lists"/*/*.py 2>/dev/null)" "KEY = 'MARK-open'" "(four ACLs shut out the attacker)"
	with "$VICTIM" "$T/$VICTIM/lists" "$PY" -c "$code"
	marks() { zstd -dcq 2>/dev/null | grep -ao 'MARK-[a-z]*' | sort -u | paste -sd ' '; }
	is "$(for form in "" --pack; do
		# shellcheck disable=SC2086
		command_of "$VICTIM" "$T/$VICTIM/lists" export $form --public-only - 2>/dev/null | marks
	done | paste -sd ,)" "MARK-open,MARK-open" "$what"
	is "$(command_of "$VICTIM" "$T/$VICTIM/lists" export --path "$lists" "$T/$VICTIM/lists.zst" 2>&1 | grep -o '[0-9]* files made')" "4 files made" \
		"export says how many files are of sources from which an ACL shuts out somebody"
	is "$(command_of "$VICTIM" "" import --layer "$T/$VICTIM/lists.layer" "$T/$VICTIM/lists.zst" 2>&1 | grep -o '[0-9]* files in')" "4 files in" \
		"import --layer says how many files are of sources from which an ACL shuts out somebody"
else
	skip "$what" "no ACLs here"
fi
# The author of a tree that the victim compiles, and does not run, lets a link lead to a closed
# source, and then away from it.
mkdir "$T/led" && ln -s "$secret/closed/open/closed.py" "$T/led/m.py" && chown -h "$ATTACKER" "$T/led" "$T/led/m.py"
wrong= n=0
for then in "rm m.py" "ln -sf '$src/m.py' m.py"; do
	rm -rf "$T/$VICTIM/led"
	chown -h "$VICTIM" "$T/led" "$T/led/m.py" # else its bytecode were not in the cache
	command_of "$VICTIM" "$T/$VICTIM/led" warm -q --python "$PY" "$T/led"
	n=$((n + $(grep -rl swordfish "$T/$VICTIM/led" | grep -c /tree/)))
	chown -h "$ATTACKER" "$T/led" "$T/led/m.py"
	as "$ATTACKER" sh -c "cd '$T/led' && $then"
	for form in "" --pack; do
		# shellcheck disable=SC2086
		command_of "$VICTIM" "$T/$VICTIM/led" export $form --public-only - 2>/dev/null | zstd -dcq 2>/dev/null | grep -q swordfish && wrong="$wrong; $then $form"
	done
	as "$ATTACKER" ln -sf "$secret/closed/open/closed.py" "$T/led/m.py"
done
is "$n$wrong" 2 "export --public-only leaves out bytecode of a source that is no longer at its path"
# The owner of the directory above moves a closed directory while it is judged, or has the victim's program compile
# what is in it while an open one is exported from its place.
cp "$BUILD/tests/library/libat.so" "$T/lib/"
both=$T/both
mkdir -m 777 "$both"
moved() { # MOMENT 700|755 COMMAND [OPTION…]: exports $both/dir, of that mode; is closed bytecode in it if COMMAND runs then?
	rm -rf "$both"/* "$T/$VICTIM/both"
	# shellcheck disable=SC2016
	as "$VICTIM" sh -c 'mkdir "$0/dir" "$0/other" && chmod $1 "$0/dir" && chmod $2 "$0/other" && echo "KEY = \"MARK-$1\"" >"$0/dir/m.py" &&
		echo "KEY = \"MARK-$2\"" >"$0/other/m.py"' "$both" "$2" $((1455 - $2))
	with "$VICTIM" "$T/$VICTIM/both" "$PY" -c "$(imports "$both/dir")"
	as "$VICTIM" PYCSTASH_DIR="$T/$VICTIM/both" LD_PRELOAD="$T/lib/libat.so" AT="$1" DO="touch '$T/$VICTIM/happened'; cd '$both'; $3" \
		"$PYCSTASH" export "${@:4}" - 2>/dev/null | zstd -dcq 2>/dev/null | grep -aqF MARK-700
}
compile="LD_PRELOAD='$SO' '$PY' -c \"$(imports "$both/dir")\""
exchange="mv dir aside; mv other dir; mv aside other"
leaks() { # NAME MODE COMMAND: the moments, by the look at a file of that name, in which the secret gets out
	local moment form happened=0
	for moment in {open,look}:{1..3}:"$1"; do
		for form in "" --pack; do
			rm -f "$T/$VICTIM/happened"
			# shellcheck disable=SC2086
			moved "$moment" "$2" "$3" --public-only $form && echo "$moment $form"
			[ -e "$T/$VICTIM/happened" ] && happened=$((happened + 1))
		done
	done
	[ $happened -ge 2 ] || echo "only $happened moments"
}
check "(without --public-only, export takes bytecode of sources in a closed directory)" moved open:- 700 :
none "export --public-only leaves out bytecode of sources in a closed directory that is exchanged for an open one" < <(leaks dir 700 "$exchange")
none "export --public-only leaves out bytecode of sources in a closed directory that is moved away" < <(leaks dir 700 "mv dir aside")
none "export --public-only leaves out bytecode that was compiled from a closed directory while the open one was judged" < <(
	leaks "m.$TAG.pyc" 755 "$exchange; $compile; $exchange"
	leaks m.py 700 "$exchange; $compile")
pushed() { # [OPTION]: what arrives of each, after what push said
	rm -rf "$T/$VICTIM/store" "$T/$VICTIM/pulled" "$T/$VICTIM/c/v1/.state/known"*
	command_of "$VICTIM" "$T/$VICTIM/c" push "$@" "$T/$VICTIM/store" 2>&1 | grep -c 'others may not read'
	command_of "$VICTIM" "$T/$VICTIM/pulled" pull "$T/$VICTIM/store" >/dev/null 2>&1
	for word in hunter2 swordfish TRUSTED; do grep -rl "$word" "$T/$VICTIM/pulled" | grep -c .; done
}
is "$(pushed --compact 1d | tr '\n' ' ')" "1 1 1 1 " "push says that there is bytecode of sources that others may not read"
is "$(pushed --compact 1d --public-only | tr '\n' ' ')" "0 0 0 1 " "push --public-only leaves out bytecode of sources that others may not read, and nothing else"
# A mount to which the kernel lets nobody else, as that of sshfs or gocryptfs.
vault=$T/vault
mkdir "$vault"
what="export --public-only leaves out bytecode of sources on a mount that only its user may look into"
vaulted() { # what export says of them
	{
		"$PY" -B "$HERE/tests/trust/fuse.py" "$vault" "$VICTIM" >"$T/mounted" 2>"$T/said" &
		await grep -qs mounted "$T/mounted" || exit
		as "$ATTACKER" cat "$vault/m.py" 2>&1
		command_of "$VICTIM" "$T/$VICTIM/vaulted" warm --python "$PY" "$vault"
		command_of "$VICTIM" "$T/$VICTIM/vaulted" export "$T/$VICTIM/vaulted.zst" 2>&1
		command_of "$VICTIM" "$T/$VICTIM/vaulted" export --public-only "$T/$VICTIM/vaulted.zst"
		echo "public: $?"
		umount -l "$vault"
	} 2>&1
}
export -f vaulted as command_of await
export T SO PYCSTASH PY HERE VICTIM ATTACKER vault
unshare -m bash -c vaulted >"$T/exported"
if grep -q "Permission denied" "$T/exported"; then
	is "$(grep -o 'others may not read\|^public: .*' "$T/exported" | paste -sd,)" "others may not read,public: 1" "$what"
else
	skip "$what" "no file system can be mounted: $(cat "$T/said")"
fi
command_of "$VICTIM" "" warm --dir "$T/$VICTIM/layer.warm" --python "$PY" "$secret" >"$T/said" 2>&1
is "$(as "$ATTACKER" grep -rl hunter2 "$T/$VICTIM/layer.warm" 2>/dev/null | grep -c .)" 0 \
	"warm --dir creates nothing that others can read"

# --- where an archive goes --------------------------------------------------------------
# In a directory like /tmp, where a job of the victim's writes an archive each night.
sticky=$T/sticky
mkdir -m 1777 "$sticky"
to=$sticky/cache.zst
arrives() { # OWNER: what a reader of that user's pipe gets of the victim's archive
	rm -f "$to"
	as "$1" mkfifo -m 666 "$to"
	exec 7<>"$to"
	command_of "$VICTIM" "$T/$VICTIM/c" export "$to" >"$T/said" 2>&1 && timeout 20 head -c 4 <&7 | od -An -tx1
	exec 7<&-
}
is "$(arrives "$ATTACKER")" "" "export writes to no pipe of another user"
is "$(arrives "$VICTIM")" " 28 b5 2f fd" "(export writes to a pipe of the user's own)"
rm -f "$to"
chmod 777 "$sticky"
wrong= happened=0
for moment in {open,look}:{1..3}:cache.zst{,:after}; do
	rm -f "$T/$VICTIM/happened"
	as "$VICTIM" sh -c "echo precious >'$T/$VICTIM/precious'"
	as "$ATTACKER" ln -sf /dev/null "$to"
	as "$VICTIM" PYCSTASH_DIR="$T/$VICTIM/c" LD_PRELOAD="$T/lib/libat.so" AT="$moment" DO="touch '$T/$VICTIM/happened'; ln -sf '$T/$VICTIM/precious' '$to'" \
		"$PYCSTASH" export "$to" >"$T/said" 2>&1
	[ "$(cat "$T/$VICTIM/precious")" = precious ] || wrong="$wrong; $moment"
	[ -e "$T/$VICTIM/happened" ] && happened=$((happened + 1))
done
is "$wrong$([ $happened -ge 2 ] || echo "; only $happened moments")" "" "export writes to no file that another user's link leads to by then"
is "$(as "$ATTACKER" ln -sf /dev/full "$to"; command_of "$VICTIM" "$T/$VICTIM/c" export "$to" 2>&1 | grep -c 'No space')" 0 \
	"export writes to no device that another user's link leads to"
check "(export writes to a device)" command_of "$VICTIM" "$T/$VICTIM/c" export /dev/null

# --- users that cannot be told apart --------------------------------------------------
his=$T/$ATTACKER/layer
plant "$his" "$src"
chown -R "$ATTACKER" "$his"
chmod -R a+rX,go-w "$T/$ATTACKER"
if as "$VICTIM" unshare -Ur true 2>/dev/null; then
	chmod 755 "$his/v1"
	chown "$VICTIM" "$T" # root's would look like another user's
	wrong=
	for how in "unshare -U" "unshare -Ur" "unshare -Uc"; do
		as "$VICTIM" $how true 2>/dev/null || continue
		got=$(as "$VICTIM" PYCSTASH_LAYERS="$his" PYCSTASH_DIR="$T/$ATTACKER/cache" LD_PRELOAD="$SO" $how "$PY" -B -c "$(imports "$src")" 2>&1)
		[ "$got" = TRUSTED ] || wrong="$wrong; $how: $got"
	done
	is "$wrong" "" "in a user namespace, other users' layers and caches do not count as the user's own"
	mkdir -m 1777 "$T/strange" && chown "$ATTACKER" "$T/strange"
	with "$VICTIM" "$T/strange/cache" unshare -Ur "$PY" -c "$(imports "$src")" >"$T/said"
	is "$(cat "$T/said"; ls "$T/strange")" TRUSTED "in a user namespace, no cache is made in a sticky directory of another user"
	mkdir "$T/strangers" && echo 'x = "MARK-namespace"' >"$T/strangers/m.py" && chown -R "$ATTACKER" "$T/strangers"
	with "$VICTIM" "$T/$VICTIM/u" "$PY" -c "$(imports "$src")" >/dev/null
	with "$VICTIM" "$T/$VICTIM/u" unshare -Ur "$PY" -c "$(imports "$T/strangers")" >/dev/null 2>&1
	is "$(grep -rlaF MARK-namespace "$T/$VICTIM/u" | grep -c /tree/) $(grep -rlaF MARK-namespace "$T/$VICTIM/u" | grep -c /objects/)" "1 0" \
		"in a user namespace, no source of another user becomes an object"
	plant "$T/$VICTIM/own" "$src" && chown -R "$VICTIM" "$T/$VICTIM/own"
	is "$(as "$VICTIM" PYCSTASH_DIR="$T/$VICTIM/own" LD_PRELOAD="$SO" unshare -Ur "$PY" -B -c "$(imports "$src")")" ATTACKER \
		"(in a user namespace, the user's own cache is used)"
	export -f as
	# shellcheck disable=SC2317
	judged() { # MODE-ABOVE OWNER MODE OWNER-OF-FILES MODE-OF-FILES: what the command says of a setting and an interpreter there
		mount -t tmpfs -o "mode=$1" none /mnt && mkdir -m "$3" /mnt/d && echo max_entries = 77 >/mnt/d/pycstash.conf && cp "$PY" /mnt/d/python3
		chmod "$5" /mnt/d/* && chown "$4" /mnt/d/* && chown "$2" /mnt/d
		as "$VICTIM" PYCSTASH_SYSCONFDIR=/mnt/d unshare -Ur "$PYCSTASH" config get max_entries 2>&1 | grep -vx 0
		as "$VICTIM" PYCSTASH_DIR="$T/$VICTIM/own" PATH=/usr/bin:/mnt/d unshare -Ur "$PYCSTASH" verify --deep 2>&1 | grep '/mnt/d/.* not run'
	}
	export -f judged
	all_judged() { # OF-WHAT…: how often each was said
		local what
		for what; do unshare -m bash -c "judged $what"; done | sed 's/ (.*//; s/.* belongs/belongs/; s/.* can be/can be/' | sort | uniq -c | xargs
	}
	if unshare -m mount -t tmpfs none /mnt 2>/dev/null; then
		is "$(all_judged "755 0 755 0 755" "755 $VICTIM 755 $VICTIM 700")" "2 77" \
			"in a user namespace, the command reads root's settings and the user's own, and runs their interpreters"
		is "$(all_judged "1777 $ATTACKER 755 $ATTACKER 755" "755 $VICTIM 755 $ATTACKER 755" "755 0 1777 $ATTACKER 755")" \
			"6 belongs to a user who is not known in this user namespace" \
			"in a user namespace, the command reads no settings of another user and runs no interpreter of theirs"
		is "$(all_judged "755 0 755 0 757" "755 0 755 0 775" "755 0 757 0 755" "755 0 775 0 755")" "8 can be written to by others" \
			"in a user namespace, the command reads no settings that others can change, and runs no such interpreter"
		is "$(all_judged "755 $ATTACKER 755 $ATTACKER 755" "755 0 755 $ATTACKER 755")" "2 77" \
			"granted: in a user namespace, what another user owns in root's directory counts as root's for whoever lets the command look there"
	else
		skip "in a user namespace, the command reads no settings of another user and runs no interpreter of theirs" "this needs to mount"
	fi
	chown 0 "$T"
else
	skip "in a user namespace of one's own, others' layers are not one's own" "no user namespaces"
fi
# As in a rootless container whose process has the user id 65534: every user that is not
# mapped appears as 65534.
mapped() { # CODE CACHE LAYER: runs it as 65534 in a namespace that maps 100000 to 165535
	mkdir -p "$T/root"
	chmod 777 "$T/root"
	cat >"$T/inside" <<-END
		mount -t tmpfs -o mode=755 none $T/root
		for dir in usr tmp proc etc lib lib64 bin; do
			if [ -L /\$dir ]; then cp -P /\$dir $T/root/\$dir; elif [ -d /\$dir ]; then
				mkdir $T/root/\$dir; mount --rbind /\$dir $T/root/\$dir; fi
		done
		mkdir $T/root/layer; if [ -d $3 ]; then mount --bind $3 $T/root/layer; fi
		exec chroot --userspec=65534:65534 --groups= $T/root env -i PATH=/usr/bin:/bin PYCSTASH_DIR=$2 \
			PYCSTASH_LAYERS=$3:/layer LD_PRELOAD=$SO $PY -B -c "$1"
	END
	unshare -Um sleep 60 &
	local sleeper=$!
	for _ in {1..100}; do
		[ "$(readlink /proc/$sleeper/ns/user)" != "$(readlink /proc/self/ns/user)" ] && break
		sleep 0.05
	done
	echo "0 100000 65536" >/proc/$sleeper/uid_map && echo "0 100000 65536" >/proc/$sleeper/gid_map &&
		nsenter -t $sleeper -U -m -S 0 -G 0 sh "$T/inside" 2>"$T/said"
	kill $sleeper
	wait $sleeper 2>/dev/null
}
if type -P nsenter >/dev/null && [ "$(mapped "print('works')" /nonexistent /nonexistent 2>/dev/null)" = works ]; then
	is "$(mapped "$(imports "$src")" /nonexistent/cache "$his")" TRUSTED \
		"for nobody in a container, the layer of a user who is not mapped does not count as nobody's own"
	cp -a "$his" "$T/theirs" && chown -R 100000 "$T/theirs"
	is "$(mapped "$(imports "$src")" /nonexistent/cache "$T/theirs")" ATTACKER "(for nobody in a container, the layer of its root is used)"
	find "$T/theirs" -type f -exec chown "$ATTACKER" {} +
	is "$(mapped "$(imports "$src")" /nonexistent/cache "$T/theirs")" TRUSTED \
		"for nobody in a container, a file in a layer of a user who is not mapped does not count as nobody's own"
	mkdir "$T/mapped" && echo mine >"$T/mapped/log" && chown 165534 "$T/mapped/log"
	ln -s log "$T/mapped/link" && chown -h "$ATTACKER" "$T/mapped/link"
	mapped "$(imports "$src")" "/nonexistent/cache PYCSTASH_LOG=$T/mapped/link" /nonexistent >"$T/said"
	is "$(cat "$T/mapped/log")" mine "for nobody in a container, the link of a user who is not mapped does not lead to its log"
	chmod 700 "$his/v1"
	is "$(mapped "$(imports "$src")" "$his" /nonexistent)" TRUSTED "for nobody in a container, the cache of a user who is not mapped does not count as nobody's own"
else
	skip "for nobody in a container, the layer of a user who is not mapped does not count as nobody's own" "no mapped user namespaces"
fi
skip "a file system that shows any owner (FUSE with allow_other) counts as its mounter's" \
	"root has to allow it in /etc/fuse.conf; what is granted is in docs/security.md"
done_testing
