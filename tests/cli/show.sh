#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash show: what it says about pycs agrees with Python and with a second reader of the
# format.
. "$(dirname "$0")/../lib/tap.sh"

export PYCSTASH_DIR=$CACHE
chmod 755 "$T"
show() { "$PYCSTASH" show "$@"; }
get() { # EXPRESSION: of x, the first object on stdin
	python3 -c 'import json, sys
x = json.loads(sys.stdin.readline())
print(eval("(" + sys.argv[1] + ")"))' "$1"
}
count() { show --json "$@" 2>/dev/null | wc -l; }
D=$T/tree
mkdir "$D"
cat >"$D/m.py" <<'END'
"""A module with a bit of everything."""
import os
NUMBERS = (1, 2.5, 3j, 10**40, -7, "é", b"x", None, True, ..., frozenset({1, 2}))
class C:
    x = [i for i in range(3) if i in {1, 2, 3}]
    def m(self, a, b=1, *c, d, **e):
        return lambda: (self, a)
async def f(): return {**{}, 'k': 1}
END
sleep 0.03
versions=0
for python in $(interpreters cached); do
	name=$(named "$python")
	tag=$(tag_of "$python")
	rm -rf "$CACHE"
	(cd "$D" && preloaded "$python" -S -c 'import m')
	versions=$((versions + 1))
	said=$(show --json --deep "$D/m.py")
	entry=$CACHE/v1/$tag/tree$D/__pycache__/m.$tag.pyc
	want=$("$python" - "$entry" "$D/m.py" <<'END'
import importlib.util, marshal, os, sys, types
try:
    import _imp
    hash = _imp.source_hash(importlib.util._RAW_MAGIC_NUMBER, open(sys.argv[2], 'rb').read())
except AttributeError:
    try:
        hash = importlib.util.source_hash(open(sys.argv[2], 'rb').read())
    except AttributeError:
        hash = None
data = open(sys.argv[1], 'rb').read()
size = 16 if sys.version_info >= (3, 7) else 12
code = marshal.loads(data[size:-128])
def count(code):
    return 1 + sum(count(c) for c in code.co_consts if isinstance(c, types.CodeType))
print(code.co_name, code.co_filename, code.co_firstlineno, count(code), len(data) - 128 - size,
      importlib.util.MAGIC_NUMBER.hex(), int.from_bytes(data[size - 8:size - 4], 'little'),
      hash.hex() if hash else None)
END
	)
	[ "$("$python" -c 'import sys; print(sys.version_info < (3, 7))')" = True ] && hash=None || hash='x["source"]["hash"]'
	is "$(get "x['code']['name'], x['code']['file_name'], x['code']['first_line'], x['code']['codes'],
x['code']['size'], x['header']['magic'], x['header']['mtime'], $hash" <<<"$said")" \
		"$(python3 -c 'import sys
a = sys.argv[1].split()
print((a[0], a[1], int(a[2]), int(a[3]), int(a[4]), a[5], int(a[6]), None if a[7] == "None" else a[7]))' "$want")" \
		"$name: code, header and hash are what the interpreter itself says"
	is "$(get 'x["state"], x["why"], x["fault"], x["object"]["relation"], x["file"]["links"], x["source"]["fits_header"]' <<<"$said")" \
		"('fresh', None, None, 'same', 2, True)" "$name: the entry is fresh, whole, and one file with its object"
	is "$(get 'x["header"]["interpreter"].replace(".", "").replace(" ", "-").lower()' <<<"$said")" \
		"$(echo "$tag" | sed 's/pypy/pypy-/')" "$name: show prints the interpreter's magic number"
done
[ $versions -gt 0 ] || skip "the versions" "no interpreter"

# --- wherever it lies -------------------------------------------------------------------
python=$(interpreters cached | head -1)
tag=$(tag_of "$python")
rm -rf "$CACHE"
mkdir "$T/other"
cp "$D/m.py" "$T/other/m.py"
(cd "$D" && preloaded "$python" -S -c 'import m')
(cd "$T/other" && preloaded "$python" -S -c 'import m')
entry=$CACHE/v1/$tag/tree$D/__pycache__/m.$tag.pyc
is "$(show --json "$D/m.py")" "$(show --json "$entry")" "show takes an entry by its source or by its own path"
is "$(cd "$D" && show --json "__pycache__/m.$tag.pyc")" "$(show --json "$entry")" "show takes the path at which Python sees an entry"
is "$(show --json --all "$entry" | get 'x["also"]')" "['$CACHE/v1/$tag/tree$T/other/__pycache__/m.$tag.pyc']" \
	"--all lists the other entries with the same content"
object=$(show --json "$entry" | get 'x["object"]["path"]')
is "$(show --json --all "$object" | get 'len(x["also"]), x["kind"], x["object"]["relation"]')" "(2, 'object', 'itself')" \
	"show of an object names all entries that have it"
cp "$entry" "$T/any"
is "$(show --json "$T/any" | get 'x["kind"], x["seal"]["source"], x["state"]')" "('pyc', True, None)" \
	"a pyc under any name is known by its magic number"
