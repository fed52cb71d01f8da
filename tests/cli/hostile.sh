#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The command in a hostile environment: a cache in which other things have the names of its
# files, closed standard output, limits, full disks, mounts, a clock that was wrong, gc killed
# at any moment. None of these may change anything outside the cache.
. "$(dirname "$0")/made.sh"

V=$CACHE/v1
snapshot=$T/snapshot
cp -a "$CACHE" "$snapshot"
again() { # as it was made
	rm -rf "$CACHE"
	cp -a "$snapshot" "$CACHE"
}
bounded() { timeout -s KILL 20 "$PYCSTASH" "$@"; }
# Runs each command that writes once, verify with these options, and ignores its output.
use() { # [--repair]
	bounded gc --max-entries 5 --orphan-grace 0s
	bounded stats
	bounded verify "$@"
	bounded warm --python "${PYTHONS[0]}" "$S"
	bounded import --force "$T/all.zst"
	bounded export "$T/other.zst"
	bounded stats --zero
	bounded purge --path "$S/pkg"
	bounded purge --all
} </dev/null >>"$T/said" 2>&1
killed() { grep -c Killed "$T/said"; }
bounded export "$T/all.zst" >/dev/null

# --- the mark -----------------------------------------------------------------------------
mv "$CACHE/v1/CACHEDIR.TAG" "$T/mark"
is "$(status_of bounded stats) $(status_of bounded gc)" "0 0" "a cache that has lost its mark is still looked after"
check "gc gives a cache that has lost its mark a new one" rm "$CACHE/v1/CACHEDIR.TAG"
mv "$V/.state" "$T/state"
is "$(status_of bounded gc)" 12 "a directory without the mark and without anything else of a cache is refused"
(sleep 0.2 && mv "$T/mark" "$V/CACHEDIR.TAG") &
is "$(status_of bounded gc)" 0 "a command waits for the mark while another process creates the cache"
wait $!
again

# The targets of links, which look like something that commands would delete.
canary=$T/canary
mkdir -p "$canary/sub/__pycache__" "$canary/empty/empty"
cp "$V/$TAG/tree$S/__pycache__/top.$TAG.pyc" "$canary/m.$TAG.pyc"
truncate -s -9 "$canary/m.$TAG.pyc"
echo precious | tee "$canary/file" "$canary/m.$TAG.pyc.4711" >"$canary/sub/__pycache__/m.$TAG.pyc"
find "$canary" -exec touch -d '40 days ago' {} +
state_of() { find "$1" -printf '%P %y %m %s %T@\n' -type f -exec md5sum {} + | sort; }
untouched=$(state_of "$canary")

# --- the command's own files are something else ------------------------------------------
own=(lock gc orphans orphans.new totals totals.new pythons)
put() { # KIND PATH
	rm -rf "$2"
	case $1 in
	pipe) mkfifo "$2" ;;
	socket) python3 -c 'import os, socket, sys; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind(sys.argv[2])' "${2%/*}" "${2##*/}" ;;
	file) : >"$2" ;;
	link) ln -s "$canary/file" "$2" ;;
	name) ln "$canary/file" "$2" ;;
	directory) mkdir -p "$2/x/y" && touch "$2/x/z" ;;
	esac
}
for kind in pipe link name directory; do
	: >"$T/said"
	again
	for name in "${own[@]}"; do
		put "$kind" "$V/.state/$name"
	done
	use
	rm -r "$V/.state/lock" # what comes behind the lock
	use
	is "$(killed)" 0 "a $kind in place of the files in .state: nobody waits for it"
	is "$(state_of "$canary")" "$untouched" "a $kind in place of the files in .state: nothing is written beyond"
done

