#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Everything that Python alone keeps is kept: bytecode that cannot be proven goes where Python
# alone would find it. Bytecode that is served is not written again at each start.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

# How many modules of $T/src each of two starts compiles, with and without the library.
cat >"$T/counted.py" <<'END'
import importlib._bootstrap_external as be, sys
compiled, old = [], be.SourceLoader.source_to_code
def source_to_code(self, data, path, *args, **kwargs):
    compiled.append(path)
    return old(self, data, path, *args, **kwargs)
be.SourceLoader.source_to_code = source_to_code
exec(open(sys.argv[2]).read())
print(sum(str(path).startswith(sys.argv[1]) for path in compiled))
END
sources() { rm -rf "$T/src" "$CACHE" && mkdir "$T/src" && echo 'x = 1' >"$T/src/m.py" && ${prepare:-true}; }
starts() { # PROGRAM [COMMAND…]: what two starts compile
	"${@:2}" "$python" "$T/counted.py" "$T/src" "$1"
	"${@:2}" "$python" "$T/counted.py" "$T/src" "$1"
}
as_bare() { # SENTENCE PROGRAM COMMAND…
	local bare
	sources
	bare=$(starts "$T/program-$2" env 2>"$T/err" | xargs)
	sources
	is "$(starts "$T/program-$2" preloaded "${@:3}" 2>>"$T/err" | xargs)" "${bare:-an error: $(cat "$T/err")}" "$name: $1"
}

# --- loaders --------------------------------------------------------------------------
cat >"$T/program-import.py" <<'END'
sys.path.insert(0, sys.argv[1])
import m
END
cat >"$T/program-imp.py" <<'END'
import warnings; warnings.simplefilter("ignore")
import imp
f, p, d = imp.find_module("m", [sys.argv[1]])
with f: imp.load_module("m", f, p, d)
END
cat >"$T/program-linecache.py" <<'END'
import linecache
linecache.getlines(sys.argv[1] + "/m.py")
sys.path.insert(0, sys.argv[1])
import m
END
loader() { # NAME BODY: a program whose loader has that body
	{ echo 'import importlib.machinery, importlib.util, os'
	echo 'class L(importlib.machinery.SourceFileLoader):'
	echo "$2"
	echo 'sys.path_hooks.insert(0, importlib.machinery.FileFinder.path_hook((L, [".py"])))'
	echo 'sys.path.insert(0, sys.argv[1]); import m'; } >"$T/program-$1.py"
}
loader text '    def __init__(self, name, path):
        super().__init__(name, path)
        with open(path, "rb") as f: self.text = f.read()
    def get_data(self, path): return self.text if path == self.path else super().get_data(path)'
loader other '    def path_stats(self, path): return {"mtime": 1234567890, "size": None}'
loader zero '    def path_stats(self, path): return {"mtime": 0, "size": 5}'
loader beside '    def get_data(self, path):
        if path != self.path: return super().get_data(path)
        fd = os.open(os.path.dirname(path), os.O_RDONLY)
        with open(os.open("m.py", os.O_RDONLY, dir_fd=fd), "rb") as f: return f.read()'
loader edited '    def path_stats(self, path):
        ret = super().path_stats(path)
        with open(path, "a") as f: f.write("# longer\n")
        os.utime(path, (os.path.getsize(path),) * 2)
        return ret'
loaders() {
	local future=2100-01-01
	"$python" -c 'import sys; sys.exit(sys.maxsize < 2**32)' || future=2037-01-01 # i386 has no later times
	as_bare "a module that is imported" import.py
	as_bare "a module whose source was printed before" linecache.py
	"$python" -W ignore -c 'import imp' 2>/dev/null && as_bare "a module that is loaded with imp" imp.py
	as_bare "a loader that has read the source before it looks for bytecode" text.py
	as_bare "a loader that makes up the source's time" other.py
	as_bare "a loader that makes up the source's time and size" zero.py
	as_bare "a loader that reads the source by its directory" beside.py
	prepare="touch -d $future $T/src/m.py" as_bare "a source with a time in the future" import.py
}

