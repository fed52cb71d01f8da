#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An object provides the code for every path whose source has that content. So no file from a
# tree that somebody else can write to becomes an object, and no file of the cache leaves it as
# a link to the same file.
#
# Takes 40 s.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks on what all paths share"

objects_of() { # CACHE WORD: how many objects have the word in them
	find "$1" -path '*/objects/*' -name '*.pyc' -exec grep -laF "$2" {} + 2>/dev/null | grep -c .
}

# If a file has an ACL, the group bits of its mode are the ACL's mask; the group is root's or
# the user's own.
lets_write() { # PATH GROUP
	chgrp "$2" "$1" && "$PY" -c 'import os, struct, sys
rights = [(1, 6, -1), (2, 6, int(sys.argv[1])), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
os.setxattr(sys.argv[2], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *r) for r in rights))' "$ATTACKER" "$1"
}

# --- sources of others ----------------------------------------------------------------
# The victim compiles each of these sources, in one way after the other. Only import runs it.
cache=$T/$VICTIM/cache
usual='mkdir -p $d && echo "$code" >$d/m.py && chown -R $VICTIM $d'
acl="0|no source that an ACL lets another user write to becomes an object|$usual && lets_write \$d/m.py 0"
touch "$T/any"
lets_write "$T/any" 0 2>/dev/null || acl=
n=0
while IFS='|' read -r shares what how; do
	[ "$what" ] || continue
	n=$((n + 1))
	left=
	for by in import compileall py_compile warm; do
		d=$T/of.$n.$by
		code="x = 'MARK-$n-$by'"
		eval "$how"
		case $by in
		import) with "$VICTIM" "$cache" "$PY" -c "$(imports "$d")" ;;
		compileall) with "$VICTIM" "$cache" "$PY" -m compileall -q "$d" ;;
		py_compile) with "$VICTIM" "$cache" "$PY" -m py_compile "$d/m.py" ;;
		warm) command_of "$VICTIM" "$cache" warm --python "$PY" "$d" ;;
		esac >"$T/said" 2>&1
		left="$left $by:$(objects_of "$cache" "MARK-$n-$by")"
	done
	is "$left" " import:$shares compileall:$shares py_compile:$shares warm:$shares" "$what"
done <<-TREES
	1|the user's own source becomes an object|$usual
	1|root's source, which all can read, becomes an object|$usual && chown -R 0 \$d && chmod -R a+rX,go-w \$d
	0|no source of another user's becomes an object|$usual && chown -R \$ATTACKER \$d
	0|no source of another user's in a directory of the user's own becomes an object|$usual && chown \$ATTACKER \$d/m.py
	0|no source that all can write to becomes an object|$usual && chmod 666 \$d/m.py
	0|no source that a group can write to becomes an object|$usual && chmod 664 \$d/m.py && chgrp \$ATTACKER \$d/m.py
	$acl
	0|no source of another user's that a link leads to becomes an object|$usual && mv \$d/m.py \$d/n.py && chown \$ATTACKER \$d/n.py && ln -s n.py \$d/m.py
TREES

if [ "$acl" ]; then
	as "$VICTIM" "$PYCSTASH" config set share no >/dev/null
	lets_write "$T/$VICTIM/.config/pycstash/pycstash.conf" 0
	is "$(as "$VICTIM" "$PYCSTASH" config 2>/dev/null | grep -c '^share .* yes ')" 1 \
		"a configuration that an ACL lets another user write to is not read"
	rm -r "$T/$VICTIM/.config"
fi

# --- trees that share their entries ---------------------------------------------------
for n in 1 2; do
	mkdir -p "$T/mounts/.mount_abcde$n" && echo 'x = "MARK-shared"' >"$T/mounts/.mount_abcde$n/m.py"
done
chown -R "$ATTACKER" "$T/mounts/.mount_abcde1"
shared() { with "$VICTIM" "$cache" "$@"; }
shared "$PY" -c "$(imports "$T/mounts/.mount_abcde1")" >/dev/null
is "$(grep -rlaF MARK-shared "$cache")" "" "an ephemeral tree of another user leaves no entry for the trees that share its entries"
shared "$PY" -c "$(imports "$T/mounts/.mount_abcde2")" >/dev/null
check "(an ephemeral tree of the user's own does)" test "$(grep -rlaF MARK-shared "$cache")"

