#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash explain: predicts what a real interpreter under the library then does, in a table of
# situations, and changes nothing.
#
# Takes 50 s.
. "$(dirname "$0")/../lib/tap.sh"

export PYCSTASH_DIR=$CACHE
chmod 755 "$T"
explain() { "$PYCSTASH" explain "$@"; }
field() { python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())[sys.argv[1]])' "$1"; }
entry_of() { echo "$CACHE/v1/$tag/tree$D/__pycache__/m.$tag.pyc"; }

# Prints the verdict when $python opens m's bytecode: "what" or "what (why)".
decided() {
	local log=$T/log
	rm -f "$log"
	(cd "$D" && env "$@" LD_PRELOAD="$SO" PYCSTASH_LOG="$log" "$python" -S -c "$program" \
		>/dev/null 2>&1)
	sed -nE "s,^[^:]*: ([^:]*): [^ ]*/__pycache__/m\.$tag\.pyc( .*)?\$,\1\2,p" "$log" | head -1
}
predicted() {
	local said
	said=$(env "$@" "$PYCSTASH" explain --json --python "$python" "$D/m.py")
	printf '%s' "$said" | python3 -c 'import json, sys
x = json.loads(sys.stdin.readline())
print(x["what"] + (" (" + x["why"] + ")" if x["why"] else ""))'
}
in_tree_step() { explain --python "$python" "$D/m.py" | sed -nE 's/^(ok|warn) +in-tree +[^ ]*: /\1 /p'; }
state_of_cache() { find "$CACHE" -printf '%p %s %i %T@ %C@\n' 2>/dev/null | sort; }

# agrees SENTENCE WANT [NAME=VALUE…]: explain predicts WANT and changes nothing, and the library
# then decides WANT.
agrees() {
	local sentence=$1 want=$2 before said
	shift 2
	before=$(state_of_cache)
	said=$(predicted "$@")
	[ "$(state_of_cache)" = "$before" ] || {
		not_ok "$name: $sentence: explain changes nothing" "$(diff <(echo "$before") <(state_of_cache))"
		return
	}
	is "explain: $said; library: $(decided "$@")" "explain: $want; library: $want" "$name: $sentence: $want"
}
fresh() { # a new source, imported once; of a private tree: root's compilers serve others
	program='import m'
	rm -rf "$D" "$CACHE"
	mkdir -m 700 "$D"
	echo 'x = 1' >"$D/m.py"
	sleep 0.03
	decided >/dev/null
	[ -n "$(entries)" ] || not_ok "$name: an import makes an entry"
}

