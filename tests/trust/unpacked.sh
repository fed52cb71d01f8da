#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A tree that the victim has unpacked belongs to the victim, with its links and its bytecode. Only
# an import gets there what the victim's cache has for a source of that content.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "links and bytecode in an unpacked tree"

cache=$T/$VICTIM/c pyc=pkg/__pycache__/settings.$TAG.pyc
as "$VICTIM" mkdir -m 700 "$T/$VICTIM/private"
as "$VICTIM" sh -c "umask 077; echo 'secret = \"S3CRET\"' >'$T/$VICTIM/private/settings.py'"
import="import sys; sys.path.insert(0, '$T/$VICTIM/private'); import settings"

# --- a link to a private source, with a file in the place of its bytecode --------------------
# unpack DUMMY: a fresh cache in which the private source was imported, and the attacker's tree
unpack() {
	rm -rf "$cache" "$T/tree"
	with "$VICTIM" "$cache" "$PY" -c "$import"
	mkdir "$T/tree" && chown "$VICTIM" "$T/tree"
	as "$VICTIM" sh -c "cd '$T/tree' && mkdir -p '${pyc%/*}' && ln -s '$T/$VICTIM/private/settings.py' pkg/settings.py"
	[ ! "$1" ] || as "$VICTIM" sh -c "echo '$1' >'$T/tree/$pyc'"
}
victim() { (cd "$T/tree" && with "$VICTIM" "$cache" "$@"); }
for program in cat md5sum "wc -c" "$PY -c open(__import__('sys').argv[1],'rb').read()"; do
	for dummy in dummy ""; do
		unpack "$dummy"
		# shellcheck disable=SC2086 # words
		shown=$(victim $program "$pyc" 2>&1 | grep -c S3CRET)
		victim cp -r pkg copy
		victim "$PY" -c 'import shutil; shutil.copytree("pkg", "copy2", symlinks=True)'
		is "$shown $(grep -rl S3CRET "$T/tree/copy"*/__pycache__ 2>/dev/null) $(find "$cache" -path "*tree$T/tree/*.pyc")" "0  " \
			"of a private source to which a link in an unpacked tree leads, ${program%% *} gets no bytecode${dummy:+ in place of what the tree has}"
	done
done
# cat knows no magic number yet, as an interpreter that opens its first bytecode.
unpack ""
first=pkg/encodings/__pycache__/__init__.$TAG.pyc
as "$VICTIM" sh -c "cd '$T/tree' && mkdir -p '${first%/*}' && ln -s '$T/$VICTIM/private/settings.py' pkg/encodings/__init__.py && echo dummy >'$first'"
is "$(victim cat "$first") $(find "$cache" -path "*tree$T/tree/*.pyc")" "dummy " \
	"of a private source to which a link in an unpacked tree leads, cat gets no bytecode by the name of an interpreter's first"
unpack dummy
is "$(victim "$PY" -c 'import sys; sys.path.insert(0, "pkg"); import settings; print(settings.secret)') $(find "$cache" -path "*tree$T/tree/*.pyc" | wc -l)" "S3CRET 1" \
	"granted: an import of what such a link leads to is served"

# --- bytecode that came with a tree, and does not fit its sources ----------------------------
rm -rf "$cache" "$T/tree"
mkdir -p "$T/tree/pkg/__pycache__"
cp "$T/$VICTIM/private/settings.py" "$T/tree/pkg/settings.py"
echo "bytecode of another time" >"$T/tree/$pyc"
chown -R "$VICTIM" "$T/tree"
with "$VICTIM" "$cache" "$PY" -c "$import"
(cd "$T/tree" && md5sum "$pyc") >"$T/sums"
is "$(victim md5sum -c --quiet "$T/sums" && echo ok) $(find "$cache" -path "*tree$T/tree/*.pyc")" "ok " \
	"a checksum of bytecode in the tree is that of the tree's file, and makes no entry"

# --- bytecode that came with a release, and fits the source of the next one ------------------
# Python alone replaces it when it imports the first release. The archives keep the times.
cat >"$T/release.py" <<'END'
import importlib.util, marshal, os, struct, sys
for n in "12":
    os.makedirs(n + "/pkg/__pycache__")
    with open(n + "/pkg/m.py", "w") as f:
        f.write("print('release %s')\n" % n)
    os.utime(f.name, (1600000000 + int(n),) * 2)
with open("1/" + importlib.util.cache_from_source("pkg/m.py"), "wb") as f:
    f.write(importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, 1600000002, os.stat("2/pkg/m.py").st_size))
    f.write(marshal.dumps(compile("print('forged')", "m.py", "exec")))
os.utime(f.name, ns=(int(float(sys.argv[1]) * 10**9),) * 2)
END
# releases TIME [COMMAND…]: unpacks and imports the first release, runs the command, unpacks the
# second over it, imports that, and prints what both imports say.
releases() {
	rm -rf "$cache" "$T/tree" "$T/made" && mkdir "$T/made" "$T/tree" && chown "$VICTIM" "$T/tree"
	(cd "$T/made" && "$PY" "$T/release.py" "$1" && for n in 1 2; do
		tar --format=pax -cf "$n.tar" -C "$n" pkg
	done)
	shift
	victim tar -xf "$T/made/1.tar" 2>/dev/null
	victim "$PY" -c "${hook-}$(imports pkg)"
	"${@:-true}"
	victim tar -xf "$T/made/2.tar" 2>/dev/null
	victim "$PY" -c "$(imports pkg)"
}
renewed() { victim chmod -R u+w,g-w pkg; }
while IFS='|' read -r time renew what; do
	is "$(releases "$time" ${renew:+"$renew"} | xargs)" "release 1 release 2" \
		"forged bytecode that comes with one release is not run in place of the next one's source, $what"
done <<-END
	1600000000.5||with a time in the past
	4000000000.5||with a time in the future
	4000000000||with a time in the future, in whole seconds
	$(($(date +%s) + 3)).5||with a time just ahead of the clock
END
what="forged bytecode that comes with one release is not run in place of the next one's source, with a time in the future, after a chmod -R"
if [ "$(stat -c %W "$T/made")" = 0 ]; then
	skip "$what" "this file system has no birth times"
else
	is "$(releases 4000000000.5 renewed | xargs)" "release 1 release 2" "$what"
fi
# What is compiled while its source changes is not proven, and is written all the same.
hook="import os, sys
sys.addaudithook(lambda event, args: event == 'compile' and os.path.basename(str(args[1])) == 'm.py' and os.utime('pkg/m.py', (1600000001,) * 2))
"
is "$(releases 4000000000.5 | xargs)" "release 1 release 2" \
	"forged bytecode that comes with one release is not run in place of the next one's source, if the first one's was not proven"
unset hook

# An entry that is a link to an object is younger than that.
rm -rf "$cache" "$T/tree"/*
as "$VICTIM" sh -c "cd '$T/tree' && mkdir pkg other && cp -p '$T/made/1/pkg/m.py' pkg && ln pkg/m.py other"
victim "$PY" -c "$(imports pkg)" >"$T/said"
as "$VICTIM" cp -r "$T/made/1/pkg/__pycache__" "$T/tree/other"
touch -d @4000000000.5 "$T/tree/other/__pycache__"/*
victim "$PY" -c "$(imports other)" >>"$T/said"
rm "$T/tree/other/m.py" && cp -p "$T/made/2/pkg/m.py" "$T/tree/other"
victim "$PY" -c "$(imports other)" >>"$T/said"
is "$(xargs <"$T/said")" "release 1 release 1 release 2" \
	"forged bytecode that comes with one release is not run in place of the next one's source, if the first one's was reused"

# The hash of the next source, in a header that Python compares. What unpacks is not under the library.
rm -rf "$cache" "$T/tree/pkg"
as "$VICTIM" mkdir "$T/tree/pkg" && cp -p "$T/made/1/pkg/m.py" "$T/tree/pkg"
victim "$PY" -c "$(imports pkg)" >"$T/said"
rm -rf "$T/tree/pkg" && cp -r "$T/made/1/pkg" "$T/tree"
with_hash_of() { # SOURCE
	"$PY" -c 'import importlib.util, marshal, os, sys
os.makedirs("pkg/__pycache__", exist_ok=True)
hash = importlib.util.source_hash(open(sys.argv[1], "rb").read())
with open(importlib.util.cache_from_source("pkg/m.py"), "wb") as f:
    f.write(importlib.util.MAGIC_NUMBER + b"\3\0\0\0" + hash + marshal.dumps(compile("print(\"forged\")", "m.py", "exec")))' "$1"
}
(cd "$T/tree" && with_hash_of "$T/made/2/pkg/m.py" && chown -R "$VICTIM" pkg/__pycache__)
victim "$PY" -c "$(imports pkg)" >>"$T/said"
cp "$T/made/2/pkg/m.py" "$T/tree/pkg/new" && mv "$T/tree/pkg/new" "$T/tree/pkg/m.py"
victim "$PY" -c "$(imports pkg)" >>"$T/said"
is "$(xargs <"$T/said")" "release 1 release 1 release 2" \
	"forged bytecode that comes with one release is not run in place of the next one's source, with that one's hash"
# The entry is older than the bytecode, since only that was added.
rm -rf "$cache" "$T/tree/pkg"
mkdir "$T/tree/pkg" && cp "$T/made/1/pkg/m.py" "$T/tree/pkg" && chown -R "$VICTIM" "$T/tree/pkg"
victim "$PY" -c "$(imports pkg)" >"$T/said"
(cd "$T/tree" && with_hash_of "$T/made/2/pkg/m.py" && chown -R "$VICTIM" pkg/__pycache__)
victim "$PY" -c "$(imports pkg)" >>"$T/said"
cp "$T/made/2/pkg/m.py" "$T/tree/pkg/m.py"
victim "$PY" -c "$(imports pkg)" >>"$T/said"
is "$(xargs <"$T/said")" "release 1 release 1 release 2" \
	"forged bytecode that is added to a tree is not run in place of the next source, with that one's hash"

# pytest opens bytecode that has a name of its own before it takes the stat of the source.
cat >"$T/loader.py" <<'END'
import importlib.util, marshal, os, struct, sys
name = importlib.util.cache_from_source("pkg/m.py")[:-4] + "-tool-1.pyc"
try:
    data = open(name, "rb").read()
except OSError:
    data = b""
st = os.stat("pkg/m.py")
header = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(st.st_mtime), st.st_size)
if data[:16] != header:
    data = header + marshal.dumps(compile(open("pkg/m.py").read(), "m.py", "exec"))
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name + ".1", "wb") as f:
        f.write(data)
    os.rename(name + ".1", name)
exec(marshal.loads(data[16:]))
END
forged=$(cd "$T/made/1" && echo pkg/__pycache__/*) own=${pyc%/*}/m.$TAG-tool-1.pyc
# Tests list the files that belong to them, or look at them.
(echo 'import os; list(os.walk("."))' && cat "$T/loader.py") >"$T/walking.py"
(echo 'import pathlib; [p.is_file() for p in pathlib.Path(".").rglob("*")]' && cat "$T/loader.py") >"$T/looking.py"
for loader in walking looking loader; do
	rm -rf "$cache" "$T/tree/pkg" && mkdir "$T/tree/pkg"
	cp -p "$T/made/1/pkg/m.py" "$T/tree/pkg" && mkdir "$T/tree/pkg/__pycache__"
	cp -p "$T/made/1/$forged" "$T/tree/$own" && chown -R "$VICTIM" "$T/tree/pkg"
	victim "$PY" "$T/$loader.py" >"$T/said"
	cp -p "$T/made/2/pkg/m.py" "$T/tree/pkg"
	victim "$PY" "$T/$loader.py" >>"$T/said"
	is "$(xargs <"$T/said")" "release 1 release 2" \
		"forged bytecode of a loader such as pytest's is not run in place of the next release's source: $loader"
done
victim "$PY" -c 'import shutil; shutil.copytree("pkg", "copied2")'
is "$(grep -c 'release 2' "$T/tree/copied2/${own#pkg/}")" 1 \
	"(an interpreter that copies finds what such a loader has written last)"
cp -p "$T/made/1/$forged" "$T/was" && cp -p "$T/was" "$T/tree/$own"
echo 'print(1)' >"$T/tree/pkg/a.py" && chown "$VICTIM" "$T/tree/pkg/a.py" "$T/tree/$own"
victim "$PY" -c "$(imports pkg)
import a" >"$T/said"
(cd "$T/tree/pkg" && with "$VICTIM" "$cache" md5sum "__pycache__/a.$TAG.pyc" "${own#pkg/}") >"$T/sums" 2>&1
is "$(md5sum <"$T/was" | cut -d' ' -f1)" "$(sed -n "s,  ${own#pkg/}\$,,p" "$T/sums")" \
	"(a program that is no interpreter, and has opened bytecode, finds what the tree has for such a loader)"
rm -rf "$cache" && chmod 640 "$T/tree/pkg/m.py"
victim "$PY" -c 'import pathlib
for p in pathlib.Path("pkg").rglob("*-tool-1.pyc"): pathlib.Path("copied3").write_bytes(p.read_bytes())'
check "(an interpreter that lists and reads finds what the tree has for such a loader)" cmp "$T/was" "$T/tree/copied3"
is "$(victim cp -r pkg copied; cmp "$T/was" "$T/tree/copied/${own#pkg/}" && echo same)" same \
	"(cp finds what the tree has for such a loader)"
done_testing
