#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Nothing that other users put in a program's way stops it: FIFOs, devices, sparse files, odd
# bytecode, whole trees that are made to cause trouble.
#
# Takes 100 s.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"

me=$(id -u)
src=$T/src cache=$T/cache
official "$src"
run() { # CACHE [NAME=VALUE…]: what a program under the library prints, or "hangs"
	local got
	got=$(with "$me" "$1" "${@:2}" timeout -s KILL 10 "$PY" -B -c "$(imports "$src")" 2>&1)
	[ $? = 137 ] && echo hangs || echo "$got"
}
fill() { # an entry and an object for src
	rm -rf "$cache"
	[ -d "$T/full" ] || with "$me" "$T/full" "$PY" -c "$(imports "$src")" >/dev/null
	cp -a "$T/full" "$cache"
	entry=$cache/v1/$TAG/tree$src/__pycache__/m.$TAG.pyc
	object=$(find "$cache" -path '*/objects/*.pyc' -samefile "$entry")
}
make() { # KIND PATH: something that is no file
	rm -rf "$2"
	case $1 in
	pipe) mkfifo -m 666 "$2" ;;
	socket) "$PY" -c 'import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1])); socket.socket(socket.AF_UNIX).bind(os.path.basename(sys.argv[1]))' "$2" ;;
	directory) mkdir "$2" ;;
	loop) ln -s "$(basename "$2")" "$2" ;;
	terminal) ln -s /dev/tty "$2" ;;
	full) ln -s /dev/full "$2" ;;
	zero) ln -s /dev/zero "$2" ;;
	hole) truncate -s 1T "$2" 2>/dev/null || truncate -s 1G "$2" ;;
	esac
}
kinds="pipe socket directory loop terminal full zero hole"

# --- the log --------------------------------------------------------------------------
wrong=
for kind in $kinds; do
	make "$kind" "$T/log"
	got=$(run "$cache" PYCSTASH_LOG="$T/log")
	[ "$got" = TRUSTED ] || wrong="$wrong; $kind: $got"
	got=$(with "$me" "$cache" PYCSTASH_LOG="$T/log" timeout -s KILL 10 "$PYCSTASH" run -- "$PY" -c "$(imports "$src")" 2>&1)
	[ "$got" = TRUSTED ] || wrong="$wrong; run, $kind: $got"
done
is "$wrong" "" "whatever is in the place of the log, the program runs as usual"
rm -rf "$cache"
with "$me" "$cache" PYCSTASH_LOG=stderr sh -c '"$@" 2>&-' sh "$PY" -c "file = open('$T/data', 'w')
print(file.fileno())
$(imports "$src")" >"$T/said"
is "$(paste -sd ' ' "$T/said") $(cat "$T/data")" "2 TRUSTED " \
	"without a standard error, no file that the program opens gets the lines of the log"
