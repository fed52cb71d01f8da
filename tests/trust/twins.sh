#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A stat does not tell everything. Two files on different file systems can agree in all that is
# the identity of a source: number, size and times. The bytecode of two sources can have one
# name. The content of a file in /proc changes without a trace. Nobody compares a file with bytecode
# whose hash is unchecked. And whoever made a cache does not decide what in it is compared.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks with what a stat does not show"
cp "$BUILD/tests/library/libat.so" "$T/lib/"
export cache=$T/$VICTIM/cache

# --- files on two file systems ------------------------------------------------------------
# Creates theirs/m.py, of the attacker's, and its twin, of the victim's. New file systems number
# their files alike, and the clock of change times ticks every few milliseconds.
cat >"$T/twins.py" <<'END'
import os, sys

os.umask(0o022)
files = ["theirs/m.py", "own/m.py"]
code = [b'print("ATTACKER")\n', b'print("TRUSTED") \n']
owners = [int(n) for n in sys.argv[1:]]
for tries in range(1000):
    fds = [os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644) for name in files]
    for fd, owner in zip(fds, owners):
        os.fchown(fd, owner, owner)
    for fd, text in zip(fds, code):
        os.write(fd, text)
    for fd in fds:
        os.utime(fd, ns=(10**18 + 1, 10**18 + 1))
        os.close(fd)
    a, b = [os.stat(name) for name in files]
    if (a.st_ino, a.st_ctime_ns, a.st_size) == (b.st_ino, b.st_ctime_ns, b.st_size):
        print("twins")
        break
END

# The attacker's tree has a link to his file when the victim runs it. At that moment, he makes it
# lead to the other one. (A compiler does not follow the link.)
attack() { # MOMENT
	unshare -m bash -s "$1" <<'END'
cd "$T" && rm -rf theirs own tree "$cache" orders done && mkdir theirs own tree && mkfifo -m 666 orders done
mount -t tmpfs none theirs && mount -t tmpfs none own && chmod 755 theirs own
"$PY" twins.py "$ATTACKER" "$VICTIM"
exec 3<>orders
ln -s "$T/theirs/m.py" tree/m.py && chown -hR "$ATTACKER" tree
(read -r order <orders && [ "$order" = flip ] && ln -sfn "$T/own/m.py" tree/m.py && echo >done) &
with "$VICTIM" "$cache" LD_PRELOAD="$T/lib/libat.so $SO" AT="$1" DO="echo flip >'$T/orders'; cat '$T/done' >/dev/null" "$PY" -c "$(imports "$T/tree")" >/dev/null
echo end >orders
wait
find "$cache" -path '*/tree/*' -name 'm.*.pyc' | grep -c .
readlink tree/m.py
with "$VICTIM" "$cache" "$PY" -c "import sys; sys.path.insert(0, '$T/own'); import m"
END
}
export -f as with imports
export T SO PY VICTIM ATTACKER
for moment in rename:.pyc open:/m.py:after; do
	if ! unshare -m true 2>/dev/null; then
		skip "bytecode of a file to which a link leads until the $moment is not served for its twin" "unshare -m is not allowed"
		continue
	fi
	is "$(attack "$moment" 2>&1 | tr '\n' ' ')" "twins 1 $T/own/m.py TRUSTED " \
		"bytecode of a file to which a link leads until the $moment is not served for its twin"
done

# --- two sources whose bytecode has one name --------------------------------------------
# The first one is a copy of a known module that makes the compiler warn; warnings are errors,
# so its bytecode is not written, or it cannot be renamed. The second one, which is not for Python to import, is compiled
# next. It has the size and the times that its header is to show.
printf 'x = "\d"; print("TRUSTED")\n' >"$T/known"
while IFS='|' read -r name other how; do
	rm -rf "$cache" "$T/archive" "$T/stock" && mkdir "$T/archive" "$T/stock"
	cp "$T/known" "$T/archive/$name.py" && cp "$T/known" "$T/stock/$name.py"
	printf "%-$(stat -c %s "$T/known")s" 'print("ATTACKER")' >"$T/archive/$other"
	touch -d '2020-01-01 UTC' "$T/archive/$name.py" "$T/archive/$other" && chown -R "$VICTIM" "$T/archive" "$T/stock"
	with "$VICTIM" "$cache" "$PY" $how -c "import posix, py_compile, sys, warnings
