#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash ls: the files that it lists in a cache that real interpreters filled, and their
# states.
. "$(dirname "$0")/made.sh"

ls_() { "$PYCSTASH" ls "$@"; }
lines() { ls_ "$@" | wc -l; }
state_of() { ls_ -l --json --tag "$TAG" "$S/$1.py" | jsons 'x.get("state")' | head -1; }
entry_of() { "$PYCSTASH" path --tag "$TAG" "$S/$1.py" | head -1; }

# --- what is listed -------------------------------------------------------------------
check "there are several interpreters to make the cache" test "$VERSIONS" -ge 2
is "$(lines "$S")" $((COUNT * VERSIONS)) "each source is listed once for each version"
is "$(ls_ -0 --tag "$TAG" | names)" "$(find "$S" -name '*.py' -print0 | names)" \
	"-0 prints the very names of the sources, with every byte"
is "$(ls_ -0 --tag "$TAG" | tr -cd '\0' | wc -c)" "$COUNT" "with -0, each name ends with a NUL"
is "$(ls_ --tag "$TAG" "$S"/new*)" "$S/new\\nline.py" "without --null a line feed is escaped, and forges no line"
ls_ --tag "$TAG" --json "$S" | jsons 'os.fsencode(x["source"]).hex() if "source" in x else "-"' | grep -v - | sort >"$T/hex"
is "$(cat "$T/hex")" "$(find "$S" -name '*.py' -print0 | python3 -c 'import sys
for name in sys.stdin.buffer.read().split(b"\0")[:-1]: print(name.hex())' | sort)" "JSON has every byte too"
is "$(lines --tag "$TAG")" "$COUNT" "--tag lists one version"
is "$(lines --tag "${TAGS[0]},${TAGS[1]}")" $((2 * COUNT)) "--tag takes two versions with a comma between them"
is "$(lines --tag "${TAGS[0]}" --tag "${TAGS[1]}")" $((2 * COUNT)) "--tag can be repeated"
is "$(lines --tag cpython-399)" 0 "--tag lists nothing for a version that the cache lacks"
for command in ls du verify purge "export $T/none.tar"; do
	# shellcheck disable=SC2086 # with its argument
	is "$("$PYCSTASH" $command --tag 3.11 2>&1 >/dev/null | grep -cF "\`3.11\`; it has $(printf '%s\n' "${TAGS[@]}" | sort | head -1)") $(status_of "$PYCSTASH" $command --tag 3.11)" \
		"1 $([ "$command" = purge ]; echo $?)" "${command%% *} says that no version has that tag, and which there are"
done
is "$(status_of ls_ --tag "3.11,$TAG")" 0 "a tag that no version has is no failure beside one that has"
is "$(ls_ --objects --json --tag "$TAG" | jsons 'x.get("kind")' | grep -c '^object$')" \
	"$(find "$CACHE/v1/$TAG/objects" -name '*.pyc' | wc -l)" "--objects lists all objects as well"
import_all "${PYTHONS[0]}" -O
is "$(ls_ --json --tag "$TAG" "$S/top.py" | jsons 'x.get("level")' | sort | tr '\n' ' ')" "0 1 None " \
	"a level of -O has an entry of its own"
find "$CACHE/v1/$TAG" -name '*.opt-1.pyc' -delete

# --- by path --------------------------------------------------------------------------
only="--tag $TAG"
counted() { is "$(lines $only "$2")" "$1" "$3"; } # COUNT PATH SENTENCE
counted 1 "$S/top.py" "a file"
counted 5 "$S/pkg" "ls of a package lists everything below it"
counted 5 "$S/pkg/" "a directory with a slash after it selects the same"
counted 3 "$S/pkg/*.py" "a pattern does not go deeper"
counted 5 "$S/pkg/**/*.py" "a pattern with two stars goes deeper"
counted 1 "$S/**/c.py" "a pattern with ** finds a file at any depth"
counted 2 "$S/**/[ab].py" "a pattern may contain […]"
counted 2 "$S/pkg/su?" "a pattern may match a directory"
ln -s src "$T/link"
counted 5 "$T/link/pkg" "a path through a symbolic link stands for its target"
is "$(cd "$S/pkg" && lines $only .)" 5 "ls takes a relative path"
is "$(cd "$S/pkg" && ls_ $only ../top.py)" "$S/top.py" "a relative path may go up"
is "$(lines $only "$S/pkg/a.py" "$S/pkg" "$S/top.py")" 6 "paths that overlap are listed once"
is "$(status_of ls_ "$S/none.py")" 1 "ls ends with 1 if the cache has nothing of a path"
is "$(status_of ls_ "") $(status_of "$PYCSTASH" du "$S" "") $(status_of "$PYCSTASH" verify "")" "2 2 2" \
	"an empty path is a mistake, and does not mean all"
is "$(status_of "$PYCSTASH" du "$S/none.py") $(status_of "$PYCSTASH" verify "$S/none.py")" "1 1" "du and verify say as ls does that nothing of a path is there"
check "ls says that the cache has nothing of a path" grep -q 'the cache has nothing of PATH' <(said_by ls_ "$S/none.py")

# --- trees that come and go ---------------------------------------------------------------
tree=$T/.mount_aB12cd
mkdir "$tree" && echo 'e = 1' >"$tree/e.py"
preloaded "${PYTHONS[0]}" -c 'import sys; sys.path.insert(0, sys.argv[1]); import e' "$tree"
is "$(lines "$tree") $(lines "$tree/e.py") $(lines "$T/.mount_Xy34zz/e.py")" "1 1 1" \
	"an ephemeral tree can be named by any of its paths"
is "$(ls_ -l --json "$tree" | jsons 'x.get("state")' | head -1)" fresh "entries of an ephemeral tree are not orphans"
is "$("$PYCSTASH" purge --dry-run --state orphan --path "$tree" --json | jsons 'x["files"]')" 0 \
	"an ephemeral tree is not purged as an orphan"
check "an ephemeral tree is purged by its path" "$PYCSTASH" purge -q --path "$tree"
is "$(lines "$tree")" 0 "an ephemeral tree that was purged is gone"

# What changes in a name depends on the whole path. Here a shorter path fits another pattern.
tree=$T/build-env-tools
mkdir -p "$tree/.mount_aB12cd/pkg" && echo 'e = 22' >"$tree/.mount_aB12cd/pkg/e.py"
preloaded "${PYTHONS[0]}" -c 'import sys; sys.path.insert(0, sys.argv[1]); import e' "$tree/.mount_aB12cd/pkg"
is "$(lines "$tree") $(lines "$tree/.mount_aB12cd") $(lines "$tree/.mount_xxxxxx/pkg/e.py")" "1 1 1" \
	"an ephemeral tree is found below a directory whose name fits another pattern"
check "an ephemeral tree is purged by the path of a directory above it" "$PYCSTASH" purge -q --path "$tree"
is "$(lines "$T/build-env-tools/.mount_aB12cd")" 0 "an ephemeral tree that was purged with a directory above it is gone"
mkdir -p "$T/ci-12/work" && echo 'e = 333' >"$T/ci-12/work/e.py"
PYCSTASH_EPHEMERAL='ci-*/work' preloaded "${PYTHONS[0]}" -c 'import sys; sys.path.insert(0, sys.argv[1]); import e' "$T/ci-12/work"
is "$(lines "$T/ci-12") $(lines "$T/ci-34") $(lines "$T/ci-1")" "1 1 0" \
	"an ephemeral tree is found below a part of its pattern"
"$PYCSTASH" purge -q --path "$T/ci-12"

# --- order ----------------------------------------------------------------------------
is "$(ls_ --sort name $only)" "$(ls_ $only | sort)" "--sort name"
is "$(ls_ --sort name -r $only)" "$(ls_ $only | sort -r)" "-r reverses --sort name"
ls_ --sort size --json -l | jsons 'x.get("size", 0)' | head -n -1 >"$T/sizes"
is "$(cat "$T/sizes")" "$(sort -nr "$T/sizes")" "--sort size lists the largest first"
touch -a -d '5 days ago' "$(entry_of top)"
touch -m -d '9 days ago' "$(entry_of top)"
touch -m -d '7 days ago' "$(entry_of pkg/a)"
is "$(ls_ --sort age $only | head -1)" "$S/top.py" "--sort age lists the oldest first"
is "$(ls_ --sort use $only "$S/top.py" "$S/pkg/a.py" "$S/pkg/b.py" | head -1)" "$S/top.py" \
	"--sort use lists first what was not read for longest"
is "$(ls_ --older-than 8d)" "$S/top.py" "--older-than"
is "$(lines --older-than 6d)" 2 "--older-than with a smaller age selects more"
is "$(ls_ --unused-since 4d)" "$S/top.py" "--unused-since"
head -c 3000 /dev/zero | tr '\0' x >"$T/long"
printf 'y = "%s"\n' "$(cat "$T/long")" >"$S/large.py"
sleep 0.05
preloaded "${PYTHONS[0]}" -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import large' "$S"
is "$(ls_ --larger-than 2K $only "$S")" "$S/large.py" "--larger-than"
rm "$(entry_of large)" "$S/large.py"

# --- states ---------------------------------------------------------------------------
is "$(ls_ -l --json $only "$S" | jsons 'x.get("state")' | sort -u | tr '\n' ' ')" "None fresh " "after an import, all entries are fresh"
touch -a -d '5 days ago' "$(entry_of top)"
before=$(stat -c %X "$(entry_of top)")
ls_ -l >/dev/null
is "$(stat -c %X "$(entry_of top)")" "$before" "ls does not change access times"
touch "$S/pkg/a.py"
is "$(state_of pkg/a)" fresh "an entry whose source was touched is fresh"
echo 'x = 2' >"$S/pkg/b.py"
is "$(state_of pkg/b)" stale "an entry whose source has changed is stale"
size=$(stat -c %s "$S/pkg/__init__.py")
{ echo 'x = 3'; head -c "$((size - 7))" /dev/zero | tr '\0' '#'; echo; } >"$S/pkg/__init__.py"
is "$(stat -c %s "$S/pkg/__init__.py") $(state_of pkg/__init__)" "$size stale" "an edited source is stale where it has the size it had, too"
mv "$S/pkg/sub/c.py" "$T/c.py"
is "$(state_of pkg/sub/c)" orphan "an entry whose source is gone is an orphan"
truncate -s 40 "$(entry_of pkg/sub/__init__)"
is "$(state_of pkg/sub/__init__)" damaged "a truncated entry is damaged"
# Earlier releases kept such a file in the cache; now it would be in the tree.
"${PYTHONS[0]}" -c 'import os, struct, sys
with open(sys.argv[1], "wb") as f: f.write(b"mine")
os.setxattr(sys.argv[1], "user.pycstash.own", struct.pack("9Q", os.stat(sys.argv[1]).st_ino, *[0] * 8))' "$(entry_of 'a b')"
is "$(state_of 'a b')" stale "an entry that a program wrote is unsealed"
planted=$(entry_of top)
mv "$planted" "$T/was"
ln -s /etc/passwd "$planted"
is "$(ls_ -l --json -a $only "$S/top.py" | jsons 'x.get("state")' | head -1)" foreign "a link in the cache is not followed"
is "$(lines $only "$S/top.py" 2>/dev/null)" 0 "a symbolic link in the cache is not listed as an entry"
is "$(ls_ --state orphan $only)" "$S/pkg/sub/c.py" "--state: one"
is "$(lines --state orphan,stale $only)" 4 "--state: several"
is "$(ls_ --state foreign $only)" "$planted" "a file that belongs to no source is listed under its path in the cache"
is "$(status_of ls_ --state rotten)" 2 "--state with an unknown state ends with 2"
rm "$planted"
mv "$T/was" "$planted"
mv "$T/c.py" "$S/pkg/sub/c.py"

# --- what it does not do --------------------------------------------------------------
if calls_of true >/dev/null && grep -q . "$T/strace"; then
	calls_of "$PYCSTASH" ls >"$T/calls"
	# Only calls on files of the cache count, not those of the program's start.
	files=$(grep -caE 'openat2?\(.*\.pyc' "$T/strace")
	stats=$(grep -caE '(stat|statx|newfstatat)\(.*\.py' "$T/strace")
	check "strace shows the calls of ls" grep -qx getdents64 "$T/calls"
	is "$files opened, $stats looked at" "0 opened, 0 looked at" "no file is opened or stat'ed without need"
	calls_of "$PYCSTASH" ls --older-than 1d >/dev/null
	is "$(grep -caE 'openat2?\(.*\.pyc' "$T/strace")" 0 "no file is opened for its age"
	check "a file is stat'ed for its age" grep -qaE 'stat.*\.pyc' "$T/strace"
else
	skip "no file is opened without need" "strace does not work here"
fi
state_before=$(find "$CACHE" -printf '%p %s %T@ %C@ %A@\n' | grep -a '\.pyc ' | sort)
ls_ -l --objects -a >/dev/null
is "$(find "$CACHE" -printf '%p %s %T@ %C@ %A@\n' | grep -a '\.pyc ' | sort)" "$state_before" "ls changes nothing"

# --- hostile --------------------------------------------------------------------------
echo x >"$CACHE/v1/$TAG/tree/strange"
mkfifo "$CACHE/v1/$TAG/tree/$S/__pycache__/pipe.$TAG.pyc"
is "$(timeout 10 "$PYCSTASH" ls -a --state foreign $only | sort)" \
	"$(printf '%s\n' "$CACHE/v1/$TAG/tree$S/__pycache__/pipe.$TAG.pyc" "$CACHE/v1/$TAG/tree/strange" | sort)" \
	"ls -a lists foreign files, and a FIFO does not stop it"
rm "$CACHE/v1/$TAG/tree/strange" "$CACHE/v1/$TAG/tree/$S/__pycache__/pipe.$TAG.pyc"
mkdir "$CACHE/v1/Not A Tag"
echo x >"$CACHE/v1/Not A Tag/f"
is "$(status_of ls_ "$S")" 0 "ls does not look into a foreign directory"
rm -r "$CACHE/v1/Not A Tag"
(
	for _ in 1 2 3 4 5 6 7 8; do
		rm -rf "$CACHE/v1/$TAG/tree"
		import_all "${PYTHONS[0]}"
	done
) &
purger=$!
bad=
while kill -0 $purger 2>/dev/null; do
	ls_ -l >"$T/out" 2>"$T/err" || bad="$bad $?"
	[ -s "$T/err" ] && bad="$bad $(head -1 "$T/err")"
done
wait $purger
is "$bad" "" "ls reports no error for entries that vanish while it runs"

unreadable() { # as a user who is not above permissions
	local cache=$T/theirs
	chmod -R u+rwx "$cache" 2>/dev/null
	rm -rf "$cache"
	cp -r "$CACHE" "$cache"
	[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$cache"
	chmod 000 "$cache/v1/$TAG/tree$S/pkg"
	as_user "$PYCSTASH" ls --dir "$cache" $only
}
is "$(status_of unreadable)" 3 "ls ends with 3 if a directory cannot be read"
check "ls names a folder that cannot be read" grep -q "$S/pkg: Permission denied" <(said_by unreadable)
is "$(unreadable 2>/dev/null | wc -l)" $((COUNT - 5)) "the rest is listed where a folder cannot be read"
chmod -R u+rwx "$T/theirs"
is "$(status_of ls_ --dir "$T/nowhere")" 10 "ls without a cache ends with 10"
mkdir -m 700 "$T/newer" "$T/newer/v2"
cp "$CACHE/v1/CACHEDIR.TAG" "$T/newer/v2"
is "$(status_of ls_ --dir "$T/newer")" 12 "a cache of a newer layout is not touched"
if [ -w /dev/full ]; then
	"$PYCSTASH" ls >/dev/full 2>"$T/err"
	is "$? $(cat "$T/err")" "125 pycstash: standard output: No space left on device" "ls ends with 125 if its output cannot be written"
	"$PYCSTASH" ls --json --objects >/dev/full 2>"$T/err"
	is "$? $(cat "$T/err")" "125 pycstash: standard output: No space left on device" "ls reports once that its output cannot be written"
fi

# --- interrupted ----------------------------------------------------------------------
if strace -f -qq -o "$T/strace" -e inject=getdents64:signal=SIGINT:when=2 "$PYCSTASH" ls >/dev/null 2>"$T/said"; [ $? = 130 ]; then
	is "$(cat "$T/said")" "pycstash: ls: interrupted; the rest was not listed" "an interrupt is said: 130"
	strace -f -qq -o "$T/strace" -e inject=getdents64:signal=SIGINT:when=2 "$PYCSTASH" du >"$T/out" 2>"$T/said"
	is "$? $(cat "$T/out" "$T/said")" "130 pycstash: du: interrupted; no totals printed" "du prints no totals when it is interrupted"
else
	skip "an interrupt is said" "strace does not work here"
fi

# --- layers ---------------------------------------------------------------------------
mv "$CACHE" "$T/layer"
export PYCSTASH_LAYERS=$T/layer
is "$(ls_ --layers $only "$S" | wc -l)" "$COUNT" "--layers lists a layer if there is no cache"
cp -a "$T/layer" "$T/public"
chmod -R a+rX "$T/public"
todo=$(as_user "$PYCSTASH" ls --dir "$T/public" 2>&1 | sed -n 's/.*read as a layer: \(.*\) pycstash ls --layers .*/\1/p')
is "$(as_user env "$todo" "$PYCSTASH" ls --layers $only "$S" 2>/dev/null | wc -l)" "$COUNT" "a layer that is named as a cache is refused, and it is said how to read it"
is "$(ls_ --layers --json $only "$S/top.py" | jsons 'x.get("layer")' | head -1)" "$T/layer" "--layers says which layer an entry is in"
is "$(ls_ --layers --long $only "$S/top.py" | sed -n "s/.* LAYER *SOURCE$/heading/p; s,.* $T/layer $S/top.py\$,row,p" | xargs)" "heading row" "--layers --long has a column for the layer"
is "$(ls_ $only "$S" 2>/dev/null | wc -l)" "$COUNT" "ls shows layers where there is no cache"
check "ls says that there is no cache and that its answer is about layers" grep -q ': no cache yet; showing layers only$' <(said_by ls_ "$S")
is "$(env -u PYCSTASH_DIR -u HOME "$PYCSTASH" ls --layers $only "$S" 2>&1 | wc -l)" "$COUNT" "ls shows layers where there is no place for a cache"
is "$(status_of ls_ --dir "$T/nowhere" "$S")" 10 "ls --dir of a missing cache ends with 10, even if there are layers"
mkdir "$CACHE" && echo mine >"$CACHE/file"
is "$(status_of ls_ "$S") $(status_of ls_ --layers "$S") $(ls_ --layers $only "$S" 2>/dev/null | wc -l)" "12 3 $COUNT" \
	"ls of a refused cache ends with 12; --layers lists the layers and ends with 3"
if [ "$(id -u)" = 0 ]; then
	chmod -R a+rX "$S" "$T/layer"
	mkdir -m 700 "$T/closed"
	theirs() { as_user env -u PYCSTASH_DIR HOME="$T/closed" "$PYCSTASH" "$@"; }
	is "$(theirs ls $only "$S" 2>/dev/null | wc -l) $(status_of theirs ls "$S") $(status_of theirs stats)" "$COUNT 3 3" \
		"layers are listed where the user may not look for a cache, as after dropping root's rights: 3"
fi
unset PYCSTASH_LAYERS
done_testing
