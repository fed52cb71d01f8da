#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash du: its sums equal those of find and du, and count each file once.
. "$(dirname "$0")/made.sh"

du_() { "$PYCSTASH" du "$@"; }
# the sum of a number of find's over the files below DIR…, each inode once
sum_of() { # FORMAT FACTOR DIR…
	local format=$1 factor=$2
	shift 2
	find "$@" -type f -printf "%i $format\n" | sort -u | awk -v f="$factor" '{ s += $2 * f } END { printf "%d", s }'
}
files_of() { find "$@" -type f -printf '%i\n' | sort -u | wc -l; }
group() { # NAME OPTION…: "files size disk" of one group
	local name=$1
	shift
	du_ --json "$@" | jsons "[' '.join(str(g[k]) for k in ('files', 'size', 'disk')) for g in x['groups'] if g['name'] == '$name']" |
		tr -d "[]'"
}
want() { echo "$(files_of "$@") $(sum_of %s 1 "$@") $(sum_of %b 512 "$@")"; }
total() { du_ --json "$@" | jsons "' '.join(str(x['total'][k]) for k in ('files', 'size', 'disk'))"; }

# This object has no entry as a hard link, because the entry of another tree is a copy.
cp -r "$S" "$T/other"
sleep 0.05
S=$T/other import_all "${PYTHONS[0]}"
rm "$CACHE/v1/$TAG/tree$S/pkg/__pycache__/a.$TAG.pyc"

check "there are several interpreters to make the cache" test "$VERSIONS" -ge 2
for tag in "${TAGS[@]}"; do
	is "$(group "$tag")" "$(want "$CACHE/v1/$tag")" "$tag: du counts the files, bytes and blocks, each inode once"
done
is "$(total)" "$(want "$CACHE"/v1/*/)" "the total"
is "$(total --by package)" "$(total)" "the total is the same by package"
is "$(total --by age)" "$(total)" "the total is the same by age"
is "$(total --by tree)" "$(total)" "the total is the same by tree"
is "$(group "$T/other" --by tree --depth "$(echo "$T/other" | tr -cd / | wc -c)")" \
	"$(want "$CACHE"/v1/*/tree"$T/other")" "a tree"
is "$(group '(objects)' --by tree)" "$(find "$CACHE"/v1/*/objects -type f -links 1 -printf '%s %b\n' |
	awk '{ n++; s += $1; b += $2 * 512 } END { print n, s, b }')" "objects without an entry are no tree's"
is "$(du_ --json | jsons "x['linked']['files']")" "$(find "$CACHE"/v1/* -type f -links +1 -printf x | wc -c | awk '{ print $1 / 2 }')" \
	"further hard links of a file are in the line 'saved by links'"
is "$(group "$TAG" "$S/pkg")" "$(want "$CACHE/v1/$TAG/tree$S/pkg")" "du PATH counts only what is below PATH"
is "$(group "$TAG" --tag "$TAG")" "$(group "$TAG")" "du --tag counts only that version"
is "$(du_ --json --tag "$TAG" | jsons "len(x['groups'])")" 1 "a --tag that no version has gives 0 files"

mkdir -p "$T/env/lib/python3.11/site-packages/pack/sub"
echo 'x = 1' | tee "$T/env/lib/python3.11/site-packages/pack/"{__init__,sub/__init__}.py \
	"$T/env/lib/python3.11/site-packages/alone.py" >/dev/null
sleep 0.05
preloaded "${PYTHONS[0]}" -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import pack.sub, alone' \
	"$T/env/lib/python3.11/site-packages"
is "$(group pack --by package | cut -d' ' -f1)" 2 "du --by package counts a package with everything below it"
is "$(group alone --by package | cut -d' ' -f1)" 1 "du --by package has a module outside of any package"

find "$CACHE/v1/$TAG/tree$S" -name 'top.*' -exec touch -d '40 days ago' {} +
is "$(group '30d to 90d' --by age | cut -d' ' -f1)" 1 "an age"
is "$(total --older-than 30d | cut -d' ' -f1)" 1 "--older-than"
is "$(du_ --json --top 1 | jsons "len(x['groups'])")" 1 "--top"
is "$(du_ --json --top 1 | jsons "x['total']['files']")" "$(total | cut -d' ' -f1)" "a limit on the groups that are shown does not change the total"
is "$(du_ | tail -2 | head -1 | awk '{ print $3, $4 }')" "$(total | cut -d' ' -f1) total" "the last line is the total"
is "$(du_ -b | awk '$4 == "total" { print $3, $2, $1 }')" "$(total)" "-b prints sizes in bytes"
is "$(status_of du_ --by colour) $(status_of du_ --top 0) $(status_of du_ --depth x)" "2 2 2" "a wrong value of an option ends with 2"
is "$(status_of du_ --dir "$T/nowhere")" 10 "du without a cache ends with 10"

unreadable() {
	chmod -R u+rwx "$T/theirs" 2>/dev/null
	rm -rf "$T/theirs"
	cp -r "$CACHE" "$T/theirs"
	[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$T/theirs"
	chmod 000 "$T/theirs/v1/$TAG/tree$S/pkg"
	as_user "$PYCSTASH" du --dir "$T/theirs"
}
is "$(status_of unreadable)" 3 "du ends with 3 if a directory cannot be read"
check "du names a folder that cannot be read" grep -q "$S/pkg: Permission denied" <(said_by unreadable)
chmod -R u+rwx "$T/theirs"
ln -s / "$CACHE/v1/$TAG/tree/planted"
is "$(total | cut -d' ' -f1)" $(($(files_of "$CACHE"/v1/*/) + 1)) "du does not follow a link that was put into the cache"

rm "$CACHE/v1/$TAG/tree/planted"
mv "$CACHE" "$T/layer"
export PYCSTASH_LAYERS=$T/layer
is "$(total --layers)" "$(want "$T/layer"/v1/*/)" "du --layers counts a layer if there is no cache"
is "$(total 2>/dev/null)" "$(want "$T/layer"/v1/*/)" "du shows layers where there is no cache"
is "$(env -u HOME PYCSTASH_DIR=relative "$PYCSTASH" du --layers 2>&1 >/dev/null)" "" "du shows layers where there is no place for a cache, without a message"
is "$(total --dir / --layers 2>/dev/null) $(status_of du_ --dir / --layers)" "$(want "$T/layer"/v1/*/) 3" \
	"du --layers counts layers if the cache is refused, and ends with 3"
cp -r "$T/layer" "$CACHE"
is "$(total --layers)" "$(want "$T/layer"/v1/*/ "$CACHE"/v1/*/)" "du --layers adds the layers to the cache"
is "$(total)" "$(want "$CACHE"/v1/*/)" "du without --layers shows the cache alone"
done_testing
