#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash path and dir: there and back, for every kind of name.
. "$(dirname "$0")/made.sh"

path() { "$PYCSTASH" path "$@"; }

# --- path -----------------------------------------------------------------------------
wrong=
while IFS= read -r -d '' source; do
	mapfile -d '' -t found < <(path -0 "$source")
	[ "${#found[@]}" = "$VERSIONS" ] || wrong="$wrong [$source: ${#found[@]}]"
	for entry in "${found[@]}"; do
		[ -f "$entry" ] || wrong="$wrong [$entry is not there]"
		[ "$(path -0 "$entry" | tr '\0' /)" = "$source/" ] || wrong="$wrong [$entry leads elsewhere]"
	done
done < <(find "$S" -name '*.py' -print0)
is "$wrong" "" "each source has an entry of each version, and each leads back to it"
is "$(path --tag "$TAG" "$S/top.py")" "$CACHE/v1/$TAG/tree$S/__pycache__/top.$TAG.pyc" "--tag prints the entries of one version"
is "$(path --tag cpython-399 "$S/top.py")" "$CACHE/v1/cpython-399/tree$S/__pycache__/top.cpython-399.pyc" \
	"path prints the entry of a source that has none"
is "$(path --tag "$TAG+no_debug_ranges" "$S/top.py")" \
	"$CACHE/v1/$TAG+no_debug_ranges/tree$S/__pycache__/top.$TAG.pyc" "path prints the entry of a variant of a version"
