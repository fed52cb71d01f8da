#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash purge: what it deletes from a cache that real interpreters filled, and what stays.
. "$(dirname "$0")/made.sh"

V=$CACHE/v1
purge() { "$PYCSTASH" purge "$@"; }
export LC_ALL=C # for patterns of find and grep, which else pass over names that are no UTF-8
files() { find "$V" -mindepth 2 -path "$V/[.C]*" -prune -o -type f -printf x | wc -c; }
entries_of() { find "$V/$1/tree" -name '*.pyc' -printf x 2>/dev/null | wc -c; }
objects_of() { find "$V/$1/objects" -name '*.pyc' -printf x 2>/dev/null | wc -c; }
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
used() { du -s -B1 --exclude=.state "$V" | cut -f1; }
snapshot=$T/snapshot
cp -a "$CACHE" "$snapshot"
again() { # as it was made
	rm -rf "$CACHE"
	cp -a "$snapshot" "$CACHE"
}

# --- being told -----------------------------------------------------------------------
before=$(files)
check "there are several versions to purge" test "$VERSIONS" -ge 2
is "$(status_of purge)" 2 "purge without a criterion refuses"
check "purge without a criterion says which criteria there are" grep -q -- '--tag.*--all' <(said_by purge)
check "if an argument is a path, the message suggests --path" grep -qF -- "--path $S" <(said_by purge "$S")
is "$(status_of purge -n)$(status_of purge --long)$(status_of purge --no-reclaim)" 222 "an option that selects nothing is not a criterion"
is "$(status_of purge "$S")" 2 "an argument without --path is a usage error"
is "$(status_of purge --state rotten)$(status_of purge --older-than 3)" 22 "a wrong value of an option ends with 2"
is "$(files)" "$before" "purge with a wrong command line deletes nothing"

# --- versions -------------------------------------------------------------------------
is "$(purge --tag "$TAG" -n 2>/dev/null)" "$TAG" "--dry-run lists the version that would be deleted"
promised=$(purge --tag "$TAG" -n --json | field freed)
counted=$(purge --tag "$TAG" -n --json | field files)
is "$counted" $(($(entries_of "$TAG") + $(objects_of "$TAG"))) "--dry-run counts the files of a version"
is "$promised" "$(find "$V/$TAG" -type f -printf '%i %b\n' | sort -u | awk '{ n += $2 } END { print n * 512 }')" \
	"--dry-run prints the space that would be freed, with hard links counted once"
is "$(files)" "$before" "--dry-run deletes nothing"
is "$(purge --tag "$TAG" --json | field freed)" "$promised" "purge frees as much as --dry-run promised"
check "purge --tag deletes the version" test ! -e "$V/$TAG"
is "$(files)" $((before - counted)) "purge --tag deletes no other version"
is "$(find "$V/.trash" -mindepth 1 | wc -l)" 0 "purge leaves the trash empty"
is "$("$PYCSTASH" stats --json | field size 2>/dev/null | grep -c "'$TAG', 'entries': [1-9]")" 0 "stats no longer counts a purged version"
import_all "${PYTHONS[0]}"
is "$(entries_of "$TAG")" "$COUNT" "the interpreter creates a purged version again"

again
purge --tag "$TAG" --no-reclaim >"$T/out"
check "--no-reclaim removes the version at once" test ! -e "$V/$TAG"
is "$(find "$V/.trash" -name '*.pyc' -printf x | wc -c)" "$counted" "--no-reclaim leaves the version in the trash, where it still takes space"
"$PYCSTASH" gc --json >"$T/gc.json"
is "$(python3 -c 'import json; print([r["files"] for r in json.load(open("'"$T/gc.json"'"))["rules"] if r["rule"] == "trash"][0])')" \
	"$counted" "the next gc empties the trash"

again
if strace -f -qq -e trace=clone,clone3 -o "$T/strace" taskset -c 0 "$PYCSTASH" purge -q --tag "$TAG" &&
	grep -q . "$T/strace"; then
	check "space is freed by many threads, which a disk keeps waiting, on one processor too" \
		test "$(grep -c '^[0-9]* *clone3\{0,1\}(' "$T/strace")" -ge 15
