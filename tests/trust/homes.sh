#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Root (or another user) has somebody else's HOME, as with `sudo -E`, `su` and the like: nothing
# there is created, followed, obeyed or run. Also what the library does in a tree that others
# can write to.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks by way of a home directory"

src=$T/src
official "$src"
his=$T/$ATTACKER # the attacker's home, in which a victim's programs find themselves
state() { (cd "$1" && find . -printf '%p %u %g %m %y %l %s\n' | sort); }
program() { # USER [NAME=VALUE…]: with the attacker's home
	local who=$1
	shift
	as "$who" HOME="$his" "$@" LD_PRELOAD="$SO" timeout -s KILL 20 "$PY" -c "$(imports "$src")" 2>&1
}
again() { # COMMANDS: the attacker's home, made of them
	rm -rf "${his:?}"
	mkdir "$his"
	chown "$ATTACKER:$ATTACKER" "$his"
	as "$ATTACKER" sh -c "umask 022; cd '$his' && ${1:-:}" || not_ok "a home can be made: $1"
}

# The attacker's archive, which root has unpacked and never run.
stuff=$T/opt/stuff
plant "$stuff" "$src"
chmod 755 "$T/opt" "$stuff"
mkdir -m 755 "$T/rootdir" # some directory of root's
for who in 0 "$VICTIM"; do
	[ "$who" = 0 ] && user=root || { user="another user" && chown -R "$who" "$stuff"; }
	homes=0 left= ran=
	while read -r how; do
		homes=$((homes + 1))
		again "$how"
		rm -rf "$src/__pycache__" # it would be served
		before=$(state "$his") root_before=$(state "$T/rootdir")
		got=$(program "$who" && program "$who" XDG_CACHE_HOME="$his/.cache" &&
			program "$who" PYCSTASH_DIR="$his/.cache/pycstash" &&
			program "$who" PYCSTASH_LAYERS="$his/.cache/pycstash:$his/layer")
		[ "$before" = "$(state "$his")" ] || left="$left; $how: $(diff <(echo "$before") <(state "$his"))"
		[ "$root_before" = "$(state "$T/rootdir")" ] || left="$left; $how: $(ls "$T/rootdir")"
		grep -qv TRUSTED <<<"$got" && ran="$ran; $how: $got"
	done <<-HOW
		:
		mkdir .cache
		mkdir -m 777 .cache
		mkdir -p .cache/pycstash
		mkdir .cache && ln -s '$T/rootdir' .cache/pycstash
		mkdir .cache && ln -s '$stuff' .cache/pycstash
		mkdir .cache .cache/pycstash && ln -s '$stuff/v1' .cache/pycstash/v1
		mkdir opt && ln -s opt .cache && ln -s '$stuff' opt/pycstash
		ln -s '$T/opt' .cache && ln -s '$stuff' layer
		mkdir .cache && ln -s ../../opt/stuff .cache/pycstash && ln -s .cache/pycstash layer
	HOW
	is "$homes$ran" 10 "$user with the attacker's HOME does not run the attacker's bytecode"
	is "$left" "" "$user with the attacker's HOME creates nothing in it, nor where its links lead"
done
chown -R 0 "$stuff"
# A daemon of root's acts as the attacker for a while, and may become root again.
again && plant "$his/.cache/pycstash" "$src" && chown -R "$ATTACKER" "$his"
rm -rf "$src/__pycache__"
for how in "seteuid($ATTACKER)" "setreuid(0, $ATTACKER)" "setresuid($ATTACKER, $ATTACKER, 0)" "setuid($ATTACKER)"; do
	as 0 HOME="$his" LD_PRELOAD="$SO" "$PY" -B -c "import os; os.$how; $(imports "$src")"
done >"$T/said" 2>&1
is "$(tr '\n' ' ' <"$T/said")" "TRUSTED TRUSTED TRUSTED ATTACKER " "only after root's program has become the attacker for good does it run the attacker's bytecode"
is "$(as 0 HOME="$his" LD_PRELOAD="$SO" "$BUILD/tests/library/vforked" "$ATTACKER" "$src/__pycache__/m.$TAG.pyc")" no \
	"root's program does not use the attacker's cache after a vfork child, in its memory, has become the attacker and used it"

