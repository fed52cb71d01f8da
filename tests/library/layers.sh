#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Layers: caches that are only read (PYCSTASH_LAYERS). Bytecode in a layer is not compiled
# again, bytecode that should not be there is not served, and nothing is ever written to a
# layer. Compilations are counted (count.py), and a layer is compared byte for byte before and
# after.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

N=7 # modules in the tree, each of its own content
all_loaded="0 compiled, $N loaded" all_compiled="$N compiled, 0 loaded"

project() { # DIR
	local i
	mkdir -p "$1/pkg/sub"
	echo "from . import $(seq -f 'm%g' -s ', ' 1 3), sub" >"$1/pkg/__init__.py"
	for i in 1 2 3; do content "v$i$i" "$1/pkg/m$i.py"; done
	echo "from . import deep" >"$1/pkg/sub/__init__.py"
	content dep "$1/pkg/sub/deep.py"
	content lat "$1/late.py"
	find "$1" -name '*.py' -exec touch -d @1600000000 {} +
}

# The variable comes first, so that a test can override it.
layered() { preloaded PYCSTASH_LAYERS="$LAYERS" "$@"; }
count() { # DIR [SETTING…] [-- PYTHON'S OPTION…]
	local top=$1 settings=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do settings+=("$1") && shift; done
	layered "${settings[@]}" "$python" "${@:2}" "$SEAL/count.py" "$top" pkg late 2>&1 | tail -1
}
verdicts() { sort -u | tr '\n' ';'; }
picture() { find "$@" -printf '%p %y %m %U %i %s %T@ %C@\n' 2>/dev/null | sort; }