else
	skip "space is freed by many threads" "strace does not work here"
fi

# --- paths ----------------------------------------------------------------------------
again
per_version=$(find "$V/$TAG/tree" -path '*/pkg/*' -name '*.pyc' -printf x | wc -c)
objects=$(find "$V" -path '*/objects/*.pyc' -printf x | wc -c)
purge --path "$S/pkg" -n 2>/dev/null >"$T/out"
is "$(sort "$T/out")" "$(for tag in "${TAGS[@]}"; do echo "$tag/tree$S/pkg"; done | sort)" "--dry-run prints one line for a tree of each version"
is "$(purge --path "$S/pkg" -n --json | field files)" $((per_version * VERSIONS)) "--path purges a folder with all of its entries"
is "$(purge --path "$S/pkg" -n --json | field freed)" 0 "--path frees no space if the objects are hard links to the same files"
purge --path "$S/pkg" >"$T/out"
is "$(files)" $((before - per_version * VERSIONS)) "--path deletes a tree in all versions"
is "$(find "$V" -path '*/objects/*.pyc' -printf x | wc -c)" "$objects" "--path keeps objects, because other paths may share them"
again
purge -q --path "$S/pkg" --tag "$TAG"
is "$(files)" $((before - per_version)) "--tag and --path delete only what both select"
again
purge -q --path "$S/pkg/a.py" --path "$S"/new*
is "$(files)" $((before - 2 * VERSIONS)) "--path can be repeated, and takes files"
check "a directory that has other files stays" test -e "$V/$TAG/tree$S/pkg/__pycache__"
again
purge -q --path "$S/**/c.py"
is "$(files)" $((before - VERSIONS)) "a pattern"
purge -q --path "$S/pkg/sub/*.py"
check "a directory that becomes empty is deleted" test ! -e "$V/$TAG/tree$S/pkg/sub"
again
purge -q --path "$S/pkg/_*"
is "$(files)" $((before - VERSIONS)) "a pattern matches names of sources (__init__.py), not __pycache__"
again
mv "$S" "$T/gone"
purge -q --path "$S"
is "$(for tag in "${TAGS[@]}"; do entries_of "$tag"; done | sort -u)" 0 "--path deletes entries whose sources do not exist"
mv "$T/gone" "$S"
again
purge -n -0 --path "$S" --path "$S/nothing" --older-than 0s 2>/dev/null >"$T/names"
is "$(tr '\0' '\n' <"$T/names" | grep -c 'not.utf8')" "$VERSIONS" "-0 prints names as they are"
is "$(tr -cd '\0' <"$T/names" | wc -c)" $((COUNT * VERSIONS)) "with -0, each name ends with a NUL"
rm -rf "$T/all"
mkdir -p "$T/all"
purge -q --path /
is "$(for tag in "${TAGS[@]}"; do entries_of "$tag"; done | sort -u)" 0 "--path / selects every entry"

# --- by what they are -------------------------------------------------------------------
again
entry=$("$PYCSTASH" path --tag "$TAG" "$S/top.py" | head -1)
printf 'changed = %s\n' "'entirely'" >>"$S/top.py"
purge -q --state stale
is "$(files)" $((before - VERSIONS)) "--state stale deletes the entries of a source that has changed"
check "the directory of a purged entry stays if it has other entries" test ! -e "$entry" -a -d "$(dirname "$entry")"
again
make_sources "$S" # other inodes, the same content
touch "$S/pkg/a.py"
purge -q --state stale
is "$(files)" "$before" "an entry whose source was touched is not stale"
again
truncate -s 20 "$(dirname "$entry")/a b.$TAG.pyc"
mv "$S/pkg" "$T/gone"
purge -q --state damaged,orphan --tag "$TAG"
mv "$T/gone" "$S/pkg"
is "$(entries_of "$TAG")" $((COUNT - 1 - per_version)) "--state takes two states with a comma between them"
again
echo text >"$V/$TAG/tree/README"
ln -s / "$V/$TAG/tree/link"
is "$(purge -n --state foreign 2>/dev/null | sort | tr '\n' ' ')" "$TAG/tree/README $TAG/tree/link " "--state foreign"
purge -q --state foreign
check "purge deletes links, not their targets" test -d / -a ! -L "$V/$TAG/tree/link"
again
find "$V/$TAG" -name '*.pyc' -exec touch -d '40 days ago' {} +
find "$V/$TAG/tree" -name 'a.*.pyc' -exec touch -a -d '2 days ago' {} +
is "$(purge -n --unused-since 30d --json | field files)" $((counted - 2)) "--unused-since deletes files that were not read under any of their hard links"
is "$(purge -n --older-than 30d --json | field files)" "$counted" "--older-than deletes files that were written before"
is "$(purge -n --older-than 30d --tag "${TAGS[1]}" --json | field files)" 0 "--older-than and --tag delete only what both select"
purge -q --older-than 30d
check "a version that becomes empty is deleted" test ! -e "$V/$TAG"