# --- flips ----------------------------------------------------------------------------
# The owner of a tree flips its sources between a trusted content and their own, through a
# shared mapping, which does not change the ctime.
if has_compiler; then
	cat >"$T/flip.c" <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
enum { N = 60, S = 400 };
/* MINE TREE OTHER READY: files t0.py … of TREE take turns with those of OTHER. */
int main(int argc, char **argv)
{
	static char *map[N], mine[N][S], other[N][S], path[4096];
	unsigned seed = (unsigned)getpid();
	volatile int wait;

	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof path, "%s/t%d.py", argv[1], i);
		map[i] = mmap(0, S, PROT_READ | PROT_WRITE, MAP_SHARED, open(path, O_RDWR), 0);
		if (map[i] == MAP_FAILED)
			return argc;
		memcpy(mine[i], map[i], S);
		snprintf(path, sizeof path, "%s/t%d.py", argv[2], i);
		if (read(open(path, O_RDONLY), other[i], S) != S)
			return argc;
		map[i][S - 1] = '#'; /* the pages are dirty from here on */
	}
	close(open(argv[3], O_WRONLY | O_CREAT, 0644));
	for (;;) {
		for (int i = 0; i < N; i++)
			memcpy(map[i], other[i], S);
		for (wait = 0; wait < 40 * (rand_r(&seed) % 100); wait++)
			;
		for (int i = 0; i < N; i++)
			memcpy(map[i], mine[i], S);
		for (wait = 0; wait < 40 * (rand_r(&seed) % 100); wait++)
			;
	}
}
END
	${CC:-cc} -O1 -o "$T/flip" "$T/flip.c"
	mkdir "$T/flipped" "$T/fresh" "$T/other"
	write() { # DIR WORD
		"$PY" -c "import sys
for i in range(60):
    text = 'print(\"%s %d\")\n' % (sys.argv[2], i)
    open('%s/t%d.py' % (sys.argv[1], i), 'w').write(text + '#' * (400 - len(text)))" "$1" "$2"
	}
	write "$T/fresh" TRUSTED
	write "$T/other" ATTACKER
	chown "$ATTACKER" "$T/flipped"
	"$PY" -c "for i in range(60): print('import t%d' % i)" >"$T/fresh/everything.py"
	for by in compileall warm; do
		ran=0
		for round in 1 2 3; do
			cache=$T/$VICTIM/flips.$by.$round
			write "$T/flipped" TRUSTED
			chown "$ATTACKER" "$T/flipped"/*.py
			rm -f "$T/flipped"/ready
			as "$ATTACKER" timeout 60 "$T/flip" "$T/flipped" "$T/other" "$T/flipped/ready" &
			flipper=$!
			for _ in {1..100}; do [ -e "$T/flipped/ready" ] && break || sleep 0.05; done
			if [ $by = warm ]; then
				command_of "$VICTIM" "$cache" warm --python "$PY" "$T/flipped"
			else
				with "$VICTIM" "$cache" "$PY" -m compileall -q "$T/flipped"
			fi >"$T/said" 2>&1
			kill $flipper
			wait $flipper 2>/dev/null
			with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/fresh" everything)" >"$T/out" 2>&1
			ran=$((ran + $(grep -c ATTACKER "$T/out")))
			[ "$(grep -c TRUSTED "$T/out")" = 60 ] || [ $ran -gt 0 ] || ran="not all ran"
			[ "$ran" = 0 ] || break
		done
		is "$ran" 0 "a source that flips while \`$by\` reads it changes nothing for other trees"
	done
else
	skip "a source that flips while it is compiled changes nothing for other trees" "there is no compiler"
fi

# --- the same path, later -------------------------------------------------------------
# The attacker changes a file through a mapping, which keeps its ctime, between the moments
# when the library and Python read it. So the victim compiles content that the file never had
# by its ctime. Later, another user's sources with that content are at the same path.
cp "$BUILD/tests/library/libat.so" "$T/lib/"
cat >"$T/mapping.py" <<'END'
import mmap, os, sys
path, orders, done = sys.argv[1:]
good = open(path, "rb").read()
evil = b'print("ATTACKER")'.ljust(len(good), b"#")
with open(path, "r+b") as file:
    content = mmap.mmap(file.fileno(), len(good))
content[:] = good  # the page is dirty from here on
open(done, "w").close()
while True:
    with open(orders) as file:
        order = file.read().strip()
    if not order:
        break
    content[:] = evil if order == "evil" else good
    with open(done, "w") as file:
        file.write("done")
END
spoil() { # CACHE DIR [COMMAND…]: the victim runs the command, which compiles DIR/m.py of the attacker's
	local cache=$1 dir=$2
	shift 2
	rm -rf "$dir" "$T/orders" "$T/done"
	official "$dir"
	${OWN:-chown -R "$ATTACKER"} "$dir"
	mkfifo -m 666 "$T/orders" "$T/done"
	as "$ATTACKER" timeout 60 "$PY" "$T/mapping.py" "$dir/m.py" "$T/orders" "$T/done" &
	cat "$T/done"
	with "$VICTIM" "$cache" LD_PRELOAD="$T/lib/libat.so $SO" AT=open:/m.py "DO=echo evil >$T/orders; cat $T/done" \
		AT2=rename:.pyc "DO2=echo good >$T/orders; cat $T/done" "$@" >"$T/said" 2>&1
	: >"$T/orders"
	wait $!
}
replaced() { rm -rf "$1" && official "$1"; }
later() { with "$VICTIM" "$@" 2>&1; }
spoiled=$T/spoiled run=$(imports "$T/spoiled")
cache=$T/$VICTIM/spoiled
while IFS='|' read -r what code; do
	rm -rf "$cache"
	spoil "$cache" "$spoiled" "$PY" -c "$code"
	rm -f "$T/$VICTIM/log"
	is "$(later "$cache" PYCSTASH_LOG="$T/$VICTIM/log" "$PY" -c "$run") $(grep -c ': hit: .*/m[.]' "$T/$VICTIM/log")" "ATTACKER 1" "bytecode that $what makes of a source that flips is served for that same file"
	replaced "$spoiled"
	is "$(later "$cache" "$PY" -c "$run")" TRUSTED \
		"bytecode that $what makes of a source that flips is not served for others' sources at its path"