# Bytecode of a source that was edited just then would have the earlier time in its header,
# which the next edit may restore.
edited() {
	sources
	starts "$T/program-edited.py" preloaded PYCSTASH_LOG="$T/log" >"$T/out" 2>&1
	is "$(xargs <"$T/out") $(grep -c 'source changed while compiling' "$T/log") $(find "$T/src" -name '*.pyc')" "1 1 2 " \
		"$name: bytecode of a source that is edited during the import is not left in the tree"
	rm "$T/log"
}

# Nothing in the tree keeps the cache from serving.
obstacles() {
	local what
	for what in "ln -s __pycache__ $T/src/__pycache__" "install -d -m 0 $T/src/__pycache__"; do
		prepare=$what sources
		is "$(starts "$T/program-import.py" preloaded 2>&1 | xargs)" "1 0" "$name: compiled once after ${what%% "$T"*}"
	done
}

# --- sandboxes ------------------------------------------------------------------------
cat >"$T/deny.py" <<'END'
# deny.py ERROR NUMBER,… COMMAND…: those system calls fail with that error, on x86-64
import ctypes, os, struct, sys
ins = lambda code, k, yes=0, no=0: struct.pack("=HBBI", code, yes, no, k)
program = ins(0x20, 0)
for number in sys.argv[2].split(","):
    program += ins(0x15, int(number), 0, 1) + ins(6, 0x50000 | int(sys.argv[1]))