# --- the command ----------------------------------------------------------------------
# Root runs every command that might read or write there.
cat >"$T/commands" <<-LIST
	config
	config set max_size 1G
	dir
	doctor $PY
	du
	explain $src/m.py
	gc
	ls
	path $src/m.py
	purge --all
	run -- $PY -c 1
	stats
	stats --zero
	verify
	verify --repair
	warm --python $PY $src
LIST
commands() {
	while read -ra words; do
		as 0 HOME="$his" timeout -s KILL 60 "$PYCSTASH" "${words[@]}" >>"$T/said" 2>&1
	done <"$T/commands"
}
for how in : "mkdir -m 755 .cache .config" \
	"mkdir .cache .config && ln -s '$T/rootdir' .cache/pycstash && ln -s '$T/rootdir' .config/pycstash" \
	"mkdir .config && mkdir -m 777 .config/pycstash"; do
	again "$how"
	before=$(state "$his")
	: >"$T/said"
	commands
	is "$(diff <(echo "$before") <(state "$his"))$(ls "$T/rootdir")" "" \
		"no command that root runs makes anything in another's home (${how//$T/})"
	rm -rf "$T/rootdir" && mkdir "$T/rootdir"
done

# --- configuration --------------------------------------------------------------------
again "mkdir -p .config/pycstash && printf 'dir = %s\nlog = %s\nlayers = %s\n' \
	'$stuff' '$T/rootdir/log' '$stuff' >.config/pycstash/pycstash.conf"
as 0 HOME="$his" "$PYCSTASH" run -- "$PY" -c "$(imports "$src")" >"$T/out" 2>/dev/null
is "$(cat "$T/out") $(ls "$T/rootdir")" "TRUSTED " \
	"root does not obey the configuration in another's home"
again "mkdir -p .config && ln -s '$T/rootdir' .config/pycstash"
printf 'layers = %s\n' "$stuff" >"$T/rootdir/pycstash.conf"
as "$VICTIM" HOME="$his" "$PYCSTASH" run -- "$PY" -c "$(imports "$src")" >"$T/out" 2>/dev/null
is "$(cat "$T/out")" TRUSTED "a link to a configuration file in another's home runs nothing"
rm "$T/rootdir/pycstash.conf"

# --- wrappers -------------------------------------------------------------------------
# Whoever can exchange a directory on the way could have root replace a program elsewhere.
place=$T/place
environment() { # OWNER: one of root's below $place, wrapped, and then given to the owner
	rm -rf "$place"
	mkdir -p "$place/venv/bin" && touch "$place/venv/pyvenv.cfg" && ln -s "$PY" "$place/venv/bin/python3" && ln -s python3 "$place/venv/bin/python"
	command_of 0 "" wrap --venv "$place/venv" && chown -hR "$1:$1" "$place"
}
kept() { find "$place" "$T/opt/venv" -printf '%p %i %u %m %l %C@\n' 2>/dev/null | sort; }
wrong=
while read -r how; do
	for words in "--venv $place/venv" "--venv $place/venv --remove" "-o $place/venv/bin/python3 $PY" "-o $place/venv/bin/pypy3 $PY"; do
		rm -rf "$T/opt/venv"
		environment 0
		(cd "$place" && eval "$how") || wrong="$wrong; cannot: $how"
		before=$(kept)
		# shellcheck disable=SC2086
		command_of 0 "" wrap $words >"$T/said" 2>&1
		code=$?
		[ "$code" = 12 ] && [ "$before" = "$(kept)" ] && grep -q 'others could exchange' "$T/said" || wrong="$wrong; $how: $words: $code"
	done
done <<-HOW
	chown -hR $ATTACKER .
	chown $ATTACKER .
	chmod 777 .
	chown $ATTACKER venv
	chown $ATTACKER venv/bin
	chmod 777 venv
	chgrp $ATTACKER venv && chmod 775 venv
	mv venv '$T/opt' && chmod 1777 . && ln -s '$T/opt/venv' venv && chown -h $ATTACKER venv
	mv venv/bin real && ln -s ../real venv/bin && chown -h $ATTACKER venv/bin
