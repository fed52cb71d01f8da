#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Archives and packs that unpack to many times their size: import and pull take what export and
# push have written, and still refuse what is meant to fill the disk (also tests/cli/import.sh).
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
python=$(interpreters cached | grep -m 1 /usr/bin/python3)
on() { PYCSTASH_DIR=$T/$1/cache "$PYCSTASH" "${@:2}"; }
status_of() { "$@" >"$T/out" 2>"$T/err"; echo $?; }
field() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# Tables of 96 MiB, which compress to a ten-thousandth.
mkdir -p "$T/large/srv"
for name in {A..F}; do
	"$python" -c "print('TABLE = \"%s\"' % ('$name' * (16 << 20)))" >"$T/large/srv/large$name.py"
	PYCSTASH_DIR=$T/large/cache LD_PRELOAD=$SO "$python" -c "import sys; sys.path.insert(0, '$T/large/srv'); import large$name"
done
is "$(on large export --json "$T/large.archive" | field files) $(on unpacked import --json "$T/large.archive" | field files)" "12 12" \
	"import takes what export has written, however well it was compressed"
is "$(on large push --json "$T/large.store" | field objects) $(on pulled pull --json "$T/large.store" | field objects)" "6 6" \
	"pull takes what push has written, however well it was compressed"
# A pack that lists 1 GB; its name is such that it is pulled after the other.
/usr/bin/python3 - "$T/large.store/packs" <<'EOF'
import hashlib, io, itertools, json, os, subprocess, sys, tarfile
before = os.listdir(sys.argv[1])[0]
for nonce in itertools.count():
    objects = {"cpython-311/objects/a70d0d0a/3/%063x.pyc" % n: 256 << 20 for n in range(4)}
    data = json.dumps({"schema": "pycstash.archive/1", "layout": "v1", "files": 4, "bytes": 1 << 30,
                       "objects": objects, "nonce": nonce}, separators=(",", ":")).encode()
    member = tarfile.TarInfo("pycstash.json")
    member.size = len(data)
    member.pax_headers["SCHILY.xattr.user.pycstash.blake2b"] = hashlib.blake2b(data, digest_size=32).hexdigest()
    pack = subprocess.run(["zstd", "-c"], input=member.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512 + 1024),
                          stdout=subprocess.PIPE).stdout
    name = hashlib.blake2b(pack, digest_size=32).hexdigest() + ".tar.zst"
    if name > before:
        break
with open(os.path.join(sys.argv[1], name), "wb") as file:
    file.write(pack)
EOF
is "$(status_of on pulled pull "$T/large.store") $(grep -c truncated "$T/err")" "3 1" "a pack may list 1 GB"
rm -rf "$T/pulled"
is "$(status_of on pulled pull "$T/large.store") $(grep -c 'far too much' "$T/err")" "3 1" "pull takes no more from many packs than from one that is meant to fill the disk"

# --- many objects ---------------------------------------------------------------------
# Packs with 40,000 objects, whose list takes more than a megabyte; one has an object of $T/app.
mkdir "$T/app"
echo 'x = 1' >"$T/app/m.py"
/usr/bin/python3 - "$T/list.store/packs" "$T/app/m.py" <<'EOF'
import hashlib, os, subprocess, sys, tarfile
os.makedirs(sys.argv[1])
wanted = hashlib.blake2b(open(sys.argv[2], "rb").read(), digest_size=32).hexdigest()
for more in [], [wanted]:
    digests = sorted([hashlib.blake2b(b"%d" % n, digest_size=32).hexdigest() for n in range(40000)] + more)
    data = ('{"schema":"pycstash.archive/1","layout":"v1","files":%d,"bytes":%d,"objects":{%s}}' % (len(digests), 200 * len(digests),
            ",".join('"cpython-311/objects/a70d0d0a/%s/%s.pyc":200' % (name[0], name[1:]) for name in digests))).encode()
    member = tarfile.TarInfo("pycstash.json")
    member.size = len(data)
    member.pax_headers["SCHILY.xattr.user.pycstash.blake2b"] = hashlib.blake2b(data, digest_size=32).hexdigest()
    pack = subprocess.run(["zstd", "-c"], input=member.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512) + os.urandom(4 << 20),
                          stdout=subprocess.PIPE).stdout
    with open("%s/%s.tar.zst" % (sys.argv[1], hashlib.blake2b(pack, digest_size=32).hexdigest()), "wb") as file:
        file.write(pack)
EOF
is "$(status_of on many pull --json --for "$T/app" "$T/list.store") $(field unwanted <"$T/out") $(field refused <"$T/out") $(grep -c refused "$T/err") $(wc -l <"$T/err")" "3 1 1 1 1" \
	"pull --for reads the whole list of a pack, however long it is, before it takes the pack or leaves it"
done_testing