program += ins(6, 0x7FFF0000)
text = ctypes.create_string_buffer(program, len(program))
class Program(ctypes.Structure): _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, ctypes.byref(Program(len(program) // 8, ctypes.addressof(text))), 0, 0): sys.exit(77)
os.execvp(sys.argv[3], sys.argv[3:])
END
sandboxes() {
	local call error
	if [ "$(uname -m)" != x86_64 ] || ! /usr/bin/python3 "$T/deny.py" 1 437 true 2>/dev/null; then
		skip "$name: a sandbox" "system calls cannot be refused here"
		return
	fi
	for call in statfs:137,138 utimensat:280 clock_gettime:228 openat2:437 statx:332 renameat2:316 link:86,265 \
		xattr:188,190,191,193 pwrite:18 readlink:89,267 chmod:90,91,268 \
		statfs,clock_gettime:137,138,228 mkdirat:258 \
		all-that-is-ours:137,138,228,280,437,332,316,265,190,193,258 \
		all-that-is-relative-to-directories:258,263,264,265,267,268,269,280,316,332,437,439; do
		for error in 1 38; do
			sources
			is "$(for _ in 1 2; do LD_PRELOAD='' /usr/bin/python3 "$T/deny.py" $error "${call#*:}" env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" \
				"$python" "$T/counted.py" "$T/src" "$T/program-import.py"; done 2>&1 | xargs)" "1 0" \
				"$name: if a sandbox refuses ${call%:*} (error $error), modules are compiled once"
		done
	done
}

# --- sources whose identity moves -----------------------------------------------------
written() { # COMMAND…: how many entries are other files after it, and what it has compiled
	find "$CACHE" -path '*/tree/*.pyc' -printf '%p %i %T@\n' | sort >"$T/before"
	"$@" >"$T/out" 2>&1 || cat "$T/out"
	find "$CACHE" -path '*/tree/*.pyc' -printf '%p %i %T@\n' | sort | comm -13 "$T/before" - | wc -l
}
runs() { logged "$python" -c "import sys; sys.path.insert(0, sys.argv[1]); import pkg.a, pkg.b; print(pkg.a.x + pkg.b.x)" "$1"; }
logged() { preloaded PYCSTASH_LOG="$T/log" "$@"; }
packages() { mkdir -p "$1/pkg" && : >"$1/pkg/__init__.py" && echo 'x = 1' >"$1/pkg/a.py" && echo 'x = 2' >"$1/pkg/b.py"; }
environments() {
	rm -rf "$CACHE" "$T"/{store,a,b,c}
	packages "$T/store"
	mkdir "$T/a" && cp -rl "$T/store/pkg" "$T/a/"
	runs "$T/a" >/dev/null
	is "$(written runs "$T/a")" 0 "$name: a warm start of an environment of hard links writes nothing"
	mkdir "$T/b" && cp -rl "$T/store/pkg" "$T/b/"
	is "$(written runs "$T/a") $(cat "$T/out")" "0 3" "$name: a start writes nothing after another environment was created"
	rm -rf "$T/b"
	is "$(written runs "$T/a") $(cat "$T/out")" "0 3" "$name: a start writes nothing after another environment was deleted"
	# An edit through another hard link, with the time put back, is noticed.
	echo 'x = 9' >"$T/store/pkg/b.py"
	touch -r "$T/store/pkg/a.py" "$T/store/pkg/b.py"
	runs "$T/a" >"$T/out" 2>&1
	is "$(cat "$T/out")" 10 "$name: an edit through another hard link is noticed, even if the time is put back"
	find "$CACHE" -name '*.pyc' -exec touch -m -d '2 days ago' {} +
	: >"$T/log"
	mkdir "$T/c" && cp -rl "$T/store/pkg" "$T/c/"
	runs "$T/a" >/dev/null
	is "$(grep -c "re-sealed" "$T/log")" 3 "$name: entries are re-sealed if that was not done for a day"
	is "$(written runs "$T/a")" 0 "$name: a start writes nothing after entries were re-sealed"
	rm -rf "$T/a" && mkdir "$T/a" && cp -rl "$T/store/pkg" "$T/a/"
	is "$(written runs "$T/a") $(cat "$T/out")" "0 10" "$name: nothing is written for an environment of the same files that is made anew"
	echo 'x = 7' >"$T/store/pkg/b.py"
	touch -r "$T/store/pkg/a.py" "$T/store/pkg/b.py"
	runs "$T/a" >"$T/out" 2>&1
	is "$(cat "$T/out")" 8 "$name: such an edit is noticed by an environment that was made anew, too"
}
# Two hosts, which see a tree on file systems of their own, share a cache.
hosts() {
	if ! unshare -m true 2>/dev/null; then
		skip "$name: two hosts with one cache" "nothing can be mounted here"
		return
	fi
	rm -rf "$CACHE" "$T"/{one,two,tree}
	mkdir "$T"/{one,two,tree}
	unshare -m bash -s - "$T" "$SO" "$python" >"$T/out" 2>&1 <<'END'
mount -t tmpfs none "$1/one" && mount -t tmpfs none "$1/two" || exit
mkdir "$1/one/pkg" && for m in __init__ a b; do echo 'x = 1' >"$1/one/pkg/$m.py"; done
cp -rp "$1/one/pkg" "$1/two/"
host() {
	mount --bind "$1/$4" "$1/tree"
	LD_PRELOAD=$2 PYCSTASH_DIR=$1/cache PYCSTASH_LOG=$1/log.$4 "$3" -c 'import sys
sys.path.insert(0, sys.argv[1]); import pkg.a, pkg.b' "$1/tree"
	umount "$1/tree"
}
host "$@" one; host "$@" two; rm "$1"/log.*
touch "$1/stamp"; sleep 0.05
host "$@" one; host "$@" two; host "$@" one
END
	is "$(cat "$T/out")$(cat "$T"/log.* | grep -cE "(miss|re-sealed|write).*$T/tree") $(find "$CACHE" -name '*.pyc' -newer "$T/stamp" | wc -l)" "0 0" \
		"$name: warm starts of two hosts in turn write nothing"
	is "$(cat "$T"/log.* | grep -c "hit: $T/tree")" 9 "$name: two hosts with one cache are both served"
}
# --- a source that is too large -------------------------------------------------------
beside_a_large_one() {
	rm -rf "$CACHE" "$T/src" && mkdir "$T/src" && echo 'x = 1' >"$T/src/a.py"
	{ echo 'x = 2 #' && head -c 34000000 /dev/zero | tr '\0' '#'; } >"$T/src/large.py"
	for _ in 1 2; do
		: >"$T/log"
		logged /usr/bin/python3 -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import a, large; print(a.x + large.x)' "$T/src"
	done >"$T/out" 2>&1
	is "$(xargs <"$T/out") $(find "$T/src" -name '*.pyc' | wc -l) $(grep -c 'hit: .*/src/__pycache__/a\.' "$T/log")" "3 3 1 1" \
		"a source of more than 32 MiB leaves the entries beside its bytecode in the cache"
}
for python in $(differing); do
	# shellcheck disable=SC2254 # a pattern
	case $python in ${ONLY:-*}) ;; *) continue ;; esac
	name=$(named "$python")
	loaders
	edited
	obstacles
	environments
	hosts
	[ "$python" = "$(differing | head -1)" ] && sandboxes
done
beside_a_large_one
done_testing