HOW
is "$wrong" "" "root's wrap changes nothing where others could exchange a directory on the way"
works=
for owner in 0 "$VICTIM"; do
	environment "$owner"
	chown 0 "$place" && chmod 1777 "$place"
	[ "$owner" = 0 ] || chown -h "$owner" "$place/venv/bin"/*
	for words in "--venv $place/venv" "--venv $place/venv --remove" "-o $place/venv/bin/python3.11 $PY" "-o $place/py $PY"; do
		# shellcheck disable=SC2086
		command_of "$owner" "" wrap $words >"$T/said" 2>&1 && works="$works+" || works="$works $words: $(cat "$T/said")"
	done
done
is "$works" "++++++++" "(users wrap in environments of their own, also below a directory like /tmp)"

# --- the place of the cache -----------------------------------------------------------
# The attacker was there first, and a command of root's opens the attacker's directory. Before it
# judges the place, a cache of root's is there; in the end, it may be the attacker's again.
place=$T/contested
mkdir -m 1777 "$place"
cp "$BUILD/tests/library/libat.so" "$T/lib/"
official "$T/given"
with 0 "$T/0/made" "$PY" -c "$(imports "$T/given")" >/dev/null
command_of 0 "$T/0/made" export -q "$T/made.zst"
contest() { # DO2 ARG…: status, modules in root's cache, and what has changed in the attacker's directory
	local root=$place/cache his=$place/his
	rm -rf "$place"/*
	cp -a "$T/0/made" "$place/own"
	cp -a "$T/0/made" "$root" && chmod -R a+rwX "$root" && chown -R "$ATTACKER" "$root"
	state "$root" >"$T/before"
	as 0 PYCSTASH_DIR="$root" LD_PRELOAD="$T/lib/libat.so" AT=open:/cache:after DO="mv '$root' '$his' && mv '$place/own' '$root'" \
		AT2=look:/cache DO2="$1" timeout -s KILL 60 "$PYCSTASH" "${@:2}" >"$T/said" 2>&1
	echo "$? $(find "$root" -user 0 -path '*/tree/*/m.*.pyc' | wc -l) $([ -d "$his" ] || his=$root; diff "$T/before" <(state "$his"))"
}
is "$(contest : purge -q --all)/$(contest : import -q "$T/made.zst")" "0 0 /0 1 " \
	"a command does not use another user's directory that it opened before a cache of its user's was made in its place"
is "$(contest "mv '$place/cache' '$place/own' && mv '$place/his' '$place/cache'" purge -q --all)" "12 0 " \
	"a command does not use another user's directory that is back in the place of a cache that it judged"

# --- what is away for a moment --------------------------------------------------------
# The home is a directory like /tmp. What the attacker has there is not there when the command
# judges it, and is back when the command uses it.
base=$T/base
settings=.config/pycstash/pycstash.conf
begin() { # COMMANDS: what the attacker has there
	rm -rf "$base"
	mkdir -m 1777 "$base"
	as "$ATTACKER" sh -c "umask 022; cd '$base' && $1" || not_ok "a home can be made: $1"
}
based() { # AT DO AT2 DO2 COMMAND…: as root
	(cd "$base" && as 0 HOME="$base" PYCSTASH_DIR="$T/0/made" LD_PRELOAD="$T/lib/libat.so" \
		AT="$1" DO="$2" AT2="$3" DO2="$4" timeout -s KILL 60 "${@:5}") 2>&1
}
theirs="mkdir -p .config/pycstash && echo 'max_size = 666M' >$settings"
begin "$theirs"
is "$(based open:/pycstash/pycstash.conf:after "mv .config away" : : "$PYCSTASH" config get max_size)" 5G \
	"another user's settings are not obeyed if he moves them away before the command judges them"
begin "$theirs" && mkdir -p "$base/own/pycstash" && echo 'max_size = 1G' >"$base/own/pycstash/pycstash.conf"
is "$(based open:/pycstash/pycstash.conf:after "mv .config away && mv own .config" : : "$PYCSTASH" config get max_size)" 1G \
	"another user's settings are not obeyed if the user's own are in their place when the command judges them"
wrong=
for ((n = 1; n <= 4; n++)); do
	echo precious >"$T/0/precious"
	begin "mkdir -p .config/pycstash && ln -s '$T/0/precious' $settings"
	based "open:$n:/pycstash.conf" "mv .config away" : : "$PYCSTASH" config set max_size 1G >"$T/said"
	[ "$(cat "$T/0/precious")" = precious ] || wrong="$wrong $n: $(cat "$T/0/precious" "$T/said")"
	rm -rf "$T/rootdir"/*
	begin :
	based "find:$n:/.config:after" "ln -s '$T/rootdir' .config && chown -h $ATTACKER .config" : : \
		"$PYCSTASH" config set max_size 1G >"$T/said"
	wrong=$wrong$(ls "$T/rootdir")
done
is "$wrong" "" "\`config set\` writes nothing where a link led or leads that another user has for a moment"
begin "mkdir keys && echo mine >keys/key"
said=$(based find:/keys "mv keys away" open:/key "mv away keys" "$PYCSTASH" import --verify-key "$base/keys/key" "$T/made.zst")
is "$(grep -c 'contains no public key' <<<"$said")" 0 "another user's key is not read if he moves it away while the command judges it"

# --- a moment between two calls -------------------------------------------------------
# Every call that changes a mode is delayed, while the attacker replaces the new directories
# with links.
if ! strace -o /dev/null true 2>/dev/null || ! has_compiler; then
	skip_all "no mode of a file changes through a name that others can swap" "no strace or compiler"
fi
cat >"$T/swap.c" <<'EOF'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
/* WHAT WITH: exchanges the two as soon as WHAT is there. */
int main(int argc, char **argv)
{
	while (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) != 0)
		usleep(200);
	return argc != 3;
}
EOF
${CC:-cc} -o "$T/swap" "$T/swap.c"
# attack USER CACHE WHAT WITH [CODE]: runs a program whose mkdir and chmod calls are slow, while
# the attacker waits for WHAT and replaces it with WITH.
attack() {
	local who=$1 cache=$2 pid
	as "$ATTACKER" timeout 10 "$T/swap" "$3" "$4" &
	pid=$!
	as "$who" strace -f -o "$T/$who/trace" -e trace=mkdir,mkdirat,chmod,fchmodat,?fchmodat2,fchmod \
		-e inject=mkdir,mkdirat:delay_exit=50000 \
		-e inject=chmod,fchmodat,?fchmodat2,fchmod:delay_enter=50000 \
		env PYCSTASH_DIR="$cache" LD_PRELOAD="$SO" "$PY" -c "$(imports "$T/tree")
${5:-}" >/dev/null 2>&1
	kill $pid 2>/dev/null
	wait $pid 2>/dev/null
}
mkdir -m 777 "$T/tree"
echo "$TRUSTED" >"$T/tree/m.py"
cache=$T/$VICTIM/cache
key=$T/$VICTIM/key
as "$VICTIM" sh -c "umask 077; echo secret >'$key'; mkdir '$T/tree/private'; echo >'$T/tree/private/secret'"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/tree")" >/dev/null
# A file that is not bytecode makes the library create a __pycache__ in the tree.
data="open('$T/tree/__pycache__/data.c', 'w')"
as "$ATTACKER" ln -s "$key" "$T/tree/link"
attack "$VICTIM" "$cache" "$T/tree/__pycache__" "$T/tree/link" "$data"
is "$(stat -c %a "$key")" 600 "a link in the place of a new __pycache__ opens no file of the victim's"
check "(the attacker put it there in time)" test -L "$T/tree/__pycache__"
rm -rf "$T/tree/link" "$T/tree/__pycache__"
attack "$VICTIM" "$cache" "$T/tree/__pycache__" "$T/tree/private" "$data"
is "$(find "$T/tree" -name secret -printf '%h ' | xargs stat -c %a)" 700 \
	"another directory in the place of a new __pycache__ is not opened to others"