"$python" -m py_compile "$D/m.py"
is "$(count "$D/m.py")" 2 "show shows the pyc in the tree beside the cache's"
rm -rf "$D/__pycache__"
is "$(status_of show "$T/nothing.py")" 1 "show ends with 1 for a source without bytecode"
is "$(status_of show)" 2 "show without a file is a usage error"
touch "$T/empty.pyc"
is "$(show --json "$T/empty.pyc" | get 'x["header"]["kind"], x["fault"]')" "('bad', 'it has no pyc header')" "show says that an empty pyc has no header"
mkfifo "$T/fifo.pyc"
is "$(timeout 5 "$PYCSTASH" show "$T/fifo.pyc" 2>/dev/null; echo $?)" 3 "show does not wait for a FIFO"
ln -s /etc/passwd "$(dirname "$entry")/l.$tag.pyc"
is "$(show "$(dirname "$entry")/l.$tag.pyc" 2>/dev/null; echo $?)" 3 "a link that was planted in the cache is not followed"
ln -s "$T/any" "$T/link.pyc"
is "$(show --json "$T/link.pyc" | get 'x["seal"]["source"]')" True "show follows a link outside the cache"

# --- what is wrong ----------------------------------------------------------------------
printf X | dd of="$entry" bs=1 seek=40 conv=notrunc status=none
is "$(show --json "$entry" | get 'x["state"], x["fault"]')" "('damaged', 'not the bytes that were sealed')" "show says that a pyc with a wrong byte is damaged"
echo 'x = 1' >"$T/other/m.py"
is "$(show --json "$T/other/m.py" | get 'x["state"], x["source"]["fits_header"]')" "('stale', False)" "show says that the entry of an edited source is stale"
is "$(show --json "$T/other/m.py" | get 'x["source"]["fits_seal"], "size" in x["seal"]["differs"]')" "(False, True)" \
	"show says that an edited source does not fit the seal, and that its size differs"
check "text has the same fields as JSON, a line for each member" \
	sh -c '"$1" show "$2" | grep -q "^  source .*, fits_header no, fits_seal no$"' - "$PYCSTASH" "$T/other/m.py"
rm "$T/other/m.py"
is "$(show --json "$T/other/m.py" | get 'x["state"], x["source"]["error"]')" "('orphan', 'No such file or directory')" "show says that the entry of a deleted source is an orphan"
new=$(interpreters cached | while read -r each; do
	"$each" -c 'import sys; sys.exit(sys.version_info < (3, 7))' && echo "$each"
done | head -1)
if [ -n "$new" ]; then
	"$new" -c "import py_compile, sys
py_compile.compile('$D/m.py', '$T/hash.pyc', invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)"
	newtag=$(tag_of "$new")
	mkdir "$D/__pycache__"
	cp "$T/hash.pyc" "$D/__pycache__/m.$newtag.pyc"
	rm -rf "$CACHE"
	is "$(show --json "$D/__pycache__/m.$newtag.pyc" | get 'x["header"]["kind"], x["header"]["checked"], x["source"]["fits_header"]')" \
		"('hash', True, None)" "without --deep, show does not say whether the hash in a header fits the source"
	is "$(show --json --deep "$D/__pycache__/m.$newtag.pyc" | get 'x["source"]["hash"] == x["header"]["hash"], x["source"]["fits_header"]')" \
		"(True, True)" "with --deep, an interpreter computes the hash of the source"
	echo >>"$D/m.py"
	is "$(show --json --deep "$D/__pycache__/m.$newtag.pyc" | get 'x["source"]["fits_header"]')" False "the hash in a header does not fit an edited source"
fi
head -c 200000 /dev/urandom >"$T/noise"
printf '\247\r\r\n\0\0\0\0\0\0\0\0\0\0\0\0' | cat - "$T/noise" >"$T/noise.pyc"
is "$(status_of show "$T/noise.pyc")" 0 "show prints a pyc that has only noise after its header"
is "$(show --deep --json "$T/noise.pyc" | get 'x["code"]["known"], bool(x["code"]["fault"])')" "(True, True)" \
	"an interpreter says that it cannot load noise after a header"
echo 'nothing = 1' >"$T/lone.py"
mkdir -p "$T/open" && "$PYCSTASH" run --dir "$T/open" -- true && mkdir -p "$T/open/v1" && chmod 777 "$T/open"
is "$(PYCSTASH_DIR=$T/open status_of show "$T/lone.py") $(PYCSTASH_DIR=$T/open status_of show "$T/noise.pyc") $(status_of show "$T/lone.py")" "12 0 1" \
	"show ends with 12 if it finds nothing and others can write to the cache"
printf '\377\377\r\n\0\0\0\0\0\0\0\0\0\0\0\0N' >"$T/unknown.pyc"
is "$(show --deep "$T/unknown.pyc" 2>&1 >/dev/null; status_of show --deep "$T/unknown.pyc")" \
	"pycstash: $T/unknown.pyc: no interpreter with magic number 65535 was found"$'\n3' \
	"--deep ends with 3 and says so if there is no interpreter"
is "$(show --json "$D/m.py" | get 'x["code"]["known"], x["code"]["fault"]')" "(False, None)" "without --deep, show loads no code"
wild=$T/$'line\nfeed\xff.pyc'
cp "$T/any" "$wild"
is "$(show "$wild" | head -1)" "$T/line\\nfeed\\xff.pyc" "a name with a line feed forges no line"
is "$(show --json "$wild" | python3 -c 'import json, os, sys
print(os.fsencode(json.loads(sys.stdin.readline())["path"]) == os.fsencode(sys.argv[1]))' "$wild")" True "a name with a line feed is exact in JSON"
done_testing
