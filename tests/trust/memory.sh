#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Nothing that other users put in a program's way uses up its memory: sparse files, bytecode that
# announces more than it has, archives with millions of holes.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"

me=$(id -u)
src=$T/src cache=$T/cache
official "$src"
with "$me" "$cache" "$PY" -c "$(imports "$src")" >/dev/null

# --- sources --------------------------------------------------------------------------
# peak COMMAND…: runs it, and prints the most memory that it took, in MiB
peak() {
	"$PY" -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$@"
}
hole=$T/hole
mkdir -p "$hole/__pycache__"
echo 'x = 1' >"$hole/m.py"
as "$me" "$PY" -c "import py_compile; py_compile.compile('$hole/m.py')"
truncate -s 400M "$hole/m.py"
base=$(as "$me" "$PY" -c 1 && peak env PYCSTASH_DIR="$cache" cat "$hole/__pycache__/m.$TAG.pyc")
wrong=
limit() { # SENTENCE COMMAND…
	local got
	got=$(peak "${@:2}")
	[ "$got" -lt $((base + 96)) ] || wrong="$wrong; $1: $got MiB"
}
lib=(env LD_PRELOAD="$SO" PYCSTASH_DIR="$cache" HOME="$T/$me")
limit cat "${lib[@]}" cat "$hole/__pycache__/m.$TAG.pyc"
limit "cat, by content" "${lib[@]}" PYCSTASH_VALIDATE=content cat "$hole/__pycache__/m.$TAG.pyc"
limit cp "${lib[@]}" cp -r "$hole" "$T/hole.copy.$RANDOM" --reflink=never --sparse=always
limit stat "${lib[@]}" stat "$hole/__pycache__/m.$TAG.pyc"
for command in explain show path "warm --dry-run --python $PY" "ls --state stale"; do
	# shellcheck disable=SC2086
	limit "$command" env PYCSTASH_DIR="$cache" HOME="$T/$me" "$PYCSTASH" $command "$hole/m.py"
done
is "$wrong" "" "a source with a size of 400 MB uses up no memory of commands that look at its bytecode"

# --- bytecode -------------------------------------------------------------------------
# A tuple of 100 million elements, none of which is there.
mkdir -p "$T/tuple/__pycache__" "$T/plain"
echo 'x = 1' >"$T/tuple/m.py"
tuple=$T/tuple/__pycache__/m.$TAG.pyc
head=12
at_least "$PY" 3 7 || head=8
announces() { # MAGIC [BYTES]: a pyc with that magic number (in Python), and these bytes before the tuple
	"$PY" -c "import importlib.util, sys
sys.stdout.buffer.write($1 + bytes($head) + b'${2:-}(\x00\xe1\xf5\x05')" >"$tuple"
}
wrong=
show() { limit "show --deep, $1" env PATH="$T/plain:/usr/bin:/bin" PYCSTASH_DIR="$cache" HOME="$T/$me" "$PYCSTASH" show --deep "$tuple"; }
announces importlib.util.MAGIC_NUMBER
show "a tuple"
announces importlib.util.MAGIC_NUMBER '(\2\0\0\0{0'
show "a dictionary and a tuple"
with "$me" "$T/announced" "$PY" -c "$(imports "$T/tuple")"
find "$T/announced" -name "m.$TAG.pyc" | grep . >"$T/said" || wrong="$wrong; no entry"
for kind in odd deep; do
	EVIL='x = "NESTED"' forge "$T/tuple/m.py" "$(cat "$T/said")" $kind
	limit "verify --deep, $kind" env PYCSTASH_DIR="$T/announced" HOME="$T/$me" "$PYCSTASH" verify --deep
	find "$T/announced" -path '*/objects/*.pyc' -exec cp "$(cat "$T/said")" {} \;
	limit "export --pack, $kind" env PYCSTASH_DIR="$T/announced" HOME="$T/$me" "$PYCSTASH" export -q --pack "$T/announced.pack"
	[ -s "$T/announced.pack" ] || wrong="$wrong; no pack, $kind"
	rm -f "$T/announced.pack"