# make_layer: makes the layer $T/layer from a warm cache for $T/app, and empties the cache.
make_layer() {
	project "$T/app"
	LAYERS='' count "$T/app" >"$T/said"
	mv "$CACHE" "$T/layer"
	LAYERS=$T/layer
}
# Short tests run with all interpreters, longer ones with those that differ most, and tests that
# depend only on the library with one.
is_one_of_few() { case $python in /usr/bin/* | *python3.8 | *python3.13) true ;; *) false ;; esac; }
is_first() { case $python in /usr/bin/python3*) true ;; *) false ;; esac; }

can_mount=
probe && can_mount=yes
# Runs this file again, in a mount namespace, for one line of it.
if [ "${1:-}" = inside ]; then
	part_of "$2"
	CACHE=$T/cache python=$3 LAYERS=$4
	eval "$5"
	trap - EXIT
	exit 0
fi
inside() { mounts "$0" inside "$T" "$python" "$LAYERS" "$1"; }

# --- zero compilations ----------------------------------------------------------------
zero() {
	local before
	make_layer
	is "$(cat "$T/said")" "$all_compiled" "$name: (without a layer, a first start compiles all modules)"
	before=$(picture "$T/layer")
	is "$(count "$T/app")" "$all_loaded" "$name: with a layer, an empty cache compiles nothing"
	is "$(entries)" "" "$name: a hit in a layer creates no entry in the cache"
	is "$(count "$T/app" PYCSTASH_LOG="$T/log" >/dev/null; sed -nE 's/^[^:]*: (.*): .*\/app\/.*( \(.*\))$/\1\2/p' "$T/log" | verdicts)" \
		"hit (layer);" "$name: bytecode from a layer is logged as hit (layer)"
	find "$T/app" -name '*.py' -exec touch {} +
	is "$(count "$T/app"), $(entries | wc -l)" "$all_loaded, $N" \
		"$name: if all sources are touched, entries are made from the layer without compiling"
	is "$(LAYERS='' count "$T/app")" "$all_loaded" "$name: entries that were made from a layer are served without the layer"
	cp -r "$T/app" "$T/copy"
	rm -rf "$CACHE"
	is "$(count "$T/copy")" "$all_loaded" "$name: a copy of the tree compiles nothing, because the layer has objects"
	rm -rf "$T/app" && mv "$T/copy" "$T/app" && rm -rf "$CACHE"
	is "$(count "$T/app")" "$all_loaded" "$name: a tree that was installed again is served from the layer"
	echo 'V = "new"' >"$T/app/pkg/m2.py"
	is "$(count "$T/app"); $(count "$T/app")" "1 compiled, $((N - 1)) loaded; $all_loaded" \
		"$name: if one module is edited, only that one is compiled, once"
	is "$(picture "$T/layer")" "$before" "$name: the layer is unchanged, with all its times"
	is "$(find "$T/app" -name __pycache__)" "" "$name: the tree is clean"
}
some zero

levels() {
	is_one_of_few || return
	make_layer
	LAYERS='' count "$T/app" -- -O >/dev/null
	cp -r "$CACHE/." "$T/layer/" && rm -rf "$CACHE"
	is "$(count "$T/app"); $(count "$T/app" -- -O); $(count "$T/app" -- -OO); $(count "$T/app" -- -OO)" \
		"$all_loaded; $all_loaded; $all_compiled; $all_loaded" \
		"$name: -O is served from a layer that has bytecode of -O, and -OO compiles"
	is "$(entries | grep -vc opt-2)" 0 "$name: the cache keeps only what the layer lacks"
	[ "$name" = "${name#pypy}" ] && at_least "$python" 3 7 || return
	rm -rf "$CACHE"
	is "$(count "$T/app" PYTHONNODEBUGRANGES=1)" "$all_compiled" \
		"$name: a start with PYTHONNODEBUGRANGES is not served a layer's bytecode with debug ranges"
}
some levels

# --- order ----------------------------------------------------------------------------
show='import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V if m.V == m.f() else "torn")'
value() { logged PYCSTASH_LAYERS="$LAYERS" "$@" "$python" -c "$show" "$T/src" 2>&1 | tail -1; }
in_a_layer() { # VERSION LAYER: m as of that version, in a layer of its own
	version "$1" "$T/src/m.py"
	LAYERS='' value >/dev/null
	mv "$CACHE" "$2"
}

order() {
	local v got=
	is_one_of_few || return
	mkdir "$T/src"
	in_a_layer one "$T/first"
	in_a_layer two "$T/second"
	in_a_layer two "$T/third"
	LAYERS=relative:$T/none:$T/first:$T/second/::$T/third
	is "$(value; decisions m)" "two"$'\n'"hit (re-sealed from layer)" \
		"$name: if one layer has bytecode of another version, the next layer is used"
	: >"$T/log"
	is "$(find "$T"/{second,third} -name 'm.*.pyc' -path '*/tree/*' -exec rm {} +; rm -rf "$CACHE"
	value; decisions m)" "two"$'\n'"reused from layer's object" \
		"$name: objects of layers are searched after the entries of all layers"
	# The source changes back and forth, with its time and size kept; its present code runs.
	rm -rf "$CACHE"
	for v in one two one three two one three; do
		version "${v:0:3}" "$T/src/m.py"
		got="$got$(value) "
	done
	is "$got" "one two one thr two one thr " "$name: with layers, a source that changes with its size and time kept runs its new code"
	LAYERS=$T/none:$T/first
	version one "$T/src/m.py"
	value >/dev/null
	is "$(grep -c 'layer not used' "$log"), $(sed -n 's/.*layer not used: //p' "$log")" \
		"1, $T/none (no such layer)" "$name: a missing layer is logged once"
}
some order

# While a process runs, its source is edited with time and size kept, in place and as a new
# file, to the version in the layer and away from it.
edits() {
	is_first || return
	mkdir "$T/src"
	in_a_layer one "$T/layer"
	LAYERS=$T/layer
	version two "$T/src/m.py"
	cat >"$T/edits.py" <<-'END'
		import importlib, os, sys
		src = sys.argv[1]
		sys.path.insert(0, src)
		def save(v, new):
		    path = src + "/m.py"
		    text = open(path).read().replace("one", v).replace("two", v)
		    name = path + ".new" if new else path
		    with open(name, "w") as f:
		        f.write(text)
		    os.utime(name, (1600000000, 1600000000))
		    if new:
		        os.rename(name, path)
		wrong = []
		import m
		for i in range(40):
		    v = ("one", "two")[i // 3 % 2]
		    save(v, i % 5 < 2)
		    if i % 4 == 0:
		        del sys.modules["m"]
		        m = importlib.import_module("m")
		    else:
		        importlib.reload(m)
		    if (m.V, m.f()) != (v, v):
		        wrong.append((i, v, m.V, m.f()))
		print(wrong)
	END
	is "$(layered "$python" "$T/edits.py" "$T/src" 2>&1)" "[]" \
		"$name: with layers, edits while the program runs give the new code each time"
	is "$(rm -rf "$CACHE"; layered PYCSTASH_READONLY=1 "$python" "$T/edits.py" "$T/src" 2>&1)" "[]" \
		"$name: with layers and PYCSTASH_READONLY, edits give the new code too"
}
some edits

# --- damage ---------------------------------------------------------------------------
damage() { /usr/bin/python3 -B "$SEAL/damage.py" "$@"; }
run() { layered "$python" -S "$SEAL/damage.py" run "$T/src" 2>&1; }
survives() { # KIND WHERE N SENTENCE
	local before
	rm -rf "$CACHE" "$T/src" "$T/layer" && mkdir "$T/src"
	damage make "$T/src" "$3"
	LAYERS='' run >/dev/null
	damage "$1" "$2" "$CACHE" "$T/src" >"$T/damaged"
	mv "$CACHE" "$T/layer"
	LAYERS=$T/layer
	before=$(picture "$T/layer")
	is "$(run | tail -n +2); $(run)" "; 0 compiled" "$name: $4: the program is right, and then all is cached ($(cat "$T/damaged"))"
	is "$(/usr/bin/python3 "$SEAL/check.py" "$CACHE" | grep -v ' files,')" "" "$name: $4: nothing of it gets into the cache"
	is "$(picture "$T/layer")" "$before" "$name: $4: the layer is left as it was"
}
damaged() {
	is_first || return
	STEP=16 survives truncate both 40 "a layer's files cut off"
	survives seal both "$(damage names seal | wc -l)" "a layer's files damaged"
	survives seal object "$(damage names seal | wc -l)" "a layer's objects damaged"
	survives body object "$(damage names body | wc -l)" "a layer's objects damaged under a valid seal"
}
some damaged

# --- without a cache of one's own -----------------------------------------------------
# alone SENTENCE SETTING…: the layer serves the tree and a copy of it, and only the program
# itself writes anything.
alone() {
	local sentence=$1
	shift
	rm -rf "$T/copy" && cp -r "$T/app" "$T/copy"
	is "$(count "$T/app" "$@"), $(count "$T/copy" "$@")" "$all_loaded, $all_loaded" \
		"$name: $sentence: the layer serves, by path and by content"
	is "$(find "$T/app" "$T/copy" "$HOME" "$CACHE" /v1 -name __pycache__ -o -name '*.pyc' 2>/dev/null)" "" \
		"$name: $sentence: nothing is written"
	echo 'V = "new"' >"$T/copy/pkg/m2.py"
	is "$(count "$T/copy" "$@")" "1 compiled, $((N - 1)) loaded" \
		"$name: $sentence: what the layer does not have is compiled"
	find "$T/copy" -name __pycache__ -exec rm -r {} +
}
without() {
	local before
	is_first || return
	make_layer
	alone "no place for a cache" PYCSTASH_DIR= HOME=
	alone "a relative PYCSTASH_DIR" PYCSTASH_DIR=cache
	alone "PYCSTASH_READONLY" PYCSTASH_READONLY=1
	check "$name: PYCSTASH_READONLY: no cache is made" test ! -e "$CACHE"
	mkdir -m 777 "$CACHE" && chmod 777 "$CACHE"
	alone "a cache that others can write to"
	chmod 700 "$CACHE" && mkdir -m 755 "$CACHE/v1"
	alone "a cache whose v1 is not the user's alone"
	# Files in a cache that is not trusted are neither used nor changed.
	rm -rf "$CACHE" && LAYERS='' count "$T/app" >/dev/null && chmod 777 "$CACHE"
	before=$(picture "$CACHE")
	rm -rf "$T/copy" && cp -r "$T/app" "$T/copy"
	is "$(count "$T/app" PYCSTASH_LOG="$log"), $(count "$T/copy" PYCSTASH_LOG="$log")" "$all_loaded, $all_loaded" \
		"$name: a refused cache that has all: it is served"
	is "$(sed -nE "s,^[^:]*: ([^:]*): $T.*/[a-z0-9_]+\\.cpython.*pyc( .*)?\$,\1\2,p" "$log" | verdicts)" \
		"hit (layer);reused from layer's object;" "$name: a refused cache that has all: the layer serves"
	is "$(picture "$CACHE")" "$before" "$name: a refused cache that has all: it stays as it is"
	: >"$log"
	rm -rf "$CACHE" && echo >"$CACHE"
	alone "a cache that is a file"
	rm "$CACHE"
	alone "a place where none can be made" PYCSTASH_DIR=/proc/nowhere/cache
	is "$(count "$T/app" PYCSTASH_DIR= HOME= PYCSTASH_LOG="$log" >/dev/null; grep -c ' not used:' "$log")" 1 \
		"$name: that there is no cache is said once"
	LAYERS='' count "$T/app" PYCSTASH_DIR= HOME= >"$T/said"
	is "$(cat "$T/said"), $(find "$T/app" -name __pycache__ | wc -l)" "$all_compiled, 3" \
		"$name: (without the layer all is as without the library)"
	find "$T/app" -name __pycache__ -exec rm -r {} +
	is "$(count "$T/app" LD_PRELOAD= ; count "$T/app" PYCSTASH_DIR= HOME=)" "$all_compiled"$'\n'"$all_loaded" \
		"$name: a tree that has its own pycs is served, too"
}
some without

