#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash verify: finds every wrong byte, the entry that would be served for another source,
# and the one that is not what the interpreter compiles; and reports nothing else.
. "$(dirname "$0")/../lib/tap.sh"

export PYCSTASH_DIR=$CACHE
chmod 755 "$T"
verify() { "$PYCSTASH" verify "$@"; }
summary() { # EXPRESSION: of x, the summary on stdin
	tail -1 | python3 -c 'import json, sys
x = json.loads(sys.stdin.readline())
print(eval("(" + sys.argv[1] + ")"))' "$1"
}
problems() { verify "$@" 2>/dev/null | sed -n 's/^\([a-z]*\) .*/\1/p' | grep -v '^[0-9]' | sort | tr '\n' ' '; }
D=$T/tree
feed() { # INTERPRETER… : a cache with m, n and p.q of each, and m again from another place
	local each
	rm -rf "$CACHE" "$D" "$T/other"
	mkdir -p "$D/p" "$T/other"
	echo 'x = 1' | tee "$D/m.py" >"$T/other/m.py"
	printf 'import os\ndef f(a, b={1, 2}):\n\treturn lambda: (a, -0.0, 10 ** 5000)\n' >"$D/n.py"
	: >"$D/p/__init__.py"
	echo 'class C: pass' >"$D/p/q.py"
	sleep 0.03
	for each; do
		(cd "$D" && preloaded "$each" -S -c 'import m, n, p.q')
		(cd "$T/other" && preloaded "$each" -S -c 'import m')
	done
}
mapfile -t pythons < <(differing)
if [ ${#pythons[@]} = 0 ]; then
	skip_all "verify" "no interpreter"
fi
python=${pythons[0]} tag=$(tag_of "${pythons[0]}")

# --- a good cache -----------------------------------------------------------------------
feed "${pythons[@]}"
n=${#pythons[@]}
is "$(verify --json | summary 'x["entries"], x["good"] == x["entries"] + x["objects"], x["damaged"], x["complete"]')" \
	"($(entries | wc -l), True, 0, True)" "all entries and objects of $n interpreters are good"
is "$(status_of verify)" 0 "verify ends with 0 where all is good"
is "$(verify --deep --json 2>&1 | summary 'x["compared"], x["uncompared"], x["different"]')" "($((9 * n)), 0, 0)" \
	"--deep: every interpreter compiles the same again"
touch "$D/m.py"
echo 'x = 2' >"$D/n.py"
rm "$D/p/q.py"
is "$(status_of verify)" 0 "an entry whose source was touched, edited or deleted is not a finding"
is "$(verify --json "$D/p" | summary 'x["entries"], x["objects"]')" "($((2 * n)), 0)" "verify of a directory checks its entries"
is "$(verify --json --tag "$tag" | summary 'x["entries"]')" 5 "verify --tag checks the entries of that version"

# --- every byte -------------------------------------------------------------------------
cat >"$T/flip.py" <<'END'
# Flips a bit of each byte of a file in turn, and counts how many verify finds and names.
import os, subprocess, sys
path, verify = sys.argv[1], sys.argv[2:]
data = open(path, 'rb').read()
missed, flipped = [], 0
for at in range(len(data)):
    with open(path, 'r+b') as file:
        file.seek(at)
        file.write(bytes([data[at] ^ (1 << at % 8)]))
    run = subprocess.run(verify, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    flipped += 1
    if run.returncode != 1 or not run.stdout.startswith(b'damaged    ' + os.fsencode(path) + b': '):
        missed.append(at)
    with open(path, 'r+b') as file:
        file.seek(at)
        file.write(data[at:at + 1])
print(flipped == len(data) > 128, missed)
END
for each in "${pythons[@]}"; do
	feed "$each"
	entry=$CACHE/v1/$(tag_of "$each")/tree$D/__pycache__/m.$(tag_of "$each").pyc
	# An entry and an object as separate files; usually they are one file.
	object=$("$PYCSTASH" show --json "$entry" | summary 'x["object"]["path"]')
	cp "$entry" "$T/copy"
	rm -rf "$T/away"
	mv "$(dirname "$(dirname "$(dirname "$object")")")" "$T/away"
	mv "$T/copy" "$entry"
	rm -rf "$CACHE/v1/$(tag_of "$each")/tree$D/p" "$CACHE/v1/$(tag_of "$each")/tree$T"/other \
		"$CACHE/v1/$(tag_of "$each")/tree$D/__pycache__"/n.*
	is "$(python3 "$T/flip.py" "$entry" "$PYCSTASH" verify)" "True []" "$(named "$each"): a bit in any byte of an entry is found"
	mkdir -p "$(dirname "$object")"
	mv "$entry" "$object"
	is "$(python3 "$T/flip.py" "$object" "$PYCSTASH" verify)" "True []" "$(named "$each"): verify finds a flipped bit in any byte of an object"
done

# --- what else can be wrong --------------------------------------------------------------
feed "$python"
entry=$CACHE/v1/$tag/tree$D/__pycache__/m.$tag.pyc
object=$("$PYCSTASH" show --json "$entry" | summary 'x["object"]["path"]')
truncate -s -1 "$entry"
is "$(problems)" "damaged damaged " "a truncated entry, and the object that is the same file, are damaged"
is "$(status_of verify)" 1 "verify ends with 1 where something is damaged"
is "$(status_of verify --repair)" 1 "--repair says what it deleted: 1"
is "$([ -e "$entry" ] || [ -e "$object" ] || echo gone)" gone "--repair deletes a damaged entry and its object"
is "$(status_of verify)" 0 "verify finds nothing after --repair"
(cd "$D" && preloaded "$python" -S -c 'import m')
is "$([ -e "$entry" ] && echo there)" there "the next import writes an entry again that --repair deleted"

feed "$python"
cp -p "$object" "$T/object"
rm "$object"
other=$(find "$CACHE" -path '*/objects/*.pyc' | head -1)
mv "$T/object" "$other"
is "$(verify | grep -c "^damaged *$other: its name is another source's digest")" 1 "an object with the name of another is damaged"

feed "$python"
# A source with other content but the seal's identity, as after a wrong clock.
python3 - "$entry" "$D/m.py" "$HERE/tests/library" <<'END'
import os, struct, sys
path, source = sys.argv[1:3]
sys.path.insert(0, sys.argv[3])
sys.dont_write_bytecode = True
from check import checksum
data = bytearray(open(path, 'rb').read())
open(source, 'w').write('x = 9')
open(source, 'a').write('\n')
st = os.stat(source)
seal = bytearray(data[-128:])
seal[24:64] = struct.pack('<QQqqII', st.st_size, st.st_ino, st.st_ctime_ns // 10**9, st.st_mtime_ns // 10**9,
                          st.st_ctime_ns % 10**9, st.st_mtime_ns % 10**9)
seal[120:] = struct.pack('<Q', checksum(bytes(seal[:120]), 0))
data[-128:] = seal
size = 12 if struct.unpack('<H', data[:2])[0] < 3392 else 16
data[size - 8:size] = struct.pack('<II', int(st.st_mtime) & 0xffffffff, st.st_size)
os.unlink(path)
open(path, 'wb').write(data)
END
is "$(problems)" "wrong " "an entry that is sealed for the source but was compiled from other content is wrong"
is "$(verify --repair | grep -c '^wrong .*; deleted$')" 1 "--repair deletes a wrong entry"

feed "$python"
# Bytecode of another source under a valid seal, as a hook makes it under the stock name.
(cd "$T/other" && echo 'y = "hooked"' >h.py && cat >hook.py <<'END' && preloaded "$python" -S -c 'import hook, m'
import importlib.machinery
def compiled(self, data, path, **rest):
    return compile(data.replace(b'x = 2', b'x = 3'), path, 'exec', dont_inherit=True)
importlib.machinery.SourceFileLoader.source_to_code = compiled
END
)
is "$(problems --deep)" "" "--deep accepts bytecode of a hook that changes nothing"
(cd "$T/other" && echo 'x = 2' >m.py && sleep 0.03 && preloaded "$python" -S -c 'import hook, m')
is "$(problems)" "" "bytecode of changed text under the stock name is whole"
is "$(problems --deep)" "different different " "--deep finds bytecode of changed text under the stock name, and its object"
is "$(verify --deep | grep -c 'different .*co_consts of <module>')" 2 "--deep says where bytecode differs"
hooked=$("$PYCSTASH" show --json "$T/other/m.py" | summary 'x["object"]["path"]')
is "$(verify --deep --repair --json | summary 'x["different"], x["repaired"]')" "(2, 2)" "--repair deletes it, and its object"
is "$([ -e "$hooked" ] || echo gone)" gone "--repair deletes the object of an entry that differs, so that nobody else gets it"
is "$(verify --deep --json | summary 'x["different"], x["uncompared"]')" "(0, 0)" "verify finds nothing after --repair"

# A codec that a program brings along compiles for nobody else.
feed "$python"
(cd "$T/other" && printf '# coding: ours\nx = 4\n' >coded.py && cat >ours.py <<'END' && preloaded "$python" -S -c 'import ours, coded'
import codecs
codecs.register(lambda name: codecs.CodecInfo(codecs.utf_8_encode, codecs.utf_8_decode, name="ours") if name == "ours" else None)
END
)
is "$(problems --deep) $(status_of verify --deep) $(verify --deep 2>&1 | grep -c 'coded.*: not checked: its source does not compile')" " 3 1" \
	"--deep does not call bytecode different if only its program has the codec of its source"
cat >"$T/other/spoil.py" <<'END'
# The compiler of a program that accepts what no other does.
import importlib.machinery
importlib.machinery.SourceFileLoader.source_to_code = lambda self, data, path, **rest: compile(b'x = 5', path, 'exec', dont_inherit=True)
END
(cd "$T/other" && printf '# coding: latin-1\nx ==== 4\n' >spoilt.py && preloaded "$python" -S -c 'import spoil, spoilt')
is "$(verify --deep 2>/dev/null | grep -c '^different .*spoilt.*: its source does not compile')" 1 \
	"--deep calls bytecode different if its source does not compile, and names no such codec"

# --- objects, and what cannot be compiled again -------------------------------------------
# Bytecode of another source, sealed as if it were compiled from this one, in an object.
cat >"$T/forge.py" <<'END'
import marshal, struct, sys
sys.path.insert(0, sys.argv[2])
sys.dont_write_bytecode = True
from check import checksum
data = open(sys.argv[1], 'rb').read()
size = 16 if sys.version_info >= (3, 7) else 12
pyc = data[:size] + marshal.dumps(compile('print("forged")', 'forged', 'exec'))
seal = bytearray(data[-128:])
seal[16:24] = struct.pack('<Q', len(pyc))
seal[96:104] = struct.pack('<Q', checksum(pyc[size:], checksum(pyc[:size - 8], 0)))
seal[112:120] = struct.pack('<Q', checksum(pyc[16:][-384:], 0))
seal[120:] = struct.pack('<Q', checksum(bytes(seal[:120]), 0))
open(sys.argv[1], 'wb').write(pyc + bytes(seal))
END
feed "$python"
object=$("$PYCSTASH" show --json "$D/n.py" | summary 'x["object"]["path"]')
rm "$CACHE/v1/$tag/tree$D/__pycache__/n.$tag.pyc"
is "$(verify --deep --json | summary 'x["compared"], x["unchecked"], x["good"]')" "(8, 0, 8)" \
	"--deep: an object without an entry is compared with a source of its content"
"$python" "$T/forge.py" "$object" "$HERE/tests/library"
is "$(problems)" "" "a forged object is whole"
is "$(verify --deep | grep -c "^different *$object: ")" 1 "--deep finds a forged object before an entry is made of it"
is "$(verify --deep --repair --json | summary 'x["different"], x["repaired"]'; [ -e "$object" ] || echo gone)" \
	"(1, 1)"$'\n'gone "--repair deletes a forged object"

feed "$python"
rm "$D/n.py"
is "$(verify --deep --json 2>/dev/null | summary 'x["unchecked"], x["uncompared"], x["good"], x["objects"]')" "(2, 2, 7, 4)" \
	"an entry and an object whose source is nowhere are not checked, and do not count as good"
is "$(verify --deep 2>/dev/null | tail -1 | grep -c ', 2 not checked')" 1 "verify counts what was not checked"
is "$(verify --deep 2>&1 >/dev/null | grep -c 'not checked: 1 pycs, since no source with their content was found\|: 1 entries, since their sources are missing')" 2 "verify --deep says why something is not checked"
is "$(status_of verify --deep) $(status_of verify)" "3 0" "verify --deep ends with 3 where an object is not checked, verify with 0"

feed "$python"
mv "$CACHE/v1/$tag" "$CACHE/v1/cpython-399"
is "$(verify --deep --json 2>/dev/null | summary 'x["compared"], x["unchecked"], x["good"]')" "(0, 9, 0)" \
	"nothing in the folder of a version without an interpreter is checked"
is "$(status_of verify --deep)" 3 "verify ends with 3 where something cannot be read"

feed "$python"
pytest=$(dirname "$entry")/m.$tag-pytest-8.3.0.pyc
cp "$entry" "$pytest"
is "$(verify --deep --json 2>/dev/null | summary 'x["unchecked"]')" 1 "bytecode with a name that only other tools write is not checked"

feed "$python"
# An entry in a later format: the number is at byte 8 of the last 128; it has its own checksum.
newer() { # FILE
	printf '\002' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 120)) conv=notrunc status=none
	printf 'newer' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 5)) conv=notrunc status=none
}
newer "$entry"
is "$(problems)" "foreign foreign " "an entry that a newer pycstash has sealed, and the object that is the same file"
is "$(verify | grep -c '^foreign .*: written by a newer pycstash$')" 2 "verify says that a newer pycstash made an entry and its object"
is "$(status_of verify --repair) $([ -e "$entry" ] && echo there)" "0 there" "--repair leaves what a newer pycstash has sealed"
is "$("$PYCSTASH" ls --long "$D/m.py" | grep -c foreign)" 1 "ls calls an entry that a newer pycstash has sealed foreign"
check "show says that a newer pycstash has sealed an entry" grep -q 'a newer pycstash' <("$PYCSTASH" show "$entry")
is "$("$PYCSTASH" show --json "$entry" | summary 'x["state"], x["fault"]')" "('foreign', None)" "show takes a newer pycstash's seal for no fault"

