#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What users are told about bytecode that others created: `verify --deep` finds forged bytecode
# before it runs, nothing counts as good that was not checked, and no program of another user is
# run to find out.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks on what is checked"

src=$T/src cache=$T/$VICTIM/cache
official "$src"
verify() { command_of "$VICTIM" "$cache" verify "$@"; }
status_of() { verify "$@" >"$T/said" 2>&1; echo $?; }
objects() { # forges every object of the official source; then no entry is left
	with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
	find "$cache" -path '*/objects/*.pyc' -exec grep -laF TRUSTED {} + | while read -r object; do
		forge "$src/m.py" "$object"
	done
	find "$cache" -path '*/tree/*.pyc' -delete
}

# --- what is found --------------------------------------------------------------------
# A cache that was restored from a job that nobody trusts, or from an archive.
objects
is "$(status_of)" 0 "granted: without --deep, a forged object looks like any other"
# verify looks for the source of an object in directories that the cache has entries of, so
# there is an entry of another source beside it.
echo 'x = 1' >"$src/n.py"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src" n)"
is "$(status_of --deep)" 1 "verify --deep finds a forged object before it has run"
nobody_can=$cache/v1/$TAG/tree$src/__pycache__/m.f-1.${TAG//cpython-/py}.nbi
as "$VICTIM" touch "$nobody_can"
is "$(status_of --deep) $(grep -c 'not checked' "$T/said")" "1 2" \
	"the exit status of verify --deep says so too beside a file that cannot be checked"
rm "$nobody_can"
# A second of processor time, so that the test takes no longer than that.
entry=$cache/v1/$TAG/tree$src/__pycache__/n.$TAG.pyc
cp -p "$entry" "$T/entry"
EVIL='x = "NESTED"' forge "$src/n.py" "$entry" nested
(ulimit -S -t 1 && command_of "$VICTIM" "$cache" verify --deep) >"$T/said" 2>&1
is "$? $(grep -c '^different .*objects' "$T/said") $(grep -c "^different .*n.$TAG.pyc: .* signal" "$T/said")" "1 2 1" \
	"verify --deep finds it too beside bytecode that an interpreter never ends to load"
# shellcheck disable=SC2016
as "$VICTIM" PYCSTASH_DIR="$cache" sh -c 'echo $$ && exec "$@"' sh "$PYCSTASH" verify --deep >"$T/pid" 2>"$T/said" &
loading() { # whether the interpreter works on what never ends
	pid=$(cat "$T/pid") && worker=$(cat "/proc/$pid/task/"*/children) && [ "$worker" ] &&
		[ "$(awk '{ print ($14 > 50) }' "/proc/${worker% }/stat")" = 1 ]
} 2>/dev/null
if await loading; then
	kill -STOP "${worker% }"
	check "verify --deep goes on if an interpreter does nothing any more" ends "${worker% }"
	kill -KILL "$pid"
fi
as "$VICTIM" PYCSTASH_DIR="$cache" sh -c 'echo $$ && exec "$@"' sh "$PYCSTASH" verify --deep >"$T/pid" 2>"$T/said" &
if await loading; then
	kill -KILL "$pid"
	check "no interpreter of verify --deep is left when it is killed" ends "${worker% }"
else
	not_ok "no interpreter of verify --deep is left when it is killed"
fi
EVIL='x = "NESTED"' forge "$src/n.py" "$entry" many
verify --deep >"$T/said" 2>&1
is "$? $(grep -c "^different .*n.$TAG.pyc: .*MemoryError" "$T/said")" "1 1" \
	"bytecode with millions of objects uses up no memory of verify --deep"
wrong= n=0
printf 'def f(a, b):\n    return lambda: (a, b)\ndef g():\n' >"$src/n.py"
printf '    v%d = 1\n' {1..60} >>"$src/n.py"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src" n)"
cp -p "$entry" "$T/entry"
for kind in special shifted hidden clash elsewhere; do
	EVIL=$(cat "$src/n.py") forge "$src/n.py" "$T/forged" $kind 2>"$T/said" || continue
	cat "$T/forged" >"$entry" && n=$((n + 1))
	verify --deep >"$T/said" 2>&1
	grep -q "^different.*n\.$TAG.pyc" "$T/said" || wrong="$wrong $kind"
done
if [ "$n" = 0 ]; then
	skip "verify --deep finds code that only looks like that of its source" "before CPython 3.11 there is none"
else
	is "$wrong" "" "verify --deep finds code that only looks like that of its source"
fi
cat "$T/entry" >"$entry"
# The bytecode of one opt level under the name of another, as one file.
optimized=${entry%.pyc}.opt-1.pyc
printf 'def f(a, b):\n    assert a\n' >"$src/n.py"
with "$VICTIM" "$cache" "$PY" -O -c "$(imports "$src" n)"
ln -f "$optimized" "$entry"
verify --deep >"$T/said" 2>&1
is "$(grep -o "^different.*/n\.$TAG.*pyc" "$T/said")" "different  $entry" \
	"verify --deep finds bytecode without asserts, under the name of bytecode with them"
rm "$optimized" && cat "$T/entry" >"$entry"
verify --deep >"$T/said" 2>&1
check "verify --deep names a forged object" grep -q 'different.*objects' "$T/said"
verify --deep --repair >/dev/null 2>&1
is "$(with "$VICTIM" "$cache" "$PY" -B -c "$(imports "$src")")" TRUSTED "--repair deletes a forged object"
rm -rf "$cache"
objects
is "$(with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")")" ATTACKER \
	"granted: a cache that an untrusted job has filled is code"
