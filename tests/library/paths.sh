#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Places where sources can be: odd names, long names, links, relative paths, a changed root.
#
# Takes 50 s.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

# Compilations are counted by path here: content that another path has left would hide them.
export PYCSTASH_SHARE=0

# starts SENTENCE COMPILED LOADED ARG…
starts() {
	served "$python" "${@:4}"
	is "$(seen)" "six, $2 compiled, $3 loaded, status 0" "$1 on $name"
}

odd_names() {
	local odd number=0
	for odd in 'with space' $'new\nline' $'latin-\xe9' 'a__pycache__b' '__pycache__x' \
		'.hidden' $'"a\\b%s\x01"' 'x.pyc'; do
		sources "$T/$((number += 1))"
		rm -rf "$T/odd"
		mkdir "$T/odd"
		mv "$tree" "$T/odd/$odd"
		tree=$T/odd/$odd
		remember
		watched preloaded "$python" -v "$tree/app.py"
		is "$said, $(wrote)" "six, 3" "a directory called $(printf %q "$odd") works on $name"
		is "$(find "$CACHE/v1/$tag/tree$tree" -name "*.$tag.pyc" -printf x)" xxxxx \
			"a source with an awkward name is cached under that name on $name"
		watched preloaded "$python" -v "$tree/app.py"
		is "$said, $(wrote)" "six, 0" "the second start from a directory with an awkward name compiles nothing on $name"
		untouched "a tree with an awkward name is unchanged on $name"
	done
}

wrote() { grep -acE '^# created .*(alpha|beta|leaf)' "$T/.err"; }

