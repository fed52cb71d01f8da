#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Trees at paths that are made up for each start: the cache grows with their content, not with
# the number of starts, and no tree gets the code of another.
#
# Takes 45 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

N=6
tree() { # DIR VERSION
	local i
	mkdir -p "$1/pkg"
	echo "from . import $(seq -f 'm%g' -s ', ' 1 $N)" >"$1/pkg/__init__.py"
	for i in $(seq $N); do version "$2" "$1/pkg/m$i.py" && echo "N = $i" >>"$1/pkg/m$i.py"; done
}
run() { # DIR
	logged "$python" -S -c 'import sys; sys.path.insert(0, sys.argv[1])
import pkg.m1
assert pkg.m1.f.__code__.co_filename.startswith(sys.argv[1] + "/"), pkg.m1.f.__code__.co_filename
print(pkg.m1.V + pkg.m1.f())' "$1" 2>&1
}
compiled() { grep -c ': sealed: .*/pkg/' "$log"; }
size() { du -s --block-size=1 --exclude=.state "$CACHE" | cut -f1; }
files() { find "$CACHE" -name .state -prune -o ! -type d -print | wc -l; }

starts() {
	local first_size first_files got i many=12
	tree "$T/.mount_app000000" one
	is "$(run "$T/.mount_app000000")" oneone "$name: a tree at a path that is made up runs"
	is "$(compiled)" $((N + 1)) "$name: its first start compiles"
	first_size=$(size) first_files=$(files) got=
	for i in $(seq $many); do
		# In turn: copied with its times, copied with new times, and moved.
		case $((i % 3)) in
		0) cp -a "$T/.mount_app000000" "$T/.mount_app$(printf %06d "$i")" ;;
		1) cp -r "$T/.mount_app000000" "$T/.mount_app$(printf %06d "$i")" ;;
		2) mv "$T/.mount_app$(printf %06d $((i - 1)))" "$T/.mount_app$(printf %06d "$i")" ;;
		esac
		got="$got$(run "$T/.mount_app$(printf %06d "$i")") $(compiled) "
	done
	is "$got" "$(for i in $(seq $many); do printf 'oneone 0 '; done)" \
		"$name: at $many other paths nothing is compiled, and co_filename is the path"
	is "$(size) $(files)" "$first_size $first_files" "$name: the cache is as large as after the first start"
	is "$(find "$T"/.mount_* -name __pycache__)" "" "$name: nothing is beside the sources"

	got=$("$PYCSTASH" path --dir "$CACHE" "$T/.mount_app000012/pkg/m1.py" 2>&1)
	is "$got $([ -f "$got" ] && echo there)" "$CACHE/v1/$tag/tree$T/.mount_*********/pkg/__pycache__/m1.$tag.pyc there" \
		"$name: pycstash path knows where their entries lie"
	check "$name: pycstash explain says that they are served" \
		"$PYCSTASH" explain --dir "$CACHE" --python "$python" "$T/.mount_app000012/pkg/m1.py"
	is "$("$PYCSTASH" warm --dir "$CACHE" --python "$python" "$T/.mount_app000012" 2>&1 | grep -c "0 compiled.* 0 failed"
		size)" "1
$first_size" "$name: pycstash warm finds nothing to do, and leaves nothing"

	tree "$T/.mount_app99999a" two
	got="$(run "$T/.mount_app99999a") $(run "$T/.mount_app000000") $(run "$T/.mount_app99999a")"
	is "$got" "twotwo oneone twotwo" "$name: trees of other content, same size and time, run their own"
	version two "$T/.mount_app000000/pkg/m1.py" && echo "N = 1" >>"$T/.mount_app000000/pkg/m1.py"
	is "$(run "$T/.mount_app000000")" twotwo "$name: an edit in such a tree is seen"
	is "$(python3 "$SEAL/check.py" "$CACHE" | grep -v 'files,')" "" "$name: all that is in the cache is whole"
	rm -rf "$CACHE"

	# compileall compiles by itself, and looks for what it has written.
	for i in 1 2 3; do
		cp -r "$T/.mount_app99999a" "$T/pip-build-env-abcdef0$i"
		preloaded "$python" -m compileall -q "$T/pip-build-env-abcdef0$i"
		got=$(preloaded "$python" -c 'import os, sys, importlib.util as u
print(sum(os.path.exists(u.cache_from_source(os.path.join(sys.argv[1], "pkg", f))) for f in os.listdir(sys.argv[1] + "/pkg")))' \
			"$T/pip-build-env-abcdef0$i")
		is "$got" $((N + 1)) "$name: compileall finds what it has written, in ephemeral tree $i"
		[ "$i" != 1 ] || first_size=$(size)
	done
	is "$(size)" "$first_size" "$name: after compileall in three ephemeral trees, the cache is as large as after the first"
	is "$(run "$T/pip-build-env-abcdef03") $(compiled)" "twotwo 0" "$name: the bytecode of a tree at a new path is used"

	rm -rf "$CACHE"
	for i in 1 2 3; do
		cp -r "$T/.mount_app99999a" "$T/other$i"
		run "$T/other$i" >/dev/null
		[ "$i" != 1 ] || first_files=$(files)
	done
	is "$(files)" $((first_files + 2 * (N + 1))) "$name: trees that match no pattern have entries of their own"
	first_files=$(files)
	PYCSTASH_EPHEMERAL="$T/other*" run "$T/other2" >/dev/null
	cp -r "$T/.mount_app99999a" "$T/other4"
	is "$(PYCSTASH_EPHEMERAL="$T/other*" run "$T/other4") $(files)" "twotwo $first_files" \
		"$name: trees that match PYCSTASH_EPHEMERAL share their entries"
	cp -r "$T/.mount_app99999a" "$T/.mount_app777777"
	PYCSTASH_EPHEMERAL=0 run "$T/.mount_app777777" >/dev/null
	is "$(files)" $((first_files + N + 1)) "$name: with PYCSTASH_EPHEMERAL=0 no tree shares its entries"
}
some starts

