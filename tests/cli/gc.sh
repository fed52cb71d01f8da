#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash gc: each of its rules, on a cache that real interpreters filled.
. "$(dirname "$0")/made.sh"

export LC_ALL=C # for patterns of find and grep, which else pass over names that are no UTF-8
V=$CACHE/v1
gc() { "$PYCSTASH" gc "$@"; }
files() { find "$V" -path "$V/[.C]*" -prune -o -type f -printf x | wc -c; }
pycs() { find "$V" -path "*/$1/*" -name '*.pyc' -printf x 2>/dev/null | wc -c; }
entry_of() { "$PYCSTASH" path --tag "$TAG" "$S/$1.py" | head -1; }
# rule NAME FIELD: of the JSON on stdin
rule() {
	python3 -c 'import json, sys
print([r[sys.argv[2]] for r in json.load(sys.stdin)["rules"] if r["rule"] == sys.argv[1]][0])' "$1" "$2"
}
field() { python3 -c 'import json, sys; x = json.load(sys.stdin)
for key in sys.argv[1].split("."): x = x[key]
print(x)' "$1"; }
total() { python3 -c 'import json, sys; print(sum(r["files"] for r in json.load(sys.stdin)["rules"]))'; }
# takes RULE FILES SENTENCE OPTION…: a dry run and a real run delete the same files
takes() {
	local name=$1 want=$2 sentence=$3 before dry real
	shift 3
	before=$(files)
	gc -n --json "$@" >"$T/dry.json"
	dry="$(rule "$name" files <"$T/dry.json") $(rule "$name" freed <"$T/dry.json") $((before - $(files)))"
	gc --json "$@" >"$T/real.json"
	real="$(rule "$name" files <"$T/real.json") $(rule "$name" freed <"$T/real.json") $((before - $(files)))"
	is "$real" "${dry% *} $(total <"$T/dry.json")" "$sentence: as the dry run promised"
	is "${real%% *}" "$want" "$sentence"
}
old() { find "$@" -exec touch -h -d '3 hours ago' {} +; }
snapshot=$T/snapshot
cp -a "$CACHE" "$snapshot"
again() { # as it was made, three hours ago
	rm -rf "$CACHE"
	cp -a "$snapshot" "$CACHE"
	old "$V" -name '*.pyc'
}
ALL=$(files)
OBJECTS=$(find "$V/$TAG/objects" -name '*.pyc' | wc -l) # some sources are equal

# --- nothing to do ----------------------------------------------------------------------
# As where nothing was compiled, or where no program can use a cache: `run` does its work there.
for options in "" --json "--max-size 300M" -n --auto; do
	# shellcheck disable=SC2086 # words
	is "$(PYCSTASH_DIR=$T/none gc $options 2>"$T/err"; echo $?) $(grep -c "^pycstash: $T/none: no cache yet;" "$T/err")" \
		"0 $([ "$options" = --auto ]; echo $?)" "gc${options:+ $options} succeeds where there is no cache${options##*--auto*}"
done
for options in "" -n --auto; do
	# shellcheck disable=SC2086 # words
	is "$(PYCSTASH_DIR=relative gc $options 2>"$T/err"; echo $?) $(grep -c "no cache directory: set HOME" "$T/err")" "10 1" \
		"gc${options:+ $options} ends with 10 where no setting says where the cache is"
done
is "$(gc --json | field kept.entries)" $((COUNT * VERSIONS)) "all entries are kept"
is "$(files)" "$ALL" "gc deletes nothing from a cache that is in use"
is "$(gc --json | field kept.disk)" "$(find "$V" -path "$V/[.C]*" -prune -o -type f -printf '%i %b\n' | sort -u | awk '{ n += $2 } END { print n * 512 }')" \
	"gc measures the size of the entries, and counts hard links once"
touch -a -d '5 days ago' "$(entry_of top)"
before=$(stat -c %X "$(entry_of top)")
rm "$V/.state/gc"
sleep 1
gc -q
is "$(stat -c %X "$(entry_of top)")" "$before" "gc does not change access times"
sleep 1.1
gc -q
sleep 1.1
many=$(strace -f -qq -e trace=openat "$PYCSTASH" gc 2>&1 | grep -ac '\.pyc')
is "$many" 0 "nothing is opened that has not changed since it was looked at"

# --- temporaries, foreign files -----------------------------------------------------------
again
entry=$(entry_of top)
[ -f "$entry" ] || { not_ok "path finds an entry" "$entry"; exit; }
cp "$entry" "$entry.12345"
cp "$entry" "$entry.67890"
object=$(find "$V/$TAG/objects" -name '*.pyc' | head -1)
cp "$object" "$object.4"
old "$entry.12345" "$object.4"
touch "$entry.67890"
takes temporaries 2 "gc deletes temporary files older than an hour"
check "gc keeps a young temporary file, because a process may be writing it" test -e "$entry.67890"
again
cp "$entry" "$V/$TAG/objects/left"
echo text >"$V/$TAG/tree/note"
old "$V/$TAG/objects/left" "$V/$TAG/tree/note"
takes foreign 1 "gc deletes a file of pycstash that lies where it is never used"
check "gc keeps files that are not pycstash's" test -e "$V/$TAG/tree/note"
is "$(field left <"$T/real.json")" 1 "gc counts the foreign file that it leaves"
again
# An entry in a later format: the format number is at byte 8 of the last 128 bytes.
printf '\11' | dd of="$entry" bs=1 seek=$(($(stat -c %s "$entry") - 120)) conv=notrunc status=none
rm -f "$V/.state/gc"
gc -q
check "gc keeps a file of a later format" test -e "$entry"

# --- stale and damaged --------------------------------------------------------------------
again
gc -q
printf 'y = 1\n' >>"$S/top.py"
takes stale "$VERSIONS" "gc deletes entries whose source has changed"
check "gc keeps the object of a stale entry, because another path may have that content" test "$(pycs objects)" = $((OBJECTS * VERSIONS))
make_sources "$S"
again
touch "$S"/pkg/*.py
cp "$S/pkg/b.py" "$T/b" && mv "$T/b" "$S/pkg/b.py"
gc -q
is "$(files)" "$ALL" "an entry is not stale if its source was touched, or replaced with the same content"
again
gc -q
truncate -s -1 "$entry"
cp /dev/null "$(entry_of pkg/a)"
takes damaged $((2 * 2)) "gc deletes damaged files, with all of their hard links"

# --- orphans --------------------------------------------------------------------------------
again
mv "$S/pkg" "$T/pkg"
gc --json >"$T/json"
is "$(files) $(field missing <"$T/json")" "$ALL 1" "gc waits for missing sources, and remembers only the highest missing directory"
is "$(tr '\0' '\n' <"$V/.state/orphans" | grep -c " d $S/pkg\$")" 1 "gc remembers a missing folder"
mv "$T/pkg" "$S/pkg"
is "$(gc --json | field missing)" 0 "gc forgets a missing folder when it is back"
mv "$S/pkg" "$T/pkg"
gc -q
# makes it look that long ago
age() { python3 - "$V/.state/orphans" "$1" <<'END'
import sys
path, seconds = sys.argv[1], int(sys.argv[2])
records = [r.split(b" ", 1) for r in open(path, "rb").read().split(b"\0")[:-1]]
open(path, "wb").write(b"".join(b"%d %s\0" % (int(a) - seconds, b) for a, b in records))
END
}
age $((23 * 3600))
gc -q
is "$(files)" "$ALL" "gc waits 24 hours for sources below /tmp"
age $((2 * 3600))
per_version=$(find "$V/$TAG/tree" -path '*/pkg/*' -name '*.pyc' -printf x | wc -c)
takes orphans $((per_version * VERSIONS)) "the entries of a missing folder go after the grace period, in all versions"
check "gc deletes the directory of entries that are gone" test ! -e "$V/$TAG/tree$S/pkg" -a -e "$V/$TAG/tree$S/__pycache__"
is "$(field missing <"$T/real.json") $(wc -c <"$V/.state/orphans")" "0 0" "gc forgets a missing folder when its entries are gone"
mv "$T/pkg" "$S/pkg"
again
mv "$S/pkg" "$T/pkg"
gc -q
age $((90 * 86400))
sed -i -E 's/^([0-9]+) [0-9a-f]+ d/\1 123456 d/' "$V/.state/orphans"
gc -q
is "$(files)" "$ALL" "if sources are missing from another file system than before, the grace period starts again"
takes orphans $((per_version * VERSIONS)) "--orphan-grace 0s deletes orphans at once" --orphan-grace 0s
mv "$T/pkg" "$S/pkg"
again
mv "$S"/new* "$T/"
gc -q
is "$(tr '\n\0' '#\n' <"$V/.state/orphans" | grep -c " f $S/new#line.py\$")" 1 "a file whose folder is there is waited for by itself"
age $((90 * 86400))
takes orphans "$VERSIONS" "the entries of a file that is missing go without those of its neighbours"
mv "$T"/new* "$S/"
again
mv "$S" "$T/away"
echo "no record 12" >"$V/.state/orphans"
gc -q
is "$(files)" "$ALL" "gc replaces a list of missing sources that is damaged"
mv "$T/away" "$S"
again
mkdir "$S/closed"
echo 'x = 1' >"$S/closed/m.py"
if [ "$(id -u)" != 0 ]; then
	chmod 0 "$S"
	gc -q --orphan-grace 0s
	chmod 755 "$S"
	is "$(files)" "$ALL" "sources that cannot be reached are not missing"
fi
rm -r "$S/closed"

# --- objects and limits ---------------------------------------------------------------------
again
rm -rf "$V/$TAG/tree"
find "$V/$TAG/objects" -name '*.pyc' -exec touch -d '31 days ago' {} +
touch -a -d '29 days ago' "$(find "$V/$TAG/objects" -name '*.pyc' | head -1)"
takes objects $((OBJECTS - 1)) "objects that nothing links go when nobody used them for 30 days"
again
find "$V" -name '*.pyc' -exec touch -d '31 days ago' {} +
gc -q
is "$(files)" "$ALL" "objects that entries link stay"
printf 'y = 1\n' | tee -a "$S/top.py" >>"$S/pkg/a.py"
takes objects $((2 * VERSIONS)) "objects go with the last entry that shares them"
make_sources "$S"
again
find "$V" -name '*.pyc' -exec touch -d '31 days ago' {} +
mv "$S/pkg" "$T/pkg"
takes objects "$(find "$V" -path '*/pkg/*' -name '*.pyc' -links +1 -printf x | wc -c)" \
	"objects go with the entries of a missing folder" --orphan-grace 0s
mv "$T/pkg" "$S/pkg"
again
mv "$S/pkg" "$T/pkg"
printf 'y = 1\n' >>"$S/top.py"
find "$V" -name 't*.pyc' -exec touch -d '31 days ago' {} + # an object goes with its entry, then there are limits
all=(--orphan-grace 0s --max-size 1 --max-entries 1 --json)
gc -n "${all[@]}" | sed 's/"dry_run":true//' >"$T/dry.json"
gc "${all[@]}" | sed 's/"dry_run":false//' >"$T/real.json"
is "$(cat "$T/dry.json")" "$(cat "$T/real.json")" "all rules at once take what the dry run promised"
is "$(grep -c '"orphans","files":[1-9].*"stale","files":[1-9].*"evicted","files":[1-9]' "$T/real.json")" 1 \
	"limits evict the rest of what the other rules leave"
mv "$T/pkg" "$S/pkg"
make_sources "$S"
again
entries=$((COUNT * VERSIONS))
find "$V" -name 'top.*.pyc' -exec touch -d '20 days ago' {} +
takes evicted $((2 * VERSIONS)) "--max-entries evicts as many entries as exceed the limit, with their objects" \
	--max-entries $((entries - VERSIONS))
is "$(find "$V" -name 'top.*.pyc' | wc -l)" 0 "gc evicts the entries that were not used for longest"
again
size=$(gc --json | field kept.disk)
find "$V/$TAG" -name '*.pyc' -exec touch -m -d '9 days ago' {} + -exec touch -a -d '8 days ago' {} +
gc -q --max-size $((size - 4096))
kept=$(gc --json | field kept.disk)
check "--max-size leaves the cache just below the limit" test "$kept" -le $((size - 4096)) -a "$kept" -ge $((size - 3 * 4096))
is "$(find "$V" -path "*/$TAG/*" -prune -o -path "$V/[.C]*" -prune -o -name '*.pyc' -printf x | wc -c)" \
	$((ALL - COUNT - OBJECTS)) "--max-size keeps what was used later"
again
again # all of the same moment, and all but a few have an object
size=$(gc --json | field kept.disk)
alone=$(find "$V" -path "$V/[.C]*" -prune -o -name '*.pyc' -links 1 -print | wc -l)
most=$(find "$V" -path "$V/[.C]*" -prune -o -name '*.pyc' -printf '%b\n' | sort -n | tail -1)
gc -n --long --max-size $((size / 2)) | grep '^evicted .*pyc$' | sort >"$T/dry"
gc --long --max-size $((size / 2)) | grep '^evicted .*pyc$' | sort >"$T/real"
check "--max-size may evict some of several files that were used at the same time" test -s "$T/real"
is "$(cat "$T/dry")" "$(cat "$T/real")" "gc deletes the files that the dry run named"
kept=$(gc --json | field kept.disk)
check "--max-size evicts no more than it has to" test "$kept" -le $((size / 2)) -a "$kept" -gt $((size / 2 - most * 512))
check "an entry is evicted together with its object, because only the last link frees the space" \
	test "$(find "$V" -path "$V/[.C]*" -prune -o -name '*.pyc' -links 1 -print | wc -l)" -le "$alone"
again
touch "$(entry_of top)"
check "gc says why a limit is not kept" \
	grep -q "^still over max_size by .*: files younger than an hour" <<<"$(gc --max-size 1)"
is "$(files)" 2 "files younger than an hour are never evicted"
again
"$PYCSTASH" export -q "$T/a.zst"
"$PYCSTASH" import -q --dir "$T/brought" "$T/a.zst"
brought() { find "$T/brought" -name '*.pyc' "$@" -printf '%f\n' | sort -u; }
touch -a "$(PYCSTASH_DIR=$T/brought entry_of top)" # as if it was used
is "$(gc --json --dir "$T/brought" --max-size 1G | rule evicted files)" 0 "gc evicts nothing of what was just imported while the limits hold"
gc -q --dir "$T/brought" --max-size 1
is "$(brought -path '*/tree/*') $(brought -path '*/objects/*' | wc -l)" "top.$TAG.pyc 1" \
	"of what was just imported, gc evicts what nothing has used, so that an archive does not grow from job to job"
rm -r "$T/brought"
again
touch "$(entry_of top)"
is "$(gc --max-size 1G --max-entries 1 | grep -c '^still over')" 0 "gc reports nothing about limits that are kept"
again
old "$V" -name '*.pyc'
gc -q --max-size 1
is "$(files)" 0 "everything older than an hour is evicted"
check "gc removes folders that it has emptied" test ! -e "$V/$TAG"
again
is "$(PYCSTASH_MAX_ENTRIES=1 gc -n --json | field kept.entries)" 1 "gc reads its limits from the settings"
is "$(PYCSTASH_MAX_ENTRIES=1 gc -n --json --max-entries 0 | rule evicted files)" 0 "options win"
for limit in max-entries=9223372036854775808 max-entries=18446744073709551614 max-size=8191P \
	max-size=9223372036854775808 max-size=16383P max-size=18446744073709551615; do
	is "$(gc -n --json "--$limit" | rule evicted files)" 0 "a huge limit evicts nothing: $limit"
done
is "$(gc -n --json --keep-free 4000P | rule evicted files)" "$ALL" "--keep-free evicts until that much of the file system is free"
is "$(status_of gc --max-size much)$(status_of gc --max-time 3)$(status_of gc word)" 222 "a wrong value of an option ends with 2"

# --- when ------------------------------------------------------------------------------------
again
rm -f "$V/.state/gc"
cp "$entry" "$entry.1" && old "$entry.1"
is "$(gc --auto --dir "$T/none" 2>&1; echo $?)" 0 "gc --auto without a cache ends with 0 and prints nothing"
is "$(gc --auto 2>&1)" "" "gc --auto prints nothing"
check "gc --auto collects the first time" test ! -e "$entry.1"
cp "$entry" "$entry.1" && old "$entry.1"
gc --auto
check "gc --auto does not collect a second time on a day" test -e "$entry.1"
check "gc --auto does not look at the cache a second time on a day" test "$(calls_of "$PYCSTASH" gc --auto | grep -c getdents)" = 0
touch -m -d '25 hours ago' "$V/.state/gc"
gc --auto
check "gc --auto collects on the next day" test ! -e "$entry.1"
touch -m -d '2 hours ago' "$V/.state/gc"
cp "$entry" "$entry.1" && old "$entry.1"
PYCSTASH_MAX_SIZE=1 gc --auto
check "gc --auto collects when the counters say that the cache is too large" test ! -e "$entry.1" -a ! -e "$entry"
again
(exec 9>"$V/.state/lock" && flock 9 && echo "pid 1 on here" >&9 && touch "$T/locked" && exec sleep 20) &
holder=$!
for _ in $(seq 100); do [ -e "$T/locked" ] && break || sleep 0.05; done
is "$(status_of gc --max-time 1s)" 11 "gc ends with 11 while another process holds the lock"
check "gc says who holds the lock" grep -q 'pid 1 on here' <(said_by gc --max-time 1s)
is "$(status_of gc -n)" 0 "a dry run needs no lock"
rm -f "$V/.state/gc"
is "$(status_of gc --auto)$(said_by gc --auto)" 0 "gc --auto ends with 0 and prints nothing if another process has locked the cache"
(sleep 1 && kill $holder) &
is "$(status_of gc)" 0 "gc waits for the process that holds the lock, such as an automatic gc"
wait $! $holder 2>/dev/null
is "$(status_of env LD_PRELOAD="$BUILD/tests/library/libat.so" AT=open:lock:after DO="sleep 1.1" "$PYCSTASH" gc --max-time 1s)" 3 \
	"the time that gc waits for the lock is part of --max-time"

# --- trouble -----------------------------------------------------------------------------------
again
mkdir "$T/outside"
cp "$entry" "$T/outside/top.$TAG.pyc.1"
old "$T/outside/top.$TAG.pyc.1"
ln -s "$T/outside" "$V/$TAG/tree/__pycache__"
ln -s "$T/outside" "$V/cpython-42"
gc -q --max-size 1
check "gc follows no symbolic link in the cache" test -e "$T/outside/top.$TAG.pyc.1"
again
rm -rf "$V/.state"
ln -s "$T/outside" "$V/.state"
check "a link in place of .state is an error" test "$(status_of gc)" != 0
is "$(ls -A "$T/outside")" "top.$TAG.pyc.1" "gc writes nothing through a symbolic link in place of .state"
again
mv "$V" "$CACHE/v2"
is "$(status_of gc)" 12 "a cache of another layout is refused"
again
mkdir -p "$V/$TAG/tree/many/__pycache__"
for i in $(seq 3000); do : >"$V/$TAG/tree/many/__pycache__/m$i.$TAG.pyc.1"; done
old "$V/$TAG/tree/many/__pycache__" -name '*.1'
(find "$V/$TAG/tree/many" -name '*.1' -delete 2>/dev/null) &
gc -q
is "$?" 0 "gc reports no error for files that vanish while it runs"
wait
again
as_user true && if [ "$(id -u)" = 0 ]; then
	chown -R 65534:65534 "$CACHE"
	chmod 755 "$T" "$HOME"
	chmod 000 "$V/$TAG/tree$S/pkg"
	is "$(status_of as_user "$PYCSTASH" gc --dir "$CACHE")" 3 "gc ends with 3 if a directory cannot be read, and does the rest"
	check "gc names a folder that it cannot read" grep -q "$TAG/tree$S/pkg" <(said_by as_user "$PYCSTASH" gc --dir "$CACHE")
	is "$(status_of gc)" 12 "gc refuses another user's cache, also to root"
	install -d -o 65534 "$T/theirs"
	for where in "" /.cache; do # which the user may have, or not
		mkdir -p "$T/theirs$where" && chown 65534 "$T/theirs$where"
		is "$(env -u PYCSTASH_DIR HOME="$T/theirs" "$PYCSTASH" gc 2>"$T/err"; echo $?) $(grep -c "none can be made in .*/theirs: .* belongs to another user; .*PYCSTASH_DIR" "$T/err")" "0 1" \
			"gc says that root makes no cache in another user's home directory (with ~$where)"
	done
fi

# --- the mark for backup programs -----------------------------------------------------
# Earlier releases put the mark into the root.
marked() { # FILE…: what is in the root after a gc, of one with those files
	local root=$T/marked
	rm -rf "$root"
	mkdir -m 700 "$root" "$root/v1" "$root/v1/.state"
	printf '%s\n' 'Signature: 8a477f597d28d172789f06886806bc55' \
		'# This directory is a cache of Python bytecode made by pycstash.' \
		'# It may be deleted at any time.' >"$root/CACHEDIR.TAG"
	for file in "$@"; do echo "$file" >>"$root/$file"; done
	"$PYCSTASH" gc -q --dir "$root" $dry >/dev/null
	(cd "$root" && ls CACHEDIR.TAG v1/CACHEDIR.TAG 2>/dev/null | xargs)
}
dry=
is "$(marked)" "CACHEDIR.TAG v1/CACHEDIR.TAG" "a mark in a root that is nothing but a cache stays"
is "$(marked orders.db)" "v1/CACHEDIR.TAG" "a mark in a root with the user's own files goes"
is "$(marked orders.db CACHEDIR.TAG)" "CACHEDIR.TAG v1/CACHEDIR.TAG" "a mark that is not ours byte for byte stays"
is "$(dry=--dry-run marked orders.db)" CACHEDIR.TAG "a dry run leaves the mark"
done_testing