# --- verify finds what is in the way of the command ---------------------------------------
again
bounded gc >/dev/null
is "$(bounded verify --deep 2>&1 | grep -c '^damaged ')" 0 "granted: verify --deep calls nothing in a cache of ours damaged"
record=packs/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
# repaired KIND NAME [OPTION]: what verify and gc say of something of that kind below v1
repaired() {
	again
	mkdir -p "$V/.trash" "$V/.state/packs"
	put "$1" "$V/$2"
	echo "$(status_of bounded verify ${3-}) $(bounded verify ${3-} 2>&1 | grep -c "^damaged .*/v1/$2: ") $(status_of bounded verify ${3-} --repair)" \
		"$(status_of bounded verify) $(status_of bounded gc --max-size 1)"
}
missed=
for kind in pipe socket link directory name; do
	for name in "${own[@]}" gc.due journal journal.7 claims store-0123456789abcdef $record; do
		[ "$kind $name" = "name $record" ] || # which is read only
			[ "$(repaired $kind .state/$name)" = "1 1 1 0 0" ] || missed="$missed; $kind $name"
	done
done
is "$missed" "" "verify --repair deletes what is no regular file in .state, where gc fails for good"
missed=
for kind in pipe socket link file; do
	for name in .state .state/packs .trash; do
		[ "$(repaired $kind $name)" = "1 1 1 0 0" ] || missed="$missed; $kind $name"
	done
done
is "$missed" "" "verify --repair deletes what is no folder in the place of .state, .trash and .state/packs"
is "$(repaired directory .state/gc --deep) $(repaired pipe .trash --deep)" "1 1 1 0 0 1 1 1 0 0" "verify --deep finds what is in the way of gc, too"
is "$(state_of "$canary")" "$untouched" "verify --repair deletes nothing beyond .state and .trash"
again
exec 9>"$V/.state/lock"
flock 9
ln "$V/.state/lock" "$T/another"
is "$(status_of bounded verify --repair 9>&-) $(flock -n "$V/.state/lock" true 9>&- || echo locked)" "14 locked" \
	"verify --repair does not take a lock away from a command that holds it"
exec 9>&-
again
# Whoever can read the directory can lock it, also in a sandbox that may not write.
exec 9<"$V"
flock -s 9
is "$(status_of bounded verify --repair 9>&-) $(status_of bounded verify --deep --repair 9>&-)" "11 11" \
	"verify --repair does not wait for ever for a process that has locked the cache's directory"
exec 9>&-

# --- links in place of folders -----------------------------------------------------------
: >"$T/said"
changed=
folders=("$TAG" "$TAG/tree" "$TAG/tree${S%/*}" "$TAG/tree$S" "$TAG/tree$S/__pycache__" "$TAG/objects" .trash .trash/x .state cpython-42 foreign)
for name in "${folders[@]}"; do
	again
	mkdir -p "$(dirname "$V/$name")"
	rm -rf "${V:?}/$name"
	ln -s "$canary" "$V/$name"
	use --repair
	[ "$(state_of "$canary")" = "$untouched" ] || changed="$changed $name"
done
is "$(killed)$changed" 0 "links in place of folders lead nowhere"
again
ln -s "$canary" "$V/.trash"
bounded gc --max-size 1K >/dev/null 2>"$T/err"
is "$?" 3 "a link in place of the trash is said"
is "$(grep -c "trash: cannot be emptied" "$T/err")" 2 "a link in place of the trash is reported by its name, for both rules that empty it"
check "gc's other rules go on where a link is in place of the trash" test "$("$PYCSTASH" gc --json 2>/dev/null | grep -c '"complete":true')" = 1

