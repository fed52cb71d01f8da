#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The command, with two releases of CPython that have one magic number and compile differently
# (tests/library/releases.sh): it agrees with the library about what serves which of them.
. "$(dirname "$0")/../lib/tap.sh"

read -r old new < <(pair)
[ -n "${new:-}" ] || skip_all "two releases of one magic number" "there are no two releases of one minor version"
of_old=$("$old" -V) of_new=$("$new" -V) tag=$(tag_of "$new")
export PYCSTASH_DIR=$CACHE
chmod 755 "$T"
D=$T/tree

begin() { # DIR…: sources of the same content, and no cache
	local dir
	rm -rf "$CACHE"
	for dir; do
		rm -rf "$dir" && mkdir -m 700 "$dir"
		printf 'def f(x, y):\n    a, a = x, y\n    return a\n' >"$dir/m.py"
		touch -d '1 hour ago' "$dir/m.py"
	done
	sleep 0.03
}
warm() { "$PYCSTASH" warm --json --python "$1" "$2" | python3 -c 'import json, sys
x = json.loads(sys.stdin.readlines()[-1])
print({k: x[k] for k in ("compiled", "resealed", "reused", "fresh") if x.get(k)})'; }
explained() { "$PYCSTASH" explain --json --python "$1" "$D/m.py" | python3 -c 'import json, sys
x = json.loads(sys.stdin.readline())
print(x["what"] + (" (" + x["why"] + ")" if x["why"] else ""))'; }
decided() { # PYTHON: what the library decides
	rm -f "$T/log"
	preloaded PYCSTASH_LOG="$T/log" "$1" -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$D"
	sed -nE "s,^[^:]*: ([^:]*): [^ ]*/__pycache__/m\.$tag\.pyc( .*)?\$,\1\2,p" "$T/log" | head -1
}
agrees() { # SENTENCE PYTHON WANT
	is "explain: $(explained "$2"); library: $(decided "$2")" "explain: $3; library: $3" "$1: $3"
}
another="miss (compiled by another release of the interpreter)"

begin "$D"
decided "$old" >/dev/null
agrees "an entry of $of_old, for $of_new and the very source" "$new" "hit"
touch "$D/m.py"
agrees "an entry of $of_old, for $of_new and a touched source" "$new" "$another"
touch "$D/m.py"
agrees "an entry of $of_new, for it and a touched source" "$new" "hit (re-sealed)"
begin "$D" "$T/b"
"$PYCSTASH" warm -q --python "$old" "$T/b"
is "$("$PYCSTASH" explain --python "$new" "$D/m.py" | grep -c '^warn *object.* compiled by another release')" 1 \
	"explain names an object of another release"
agrees "an object of $of_old, for $of_new" "$new" "miss (no entry)"
rm "$CACHE/v1/$tag/tree$D/__pycache__/m.$tag.pyc"
agrees "an object of $of_new, for it" "$new" "reused from object"

# --- warm -------------------------------------------------------------------------------
begin "$D" "$T/b"
"$PYCSTASH" warm -q --python "$old" "$D"
is "$("$PYCSTASH" warm --python "$new" "$T/b" 2>&1 | grep -c '1 compiled')" 1 "warm compiles for $of_new what $of_old has compiled elsewhere"
is "$("$PYCSTASH" warm --python "$new" "$D" 2>&1 | grep -c '0 compiled')" 1 "warm compiles nothing for $of_new where the very source has an entry of $of_old"
touch "$D/m.py"
is "$(preloaded "$new" -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.f(1, 2))' "$D")" \
	"$("$new" -B -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.f(1, 2))' "$T/b")" "$of_new runs what it has compiled after \`warm\` by $of_old"

# --- verify --deep ----------------------------------------------------------------------
# claim FILE N: makes its seal say that the release N has compiled it
claim() {
	python3 - "$HERE/tests/library" "$1" "$2" <<-'END'
		import struct, sys
		sys.path.insert(0, sys.argv[1])
		sys.dont_write_bytecode = True
		from check import checksum
		data = bytearray(open(sys.argv[2], "rb").read())
		flags, = struct.unpack_from("<I", data, len(data) - 116)
		struct.pack_into("<I", data, len(data) - 116, flags & ~0xF0 | int(sys.argv[3]) << 4)
		struct.pack_into("<Q", data, len(data) - 8, checksum(bytes(data[-128:-8]), 0))
		open(sys.argv[2], "wb").write(data)
	END
}
release() { "$1" -c 'import sys; print(1 + sys.version_info[2] % 15)'; }
counted() {
	"$PYCSTASH" verify --deep --json 2>"$T/err" | tail -1 | python3 -c 'import json, sys
x = json.loads(sys.stdin.readline())
print(x["compared"], x["different"], x["uncompared"])'
}
begin "$D" "$T/b"
PYCSTASH_SHARE=0 "$PYCSTASH" warm -q --python "$old" "$D"
PYCSTASH_SHARE=0 "$PYCSTASH" warm -q --python "$new" "$T/b"
PATH=$(dirname "$new"):$(dirname "$old"):$PATH
is "$(counted)" "2 0 0" "verify --deep compiles each pyc with the release that has compiled it"
entry=$CACHE/v1/$tag/tree$D/__pycache__/m.$tag.pyc
differ=$("$old" -c 'import marshal, sys; print(marshal.dumps(compile(open(sys.argv[1]).read(), "", "exec")).hex())' "$D/m.py")
[ "$differ" != "$("$new" -c 'import marshal, sys; print(marshal.dumps(compile(open(sys.argv[1]).read(), "", "exec")).hex())' "$D/m.py")" ] ||
	skip_all "verify --deep tells the code of two releases" "$of_old and $of_new compile alike"
claim "$entry" "$(release "$new")"
is "$(counted)" "2 1 0" "verify --deep calls different what its release does not compile, though another does"
unknown=1
while [ "$unknown" = "$(release "$new")" ] || [ "$unknown" = "$(release "$old")" ]; do unknown=$((unknown + 1)); done
claim "$entry" $unknown
is "$(counted)" "2 0 0" "verify --deep accepts what another release than that of the seal compiles"
"$new" "$HERE/tests/library/forge.py" "$D/m.py" "$entry" 'x = 3'
is "$(counted)" "2 1 0" "verify --deep calls different what none of the interpreters compiles"
claim "$entry" $unknown
is "$(counted); $(grep -c 'not checked: another release of its interpreter' "$T/err")" "1 0 1; 1" \
	"verify --deep does not check what a release that is not found may have compiled differently"

# --- packs ------------------------------------------------------------------------------
begin "$D"
"$PYCSTASH" warm -q --python "$old" "$D"
"$PYCSTASH" push -q "$T/store" >"$T/out" 2>&1
rm -rf "$CACHE"
if "$PYCSTASH" pull -q "$T/store" 2>/dev/null && [ -d "$CACHE/v1/$tag/objects" ]; then
	is "$(decided "$new")" "miss (no entry)" "a pack's object of $of_old does not serve $of_new"
	rm -rf "$CACHE"
	"$PYCSTASH" pull -q "$T/store"
	is "$(decided "$old")" "reused from object" "a pack's object of $of_old serves $of_old"
else
	skip "a pack's object keeps the release" "$(head -1 "$T/out")"
fi

done_testing
