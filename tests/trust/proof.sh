#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What may count as proven: bytecode that arrives as data, with a seal that the attacker made,
# is never served for a source that it was not compiled from, whichever tool or call brings it.
# It may run in the tree that contains it, as with Python alone.
#
# Takes 80 s.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"

me=$(id -u)
work=$T/work cache=$T/cache
official "$T/official/pkg" "$T/elsewhere"
# The archive is a package with a pyc that claims to be compiled from the official source.
evil=$T/evil/proj/pkg
mkdir -p "$evil"
echo 'print("other")' >"$evil/m.py"
forge "$T/official/pkg/m.py" "$evil/__pycache__/m.$TAG.pyc"
is "$("$PY" "$evil/__pycache__/m.$TAG.pyc")" ATTACKER "the attacker's bytecode runs in a cache that is trusted"
(
	cd "$T/evil" && tar -cf "$T/evil.tar" proj && tar -czf "$T/evil.tgz" proj
	type -P zip >/dev/null && zip -qr "$T/evil.zip" proj
	if type -P git >/dev/null; then
		cp -r proj "$T/repo" && cd "$T/repo" && git init -q . && git add -A -f . &&
			git -c user.name=a -c user.email=a@b commit -qm x
		git branch evil && git rm -qr --cached pkg/__pycache__ && rm -r pkg/__pycache__ &&
			git -c user.name=a -c user.email=a@b commit -qm y
	fi
) >/dev/null 2>&1

# Prints what runs at the path of the archive once it has been replaced by the official source,
# and in another tree with that source.
then_runs() { # INTERPRETER
	rm -rf "$work/proj"
	mkdir -p "$work"
	cp -r "$T/official" "$work/proj"
	with "$me" "$cache" "$1" -B -c "$(imports "$work/proj/pkg")" 2>&1
	cp -r "$T/official" "$T/fresh"
	with "$me" "$cache" "$1" -B -c "$(imports "$T/fresh/pkg")" 2>&1
	rm -rf "$T/fresh"
}
# The files of the cache that have the attacker's code and a seal that names a source.
cat >"$T/poisoned.py" <<-'CODE'
	import os, sys
	for top, folders, names in os.walk(sys.argv[1]):
	    for name in names:
	        data = open(os.path.join(top, name), "rb").read()
	        seal = data[-128:]
	        if b"ATTACKER" in data and seal[:8] == b"pycseal\n" and seal[12] & 1:
	            print(os.path.join(top, name))
CODE
poisoned() { "$PY" -B "$T/poisoned.py" "$cache" | sed "s,$T,," | head -3; }

# --- tools ----------------------------------------------------------------------------
# Each tool runs in the parent directory of the future `proj`.
while IFS='|' read -r needs tool; do
	type -P "$needs" >/dev/null || { skip "\`$tool\` proves nothing" "$needs is not installed" && continue; }
	rm -rf "$work" "$cache"
	mkdir "$work"
	with "$me" "$cache" sh -c "cd '$work' && $tool" >"$T/said" 2>&1
	if ! [ -e "$work/proj/pkg/m.py" ]; then
		not_ok "\`${tool//$T\//}\` does its work under the library" "$(cat "$T/said")"
		continue
	fi
	seen=$(PYTHONDONTWRITEBYTECODE=1 with "$me" "$cache" "$PY" -B -c "$(imports "$work/proj/pkg")" 2>&1)
	is "$seen: $(then_runs "$PY" | tr '\n' ' ')" "other: TRUSTED TRUSTED " \
		"bytecode that \`${tool//$T\//}\` brings is not believed"