own() { # bytecode of which nothing proves whose it is
	local a=$T/.mount_a b=$T/.mount_b
	for dir in "$a" "$b"; do
		mkdir -p "$dir"
		version "${dir: -1}${dir: -1}${dir: -1}" "$dir/m.py"
	done
	write="import sys, importlib.util as u, py_compile, os
pyc = u.cache_from_source(sys.argv[1] + '/m.py')
py_compile.compile(sys.argv[1] + '/m.py', sys.argv[1] + '/x.bin')
if not os.path.isdir(os.path.dirname(pyc)): os.mkdir(os.path.dirname(pyc))
with open(pyc, 'wb') as f: f.write(open(sys.argv[1] + '/x.bin', 'rb').read())
print(os.path.exists(pyc))"
	is "$(preloaded "$python" -c "$write" "$a")" True "$name: a program that writes a pyc in place finds it"
	is "$(find "$T" -name '*.pyc' -path '*/__pycache__/*' | grep -c "^$a/__pycache__/m")" 1 \
		"$name: a pyc that a program writes in place stays in its tree"
	is "$(logged "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V)' "$b")" bbb \
		"$name: a pyc that a program wrote in one ephemeral tree is not served to another"
	is "$(logged "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V)' "$a")" aaa \
		"$name: a pyc that a program wrote in an ephemeral tree runs in that tree"
	mkdir "$T/.mount_c" && cp "$a/m.py" "$T/.mount_c/m.py"
	preloaded "$python" -c 'import os, sys
os.path.isdir(sys.argv[1] + "/__pycache__") or os.mkdir(sys.argv[1] + "/__pycache__")
for n in ("m.f-1.py38.nbi", "m.f-1.py38.1.nbc", "m.cpython-38-pytest-8.pyc", "m.x.c"):
    p = os.path.join(sys.argv[1], "__pycache__", n)
    open(p + ".12", "w").close(); os.rename(p + ".12", p); assert os.path.exists(p), p' "$T/.mount_c"
	is "$(find "$T/.mount_c/__pycache__" -type f | wc -l)" 4 \
		"$name: files that no source proves stay in their ephemeral tree"
}
some own

# A thousand starts of one interpreter; the tree is moved each time.
python=$(interpreters cached | head -1) log=$T/log
tree "$T/.mount_1000" one
run "$T/.mount_1000" >/dev/null
before=$(size) wrong=0 all=$(du -s --block-size=1 "$CACHE" | cut -f1)
for i in $(seq 1001 1999); do
	mv "$T/.mount_$((i - 1))" "$T/.mount_$i"
	[ "$(preloaded "$python" -IS -c "import sys; sys.path.insert(0, '$T/.mount_$i'); import pkg.m1; print(pkg.m1.V)")" = one ] ||
		wrong=$((wrong + 1))
done
is "$wrong $(size)" "0 $before" "after 1,000 starts at 1,000 paths the cache is as large as after one"
# The size of the journal is limited, too; for such a small tree it is most of the growth.
check "with the journal too, it is no more than 192 KiB larger" \
	[ "$(du -s --block-size=1 "$CACHE" | cut -f1)" -le $((all + 192 * 1024)) ]
done_testing