long_names() {
	local stem extra=$((17 + ${#tag} + 5)) length long
	sources "$T/long"
	# The longest module that Python can cache: its temporary name fills NAME_MAX.
	for length in 200 $((255 - extra)) 240 252; do
		stem=$(printf "%0${length}d" 0 | tr 0 m)
		echo 'V = 6' >"$tree/$stem.py"
		for _ in 1 2; do
			preloaded "$python" -c "import sys; sys.path.insert(0, '$tree')
import $stem as m; print(m.V)" >"$T/.out" 2>&1
		done
		is "$(cat "$T/.out")" 6 "a module name of $length bytes works on $name"
		served "$python" -c "import sys; sys.path.insert(0, '$tree'); import $stem as m; print('six')"
		is "$compiled, $(find "$tree" -name '*.pyc' | wc -l)" "$(
			"$python" -v -c "import sys; sys.path.insert(0, '$tree'); import $stem" 2>/dev/null
			find "$tree" -name "$stem*.pyc" | grep -q . && echo 0 || echo 1
		), 0" "a long path is cached exactly if Python itself could cache it ($length) on $name"
		find "$tree" -name __pycache__ -exec rm -r {} +
	done
	# Paths that are too long for the cache, though not for Python.
	for long in 1000 3700 3950 4000; do
		mkdir -p "$T/deep"
		if ! long_tree $long; then
			skip "a path of $long bytes works on $name" "it cannot be made here"
			continue
		fi
		(cd "$T/deep" && find . -name app.py >/dev/null)
		for _ in 1 2; do
			served "$python" -c "import sys; sys.path.insert(0, '$tree'); import alpha; print('six')"
		done
		is "$said, $status" "six, 0" "a path of $long bytes works on $name"
		rm -rf "$T/deep"
	done
}

long_tree() { # a tree whose path has so many letters
	local dir=$T/deep part left
	while left=$(($1 - ${#dir})) && [ $left -gt 1 ]; do
		[ $left -gt 200 ] && left=200
		part=$(printf "%0$((left - 1))d" 0 | tr 0 d)
		dir=$dir/$part
	done
	mkdir -p "$dir" 2>/dev/null || return
	tree=$dir
	echo 'def one(): return 1' >"$tree/alpha.py" 2>/dev/null
}

links() {
	sources "$T/linked"
	ln -s "$tree" "$T/link"
	ln -s linked "$T/relative"
	mkdir "$T/aside"
	ln -s "$tree/pkg" "$T/aside/pkg"
	ln -s "$tree/alpha.py" "$T/aside/alpha.py"
	served "$python" "$tree/app.py"
	is "$compiled, $(cached)" "5, 5" "a tree is compiled on $name"
	local real=$tree
	tree=$T/link
	starts "the same tree is not compiled again through a link" 0 5 -c "import sys; sys.path.insert(0, '$tree')
exec(open('$tree/app.py').read())"
	tree=$T/relative
	starts "the same tree is not compiled again through a relative link" 0 5 -c "import sys; sys.path.insert(0, '$tree')
exec(open('$tree/app.py').read())"
	tree=$real
	is "$(cached), $(entries | grep -cE '/tree/.*/(link|relative)/')" "5, 0" \
		"one __pycache__ with several names has one entry a module on $name"
	tree=$T/aside
	# pkg is a link to a directory, alpha a link to a file, whose __pycache__ is beside the link.
	starts "a tree made of links" 1 4 -c "import sys; sys.path.insert(0, '$tree')
exec(open('$real/app.py').read())"
	is "$(cached)" 1 "a linked file is cached beside the link on $name"
	tree=$real
	untouched "the tree to which the links lead is unchanged on $name"
	# current -> release-1, then release-2
	sources "$T/release-2"
	echo 'THREE = 30' >"$tree/pkg/deep/leaf.py"
	sources "$T/release-1"
	tree=$T/current
	ln -sfn release-1 "$tree"
	starts "the first release runs" 5 0 "-c" "import sys; sys.path.insert(0, '$tree')
exec(open('$tree/app.py').read())"
	ln -sfn release-2 "$tree"
	served "$python" -c "import sys; sys.path.insert(0, '$tree')
exec(open('$tree/app.py').read())"
	is "$(seen)" "False, 5 compiled, 0 loaded, status 0" \
		"a link that is changed leads to the other release's entries on $name"
	ln -sfn release-1 "$tree"
	starts "a link that is changed back leads to the first release's entries" 0 5 "-c" "import sys; sys.path.insert(0, '$tree')
exec(open('$tree/app.py').read())"
}

relative() {
	sources "$T/relatives"
	local real=$tree there
	rm -rf "$CACHE"
	cd "$real" || return
	tree='\.' # as -v spells it
	[ "$("$python" -c 'import sys; sys.path.insert(0, "."); import alpha; print(alpha.__file__[0])')" = / ] && tree=$real
	find "$real" -name __pycache__ -exec rm -r {} +
	find "$real" -type d -exec touch -d @1600000000 {} +
	there="import sys; sys.path.insert(0, '.'); exec(open('app.py').read())"
	served "$python" -c "$there"
	is "$said, $compiled compiled" "six, 5 compiled" "a relative entry of sys.path works on $name"
	served "$python" -c "$there"
	is "$said, $compiled compiled" "six, 0 compiled" "the second start from a relative path compiles nothing on $name"
	tree=$real
	is "$(cached)" 5 "entries of a relative path have absolute names on $name"
	# Another directory of the same relative name must not be taken for it.
	sources "$T/second"
	echo 'THREE = 5' >"$tree/pkg/deep/leaf.py"
	touch -d @1600000000 "$tree/pkg/deep/leaf.py"
	cat >"$T/walk.py" <<'END'
import importlib, os, sys
sys.path.insert(0, ".")
for directory in sys.argv[1:]:
    os.chdir(directory)
    importlib.invalidate_caches()
    sys.path_importer_cache.clear()
    for name in "pkg.deep.leaf", "pkg.deep", "pkg.beta", "pkg", "alpha":
        sys.modules.pop(name, None)
    import pkg.deep.leaf
    print(pkg.deep.leaf.THREE, end=" ")
END
	preloaded "$python" "$T/walk.py" "$real" "$tree" "$real" "$tree" >"$T/.out" 2>&1
	preloaded "$python" "$T/walk.py" "$tree" "$real" "$tree" "$real" >>"$T/.out" 2>&1
	is "$(cat "$T/.out")" "3 5 3 5 5 3 5 3 " \
		"a process that changes its directory runs the code of each directory on $name"
	is "$(cached)" 4 "two directories with the same relative name have entries of their own on $name"
	tree=$real
	untouched "imports by relative names leave the tree unchanged on $name"
	cd / || return
	is "$(preloaded "$python" -m compileall -q "$real" && cached)" 7 "compileall with absolute names finds the same entries on $name"
}

# After chroot, paths lead to other files, so the library leaves them alone, and Python works.
chrooted() {
	if [ "$(id -u)" != 0 ] || ! at_least "$python" 3 6; then
		skip "after chroot Python works as without the library on $name" "only root may do that"
		return
	fi
	mkdir "$T/jail"
	echo 'WHERE = __file__' >"$T/jail/jailed.py"
	preloaded "$python" -c "
import os, sys, encodings.idna, importlib
os.chroot('$T/jail'); os.chdir('/')
sys.path[:] = ['/']
sys.path_importer_cache.clear()
import jailed
print(jailed.WHERE, os.listdir('/__pycache__'))" >"$T/.out" 2>&1
	is "$(cat "$T/.out")" "/jailed.py ['jailed.$tag.pyc']" "after chroot Python writes beside the source on $name"
	is "$(find "$CACHE" -name 'jailed*' | wc -l)" 0 "after chroot the cache gets no entry for the path as seen inside on $name"
}

# Names that stand for another file at the next start.
descriptors() {
	rm -rf "$CACHE"
	cat >"$T/descriptor.py" <<'END'
import importlib.machinery, sys
loader = importlib.machinery.SourceFileLoader("m", "/dev/fd/3")
print(loader.get_code("m").co_name)
END
	preloaded "$python" "$T/descriptor.py" 3<"$tree/pkg/deep/leaf.py" >"$T/.out" 2>&1
	is "$(cat "$T/.out") $(find "$CACHE" -path '*/tree/proc' 2>/dev/null)" "<module> " \
		"a source below /dev/fd leaves nothing in the cache on $name"
}

# What a program does by the descriptor of a __pycache__ that only the cache has, in the directory
# above.
ways_up() {
	local which with
	at_least "$python" 3 6 || return
	cat >"$T/up.py" <<-'END'
		import os, sys
		src = sys.argv[1]
		sys.path.insert(0, src)
		import m
		calls = {
		    "stat": lambda fd: os.stat("../m.py", dir_fd=fd).st_size,
		    "the directory": lambda fd: os.path.samestat(os.stat("..", dir_fd=fd), os.stat(src)),
		    "access": lambda fd: os.access("../m.py", os.R_OK, dir_fd=fd),
		    "readlink": lambda fd: os.readlink("../link", dir_fd=fd),
		    "chmod": lambda fd: os.chmod("../m.py", 0o600, dir_fd=fd),
		    "utime": lambda fd: os.utime("../m.py", (1, 1), dir_fd=fd),
		    "chown": lambda fd: os.chown("../m.py", os.getuid(), -1, dir_fd=fd),
		    "rename": lambda fd: os.rename("../m.py", "../n.py", src_dir_fd=fd, dst_dir_fd=fd),
		    "open": lambda fd: os.close(os.open("../m.py", os.O_RDONLY, dir_fd=fd)),
		    "unlink": lambda fd: os.unlink("../link", dir_fd=fd),
		}
		call = sorted(calls)[int(sys.argv[2])]
		fd = os.open(src + "/__pycache__", os.O_RDONLY)
		try:
		    print(call, calls[call](fd), sorted(set(os.listdir(src)) - {"__pycache__"}))
		except (OSError, NotImplementedError) as error:
		    print(call, error)
	END
	rm -rf "$CACHE"
	for which in 0 1 2 3 4 5 6 7 8 9; do
		for with in env preloaded; do
			rm -rf "$T/up" && mkdir "$T/up" && echo 'x = 1' >"$T/up/m.py" && ln -s m.py "$T/up/link"
			$with "$python" "$T/up.py" "$T/up" $which >>"$T/$with.ups" 2>&1
		done
	done
	is "$(grep -c "'m.py'\|'n.py'" "$T/env.ups")" 10 "granted: without the library, all calls go up by the descriptor of a __pycache__ on $name"
	is "$(cat "$T/preloaded.ups")" "$(cat "$T/env.ups")" \
		"by the descriptor of a __pycache__ that only the cache has, calls go up to the tree on $name"
	rm "$T"/*.ups
}

# Python does not use O_DIRECT; backup programs do.
past_the_page_cache() {
	local want
	served "$python" "$tree/app.py"
	want=$(find "$CACHE" -name "leaf.$tag.pyc" -path '*/tree/*' -exec stat -c %s {} +)
	if ! dd if="$tree/app.py" of=/dev/null iflag=direct bs=4096 2>/dev/null; then
		skip "a pyc is read with O_DIRECT on $name" "the file system cannot do that"
		return
	fi
	is "$(preloaded dd if="$tree/pkg/deep/__pycache__/leaf.$tag.pyc" iflag=direct bs=4096 2>/dev/null | wc -c)" \
		"$want" "a pyc is read with O_DIRECT on $name"
}

renamed_away() {
	served "$python" "$tree/app.py"
	preloaded "$python" -c "
import os, shutil, sys
c = sys.argv[1]
os.rename(c, c + '.1')
os.rename(c + '.1', c)
shutil.copy(c, c + '.2')
os.rename(c + '.2', c)
" "$tree/pkg/deep/__pycache__/leaf.$tag.pyc" >"$T/.out" 2>&1
	is "$(cat "$T/.out")" "" "a pyc can be renamed, and copied, in its directory on $name"
	starts "a pyc that was renamed, and copied, is as good as before" 0 5 "$tree/app.py"
}

another_suffix() {
	at_least "$python" 3 6 || return
	rm -rf "$T/hy" && mkdir "$T/hy" && echo 'x = 1' >"$T/hy/m.hy"
	cat >"$T/hy.py" <<-'END'
		import importlib.machinery, sys
		class Loader(importlib.machinery.SourceFileLoader):
		    def source_to_code(self, *given, **options):
		        print("compiled")
		        return super().source_to_code(*given, **options)
		Loader("m", sys.argv[1]).get_code("m")
	END
	is "$(for i in 1 2; do preloaded "$python" "$T/hy.py" "$T/hy/m.hy"; done)" compiled \
		"a source with another suffix is compiled once on $name"
	is "$(ls "$T/hy")" "$(printf '__pycache__\nm.hy')" "the bytecode of a source with another suffix is in the tree on $name"
}

# More slashes before the name of a source are not in the path of its bytecode.
slashes() {
	local path
	at_least "$python" 3 6 || return
	cat >"$T/plug.py" <<-'END'
		import importlib.util, sys
		spec = importlib.util.spec_from_file_location("m", sys.argv[1])
		module = importlib.util.module_from_spec(spec)
		spec.loader.exec_module(module)
		print(module.V)
	END
	for path in plug//m.py plug///m.py /plug//m.py; do
		rm -rf "$CACHE" "$T/plug" && mkdir "$T/plug"
		for number in 1 2; do
			echo "V = $number" >"$T/plug/m.py"
			touch -d @1600000000 "$T/plug/m.py"
			for _ in 1 2; do
				PYCSTASH_LOG=$T/log preloaded "$python" "$T/plug.py" "$T/$path"
			done
		done >"$T/.out" 2>&1
		is "$(xargs <"$T/.out") $(ls "$T/plug")" "1 1 2 2 m.py" \
			"a source whose path has more slashes before its name ($path) is never stale on $name"
		is "$(grep -c "hit: .*/plug/.*/m\.$tag" "$T/log")" 2 "the bytecode of $path is served on $name"
		rm "$T/log"
	done
}

# Sources in the root directory itself: importlib loses their slash, and asks for
# "__pycache__/conf.cpython-311.pyc", as it does for the conf.py of the working directory.
rooted() {
	at_least "$python" 3 6 || return
	if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
		skip "modules in the root directory on $name" "nothing can be mounted here"
		return
	fi
	rm -rf "$CACHE" && mkdir -p "$T/root" "$T/svc" "$T/open"
	unshare -m bash -s - "$T" "$SO" "$python" "$CACHE" >"$T/.out" 2>&1 <<'END'
mount -t tmpfs none "$1/root"
for entry in /*; do
	if [ -L "$entry" ]; then
		cp -P "$entry" "$1/root/"
	elif [ -d "$entry" ]; then
		mkdir "$1/root$entry" && mount --rbind "$entry" "$1/root$entry"
	fi
done
echo 'ROLE = "admin"' >"$1/root/conf.py"
echo 'ROLE = "guest"' >"$1/svc/conf.py"
touch -d @1600000000 "$1/root/conf.py" "$1/svc/conf.py"
chmod 555 "$1/svc"
run() { # WORKING-DIRECTORY CODE
	LD_PRELOAD=$so PYCSTASH_DIR=$cache PYCSTASH_LOG=$t/root.log setpriv --inh-caps=-all --bounding-set=-dac_override,-dac_read_search \
		chroot "$t/root" /bin/sh -c 'cd "$1" && exec "$2" -S -c "$3"' sh "$1" "$python" "import sys; sys.path[0] = '/'; $2"
	cat "$t/root.log" >>"$t/root.logs"
	rm "$t/root.log"
}
t=$1 so=$2 python=$3 cache=$4
role='import conf; print(conf.ROLE)'
echo "== beside"
run "$t/svc" "sys.path[0] = '$t/svc'; $role"
run "$t/svc" "$role"
run "$t/svc" "$role"
run "$t/svc" "sys.path[0] = '$t/svc'; $role"
echo "== hook"
run "$t/svc" "import os; hasattr(sys, 'addaudithook') and sys.addaudithook(lambda *a: os.stat('/etc')); $role"
echo "== bare"
run "$t/svc" "import importlib.machinery as m; print(m.SourceFileLoader('conf', 'conf.py').load_module().ROLE)"
grep -c 'hit: __pycache__/conf' "$t/root.logs"
echo "== root"
rm "$t/root.logs"
for role in one two; do
	echo "ROLE = '$role'" >"$t/root/conf.py"
	touch -d @1600000000 "$t/root/conf.py"
	run / "import conf; print(conf.ROLE)"
	run / "import conf; print(conf.ROLE)"
done
grep -c 'hit: __pycache__/conf' "$t/root.logs"
ls "$t/root" | grep pycache
echo "== open"
chmod 755 "$t/svc"
run "$t/open" "import conf; print(conf.ROLE)"
ls "$t/open/__pycache__"
END
	said() { sed -n "/^== $1/,/^==/p" "$T/.out" | grep -v == | xargs; }
	is "$(said beside)" "guest admin admin guest" \
		"a module in the root directory never runs the code of one in the working directory on $name"
	is "$(said hook)" "admin" \
		"a module in the root directory runs its own code after a hook has looked at other files on $name"
	is "$(said bare)" "guest 1" "a module by its bare name is served from the working directory on $name"
	is "$(said root)" "one one two two 2" \
		"a module in the root directory is cached if that is the working directory on $name"
	is "$(said open)" "two conf.$tag.pyc" \
		"a module in the root directory has its bytecode in the working directory, as without the library, on $name"
	rm -rf "$T"/{root.logs,svc,open}
}

all() {
	slashes
	rooted
	another_suffix
	odd_names
	long_names
	links
	relative
	chrooted
	descriptors
	ways_up
	past_the_page_cache
	renamed_away
}
some all
done_testing