done <<-TOOLS
	tar|tar -xf $T/evil.tar
	tar|tar -xzf $T/evil.tgz
	tar|tar -xf $T/evil.tar --overwrite
	tar|(cd $T/evil && tar -cf - proj) | tar -xf -
	sh|$PY -m tarfile -e $T/evil.tar .
	zip|unzip -q $T/evil.zip
	zip|$PY -m zipfile -e $T/evil.zip .
	cp|cp -r $T/evil/proj .
	cp|cp -a $T/evil/proj .
	cp|cp -rl $T/evil/proj .
	cp|cp -r --reflink=auto $T/evil/proj .
	mv|cp -r $T/evil/proj other && mv other proj
	mv|mkdir -p proj/pkg/__pycache__ && cp -r $T/evil/proj other && mv other/pkg/m.py proj/pkg && mv other/pkg/__pycache__/*.pyc proj/pkg/__pycache__
	install|mkdir -p proj/pkg/__pycache__ && install -m 644 $evil/m.py proj/pkg && install -m 644 $evil/__pycache__/*.pyc proj/pkg/__pycache__
	ln|mkdir -p proj/pkg/__pycache__ && ln $evil/m.py proj/pkg && ln $evil/__pycache__/*.pyc proj/pkg/__pycache__
	ln|mkdir -p proj/pkg/__pycache__ && cp $evil/m.py proj/pkg && ln -s $evil/__pycache__/*.pyc proj/pkg/__pycache__
	ln|mkdir -p proj/pkg && cp $evil/m.py proj/pkg && ln -s $evil/__pycache__ proj/pkg/__pycache__
	dd|mkdir -p proj/pkg/__pycache__ && cp $evil/m.py proj/pkg && dd if=$evil/__pycache__/m.$TAG.pyc of=proj/pkg/__pycache__/m.$TAG.pyc
	cat|mkdir -p proj/pkg/__pycache__ && cp $evil/m.py proj/pkg && cat $evil/__pycache__/m.$TAG.pyc >proj/pkg/__pycache__/m.$TAG.pyc
	rsync|rsync -a $T/evil/proj .
	rsync|rsync -a --inplace $T/evil/proj .
	git|git clone -q -b evil $T/repo proj
	git|git clone -q $T/repo proj && git -C proj checkout -q origin/evil
	git|git clone -q -b evil $T/repo proj && git -C proj reset -q --hard HEAD && git -C proj stash -q
	git|git clone -q $T/repo proj && git -C proj worktree add -q ../w origin/evil && rm -rf proj && mv w proj
	perl|mkdir -p proj/pkg/__pycache__ && cp $evil/m.py proj/pkg && perl -MFile::Copy -e 'copy(glob("$evil/__pycache__/*.pyc"), "proj/pkg/__pycache__/")'
	node|node -e 'require("fs").cpSync("$T/evil/proj", "proj", {recursive: true})'
TOOLS

# --- calls ----------------------------------------------------------------------------
# With the four interpreters that differ most; to a new name, and over an entry that the
# interpreter has made. One process prints what all trees run.
cat >"$T/all.py" <<-'CODE'
	import importlib, os, sys
	top = sys.argv[1]
	for name in sorted(os.listdir(top)):
	    sys.path.insert(0, os.path.join(top, name, "pkg"))
	    sys.modules.pop("m", None)
	    importlib.invalidate_caches()
	    print(name, end=": ")
	    import m
	    del sys.path[0]
CODE
while read -r FORGER; do
	"$FORGER" "$HERE/tests/trust/put.py" >"$T/ways" || continue
	tag=$("$FORGER" -c 'import sys; print(sys.implementation.cache_tag)')
	forge "$T/official/pkg/m.py" "$T/forged.$tag.pyc"
	name=$(named "$FORGER")
	rm -rf "$work" "$cache"
	while read -r how; do
		for over in new entry; do
			dir="$work/$how ($over)"
			mkdir -p "$dir/pkg/__pycache__"
			[ $over = new ] || echo 'print("other")' >"$dir/pkg/m.py"
		done
	done <"$T/ways"
	rm -rf "$T/entries" && mkdir "$T/entries" && mv "$work"/*"(new)" "$T/entries"
	with "$me" "$cache" "$FORGER" "$T/all.py" "$work" >"$T/said"
	mv "$T/entries"/* "$work"
	: >"$T/refused"
	for dir in "$work"/*; do
		rm -rf "$T/in" && mkdir "$T/in"
		cp "$T/forged.$tag.pyc" "$T/in/m.$tag.pyc"
		how=${dir##*/}
		with "$me" "$cache" "$FORGER" "$HERE/tests/trust/put.py" "${how% (*}" "$T/in/m.$tag.pyc" \
			"$dir/pkg/__pycache__/m.$tag.pyc" >"$T/out" 2>&1 || echo "$how: $(tail -1 "$T/out")" >>"$T/refused"
	done
	for dir in "$work"/*; do
		rm -rf "$dir"
		cp -r "$T/official" "$dir"
	done
	with "$me" "$cache" "$FORGER" -B "$T/all.py" "$work" >"$T/out" 2>&1
	is "$(grep -v ': TRUSTED$' "$T/out")" "" \
		"$name: $(grep -c . "$T/out") ways to put a pyc into its place prove nothing"
	is "$(grep -c other "$T/said") $(grep -c . "$T/out")" \
		"$(grep -c . "$T/ways") $(($(grep -c . "$T/ways") * 2))" "$name: (all were tried)"
	is "$(poisoned)" "" "$name: none of them leaves anything sealed in the cache"
	sed 's/^/# refused: /' "$T/refused"
done < <(differing)
FORGER=$PY

# --- hash-based -----------------------------------------------------------------------
rm -rf "$work" "$cache" "$evil/__pycache__"
mkdir "$work"
forge "$T/official/pkg/m.py" "$evil/__pycache__/m.$TAG.pyc" hash
with "$me" "$cache" sh -c "cd '$work' && cp -r '$T/evil/proj' ."
is "$(then_runs "$PY" | tr '\n' ' ')" "TRUSTED TRUSTED " \
	"an unchecked hash-based pyc that was unpacked is gone with its directory"

# --- kept, exported -------------------------------------------------------------------
# The archive has the official source and its own bytecode for it. In its own tree, Python uses
# that bytecode; other trees must not get it.
rm -rf "$work" "$cache" "$evil/__pycache__"
mkdir "$work"
cp -p "$T/official/pkg/m.py" "$evil/m.py"
forge "$evil/m.py" "$evil/__pycache__/m.$TAG.pyc"
(cd "$T/evil" && tar -cf "$T/evil.tar" proj)
with "$me" "$cache" tar -C "$work" -xf "$T/evil.tar"
is "$(with "$me" "$cache" "$PY" -c "$(imports "$work/proj/pkg")")" ATTACKER \
	"granted: in the tree of an archive its bytecode runs, as it does with Python alone"
with "$me" "$cache" cp -r "$work/proj" "$work/copy"
with "$me" "$cache" "$PY" -c "$(imports "$work/copy/pkg")" >/dev/null
is "$(poisoned)" "" "bytecode that runs in its own tree gets no seal in the cache"
is "$(with "$me" "$cache" "$PY" -c "$(imports "$T/elsewhere")")" TRUSTED \
	"the same source in another tree does not run the archive's bytecode"
command_of "$me" "$cache" gc >/dev/null 2>&1
command_of "$me" "$cache" verify --repair >/dev/null 2>&1
command_of "$me" "$cache" warm --python "$PY" "$work/proj" "$T/elsewhere" >/dev/null 2>&1
command_of "$me" "$cache" export "$T/all.zst" >"$T/said" 2>&1
rm -rf "$cache"
command_of "$me" "$cache" import "$T/all.zst" >>"$T/said" 2>&1
is "$(poisoned)" "" "export leaves out bytecode that only its own tree may use"
rm -rf "$T/fresh" && cp -r "$T/official" "$T/fresh"
is "$(with "$me" "$cache" "$PY" -c "$(imports "$T/fresh/pkg")")" TRUSTED \
	"bytecode that was exported and imported runs only the code of its source"
# --- a forged identity ----------------------------------------------------------------
# In namespaces of his own, the attacker mounts a FUSE that shows the inode, size and times of
# root's new source, and over it an overlay, into which the kernel lets root look. Root's sources
# are on an overlay, too, and all of them count as one file system. Root runs the attacker's
# tree, and puts its own in the place of that.
overlaid() { # whether the attacker's code is in the cache, and what runs
	local o=$T/overlaid seen
	mount -t tmpfs none "$o" && mkdir "$o"/{l,u,w,m} && mknod -m 666 "$o/fuse" c 10 229 &&
		mount -t overlay -o "lowerdir=$o/l,upperdir=$o/u,workdir=$o/w" none "$o/m" &&
		mkdir "$o"/m/{new,app} && chown "$ATTACKER" "$o/m/app" || exit
	echo 'print("TRUSTED")' >"$o/m/new/m.py"
	echo 'print("EVIL!!!")' >"$o/text"
	as "$ATTACKER" FUSE="$o/fuse" unshare -Urm sh -c 'mount -t tmpfs none /mnt && mkdir /mnt/f /mnt/u /mnt/w /mnt/o &&
		echo $$ >"$1" && shift && exec "$@" >/mnt/said' - "$o/m/app/pid" "$PY" -B \
		"$HERE/tests/trust/fuse.py" /mnt/f 0 "$o/m/new/m.py" "$o/text" &
	await test -s "$o/m/app/pid" || exit
	pid=$(cat "$o/m/app/pid") seen=/proc/$pid/root/mnt
	trap 'kill "$pid"' EXIT
	await grep -qs mounted "$seen/said" || exit
	nsenter -t "$pid" -U -m -S 0 -G 0 mount -t overlay -o lowerdir=/mnt/f,upperdir=/mnt/u,workdir=/mnt/w,userxattr none /mnt/o
	as "$ATTACKER" ln -s "$seen/o/m.py" "$o/m/app/m.py"
	[ "$(stat -Lc '%i %s %.9Y %.9Z' "$o/m/app/m.py")" = "$(stat -c '%i %s %.9Y %.9Z' "$o/m/new/m.py")" ] || exit
	with 0 "$o/cache" "$PY" -c "$(imports "$o/m/app")" >/dev/null # compilers do not follow the link
	echo "in the cache: $(grep -rlF 'EVIL!!!' "$o/cache" | grep -c .)"
	mv "$o/m/app" "$o/m/old" && mv "$o/m/new" "$o/m/app"
	with 0 "$o/cache" "$PY" -c "$(imports "$o/m/app")"
}
what="bytecode of a file with the inode, size and times of root's source is not served for that source"
if [ "$me" = 0 ] && type -P setpriv nsenter >/dev/null; then
	export -f overlaid as with command_of await imports
	export T SO PYCSTASH PY HERE ATTACKER
	mkdir "$T/overlaid"
	unshare -m bash -c overlaid >"$T/said" 2>"$T/failed"
fi
if grep -qs '^in the cache' "$T/said"; then
	is "$(grep -A1 '^in the cache' "$T/said" | tr '\n' ' ')" "in the cache: 1 TRUSTED " "$what"
else
	skip "$what" "this needs root, FUSE and overlays in user namespaces"
fi
done_testing