done <<-WAYS
	an import|$run
	py_compile|import py_compile; py_compile.compile("$spoiled/m.py")
WAYS
spoil "$cache" "$spoiled" "$PY" -c "$run"
chown -R "$VICTIM" "$spoiled"
is "$(later "$cache" "$PY" -c "$run")" TRUSTED "bytecode of a source that flipped is not served for the same file once it is the user's own"
# The attacker edits the source while an explicit compiler is at work, so nothing is proven.
rm -rf "$cache"
replaced "$spoiled"
cat >"$spoiled/m.py" <<<"$EVIL" && chown -R "$ATTACKER" "$spoiled" && chmod 666 "$spoiled/m.py"
with "$VICTIM" "$cache" LD_PRELOAD="$T/lib/libat.so $SO" AT=rename:.pyc "DO=echo >>'$spoiled/m.py'" "$PY" -c \
	"import py_compile; py_compile.compile('$spoiled/m.py', invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"
chown -R "$VICTIM" "$spoiled" && chmod 644 "$spoiled/m.py" && echo "$TRUSTED" >"$spoiled/m.py"
is "$(later "$cache" "$PY" -c "$run") $(entries "$cache" | grep -c "m\.$TAG")" "TRUSTED 1" \
	"unchecked bytecode of a source that changed meanwhile is not served for the same file once it is the user's own"
# The attacker's directory becomes a link to somebody else's while his source is compiled.
for moment in stat:/m.py rename:.pyc; do
	rm -rf "$cache" "$T/flip" && mkdir "$T/flip" && chmod 777 "$T/flip"
	official "$T/flip/stock"
	replaced "$T/flip/real" && echo "$EVIL" >"$T/flip/real/m.py" && chown -R "$ATTACKER" "$T/flip/real"
	ln -s real "$T/flip/link"
	later "$cache" "$PY" -c "$(imports "$T/flip/stock")" >/dev/null
	with "$VICTIM" "$cache" LD_PRELOAD="$T/lib/libat.so $SO" AT=$moment "DO=ln -sfn stock '$T/flip/link'" "$PY" -c \
		"import py_compile; py_compile.compile('$T/flip/link/m.py', invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)" >"$T/said" 2>&1
	is "$(readlink "$T/flip/link") $(later "$cache" "$PY" -c "$(imports "$T/flip/stock")")" "stock TRUSTED" \
		"unchecked bytecode of a source whose directory is exchanged at ${moment%%:*} is not served for the new one's source"