def fail(*args): raise OSError('as if the disk were full')
if not sys.warnoptions: real, posix.replace = posix.replace, fail
for path in sys.argv[1:]:
    try: py_compile.compile(path)
    except OSError: posix.replace = real" "$T/archive/$name.py" "$T/archive/$other" >"$T/said" 2>&1
	made=$(find "$cache" "$T/archive" -name "$name.$TAG.pyc" | grep -c .)
	is "$made $(with "$VICTIM" "$cache" "$PY" -W ignore -c "$(imports "$T/stock" "$name")" 2>&1)" "1 TRUSTED" \
		"bytecode of $other does not count as that of $name.py, whose bytecode has the same name (${how:-not renamed})"
done <<-END
	py|.py|-W error
	m|m.pyi|-W error
	m|m.txt|-W error
	py|.py|
END

# --- files of /proc --------------------------------------------------------------------
mkdir "$T/nothing" "$T/pseudo"
: >"$T/nothing/m.py"
ln -s /proc/sys/kernel/ostype "$T/pseudo/m.py"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/nothing")"
is "$(with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/pseudo")" 2>&1 | tail -1)" "NameError: name 'Linux' is not defined" \
	"a file of /proc, which has a size of 0, is not served the bytecode of an empty source"
# The command line of a process is what that has written over its arguments. Once it is dead, its
# command line is empty and belongs to root.
cat >"$T/title.py" <<'END'
import ctypes, os, sys, time

pid = os.fork()
if pid:
    print(pid, flush=True)
    time.sleep(60)  # until then, the dead process is not forgotten
    os._exit(0)
text = b'print("ATTACKER")\n'
fields = open("/proc/self/stat").read().rsplit(")", 1)[1].split()
begin, end = int(fields[45]), int(fields[48])  # arg_start, env_end
ctypes.memmove(begin, text.ljust(end - begin, b"#"), end - begin)
time.sleep(60)
END
rm -rf "$cache" && mkdir "$T/titled" && mkfifo "$T/pid" && mkfifo -m 666 "$T/kill" "$T/killed"
as "$ATTACKER" PADDING="$(printf '%0500d' 0)" "$PY" "$T/title.py" >"$T/pid" &
parent=$!
read -r pid <"$T/pid"
ln -s "/proc/$pid/cmdline" "$T/titled/m.py" && chown -hR "$ATTACKER" "$T/titled"
for ((i = 0; i < 100; i++)); do
	[ "$(head -c 5 "$T/titled/m.py")" = print ] && break
	sleep 0.1
done
exec 3<>"$T/kill"
(read -r _ <"$T/kill" && kill -KILL "$pid" && sleep 0.2 && echo >"$T/killed") &
with "$VICTIM" "$cache" LD_PRELOAD="$T/lib/libat.so $SO" AT=rename:.pyc DO="echo >'$T/kill'; cat '$T/killed'" \
	"$PY" -m compileall -q "$T/titled" >"$T/said" 2>&1
is "$(wc -c <"/proc/$pid/cmdline") $(with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/nothing")" 2>&1)" "0 " \
	"bytecode of a command line, which is empty later, is not served for an empty source"
kill "$parent"
wait "$parent" 2>/dev/null

# --- a hash ---------------------------------------------------------------------------
# Earlier releases kept bytecode with a hash, and served it whatever became of its source.
src=$T/$VICTIM/src
entry=$cache/v1/$TAG/tree$src/__pycache__/m.$TAG.pyc
status_of() { command_of "$VICTIM" "$cache" verify "$@" >"$T/said" 2>&1; echo $?; }
fresh() { # new sources, and a new cache of their bytecode
	rm -rf "$cache" "$src"
	official "$src"
	chown -R "$VICTIM" "$src"
	with "$VICTIM" "$cache" "$PY" -m compileall -q "$src"
}
fresh
forge "$src/m.py" "$T/forged" hash
rm "$entry" && cp "$T/forged" "$entry" && chown "$VICTIM" "$entry"
is "$(with "$VICTIM" "$cache" PYCSTASH_READONLY=1 "$PY" -B -c "$(imports "$src")")" TRUSTED "bytecode with a hash in the cache is not served"
is "$(status_of) $(status_of --deep) $(grep -c 'not checked: 1 entries.*not proven' "$T/said")" "0 3 1" \
	"verify --deep does not call good bytecode with a hash in the cache"
is "$(status_of --deep --repair) $(ls "$entry" 2>&1 | grep -c "No such file")" "0 1" "verify --deep --repair deletes it"