# --- file systems ---------------------------------------------------------------------
mounted() {
	is_first || return
	if [ -z "$can_mount" ]; then
		skip "$name: layers on read-only file systems" "mounting is not allowed"
		return
	fi
	make_layer
	is "$(inside "mount --bind '$T/layer' '$T/layer' && mount -o remount,ro,bind '$T/layer' && ! touch '$T/layer/x' 2>/dev/null && count '$T/app'")" \
		"$all_loaded" "$name: a layer on a read-only mount"
	is "$(inside "mkdir -m 700 '$CACHE' && mount -t tmpfs -o size=64k,nr_inodes=2,mode=700 none '$CACHE' && touch '$T'/app/pkg/*.py && count '$T/app'")" \
		"$all_loaded" "$name: a layer over a cache that is full, for touched sources"
	is "$(inside "mount --bind '$CACHE' '$CACHE' && mount -o remount,ro,bind '$CACHE' && count '$T/app'")" \
		"$all_loaded" "$name: a layer over an empty cache on a read-only file system"
	rmdir "$CACHE"
	mkdir "$T/image"
	if mksquashfs "$T/layer" "$T/layer.squashfs" -quiet -no-progress >/dev/null 2>&1 &&
		inside "mount -o loop,ro '$T/layer.squashfs' '$T/image'"; then
		LAYERS=$T/image
		is "$(inside "mount -o loop,ro '$T/layer.squashfs' '$T/image' && count '$T/app'")" "$all_loaded" \
			"$name: a layer in a squashfs image"
	else
		skip "$name: a layer in a squashfs image" "no squashfs here"
	fi
}
some mounted

# --- trust ----------------------------------------------------------------------------
refused() { # SENTENCE REASON: the layer is not used, and that is logged
	: >"$log"
	is "$(count "$T/app" PYCSTASH_LOG="$log" PYCSTASH_READONLY=1)" "$all_compiled" "$name: $1 is not used"
	is "$(sed -n 's/.*layer not used: .*(\(.*\))$/\1/p' "$log")" "$2" "$name: $1: the log says why, once"
}
trust() {
	local file root user
	is_first || return
	root=$([ "$(id -u)" = 0 ] && echo yes)
	make_layer
	chmod 775 "$T/layer"; refused "a layer that its group can write to" "others can write to it or to v1 in it"
	chmod 757 "$T/layer"; refused "a layer that all can write to" "others can write to it or to v1 in it"
	chmod 755 "$T/layer"; chmod 770 "$T/layer/v1"; refused "one whose v1 its group can write to" "others can write to it or to v1 in it"
	chmod 755 "$T/layer/v1"
	ln -s layer "$T/link"; LAYERS=$T/link refused "a link to a layer" "it or v1 in it is not a directory, or is a symbolic link"
	mkdir "$T/linked"; ln -s ../layer/v1 "$T/linked/v1"
	LAYERS=$T/linked refused "one whose v1 is a link" "it or v1 in it is not a directory, or is a symbolic link"
	mkdir "$T/empty"; LAYERS=$T/empty refused "an empty directory" "it has no folder v1"
	LAYERS=$T/app/pkg/m1.py refused "a file" "it or v1 in it is not a directory, or is a symbolic link"
	LAYERS=layer refused "a relative path" ""
	LAYERS=/$(printf 'x%.0s' {1..5000}) refused "a path that is too long" "it cannot be reached"
	LAYERS=$(printf "$T/none%s:" {1..8})$T/layer
	is "$(count "$T/app" PYCSTASH_READONLY=1)" "$all_compiled" "$name: the ninth layer is not used"
	LAYERS=${LAYERS#*:}
	is "$(count "$T/app")" "$all_loaded" "$name: the eighth layer is used"
	LAYERS=$T/layer
	for file in $(find "$T/layer" -name 'm1.*' -path '*/tree/*'); do chmod 664 "$file"; done
	: >"$log"
	is "$(count "$T/app" PYCSTASH_LOG="$log")" "1 compiled, $((N - 1)) loaded" "$name: a layer's file that others can write to is not served"
	check "$name: the log says why a layer's file is not used" grep -q "m1.*the layer's file belongs to another user, or others can write to it" "$log"
	rm -rf "$CACHE" && chmod 644 "$file"
	if [ -z "$root" ]; then
		skip "$name: layers of other users" "not root"
		return
	fi
	chown 65534 "$file"
	is "$(count "$T/app")" "1 compiled, $((N - 1)) loaded" "$name: another user's file in a layer is not used"
	chown 0 "$file" && rm -rf "$CACHE"
	chown 65534 "$T/layer/v1"; refused "one whose v1 is another user's" "it or v1 in it belongs to another user"
	chown 65534 "$T/layer"; chown 0 "$T/layer/v1"; refused "another user's" "it or v1 in it belongs to another user"
	chown -R 65534 "$T/layer"; refused "another user's, with all in it," "it or v1 in it belongs to another user"
	chown -R 0 "$T/layer"
}
some trust

users() {
	case $python in /usr/bin/*) ;; *) return ;; esac
	if [ "$(id -u)" != 0 ] || ! as_user env "$python" -c '' 2>/dev/null; then
		skip "$name: root's layer under a user's cache" "there is no other user to be"
		return
	fi
	make_layer
	mkdir "$T/user" && cp "$SO" "$T/user/" && chown -R 65534 "$T/user" && chmod 755 "$(dirname "$T")" "$T"
	user() { # LAYER TREE
		as_user env HOME="$T/user" LD_PRELOAD="$T/user/${SO##*/}" PYCSTASH_LAYERS="$1" PYCSTASH_LOG="$T/user/log" \
			"$python" "$SEAL/count.py" "$2" pkg late 2>&1 | tail -1
	}
	is "$(user "$T/layer" "$T/app")" "$all_compiled" "$name: root's layer that is closed is no use to a user"
	check "$name: the log says that root's closed layer cannot be used" grep -q 'layer not used.*cannot be reached' "$T/user/log"
	rm -rf "$T/user/.cache"
	chmod -R a+rX "$T/layer"
	is "$(user "$T/layer" "$T/app"), $(entries "$T/user" | wc -l)" "$all_loaded, 0" "$name: root's layer that all can read serves a user"
	cp -r "$T/app" "$T/copy"
	is "$(user "$T/layer" "$T/copy"), $(find "$T/user" -name '*.pyc' -user 65534 -path '*/tree/*' | wc -l)" "$all_loaded, $N" \
		"$name: an entry that was made from root's layer belongs to the user"
	rm -rf "$T/user/.cache"
	chown -R 65533 "$T/layer"
	is "$(user "$T/layer" "$T/app")" "$all_compiled" "$name: another user's layer is not used"
	rm -rf "$T/user/.cache"
	chown -R 65534 "$T/layer"
	is "$(user "$T/layer" "$T/app")" "$all_loaded" "$name: a user's own layer is used"
	# The process changes its user, and its root directory, after the start.
	local both='import sys, os