done
# The user moves a directory, which is older, to where the attacker's was. It has a source with
# another suffix, whose bytecode has the same name.
rm -rf "$cache" "$spoiled"
mkdir "$T/older" && echo "$TRUSTED" >"$T/older/m.hy" && chown -R "$VICTIM" "$T/older"
replaced "$spoiled"
printf "%-$(stat -c %s "$T/older/m.hy")s" 'print("ATT")' >"$spoiled/m.py" && touch -r "$T/older/m.hy" "$spoiled/m.py"
chown -R "$ATTACKER" "$spoiled"
with "$VICTIM" "$cache" "$PY" -c "$run" >/dev/null
rm -rf "$spoiled" && mv "$T/older" "$spoiled"
is "$(later "$cache" "$PY" -c "import importlib.machinery as m, types; m.SourceFileLoader('m', '$spoiled/m.hy').exec_module(types.ModuleType('m'))")" TRUSTED \
	"bytecode of others' sources is not served for a source with another suffix that is moved there"
# The same with a source of the same suffix, whose path is so long that the path in the cache and
# that of the source do not fit into PATH_MAX together.
long=$T/long$(printf "/%0200d" {1..10})
rm -rf "$cache" "$spoiled"
mkdir -p "$T/older" "$long" && echo "$TRUSTED" >"$T/older/m.py" && chown -R "$VICTIM" "$T/older"
printf "%-$(stat -c %s "$T/older/m.py")s" 'print("ATT")' >"$long/m.py" && touch -r "$T/older/m.py" "$long/m.py"
chown -R "$ATTACKER" "$long"
(cd "$long" && with "$VICTIM" "$cache" "$PY" -c "import py_compile; py_compile.compile('m.py')")
made=$(entries "$cache" | grep -c "/m\.$TAG")
rm -rf "$long" && mv "$T/older" "$long"
is "$made $(with "$VICTIM" "$cache" "$PY" -c "$(imports "$long")" 2>&1)" "1 TRUSTED" \
	"bytecode of others' sources is not served for a source with a long path that is moved there"
rm -rf "$T/long"
rm -rf "$spoiled"
# The seal has 24 bits for owner and group. With subordinate ids, a user has billions of pairs
# to choose from: this one would be the user's own number, if the bits were a hash.
twin=$("$PY" - "$VICTIM" <<'END'
import bisect, sys
P, M, ids = 0x9E3779B97F4A7C15, 2**64, range(231072, 296608)
heads = sorted(((owner << 32) * P % M, owner) for owner in ids)
low = ((int(sys.argv[1]) << 32) * P % M) >> 41 << 41
for group in ids:
    start = (low - group * P) % M
    at = bisect.bisect(heads, (start, 0))
    if at < len(heads) and heads[at][0] - start < 2**41:
        sys.exit(print(heads[at][1], group))
END
)
twins() { chown -R "${twin/ /:}" "$1" && chmod -R g+w "$1"; }
rm -rf "$cache"
ATTACKER=${twin% *} OWN=twins spoil "$cache" "$spoiled" "$PY" -c "$run"
is "$(later "$cache" "$PY" -c "$run")" ATTACKER "bytecode of a source that flips, of an owner and a group of his, is served for that same file"
replaced "$spoiled"
chown -R "$VICTIM" "$spoiled"
is "$(later "$cache" "$PY" -c "$run")" TRUSTED "no owner and group that others choose count as the user"
# In a user namespace, all users and groups that are not mapped have one number, and any user can
# have that of another.
others() { chown "$VICTIM:$ATTACKER" "$1/m.py" && chmod 664 "$1/m.py"; }
as_another="unshare --user --map-user=$ATTACKER --map-group=$ATTACKER" same="unshare --user --map-user=$VICTIM --map-group=$VICTIM"
# shellcheck disable=SC2086 # commands
if [ "$(as "$VICTIM" $as_another id -u 2>/dev/null)" = "$ATTACKER" ]; then
	chown "$VICTIM" "$T" # root's would look like another user's
	while IFS='|' read -r what before after own change; do
		rm -rf "$cache"
		OWN=$own spoil "$cache" "$spoiled" $before "$PY" -c "$run"
		is "$(grep -rlF ATTACKER "$cache" | grep -c /tree/)" 1 "(bytecode of a source that flips is in the cache, $what)"
		replaced "$spoiled"
		eval "$change"
		is "$(later "$cache" $after "$PY" -c "$run")" TRUSTED "bytecode of a source that flips is not served for another's at its path, $what"
	done <<-NAMESPACES
		if neither owner is mapped|$same|$same||
		if neither owner is mapped and the user is root|unshare -r|unshare -r||
		if neither group is mapped|$same|$same|others|chown "$VICTIM:$((ATTACKER + 1))" "$spoiled/m.py" && chmod 664 "$spoiled/m.py"
		if the user has got the number of its owner||$as_another||chown -R "$VICTIM" "$spoiled"
	NAMESPACES
	rm -rf "$cache"
	with "$VICTIM" "$cache" $same "$PY" -c "$(imports "$T/of.1.import")"
	is "$(objects_of "$cache" MARK-1-import)" 1 "the user's own source becomes an object in a user namespace"
	# The number 0 may stand for the user's primary group, with others in it.
	mkdir "$T/team" && echo 'x = "MARK-team"' >"$T/team/m.py"
	chown -R "$VICTIM:12399" "$T/team" && chmod 664 "$T/team/m.py"
	with 0 "$cache" setpriv --reuid="$VICTIM" --regid=12399 --clear-groups unshare -r "$PY" -c "$(imports "$T/team")"
	is "$(entries "$cache" | grep -c "$T/team/") $(objects_of "$cache" MARK-team)" "1 0" \
		"no source that a group can write to becomes an object in a user namespace that shows the group as root's"
	chown 0 "$T"
