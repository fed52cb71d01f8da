#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An import replaces what the tree has under the name of its bytecode, as the rename of Python alone
# does, though the new bytecode is in the cache: a file or a link that an archive has brought does
# not come back when the cache's entry is stale, deleted or moved.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "bytecode and links that an import replaces"

cache=$T/$VICTIM/c pyc=pkg/__pycache__/m.$TAG.pyc
victim() { (cd "$T/tree" && with "$VICTIM" "$cache" "$@"); }
# $T/1.tar and $T/2.tar: two releases; the first brings what HOW says.
cat >"$T/release.py" <<'PY'
import importlib.util, marshal, os, struct, sys
how, pyc = sys.argv[1], importlib.util.cache_from_source("pkg/m.py")
for n in "12":
    for d in "/pkg/__pycache__", "/pkg/data":
        os.makedirs(n + d, exist_ok=True)
    with open(n + "/pkg/m.py", "w") as f:
        f.write("print('release %s')\n" % n)
    os.utime(f.name, (1600000000 + int(n),) * 2)
source = open("2/pkg/m.py", "rb").read()
fits = struct.pack("<III", 0, 1600000002, len(source))
if how.endswith("hash"):
    fits = struct.pack("<I", 1) + importlib.util.source_hash(source)
if how == "linked-2":
    fits = struct.pack("<I", 2) + fits[4:]
code = importlib.util.MAGIC_NUMBER + fits + marshal.dumps(compile("print('forged')", "m.py", "exec"))
if how == "file":
    open("1/" + pyc, "wb").write(code)
    os.utime("1/" + pyc, (4000000000, 4000000000))
elif how.startswith("linked"):
    for n in "12":
        os.rmdir(n + "/pkg/__pycache__")
    os.symlink("data", "1/pkg/__pycache__")
    open("1/" + pyc, "wb").write(code)
else:
    os.symlink("../data/x" if how.startswith("data") else "../../private", "1/" + pyc)
if how == "data-below":
    os.rmdir("1/pkg/data")
    open("1/pkg/data", "w").close()
if how.startswith("data"):
    if how in ("data", "data-hash"):
        open("1/pkg/data/x", "wb").write(b"nothing")
    open("2/pkg/data/x", "wb").write(code)
    os.utime("2/pkg/data/x", (4000000000, 4000000000))
PY
unpack() { victim tar -xf "$T/$1.tar" 2>/dev/null; }
import_it() { victim "$PY" "$@" -c "$(imports pkg)"; }
# first HOW: a new tree with the first release, which was imported
first() {
	rm -rf "$cache" "$T/tree" "$T/made" && mkdir "$T/made" "$T/tree"
	echo precious >"$T/tree/private" && chmod 600 "$T/tree/private"
	chown -R "$VICTIM" "$T/tree"
	(cd "$T/made" && "$PY" "$T/release.py" "$1" && for n in 1 2; do
		tar --format=pax -cf "$T/$n.tar" -C "$n" pkg
	done)
	unpack 1
	import_it >"$T/said" 2>&1
}

# --- what comes with one release, and fits the next one's source ---------------------------------
while IFS='|' read -r how what; do
	first "$how"
	is "$(ls "$T/tree/$pyc" 2>&1 | grep -c "No such file")" 1 "an import deletes $what in the place of its bytecode"
	unpack 2
	import_it >>"$T/said" 2>&1
	is "$(xargs <"$T/said")" "release 1 release 2" "$what, which the next release makes bytecode of its source, is not run"
done <<'END'
file|bytecode of another source
data|a link to a file
data-hash|a link to a file that gets an unchecked hash
data-gone|a link that leads nowhere
data-below|a link that leads below a file
END
# The library reuses bytecode of the same content: there is nothing to compile.
first data-gone
victim sh -c 'mkdir other && cp -p pkg/m.py other && cp -rP pkg/__pycache__ other'
rm -f "$T/tree/other/__pycache__"/*
as "$VICTIM" ln -s ../../pkg/data/x "$T/tree/other/__pycache__/m.$TAG.pyc"
victim "$PY" -c "$(imports other)" >"$T/said"
is "$(cat "$T/said") $(find "$T/tree/other/__pycache__" -type l | wc -l)" "release 1 0" "an import that finds its bytecode in the cache deletes such a link, too"

for how in "env PYTHONDONTWRITEBYTECODE=1 $PY" "$PY -B"; do
	# a directory of its own: with an entry, nothing would be reused
	again=again${#how}
	as "$VICTIM" sh -c "cd '$T/tree' && mkdir -p $again/__pycache__ && cp -p pkg/m.py $again && ln -s ../../pkg/data/x $again/__pycache__/m.$TAG.pyc"
	# shellcheck disable=SC2086 # words
	is "$(victim $how -c "$(imports $again)") $(find "$T/tree/$again/__pycache__" -type l | wc -l)" "release 1 1" \
		"an import that writes no bytecode deletes nothing: ${how##*/}"