sys.path.insert(0, sys.argv[1])
import pkg.m1
exec(sys.argv[2])
import late'
	LAYERS=$T/layer
	: >"$log"; chmod 666 "$log"
	layered PYCSTASH_READONLY=1 PYCSTASH_LOG="$log" "$python" -c "$both" "$T/app" 'os.setuid(65534)' >/dev/null 2>&1
	is "$(decisions m1 | tail -1); $(decisions late | tail -1)" "miss (no entry); hit (layer)" \
		"$name: a user's layer, not used by root, is used after setuid"
	chown -R 0 "$T/layer"; chmod 700 "$T/layer/v1"; : >"$log"
	layered PYCSTASH_READONLY=1 PYCSTASH_LOG="$log" "$python" -c "$both" "$T/app" 'os.setuid(65534)' >/dev/null 2>&1
	is "$(decisions m1 | tail -1); $(decisions late | tail -1)" "hit (layer); miss (no entry)" \
		"$name: after setuid, root's closed layer is no longer used"
	: >"$log"
	layered PYCSTASH_READONLY=1 PYCSTASH_LOG="$log" "$python" -c "$both" "$T/app" 'os.chroot("/")' >/dev/null 2>&1
	is "$(decisions m1 | tail -1); $(decisions late | tail -1)" "hit (layer); " "$name: after chroot no layer is used"
}
some users