else
	skip "bytecode of a source that flips is not served for another's at its path, in a user namespace" "no user namespaces"
fi
TEAM=12399
# The user's new source is as open by its mode, but lies where others cannot enter.
teams() { chown -R "$VICTIM:$TEAM" "$1" && chmod "$mode" "$1/m.py"; }
yard=$T/yard/pkg run_there=$(imports "$T/yard/pkg")
while IFS='|' read -r who mode shut what; do
	rm -rf "$cache" "$T/yard" && mkdir "$T/yard" && chown "$VICTIM" "$T/yard"
	OWN=teams GROUPS_OF=--groups=$TEAM spoil "$cache" "$yard" "$PY" -c "$run_there"
	replaced "$yard" && teams "$yard"
	is "$(later "$cache" "$PY" -c "$run_there")" ATTACKER "(bytecode of a source that $who can write to is served for another such, before $what is closed)"
	replaced "$yard" && teams "$yard" && chmod 700 "$T/yard/$shut"
	is "$(later "$cache" "$PY" -c "$run_there")" TRUSTED \
		"bytecode of a source that $who could write to is not served for one of that mode if $what is closed to them"
done <<-DOORS
	everybody|666|pkg|its directory
	everybody|666|.|a directory above
	a group|664|pkg|its directory
	a group|664|.|a directory above
DOORS
opens() { # DIR: the user's own, whose group and an ACL let others write
	chown -R "$VICTIM" "$1" && lets_write "$1/m.py" "$TEAM"
}
if [ "$acl" ]; then
	rm -rf "$cache"
	OWN=opens spoil "$cache" "$spoiled" "$PY" -c "$run"
	is "$(later "$cache" "$PY" -c "$run")" ATTACKER "bytecode of a source that flips by the right of an ACL is served for that same file"
	touch "$spoiled/m.py"
	is "$(later "$cache" "$PY" -c "$run")" TRUSTED "bytecode of a source that flips by the right of an ACL is not served once the source is touched"
	OWN=opens spoil "$cache" "$spoiled" "$PY" -c "$run"
	replaced "$spoiled"
	chown -R "$VICTIM:$TEAM" "$spoiled" && chmod 664 "$spoiled/m.py"
	is "$(later "$cache" "$PY" -c "$run")" TRUSTED \
		"bytecode of a source that flips by the right of an ACL is not served for a source that only a group can write to"
fi
rm -rf "$cache"
spoil "$cache" "$spoiled" "$PY" -c "$run"
official "$T/plain"
later "$cache" "$PY" -c "$(imports "$T/plain")" >/dev/null
command_of "$VICTIM" "$cache" export "$T/$VICTIM/spoiled.zst" >"$T/said" 2>&1
check "export leaves out what was made of others' sources, and says so" grep -q "left out: 1 of sources that others could write to" "$T/said"
command_of "$VICTIM" "$T/$VICTIM/imported" import "$T/$VICTIM/spoiled.zst" >/dev/null
is "$(grep -rlF ATTACKER "$T/$VICTIM/imported")" "" "bytecode of others' sources is not in a cache that imports the archive"
cp -a "$cache" "$T/$VICTIM/layer"
replaced "$spoiled"
is "$(later "$T/$VICTIM/empty" PYCSTASH_LAYERS="$T/$VICTIM/layer" "$PY" -c "$run")" TRUSTED \
	"a copy of the cache as a layer does not serve it for others' sources"