make pipe "$T/log"
exec 7<>"$T/log" # a reader, who never reads
rm -rf "$cache"
for i in {1..400}; do echo "x = $i" >"$T/src/filler_$i.py"; done
got=$(with "$me" "$cache" PYCSTASH_LOG="$T/log" timeout -s KILL 20 "$PY" -c "$(imports "$src")
for i in range(1, 401): __import__('filler_%d' % i)" 2>&1)
exec 7<&-
rm "$T/src/filler_"*
is "${got:-hangs}" TRUSTED "a pipe as log, whose reader does not read, does not stop the program"

# --- the cache ------------------------------------------------------------------------
# For example, the cache was restored from a job that nobody trusts.
wrong= n=0
fill
places=("$entry" "$object" "$cache/v1/.state/journal" "$cache/v1/.state/totals" "$cache/v1/.state/lock"
	"$cache/v1/CACHEDIR.TAG" "$cache/v1/$TAG/objects" "$cache/v1/$TAG/tree" "$cache/v1/$TAG" "$cache/v1/.state"
	"$cache/v1" "$(dirname "$entry")" "$entry.1234")
for kind in $kinds; do
	for place in "${places[@]}"; do
		fill
		[ "$place" = "$object" ] && rm -f "$entry"
		mkdir -p "$(dirname "$place")"
		make "$kind" "$place"
		n=$((n + 1))
		got=$(run "$cache" PYCSTASH_READONLY=$((n % 2)))
		[ "$got" = TRUSTED ] || wrong="$wrong; $kind as ${place#"$cache"/}: $got"
	done
done
fill
truncate -s $((65536 - 512)) "$cache/v1/.state/journal" # the next record makes it full
make hole "$cache/v1/.state/journal.full"
got=$(run "$cache")
[ "$got" = TRUSTED ] || wrong="$wrong; hole as a full journal: $got"
is "$n$wrong" $((8 * 13)) "whatever is in a cache, the program runs as usual"
# As pytest does, without O_EXCL.
cat >"$T/writes.py" <<'END'
import importlib.util, sys
final = importlib.util.cache_from_source(sys.argv[1])
temporary = final + ".1234"
try: open(final, "rb").close()
except OSError: pass
with open(sys.argv[1], "rb") as file: file.read()
with open(temporary, "wb") as file: file.write(b"on")
with open(temporary, "ab") as file: file.write(b"ce")
with open(temporary, "rb") as file: print(file.read().decode())
END
wrong=
cp -p "$src/m.py" "$T/m.py"
for kind in ${kinds/directory/} elsewhere second "known pipe" "known elsewhere"; do
	fill
	before=$(cksum <"$object")
	echo kept >"$T/kept"
	[ "${kind% *}" = known ] || echo "# not in the cache" >>"$src/m.py"
	kind=${kind#known }
	case $kind in
	elsewhere) rm "$entry" && ln -s "$T/kept" "$entry.1234" ;;
	second) mv "$entry" "$entry.1234" ;; # of the object
	*) rm "$entry" && make "$kind" "$entry.1234" ;;
	esac
	got=$(with "$me" "$cache" timeout -s KILL 10 "$PY" "$T/writes.py" "$src/m.py" 2>&1)
	cp -p "$T/m.py" "$src/m.py"
	rm -rf "$src/__pycache__"
	[ "$got $(cksum <"$object") $(cat "$T/kept")" = "once $before kept" ] || wrong="$wrong; $kind: ${got##*$'\n'}"
done
is "$wrong" "" "whatever has the name of a temporary file in a cache, what a program writes to that name is a file of its own"
wrong=
for kind in $kinds; do
	for place in "$entry" "$object"; do
		fill
		rm -f "$entry"
		make "$kind" "$place"
		for command in stats ls "ls --long" verify "verify --repair" gc du "export $T/x.zst" "warm --python $PY $src"; do
			# shellcheck disable=SC2086
			timeout -s KILL 20 env PYCSTASH_DIR="$cache" HOME="$T/$me" "$PYCSTASH" $command >"$T/said" 2>&1 </dev/null
			[ $? -lt 100 ] || wrong="$wrong; $command ($kind)"
		done
	done
done
fill
make hole "$cache/v1/.state/pythons"
timeout -s KILL 20 env PYCSTASH_DIR="$cache" HOME="$T/$me" "$PYCSTASH" warm --python "$PY" "$src" >"$T/said" 2>&1 </dev/null
[ $? -lt 100 ] || wrong="$wrong; warm (a hole as the list of interpreters)"
is "$wrong" "" "whatever is in a cache, the command ends"
wrong=
for kind in $kinds; do
	fill
	rm -rf "$T/layer"
	mv "$cache" "$T/layer"
	make "$kind" "$T/layer/v1/$TAG/tree$src/__pycache__/m.$TAG.pyc"
	rm -f "$T/layer${object#"$cache"}"
	got=$(run /nonexistent/cache PYCSTASH_LAYERS="$T/layer")
	[ "$got" = TRUSTED ] || wrong="$wrong; $kind: $got"
