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
		[ "$(status_of --deep) $(grep -c "$TAG: Permission denied" "$T/said")" = "3 1" ] || wrong="$wrong; is passed over ($forged, $mode)"
	done
	chmod 0111 "${forged%/*}"
	[ "$(status_of --deep --repair)" = 1 ] && [ ! -e "$forged" ] || wrong="$wrong; is not deleted ($forged)"
done
is "$wrong" "" "verify --deep passes over no folder of its user that the user cannot list, and --repair looks into it"

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

# --- links in the place of folders: what they lead to has no name below PATH ------------
rm -rf "$cache"
mkdir "$T/in"
ln -s src "$T/current"
ln -s ../src "$T/in/current"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$src"); $(imports "$src" n)" >/dev/null
tree=$TAG/tree zz=$cache/v1/$TAG/tree/zz
rm -r "$cache/v1/$TAG/objects" "$cache/v1/$tree$src/__pycache__/m.$TAG.pyc"
as "$VICTIM" cp -a "$cache" "$T/$VICTIM/good"
# lead LINK DIR: forges the entry of DIR/m.py, and puts the folder LINK elsewhere
lead() {
	local entry=$cache/v1/$tree$2/__pycache__/m.$TAG.pyc link=$cache/v1/$1 aside=$zz
	rm -rf "$cache"
	as "$VICTIM" cp -a "$T/$VICTIM/good" "$cache"
	as "$VICTIM" mkdir -p "${entry%/*}"
	forge "$src/m.py" "$entry" && chown "$VICTIM" "$entry"
	case $1 in "$TAG" | "$tree") aside=$cache/aside ;; esac
	mv "$link" "$aside" && as "$VICTIM" ln -s "$aside" "$link"
}
import_it() { with "$VICTIM" "$cache" PYCSTASH_READONLY=1 "$PY" -B -c "$(imports "$1")"; }
purge() { command_of "$VICTIM" "$cache" purge -q "$@"; }
unseen= kept= unlisted=
while read -r link dir; do
	for path in "$src" "$src/m.py" "$src/*.py" "$T"; do
		lead "$link" "$dir"
		[ "$(import_it "$dir")" = ATTACKER ] || unseen="$unseen; is not served: $link"
		[ "$(status_of --deep "$path") $(grep -c "^damaged .*v1/$link: a link" "$T/said")" = "1 1" ] || unseen="$unseen; $link $path"
		[ "$(command_of "$VICTIM" "$cache" ls -a "$path" | grep -c "/v1/$link\$")" = 1 ] || unlisted="$unlisted; $link $path"
		status_of --repair "$path" >/dev/null
		[ "$(import_it "$dir")" = TRUSTED ] || unseen="$unseen; not repaired: $link $path"
		lead "$link" "$dir"
		purge --path "$path" && [ "$(import_it "$dir")" = TRUSTED ] || kept="$kept; $link $path"
	done
done <<END
$TAG $src
$tree $src
$tree$T $src
$tree$src $src
$tree$src/__pycache__ $src
$tree$T/current $T/current
$tree$T/current/__pycache__ $T/current
$tree$T/in $T/in/current
END
is "$unseen" "" "verify --deep PATH finds links in the place of folders, wherever they lead"
is "$kept" "" "after purge --path, nothing is served to which such a link leads"
is "$unlisted" "" "ls --all PATH lists such links"
for how in "--all" "--tag $TAG" "--tag ${TAG%%+*} --path $T"; do
	lead "$TAG" "$src"
	# shellcheck disable=SC2086
	is "$(purge $how 2>&1; import_it "$src"; [ -L "$cache/v1/$TAG" ] && echo "is there")" TRUSTED \
		"purge ${how%" $T"} deletes a link in the place of a version"
done
lead "$TAG" "$src"
purge --tag cpython-399 2>/dev/null
purge --not-installed
check "purge leaves a link in the place of a version that is not meant" test -L "$cache/v1/$TAG"
done_testing