# --- long paths -------------------------------------------------------------------------
rm -rf "$CACHE"
long=$T/long
while [ ${#long} -lt 3500 ]; do long=$long/$(printf '%0200d' 0); done
if mkdir -p "$long" && echo 'v = 1' >"$long/m.py"; then
	touch -d @1500000000 "$long/m.py"
	preloaded "$python" -S -c "import sys; sys.path.insert(0, '$long'); import m"
	is "$(find "$CACHE" -name "m.$tag.pyc" | wc -l) $(find "$long" -name "m.$tag.pyc" | wc -l) $("$PYCSTASH" verify --quiet && echo good)" "1 0 good" \
		"a pyc whose directory has a path of ${#long} bytes is in the cache, with a proof"
fi
rm -rf "$T/long"

# --- what is not ours --------------------------------------------------------------------
feed "$python"
dir=$(dirname "$entry")
echo foreign >"$dir/README"
ln -s /etc/passwd "$dir/l.$tag.pyc"
ln -s / "$CACHE/v1/$tag/tree/link"
mkfifo "$dir/f.$tag.pyc"
wild=$'line\nfeed\xff'
echo foreign >"$dir/$wild"
expected=2
if [ "$(id -u)" = 0 ]; then
	cp "$entry" "$dir/u.$tag.pyc"
	chown 65534 "$dir/u.$tag.pyc"
	expected=3
fi
is "$(timeout 20 "$PYCSTASH" verify --json | summary 'x["foreign"] >= '$expected', x["damaged"]')" "(True, 3)" \
	"verify lists foreign files, links, FIFOs and other users' files, and does not open them"
is "$(status_of verify --repair) $(ls /etc/passwd) $([ -L "$dir/l.$tag.pyc" ] || [ -L "$CACHE/v1/$tag/tree/link" ] || echo gone)" \
	"1 /etc/passwd gone" "--repair deletes links, not what they lead to"
is "$(status_of verify --repair)" 0 "temporary files are not findings"
is "$([ -e "$dir/README" ] && [ ! -p "$dir/f.$tag.pyc" ] && echo there)" there \
	"--repair leaves foreign files alone, but no pipe where bytecode is"
is "$(verify | grep -c "line\\\\nfeed")" 1 "a name with a line feed forges no line"
is "$(verify --json | python3 -c 'import json, os, sys
paths = [json.loads(line).get("path") for line in sys.stdin]
print(os.fsencode(sys.argv[1]) in [os.fsencode(p) for p in paths if p])' "$dir/$wild")" True "a name with a line feed is exact in JSON"
mkdir "$CACHE/v2"
is "$(status_of verify)" 0 "a newer layout beside ours is not looked at"
if as_user true 2>/dev/null; then
	as_user mkdir -p "$T/mine" 2>/dev/null || { mkdir "$T/mine"; chown 65534 "$T/mine"; }
	chmod 755 "$D" "$D/p"
	(cd "$D" && as_user env HOME="$T/mine" LD_PRELOAD="$SO" PYCSTASH_DIR="$T/mine/c" "$python" -S -c 'import m, n')
	mine=$T/mine/c/v1/$tag/tree$D/__pycache__
	if [ -d "$mine" ]; then
		as_user chmod 000 "$mine/m.$tag.pyc"
		is "$(as_user env PYCSTASH_DIR="$T/mine/c" "$PYCSTASH" verify 2>/dev/null | grep -c '^unreadable .*Permission denied')" 2 \
			"a file that cannot be read is listed under both of its hard links"
		is "$(as_user env PYCSTASH_DIR="$T/mine/c" "$PYCSTASH" verify >/dev/null 2>&1; echo $?)" 3 "verify ends with 3 where something cannot be read"
		is "$(as_user env PYCSTASH_DIR="$T/mine/c" "$PYCSTASH" verify --json 2>/dev/null | summary 'x["good"]')" 2 "the rest is verified where something cannot be read"
	else
		skip "what cannot be read" "an ordinary user cannot run $python"
	fi
fi
is "$(status_of verify --dir "$T/nothing")" 10 "verify without a cache ends with 10"
is "$(status_of verify --dir /)" 12 "the root of the file system: refused, 12"
exec 9>"$CACHE/v1/.state/lock"
flock 9
is "$(status_of verify --repair 9>&-)" 11 "verify --repair ends with 11 while another process holds the lock"
is "$(status_of verify)" 0 "verify without --repair does not need the lock"
exec 9>&-
for name in v1 v1/.state/lock; do
	is "$(strace -o "$T/calls" -P "$CACHE/$name" -e trace=flock -e inject=flock:error=ENOLCK "$PYCSTASH" verify --repair 2>&1; echo $?)" \
		"pycstash: $CACHE: cannot be locked by $name: No locks available"$'\n14' "verify --repair says by what the cache cannot be locked: $name"
done
is "$(status_of verify --frobnicate)" 2 "an unknown option is a usage error"

# --- beside others -----------------------------------------------------------------------
feed "$python"
(
	for i in 1 2 3 4 5 6; do
		find "$CACHE" -name '*.pyc' -delete 2>/dev/null
		(cd "$D" && preloaded "$python" -S -c 'import m, n, p.q')
	done
) &
busy=$!
worst=0
while kill -0 $busy 2>/dev/null; do
	verify --repair >"$T/out" 2>&1 || { worst=$?; cp "$T/out" "$T/worst"; }
done
wait $busy
is "$worst" 0 "entries that vanish and come back meanwhile are no findings"
done_testing