# --- sizes --------------------------------------------------------------------------------
again
counted_off "a tree" purge -q --path "$S/pkg"
again
counted_off "files" purge -q --path "$S/pkg/a.py" --path "$S/new*"
again
mkdir -p "$T/twice" # twice the same content, linked to one object
echo 'same = True' | tee "$T/twice/one.py" >"$T/twice/two.py"
sleep 0.05
for module in one two; do
	preloaded "${PYTHONS[0]}" -S -c 'import sys; sys.path.insert(0, sys.argv[1]); __import__(sys.argv[2])' "$T/twice" $module
done
counted_off "two names of one object" purge -q --path "$T/twice"
again
counted_off "objects and entries by their age" purge -q --older-than 0s --tag "$TAG"
again
spoil_and_repair() {
	printf '\377' | dd of="$(find "$V/$TAG/objects" -name '*.pyc' | head -1)" bs=1 seek=30 conv=notrunc status=none
	"$PYCSTASH" verify --repair
}
counted_off "what verify --repair deletes" spoil_and_repair
again
"$PYCSTASH" gc -q
before=$(sizes)
purge -q --no-reclaim --path "$S/pkg"
is "$(sizes)" "$before" "files that still take space are not subtracted from the sizes"
purge -q --path "$S/nothing"
check "the purge that frees space subtracts it from the sizes" test "$(sizes)" != "$before"
purged=$(sizes)
"$PYCSTASH" gc -q
is "$purged" "$(sizes)" "purge subtracts from the sizes exactly what gc would"
again
"$PYCSTASH" gc -q
purge -q --no-reclaim --path "$S/pkg" --tag "$TAG"
purge -q --tag "$TAG"
import_all "${PYTHONS[0]}"
is "$("$PYCSTASH" stats --json | jsons "[v['entries'] for v in x['size']['versions'] if v['version'] == '$TAG']")" \
	"[$COUNT]" "nothing is subtracted from the sizes twice"

# --- versions without an interpreter ------------------------------------------------------
again
cp -a "$V/$TAG" "$V/cpython-399"
purge --not-installed -n 2>/dev/null >"$T/out"
is "$(grep -c '^cpython-399$' "$T/out")" 1 "--not-installed deletes a version without an interpreter"
is "$(grep -c "^$TAG\$" "$T/out")" 0 "--not-installed keeps the versions of interpreters on this machine"
purge -q --not-installed
check "a version without an interpreter on this machine goes" test ! -e "$V/cpython-399"

# --- all --------------------------------------------------------------------------------
again
is "$(purge --all --json | field freed)" "$(cd "$snapshot/v1" && find . -path './[.C]*' -prune -o -type f -printf '%i %b\n' | sort -u | awk '{ n += $2 } END { print n * 512 }')" \
	"--all frees all space"
is "$(ls "$V")" CACHEDIR.TAG "--all leaves no version"
check "--all leaves the mark of the cache and the counters" test -e "$CACHE/v1/CACHEDIR.TAG" -a -e "$V/.state/journal"
is "$(status_of purge --all)" 0 "purge --all of an empty cache is no error"
import_all "${PYTHONS[0]}"
is "$(entries_of "$TAG")" "$COUNT" "interpreters work after purge --all"