# --- descriptors -------------------------------------------------------------------------
again
mkdir -p "$V/.state/orphans.new" # something to complain of
bounded gc <&- >&- 2>&-
is "$(grep -c pycstash: "$V/.state/lock")" 0 "where standard error is closed, messages go into no other file"
bounded export "$T/closed.zst" <&- >&- 2>&-
check "messages do not go into an archive where standard error is closed" bounded import --dry-run "$T/closed.zst"
again
(ulimit -f 1; bounded export "$T/limited.zst") >/dev/null 2>&1
is "$? $(echo "$T"/limited*)" "125 $T/limited*" "an archive that may not grow is an error, and nothing stays of it"
(ulimit -c 0 -f 0; bounded gc 2>&1 | cat >/dev/null; exit "${PIPESTATUS[0]}")
is "$?" 3 "gc is not killed by a limit on file size"
again
(ulimit -n 16; use --repair)
check "16 descriptors will do" test "$(find "$V" -mindepth 1 -path "$V/[.C]*" -prune -o -print | wc -l)" = 0

# --- a clock that was wrong --------------------------------------------------------------
again
entry=$V/$TAG/tree$S/__pycache__/top.$TAG.pyc
touch -d '+2 years' "$V/.state/gc"
truncate -s -9 "$entry"
bounded gc >/dev/null
check "a mark of the future keeps nobody from looking" test ! -e "$entry"
again
find "$V" -name '*.pyc' -exec touch -d '+2 years' {} +
cp -p "$entry" "$entry.4711"
bounded gc --max-entries 1 >/dev/null
check "a temporary of the future does not live until then" test ! -e "$entry.4711"
# Counts names, not lines, because one of the names has two lines.
is "$(find "$V" -path '*/tree/*' -type f -printf x)" x "entries with a time in the future count for the limits"
is "$(status_of bounded gc --max-time 300y)" 0 "a time that is no limit is none"

# --- names that a terminal would obey ----------------------------------------------------
# ESC, CSI in UTF-8 and as a byte, DEL, an override of direction, a line separator, and a
# line feed that is followed by what looks like the start of a log line.
again
odd=$'x\e[2J\u009b1m\x9b\x7f\u202ey\u2028\nforged'
mkdir "$S/$odd"
echo "value = 1" >"$S/$odd/odd.py"
echo "value =" >"$S/$odd/wrong.py"
odd=$S/$odd/odd.py
bounded warm --python "${PYTHONS[0]}" "$S" >"$T/odd.warm" 2>&1
entry=$("$PYCSTASH" path -0 "$odd" | head -z -n 1 | tr -d '\0')
obeyed() { # FILE…: those with a character that is not for showing
	python3 - "$@" <<'END'
import re, sys
for file in sys.argv[1:]:
    text = open(file, "rb").read().decode("utf-8", "surrogateescape")
    bad = re.findall("[^\n\t\x20-\x7e\xa0-\ud7ff\ue000-\uffff\U00010000-\U0010ffff]|^forged|"
                     "[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text, re.MULTILINE)
    if bad:
        print(file.rsplit(".", 1)[1], ascii(bad[:3]))
END
}
check "a source of such a name has an entry" test -e "$entry"
n=0
while read -r -a words; do
	n=$((n + 1))
	bounded "${words[@]//@odd/$odd}" >"$T/odd.$n-${words[0]}" 2>&1
done <<'END'
ls
ls --long --all
ls --json
path @odd
path --json @odd
du --by tree --depth 99
du --json --by tree --depth 99
show @odd
show --json @odd
explain @odd
explain --json @odd
verify
verify --json
purge --dry-run --path @odd
purge --dry-run --json --path @odd
gc --dry-run --long --max-entries 1
warm --json --force @odd
dir --dir @odd
dir --json --dir @odd
config --dir @odd
config get dir --dir @odd
config --json --dir @odd
ls --dir @odd
export @odd/none
import @odd
run @odd
wrap @odd
doctor --timeout 10 @odd
help @odd
@odd
END
is "$(obeyed "$T"/odd.*)" "" "no command prints a character that a terminal obeys, or a forged line"
is "$("$PYCSTASH" path --json "$odd" | python3 -c 'import json, os, sys
print(os.fsencode(json.load(sys.stdin)["source"]) == os.fsencode(sys.argv[1]))' "$odd")" True \
	"JSON has the exact name"
done_testing
