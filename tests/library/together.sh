#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Concurrent processes, threads and forks on a cold tree, and children with and without the
# library.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

# Compilations are counted by path here: content that another path has left would hide them.
export PYCSTASH_SHARE=0

racing() {
	local round answers=""
	for round in 1 2 3; do
		rm -rf "$CACHE"
		for _ in 1 2 3 4 5 6; do
			preloaded "$python" "$tree/app.py" >>"$T/race" 2>&1 &
		done
		wait
		served "$python" "$tree/app.py"
		answers="$answers$round:$said:$compiled:$(cached) "
	done
	is "$answers" "1:six:0:5 2:six:0:5 3:six:0:5 " "six processes on a cold tree leave a whole cache on $name"
	is "$(sort "$T/race" | uniq -c | xargs)" "18 six" "each of six processes that start at once works on $name"
	is "$(find "$CACHE" -name '*.pyc.*' | wc -l)" 0 "processes that race leave no temporary files on $name"
	# One process edits while others run; none may see an incomplete file.
	for round in 1 2 3 4 5 6; do
		echo "THREE = 3 # $round" >"$tree/pkg/deep/leaf.py.new"
		mv "$tree/pkg/deep/leaf.py.new" "$tree/pkg/deep/leaf.py"
		preloaded "$python" "$tree/app.py" >>"$T/edit" 2>&1 &
		[ $((round % 2)) = 0 ] && wait
	done
	wait
	is "$(sort "$T/edit" | uniq -c | xargs)" "6 six" "starting while sources change works on $name"
	remember
	untouched "racing leaves the tree as it was on $name"
}

many_modules() { # in $tree/many, numbered
	mkdir -p "$tree/many"
	: >"$tree/many/__init__.py"
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		printf 'import sys\nV = %d\n' $i >"$tree/many/m$i.py"
	done
	remember
}

threads() {
	many_modules
	cat >"$T/threads.py" <<'END'
import importlib, os, sys, threading
sys.path.insert(0, sys.argv[1])
import many
found = []
def work(first):
    for i in range(12):
        n = (first + i) % 12 + 1
        found.append(importlib.import_module("many.m%d" % n).V == n)
        os.path.exists(sys.modules["many.m%d" % n].__spec__.cached) or found.append(False)
all = [threading.Thread(target=work, args=(i,)) for i in range(6)]
for thread in all: thread.start()
for thread in all: thread.join()
print(len(found), all and set(found))
END
	served "$python" "$T/threads.py" "$tree"
	is "$(seen)" "72 {True}, 13 compiled, 0 loaded, status 0" "threads import a cold tree on $name"
	served "$python" "$T/threads.py" "$tree"
	is "$(seen)" "72 {True}, 0 compiled, 13 loaded, status 0" "threads import a warm tree on $name"
	untouched "threads leave the tree as it was on $name"
}

forks() {
	cat >"$T/forks.py" <<'END'
import importlib, os, sys, threading, time
sys.path.insert(0, sys.argv[1])
import many
stop = False
def busy():  # forking from a process with threads
    n = 0
    while not stop:
        os.path.exists(sys.argv[1] + "/__pycache__/alpha.x-1.pyc")
thread = threading.Thread(target=busy)
thread.start()
children = []
for i in range(1, 13):
    pid = os.fork()
    if pid == 0:
        value = importlib.import_module("many.m%d" % i).V
        cached = os.path.exists(sys.modules["many.m%d" % i].__spec__.cached)
        os._exit(0 if value == i and cached else 1)
    children.append(pid)
good = sum(os.waitpid(pid, 0)[1] == 0 for pid in children)
stop = True
thread.join()
print(good)
END
	rm -rf "$CACHE"
	served "$python" "$T/forks.py" "$tree"
	is "$said, $status" "12, 0" "forked children import a cold tree on $name"
	is "$(cached)" 13 "what forked children have compiled is in the cache on $name"
	served "$python" "$T/forks.py" "$tree"
	is "$said, $compiled compiled" "12, 0 compiled" "forked children import a warm tree on $name"
	untouched "forks leave the tree as it was on $name"
}

children() {
	rm -rf "$CACHE" "$tree"
	sources
	cat >"$T/children.py" <<'END'
import os, subprocess, sys
tree = sys.argv[1]
def run(*args, **kwargs):
    return subprocess.check_output([sys.executable, "-v"] + list(args),
        stderr=subprocess.STDOUT, **kwargs).decode()
def compiled(text):
    return sum("code object from" in line and line.rstrip("'\n").endswith(".py") and tree in line
               for line in text.splitlines())
app = tree + "/app.py"
print(compiled(run(app)), compiled(run(app)), compiled(run(app, close_fds=False)),
      compiled(run(app, cwd="/", start_new_session=True)))
try:
    print(compiled(run("-B", app, env={})))
except subprocess.CalledProcessError as error:
    print(error)
sys.stdout.flush()
print(os.spawnv(os.P_WAIT, sys.executable, [sys.executable, app]),
      os.system('"%s" "%s"' % (sys.executable, app)))
END
	watched preloaded "$python" "$T/children.py" "$tree"
	is "$(echo "$said" | xargs)" "5 0 0 0 5 six six 0 0" \
		"child processes are served, and one with an empty environment works without the cache, on $name"
	untouched "children leave the tree as it was on $name"
	watched preloaded env -i "$python" "$tree/app.py"
	is "$said, $(find "$tree" -name '*.pyc' | wc -l)" "six, 5" \
		"env -i takes the library away: Python writes beside the source on $name"
	find "$tree" -name __pycache__ -exec rm -r {} +
	# Other tools see a clean tree.
	find "$tree" -type d -exec touch -d @1600000000 {} +
	served "$python" -c "import os, subprocess, sys; sys.path.insert(0, '$tree'); import alpha
print(subprocess.check_output(['find', '$tree', '-name', '__pycache__']) == b'' and 'six')"
	is "$said" six "find, started by Python, sees no __pycache__ on $name"
	git -C "$tree" init -q 2>/dev/null
	is "$(preloaded git -C "$tree" status --porcelain -uall | grep -c pyc)" 0 "git sees no __pycache__ on $name"
	is "$(preloaded git -C "$tree" status --porcelain -uall | wc -l)" 7 "git sees the sources on $name"
	is "$(preloaded tar -C "$tree" -c . | tar -t | grep -c pyc)" 0 "tar packs no __pycache__ on $name"
	rm -rf "$tree"
	sources
}

