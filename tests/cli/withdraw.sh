#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Withdrawing a pack (pycstash purge --from-pack): from a layer and from the caches of its users, as
# often as its bytecode comes back, and where no record says what is in it.
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
python=$(interpreters cached | grep -m 1 /usr/bin/python3)
mkdir "$T/app" "$T/for-all"
cp "$PYCSTASH" "$SO" "$T/for-all" # the build may be where others cannot go
echo 'print("good")' >"$T/app/alpha.py"
touch -d '2 days ago' "$T/app/alpha.py"

on() { PYCSTASH_DIR=$T/$1 "$PYCSTASH" "${@:2}"; }
status_of() { "$@" >"$T/out" 2>"$T/err"; echo $?; }
says() { PYCSTASH_DIR=$T/$1 LD_PRELOAD="$T/for-all/libpycstash.so" "$python" -c "import sys; sys.path.insert(0, '$T/app'); import alpha"; }
withdraws() { status_of on "$1" purge "${@:2}" --from-pack "$digest"; }
field() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
record_of() { echo "$T/$1/v1/.state/packs/$digest"; }

# A pack with forged bytecode of alpha.py.
says author >/dev/null
object=$(find "$T/author" -samefile "$(entries "$T/author" | grep alpha)" -path '*/objects/*')
"$python" -B "$HERE/tests/library/forge.py" "$T/app/alpha.py" "$object" 'print("EVIL")'
on author push -q "$T/store"
digest=$(basename "$T/store/packs/"*.tar.zst .tar.zst)
no_record="pycstash: $digest: no record of what that pack contains was found, in this cache or in a layer in use"

# --- where it is found ----------------------------------------------------------------
recipe_for() { # STORE
	sed -n '/^export PYCSTASH_DIR=$(mktemp -d)/,/^```/p' "$HERE/docs/guide.md" |
		sed "/^\`/d; s,--verify-key [^ ]*,,; s,s3://bytecode/main,$1,; s,/srv/app,--python $python $T/app,; s,^pycstash,$PYCSTASH,"
}
guide_says() { TMPDIR=$T status_of bash -c "$(recipe_for "$1")"; } # STORE: the status of the guide's check
"$PYCSTASH" warm -q --dir "$T/other" --python "$python" "$T/app"
is "$(PYCSTASH_LAYERS=$T/other guide_says "$T/store") $(grep -c '^different .*/objects/' "$T/out") $(grep -c 'not checked' "$T/err")" "1 1 0" \
	"the guide's way to check packs finds forged bytecode where a layer has an entry"

# The pack with the smaller name is taken first, and its object stays.
on other push -q "$T/two"
good=$(basename "$T/two/packs/"*.tar.zst)
two_packs() { # ORDER: whether the name of the forged pack is before or behind that of the good one
	local try order name
	for try in {1..60}; do
		"$python" -B "$HERE/tests/library/forge.py" "$T/app/alpha.py" "$object" "print('EVIL', $try)"
		on author export -q --pack "$T/bad"
		name=$(b2sum -l 256 "$T/bad" | cut -c 1-64).tar.zst
		if [[ $name > $good ]]; then order=behind; else order=before; fi
		if [ "$order" = "$1" ]; then break; fi
	done
	find "$T/two/packs" -type f ! -name "$good" -delete
	cp "$T/bad" "$T/two/packs/$name"
	is "$(guide_says "$T/two") $(grep "$name" "$T/err" | grep -c "/objects/.*$good\|$good.*/objects/")" "3 1" \
		"the guide's way to check packs names two packs with other bytecode of one source (the forged one is $1 the good one)"
}
"$python" -B "$HERE/tests/library/forge.py" "$T/app/alpha.py" "$object" "print('EVIL')" \
	"$("$python" -c 'import sys; print(1 + (sys.version_info[2] + 1) % 15)')"
on author export -q --pack "$T/bad"
rm -rf "$T/alone" && mkdir -p "$T/alone/packs"
cp "$T/bad" "$T/alone/packs/$(b2sum -l 256 "$T/bad" | cut -c 1-64).tar.zst"
is "$(guide_says "$T/alone") $(grep -c '/objects/.*not checked: another release' "$T/err")" "3 1" \
	"the guide's way to check packs finds forged bytecode that claims to be another release's"
two_packs before
two_packs behind
alone() { # PACK: the status of the guide's check with import instead of pull
	TMPDIR=$T status_of bash -c "$(recipe_for . | sed "s,pull --strict *[^ ]*,import '$1',")"
}
is "$(alone "$T/bad") $(alone "$T/two/packs/$good")" "1 0" "the guide's way to check one pack alone tells a forged one from a good one"
is "$(status_of on both-forged pull --json "$T/two") $(field differing <"$T/out")" "0 1" \
	"pull counts objects that differ among packs, which without --strict is no failure"