# --- what is not to be touched --------------------------------------------------------------
again
mkdir "$T/outside"
echo precious >"$T/outside/file.$TAG.pyc"
mkdir -p "$V/$TAG/tree/planted"
ln -s "$T/outside" "$V/$TAG/tree/planted/__pycache__"
ln -s "$T/outside" "$V/cpython-42"
purge -q --older-than 0s
purge -q --all
is "$(cat "$T/outside/file.$TAG.pyc")" precious "purge follows no link that was put into the cache"
again
rm -rf "$V/.trash"
ln -s "$T/outside" "$V/.trash"
is "$(status_of purge --all)" 3 "a symbolic link in place of the trash is an error"
check "purge moves nothing through a symbolic link in place of the trash" test "$(ls "$T/outside")" = "file.$TAG.pyc"
again
mv "$V" "$CACHE/v9"
is "$(status_of purge --all)" 12 "a cache of another layout is refused"
check "a cache of another layout is reported" grep -q 'another version of pycstash' <(said_by purge --all)
is "$(status_of purge --all --dir "$T/nowhere")" 10 "purge without a cache ends with 10"
mkdir "$T/plain"
touch "$T/plain/file"
for dir in / "$HOME" "$T/plain"; do
	is "$(status_of purge --all --dir "$dir")" 12 "${dir/$T/…} is refused"
done

# --- times ------------------------------------------------------------------------------
again
# last_second COMMAND…: runs it where each file of the cache has the last time there is, which
# tmpfs keeps, and prints how many files are left
last_second() {
	unshare -rm sh -c 'mount -t tmpfs -o mode=700 none "$1" && cp -a "$2/v1" "$1" && find "$1/v1/$3" -type f -exec touch -m -d @9223372036854775807 {} + || exit
		PYCSTASH_DIR=$1 && shift 3 && "$@" >&2 && find "$PYCSTASH_DIR/v1" -mindepth 2 -path "*/v1/[.C]*" -prune -o -type f -printf x | wc -c' \
		- "$T/times" "$CACHE" "$TAG" "$@"
}
mkdir "$T/times"
if grep -q '^9223372036854775807$' <(last_second sh -c 'stat -c %Y "$PYCSTASH_DIR"/v1/*/objects/*/*/*' 2>&1); then
	is "$(last_second "$PYCSTASH" purge -q --tag "$TAG" --path "$S/*")" $(($(last_second true) - $(entries_of "$TAG"))) \
		"purge --path deletes bytecode of the last time there is"
	is "$(last_second "$PYCSTASH" du --json 2>&1 | head -1 | field total)" "$("$PYCSTASH" du --json | field total)" "du counts bytecode of the last time there is"
else
	skip "purge --path deletes bytecode of the last time there is" "no file system here keeps it"
fi

# --- trouble ------------------------------------------------------------------------------
again
chmod 000 "$V/$TAG/tree$S/pkg"
purge -q --tag "$TAG"
is "$(find "$V/.trash" -mindepth 1 | wc -l)" 0 "the space of directories without permissions is freed, too"
again
for i in $(seq 200); do mkdir -p "$V/$TAG/tree/d$i/e/f" && touch "$V/$TAG/tree/d$i/e/f/file"; done
(purge -q --tag "$TAG") & (purge -q --tag "$TAG") & (purge -q --all) &
failed=0
for pid in $(jobs -p); do wait "$pid" || failed=$((failed + 1)); done
is "$failed" 0 "several purges at the same time succeed"
is "$(find "$V/.trash" -mindepth 1 | wc -l)" 0 "several purges at a time leave nothing in the trash"
again
(
	for _ in $(seq 15); do import_all "${PYTHONS[0]}" 2>>"$T/err" || echo failed; done >"$T/log"
	touch "$T/over"
) &
while [ ! -e "$T/over" ]; do purge -q --tag "$TAG" || echo "purge failed" >>"$T/log"; done
wait
is "$(cat "$T/log" "$T/err")" "" "interpreters that run during a purge do not fail, and purge succeeds"
is "$(find "$S" -name __pycache__ -print -o -path '*/__pycache__/*' -print)" "" "interpreters that run during a purge write nothing beside the sources"
done_testing