# A tree is deleted, and unpacked again at the same path, while the cache has its bytecode.
unpacked() { # DIRECTORIES VERSION
	local i
	rm -rf "$T/anew" && sleep 0.1
	for ((i = 0; i < $1; i++)); do
		mkdir -p "$T/anew/p$i"
		for m in m n o p; do echo "V = '$m $2'" >"$T/anew/p$i/$m.py"; done
	done
}
compiles() { preloaded "$@" "$python" -c 'import py_compile, sys; py_compile.compile(sys.argv[1], doraise=True)' "$T/anew/p0/m.py"; }
looks() { preloaded LD_PRELOAD="$SO $BUILD/tests/library/libat.so" "$@" "$python" -c 'import os, sys; os.path.isdir(sys.argv[1])' "$T/anew/p0/__pycache__"; }
until_there() { echo "timeout 20 sh -c 'until [ -e \"\$0\" ]; do sleep 0.01; done' '$T/at/$1'"; }
anew() {
	local pid moment round folder said=
	mkdir "$T/at"
	unpacked 1 1 && compiles && unpacked 1 2
	looks AT=remove:/p0/__pycache__ DO="touch '$T/at/begin'; $(until_there retry)" &
	appears "$T/at/begin"
	compiles LD_PRELOAD="$SO $BUILD/tests/library/libat.so" AT=mkdir:2:/p0/__pycache__:after \
		DO="touch '$T/at/retry'; $(until_there done)" >"$T/said" 2>&1 &
	pid=$!
	wait %1 && touch "$T/at/done"
	wait "$pid"
	is "$? $(cat "$T/said") $(entries | grep -c '/anew/.*/m\.')" "0  1" \
		"while a process deletes the __pycache__ of the earlier directory, another one creates its own on $name"
	for moment in : touch; do
		rm -rf "$CACHE"
		unpacked 1 1 && compiles && unpacked 1 2
		folder=$(dirname "$(entries | grep '/anew/.*/m\.')")
		said="$said$(looks AT="remove:m.$tag.pyc" DO="$moment '$folder/n.$tag.pyc.7'; LD_PRELOAD='$SO' '$python' -c 'import os, sys; print(os.path.exists(sys.argv[1]))' '$T/anew/p0/__pycache__/m.$tag.pyc'") "
	done
	is "$said" "False False " \
		"what another process is about to delete of an earlier directory is not found on $name"
	said=
	for moment in open:/p0/__pycache__ open:/p0/__pycache__:after; do
		rm -rf "$CACHE"
		unpacked 1 1 && compiles && unpacked 1 2
		looks AT="$moment" DO="LD_PRELOAD='$SO' '$python' -m py_compile '$T/anew/p0/m.py'"
		said="$said$(entries | grep -c '/anew/.*/m\.') "
	done
	is "$said" "1 1 " "a process that has found an earlier directory's __pycache__ deletes no new one on $name"
	rm -rf "$T/at" "$CACHE"
	"$python" -m compileall -h 2>/dev/null | grep -q -- '-j' || return
	for round in 1 2 3; do
		unpacked 40 "$round"
		preloaded "$python" -m compileall -q -j4 "$T/anew" >"$T/said" 2>&1 || cat "$T/said"
	done >"$T/failed"
	is "$(head -3 "$T/failed") $(entries | grep -c /anew/)" " 160" \
		"compileall -j compiles a tree that was unpacked again on $name"
}

# Another process (gc) deletes what the cache has.
evicted() {
	local pyc=$tree/__pycache__/alpha.$tag.pyc written= write
	for write in 'open(p, "wb").close()' 'open(p, "ab").close()' 'shutil.copy(p[:p.index("__")] + "alpha.py", p)'; do
		served "$python" "$tree/app.py"
		written="$written$(preloaded LD_PRELOAD="$SO $BUILD/tests/library/libat.so" AT="open:/alpha.$tag.pyc" \
			DO="rm '$(entries | grep /alpha)' && touch '$T/gone'" \
			"$python" -c 'import shutil, sys; p = sys.argv[1]; exec(sys.argv[2])' "$pyc" "$write" 2>&1; find "$pyc" "$T/gone" -printf '%f ')"
		rm -rf "$tree/__pycache__" "$T/gone"
	done
	pyc="alpha.$tag.pyc gone "
	is "$written" "$pyc$pyc$pyc" "bytecode that is deleted from the cache while a program begins to write it is written on $name"
	find "$tree" -type d -exec touch -d @1600000000 {} +
}

all() {
	racing
	anew
	evicted
	threads
	forks
	children
}
some all
done_testing