# The same with a cache that root creates in a place where others can write.
mkdir -m 777 "$T/shared"
echo secret >"$T/rootdir/key"
chmod 600 "$T/rootdir/key"
wrong=
for target in cache cache/v1 cache/v1/CACHEDIR.TAG; do
	rm -rf "$T/shared/cache"
	as "$ATTACKER" ln -sfn "$T/rootdir/key" "$T/shared/link"
	attack 0 "$T/shared/cache" "$T/shared/$target" "$T/shared/link"
	[ "$(stat -c %a "$T/rootdir/key")" = 600 ] || wrong="$wrong $target"
done
is "$wrong" "" "no mode of root's files changes while a cache is made where others can write"

# Directories above the cache are missing, below a sticky one. The attacker is faster with the
# first, once the library has seen that it is missing.
cat >"$T/first.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
int mkdirat(int dirfd, const char *path, mode_t mode)
{
	if (strcmp(path, PLACE) == 0) {
		unsetenv("LD_PRELOAD");
		(void)!system("touch " ORDERS "/asked; until [ -e " ORDERS "/done ]; do sleep 0.01; done");
	}
	return ((int (*)(int, const char *, mode_t))dlsym(RTLD_NEXT, "mkdirat"))(dirfd, path, mode);
}
END
${CC:-cc} -shared -fPIC -DPLACE="\"$T/sticky/a\"" -DORDERS="\"$T/orders\"" -o "$T/lib/first.so" "$T/first.c" -ldl
mkdir -m 1777 "$T/sticky" "$T/orders"
as "$VICTIM" mkdir "$T/$VICTIM/docs"
official "$T/fresh"
{
	appears "$T/orders/asked"
	as "$ATTACKER" ln -s "$T/$VICTIM/docs" "$T/sticky/a"
	touch "$T/orders/done"
} &
with "$VICTIM" "$T/sticky/a/b" LD_PRELOAD="$SO $T/lib/first.so" "$PY" -c "$(imports "$T/fresh")" >"$T/said" 2>&1
wait
is "$(cat "$T/said") $(ls "$T/orders") $(ls "$T/$VICTIM/docs")" "TRUSTED asked"$'\n'"done " \
	"a link in the place of a missing directory above the cache does not get a directory made where it leads"