done
is "$wrong" "" "whatever is in a layer, the program runs as usual"

# --- the tree -------------------------------------------------------------------------
wrong=
for kind in $kinds; do
	fill
	mkdir -p "$src/__pycache__"
	make "$kind" "$src/__pycache__/m.$TAG.pyc"
	got=$(run "$cache")
	[ "$got" = TRUSTED ] || wrong="$wrong; $kind: $got"
	rm -rf "$src/__pycache__"
done
is "$wrong" "" "a program that has an entry does not look into the tree's __pycache__"

# --- odd bytecode ---------------------------------------------------------------------
mkdir -p "$T/odd/__pycache__" "$T/mods"
for i in 1 2 3; do echo "x = $i" >"$T/mods/m$i.py"; done
echo 'y = 1' >"$T/odd/e.py"
rm -rf "$cache"
with "$me" "$cache" "$PY" -I -c "import sys; sys.path.insert(0, '$T/mods'); import m1, m2, m3"
served() { # MODULES: how many of m1, m2, m3 the cache serves
	with "$me" "$cache" "${settings[@]}" PYCSTASH_LOG=stderr "$PY" -I -c "import sys
sys.path[:0] = ['$T/odd', '$T/mods']
try: import $1 m1, m2, m3
except ImportError: import m1, m2, m3" 2>&1 | grep -c 'hit: .*/m[123]'
}
settings=(PYCSTASH_READONLY=1 PYCSTASH_ONLY="$T")
is "$(served "")" 3 "(three modules are served)"
wrong=
for settings in "PYCSTASH_READONLY=1 PYCSTASH_ONLY=$T" "PYCSTASH_READONLY=1" "PYCSTASH_ONLY=$T" X=; do
	read -ra settings <<<"$settings"
	for magic in '\1\2\r\n' '\0\0\0\0' '\x33\x0d\x0d\x0a' '\x42\x0d\x0d\x0a' "$("$PY" -c \
		'import importlib.util; print(repr(importlib.util.MAGIC_NUMBER[:3])[2:-1] + "!")')" ''; do
		"$PY" -c "import os, struct
st = os.stat('$T/odd/e.py')
head = struct.pack('<III', 0, int(st.st_mtime), st.st_size)
open('$T/odd/__pycache__/e.$TAG.pyc', 'wb').write(b'$magic' + head + b'x' * 50)"
		got=$(served e,)
		[ "$got" = 3 ] || wrong="$wrong; ${settings[*]}, $magic: $got"
	done
done
is "$wrong" "" "odd bytecode in a tree does not keep other modules from being served"

# Each pyc has some bytes changed, removed or inserted, and a valid seal if it still has one.
rm -rf "$T/damaged" "$cache"
mkdir "$T/damaged"
for name in $(cd "$(dirname "$("$PY" -c 'import argparse; print(argparse.__file__)')")" && ls *.py | head -60); do
	cp "$("$PY" -c 'import argparse, os; print(os.path.dirname(argparse.__file__))')/$name" "$T/damaged/"
done
with "$me" "$cache" "$PY" -m compileall -q "$T/damaged" >/dev/null 2>&1
"$PY" -B -c 'import os, random, sys
sys.path.insert(0, sys.argv[2])
import forge
random.seed(int(sys.argv[3]))
for top, folders, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(top, name)
        if not name.endswith(".pyc") or not os.path.isfile(path): continue
        data = bytearray(open(path, "rb").read())
        pyc, at = data[:-128], random.randrange(16, len(data) - 128)
        for _ in range(random.choice((1, 1, 4, 40))):
            pyc[random.randrange(16, len(pyc))] = random.choice((0, 1, 0x7f, 0x80, 0xff, random.randrange(256)))
        if random.random() < 0.3: del pyc[at:]
        if random.random() < 0.3: pyc[at:at] = bytes([random.randrange(256)]) * 9
        pyc = bytes(pyc)
        os.unlink(path)
        open(path, "wb").write(pyc + forge.seal(pyc, b"", 0, 1))' "$cache" "$HERE/tests/trust" "${SEED:=46}"