on third warm -q --python "$python" "$T/app"
is "$(status_of on third pull "$T/two") $(wc -l <"$T/err")" "0 0" "pull does not compare a pack with what was compiled here"
cp -r "$T/two" "$T/agree"
find "$T/agree/packs" -type f ! -name "$good" -delete
echo 'print("more")' >"$T/app/more.py"
touch -d '2 days ago' "$T/app/more.py"
on third warm -q --python "$python" "$T/app"
on third export -q --pack "$T/more"
cp "$T/more" "$T/agree/packs/$(b2sum -l 256 "$T/more" | cut -c 1-64).tar.zst"
rm "$T/app/more.py"
is "$(status_of on same pull --strict --json "$T/agree") $(field packs <"$T/out") $(field kept <"$T/out")" "0 2 1" \
	"pull --strict takes two packs that have the same bytecode of one source"

# said STORE OPTION…: what a strict pull of a host without a cache says, but where and whether
said() {
	rm -rf "$T/dry"
	echo "$(status_of on dry pull --strict --json "${@:2}" "$T/$1") $(sed 's/"cache":[^,]*,"dry_run":[^,]*//' "$T/out") $(<"$T/err")"
}
for store in two agree; do
	is "$(said $store --dry-run)" "$(said $store)" "a dry run of pull says of packs that overlap what the pull says ($store)"
done

# --- what no host takes ---------------------------------------------------------------
# A pack with an object that this release does not judge, beside one that it does.
other_pack() { # STORE KIND: the object is damaged, or sealed in a later format
	"$python" -B - "$HERE/tests/trust" "$T/agree/packs/$(b2sum -l 256 "$T/more" | cut -c 1-64).tar.zst" "$@" <<'EOF'
import hashlib, io, os, struct, subprocess, sys, tarfile
sys.path.insert(0, sys.argv[1])
from forge import checksum
pack, store, kind = sys.argv[2:]
tar = tarfile.open(fileobj=io.BytesIO(subprocess.run(["zstd", "-dcq", pack], stdout=subprocess.PIPE, check=True).stdout))
members = [(member, tar.extractfile(member).read()) for member in tar]
member, data = members.pop()
if kind == "newer":
    seal = data[-128:-120] + struct.pack("<H", 2) + data[-118:-8]
    data = data[:-128] + seal + struct.pack("<Q", checksum(seal))
else:
    data = data[:30] + bytes([data[30] ^ 1]) + data[31:]
members.append((member, data))
file = io.BytesIO()
with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
    for member, data in members:
        member.pax_headers["SCHILY.xattr.user.pycstash.blake2b"] = hashlib.blake2b(data, digest_size=32).hexdigest()
        tar.addfile(member, io.BytesIO(data))
pack = subprocess.run(["zstd", "-cq"], input=file.getvalue(), stdout=subprocess.PIPE, check=True).stdout
os.makedirs(store + "/packs")
with open("%s/packs/%s.tar.zst" % (store, hashlib.blake2b(pack, digest_size=32).hexdigest()), "wb") as file:
    file.write(pack)
EOF
}
for kind in newer damaged; do
	other_pack "$T/$kind" $kind
	is "$(guide_says "$T/$kind")" 3 "the guide's way to check packs calls no pack good that has an object which this release does not judge ($kind)"
	for try in 1 2; do
		is "$(status_of on "$kind-host" pull --json "$T/$kind") $(field refused <"$T/out") $(find "$T/$kind-host" -name '*.pyc' | wc -l) $(grep -c 'refused: .*/objects/' "$T/err")" "3 1 0 1" \
			"a pack with an object that this release does not judge brings nothing in ($kind, pull $try)"
	done
done

mkdir "$T/empty"
is "$(guide_says http://127.0.0.1:1/none) $(guide_says "$T/empty") $(guide_says "$T/missing")" "3 3 3" \
	"the guide's way to check packs does not call a store good from which it gets no pack"
is "$(status_of on fresh pull "$T/empty") $(status_of on fresh pull --strict "$T/empty")" "0 3" "pull --strict fails if the store has no pack"

# --- a layer, and a user of it --------------------------------------------------------
install -d -m 700 "$T/user"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$T/user"
user() { PYCSTASH_LAYERS=$T/layer PYCSTASH_DIR=$T/user/cache HOME=$T/user as_user "$@"; }
user_says() { user env LD_PRELOAD="$T/for-all/libpycstash.so" "$python" -c "import sys; sys.path.insert(0, '$T/app'); import alpha"; }
user_withdraws() { status_of user "$T/for-all/pycstash" purge "$@" --from-pack "$digest"; }

on root pull -q --layer "$T/layer" "$T/store"
is "$(user_says)" EVIL "a user of a layer gets what a pack has brought into it"
withdraws root --layer "$T/layer" >/dev/null
find "$T/layer/v1/.state/packs" ! -perm -a+r | none "everybody can read the record of a pack that was withdrawn from a layer"
is "$(user_says)" EVIL "a copy in the cache of a user remains when a pack is withdrawn from the layer"
is "$(user_withdraws --dry-run) $(find "$T/user/cache/v1/.state/packs" -type f 2>/dev/null | wc -l) $(user_says)" "0 0 EVIL" \
	"a dry run reads a layer's record, and withdraws nothing"