# --- the library beside a copy of the command ------------------------------------------------
beside=$T/sticky/bin
as "$VICTIM" mkdir -m 1777 "$beside" && cp "$PYCSTASH" "$SO" "$beside/" && chown "$VICTIM" "$beside"/*
is "$(as "$VICTIM" "$beside/pycstash" run env | grep -c "^LD_PRELOAD=$beside/")" 1 "the command uses the library beside it"
chown "$ATTACKER" "$beside/libpycstash.so"
is "$(as "$VICTIM" "$beside/pycstash" run env 2>&1; as "$VICTIM" "$beside/pycstash" shellenv 2>&1 | grep -c "not used, because it belongs")" \
	"pycstash: $beside/libpycstash.so: not used, because it belongs to another user; delete it, or say which library to use with --library FILE
1" "a library that another user has put beside the command is not used"
as "$VICTIM" mkdir "$T/sticky/his" && cp "$PYCSTASH" "$SO" "$T/sticky/his/"
is "$(as "$VICTIM" "$T/sticky/his/pycstash" wrap "$PY" 2>&1 >/dev/null | grep -c "$T/sticky/his/libpycstash.so: warning: others can create files in $T/sticky;")" \
	1 "wrap warns of a library that others can replace once it is deleted"
got=$(cd "$beside" && as "$VICTIM" LD_PRELOAD="$T/lib/libat.so" AT=find:/libpycstash.so DO="mv libpycstash.so away" \
	AT2=find:2:/libpycstash.so:after DO2="mv away libpycstash.so" ./pycstash run env 2>&1)
is "$(ls -A "$beside") $(grep -c "LD_PRELOAD=.*$beside/libpycstash.so" <<<"$got")" "libpycstash.so"$'\n'"pycstash 0" \
	"a library that another user has put beside the command is not used if it is away while the command judges it"

# --- an interpreter that is away for a moment ------------------------------------------------
${CC:-cc} -DRAN="\"$T/ran\"" -o "$T/lib/ran" -x c - <<'END'
#include <fcntl.h>
int main(int argc, char **argv)
{
	return open(RAN, O_WRONLY | O_CREAT, 0666) < 0 || argc < 0 || !argv;
}
END
begin "mkdir -p .pyenv/versions/3.8.1/bin && cp '$T/lib/ran' .pyenv/versions/3.8.1/bin/python3.8"
based find:/.pyenv "mv .pyenv away" look:/bin/python3.8 "mv away .pyenv" "$PYCSTASH" verify --deep >"$T/said"
is "$(ls "$T/ran" 2>/dev/null)" "" "another user's interpreter is not run if he moves it away while the command judges it"
done_testing
