#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Damaged entries and objects count as absent, and are replaced by whole ones. There is one
# module for each kind of damage, and all of them are imported in one run.
#
# Takes 60 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

damage() { /usr/bin/python3 -B "$SEAL/damage.py" "$@"; }
run() { preloaded "$python" -S "$SEAL/damage.py" run "$T/src" 2>&1; }
whole() { /usr/bin/python3 "$SEAL/check.py" "$CACHE" | grep -v ' files,'; }

# heals KIND WHERE N SENTENCE: caches N modules of $T/src, damages the files, and runs again.
heals() {
	local again
	rm -rf "$CACHE" "$T/src" && mkdir "$T/src"
	damage make "$T/src" "$3"
	run >"$T/said"
	if [ "$(cat "$T/said")" != "$3 compiled" ]; then
		not_ok "$name: $4: the modules can be compiled" "$(cat "$T/said")"
		return
	fi
	damage "$1" "$2" "$CACHE" "$T/src" >"$T/damaged"
	run >"$T/said"
	is "$(tail -n +2 "$T/said")" "" "$name: $4: the program is right ($(cat "$T/damaged"))"
	again=$(run)
	is "$again" "0 compiled" "$name: $4: all damaged files are replaced"
	is "$(whole)" "" "$name: $4: nothing in the cache is broken after it"
}

# Python before 3.14 does not check whether its write of the bytecode has written anything.
emptied() {
	local again
	rm -rf "$CACHE" "$T/src" && mkdir "$T/src" && version one "$T/src/m.py"
	preloaded "$python" -S -c 'import importlib.util, os, sys
source = sys.argv[1]
final = importlib.util.cache_from_source(source)
os.mkdir(os.path.dirname(final))
try: open(final, "rb")
except OSError: pass
open(source, "rb").read()
os.close(os.open(final + ".4711", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
os.rename(final + ".4711", final)' "$T/src/m.py"
	is "$(entries | grep -cF "$T/src/")" 1 "$name: an empty file that a program renamed to a pyc is in the cache"
	for again in 1 0; do
		is "$(preloaded "$python" -S "$HERE/tests/library/count.py" "$T/src" m 2>&1)" "$again compiled, $((1 - again)) loaded" \
			"$name: an empty pyc is compiled again, once ($again)"
	done
}
some emptied

truncated() {
	local size
	export STEP=16
	case $python in /usr/bin/*) STEP=1 ;; esac
	mkdir "$T/src" && damage make "$T/src" 1 && run >"$T/said"
	size=$(stat -c %s "$(entries | grep -F "$T/src/")")
	for where in entry both object; do
		[ "$where$STEP" != entry16 ] || continue
		heals truncate "$where" $(((size + STEP - 1) / STEP)) \
			"$where truncated at every $([ "$STEP" = 1 ] || echo "${STEP}th ")length"
	done
}
some truncated
unset STEP

kinds() {
	local n
	n=$(damage names seal | wc -l)
	heals seal entry "$n" "$n kinds of damage to an entry"
	heals seal both "$n" "$n kinds of damage to entry and object in one"
	heals seal object "$n" "$n kinds of damage to an object"
	n=$(damage names body | wc -l)
	heals body object "$n" "bytecode of an object damaged under a valid seal"
	heals_bodies # of entries, each by itself
}
heals_bodies() {
	local n=0 what
	for where in entry both; do
		rm -rf "$CACHE" "$T/src" && mkdir "$T/src"
		damage make "$T/src" "$(damage names body | wc -l)"
		run >/dev/null
		damage body $where "$CACHE" "$T/src" >/dev/null
		run >"$T/said"
		n=0
		while read -r what; do
			# Damage that shows only when the whole file is read is left to the command.
			case $what in garbage* | *'at its end') n=$((n + 1)) && continue ;; esac
			is "$(grep "^$(printf 't%04d' $n) " "$T/said")" "" \
				"$name: $([ $where = both ] && echo "entry and object in one" || echo "an entry") under a valid seal, $what: the program is right"
			n=$((n + 1))
		done < <(damage names body)
	done
}
some kinds

# Links in place of files.
strange() {
	local entry object what
	mkdir "$T/src"
	damage make "$T/src" 1
	run >"$T/said"
	entry=$(entries | grep -F "$T/src/")
	for what in "another user's" "a directory" "a dangling link" "a link to another pyc" "a link to itself"; do
		for where in entry object; do
			object=$(find "$CACHE" -path '*/objects/*' -samefile "$entry")
			[ $where = entry ] && path=$entry || path=$object
			[ $where = entry ] || rm -f "$entry"
			[ -n "$path" ] || { not_ok "$name: there is an object"; continue; }
			cp "$path" "$T/kept" && rm -f "$path"
			case $what in
			"another user's")
				cp "$T/kept" "$path"
				if [ "$(id -u)" = 0 ]; then chown 65534 "$path"; fi
				;;
			"a directory") mkdir "$path" ;;
			"a dangling link") ln -s nowhere "$path" ;;
			"a link to another pyc") ln -s "$T/kept" "$path" ;;
			"a link to itself") ln -s "${path##*/}" "$path" ;;
			esac
			is "$(run | tail -n +2)" "" "$name: where the $where is $what, the program is right"
			rm -rf "$path" "$entry"
			run >"$T/said" # as it was
		done
	done
}
some strange

# What a program itself writes to its pyc, in place, stays, as with Python alone.
written() {
	local i by how
	for how in 'open(p, "wb").write(b"garbage")' 'open(p, "wb").close()' \
		'd = open(p, "rb").read(); open(p, "wb").write(d[:20])' \
		'd = open(p, "rb").read(); f = open(p, "r+b"); f.seek(16); f.write(b"\0" * 100)' \
		'import os; os.truncate(p, 18)'; do
		for i in bare cached; do
			rm -rf "$CACHE" "$T/src" && mkdir "$T/src" && damage make "$T/src" 1
			case $i in cached) by=preloaded ;; *) by="env" ;; esac
			$by "$python" -S "$SEAL/damage.py" run "$T/src" >/dev/null 2>&1
			$by "$python" -c "import importlib.util as u
p = u.cache_from_source('$T/src/t0000.py')
open(p, 'rb').close()
$how" 2>&1 | tail -1 >"$T/$i"
			$by "$python" -S "$SEAL/damage.py" run "$T/src" >>"$T/$i" 2>&1
			$by "$python" -S "$SEAL/damage.py" run "$T/src" >>"$T/$i" 2>&1
		done
		# A file that is not a pyc counts as absent, so an object may take its place.
		is "$(tr '\n' ' ' <"$T/cached" | sed 's/^0 compiled 0/1 compiled 0/')" "$(tr '\n' ' ' <"$T/bare" | sed 's/^0 compiled 0/1 compiled 0/')" \
			"$name: a program's own ${how#*; }: it gets what Python alone gives"
	done
	rm -rf "$T/src" "$T"/src2 && mkdir "$T/src" "$T/src2"
	damage make "$T/src" 1
	damage make "$T/src2" 1
	run >/dev/null
	preloaded "$python" -c "import importlib.util as u
open(u.cache_from_source('$T/src/t0000.py'), 'wb').write(b'garbage')"
	is "$(preloaded "$python" -S "$SEAL/damage.py" run "$T/src2" 2>&1)" "0 compiled" \
		"$name: a program's writing to its own pyc does not reach the object of other paths"
}
some written
done_testing