# --- leaving the cache ----------------------------------------------------------------
# A file that leaves the private cache under a name outside of it can become writable by
# others: with umask 002 and a source that the group may write to, or if its user changes the
# mode. Such a file must not be served to other trees.
mkdir -m 777 "$T/share"
cat >"$T/leave.py" <<'END'
import ctypes, os, shutil, subprocess, sys
how, entry, out = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
name, new = os.fsencode(entry), os.fsencode(out + "/m.pyc")
top = os.path.dirname(entry)
def exchange():
    open(new, "wb").close()
    libc.renameat2(-100, name, -100, new, 2)
ways = {
    "rename": lambda: os.rename(entry, new),
    "replace": lambda: os.replace(entry, new),
    "renameat2": lambda: libc.renameat2(-100, name, -100, new, 1),
    "RENAME_EXCHANGE": exchange,
    "link": lambda: os.link(entry, new),
    "linkat": lambda: libc.linkat(-100, name, -100, new, 0x400),
    "rename of the directory": lambda: os.rename(top, out + "/dir"),
    "shutil.move": lambda: shutil.move(entry, out + "/m.pyc"),
    "shutil.move of the directory": lambda: shutil.move(top, out + "/dir"),
    "mv": lambda: subprocess.check_call(["mv", entry, out]),
    "ln": lambda: subprocess.check_call(["ln", entry, out]),
    "cp -l": lambda: subprocess.check_call(["cp", "-l", entry, out]),
    "cp -rl": lambda: subprocess.check_call(["cp", "-rl", os.path.dirname(top), out + "/dir"]),
    "mv of the directory": lambda: subprocess.check_call(["mv", top, out]),
}
if how == "ways":
    print("\n".join(ways))
else:
    ways[how]()
END
cat >"$T/overwrite.py" <<'END'
import os, sys
new = open(sys.argv[2], "rb").read()
for top, folders, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(top, name)
        try:
            with open(path, "r+b") as file:
                file.write(new)
                file.truncate()
            print(path)
        except OSError:
            pass
END
official "$T/src2"
forge "$T/src2/m.py" "$T/forged.pyc"
"$PY" "$T/leave.py" ways - - >"$T/ways"
ran='' shared='' written=0
leave() { # HOW KIND
	cache=$T/$VICTIM/leaving
	rm -rf "$T/src" "$cache" "$T/share"
	mkdir -p "$T/src"
	mkdir -m 777 "$T/share"
	cp "$T/src2/m.py" "$T/src/m.py"
	chown -R "$VICTIM:$VICTIM" "$T/src"
	[ "$2" = opened ] || chmod 664 "$T/src/m.py"
	(umask 002 && with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/src")" && with "$VICTIM" "$cache" "$PY" "$T/leave.py" "$1" \
		"$T/src/__pycache__/m.$TAG.pyc" "$T/share") >"$T/said" 2>&1
	[ "$2" != opened ] || as "$VICTIM" chmod -R a+rwX "$T/share" 2>/dev/null
	find "$T/share" -type f -exec find "$cache" -samefile {} \; | grep -q . && shared="$shared; $1 ($2)"
	GROUPS_OF="--groups=$VICTIM" as "$ATTACKER" "$PY" "$T/overwrite.py" "$T/share" "$T/forged.pyc" >"$T/out"
	grep -q . "$T/out" && written=$((written + 1))
	got=$(with "$VICTIM" "$cache" "$PY" -B -c "$(imports "$T/src2")" 2>&1)
	[ "$got" = TRUSTED ] || ran="$ran; $1 ($2): $got"
}
while read -r how; do
	leave "$how" group
	leave "$how" opened
done <"$T/ways"
is "$ran" "" "a pyc that has left the cache, and that a group has changed, is not run in other trees"
is "$shared" "" "no file of the cache is a hard link to a file outside of it"
check "(the group could write to some of them)" test $written -gt 20
done_testing
