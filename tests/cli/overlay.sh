#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A cache that comes from a lower layer of an overlay, as one in a container's image does. The
# kernel does not rename directories there (EXDEV), and the command deletes them all the same.
namespace=(unshare --mount --propagation private)
if [ "${1:-}" != inside ] && "${namespace[@]}" mount -t tmpfs none /mnt 2>/dev/null; then
	exec "${namespace[@]}" "$0" inside
fi
. "$(dirname "$0")/made.sh"

V=$CACHE/v1
lower=$T/lower
export LC_ALL=C # for patterns of find, which else pass over names that are no UTF-8
pycs() { find "$V" -path "$V/.*" -prune -o -path "*$1*" -name '*.pyc' -printf x | wc -c; }
field() { # EXPRESSION: of x, the JSON on stdin
	python3 -c 'import json, sys; x = json.load(sys.stdin); print(*eval("[" + sys.argv[1] + "]"))' "$1"
}
trash() { find "$V/.trash" -mindepth 1 2>/dev/null; }

mv "$CACHE" "$lower"
mkdir -p "$CACHE" "$T/upper"
again() { # as it was made, in the lower layer; what is written goes to a tmpfs
	! mountpoint -q "$CACHE" || umount "$CACHE" "$T/upper"
	mount -t tmpfs none "$T/upper" && mkdir -m 700 "$T/upper/files" "$T/upper/work" &&
		mount -t overlay -o "lowerdir=$lower,upperdir=$T/upper/files,workdir=$T/upper/work,redirect_dir=off" none "$CACHE"
}
if [ "${1:-}" != inside ] || ! again; then
	skip_all "a cache in a lower layer of an overlay" "this needs root and overlays"
fi
is "$(python3 -c 'import errno, os, sys
try:
    os.rename(sys.argv[1], sys.argv[1] + ".new")
except OSError as error:
    print(errno.errorcode[error.errno])' "$V/$TAG")" EXDEV "(the kernel does not rename a directory of a lower layer)"

# --- purge ------------------------------------------------------------------------------
# purges SENTENCE PATTERN OPTION…: deletes exactly the bytecode of that pattern
purges() {
	local sentence=$1 pattern=$2 before want code
	shift 2
	again
	before=$(pycs /) want=$("$PYCSTASH" purge -n --json "$@" | field 'x["files"]')
	"$PYCSTASH" purge --json "$@" >"$T/out" 2>"$T/err"
	code=$?
	is "$code $(field 'x["files"], x["failed"], x["complete"]' <"$T/out") $(cat "$T/err")" "0 $want 0 True " \
		"where directories cannot be renamed, $sentence counts what it deletes"
	is "$(pycs "$pattern") $(pycs /) $(trash)" "0 $((before - want)) " "where directories cannot be renamed, $sentence deletes all of it, and nothing else"
}
purges "purge --all" / --all
is "$(ls "$V")" CACHEDIR.TAG "where directories cannot be renamed, purge --all leaves no version"
purges "purge --tag" "/$TAG/" --tag "$TAG"
check "where directories cannot be renamed, purge --tag leaves no empty version" test ! -e "$V/$TAG"
import_all "${PYTHONS[0]}"
is "$(pycs "/$TAG/tree/")" "$COUNT" "the interpreter creates a version again that was purged from above a lower layer"
purges "purge --path" "/tree$S/pkg/" --path "$S/pkg"
check "where directories cannot be renamed, purge --path leaves no empty tree" test ! -e "$V/$TAG/tree$S/pkg"
purges "purge --no-reclaim" "/tree$S/pkg/" --no-reclaim --path "$S/pkg"

again
"$PYCSTASH" stats >"$T/out"
counted_off "a version that is deleted file by file" "$PYCSTASH" purge -q --tag "$TAG"

mkdir "$T/outside" && echo precious >"$T/outside/file"
ln -s "$T/outside" "$lower/v1/$TAG/tree$S/pkg/link"
again
"$PYCSTASH" purge -q --path "$S/pkg"
is "$(cat "$T/outside/file") $(pycs "/tree$S/pkg/")" "precious 0" "purge follows no link in a tree that it deletes file by file"
rm "$lower/v1/$TAG/tree$S/pkg/link"

again
mount -t tmpfs none "$V/$TAG/tree$S/pkg/sub" && echo precious >"$V/$TAG/tree$S/pkg/sub/file"
is "$(status_of "$PYCSTASH" purge -q --path "$S/pkg") $(cat "$V/$TAG/tree$S/pkg/sub/file")" "3 precious" \
	"purge deletes nothing on a file system that is mounted in a tree that it deletes file by file, and says so"
umount "$V/$TAG/tree$S/pkg/sub"
is "$(status_of "$PYCSTASH" purge -q --path "$S/pkg") $(find "$V" -path "*/tree$S/pkg")" "0 " "purge deletes what an earlier one has left of a tree"

for i in $(seq 200); do mkdir -p "$lower/v1/$TAG/tree/d$i/e/f" && touch "$lower/v1/$TAG/tree/d$i/e/f/file"; done
again
(
	for _ in $(seq 10); do import_all "${PYTHONS[0]}" 2>>"$T/said" || echo failed; done >"$T/log"
	touch "$T/over"
) &
while [ ! -e "$T/over" ]; do "$PYCSTASH" purge -q --tag "$TAG" 2>"$T/err" || cat "$T/err" >>"$T/said"; done
wait
is "$(cat "$T/log" "$T/said")" "" "interpreters that run during a purge file by file do not fail, and it succeeds"
is "$(find "$S" -name __pycache__)" "" "interpreters that run during a purge file by file write nothing beside the sources"
rm -r "$lower/v1/$TAG/tree"/d*

# --- gc and verify ------------------------------------------------------------------------
again
orphans=$(pycs "/tree$S/pkg/")
mv "$S/pkg" "$T/pkg"
"$PYCSTASH" gc --json --orphan-grace 0s >"$T/out" 2>"$T/err"
is "$? $(field 'x["failed"], [r["files"] for r in x["rules"] if r["rule"] == "orphans"]' <"$T/out") $(cat "$T/err")" "0 0 [$orphans] " \
	"where directories cannot be renamed, gc counts the entries of a missing directory that it deletes"
is "$(pycs "/tree$S/pkg/") $(trash)" "0 " "where directories cannot be renamed, gc deletes the entries of a missing directory"
mv "$T/pkg" "$S/pkg"

entry=$("$PYCSTASH" path --tag "$TAG" "$S/top.py" | head -1)
folder=$lower/${entry#"$CACHE/"}
rm "$folder" && mkdir -p "$folder/more" && touch "$folder/more/file"
again
is "$(status_of "$PYCSTASH" verify --deep)" 1 "(a folder in the place of bytecode is found in a lower layer)"
"$PYCSTASH" verify --deep --repair >"$T/out" 2>"$T/err"
check "where directories cannot be renamed, verify --repair deletes a folder in the place of bytecode" test ! -e "$entry"
is "$(status_of "$PYCSTASH" verify --deep) $(cat "$T/err") $(trash)" "0  " "where directories cannot be renamed, a cache is good after verify --repair"
umount "$CACHE" "$T/upper"
done_testing