done
is "$wrong" "" "bytecode that announces more than it has uses up no memory"
EVIL='x = "NESTED"' forge "$T/tuple/m.py" "$(cat "$T/said")" nested
find "$T/announced" -path '*/objects/*.pyc' -exec cp "$(cat "$T/said")" {} \;
env --default-signal=INT PYCSTASH_DIR="$T/announced" HOME="$T/$me" "$PYCSTASH" export -q --pack "$T/announced.pack" 2>"$T/said" &
pid=$!
loading() { # whether an interpreter works on what never ends
	worker=$(cat "/proc/$pid/task/"*/children) && [ "$worker" ] && [ "$(awk '{ print ($14 > 50) }' "/proc/${worker% }/stat")" = 1 ]
} 2>/dev/null
await loading && kill -INT $pid
check "bytecode that an interpreter never ends to load does not keep Ctrl-C from ending export --pack" ends $pid
kill -KILL $pid 2>/dev/null
wait $pid
is "$?" 130 "export --pack says so"
what="bytecode in a format that is not known uses up no memory either"
if has_compiler; then
	cat >"$T/newer.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static void field(const char *text)
{
	while (*text)
		printf("%02x", *text++);
	putchar('\n');
}
int main(int argc, char **argv)
{
	(void)argc;
	for (int i = 0; argv[i]; i++)
		if (strstr(argv[i], "MAGIC_NUMBER"))
			return field("cpython-315"), field("3.15.0"), field("6a0e0d0a"), 0;
	return execv(argv[0] = PYTHON, argv);
}
END
	${CC:-cc} -DPYTHON="\"$PY\"" -o "$T/plain/python3" "$T/newer.c"
	announces "b'\x6a\x0e\r\n'"
	as "$me" PATH="$T/plain:/usr/bin:/bin" PYCSTASH_DIR="$cache" "$PYCSTASH" show --deep "$tuple" >"$T/said" 2>&1
	wrong=
	show "a tuple"
	is "$wrong$(grep -o MemoryError "$T/said")" MemoryError "$what"
else
	skip "$what" "there is no compiler"
fi

# --- a restored cache -----------------------------------------------------------------
restored=$T/restored
cp -a "$cache" "$restored"
mkdir -m 700 "$restored/v1/.state/packs"
record=$(printf '%063d' 0)
wrong=
base=$(peak env PYCSTASH_DIR="$cache" "$PYCSTASH" push -n "file:$T/none")
records() { # SENTENCE: commands that read them
	for command in "push -n file:$T/none" "export --new $T/new" "purge -n --from-pack ${record}1" "gc -n"; do
		# shellcheck disable=SC2086
		limit "$command, $1" env PYCSTASH_DIR="$restored" HOME="$T/$me" "$PYCSTASH" $command
	done
}
truncate -s 400M "$restored/v1/.state/packs/${record}1"
records "a hole"
yes 'py311/objects/a 1' | head -c 60M >"$restored/v1/.state/packs/${record}1"
records "many lines"
for i in {2..9}; do ln "$restored/v1/.state/packs/${record}1" "$restored/v1/.state/packs/$record$i"; done
yes | head -c 300M >"$restored/v1/.state/orphans"
records "many names"
is "$wrong" "" "no file in which a restored cache says what it knows uses up memory"

# --- archives and packs ---------------------------------------------------------------
# 64 MiB of holes without a length in a sparse manifest: 20 KB when compressed
"$PY" -c 'import sys, tarfile
header = tarfile.TarInfo("pycstash.json")
header.size = 64 << 20
header.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "8"}
sys.stdout.buffer.write(header.tobuf(tarfile.PAX_FORMAT) + b"%d\n" % (1 << 24))
for i in range(64): sys.stdout.buffer.write(b"0\n0\n" * (1 << 18))' >"$T/holes"
zstd -q "$T/holes" -o "$T/holes.zst"
mkdir -p "$T/store/packs"
cp "$T/holes.zst" "$T/store/packs/$(printf 'a%.0s' {1..64}).tar.zst"
wrong=
base=$(peak env PYCSTASH_DIR="$cache" "$PYCSTASH" version)
limit import env PYCSTASH_DIR="$cache" "$PYCSTASH" import "$T/holes"
limit "import, compressed" env PYCSTASH_DIR="$cache" "$PYCSTASH" import "$T/holes.zst"
limit "pull --for" env PYCSTASH_DIR="$cache" "$PYCSTASH" pull --for "$T/src" "file:$T/store"
is "$wrong" "" "a small archive or pack with millions of holes uses up no memory"
# zstd within zstd: 64 GiB of frames without content, which unpack to nothing
printf '\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00' >"$T/frame"
"$PY" -c 'import sys; sys.stdout.buffer.write(open(sys.argv[1], "rb").read() * (64 << 20 >> 3))' "$T/frame" | zstd -q >"$T/frames"
for ((i = 0; i < 1000; i++)); do cat "$T/frames"; done | zstd -q >"$T/layers"
rm "$T/store/packs/"* && cp "$T/layers" "$T/store/packs/$(printf 'b%.0s' {1..64}).tar.zst"
for words in "import $T/layers" "pull file:$T/store" "pull --for $T/src file:$T/store"; do
	# shellcheck disable=SC2086
	is "$(status_of timeout -s KILL 20 env PYCSTASH_DIR="$cache" "$PYCSTASH" $words | grep -x 137)" "" \
		"an archive or pack of several layers, which unpack to nothing, does not keep ${words%% *} from ending"
done
done_testing