is "$(status_of --deep)" 1 "verify --deep finds an entry that was made of a forged object"

# --- what an earlier release kept -----------------------------------------------------
# Bytecode that a program wrote in place, with a mark.
rm -rf "$cache"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
entry=$(find "$cache" -path '*/tree/*' -name 'm.*.pyc')
rm "$entry" && forge "$src/m.py" "$entry" && chown "$VICTIM" "$entry"
readonly_run() { with "$VICTIM" "$cache" PYCSTASH_READONLY=1 "$PY" -B -c "$(imports "$src")"; }
is "$(readonly_run)" ATTACKER "granted: a sealed entry without a mark is believed"
"$PY" -c "import os; os.setxattr('$entry', 'user.pycstash.own', bytes(88))"
is "$(readonly_run)" TRUSTED \
	"bytecode that a program wrote in place under an earlier release is not believed"
is "$(status_of)" 1 "verify finds bytecode that a program wrote in place"
verify --repair >/dev/null 2>&1
check "verify --repair deletes bytecode that a program wrote in place" test ! -e "$entry"

# --- links ----------------------------------------------------------------------------
# In a restored cache, forged bytecode lies where verify does not look, and a link leads there.
wrong=
rm -rf "$cache"
objects
object=$(find "$cache" -path '*/objects/*.pyc' -exec grep -laF ATTACKER {} +)
as "$VICTIM" cp -a "$cache" "$T/$VICTIM/forged"
for link in "$TAG" "$TAG/objects" "${object%/*}" "$TAG/tree" "$TAG/tree$src" "$TAG/tree$src/__pycache__" "$TAG/tree$src/__pycache__/m.$TAG.pyc"; do
	link=$cache/v1/${link#"$cache/v1/"}
	rm -rf "$cache"
	as "$VICTIM" cp -a "$T/$VICTIM/forged" "$cache"
	[[ $link = */tree* ]] && with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null && rm -rf "$cache/v1/$TAG/objects"
	mv "$link" "$cache/aside" && as "$VICTIM" ln -s "$cache/aside" "$link"
	[ "$(with "$VICTIM" "$cache" PYCSTASH_READONLY=1 "$PY" -B -c "$(imports "$src")")" = ATTACKER ] || wrong="$wrong; is not served: $link"
	[ "$(status_of --deep)" = 1 ] || wrong="$wrong; status: $link"
	verify --repair >/dev/null 2>&1
	[ "$(with "$VICTIM" "$cache" "$PY" -B -c "$(imports "$src")")" = TRUSTED ] || wrong="$wrong; not repaired: $link"
done
is "$wrong" "" "verify finds links in a cache, through which forged bytecode would be served"
rm -rf "$cache/aside"

# --- a link to the sources -------------------------------------------------------------
# The library looks first in the directory as a program names it.
rm -rf "$cache"
ln -s src "$T/current"
named=$cache/v1/$TAG/tree$T/current
through_link() { with "$VICTIM" "$cache" "$PY" -B -c "$(imports "$T/current")"; }
named_after_link() { # the cache has an entry of the sources, and a forged one
	with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
	as "$VICTIM" mkdir -p "$named/__pycache__"
	forge "$src/m.py" "$named/__pycache__/m.$TAG.pyc"
	chown "$VICTIM" "$named/__pycache__/m.$TAG.pyc"
}
named_after_link
is "$(through_link)" ATTACKER "granted: an entry that is named after a link is served to programs that use the link"
wrong=
for path in "$T/current" "$src" "$T/current/m.py" "$src/m.py" "$T/current/*.py" "$T"; do
	is "$(status_of --deep "$path") $(grep -c "^different .*$named/" "$T/said")" "1 1" \
		"verify --deep ${path#"$T"} finds forged bytecode that is named after a link"
	[ "$(command_of "$VICTIM" "$cache" ls --json "$path" | grep -c "$T/current")" = 1 ] || wrong="$wrong ls $path"
	[ "$(command_of "$VICTIM" "$cache" purge --path "$path" --dry-run --json | grep -c '"files": *2')" = 1 ] || wrong="$wrong purge $path"
done
is "$wrong" "" "ls and purge find bytecode that is named after a link"
is "$(command_of "$VICTIM" "$cache" path "$T/current/m.py" | sed 's,.*/tree,,')" \
	"$(printf '%s\n' "$T/current/__pycache__/m.$TAG.pyc" "$src/__pycache__/m.$TAG.pyc")" \
	"path prints an entry that is named after a link, in the order of the library"
is "$(command_of "$VICTIM" "$cache" path --tag cpython-399 "$T/current/m.py" | grep -c .)" 1 "an entry that is not there is expected in one place"
is "$(command_of "$VICTIM" "$cache" show --json "$T/current/m.py" | grep -c "$T/current/__pycache__/m")" 1 "show shows an entry that is named after a link"
command_of "$VICTIM" "$cache" explain "$T/current/m.py" >"$T/said"
is "$(grep -cE "(entry .*$named/.*fresh|warn +directory .*name of a link)" "$T/said")" 2 \
	"explain says that an entry that is named after a link is served"
is "$(status_of --deep "$T/elsewhere") $(status_of --deep "$T/currents")" "1 1" "a path of which there is nothing has none of that"
command_of "$VICTIM" "$cache" purge -q --path "$src"
is "$(through_link)" TRUSTED "after purge --path, no bytecode is served that is named after a link"
check "purge leaves no directory that is named after a link" test ! -e "$named"

# --- what is not looked at ------------------------------------------------------------
rm -rf "$cache"
objects
mv "$src" "$T/away"
is "$(status_of --deep)" 3 "verify --deep does not call an object good whose source it has not found"
check "verify --deep says that such an object is not checked" grep -q 'not checked' "$T/said"
mv "$T/away" "$src"
# Entries that are not served now, but are once their source is what they claim, as after a
# change of branches; and numba's files, which nobody can check.
rm -rf "$cache"
cp -r "$src" "$T/branch"
echo "$TRUSTED # of another branch" >"$T/branch/m.py"
echo "$TRUSTED" >"$src/m.py"
objects
entry=$cache/v1/$TAG/tree$src/__pycache__/m.$TAG.pyc
rm -r "$cache/v1/$TAG/objects"
forge "$T/branch/m.py" "$entry"
chown "$VICTIM" "$entry"
is "$(status_of --deep)" 3 "verify --deep does not call stale bytecode good"
echo "$TRUSTED # of another branch" >"$src/m.py"
is "$(status_of --deep)" 1 "verify --deep finds it once its source is there"
rm "$src/m.py"
is "$(status_of --deep)" 3 "verify --deep does not call bytecode good whose source is missing"
cp "$T/branch/m.py" "$src"
for name in "m.f-1.${TAG//cpython-/py}.nbi" "m.$TAG-pytest-7.4.0.pyc"; do
	mv "$entry" "${entry%/*}/$name"
	entry=${entry%/*}/$name
	is "$(status_of --deep) $(grep -c 'not checked' "$T/said")" "3 2" "verify --deep does not call good what other tools read ($name)"
done
# Genuine bytecode of another source, or of another version, sealed for a file that is not in
# that place yet, but will be once a directory is renamed.
rm -rf "$cache"
official "$T/deploy/app" "$T/deploy/new" "$T/deploy/lib"
echo "$TRUSTED # new" >"$T/deploy/new/m.py"
echo "$EVIL" >"$T/deploy/lib/e.py"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/deploy/app"); $(imports "$T/deploy/lib" e)" >/dev/null
is "$(status_of --deep)" 0 "granted: the bytecode in the cache is good"
tree=$cache/v1/$TAG/tree$T/deploy entry=$cache/v1/$TAG/tree$T/deploy/app/__pycache__/m.$TAG.pyc
cat >"$T/bind.py" <<'END'
# bind.py PYC ENTRY SOURCE: makes the entry of that pyc, sealed for the source's identity.
import os, struct, sys
sys.path.insert(0, os.environ["FORGE"])
sys.dont_write_bytecode = True
from forge import HEADER, checksum
pyc, entry, source = sys.argv[1:]
with open(pyc, "rb") as file: data = bytearray(file.read())
st, start = os.stat(source), len(data) - 128
data[HEADER - 8:HEADER] = struct.pack("<II", int(st.st_mtime), st.st_size)
data[start + 24:start + 64] = struct.pack("<QQqqII", st.st_size, st.st_ino, st.st_ctime_ns // 10**9, st.st_mtime_ns // 10**9,
                                          st.st_ctime_ns % 10**9, st.st_mtime_ns % 10**9)
data[-8:] = struct.pack("<Q", checksum(bytes(data[start:-8])))
with open(entry + ".new", "wb") as file: file.write(data)
os.replace(entry + ".new", entry)
END
bind() { FORGE=$HERE/tests/trust "$PY" "$T/bind.py" "$1" "$entry" "$T/deploy/new/m.py" && chown "$VICTIM" "$entry"; }
cp -p "$entry" "$T/entry"
bind "$T/entry"
is "$(status_of --deep)" 1 "verify --deep finds an entry that is sealed for a file of another size than its source"
bind "$tree/lib/__pycache__/e.$TAG.pyc"
cp -p "$entry" "$T/entry"
is "$(status_of --deep) $(grep -c 'not checked: 1 entries' "$T/said")" "3 1" \
	"verify --deep does not call good what is sealed for a file that gets to its place later"
is "$(status_of --deep --repair) $(ls "$entry")" "0 " "verify --deep --repair deletes it"
cp -p "$T/entry" "$entry"
mv "$T/deploy/app" "$T/deploy/old" && mv "$T/deploy/new" "$T/deploy/app"
is "$(with "$VICTIM" "$cache" PYCSTASH_READONLY=1 "$PY" -B -c "$(imports "$T/deploy/app")")" ATTACKER \
	"granted: what is sealed for the file is believed once that is there"
rm -rf "$cache"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/deploy/app"); $(imports "$T/deploy/lib" e)" >/dev/null
cp -r "$T/deploy/app" "$T/deploy/again" && rm -r "$T/deploy/app" && mv "$T/deploy/again" "$T/deploy/app"
is "$(status_of --deep)" 0 "bytecode of a source that was checked out again is good"

# What a later pycstash has sealed, and what is no file: with a mark, or where nobody checks a
# mark, the library might serve it as what a program wrote, and the later pycstash its own.
rm -rf "$cache"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
rm -r "$cache/v1/$TAG/objects"
entry=$cache/v1/$TAG/tree$src/__pycache__/m.$TAG.pyc
forge "$src/m.py" "$T/forged"
cat >"$T/mark.py" <<'END'
# mark.py FORGED ENTRY SOURCE: makes the entry of the forged pyc, with a seal of a later format
# and the mark of what a program has written for the source.
import ctypes, os, struct, sys
forged, entry, source = sys.argv[1:]
def birth(path):
    room = ctypes.create_string_buffer(256)
    ctypes.CDLL(None).statx(-100, os.fsencode(path), 0, 0x800, room)
    return struct.unpack_from("<qI", room.raw, 80)
with open(entry, "rb") as file: fs, = struct.unpack_from("<I", file.read()[-20:])
with open(forged, "rb") as file: data = bytearray(file.read())
data[-120:-118] = b"\2\0"
data[-8:] = bytes(8)
os.unlink(entry)
with open(entry, "xb") as file: file.write(data)
mark = struct.pack("<Q", os.stat(entry).st_ino)
for path in source, os.path.dirname(source): mark += struct.pack("<QQqq", os.stat(path).st_ino, fs, *birth(path))
os.setxattr(entry, "user.pycstash.own", mark)
END
"$PY" "$T/mark.py" "$T/forged" "$entry" "$src/m.py" && chown "$VICTIM" "$entry"
is "$(status_of --deep) $(status_of) $("$PY" -c "import os; print(len(os.getxattr('$entry', 'user.pycstash.own')))")" "3 0 72" \
	"verify --deep does not call good what claims to be sealed by a newer pycstash"
is "$(with "$VICTIM" "$cache" PYCSTASH_READONLY=1 "$PY" -B -c "$(imports "$src")")" TRUSTED \
	"bytecode that claims to be sealed by a newer pycstash is not served, with the mark of a program's own"
rm "$entry" && as "$VICTIM" mkfifo "$entry"
is "$(status_of --deep) $(status_of --repair) $(ls "$entry" 2>/dev/null)" "1 1 " "verify calls bad what is no file in the place of bytecode, and --repair deletes it"
rm -rf "$cache"
official "$src"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
find "$cache/v1" -depth -name "*$TAG*" -execdir rename "s/$TAG/cpython-399/" {} + 2>/dev/null ||
	find "$cache/v1" -depth -name "*$TAG*" -execdir bash -c 'mv "$1" "${1//'"$TAG"'/cpython-399}"' - {} \;
is "$(status_of --deep)" 3 "verify --deep does not call good what no interpreter here can check"
check "verify --deep says that such bytecode is not checked" grep -q 'not checked' "$T/said"

# --- a source that its owner changes while it is compared ------------------------------
rm -rf "$cache"
objects
rm -rf "$src"
mkdir "$T/his"
echo 'x = 1' >"$T/his/n.py"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/his" n)"
echo "$TRUSTED" >"$T/his/m.py"
chmod -R a+rwX "$T/his"
echo "$EVIL" >"$T/evil.py"
cp "$BUILD/tests/library/libat.so" "$T/lib/"
# at N COMMAND: verifies, and runs COMMAND just before the source is looked at for the N-th time
at() {
	rm -rf "$T/his/m.py" "$T/$VICTIM/did"
	echo "$TRUSTED" >"$T/his/m.py"
	as "$VICTIM" PYCSTASH_DIR="$cache" LD_PRELOAD="$T/lib/libat.so" "AT=find:$1:/his/m.py" "DO=$2 && touch '$T/$VICTIM/did'" \
		timeout -s KILL 30 "$PYCSTASH" verify --deep >"$T/said" 2>&1
	echo "$? $(ls "$T/$VICTIM/did" 2>&1)"
}
for ((last = 9; last > 1; last--)); do # the look before the interpreters compare it
	[ "$(at $last true)" = "1 $T/$VICTIM/did" ] && break
done
meanwhile() { at $last "$1"; }
is "$(meanwhile "cp -f '$T/evil.py' '$T/his/m.py'")" "3 $T/$VICTIM/did" \
	"a source that becomes that of forged bytecode while verify --deep compares them proves nothing"
is "$(meanwhile "rm '$T/his/m.py'")" "3 $T/$VICTIM/did" \
	"a source that vanishes while verify --deep compares it proves nothing"
wrong=
for kind in "mkfifo" "ln -s /dev/zero" "ln -s /dev/tty" "truncate -s 1T" "mkdir"; do
	got=$(meanwhile "rm '$T/his/m.py'; $kind '$T/his/m.py'")
	[ "$got" = "3 $T/$VICTIM/did" ] || wrong="$wrong; $kind: $got"
done
is "$wrong" "" "whatever a source becomes, verify --deep neither waits for it nor reads it to its end"
rm -rf "$T/his/m.py"
official "$src"

# --- whose programs are run -----------------------------------------------------------
if ! has_compiler; then
	skip_all "no program in another user's directory is run" "there is no compiler"
fi
cat >"$T/ran.c" <<'END'
#include <fcntl.h>
#include <unistd.h>
int main(void)
{
	return write(open(RAN, O_WRONLY | O_CREAT | O_APPEND, 0666), "ran\n", 4) == 4;
}
END
${CC:-cc} -DRAN="\"$T/ran\"" -o "$T/trap" "$T/ran.c"
his=$T/$ATTACKER
rm -rf "$cache"
cache=$T/0/cache # root's
with 0 "$cache" "$PY" -c "$(imports "$src")" >/dev/null
touch "$T/ran" && chmod 666 "$T/ran"
as "$ATTACKER" sh -c "cd '$his' && mkdir -p .pyenv/versions/3.11.9/bin .pyenv/shims bin .local/bin \
	.local/share/uv/python/cpython-3.11.9-linux-x86_64-gnu/bin .conda/envs/e/bin .venv/bin
for dir in .pyenv/versions/3.11.9/bin .pyenv/shims bin .local/bin .local/share/uv/python/*/bin .conda/envs/e/bin .venv/bin; do
	for name in python python3 python3.11 pypy3; do cp '$T/trap' \$dir/\$name; done; done"
mkdir -m 1777 "$T/shared"
mkdir -m 777 "$T/open"
as "$ATTACKER" cp "$T/trap" "$T/shared/python3"
cp "$T/trap" "$T/open/python3"
wrong=
for command in "verify --deep" "purge --not-installed --dry-run" "verify --deep --repair" "stats" "gc" "ls" "du"; do
	for path in /usr/bin:/bin "$his/bin:/usr/bin:/bin" "$T/shared:/usr/bin:/bin" "$T/open:/usr/bin:/bin"; do
		: >"$T/ran"
		# shellcheck disable=SC2086
		(cd "$his" && as 0 HOME="$his" PATH="$path" PYENV_ROOT="$his/.pyenv" VIRTUAL_ENV="$his/.venv" \
			PYCSTASH_DIR="$cache" "$PYCSTASH" $command) >"$T/said" 2>&1
		[ ! -s "$T/ran" ] || wrong="$wrong; $command (PATH=${path%%:*})"
	done
done
is "$wrong" "" "no program in another user's directory, or where all can write, is run by root's command"

# --- what looks at a cache runs without it ----------------------------------------------
# Forged bytecode of a module that every interpreter imports at its start (but not the very first,
# of which it gets the tree's, if there is any); the library has
# another name, so that the command does not see that it is in LD_PRELOAD.
cache=$T/$VICTIM/cache
rm -rf "$cache"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
first=$("$PY" -c 'import encodings.aliases; print(encodings.aliases.__file__)')
entry=$cache/v1/$TAG/tree${first%/*}/__pycache__/aliases.$TAG.pyc
EVIL="import posix
f = posix.open('$first', 0)
exec(compile(posix.read(f, 1 << 20), '$first', 'exec'))
posix.close(f)
posix.close(posix.open('$T/$VICTIM/ran', 64))" forge "$first" "$entry"
chown -R "$VICTIM" "$cache"
cp "$SO" "$T/lib/other.so"
ln -s "$SO" "$T/lib/link.so"
wrong=
for library in other link; do
	looking() { as "$VICTIM" PYCSTASH_DIR="$cache" PYCSTASH_READONLY=1 LD_PRELOAD="$T/lib/$library.so" "$@" >"$T/said" 2>&1; }
	looking "$PY" -c pass
	[ -e "$T/$VICTIM/ran" ] || wrong="$wrong; is not served ($library)"
	for command in "verify --deep" "verify --deep --repair" "show --deep $entry" "explain --python $PY $first" "purge --not-installed --dry-run"; do
		cp -p "$entry" "$T/entry"
		rm -f "$T/$VICTIM/ran"
		# shellcheck disable=SC2086
		looking "$PYCSTASH" $command
		[ ! -e "$T/$VICTIM/ran" ] || wrong="$wrong; $command ($library)"
		[[ $command != verify* ]] || grep -q "^different .*/aliases" "$T/said" || wrong="$wrong; not found ($library)"
		[ -e "$entry" ] || cp -p "$T/entry" "$entry"
	done
done
is "$wrong" "" "forged bytecode of what an interpreter imports first does not run in commands that look at the cache"

# --- an archive in somebody else's hands ----------------------------------------------
# The archive is signed by a key that the victim trusts. Its owner replaces it after the command
# has verified it and before it creates the cache.
cache=$T/$VICTIM/imported
official "$src"
what="an archive that another user replaces after its signature was verified is not imported"
if command -v minisign >/dev/null; then
	minisign -G -W -p "$T/key.pub" -s "$T/key" >/dev/null
	with 0 "$T/0/cache" "$PY" -c "$(imports "$src")" >/dev/null
	command_of 0 "$T/0/cache" export -q "$T/signed"
	minisign -S -s "$T/key" -m "$T/signed" >/dev/null 2>&1 </dev/null
	find "$T/0/cache" -path '*/objects/*.pyc' | while read -r object; do
		forge "$src/m.py" "$object"
	done
	find "$T/0/cache" -path '*/tree/*.pyc' -delete
	command_of 0 "$T/0/cache" export -q "$T/forged"
	chmod a+r "$T/forged"
	cp "$BUILD/tests/library/libat.so" "$T/lib/"
	for how in true "cat '$T/forged' >'$T/offered'"; do
		rm -rf "$cache"
		cp "$T/signed" "$T/offered"
		cp "$T/signed.minisig" "$T/offered.minisig"
		chown "$ATTACKER" "$T/offered"
		chmod 666 "$T/offered" # what is run then is the victim's
		as "$VICTIM" PYCSTASH_DIR="$cache" LD_PRELOAD="$T/lib/libat.so" AT=open:CACHEDIR.TAG "DO=$how; touch $T/$VICTIM/did" \
			"$PYCSTASH" import --verify-key "$T/key.pub" "$T/offered" >"$T/said" 2>&1
		is "$? $(ls "$T/$VICTIM/did") $(with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")")" "0 $T/$VICTIM/did TRUSTED" "$what (${how%% *})"
	done
else
	skip "$what" "there is no minisign"
fi
done_testing