# --- code -----------------------------------------------------------------------------
fresh
wrong=
for kind in nested tall named many odd deep; do
	EVIL='x = "NESTED"' forge "$src/m.py" "$entry" $kind
	chown "$VICTIM" "$entry"
	got=$(ulimit -S -t 2 && status_of --deep --repair)
	[ "$got $(grep -c "^different .*m.$TAG.pyc.*; deleted$" "$T/said")" = "1 1" ] && [ ! -e "$entry" ] || wrong="$wrong; $kind: $got"
done
is "$wrong" "" "verify --deep --repair deletes what no interpreter can load, or compare with what it compiles"
fresh
forge "$src/m.py" "$entry"
chown "$VICTIM" "$entry"
as "$VICTIM" "$PY" -B - "$HERE/tests/trust" "$src/m.py" "$cache/v1/$TAG" <<'END'
import hashlib, importlib.util, os, sys
sys.path.insert(0, sys.argv[1])
import forge
with open(sys.argv[2], "rb") as file: source = file.read()
digest = hashlib.blake2b(source, digest_size=32).hexdigest()
real = importlib.util.MAGIC_NUMBER
os.umask(0o77)
for i in range(300):
    for version, magic in ("", (20000 + i).to_bytes(2, "little") + b"\r\n"), ("+v%d" % i, real):
        importlib.util.MAGIC_NUMBER = magic
        folder = "%s%s/objects/%s/%s" % (sys.argv[3], version, "".join("%02x" % byte for byte in magic), digest[0])
        os.makedirs(folder)
        with open(folder + "/" + digest[1:] + ".pyc", "wb") as file: file.write(forge.forge(source, source))
END
got=$(ulimit -S -n 128 && status_of --deep --repair)
is "$got $(grep -c "^different .*m.$TAG.pyc.*; deleted$" "$T/said") $(ls "$entry" 2>/dev/null) $(grep -c 'no interpreter was found for 25. pycs' "$T/said")" "1 1  1" \
	"forged bytecode is found beside objects of more versions and magic numbers than descriptors"
wrong=
for code in "x = 1$(printf ' + 1%.0s' {1..800})" "x = $(printf '(%.0s' {1..80})1,$(printf '),%.0s' {1..79}))" \
	"x = 1 << 99999, 'x' * 4000, -0.0, 1e999j, b'y' * 4000" "x = $(printf 'lambda: %.0s' {1..30})1"; do
	echo "$code" >"$src/m.py"
	with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")"
	status_of --deep >/dev/null
	! grep "/m.$TAG.pyc" "$T/said" && [ -e "$entry" ] || wrong="$wrong; $code"
done
is "$wrong" "" "code that is deep, or has large constants, is good if that is what its source says"
echo "x = $(printf 'lambda: %.0s' {1..40})1" >"$src/m.py"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")"
status_of --deep >/dev/null
is "$(grep -o "m.$TAG.pyc: not checked: .*" "$T/said")" "m.$TAG.pyc: not checked: its code is nested too deep to be loaded safely" \
	"code that is nested very deep is not checked if that is what its source says"

# --- other names ----------------------------------------------------------------------
# What lies beside bytecode is found by other interpreters and tools, in a cache of an earlier
# release also in the tree.
fresh
wrong=
for name in m.cpython-399.pyc m.pypy99.opt-1.pyc _cffi__x1.so m.json id; do
	case $name in
	*.pyc) forge "$src/m.py" "${entry%/*}/$name" hash ;;
	*) : >"${entry%/*}/$name" ;;
	esac
	chown "$VICTIM" "${entry%/*}/$name"
	got="$(status_of --deep --repair) $(grep -c "^unchecked .*/$name: not a \| 0 bad, .* 1 not checked" "$T/said") $(status_of)"
	[ "$got" = "3 2 0" ] || wrong="$wrong; $name: $got"
	chown "$ATTACKER" "${entry%/*}/$name"
	[ "$(status_of --deep)" = 0 ] || wrong="$wrong; another user's $name"
	rm "${entry%/*}/$name"
done
is "$wrong" "" "verify --deep does not call good what lies beside bytecode with the name of another version's, or any other name"
wrong=
for name in id "m.$TAG.pyc.1234" "m.$TAG-pytest-7.2.1.pyc.17" m.cpython-399.pyc; do
	as "$VICTIM" mkfifo "${entry%/*}/$name"
	got="$(status_of) $(status_of --deep --repair) $(grep -c "^damaged .*/$name: .*; deleted$" "$T/said") $(status_of --deep)"
	[ "$got" = "1 1 1 0" ] || wrong="$wrong; $name: $got"
done
is "$wrong" "" "verify --repair deletes a pipe beside bytecode, whatever its name, at which a program that writes there would wait"
done_testing