wrong=
for command in ls "ls --json" verify "verify --deep" stats du gc "export $T/damaged.zst"; do
	# shellcheck disable=SC2086
	timeout -s KILL 60 env PYCSTASH_DIR="$cache" HOME="$T/$me" "$PYCSTASH" $command >"$T/said" 2>&1 </dev/null
	[ $? -lt 100 ] || wrong="$wrong; $command"
done
for file in "$T/damaged"/*.py; do
	timeout -s KILL 60 env PYCSTASH_DIR="$cache" HOME="$T/$me" "$PYCSTASH" show --deep "$file" >"$T/said" 2>&1 </dev/null
	[ $? -lt 100 ] || wrong="$wrong; show ${file##*/}"
done
is "$wrong" "" "no command ends by a signal because of damaged bytecode (SEED=$SEED)"

# --- a tree that is made to be trouble -------------------------------------------------
bad=$T/bad
mkdir -p "$bad/pkg" "$bad/.venv/bin" "$bad/deep/$(printf 'd/%.0s' {1..200})"
evil="open('$T/ran', 'a').write(__file__ + ' '); print('ATTACKER'); _register_code = print"
for name in sitecustomize usercustomize encodings codecs importlib os site py_compile compileall marshal json evilcodec \
	linecache traceback tokenize typing __init__ __main__ conftest setup; do
	echo "$evil" >"$bad/$name.py"
	echo "$evil" >"$bad/pkg/$name.py"
done
printf '#!/bin/sh\ntouch %s\n' "$T/ran" >"$bad/.venv/bin/python3"
cp "$bad/.venv/bin/python3" "$bad/python3"
chmod +x "$bad/.venv/bin/python3" "$bad/python3"
echo "home = $bad" >"$bad/pyvenv.cfg"
printf '# -*- coding: evilcodec -*-\nx = 1\n' >"$bad/coded.py"
printf 'x = "' >"$bad/cut.py"
printf '(%.0s' {1..20000} >"$bad/nested.py"
printf -- '-%.0s' {1..200000} >"$bad/minus.py"
head -c 100000 /dev/urandom >"$bad/random.py"
mkfifo "$bad/pipe.py"
ln -s /dev/zero "$bad/zero.py"
ln -s . "$bad/pkg/loop"
ln -s loop.py "$bad/loop.py"
mkdir "$bad/dir.py"
wrong=
mapfile -t pythons < <(differing)
commands=(ls "show coded.py" "explain coded.py" "explain pipe.py"
	"explain zero.py" "show pipe.py" "path ." gc)
for python in "${pythons[@]}"; do
	commands+=("doctor $python" "warm --dry-run --python $python ." "warm --python $python --timeout 20 ."
		"explain --python $python coded.py")
	for module in pkg.conftest json.decoder traceback distutils nosuch .; do
		commands+=("explain -m $module --python $python")
	done
done
commands+=("verify --deep" "verify --deep .")
for command in "${commands[@]}"; do
	# shellcheck disable=SC2086
	(cd "$bad" && timeout -s KILL 100 env -i PATH="/usr/bin:/bin:$(dirname "${pythons[-1]}"):." HOME="$T/$me" PYCSTASH_DIR="$cache" \
		"$PYCSTASH" $command) >"$T/said" 2>&1 </dev/null
	[ $? -lt 100 ] || wrong="$wrong; $command"
	[ ! -e "$T/ran" ] || wrong="$wrong; $command ran $(cat "$T/ran")"
	rm -f "$T/ran"
done
is "$wrong" "" "no command runs or waits for anything in a tree that it looks at"

