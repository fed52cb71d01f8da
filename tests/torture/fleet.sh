#!/bin/bash
# SPDX-License-Identifier: MIT
#
# push, pull and import are killed at each system call that can change something, or that comes
# before one: no file of a store, a cache or a layer ever exists in part, and running them again
# completes it. Runs for TORTURE_SECONDS (20), and reports the moments that it had no time for.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"

strace -qq -o /dev/null true 2>/dev/null || skip_all "push, pull and import are killed at each system call" "strace does not work here"
python=$(interpreters cached | grep -m 1 /usr/bin/python3)
calls='^(openat|p?write(64)?|rename(at2?)?|link(at)?|mkdir(at)?|unlink(at)?|ftruncate|utimensat|fchmod(at)?|close|lseek|pread64|copy_file_range|flock|fcntl)$'
modules=(one two three four five six)
mkdir "$T/src"
for name in "${modules[@]}"; do echo "def f(): return '$name', ${#name}" >"$T/src/$name.py"; done
load="import sys; sys.path.insert(0, sys.argv[1]); import $(IFS=,; echo "${modules[*]}"); print(six.f()[0])"
preloaded "$python" -c "$load" "$T/src" >/dev/null
cp -a "$CACHE" "$T/full"
"$PYCSTASH" push -q --dir "$T/full" "$T/whole" || not_ok "there is a store"
"$PYCSTASH" export -q --dir "$T/full" "$T/archive" || not_ok "there is an archive"

# The commands that are killed, each from an empty state; and the checks of what they leave.
job_push() { "$@" "$PYCSTASH" push -q --dir "$T/pusher" "$T/store"; }
job_pull() { "$@" "$PYCSTASH" pull -q --dir "$T/new" "$T/whole"; }
job_import() { "$@" "$PYCSTASH" import -q --dir "$T/new" "$T/archive"; }
job_layer() { "$@" "$PYCSTASH" pull -q --layer "$T/new" "$T/whole"; }
clean_slate() {
	rm -rf "$T/store" "$T/new" "$T/pusher"
	cp -a "$CACHE" "$T/pusher"
}
# Prints what is wrong in one line, or nothing.
wrong_packs() {
	local file
	for file in "$T/store/packs/"*.tar.zst; do
		[ ! -e "$file" ] || [ "$(b2sum -l 256 "$file" | cut -c 1-64).tar.zst" = "${file##*/}" ] || echo "half a pack "
	done
}
wrong_cache() { [ ! -d "$T/new/v1" ] || /usr/bin/python3 "$SEAL/check.py" "$T/new" 2>&1 | grep -v ' files,'; }
objects() { find "$1" -path '*/objects/*' -name '*.pyc' | wc -l; }
complete() { # KIND: after it was done again
	case $1 in
	push) [ "$(packs "$T/store")" = "$(packs "$T/whole")" ] || echo "the store lacks packs " ;;
	*) [ "$(objects "$T/new")" = ${#modules[@]} ] || echo "objects are missing " ;;
	esac
}
# A killed push leaves the file that it was writing, under a name that is not a pack's.
packs() { (cd "$1" && find packs -type f ! -name '*.new-*' | sort); }

kills() { # KIND SECONDS
	local until=$((SECONDS + $2)) done=0 left=0 wrong= moments call n now
	clean_slate
	job_"$1" strace -qq -o "$T/trace" >/dev/null 2>&1 || not_ok "$1 succeeds under strace"
	mapfile -t moments < <(awk -F'(' -v calls="$calls" '{ n[$1]++ } $1 ~ calls { print $1, n[$1] }' "$T/trace" | shuf)
	for moment in "${moments[@]}"; do
		if [ $SECONDS -ge $until ] && [ $done -gt 3 ]; then
			left=$((left + 1))
			continue
		fi
		read -r call n <<<"$moment"
		clean_slate
		job_"$1" strace -qq -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=$n" >/dev/null 2>&1
		now=$(wrong_packs; wrong_cache)
		job_"$1" >"$T/said" 2>&1 || now+="again: $(cat "$T/said")"
		now+=$(wrong_packs; wrong_cache; complete "$1")
		[ -z "$now" ] || wrong+="$moment: $now"$'\n'
		done=$((done + 1))
	done
	is "$(head -8 <<<"$wrong")" "" "$1 killed at $done moments leaves nothing half done, and completes when it is repeated"
	[ $left = 0 ] || echo "# $left moments were left out"
	check "$1 has moments to be killed at" test $done -gt 3
}
for kind in push pull import layer; do kills $kind $((${TORTURE_SECONDS:-20} / 4)); done
done_testing