for source in top.py tool .hidden m.pyw a.b.py; do
	is "$(path --tag "$TAG" "$S/sub/$source" | sed 's,.*/,,')" \
		"$(basename "$(/usr/bin/env python3 -c 'import sys, importlib.util as u
sys.implementation.cache_tag = sys.argv[2]
print(u.cache_from_source(sys.argv[1]))' "$S/sub/$source" "$TAG")")" "$source: its name is importlib's"
done
import_all "${PYTHONS[0]}" -OO
is "$(path --tag "$TAG" "$S/top.py" | sed 's,.*/,,' | tr '\n' ' ')" "top.$TAG.opt-2.pyc top.$TAG.pyc " "path prints an entry for each -O level"
find "$CACHE" -name '*.opt-2.pyc' -delete
is "$(path "$S/pkg/__pycache__/a.$TAG.pyc")" "$CACHE/v1/$TAG/tree$S/pkg/__pycache__/a.$TAG.pyc" \
	"for the path by which Python knows an entry, path prints the file in the cache"
ln -s "$S" "$T/link"
is "$(path --tag "$TAG" "$T/link/pkg/b.py")" "$(path --tag "$TAG" "$S/pkg/b.py")" "path is the same through a symbolic link"
is "$(cd "$S/pkg" && path --tag "$TAG" b.py)" "$(path --tag "$TAG" "$S/pkg/b.py")" "path takes a relative name from the working directory"
is "$(path --json --tag "$TAG" "$S/pkg/b.py" "$S/none.py" | jsons "x['source'], x['exists']")" \
	"$(printf '%s\n' "('$S/pkg/b.py', True)" "('$S/none.py', False)")" "JSON says whether the entry exists"
is "$(path "$S/new"*.py --tag "$TAG")" "$CACHE/v1/$TAG/tree$S/__pycache__/new\\nline.$TAG.pyc" "a line feed is escaped"
rm "$S/pkg/b.py"
is "$(path "$S/pkg/b.py" | wc -l)" "$VERSIONS" "path prints the entries of a source that is gone"
is "$(status_of path "$S/none.py")" 1 "path ends with 1 for a file that is neither source nor entry"
check "path names what is neither source nor bytecode" grep -q '/none.py: .*neither' <(said_by path "$S/none.py")
is "$(status_of path "$(find "$CACHE" -path '*/objects/*.pyc' | head -1)")" 1 "path ends with 1 for an object"
is "$(path "$S/none.py" "$S/top.py" 2>/dev/null | wc -l)" "$(path "$S/top.py" | wc -l)" "path prints the other files if there is nothing to print for one"
is "$(status_of path)" 2 "path without a file ends with 2"
is "$(status_of path "") $(said_by path "" | grep -c "^pycstash: '': ")" "1 1" "an empty name is reported as \`\`"
is "$(status_of path --json -0 "$S/top.py")" 2 "--json with -0 ends with 2"
is "$(status_of path --dir "$T/nowhere" "$S/top.py")" 10 "path without a cache ends with 10"
ln -s "$CACHE" "$T/way"
is "$(path "$T/way/v1/$TAG/tree$S/__pycache__/top.$TAG.pyc")" "$S/top.py" "path finds the source of an entry in a cache that is reached through a link"
is "$(PYCSTASH_DIR=$T/way path "$CACHE/v1/$TAG/tree$S/__pycache__/top.$TAG.pyc")" "$S/top.py" "path knows a cache that is configured by a symbolic link"

# --- dir ------------------------------------------------------------------------------
is "$("$PYCSTASH" dir)" "$CACHE" "dir: PYCSTASH_DIR"
is "$("$PYCSTASH" dir --dir "$T/x")" "$T/x" "dir prints the directory that --dir names"
is "$(cd "$T" && "$PYCSTASH" dir --dir x)" "$T/x" "absolute"
is "$(env -u PYCSTASH_DIR "$PYCSTASH" dir)" "$HOME/.cache/pycstash" "without variables, dir prints a directory below HOME"
is "$(env -u PYCSTASH_DIR -u HOME "$PYCSTASH" dir 2>/dev/null || echo $?)" 10 "dir ends with 10 if no setting says where the cache is"
cp -r "$CACHE" "$T/layer"
mkdir -m 1777 "$T/open"
is "$(PYCSTASH_LAYERS=$T/none:$T/layer:$T/open "$PYCSTASH" dir --layers | tr '\n' ' ')" "$CACHE $T/layer " \
	"dir --layers prints the layers that exist and are trusted"
is "$(PYCSTASH_LAYERS=$T/layer "$PYCSTASH" dir --json | jsons "x['dir'], x['exists'], x['layers']")" \
	"('$CACHE', True, ['$T/layer'])" "JSON"

# --- layers -----------------------------------------------------------------------------
export PYCSTASH_LAYERS=$T/layer
entry=$T/layer/v1/$TAG/tree$S/__pycache__/top.$TAG.pyc
is "$(path --layers --tag "$TAG" "$S/top.py" | tr '\n' ' ')" "$CACHE/v1/$TAG/tree$S/__pycache__/top.$TAG.pyc $entry " \
	"--layers: theirs, too"
rm -r "$CACHE"
is "$(path --layers --tag "$TAG" "$S/top.py")" "$entry" "path --layers prints a layer's entry where there is no cache"
is "$(path --layers "$entry")" "$S/top.py" "path --layers prints the source of a layer's entry"
is "$(status_of path --layers "$S/none.py")" 1 "path --layers with an entry in neither cache nor layer: 1"
is "$(said_by path --layers "$S/top.py")" "" "path --layers says nothing of a missing entry"
is "$(path --tag "$TAG" "$S/top.py" 2>/dev/null)" "$entry" "layers need not be asked for where there is no cache"
check "path says that there is no cache and that its answer is about layers" grep -q ': no cache yet; showing layers only$' <(said_by path "$S/top.py")
is "$(status_of path --dir "$CACHE" "$S/top.py")" 10 "path --dir of a missing cache ends with 10, even if there are layers"
check "a cache that is asked for and missing: it is reported that there are layers" grep -q 'There are layers' <(said_by path --dir "$CACHE" "$S/top.py")
is "$(env -u PYCSTASH_DIR -u HOME "$PYCSTASH" path --layers --tag "$TAG" "$S/top.py" 2>&1)" "$entry" \
	"path prints a layer's entry where there is no place for a cache"
is "$(env -u PYCSTASH_DIR -u HOME "$PYCSTASH" path --tag "$TAG" "$S/top.py" 2>/dev/null)" "$entry" "path prints a layer's entry without --layers where there is no place for a cache"
is "$(path --dir / --layers --tag "$TAG" "$S/top.py" 2>/dev/null) $(status_of path --dir / --layers "$S/top.py")" \
	"$entry 3" "layers are searched after a cache that is refused, with exit code 3"
is "$(PYCSTASH_LAYERS=$T/none status_of path --layers "$S/top.py")" 10 "path ends with 10 where there is neither a cache nor a layer"
is "$(PYCSTASH_LAYERS=$T/none said_by path "$S/top.py" | grep -c layers)" 0 "path mentions no layer where there is neither a cache nor a layer"
done_testing