# --- a tree in which a pipe takes the place of a file ----------------------------------
# It stands for a device, such as a watchdog that starts when it is opened, and for the terminal of
# another user. Where a moment is given, it gets there then.
cp "$BUILD/tests/library/libat.so" "$T/lib/"
turned=$T/turned
turn() { # PLACE MOMENT COMMAND…: what opened.py says about the pipe
	rm -rf "$turned" "$T/turning" "$T/turning.new" "$T/happened"
	mkdir -p "$turned/__pycache__" && echo 'x = 1' >"$turned/m.py"
	[ -d "$T/turning.full" ] || with "$me" "$T/turning.full" "$PY" -c "$(imports "$turned")"
	cp -a "$T/turning.full" "$T/turning"
	touch -d 2001-01-01 "$turned/m.py" # so that its content has to be read
	as "$me" "$PY" -c "import py_compile; py_compile.compile('$turned/m.py')"
	mkfifo "$turned/pipe"
	[ "$2" ] || mv "$turned/pipe" "$turned/$1"
	as "$me" PYCSTASH_DIR="$T/turning" "$PY" "$HERE/tests/trust/opened.py" "$([ "$2" ] && echo "$turned/pipe" || echo "$turned/$1")" \
		env LD_PRELOAD="$T/lib/libat.so" AT="$2" DO="touch '$T/happened'; mv '$turned/pipe' '$turned/$1'" "$PYCSTASH" "${@:3}"
}
source=m.py pyc=__pycache__/m.$TAG.pyc
turns() { # prints what is wrong
	local place moment command moments=0
	for place in "$source" "$pyc"; do
		for moment in "" {look,open}:{1..3}:m.py:after; do
			[[ $place = "$pyc" && $moment = *:[23]:* ]] && continue # bytecode is looked at once
			[[ $place = "$pyc" && $moment ]] && moment=${moment/m.py/${pyc##*/}}
			for command in "export --public-only $T/turned.zst" "push --public-only file:$T/turned.store" verify "verify --deep" \
				"ls --state stale" gc "show --deep $turned/m.py" "show $turned/$pyc" "show --deep $turned/$pyc" "explain $turned/m.py" "path $turned/m.py" \
				"warm --dir $T/turning.new --python $PY $turned" "warm --force --dir $T/turning.new --python $PY $turned" \
				"warm --dry-run --python $PY $turned" "doctor $turned/$place"; do
				# shellcheck disable=SC2086
				turn "$place" "$moment" $command | sed "s|^|$place, $moment, $command: |"
				[ -e "$T/happened" ] && moments=$((moments + 1))
			done
		done
	done
	[ $moments -gt 9 ] || echo "only $moments moments came"
}
none "no command opens what takes the place of a file in a tree" < <(turns)

is "$("$PY" "$HERE/tests/trust/opened.py" "" "$PYCSTASH" import TERMINAL
	"$PY" "$HERE/tests/trust/opened.py" "" "$PYCSTASH" stats --merge TERMINAL)" "" "no terminal that a command is told to read becomes its own"

# An interpreter that is interrupted may import traceback, in CPython 3.13 and later.
what="an interpreter that would import from the working directory is not started in that of the command"
if has_compiler; then
	cat >"$T/where.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int execve(const char *path, char *const argv[], char *const env[])
{
	char cwd[4096];
	FILE *out = argv[1] && strchr(argv[1], 'I') ? NULL : fopen(OUT, "a");
	if (out) {
		fprintf(out, "%s\n", getcwd(cwd, sizeof cwd));
		fclose(out);
	}
	return ((int (*)(const char *, char *const *, char *const *))dlsym(RTLD_NEXT, "execve"))(path, argv, env);
}
END
	${CC:-cc} -shared -fPIC -DOUT="\"$T/where\"" -o "$T/lib/where.so" "$T/where.c" -ldl
	with "$me" "$T/packed" "$PY" -c "$(imports "$src")" >/dev/null
	(cd "$bad" && env -i PATH=/usr/bin:/bin HOME="$T/$me" PYCSTASH_DIR="$T/packed" LD_PRELOAD="$T/lib/where.so" \
		"$PYCSTASH" export -q --pack "$T/pack")
	is "$(cat "$T/where")" / "$what"
else
	skip "$what" "there is no compiler"
fi

# --- a store to which others can write ------------------------------------------------
wrong=
mkdir -p "$T/store/packs"
for kind in $kinds; do
	make "$kind" "$T/store/packs/$(printf 'a%.0s' {1..64}).tar.zst"
	as "$me" PYCSTASH_DIR="$cache" timeout -s KILL 20 "$PYCSTASH" pull "file:$T/store" >"$T/said" 2>&1
	code=$?
	grep -q "pulled 0 packs" "$T/said" && [ $code = 3 ] || wrong="$wrong $kind:$code"
done
is "$wrong" "" "whatever is in the place of a pack in a store, pull refuses it"

# --- a restored cache -----------------------------------------------------------------
# The journal has the head of totals that have folded nothing, and as many records of versions as a
# journal can have; and it has many names.
"$PY" -B -c 'import os, struct, sys
sys.path.insert(0, sys.argv[2])
import forge
def record(kind, version):
    data = struct.pack("<8sHHIqqQ64s400x", b"pyccount", 1, kind, 0, 0, 1, kind == 1, version)
    return data + struct.pack("<Q", forge.checksum(data))
os.makedirs(sys.argv[1], 0o700)
os.chdir(sys.argv[1])
open("journal.1", "wb").write(record(4, b"") + b"".join(record(1, b"v%d" % i) for i in range(5000)))
os.utime("journal.1", (1, 1))
for i in range(2, 1000): os.link("journal.1", "journal.%d" % i)' "$T/heads/v1/.state" "$HERE/tests/trust"
chmod 700 "$T/heads/v1"
wrong=
for command in stats gc; do
	command_of "$me" "$T/heads" $command >"$T/said" 2>&1
	[ $? -lt 100 ] || wrong="$wrong; $command"
done
is "$wrong $(ls "$T/heads/v1/.state" | grep -c journal)" " 0" "whatever the journals of a cache say, and however many there are, stats and gc end"

# To open each level by its whole path would take the square of their number.
with "$me" "$T/depths" "$PY" -c "$(imports "$src")" >/dev/null
"$PY" -c 'import os, sys
os.chdir(sys.argv[1])
for _ in range(20000):
    os.mkdir("d")
    os.chdir("d")' "$T/depths/v1/$TAG/tree"
wrong=
for command in ls du verify "verify --deep" gc "export $T/depths.zst" "purge --tag $TAG"; do
	# shellcheck disable=SC2086
	command_of "$me" "$T/depths" $command >"$T/said" 2>&1
	[ $? -lt 100 ] || wrong="$wrong; $command"
done
is "$wrong" "" "no command goes down into directories of a cache that no path reaches"
check "directories of a cache that no path reaches are purged" test ! -e "$T/depths/v1/$TAG"
# To compare each version with all others would take the square of their number, too.
with "$me" "$T/many" "$PY" -c "$(imports "$src")" >/dev/null
(cd "$T/many/v1" && printf 'aaa-%d\n' {1..100000} | xargs mkdir)
wrong=
for command in gc "verify --tag none" "explain $src/m.py" "path $src/m.py" "purge --tag none"; do
	# shellcheck disable=SC2086
	timeout -s KILL 30 env HOME="$T/$me" PYCSTASH_DIR="$T/many" "$PYCSTASH" $command >"$T/said" 2>&1
	[ $? -lt 100 ] || wrong="$wrong; $command"
done
is "$wrong" "" "however many versions a restored cache has, no command takes the square of their number"
done_testing