n=0
for python in $(differing); do
	n=$((n + 1))
	name=$(named "$python") tag=$(tag_of "$python") D=$T/tree program='import m'
	rm -rf "$D" "$CACHE"
	mkdir "$D"
	echo 'x = 1' >"$D/m.py"
	sleep 0.03
	agrees "a source that nobody has imported" "miss (no entry)"
	agrees "imported" "hit"
	touch "$D/m.py"
	agrees "touched" "hit (re-sealed)"
	agrees "imported again" "hit"
	agrees "compared by content, always" "hit (same content)" PYCSTASH_VALIDATE=content
	touch -d '2001-01-01' "$D/m.py"
	agrees "touched, with another time" "hit (re-sealed)"
	echo 'x = 2' >"$D/m.py"
	agrees "edited" "miss (source changed)"
	fresh
	truncate -s -1 "$(entry_of)"
	agrees "an entry that is cut off" "miss (damaged)"
	fresh
	touch "$D/m.py"
	entry=$(entry_of)
	printf X | dd of="$entry" bs=1 seek=30 conv=notrunc status=none
	agrees "damaged where only re-sealing looks; the object is one file with it" "miss (damaged)"
	fresh
	if [ "$(id -u)" = 0 ]; then
		chown 65534 "$(entry_of)"
		agrees "another user's entry" "miss (belongs to another user)"
	fi
	fresh
	rm "$D/m.py"
	echo 'x = 1' >"$D/m.py"
	rm "$(entry_of)"
	sleep 0.03
	agrees "an object only" "reused from object"
	fresh
	rm "$(entry_of)"
	agrees "nothing is shared" "miss (no entry)" PYCSTASH_SHARE=0
	fresh
	agrees "excluded" "left alone (excluded by a setting, or inside the cache)" PYCSTASH_EXCLUDE="$D"
	agrees "only another directory" "left alone (excluded by a setting, or inside the cache)" PYCSTASH_ONLY="$T/x"
	touch -d '2001-01-01' "$D/m.py"
	agrees "touched, and the cache is read-only" "hit (re-sealed)" PYCSTASH_READONLY=1
	rm -r "$D/__pycache__"
	echo '# coding: mine' >"$D/m.py"
	sleep 0.03
	program='import codecs; codecs.register(lambda n: codecs.lookup("utf-8") if n == "mine" else None); import m'
	decided >/dev/null
	agrees "of a codec of its own" "hit"
	touch -d '2001-01-01' "$D/m.py"
	env "$PYCSTASH" explain --python "$python" "$D/m.py" >"$T/said"
	check "$name: explain says that the encoding may be a program's own" grep -q "its encoding may be one that the program defines" "$T/said"
	agrees "touched after a changed setting" "miss (source touched; its content alone does not determine the bytecode)"
	fresh
	rm -rf "$CACHE"
	"$python" -c "import py_compile; py_compile.compile('$D/m.py', doraise=True)"
	agrees "a valid pyc in the tree" "in-tree"
	is "$(in_tree_step)" "ok its header has the source's time and size, so it is served unless the cache has a valid entry" \
		"$name: of a valid pyc in the tree, explain says what it knows"
	touch -r "$D/m.py" "$T/time" && echo 'x = 2' >"$D/m.py" && touch -r "$T/time" "$D/m.py"
	agrees "one of an earlier source with the same time and size" "miss (source changed)"
	rm -rf "$CACHE"
	is "$(in_tree_step)" "warn its header has the source's time and size, but it may be of an earlier version, so it is not served" \
		"$name: of a pyc in the tree of an earlier source, explain says that it is not served"
	touch -d '2001-01-01' "$D/m.py"
	agrees "one that is stale" "miss (source changed)"
	rm -rf "$D/__pycache__"
	if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 7))'; then
		fresh
		rm -rf "$CACHE"
		(cd "$D" && preloaded "$python" -c "import py_compile
py_compile.compile('m.py', invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)")
		agrees "a hash-based pyc" "in-tree"
	fi
	fresh
	program="open('$D/__pycache__/m.$tag.pyc', 'rb').read()"
	mv "$D/m.py" "$T/away"
	agrees "its source is gone" "hit (no source)"
	mv "$T/away" "$D/m.py"
	fresh
	touch -d '2001-01-01' "$D/m.py"
	chmod 500 "$(dirname "$(entry_of)")"
	[ "$(id -u)" != 0 ] && agrees "touched, and the cache's directory cannot be written" "hit (re-sealed)"
	chmod 700 "$(dirname "$(entry_of)")"
	fresh
	rm -rf "$T/layer"
	mv "$CACHE" "$T/layer"
	agrees "a layer has it" "hit (layer)" PYCSTASH_LAYERS="$T/none:$T/layer"
	agrees "a layer, and no place for a cache" "hit (layer)" PYCSTASH_LAYERS="$T/layer" PYCSTASH_DIR=relative
	touch -d '2001-01-01' "$D/m.py"
	agrees "a layer, and the source was touched" "hit (re-sealed from layer)" PYCSTASH_LAYERS="$T/layer"
	rm -rf "$CACHE" "$T/layer/v1/$tag/tree"
	agrees "a layer's object" "reused from layer's object" PYCSTASH_LAYERS="$T/layer"
	rm -rf "$CACHE"
	chmod 777 "$T/layer"
	agrees "a layer that others can write" "miss (no entry)" PYCSTASH_LAYERS="$T/layer"
	D=$T/.mount_one
	fresh
	rm -rf "$T/.mount_two"
	mv "$D" "$T/.mount_two"
	D=$T/.mount_two
	agrees "a tree that comes at another path each time" "hit"
	cp "$D/m.py" "$D/copy" && touch -d 2001-01-01 "$D/copy" && mv "$D/copy" "$D/m.py"
	sleep 0.03
	agrees "a tree that is made again at each start" "hit (re-sealed)"
	D=$T/tree
	fresh
	chmod 755 "$CACHE/v1"
	is "$(predicted)" "not used (the folder v1 of the cache belongs to another user, or others may access it)" "$name: a cache that others can read into"
	chmod 700 "$CACHE/v1"
done
[ $n -gt 0 ] || skip "the table" "no interpreter"

# --- exit codes and words --------------------------------------------------------------
python=$(differing | head -1)
tag=$(tag_of "$python") name=$(named "$python")
fresh
is "$(status_of explain "$D/m.py")" 0 "what would be served: exit code 0"
is "$(explain "$D/m.py" | tail -1)" "served: hit" "explain says that the entry would be served"
is "$(cd "$D" && status_of explain m.py --python "$python")" 0 "explain takes a relative name"
is "$(status_of explain "$D/m.py" --level 2)" 1 "explain ends with 1 for an optimization level without bytecode"
is "$(status_of explain "$D/m.py" --readonly --exclude "$D")" 1 "options of explain override the settings of the environment"
mkdir -p "$T/config/pycstash"
echo "dir = $T/elsewhere" >"$T/config/pycstash/pycstash.conf"
is "$(unset PYCSTASH_DIR; XDG_CONFIG_HOME=$T/config explain "$D/m.py" --python "$python" --dir "$CACHE" | tail -1)" \
	"served: hit" "options win over configuration files"
is "$(PYCSTASH_DISABLE=1 explain "$D/m.py" --python "$python" | grep -c '^fail *settings *PYCSTASH_DISABLE')" 1 \
	"explain names the step that ended the search"
is "$(explain "$T/nowhere/m.py" --python "$python" | grep -c '^fail *directory .*No such file')" 1 "no such directory"
is "$(status_of explain)" 2 "explain without a file is a usage error"
is "$(status_of explain "$D")" 2 "explain of a directory is a usage error"
is "$(status_of explain "$(entry_of)")" 2 "explain of bytecode is a usage error"
is "$(explain "$(entry_of)" 2>&1 | grep -c 'bytecode, not a source.*pycstash show')" 1 "explain of bytecode names show"
is "$(explain "$D/nm.py" --python "$python" | tail -1)" "to do: check the name: there is no such source" \
	"a source that is not there is not to be imported once"
is "$(status_of explain "$D/nm.py" --python "$python")" 1 "a source that is not there is not served: exit code 1"
echo 'x = 1' >"$D/notes.txt"
is "$(explain "$D/notes.txt" --python "$python" | grep -c '^warn  source .*does not end in .py')" 1 "a file that is no Python"
cp -r "$D" "$T/copied"
is "$(PATH=$(dirname "$python"):$PATH explain "$T/copied/m.py" | grep -cE '^ok +object .*fresh$|^served: reused')" 2 \
	"the object that would be reused is shown, also if no interpreter was named"
rm -rf "$T/copied" "$T/layer"
cp -r "$CACHE" "$T/layer"
echo 'x = 3' >"$D/new.py"
chmod 777 "$CACHE"
is "$(PYCSTASH_LAYERS=$T/layer explain "$D/new.py" --python "$python" | tail -1)" \
	"to do: run \`pycstash doctor\`, which says why the cache is not used" \
	"with a cache that is not used, and a layer, to import a source once is no advice"
chmod 700 "$CACHE"
is "$(explain "$D/new.py" --python "$python" --dir "$T/none/yet" | sed -n 's/^warn *cache *//p')" \
	"$T/none/yet: there is none yet" "a cache that is not there yet is named in full"
no_source="nothing: Python caches only files that it imports and whose names end in .py, and never a script that it runs"
is "$(explain "$D/notes.txt" --python "$python" | tail -1)" "to do: $no_source" "a file that is no Python is not to be imported"
echo 'x: int' >"$D/m.pyi"
is "$(explain "$D/m.pyi" | tail -2)" "not served: hit; Python compiles, since its header does not have the source's time and size
to do: $no_source" "a stub is not served the bytecode of the module beside it"
is "$(status_of explain "$D/m.pyi")" 1 "a stub is not served: exit code 1"
chmod 755 "$D"
cp "$D/m.py" "$D/closed.py"
chmod 0 "$D/closed.py"
is "$(as_user env PYCSTASH_DIR="$T/another" "$PYCSTASH" explain "$D/closed.py" --python "$python" 2>&1 | tail -1)" \
	"to do: check its permissions: Python cannot read it" "a source that cannot be read is not to be imported once"

# --- which bytecode ------------------------------------------------------------------------
fresh
mkdir -p "$CACHE/v1/cpython-30"
is "$(explain "$D/m.py" | grep -E ' for |^served')" "$D/m.py for $tag
served: hit
the cache has no entry of it for cpython-30; --python INTERPRETER explains that" "only versions that have bytecode of it are explained"
(cd "$D" && preloaded "$python" -c "import py_compile
py_compile.compile('m.py', cfile='__pycache__/m.$tag-pytest-9.9.9.pyc', doraise=True)")
is "$(find "$CACHE/v1/$tag/tree" -name '*pytest*' -printf '%f\n')" "m.$tag-pytest-9.9.9.pyc" "a tool's bytecode has a name of its own"
is "$(explain "$D/m.py" | grep -E ' for |^served')" "$D/m.py for $tag
served: hit
$D/m.py for $tag-pytest-9.9.9
served: hit
the cache has no entry of it for cpython-30; --python INTERPRETER explains that" "a tool's bytecode is explained, too"
rm "$(entry_of)"
is "$(explain "$D/m.py" --python "$python" --json | field pyc)" "$D/__pycache__/m.$tag-pytest-9.9.9.pyc" \
	"where the cache has only a tool's bytecode of it, that is explained"
is "$(status_of explain "$D/m.py")" 0 "a test that only pytest imports is served: exit code 0"
touch -d 2001-01-01 "$D/m.py"
is "$(explain "$D/m.py" | grep -E '^(not |to do)')" "not served: miss (source touched; its content alone does not determine the bytecode)
to do: run the tool once: the source is compiled again; with PYCSTASH_REWRITTEN=path it would be served" "a test that was touched: PYCSTASH_REWRITTEN=path is named"
is "$(PYCSTASH_REWRITTEN=path explain "$D/m.py" | grep '^served')" "served: hit (re-sealed)" "PYCSTASH_REWRITTEN=path serves a test that was touched"
is "$(explain "$D/m.py" --level 1 --python "$python" | head -1)" "$D/m.py for $tag at -O level 1" \
	"explain of level 1 ignores bytecode of level 0"
is "$(status_of explain "$D/m.py" --python /no/such/python)" 14 "explain with an interpreter that does not exist ends with 14"
printf '#!/bin/sh\necho $$ >"%s.new" && mv "%s.new" "%s"\nexec sleep 1000\n' "$T/napping"{,,} >"$T/hangs"
chmod +x "$T/hangs"
"$PYCSTASH" explain "$D/m.py" --python "$T/hangs" 2>/dev/null &
pid=$!
check "explain starts the interpreter" appears "$T/napping"
kill -TERM $pid
wait $pid
is "$?" 143 "explain can be ended while it asks an interpreter"
is "$(pgrep -f 'sleep 2345')" "" "explain ends the interpreter it asks when it is ended"
is "$(status_of explain "$D/m.py" --level 3)" 2 "an optimization level that does not exist is a usage error"
is "$(cd "$D" && explain -m m --json --python "$python" | field source)" "$D/m.py" "-m finds a module in this directory"
mkdir "$D/p"
echo 'raise SystemExit("the package ran")' >"$D/p/__init__.py"
echo 'raise SystemExit("imported")' >"$D/p/leaf.py"
is "$(cd "$D" && explain -m p.leaf --json --python "$python" | field source)" "$D/p/leaf.py" \
	"-m finds a module in a package, and runs neither"
is "$([ -e "$D/p/__pycache__" ] && echo written)" "" "explain -m leaves no bytecode in the tree"
mkdir -p "$D/space/of"
touch "$D/space/of/names.py"
is "$(cd "$D" && explain -m space.of.names --json --python "$python" | field source)" "$D/space/of/names.py" \
	"-m finds a module in a package without a source"
for each in $(differing); do
	is "$(cd "$D" && explain -m space.of.names --json --python "$each" | field source)" "$D/space/of/names.py" \
		"-m looks in this directory, as $(named "$each") does"
	runs=$(cd "$D" && PYTHONSAFEPATH=1 "$each" -m space.of.names >/dev/null 2>&1 && echo "$D/space/of/names.py")
	is "$(cd "$D" && PYTHONSAFEPATH=1 explain -m space.of.names --json --python "$each" 2>/dev/null | field source)" "$runs" \
		"with PYTHONSAFEPATH, -m looks in this directory if $(named "$each") does"
done
for module in no_such_module p.none m.none .m p. p..leaf; do
	is "$(cd "$D" && status_of explain -m "$module" --python "$python")" 14 "-m with a module that does not exist ends with 14: $module"
done
is "$(status_of explain -m sys --python "$python")" 14 "-m with a built-in module ends with 14"
is "$(explain -m sys --python "$python" 2>&1)" "pycstash: sys: $python cannot find its source: it has no source: built-in" \
	"-m says what kind of module has no source"
wild=$D/$'line\nfeed \xff'
mkdir "$wild"
echo 'x = 1' >"$wild/m.py"
is "$(explain "$wild/m.py" --json --python "$python" | python3 -c 'import json, os, sys
print(os.fsencode(json.loads(sys.stdin.readline())["source"]) == os.fsencode(sys.argv[1]))' "$wild/m.py")" True \
	"a name with a line feed and no UTF-8 is exact in JSON"
is "$(explain "$wild/m.py" --python "$python" | grep -c '^feed')" 0 "a name with a line feed forges no line of text"
fresh
rm -rf "$T/layer"
cp -r "$CACHE" "$T/layer"
is "$(PYCSTASH_LAYERS=$T/layer explain "$D/m.py" | tail -1)" "served: hit" "a version that both cache and layer have is explained once"
rm -rf "$CACHE"
is "$(PYCSTASH_LAYERS=$T/layer PATH=$T explain "$D/m.py" | tail -1)" "served: hit (layer)" \
	"without a cache it asks for the versions of the layers"
rm -rf "$CACHE"
is "$(cd "$D" && PATH=$(dirname "$python"):$PATH status_of explain m.py)" 1 "without a cache it asks for python3, which would compile"

# --- what Python does by itself ----------------------------------------------------------
hash_based() { # MODE: a pyc of m.py in the tree
	"$python" -c "import py_compile, sys
py_compile.compile('$D/m.py', invalidation_mode=py_compile.PycInvalidationMode.$1)" 2>/dev/null
}
D=$T/tree
fresh
rm -rf "$CACHE"
if hash_based CHECKED_HASH; then
	is "$(status_of explain "$D/m.py" --python "$python")" 0 "a checked hash-based pyc in the tree is served"
	echo 'x = 2' >"$D/m.py"
	is "$(explain "$D/m.py" --python "$python" | tail -2 | head -1)" \
		"not served: in-tree; Python compiles, since its hash is not that of the source" \
		"a checked hash-based pyc is not served after an edit, which Python finds by the hash"
	is "$(status_of explain "$D/m.py" --python "$python")" 1 "explain ends with 1 where nothing is served"
	hash_based UNCHECKED_HASH
	echo 'x = 3' >"$D/m.py"
	is "$(status_of explain "$D/m.py" --python "$python")" 0 "an unchecked hash-based pyc is served after an edit, as with Python alone"
	rm -rf "$D/__pycache__"
	rm -rf "$CACHE"
fi
mkdir -p "$D/__pycache__"
printf 'no pyc at all, but long enough for one' >"$D/__pycache__/m.$tag.pyc"
said=$(explain "$D/m.py" --python "$python")
is "$(tail -2 <<<"$said" | head -1)" "not served: miss (damaged)" "a pyc in the tree that is none"
is "$(grep -c "in-tree.*: Python does not take it, since it is not a pyc" <<<"$said")" 1 \
	"the step says that a pyc in the tree is none"
rm -rf "$D/__pycache__"

"$python" -c "import py_compile; py_compile.compile('$D/m.py', doraise=True)"
for setting in "PYCSTASH_EXCLUDE=$D" "PYCSTASH_ONLY=$T/x" PYCSTASH_DISABLE=1; do
	is "$(env "$setting" "$PYCSTASH" explain "$D/m.py" --python "$python" | grep -c '^served: left alone.*; Python takes its own pyc')" 1 \
		"${setting%%=*}, and a valid pyc in the tree: Python takes that"
	is "$(status_of env "$setting" "$PYCSTASH" explain "$D/m.py" --python "$python")" 0 "explain ends with 0 where the tree's bytecode is served"
done
touch -d 2001-01-01 "$D/m.py"
is "$(PYCSTASH_EXCLUDE=$D explain "$D/m.py" --python "$python" | grep -c '^not served: left alone.*; Python compiles, since its header does not have the source.s time and size')" 1 \
	"if the pyc in the tree is stale, Python does not take it"
is "$(PYCSTASH_EXCLUDE=$D status_of explain "$D/m.py" --python "$python")" 1 "explain ends with 1 where nothing is served"
rm -rf "$D/__pycache__"
is "$(PYCSTASH_EXCLUDE=$D status_of explain "$D/m.py" --python "$python")" 1 "nothing is served from the tree where there is no pyc"

# --- what is in the environment for Python itself ------------------------------------------
fresh
rm -rf "$CACHE"
todo() { # [NAME=VALUE…] [OPTION…]
	env "${@/#--*/PYCSTASH_UNUSED=}" "$PYCSTASH" explain "$D/m.py" --python "$python" $(printf '%s\n' "$@" | grep '^--') | sed -n 's/^to do: //p'
}
is "$(todo)" "import it once, or run \`pycstash warm\`" "for a miss, explain says to import the source or to warm it"
is "$(todo PYTHONDONTWRITEBYTECODE=1 | grep -c 'once.*unset PYTHONDONTWRITEBYTECODE first')" 1 \
	"under PYTHONDONTWRITEBYTECODE explain says that a miss would remain a miss"
is "$(todo PYTHONDONTWRITEBYTECODE=1 --keep-dontwrite | grep -c 'once.*leave out --keep-dontwrite')" 1 "with --keep-dontwrite explain says that a miss would remain a miss"
is "$(todo PYCSTASH_READONLY=1 | grep -c 'once.*unset PYCSTASH_READONLY first')" 1 "for a read-only cache explain says that a miss would remain a miss"
if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))'; then
	fresh
	export PYTHONPYCACHEPREFIX=$T/prefix
	is "$(explain "$D/m.py" --python "$python" | grep -cE '^fail  environment|^not served: left alone')" 2 \
		"PYTHONPYCACHEPREFIX: the cache is not asked, though it has an entry"
	is "$(status_of explain "$D/m.py")" 1 "under PYTHONPYCACHEPREFIX no version of the cache is looked for; exit code 1"
	(cd "$D" && "$python" -c 'import m')
	is "$(explain "$D/m.py" --json --python "$python" | field pyc)" "$(find "$T/prefix" -name "m.$tag.pyc")" \
		"bytecode is looked for below PYTHONPYCACHEPREFIX, where Python puts it"
	is "$(status_of explain "$D/m.py" --python "$python")" 0 "Python takes the bytecode below PYTHONPYCACHEPREFIX"
	old=$(interpreters cached | grep '/3\.7\.[0-9]*/' | head -1)
	[ -z "$old" ] || is "$(explain "$D/m.py" --python "$old" | grep -c '^fail  environment')" 0 \
		"Python 3.7 ignores PYTHONPYCACHEPREFIX"
	unset PYTHONPYCACHEPREFIX
else
	skip "PYTHONPYCACHEPREFIX" "$name knows none"
fi
done_testing
