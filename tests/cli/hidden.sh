#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash verify sees what is hard to see in a cache that others created, and takes little memory
# for it.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/../trust/actors.bash"
separate "hiding from verify"

src=$T/src cache=$T/$VICTIM/cache
official "$src"
status_of() { command_of "$VICTIM" "$cache" verify "$@" >"$T/said" 2>&1; echo $?; }

# --- the entry of a tree that does not exist yet, under a name that nobody knows --------
mkdir -p "$T/$VICTIM/pip-build-env-a1b2c3d4/lib"
official "$src" "$T/$VICTIM/pip-build-env-a1b2c3d4/lib"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
rm -r "$cache/v1/$TAG/objects"
entry="$cache/v1/$TAG/tree$T/$VICTIM/pip-build-env-********/lib/__pycache__/m.$TAG.pyc"
as "$VICTIM" mkdir -p "${entry%/*}"
forge "$src/m.py" "$entry" && chown "$VICTIM" "$entry" && cp -p "$entry" "$T/entry"
is "$(status_of --deep) $(grep -c 'not checked: 1 entries' "$T/said")" "3 1" \
	"verify --deep does not call good what is served to any tree of a kind"
is "$(status_of --deep --repair) $(ls "$entry")" "0 " "verify --deep --repair deletes what is served to any tree of a kind"
cp -p "$T/entry" "$entry"
is "$(with "$VICTIM" "$cache" PYCSTASH_READONLY=1 "$PY" -B -c "$(imports "$T/$VICTIM/pip-build-env-a1b2c3d4/lib")")" ATTACKER \
	"granted: what is served to any tree of a kind is believed"

# --- folders in which a name is found by those who know it, and by nobody else ----------
rm -rf "$cache"
echo 'x = 1' >"$src/n.py"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src"); $(imports "$src" n)" >/dev/null
entry=$cache/v1/$TAG/tree$src/__pycache__/m.$TAG.pyc
object=$(find "$cache" -path '*/objects/*.pyc' -samefile "$entry")
forge "$src/m.py" "$object" # the entry is the same file
as "$VICTIM" cp -a "$cache" "$T/$VICTIM/forged"
wrong=
for forged in "$entry" "$object"; do
	rm -rf "$cache"
	as "$VICTIM" cp -a "$T/$VICTIM/forged" "$cache"
	find "$cache" -samefile "$forged" ! -path "$forged" -delete
	for mode in 0311 0111; do
		chmod $mode "${forged%/*}" "$cache/v1/$TAG"
		[ "$(with "$VICTIM" "$cache" PYCSTASH_READONLY=1 "$PY" -B -c "$(imports "$src")")" = ATTACKER ] || wrong="$wrong; is not served ($forged, $mode)"
		[ "$(status_of --deep) $(grep -cF "$forged: " "$T/said")" = "1 1" ] || wrong="$wrong; is not found ($forged, $mode)"
	done
	chmod 0111 "${forged%/*}"
	[ "$(status_of --deep --repair)" = 1 ] && [ ! -e "$forged" ] || wrong="$wrong; is not deleted ($forged)"
done
is "$wrong" "" "verify --deep looks into folders of its user that the user cannot list"

# --- files that are holes, and take no room in an archive -------------------------------
rm -rf "$cache"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
entry=$cache/v1/$TAG/tree$src/__pycache__/m.$TAG.pyc
object=$(find "$cache" -path '*/objects/*.pyc' -exec grep -laF TRUSTED {} +)
rm "$entry" "$object"
large=("$entry" "$object" "${entry%/*}/m.f-1.${TAG//cpython-/py}.nbi")
as "$VICTIM" truncate -s $(((1 << 30) - 4096)) "${large[@]}"
is "$(ulimit -S -v 500000 && status_of --jobs 1) $(grep -c '^damaged .*: larger than' "$T/said")" "1 3" \
	"verify does not read a file of the cache that is larger than any bytecode"
is "$(ulimit -S -v 500000 && status_of --jobs 1 --repair) $(ls "${large[@]}" 2>/dev/null)" "1 " \
	"verify --repair deletes a file of the cache that is larger than any bytecode"
done_testing