done

# What an import does not delete, since the directory is a link (docs/limits.md). Python takes a
# header for that of a timestamp if the flag for a hash is not set, whatever the one for checking
# says.
for how in linked linked-2; do
	first "$how"
	unpack 2
	import_it >>"$T/said"
	is "$(xargs <"$T/said")" "release 1 release 2" "forged bytecode that is younger than no entry is not run, whatever its flags are: $how"
done

# --- what programs do to bytecode that is stale ------------------------------------------------
while read -r act; do
	first file
	unpack 2
	PYC=$pyc victim env PYC="$pyc" sh -c "$act" >/dev/null 2>&1
	import_it >>"$T/said" 2>&1
	is "$(xargs <"$T/said")" "release 1 release 2" "forged bytecode of the first release is not run after: $act"
done <<'END'
touch $PYC
truncate -s +0 $PYC
dd of=$PYC conv=notrunc </dev/null
mv $PYC x; mv x $PYC
tar cf x.tar pkg; tar xf x.tar
cp -p $PYC x; cp -p x $PYC
find pkg -type f -exec touch -d @1600000002 {} +
rm -rf $PYC
END
first file
unpack 2
is "$(cd "$T/tree" && as "$VICTIM" "$PY" -B -c "$(imports pkg)")" "release 2" \
	"forged bytecode of a release that was imported is not run without the library either"
first file
command_of "$VICTIM" "$cache" purge --all >/dev/null
unpack 2
is "$(import_it)" "release 2" "forged bytecode of a release that was imported is not run after a purge"

# --- a link to a file of the victim's own --------------------------------------------------------
while read -r act; do
	first link
	victim env PYC="$pyc" PY="$PY" sh -c "$act" >"$T/said" 2>&1
	is "$? $(stat -c %a "$T/tree/private") $(cat "$T/tree/private") $(grep -c precious "$T/said")" "0 600 precious 0" \
		"the victim's own file, to which a link in the place of bytecode led, is left alone by: $act"
done <<'END'
find pkg -name "*.pyc" -exec chmod 644 {} +
echo new >x; cp -p x $PYC
: >$PYC
tar -chf - pkg
$PY -m compileall -q -f pkg
$PY -m py_compile pkg/m.py
$PY -c "import os; [os.chmod(os.path.join(d, f), 0o644) for d, _, fs in os.walk('pkg') for f in fs]"
END

# --- what stays ------------------------------------------------------------------------------------
first file
unpack 1
chmod 500 "$T/tree/pkg/__pycache__"
is "$(import_it) $(wc -c <"$T/tree/$pyc")" "release 1 $(wc -c <"$T/made/1/$pyc")" "what the victim cannot delete stays, and the import succeeds"
first file
as "$VICTIM" rm "$T/tree/$pyc" 2>/dev/null
as "$VICTIM" sh -c "cd '$T/tree' && mkdir -p pkg/__pycache__ && $PY -m compileall -q pkg"
sleep 0.05
as "$VICTIM" touch -d @1600000001 "$T/tree/pkg/m.py"
rm -rf "$cache"
is "$(import_it) $(ls "$T/tree/$pyc")" "release 1 $T/tree/$pyc" "bytecode that Python alone would use stays, whatever the library thinks of it"
first file
unpack 1
victim env PYTHONPYCACHEPREFIX="$T/$VICTIM/prefix" "$PY" -c "$(imports pkg)" >/dev/null
is "$(wc -c <"$T/tree/$pyc")" "$(wc -c <"$T/made/1/$pyc")" "with PYTHONPYCACHEPREFIX, the tree's bytecode stays"

# --- numba's index, which is code ------------------------------------------------------------------
first file
index=pkg/__pycache__/m.f-1.py${TAG#cpython-}.nbi
victim "$PY" -c "import os
open('$index', 'wb').write(b'forged')"
as "$VICTIM" sh -c "rm -f '$T/tree/$index'; echo forged >'$T/tree/$index'"
victim "$PY" -c "import os
with open('$index.tmp.0123456789abcdef', 'wb') as f: f.write(b'own')
os.replace('$index.tmp.0123456789abcdef', '$index')"
command_of "$VICTIM" "$cache" purge --all >/dev/null
is "$(cat "$T/tree/$index" 2>&1 | grep -c forged)" 0 "numba's index that numba has replaced does not come back after a purge"
done_testing
