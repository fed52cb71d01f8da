#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Bytecode that an explicit compiler creates for other users is where they find it, beside the
# sources. Bytecode that a program imports, or that users compile for themselves, is in the
# cache.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
# sources DIR: two modules
sources() { mkdir -p "$1/pkg" && echo 'a = 1' >"$1/m.py" && echo 'b = 2' >"$1/pkg/n.py"; }
# pycs DIR: how many there are, in the tree and in the cache
pycs() { echo "$(find "$1" -name '*.pyc' | wc -l) $(entries | grep -c "/tree$1/.*\.pyc$")"; }
compileall() { preloaded "$python" -m compileall -q "$@"; }
# compiles WANT SENTENCE COMMAND…: runs the command on fresh sources; WANT is the result of pycs
compiles() {
	rm -rf "$T/src" "$CACHE"
	sources "$T/src"
	${prepare:-true}
	"${@:3}" >"$T/out" 2>&1 || not_ok "$name: no error: $2" "$(cat "$T/out")"
	is "$(pycs "$T/src")" "$1" "$name: $2"
}
py_compile() { preloaded "$python" -c "import py_compile, sys; [py_compile.compile(f) for f in sys.argv[1:]]" "$@"; }
imports() { preloaded "$python" -c "import sys; sys.path.insert(0, '$T/src'); $1"; }
looking='import importlib.util as u, os; os.path.exists(u.cache_from_source("'$T'/src/m.py")); import m, pkg.n'
# The interpreter of `pycstash warm` looks again if the cache was purged under its hands.
cat >"$T/again.py" <<-'END'
	import os, sys
	from importlib.machinery import SourceFileLoader
	class Loader(SourceFileLoader):
	    def get_data(self, path):
	        if path == self.path:
	            return SourceFileLoader.get_data(self, path)
	        raise OSError(*(os.path.exists(path) for _ in range(2)))
	    def set_data(self, path, data, _mode=0o666):
	        os.path.isdir(os.path.dirname(path)) or os.mkdir(os.path.dirname(path))
	        fd = os.open(path + ".0123", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
	        os.write(fd, data)
	        os.rename(path + ".0123", path)
	for path in sys.argv[1:]:
	    Loader("m", path).get_code("m")
END
copied() { # Its content is known, so that the cache makes the folders by itself.
	cp -rp "$T/src" "$T/copy"
	imports "sys.path[0] = '$T/copy'; import m, pkg.n" && imports 'import m, pkg.n'
	rm -rf "$T/copy"
	touch -d @1600000000 "$T/src/m.py" "$T/src/pkg/n.py"
}
target() { # as pip install --target
	mkdir -m 700 "$T/pip-target-a1b2" && cp -r "$T/src/." "$T/pip-target-a1b2" && compileall "$T/pip-target-a1b2" &&
		rm -r "$T/src" && mv "$T/pip-target-a1b2" "$T/src" && chmod 755 "$T/src"
}
shipped() { # as what came with the sources, without a cache
	"$python" -m compileall -q "$T/src" && chmod 700 "$T/src"
}
as_root() {
	compiles "2 0" "what root compiles in a tree that all may read is in the tree" compileall "$T/src"
	is "$(find "$T/src" -name '*.pyc' ! -perm -444 -o -name __pycache__ ! -perm -555)" "" \
		"$name: others may read what root has compiled for them"
	is "$(preloaded "$python" -v -c "import sys; sys.path.insert(0, '$T/src'); import m, pkg.n" 2>&1 | grep -c "^# wrote.*$T")" 0 \
		"$name: root itself uses what it has compiled for others"
	compiles "2 0" "what root compiles with py_compile in a tree that all may read is in the tree" py_compile "$T/src/m.py" "$T/src/pkg/n.py"
	compiles "2 0" "what root compiles again in a tree that all may read is in the tree" compileall -f "$T/src"
	compiles "0 2" "what root warms is in the cache" env PYCSTASH_DIR="$CACHE" "$PYCSTASH" warm -q --python "$python" "$T/src"
	compiles "0 2" "what root warms is in the cache, even if it was looked for twice" preloaded "$python" "$T/again.py" "$T/src/m.py" "$T/src/pkg/n.py"
	prepare=copied compiles "2 0" "what root compiles in a tree that all may read is in the tree, even if the cache has entries for it" compileall "$T/src"
	is "$(find "$T/src" -name '*.pyc' ! -perm -444 -o -name __pycache__ ! -perm -555)" "" \
		"$name: others may read what root has compiled, even if the cache had entries for it"
	prepare=shipped compiles "2 0" "what is compiled again replaces what came with the sources" compileall -f "$T/src"
	compiles "0 2" "what root imports is in the cache" imports 'import m, pkg.n'
	compiles "0 2" "what root imports after it has looked for bytecode is in the cache" imports "$looking"
	prepare="chmod 700 $T/src" compiles "0 2" "what root compiles below a folder that is closed to others is in the cache" compileall "$T/src"
	compiles "2 0" "what root compiles in a private directory that pip moves is in the tree" target
	prepare="chmod 600 $T/src/m.py" compiles "1 1" "what root compiles of a source that others may not read is in the cache" compileall "$T/src"
	prepare="chown -R 65534 $T/src" compiles "2 0" "what root compiles in a user's tree is in the tree" compileall "$T/src"
	prepare="chmod 750 $T/src" compiles "0 2" "what root compiles in a tree that only root's group may read is in the cache" compileall "$T/src"
	prepare="chgrp -R 65534 $T/src" compiles "2 0" "what root compiles in a tree of another group is in the tree" compileall "$T/src"
	if unshare -m true 2>/dev/null; then
		compiles "0 2" "what root compiles in a tree that is read-only is in the cache" unshare -m bash -c '
			mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" &&
			exec env LD_PRELOAD="$2" PYCSTASH_DIR="$3" "$4" -m compileall -q "$1"' - "$T/src" "$SO" "$CACHE" "$python"
	else
		skip "$name: a read-only tree" "nothing can be mounted here"
	fi
}
as_a_user() {
	local bare=$CACHE
	as_user env "$python" -c '' 2>/dev/null || {
		skip "$name: an ordinary user" "none can run it"
		return
	}
	cp "$SO" "$T/so" && chmod 755 "$T/so"
	CACHE=$T/theirs/cache
	user() { as_user env LD_PRELOAD="$T/so" PYCSTASH_DIR="$CACHE" "$python" -m compileall -q "$@"; }
	theirs() { rm -rf "$T/theirs" && install -d -m 1777 "$T/theirs"; }
	theirs; prepare="chown -R 65534:65534 $T/src" compiles "0 2" "what a user compiles in his own tree is in the cache" user "$T/src"
	theirs; prepare="chmod -R a+rwX $T/src" compiles "2 0" "what a user compiles in another's tree is in the tree" user "$T/src"
	theirs; compiles "0 2" "what a user compiles in another's tree that is closed to him is in the cache" user "$T/src"
	CACHE=$bare
}
for python in $(differing); do
	# shellcheck disable=SC2254 # a pattern
	case $python in ${ONLY:-*}) ;; *) continue ;; esac
	name=$(named "$python")
	if [ "$(id -u)" = 0 ]; then
		as_root
		as_a_user
	else
		compiles "0 2" "what a user compiles in his own tree is in the cache" compileall "$T/src"
	fi
	# It is not known which program will read it.
	rm -rf "$T/src" "$CACHE"
	sources "$T/src"
	preloaded "$python" -c "import py_compile; py_compile.compile('$T/src/m.py', '$T/src/__pycache__/m.pyc')"
	is "$(pycs "$T/src")" "1 0" "$name: a pyc without a tag in its name is in the tree"
	preloaded "$python" -c "import os, shutil; shutil.copy('$T/src/__pycache__/m.pyc', '$T/src/pkg/__pycache__.pyc')
os.mkdir('$T/src/pkg/__pycache__'); os.rename('$T/src/pkg/__pycache__.pyc', '$T/src/pkg/__pycache__/n.pyc')"
	is "$(pycs "$T/src")" "2 0" "$name: a pyc without a tag that is renamed is in the tree"
done
done_testing
