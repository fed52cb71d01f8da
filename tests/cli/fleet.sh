#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash push and pull: bytecode that one host has compiled serves others, through a directory
# and through a web server. The same sources give the same pack everywhere. A pack without a
# trusted signature is not taken in. A store that fails is no obstacle.
#
#   FULL=1   two hosts push at once 50 times instead of 8
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
python=$(interpreters cached | grep -m 1 /usr/bin/python3)
modules=(alpha beta gamma delta)

# host NAME: a host has its own path, inodes and times of the same sources, and its own cache.
host() {
	local name
	mkdir -p "$T/$1/srv/$1"
	for name in "${modules[@]}"; do
		printf 'import collections\nclass %s:\n    def __init__(self, value):\n        self.value = value in {"a", "b", "%s"}\n' \
			"${name^}" "$name" >"$T/$1/srv/$1/$name.py"
	done
	find "$T/$1" -name '*.py' -exec touch -d "2026-01-0$((RANDOM % 9 + 1))" {} +
}
on() { PYCSTASH_DIR=$T/$1/cache "$PYCSTASH" "${@:2}"; }
# Prints how many modules that host compiles when it imports all of them.
compiles() {
	rm -f "$T/log"
	PYCSTASH_DIR=$T/$1/cache PYCSTASH_LOG=$T/log LD_PRELOAD=$SO "$python" -c \
		"import sys; sys.path.insert(0, '$T/$1/srv/$1'); import $(IFS=,; echo "${modules[*]}")"
	grep -c "sealed: $T/$1/srv" "$T/log"
}
status_of() { "$@" >"$T/out" 2>"$T/err"; echo $?; }
packs() { find "$1/packs" -name '*.tar.zst' -printf '%f\n' 2>/dev/null | sort; }
block() { # N: a recipe of the guide
	awk -v n="$1" '/^## / { here = $0 == "## Many hosts" }
		here && /^```/ { inside = !inside; k += inside; next } here && inside && k == n' "$HERE/docs/guide.md"
}
field() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

for name in a b c; do host $name; done

# --- a directory ----------------------------------------------------------------------
is "$(compiles a)" 4 "the first host compiles"
is "$(on a push --json "file:$T/store" | field objects)" 4 "push puts all objects into a pack"
is "$(packs "$T/store" | wc -l)" 1 "the store has one pack"
pack=$(packs "$T/store")
is "$(b2sum -l 256 "$T/store/packs/$pack" | cut -c 1-64).tar.zst" "$pack" "a pack is named by its digest"
is "$(on a push --json "file:$T/store" | field objects)" 0 "a second push finds nothing new"
is "$(on c pull --json "$T/store" | field objects)" 4 "another host pulls them"
is "$(compiles c)" 0 "the host that has pulled compiles nothing"
is "$(on c pull --json "$T/store" | field known)" 1 "a second pull takes no pack again"
is "$(on c push --json "$T/store" | field objects)" 0 "push does not push objects that were pulled"

on again pull "$T/store" >/dev/null
on again purge --all >/dev/null
is "$(on again pull --json "$T/store" | field objects)" 4 "after purge --all, pull takes again what it had taken"

PYTHONHASHSEED=7 compiles b >/dev/null
inode=$(stat -c %i "$T/store/packs/$pack")
on b push "$T/store" >/dev/null
is "$(stat -c %i "$T/store/packs/$pack")" "$inode" "push keeps a pack that is in the directory already, even if it belongs to somebody else"
is "$(packs "$T/store")" "$pack" "two hosts' packs of the same sources are the same bytes"

# The order of a frozenset in marshal data depends on hashes, and on the order of insertion.
mkdir "$T/sets"
for number in {1..40}; do
	echo "def f$number(x): return x in {'a$number', 'b$number', 'c$number', 'd$number', 'e$number'}"
done >"$T/sets/sets.py"
differ='' compared=0
for each in $(interpreters cached); do
	for seed in 1 2; do
		(cd "$T/sets" && PYTHONHASHSEED=$seed PYCSTASH_DIR=$T/seed$seed/cache LD_PRELOAD=$SO "$each" -S -c 'import sets')
		PYENV_ROOT=${PYENV_ROOT:-${TEST_HOME:-}/.pyenv} on seed$seed export -q --pack --path "$T/sets/sets.py" "$T/seed$seed.pack"
	done
	cmp -s "$T/seed1.pack" "$T/seed2.pack" || differ+=" $each"
	rm -r "$T/seed1" "$T/seed2"
	compared=$((compared + 1))
done
is "$differ$((compared > 0))" 1 "packs do not tell the hash seed of the process that compiled ($compared interpreters)"

echo 'new = 1' >"$T/a/srv/a/alpha.py"
compiles a >/dev/null
is "$(on a push --json "$T/store" | field objects)" 1 "push packs only what is new"
is "$(packs "$T/store" | wc -l)" 2 "a push leaves the earlier packs alone"
is "$(on a push --compact 1d --dry-run --json "$T/store" | field objects)" 5 "--compact packs all objects that were used, even if they are not new"

# --- archives of objects --------------------------------------------------------------
on a export --pack "$T/all" >/dev/null
on b export --pack "$T/all.b" >/dev/null
is "$(status_of on a export --new "$T/new") $(ls "$T" | grep -c '^new$')" "1 0" "export --new finds nothing new after a push"
echo 'newer = 1' >"$T/a/srv/a/beta.py"
compiles a >/dev/null
is "$(on a export --new --json "$T/new" | field files)" 1 "export --new packs what is new since the last push or pull"
is "$(on a export --new --json "$T/new" | field files)" 1 "export --new does not count as a push: the next export --new packs the same"
is "$(on a export --pack --path "$T/a/srv/a/beta.py" --json "$T/part" | field files)" 1 "export --pack --path packs the objects of these sources"
check "export --pack --path gives the same pack as push if it has the same object" cmp "$T/new" "$T/part"
is "$(on c import --json "$T/new" | field files)" 1 "import takes a pack"
check "the packs of two hosts by export --pack are the same bytes" cmp "$T/all.b" <(on b export --pack -)
is "$(b2sum -l 256 "$T/all.b" | cut -c 1-64).tar.zst" "$pack" "export --pack writes what push pushes"
is "$(PYCSTASH_DIR=$T/b/cache env --ignore-signal=CHLD "$PYCSTASH" export -q --pack - 2>&1 | b2sum -l 256 | cut -c 1-64).tar.zst" "$pack" \
	"export --pack asks the interpreter in a process that ignores SIGCHLD, too"
find "$T/c/cache" -path '*/objects/*' -exec touch -a -m -d '60 days ago' {} +
is "$(on c push --compact 1d --dry-run --json "$T/store" | field objects)" 4 "--compact packs objects whose entries were used"

mkdir "$T/elsewhere"
echo 'other = 1' >"$T/elsewhere/other.py"
host d
is "$(on d pull --for "$T/elsewhere" --json "$T/store" | field unwanted)" 2 "--for takes no pack without bytecode for these paths"
ln -s d/srv "$T/current"
is "$(on fresh pull --dry-run --for "$T/current" --json "$T/store" | field objects) $(find "$T" -name fresh)" "4 " "--for follows a link to its path; a dry run says what would come, and makes no cache"
is "$(status_of on d pull --for "$T/missing" "$T/store")" 2 "--for with a path that is not there is a mistake in the command line"
is "$(on d pull --dry-run --layer "$T/new.layer" --json "$T/store" | field packs) $(find "$T" -name new.layer)" "2 " "a dry run makes no layer"
is "$(on d pull --for "$T/d/srv" --json "$T/store" | field packs)" 1 "--for takes the pack that has some"

is "$(status_of on d purge --from-pack "${pack%.tar.zst}") $(find "$T/d/cache/v1" -name '*.pyc' | wc -l)" "0 0" \
	"purge --from-pack takes back what came with a pack"
is "$(status_of on d purge --from-pack "${pack%.tar.zst}")" 0 "a pack is withdrawn a second time"
is "$(on d pull --json "$T/store" | field objects)" 1 "a pack that was purged is not pulled again"
on d purge -q --all
is "$(on d pull --json "$T/store" | field objects)" 5 "after purge --all, it is"
record=$T/d/cache/v1/.state/packs/${pack%.tar.zst}
on d purge -q --from-pack "${pack%.tar.zst}" --older-than 9d
on d purge -q --all --tag cpython-27
is "$(wc -l <"$record")" 4 "a purge that deletes only part of the cache forgets nothing of what came with a pack"
cp "$record" "$T/record"
sed -i "2i$(printf 'a%.0s' {1..300}) 7\nno object 7" "$record"
is "$(status_of on d purge --from-pack "${pack%.tar.zst}") $(grep -c 'not understood' "$T/err") $(sed 's/ .*//' "$T/record" | while read -r path; do ls "$T/d/cache/v1/$path"; done 2>/dev/null | wc -l) $(wc -l <"$record")" \
	"3 1 0 6" "lines of a pack's record that are not understood do not keep purge from deleting what the others name"
on d purge -q --all
on d pull -q "$T/store"
is "$(on d pull "$T/store" | tail -n +2 | head -1 | grep -cx '  [0-9]* known already')" 1 "pull says how many packs are known"
mkdir "$T/nothing"
is "$(on d pull "$T/nothing")" "pulled 0 packs (0): 0 objects, 0
  nothing has been pushed to that store yet" "pull says that a store is empty"
compiles d >/dev/null
on d purge --from-pack "${pack%.tar.zst}" >/dev/null
is "$(on d ls | grep -c srv/d)" 0 "entries that were made of a pack's objects go with it"

# A directory with the name of its last object keeps that out.
for name in half rest; do
	host $name
	last=$T/$name/cache/v1/$(sed 's/ .*//' "$T/record" | sort | tail -1)
	on $name pull -q "$T/nothing" 2>/dev/null
	(umask 077 && mkdir -p "$last/in the way")
	is "$(status_of on $name pull "$T/store") $(compiles $name)" "3 1" "what was taken of a pack before a failure is served ($name)"
done
is "$(on half push --json "$T/half.store" | field objects)" 0 "push does not push what was taken of a pack before a failure"
is "$(status_of on half purge --from-pack "${pack%.tar.zst}") $(compiles half) $(on half pull --json "$T/store" | field known)" "0 4 2" \
	"what was taken of a pack before a failure can be withdrawn, and is not pulled again"
rm -r "$last"
is "$(on rest pull --json "$T/store" | field packs) $(ls "$T/rest/cache/v1/.state/packs" | wc -l)" "1 2" "a pack that was not taken as a whole is pulled again"

# --- layers ---------------------------------------------------------------------------
host e
on e pull --layer "$T/layer" "$T/store" >/dev/null
rm -rf "$T/e/cache"
is "$(PYCSTASH_LAYERS=$T/layer compiles e)" 0 "pull --layer makes a layer"
modules+=(epsilon)
for name in a e; do host $name; done
compiles a >/dev/null
on a push "$T/store" >/dev/null
# Each start has a cache of its own, so it compiles what the layer lacks at that moment.
starts() {
	local n
	for n in {1..12}; do
		PYCSTASH_DIR=$T/pods/$n PYCSTASH_LAYERS=$T/layer LD_PRELOAD=$SO "$python" -c "import sys; sys.path.insert(0, '$T/e/srv/e')
import $(IFS=,; echo "${modules[*]}")
print(epsilon.Epsilon(1).value)"
	done
}
mkdir "$T/pods"
starts >"$T/started" 2>&1 &
check "a layer is added to in place" on e pull --layer "$T/layer" "$T/store"
wait $!
is "$(sort "$T/started" | uniq -c | tr -s ' ')" " 12 False" "programs that start while a layer grows are right"
rm -rf "$T/e/cache"
is "$(PYCSTASH_LAYERS=$T/layer compiles e)" 0 "what was added to a layer is served"
find "$T/layer" ! -perm -a+r | none "everybody can read what was added"
rm -rf "$T/e/cache"
of_pack=$(grep -c objects/ "$T/layer/v1/.state/packs/${pack%.tar.zst}")
is "$(status_of on e purge --layer "$T/layer" --from-pack "${pack%.tar.zst}") $(on e pull --layer "$T/layer" --json "$T/store" | field objects)" "0 0" \
	"a pack is withdrawn from a layer, and is not pulled into it again"
rm -rf "$T/e/cache"
is "$(PYCSTASH_LAYERS=$T/layer compiles e)" "$of_pack" "what a pack has brought into a layer is no longer served once it is withdrawn"

# --- signatures -----------------------------------------------------------------------
command -v minisign >/dev/null || skip_all "packs are signed" "no minisign"
minisign -G -W -p "$T/good.pub" -s "$T/good.key" >/dev/null
minisign -G -W -p "$T/evil.pub" -s "$T/evil.key" >/dev/null
chmod 600 "$T"/*.key
host f
is "$(status_of on f pull --verify-key "$T/good.pub" "$T/store") $(compiles f)" "3 5" "with a key, no pack comes in that nobody has signed"
is "$(on f pull --verify-key "$T/good.pub" --json "$T/store" 2>/dev/null | field pack_bytes)" 0 "with a key, a pack that nobody has signed is not transferred"
compiles a >/dev/null
check "a pack is signed when it is pushed" on a push --compact 1d --sign "$T/good.key" "$T/signed"
readers() { on a push --compact 1d --sign "$T/good.key" "$T/signed" 2>&1 >/dev/null | grep -c "others can read this secret key; run: chmod 600 $T/good.key$"; }
is "$(readers)" 0 "a secret key that nobody else can read is used without a word"
chmod 644 "$T/good.key"
is "$(readers)" 1 "a secret key that others can read is warned of, with what to do"
chmod 600 "$T/good.key"
check "minisign accepts our signature" minisign -V -q -p "$T/good.pub" -m "$T/signed/packs/$(packs "$T/signed")"
host g
is "$(on g pull --verify-key "$T/good.pub" --json "$T/signed" | field objects) $(compiles g)" "7 0" "what a trusted key has signed comes in"
rm "$T/signed/packs/"*.minisig
minisign -S -s "$T/good.key" -m "$T/signed/packs/$(packs "$T/signed")" >/dev/null 2>&1 </dev/null
host h
is "$(on h pull --verify-key "$T/good.pub" --json "$T/signed" | field packs)" 1 "we accept minisign's signature"
if minisign -S -l -s "$T/good.key" -m "$T/signed/packs/$(packs "$T/signed")" >/dev/null 2>&1 </dev/null; then
	host old
	on old pull --verify-key "$T/good.pub" "$T/signed" >"$T/said" 2>&1
	is "$? $(grep -c "in minisign's old form.*sign it again" "$T/said")" "3 1" \
		"a signature of the file instead of its hash is refused, with what to do"
else
	skip "a signature of the file instead of its hash is refused, with what to do" "minisign makes none"
fi
minisign -S -s "$T/evil.key" -m "$T/signed/packs/$(packs "$T/signed")" >/dev/null 2>&1 </dev/null
host i
is "$(status_of on i pull --verify-key "$T/good.pub" "$T/signed") $(compiles i)" "3 5" "what another key has signed stays out"
is "$(PYCSTASH_TRUSTED_KEYS=$T/good.pub status_of on i pull "$T/signed")" 3 "the setting trusted_keys is obeyed"
conf=$HOME/.config/pycstash/pycstash.conf
mkdir -p "${conf%/*}"
echo "trusted_keys = $T/good.pub" >"$conf"
is "$(PYCSTASH_TRUSTED_KEYS='' status_of on i pull "$T/signed")" 3 "an empty PYCSTASH_TRUSTED_KEYS switches no signatures off that a file requires"
pulls_nothing() { # LINE: the configuration
	echo "$1" >"$conf"
	rm -rf "$T/k"
	host k
	is "$(on k run --pull "$T/signed" -- echo started 2>"$T/said") $(grep -c 'nothing is pulled' "$T/said") $(compiles k)" "started 1 5" \
		"run --pull takes nothing if the configuration has \`$1\`"
}
pulls_nothing 'trusted_keys = good.pub'
pulls_nothing 'trusted_keys = ~/good.pub'
pulls_nothing 'trusted_key = /good.pub'
chmod 602 "$conf"
pulls_nothing '# that others can write to'
rm "$conf"
on a push --compact 1d --sign "$T/good.key" --expires 1s "$T/expired" >/dev/null
sleep 1.1
is "$(status_of on i pull --verify-key "$T/good.pub" "$T/expired")" 3 "a signature that has expired is not accepted"
chmod 666 "$T/good.pub"
is "$(status_of on i pull --verify-key "$T/good.pub" "$T/signed")" 12 "keys that others can write to are not used"
chmod 644 "$T/good.pub"
cp "$T/expired/packs/$(packs "$T/expired")" "$T/archive"
is "$(status_of on i import --verify-key "$T/good.pub" "$T/archive")" 12 "import with a key refuses an archive without a signature"
minisign -S -s "$T/good.key" -m "$T/archive" >/dev/null 2>&1 </dev/null
is "$(status_of on i import --verify-key "$T/good.pub" "$T/archive")" 0 "import with a key takes an archive that is signed"

# --- what was packed ------------------------------------------------------------------
host honest
host other
host evil
host builder
for name in honest other evil; do compiles $name >/dev/null; done
on honest push -q "$T/honest.store"
on other push -q "$T/other.store"
is "$(packs "$T/other.store")" "$(packs "$T/honest.store")" "two builders agree byte for byte"
object=$(find "$T/evil/cache" -samefile "$T/evil/cache/v1/$(tag_of "$python")/tree$T/evil/srv/evil/__pycache__/alpha.$(tag_of "$python").pyc" -path '*/objects/*')
"$python" "$HERE/tests/library/forge.py" "$T/evil/srv/evil/alpha.py" "$object" "stolen = True"
on evil push -q "$T/evil.store"
check "what was packed of other code has another name" test "$(packs "$T/evil.store")" != "$(packs "$T/honest.store")"
on builder pull -q "$T/evil.store"
is "$(on builder warm --python "$python" --json "$T/builder/srv" | field compiled)" 0 "warm makes entries of what was pulled"
is "$(compiles builder)" 0 "without keys, bytecode of a wrong pack is served"
is "$(on builder verify --deep "$T/builder/srv" | grep -c '^different .*/alpha')" 1 "verify --deep on a builder finds it by compiling a sample"
on builder purge --from-pack "$(packs "$T/evil.store" | cut -c 1-64)" >/dev/null
is "$(compiles builder) $(status_of on builder verify --deep "$T/builder/srv")" "5 0" "purge --from-pack deletes what came with a wrong pack"

is "$(on other pull "$T/evil.store" | tail -n +2)" "  5 left out, because the cache has its own" \
	"pull says how many objects it left out, because the cache has its own"
is "$(on honest pull --json "$T/evil.store" | field kept)" 5 "--json has the number of objects that pull left out"

# With forged bytecode of what an interpreter imports first, and a source that is to be compiled.
first=$("$python" -c 'import encodings, os; print(os.path.realpath(encodings.__file__))')
on evil warm -q --force --python "$python" "$first"
"$python" -B "$HERE/tests/trust/forge.py" "import posix
posix.close(posix.open('$T/ran', 64))
f = posix.open('$first', 0)
exec(compile(posix.read(f, 1 << 20), '$first', 'exec'))" "$first" "$(entries "$T/evil/cache" | grep "/tree${first%/*}/")"
on evil push -q "$T/evil.store"
echo 'extra = 1' >"$T/builder/srv/builder/extra.py"
recipe=$(block 2 | sed "s,--verify-key [^ ]*,,; s,s3://bytecode/main,$T/evil.store,; s,/srv/app,--python $python $T/builder/srv $first,; s,^pycstash,$PYCSTASH,")
TMPDIR=$T bash -ec "$recipe" >"$T/said" 2>&1
is "$? $(grep -c '^different .*/objects/' "$T/said") $(find "$T" -maxdepth 1 -name ran)" "1 2 " \
	"the guide's way to check packs finds forged bytecode, and does not run it"

# --- other carriers -------------------------------------------------------------------
if command -v rsync >/dev/null; then
	rsync -a "$T/honest.store/" "$T/mirror"
	host r
	is "$(on r pull --json "$T/mirror" | field packs) $(compiles r)" "1 0" "a store that rsync has copied is one"
else
	skip "a store that rsync has copied is one" "no rsync"
fi
if command -v docker-registry >/dev/null && command -v skopeo >/dev/null; then
	mkdir -p "$T/oci" "$T/got" "$T/oci/unpacked"
	registry=127.0.0.1:$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "%s"}\n' "$T/oci/registry" "$registry" >"$T/oci/config.yml"
	docker-registry serve "$T/oci/config.yml" >"$T/oci/log" 2>&1 &
	server=$!
	await curl -sf -o /dev/null "http://$registry/v2/"
	recipe=$(block 3 |
		sed "s,s3://bytecode/main,$T/honest.store,; s,registry.example,$registry,; s,skopeo copy,skopeo --insecure-policy copy --dest-tls-verify=false,; s,^pycstash,$PYCSTASH,")
	check "a registry takes a layer, as the guide has it" bash -ec "cd '$T/oci'; $recipe"
	skopeo --insecure-policy copy --src-tls-verify=false "docker://$registry/bytecode:main" "dir:$T/got" >/dev/null
	for file in "$T/got/"*; do tar -xf "$file" -C "$T/oci/unpacked" 2>/dev/null; done
	host s
	is "$(PYCSTASH_LAYERS=$T/oci/unpacked compiles s)" 0 "what comes out of the registry is a layer"
	kill "$server"
	ends "$server"
else
	skip "a registry takes a layer" "no docker-registry or skopeo"
fi

# --- what a store may do to us --------------------------------------------------------
mkdir -p "$T/liar/packs"
cp "$T/store/packs/$pack" "$T/liar/packs/$(printf '%064d' 0).tar.zst"
head -c 700 "$T/store/packs/$pack" >"$T/cut"
cp "$T/cut" "$T/liar/packs/$(b2sum -l 256 "$T/cut" | cut -c 1-64).tar.zst"
head -c 100000 /dev/urandom >"$T/noise"
cp "$T/noise" "$T/liar/packs/$(b2sum -l 256 "$T/noise" | cut -c 1-64).tar.zst"
mkfifo "$T/liar/packs/$(printf '%064d' 1).tar.zst"
host j
is "$(status_of timeout 20 env PYCSTASH_DIR="$T/j/cache" "$PYCSTASH" pull --json "$T/liar") $(field objects <"$T/out")" "3 0" \
	"packs that are cut off, renamed, noise or a pipe bring nothing in"
# An object that is not in the pack's list could not be withdrawn.
/usr/bin/python3 - "$T/store/packs/$pack" "$T/untrue/packs" "$T/longer/packs" <<'EOF'
import hashlib, io, os, subprocess, sys, tarfile
os.makedirs(sys.argv[2])
tar = tarfile.open(fileobj=io.BytesIO(subprocess.run(["zstd", "-dc", sys.argv[1]], stdout=subprocess.PIPE).stdout))
members = [(member, tar.extractfile(member).read()) for member in tar]
text = members[0][1]
name = os.path.basename(members[1][0].name).encode()

def write(members, where=sys.argv[2]):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in members:
            member.size = len(data)
            member.pax_headers["SCHILY.xattr.user.pycstash.blake2b"] = hashlib.blake2b(data, digest_size=32).hexdigest()
            tar.addfile(member, io.BytesIO(data))
    pack = subprocess.run(["zstd", "-c"], input=file.getvalue(), stdout=subprocess.PIPE).stdout
    with open("%s/%s.tar.zst" % (where, hashlib.blake2b(pack, digest_size=32).hexdigest()), "wb") as file:
        file.write(pack)

write(members[:-1])  # less than is listed
write([(members[0][0], text.replace(name, name.translate(bytes.maketrans(b"01234567", b"12345670"))))] + members[1:])

# What the record of a pack lists must fit into it, also in a version of the longest name.
os.makedirs(sys.argv[3])
version = members[1][0].name.split("/")[1]
for member, data in members[1:]:
    member.name = member.name.replace(version, version + "+" + "a" * 200)
write([(members[0][0], text.replace(version.encode(), version.encode() + b"+" + b"a" * 200))] + members[1:], sys.argv[3])
EOF
is "$(status_of on untrue pull "$T/untrue") $(grep -c refused "$T/err") $(find "$T/untrue/cache" -name '*.pyc' | wc -l)" "3 2 0" "a pack that holds something else than it lists brings nothing in"
is "$(status_of on longer pull "$T/longer") $(grep -c refused "$T/err") $(find "$T/longer/cache" -name '*.pyc' | wc -l)" "3 1 0" \
	"a pack with a version whose name is longer than any of the library's brings nothing in"

# A list with as many objects as possible; most of it is read before its signature is verified.
/usr/bin/python3 - "$T/many/packs" <<'EOF'
import hashlib, io, os, subprocess, sys, tarfile
rows = ",".join('"a/%x":1' % n for n in range(1000000))
text = ('{"schema":"pycstash.archive/1","layout":"v1","files":1000000,"bytes":1000000,"objects":{%s}}' % rows).encode()
member = tarfile.TarInfo("pycstash.json")
member.size = len(text)
member.pax_headers["SCHILY.xattr.user.pycstash.blake2b"] = hashlib.blake2b(text, digest_size=32).hexdigest()
file = io.BytesIO()
with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
    tar.addfile(member, io.BytesIO(text))
pack = subprocess.run(["zstd", "-c"], input=file.getvalue(), stdout=subprocess.PIPE).stdout
os.makedirs(sys.argv[1])
with open("%s/%s.tar.zst" % (sys.argv[1], hashlib.blake2b(pack, digest_size=32).hexdigest()), "wb") as file:
    file.write(pack)
EOF
is "$(ulimit -t 20 && on j pull --for "$T/elsewhere" --json "$T/many" | field unwanted)" 1 "a long list of objects is read in a time that grows with its length, not with its square"
cp "$T/store/packs/$pack" "$T/liar/packs/"
on j pull "$T/liar" >"$T/out" 2>&1
is "$(compiles j | wc -l)" 1 "a bad pack does not keep the good ones out"

is "$(status_of on a push --compact 1d "$T/not/there") $(grep -c 'no such directory or bucket' "$T/err")" "3 1" "a push to where no store can be made is reported"
is "$(status_of on j pull http://127.0.0.1:1/none)" 0 "a store that cannot be reached is no error of the job"
is "$(status_of on j pull --strict http://127.0.0.1:1/none)" 3 "with --strict, a store that cannot be reached is an error"
is "$(on j pull "$T/not/there" | tail -n +2)" "  the store has no such directory or bucket" "pull says that a store's directory does not exist"
is "$(PYCSTASH_DIR=relative status_of "$PYCSTASH" pull --dry-run "$T/store")" 10 "a dry run of pull ends with 10 where no setting says where the cache is"
mkdir "$T/empty"
is "$(on j pull -q --strict "$T/empty" 2>"$T/err"; echo $?) $(grep -c '^pycstash: .*nothing has been pushed' "$T/err")" "3 1" "pull -q --strict says why it fails where nothing has been pushed"
is "$(on j run --pull http://127.0.0.1:1/none -- echo started 2>/dev/null)" started "run --pull starts the program whatever the store does"
is "$(on j run --pull http://127.0.0.1:1/none -- true 2>&1)" "" "a store that has failed is left alone for a while"
on j pull http://name:secret@127.0.0.1:1/x >"$T/said" 2>&1
is "$(grep -c secret "$T/said")" 0 "a password in a URL is not printed"

# --- two at once ----------------------------------------------------------------------
rounds=${FULL:+50}
for ((round = 1; round <= ${rounds:=8}; round++)); do
	for name in k l; do
		echo "$name$round = 1" >"$T/elsewhere/$name.py"
		(cd "$T/elsewhere" && PYCSTASH_DIR=$T/$name.cache LD_PRELOAD=$SO "$python" -c "import $name")
	done
	PYCSTASH_DIR=$T/k.cache "$PYCSTASH" push -q "$T/both" &
	PYCSTASH_DIR=$T/l.cache "$PYCSTASH" push -q "$T/both"
	wait $!
done
PYCSTASH_DIR=$T/m.cache "$PYCSTASH" pull -q "$T/both"
is "$(find "$T/m.cache/v1" -path '*/objects/*' -name '*.pyc' | wc -l)" $((2 * rounds)) "two hosts that push at once lose nothing ($rounds rounds)"

# --- a web server ---------------------------------------------------------------------
PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || skip_all "a web server is a store" "no nginx"
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir -p "$T/www/dav/packs" "$T/www/list/packs" "$T/ngx"
cat >"$T/nginx.conf" <<EOF
daemon off; worker_processes 1; pid $T/ngx/pid; error_log $T/ngx/error;
$([ "$(id -u)" = 0 ] && echo "user root;")
events {}
http {
	access_log $T/ngx/access;
	client_body_temp_path $T/ngx/body; proxy_temp_path $T/ngx/proxy; fastcgi_temp_path $T/ngx/fastcgi;
	uwsgi_temp_path $T/ngx/uwsgi; scgi_temp_path $T/ngx/scgi;
	server {
		listen 127.0.0.1:$port; root $T/www;
		location / { autoindex on; dav_methods PUT; create_full_put_path on; client_max_body_size 1g; }
		location /broken/ { return 500; }
		location /moved/ { return 302 /dav/packs/; }
	}
}
EOF
nginx -c "$T/nginx.conf" -e "$T/ngx/error" 2>/dev/null &
server=$!
url=http://127.0.0.1:$port
await curl -sf -o /dev/null "$url/" || not_ok "nginx starts"
is "$(on a push --compact 1d --sign "$T/good.key" --json "$url/dav" | field objects)" 7 "push puts a pack on a web server"
host n
is "$(on n pull --verify-key "$T/good.pub" --json "$url/dav" | field objects) $(compiles n)" "7 0" "pull takes it from there"
: >"$T/ngx/access"
on n pull "$url/dav" >/dev/null
await test -s "$T/ngx/access" # which is written after the answer
is "$(wc -l <"$T/ngx/access")" 1 "a second pull makes one request"
is "$(status_of on n pull --strict "$url/broken")" 3 "a server that answers 500 is named"
is "$(on n pull --json "$url/nothing" | field packs)" 0 "a store in which nothing is yet is empty"
is "$(on d pull --for "$T/elsewhere" --json "$url/dav" | field pack_bytes)" 0 "--for reads no more than the beginning of a pack"
kill "$server"
ends "$server"

done_testing