is "$(user_withdraws) $(user_says)" "0 good" "a user of a layer withdraws a pack after it was withdrawn from the layer"
is "$(user "$T/for-all/pycstash" pull --json "$T/store" | field known)" 1 "a pack that was withdrawn by a layer's record is not pulled"
is "$(withdraws root --layer "$T/layer")" 0 "a pack is withdrawn from a layer a second time"

# --- again and again ------------------------------------------------------------------
for where in both between; do
	on $where pull -q "$T/store"
	on $where pull -q --layer "$T/$where.layer" "$T/store"
done
export PYCSTASH_LAYERS=$T/between.layer
is "$(withdraws between) $(says between)" "0 EVIL" "what was withdrawn from a cache is served from a layer that has it"
is "$(withdraws between --layer "$T/between.layer") $(withdraws between) $(says between)" "0 0 good" \
	"what has come back from a layer is withdrawn again"
unset PYCSTASH_LAYERS
is "$(withdraws both --older-than 9d) $(withdraws both) $(wc -l <"$(record_of both).withdrawn") $(stat -c %s "$(record_of both)")" "0 0 1 0" \
	"the list of a withdrawn pack is kept where earlier releases do not look"
says both >/dev/null
is "$(on both push --json "$T/new" | field objects)" 1 "push does not count what was withdrawn as known"
on both purge -q --all
is "$(withdraws both)" 1 "purge --all forgets what was in a withdrawn pack"

# --- while it is pulled ---------------------------------------------------------------
at() { LD_PRELOAD=$BUILD/tests/library/libat.so AT=$1 DO=$2 "${@:3}"; } # MOMENT COMMAND PROGRAM…
export PURGE="PYCSTASH_DIR='$T/busy' '$PYCSTASH' purge -q --from-pack $digest"
# Once the pull has begun to put the pack there; it goes on when purge has ended or waits for it.
at "rename:${digest: -8}.part:after" "(eval \"\$PURGE\"; echo \$? >'$T/purged') & timeout 2 sh -c 'until test -s \"$T/purged\"; do sleep .02; done'" \
	on busy pull -q "$T/store"
await test -s "$T/purged"
is "$(<"$T/purged") $(find "$T/busy" -name '*.pyc' | wc -l) $(stat -c %s "$(record_of busy)") $(says busy)" "0 0 0 good" \
	"a pack that is being pulled is withdrawn as a whole"
for name in '' .withdrawn; do rm "$(record_of busy)$name"; done
sed 's/$/ 1/' <<<"${object#"$T/author/v1/"}" >"$(record_of busy).part"
# After the pull has seen that the pack is not known, and before it takes the lock.
is "$(at open:packs.lock "$PURGE" on busy pull --json "$T/store" | field known) $(find "$T/busy" -path '*/objects/*/alpha*' | wc -l) $(stat -c %s "$(record_of busy)")" \
	"1 0 0" "a pack that is withdrawn while it is transferred is not taken"
flock -F "$T/busy/v1/.state/packs.lock" sleep 600 &
holder=$!
await sh -c '! flock -n "$1" true' - "$T/busy/v1/.state/packs.lock"
is "$(status_of on busy purge -n --from-pack "$digest") $(withdraws busy) $(grep -c 'locked by another process' "$T/err")" "0 11 1" \
	"purge --from-pack says that it has waited for a pull in vain, and a dry run waits for none"
is "$(status_of on busy pull "$T/agree") $(grep -c 'locked by another process' "$T/err")" "11 1" \
	"pull of two packs waits for purge --from-pack once"
SECONDS=0
is "$(status_of on busy run --pull "$T/agree" -- echo started) $(<"$T/out") $(grep -c 'locked by another process' "$T/err") $((SECONDS < 5))" "0 started 1 1" \
	"run --pull does not wait for purge --from-pack"
kill "$holder"
ends "$holder"

rm "$T/busy/v1/.state/packs.lock" && mkdir "$T/busy/v1/.state/packs.lock"
is "$(status_of on busy pull --json "$T/agree") $(field packs <"$T/out") $(withdraws busy)" "0 2 0" \
	"pull and purge --from-pack need no lock where there can be none"

# --- without a record -----------------------------------------------------------------
on job pull -q "$T/store"
says job >/dev/null
on job export -q "$T/archive"
on next import -q "$T/archive"
is "$(withdraws next) $(<"$T/err")" "1 $no_record" "where there is no record of a pack, purge --from-pack says so"
is "$(PYCSTASH_LAYERS=$T/layer withdraws next) $(says next)" "0 good" "a cache that was filled from an archive takes the list from a layer"
is "$(withdraws next)" 0 "a list that was taken from a layer is kept"
is "$(withdraws job) $(on job import -q "$T/archive" && says job)" "0 EVIL" "an archive brings back what was withdrawn"
is "$(withdraws job) $(says job)" "0 good" "what an archive has brought back is withdrawn again"

# As earlier releases leave it.
on old pull -q "$T/store"
: >"$(record_of old)"
is "$(withdraws old) $(<"$T/err")" "1 $no_record" "an empty record says nothing of what is in a pack"
is "$(PYCSTASH_LAYERS=$T/layer withdraws old) $(says old)" "0 good" "a cache with an empty record takes the list from a layer"
done_testing
