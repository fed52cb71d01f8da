#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A restored cache has folders and files whose modes keep their owner from changing them.
# Nothing forged stays because of that, and no command fails for good.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/../trust/actors.bash"
separate "attacks with modes that close a cache to its owner"

src=$T/src cache=$T/$VICTIM/cache kept=$T/$VICTIM/kept
v1=$cache/v1
official "$src" "$T/other"
command_as_victim() { command_of "$VICTIM" "$cache" "$@"; }
status_of() { command_as_victim "$@" >"$T/said" 2>&1; echo $?; }
again() { # as it was made; with bytecode that a program was about to write, which gc deletes
	chmod -R u+rwx "$cache"
	rm -rf "$cache"
	as "$VICTIM" cp -a "$kept" "$cache"
}
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
command_as_victim gc >/dev/null
as "$VICTIM" mkdir -p "$v1/.trash" "$v1/.state/packs"
entry=$v1/$TAG/tree$src/__pycache__/m.$TAG.pyc
object=$(find "$cache" -path '*/objects/*.pyc' -samefile "$entry")
check "(the object of the source is there)" test -f "$object"
old=("${object%/*}/${object##*/}.4711" "$entry.4711")
as "$VICTIM" touch -d '2 hours ago' "${old[@]}"
as "$VICTIM" cp -a "$cache" "$kept"

# --- forged bytecode ---------------------------------------------------------------------
for mode in 0500 0400 0600 0300; do
	again
	rm "$entry" "$object"
	forge "$src/m.py" "$object" && chown "$VICTIM:$VICTIM" "$object"
	chmod $mode "${object%/*}"
	repaired=$(status_of verify --deep --repair)
	is "$repaired $(find "$cache" -path '*/objects/*.pyc') $(with "$VICTIM" "$cache" "$PY" -c "$(imports "$T/other")")" "1  TRUSTED" \
		"verify --deep --repair deletes a forged object in a folder of mode $mode"
done
again
forge "$src/m.py" "$object" # the entry is the same file
chmod 0500 "${object%/*}"
is "$(status_of verify --deep --repair "$src") $(ls "$entry" "$object" 2>/dev/null)" "1 " \
	"verify --deep --repair of a path deletes the forged object, too, if its folder is closed"

# --- folders -----------------------------------------------------------------------------
# after MODE NAME: how verify, verify --repair, verify --deep, gc and `purge --all` end, one after
# the other, for a cache in which that has the mode; and how much gc and purge leave.
after() {
	again
	chmod "$1" "$v1/$2"
	echo "$(status_of verify) $(status_of verify --repair) $(status_of verify --deep) $(status_of gc)" \
		"$(find "$cache" -name '*.4711' | grep -c .) $(status_of purge --all) $(find "$cache" -name '*.pyc' | grep -c .)"
}
folders=(. "$TAG" "$TAG/objects" "$TAG/tree" "$TAG/tree$src" "$TAG/tree$src/__pycache__" .state .state/packs .trash)
part=${object%/*}
folders+=("${part#"$v1/"}")
missed=
for name in "${folders[@]}"; do
	for mode in 0500 0600 0400 0300 0100 0000; do
		[ "$name" != . ] || [ $mode = 0500 ] || continue # no cache at all
		got=$(after $mode "$name")
		[ "$got" = "3 0 0 0 0 0 0" ] || missed="$missed; $mode $name: $got"
	done
done
is "$missed" "" "verify reports a folder that its owner may not change, and --repair opens it to gc and purge"
for name in "${part#"$v1/"}" "$TAG/tree$src/__pycache__" .state .trash; do
	again
	chmod 0350 "$v1/$name"
	status=$(status_of verify --deep)
	is "$status $(stat -c %a "$v1/$name") $(grep -c ', 1 closed to you' "$T/said")" "3 350 1" \
		"verify counts a folder that its owner may not list, and leaves its mode: ${name/*objects*/of objects}"
	is "$(status_of verify --repair) $(stat -c %a "$v1/$name") $(grep -c ', 1 were closed to you' "$T/said")" "0 750 1" \
		"verify --repair of a folder that its owner may not list leaves others their rights: ${name/*objects*/of objects}"
done
again
chmod 0500 "$part"
is "$(command_as_victim verify 2>/dev/null | grep -c ', 1 closed to you$') $(command_as_victim verify 2>&1 >/dev/null | grep -c ' 1 files or folders, since their modes keep you')" "1 1" \
	"verify says what is closed"
chmod 0500 "$v1/.trash" && as "$VICTIM" touch "$entry" && rm "$entry" && as "$VICTIM" mkdir "$entry"
is "$(status_of verify --repair) $(ls -d "$entry" 2>/dev/null)" "1 " \
	"verify --repair deletes a folder in the place of bytecode where .trash is closed"
again
rm "$v1/.state/lock" && chmod 0500 "$v1/.state"
is "$(status_of verify --repair) $(status_of gc)" "0 0" "verify --repair opens a closed .state before it locks the cache"

# --- files of the command's own ----------------------------------------------------------
missed=
for name in lock gc gc.due totals orphans packs/record; do
	for mode in 0400 0200 0; do
		as "$VICTIM" touch "$kept/v1/.state/$name"
		got=$(after $mode ".state/$name")
		[ "$got" = "3 0 0 0 0 0 0" ] || missed="$missed; $mode $name: $got"
	done
done
is "$missed" "" "verify reports a file in .state that its owner may not read and write, and --repair opens it"

# --- without verify ------------------------------------------------------------------------
for name in "${part#"$v1/"}" "$TAG/tree$src/__pycache__" .trash .state; do
	again
	chmod 0500 "$v1/$name"
	rm -f "$v1/.state/lock"
	is "$(status_of gc) $(find "$cache" -name '*.4711')" "0 " "gc deletes what is old where a restored cache has closed ${name/*objects*/a folder of objects}"
	again
	chmod 0500 "$v1/$name"
	is "$(status_of purge --older-than 0s) $(find "$cache" -name '*.pyc')" "0 " "purge deletes files where a restored cache has closed ${name/*objects*/a folder of objects}"
	is "$(again; chmod 0500 "$v1/$name"; status_of purge --all) $(find "$cache" -name '*.pyc')" "0 " "purge deletes everything where a restored cache has closed ${name/*objects*/a folder of objects}"
done
again
as "$VICTIM" mkdir -p "$v1/.trash/x" && as "$VICTIM" touch "$v1/.trash/x/file" && chmod 0600 "$v1/.trash/x"
is "$(status_of gc) $(ls "$v1/.trash")" "0 " "gc empties a folder in the trash that may not be searched"
done_testing