# --- what programs see ----------------------------------------------------------------
seen() {
	is_one_of_few || return
	make_layer
	is "$(layered "$python" -c "import importlib.util as u, os
p = u.cache_from_source('$T/app/pkg/m1.py')
print(os.path.exists(p), os.path.exists(os.path.dirname(p)), len(open(p, 'rb').read()) > 100, os.path.exists(p))
try:
    os.unlink(p)
except OSError as e:
    print(e.errno)")" "False False True False"$'\n'2 \
		"$name: bytecode that only a layer has can be opened, but stat and unlink do not find it"
	is "$(layered "$python" -m compileall -q "$T/app"; entries | wc -l); $(layered "$python" -m compileall -qf "$T/app"; entries | wc -l)" \
		"0; $N" "$name: compileall takes a layer's entries as up to date, and with -f makes its own"
	rm -rf "$CACHE"
	LAYERS=$T/layer:$T/second layered "$python" -c "import shutil; shutil.copytree('$T/layer', '$T/second')"
	is "$(cd "$T/second" && find . -type f | sort | xargs md5sum)" "$(cd "$T/layer" && find . -type f | sort | xargs md5sum)" \
		"$name: shutil.copytree copies a layer as it is"
}
some seen

# --- cost -----------------------------------------------------------------------------
cost() {
	is_first || return
	local own
	if ! strace -qq -o /dev/null true 2>/dev/null; then
		skip "$name: what layers cost" "strace does not work here"
		return
	fi
	mkdir "$T/src"
	in_a_layer one "$T/layer"
	cp -a "$T/layer" "$T/second"
	LAYERS='' value >/dev/null
	calls() { # LAYERS: what a start has to do with m's bytecode
		layered PYCSTASH_LAYERS="$1" strace -qq -E LD_PRELOAD="$SO" -o "$T/trace" \
			"$python" -c "$show" "$T/src" >/dev/null 2>&1
		grep '/m\.cpython' "$T/trace" | grep -o '[a-z0-9]*(.*pyc"' | sed "s,$T/,,"
	}
	is "$(calls "$T/layer:$T/second")" "$(calls "")" "$name: with layers, a hit in the user's cache takes no additional system call"
	is "$(calls "" | wc -l)" 1 "$name: (a hit takes one system call that names the entry)"
	rm -rf "$CACHE"
	is "$(calls "$T/second:$T/layer" | grep -c '"\(second\|layer\)/v1')" 1 \
		"$name: a hit in a layer takes one more open, and later layers take none"
}
some cost
done_testing
