#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A look that fails is no state: what the command cannot look at is not taken for gone, damaged,
# stale or without a source. It passes no filter, is not deleted, and is named; the command ends
# with 3.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

S=$T/src/pkg PY=/usr/bin/python3
mkdir -p "$S" "$T/src/other"
for i in 1 2 3; do echo "x = $i" >"$S/m$i.py"; echo "y = $i" >"$T/src/other/n$i.py"; done
export PYCSTASH_DIR=$CACHE
warm() { "$PYCSTASH" warm -q --python "$PY" "$T/src"; }
warm
TAG=$("$PY" -c 'import sys; print(sys.implementation.cache_tag)')
count() { find "$PYCSTASH_DIR/v1" -name '*.pyc' -not -path '*/.trash/*' | wc -l; }
entry=$(find "$CACHE/v1" -path "*/tree$S/*/m1.$TAG.pyc")
ALL=$(count)
is "$ALL" 12 "there are six entries and their objects"
cp -a "$CACHE" "$T/snapshot"
again() { rm -rf "$CACHE" && cp -a "$T/snapshot" "$CACHE"; }

# --- a folder of the cache that can be listed, but not searched --------------------------
theirs=$T/theirs
mkdir "$theirs" && cp -a "$CACHE" "$theirs/c"
[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$theirs"
chmod 755 "$T"
as_user chmod 600 "$(dirname "$theirs/c${entry#"$CACHE"}")"
closed() {
	as_user env HOME="$theirs" PYCSTASH_DIR="$theirs/c" "$PYCSTASH" "$@" >"$T/out" 2>"$T/err"
	echo "$? $(grep -q "pkg/__pycache__/m1.*Permission denied" "$T/err" && echo named)"
}
if as_user test -x "$PYCSTASH" && [ "$(PYCSTASH_DIR=$theirs/c count)" -gt 0 ]; then
	is "$(closed export "$theirs/all")" "3 named" "export names the files of a folder that cannot be searched, and ends with 3"
	is "$(closed du)" "3 named" "du names the files of a folder that cannot be searched, and ends with 3"
	is "$(closed gc)" "3 named" "gc names the files of a folder that cannot be searched, and ends with 3"
	is "$(closed ls -l)" "3 named" "ls names the files of a folder that cannot be searched, and ends with 3"
	is "$(closed purge --path "$S/m1.py")" "3 named" "purge --path does not say that it deleted a file that it cannot look at"
	is "$(closed purge --older-than 0s --path "$T/src")" "3 named" "purge by age names the files that it cannot look at"
else
	skip "folders that cannot be searched" "an ordinary user cannot run the command"
fi

# --- errors of single calls ---------------------------------------------------------------
strace -o "$T/trace" true 2>/dev/null || skip_all "a look that fails is no state" "strace does not work here"
# failing ERROR PATH COMMAND…: each open of that path, or of its name in a directory, fails. Prints
# the status, whether stderr names it, and how many pycs are left.
failing() {
	local error=$1 path=$2 name
	shift 2
	name=$(basename "$path")
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$T/trace" -P "$path" -P "$name" -P "${path#"$PYCSTASH_DIR"/v1/}" \
		-e trace=open,openat,openat2 -e inject=open,openat,openat2:error="$error" \
		"$PYCSTASH" "$@" >"$T/out" 2>"$T/err"
	echo "$? $(grep -q "${name%%.*}" "$T/err" && echo named) $(count)"
}
"$PYCSTASH" export -q "$T/whole"
for error in EMFILE EIO; do
	again
	is "$(failing $error "$entry" purge -q --state damaged,stale,orphan)" "3 named $ALL" "purge deletes no file as damaged that it cannot open: $error"
	is "$(failing $error "$entry" purge -q --state fresh)" "3 named 1" "purge by state names the file that it cannot open: $error"
	again
	is "$(failing $error "$entry" ls --state damaged) $(wc -l <"$T/out")" "3 named $ALL 0" "ls lists no file as damaged that it cannot open: $error"
	is "$(failing $error "$entry" ls --state fresh) $(wc -l <"$T/out")" "3 named $ALL 5" "ls by state names the file that it cannot open: $error"
	is "$(failing $error "$entry" ls -l "$S/m1.py") $(grep -c unknown "$T/out")" "3 named $ALL 1" "ls calls a state unknown that it cannot look at: $error"
	is "$(failing $error "$entry" export "$T/archive" | cut -d' ' -f1-2)" "3 named" "export names the file that it cannot open: $error"
	inode=$(stat -c %i "$entry")
	is "$(failing $error "$entry" import "$T/whole" | cut -d' ' -f1,3) $(stat -c %i "$entry")" "3 $ALL $inode" "import replaces no entry that it cannot open: $error"
	is "$(failing $error "$entry" verify --repair)" "3  $ALL" "verify deletes no file that it cannot open: $error"
	check "verify calls a file unreadable that it cannot open: $error" grep -q "^unreadable .*m1" "$T/out"
done

# The source decides, and cannot be looked at.
find "$T/src" -name '*.py' -exec touch {} +
if as_user test -x "$PYCSTASH" && [ "$(PYCSTASH_DIR=$theirs/c count)" -gt 0 ]; then
	as_user chmod 700 "$(dirname "$theirs/c${entry#"$CACHE"}")"
	as_user chmod 0 "$theirs/c${entry#"$CACHE"}"
	is "$(closed gc)" "0 " "for gc, a file that is closed to its owner is no failure"
fi
for error in EMFILE EIO; do
	again
	is "$(failing $error "$S/m1.py" purge -q --state stale,orphan,unsealed)" "3 named $ALL" "purge deletes no entry as stale whose source it cannot open: $error"
	is "$(failing $error "$S/m1.py" ls --state stale,orphan) $(wc -l <"$T/out")" "3 named $ALL 0" "ls lists no entry as stale whose source it cannot open: $error"
	is "$(failing $error "$S/m1.py" verify --deep --repair)" "3 named $ALL" "verify --deep --repair keeps an entry whose source it cannot open: $error"
	check "verify calls an entry unreadable whose source it cannot open: $error" grep -q "^unreadable .*m1" "$T/out"
	is "$(failing $error "$S/m1.py" export --public-only "$T/archive" | cut -d' ' -f1-2)" "3 named" "export --public-only names a pyc whose source it cannot open: $error"
	is "$(failing $error "$S/m1.py" gc)" "3 named $ALL" "gc keeps an entry whose source it cannot open: $error"
done
again
is "$(failing EMFILE "$S" gc) $(grep -c "$S: cannot be looked at" "$T/err")" "3 named $ALL 1" "gc keeps the entries of a directory that it cannot open"

# --- what came from a pack ----------------------------------------------------------------
"$PYCSTASH" push -q "file:$T/store"
digest=$(basename "$T"/store/packs/*.tar.zst .tar.zst)
object=$(cd "$CACHE/v1" && find . -path '*/objects/*' -name '*.pyc' | head -1)
is "$(failing EMFILE "${object#./}" push -q --compact 1d "file:$T/second" | cut -d' ' -f1-2)" "3 named" "push names the object that it cannot open"
export PYCSTASH_DIR=$T/pulled
is "$(failing EMFILE "$S/m1.py" pull -q --for "$T/src" "file:$T/store" | cut -d' ' -f1-2)" "3 named" "pull --for names the source that it cannot open"
"$PYCSTASH" pull -q "file:$T/store" && warm
entry=$(find "$PYCSTASH_DIR/v1" -path "*/tree$S/*/m1.$TAG.pyc")
is "$(count)" 12 "entries were made from the objects of a pack"
is "$(failing EMFILE "$entry" purge -q --from-pack "$digest")" "3 named 1" "purge --from-pack names the entry that it cannot open"
is "$(failing ENOENT "$T/none" purge -q --from-pack "$digest")" "0  0" "purge --from-pack deletes at the next run what it could not open"
export PYCSTASH_DIR=$CACHE
is "$(failing EMFILE "$CACHE/v1/.state/packs" purge -q --from-pack "$digest" | cut -d' ' -f1,3)" "3 $ALL" "purge --from-pack says that it cannot read the records"

# --- interpreters -------------------------------------------------------------------------
is "$(failing EMFILE "$(readlink -f "$PY")" purge -q --not-installed) $(grep -qF "$(readlink -f "$PY"): cannot be looked at" "$T/err" && echo whole)" "3 named $ALL whole" "purge --not-installed deletes nothing if it cannot look at an interpreter"
ln -s "$S/m1.py" "$T/src/other/l1.py"
is "$(failing EMFILE "$T/src/other/l1.py" warm --python "$PY" "$T/src/other" | cut -d' ' -f1-2)" "3 named" "warm names a link that it cannot look at"
done_testing
