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
done_testing
