#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Whatever a program is told exists, it can open: stat, listings and open agree. Bytecode in the
# tree that nobody can open does not keep other bytecode from being served.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

# A migration tool loads every revision of a directory, also those without a source.
revisions='import os, sys, importlib.util, importlib.machinery as machinery
d = sys.argv[1]
paths = [os.path.join(d, n) for n in os.listdir(d) if n.endswith(".py")]
stems = {os.path.basename(p)[:-3] for p in paths}
cache = os.path.join(d, "__pycache__")
if os.path.exists(cache):
    paths += [os.path.join(cache, n) for n in os.listdir(cache) if n.split(".")[0] not in stems]
for p in sorted(paths):
    name = os.path.basename(p).split(".")[0]
    loader = (machinery.SourceFileLoader if p.endswith(".py") else machinery.SourcelessFileLoader)(name, p)
    spec = importlib.util.spec_from_loader(name, loader)
    loader.exec_module(importlib.util.module_from_spec(spec))
    print(name, end=" ")'

made_anew() {
	mkdir "$T/versions" && echo 'r = 1' >"$T/versions/a.py" && echo 'r = 1' >"$T/versions/b.py"
	preloaded "$python" -c "$revisions" "$T/versions" >/dev/null
	is "$(entries | grep -c "/versions/")" 2 "both revisions are in the cache on $name"
	rm -rf "$T/versions" && mkdir "$T/versions" && echo 'r = 2' >"$T/versions/a.py"
	is "$(preloaded "$python" -c "$revisions" "$T/versions" 2>&1)" "a " \
		"a directory that was deleted and created again does not list the bytecode of the old one on $name"
	is "$(preloaded "$python" -c "$revisions" "$T/versions" 2>&1)" "a " \
		"a directory that was created again lists no old bytecode after new bytecode was written there on $name"
	rm -rf "$T/versions" && mkdir "$T/versions" && echo 'r = 2' >"$T/versions/a.py"
	is "$(preloaded "$python" -c 'import os, sys
sys.path.insert(0, sys.argv[1])
import a
print(os.path.exists(a.__spec__.cached), os.listdir(os.path.dirname(a.__spec__.cached)))' "$T/versions" 2>&1)" \
		"True ['a.$tag.pyc']" "a directory that was created again lists the bytecode that was served there on $name"
}

# It is unpacked again with a __pycache__ that has other bytecode.
listed_anew() {
	local how
	for how in "os.listdir(d)" "[e.name for e in os.scandir(d)]"; do
		mkdir "$T/walked" && echo 'x = 1' >"$T/walked/m.py"
		preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/walked"
		rm -rf "$T/walked" && sleep 0.1 && mkdir -p "$T/walked/__pycache__"
		echo 'x = 1' | tee "$T/walked/m.py" >"$T/walked/__pycache__/x.$tag.pyc"
		is "$(preloaded "$python" -c 'import os, sys
d = sys.argv[1] + "/__pycache__"
names = eval(sys.argv[2])
print(names, [os.stat(d + "/" + name).st_size for name in names])' "$T/walked" "$how" 2>&1)" "['x.$tag.pyc'] [6]" \
			"what \`$how\` shows in a directory that was created again is there for stat on $name"
		rm -rf "$T/walked"
	done
}

# In a directory that was created again, with a __pycache__ of its own, a loader writes bytecode:
# at some moment, any program looks at other bytecode there.
loader='import importlib._bootstrap_external as be, importlib.util, os, subprocess, sys
source, look = sys.argv[1:]
pyc = importlib.util.cache_from_source(source)
d = os.path.dirname(pyc)
there = lambda: os.path.exists(os.path.join(d, "n.%s.pyc" % sys.implementation.cache_tag))
try: open(pyc).close()
except OSError: pass
b = open(source, "rb").read()
final = os.path.join(d, "m.f-1.py%d%d.nbi" % sys.version_info[:2])
try: open(final).close()
except OSError: pass
open(final + ".tmp.0123456789abcdef", "wb").close()
os.replace(final + ".tmp.0123456789abcdef", final)
with open(pyc + ".5", "wb") as f:
    f.write(getattr(be, "_code_to_timestamp_pyc", getattr(be, "_code_to_bytecode", None))(compile(b, source, "exec"), int(os.stat(source).st_mtime), len(b)))
exec(look)
os.replace(pyc + ".5", pyc)'
being_written() {
	local what how when folder more numba=
	case $tag in cpython-*) numba=m.f-1.py${tag#cpython-}.nbi ;; esac
	while IFS='|' read -r what how when more; do
		mkdir -p "$T/anew" && echo 'x = 1' | tee "$T/anew/m.py" >"$T/anew/n.py"
		preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m, n' "$T/anew"
		folder=$(entries | grep "/anew/.*/n\.$tag") && folder=${folder%/*}
		touch "$T/older" && rm -rf "$T/anew" && sleep 0.1 && mkdir -p "$T/anew/__pycache__" && echo 'x = "anew"' >"$T/anew/m.py"
		is "$(preloaded LD_PRELOAD="$SO $BUILD/tests/library/libat.so" AT=open:/anew/__pycache__ DO="cd '$folder' && $when" \
			"$python" -c "$loader" "$T/anew/m.py" "$how" 2>&1) $(cd "$folder" && find . -type f | sort | xargs)" \
			" $(printf './%s\n' "m.$tag.pyc" $numba $more | sort | xargs)" \
			"in a directory that was created again, what was written since stays when $what on $name"
		mv "$T/older" "$folder/o.$tag.pyc"
		preloaded "$python" -c 'import os, sys; os.path.exists(sys.argv[1])' "$T/anew/__pycache__/n.$tag.pyc"
		check "what is moved to where something was kept stays there on $name, if $what" test -e "$folder/o.$tag.pyc"
		rm -rf "$CACHE"
	done <<-WAYS
		its writer looks at other bytecode|there()|:
		another process looks at other bytecode|subprocess.check_call([sys.executable, "-c", "import os, sys; os.path.exists(sys.argv[1])", pyc])|:
		another process begins to write at that moment|there()|touch k.$tag.pyc.7|k.$tag.pyc.7
	WAYS
}

# The listing of a __pycache__ that came with the tree includes entries that only the cache
# has, except stale ones, which could not be opened.
beside() {
	mkdir -p "$T/real/__pycache__" && echo 'x = 1' >"$T/real/m.py" && echo 'x = 1' >"$T/real/n.py"
	echo text >"$T/real/__pycache__/other.txt"
	preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m, n' "$T/real"
	echo 'x = 22' >"$T/real/n.py"
	preloaded PYCSTASH_LOG="$T/log" "$python" -c 'import os, sys; os.listdir(sys.argv[1])' "$T/real/__pycache__"
	is "$(grep -c "$T/real/" "$T/log")" 0 "listing a directory causes no verdict on $name"
	is "$(preloaded "$python" -c 'import os, shutil, sys
d = sys.argv[1] + "/__pycache__"
print(sorted(os.listdir(d)), sorted(e.name for e in os.scandir(d) if e.is_file() and e.stat().st_size))
shutil.copytree(sys.argv[1], sys.argv[2])
print(sorted(os.listdir(d)) == sorted(os.listdir(sys.argv[2] + "/__pycache__")))
shutil.rmtree(d)
print(os.path.exists(d))' "$T/real" "$T/copy" 2>&1)" "['m.$tag.pyc', 'other.txt'] ['m.$tag.pyc', 'other.txt']
True
False" "a real __pycache__ is listed, copied and deleted with what only the cache has on $name"
}

# The entries of two sources of the same content are one file in the cache, and two to the program.
one_file() {
	mkdir "$T/one" && echo "one_file = '$name'" >"$T/one/m.py" && ln "$T/one/m.py" "$T/one/n.py" && sleep 0.1
	is "$(preloaded "$python" -c 'import os, sys
sys.path.insert(0, sys.argv[1])
import m, n
a, b = m.__spec__.cached, n.__spec__.cached
same = os.stat(a).st_ino == os.stat(b).st_ino
os.rename(a, b)
gone = not os.path.exists(a)
os.unlink(b)
os.rmdir(os.path.dirname(b))
print(same, gone)' "$T/one" 2>&1)" "True True" "bytecode is renamed to that of a source of the same content on $name"
	rm -rf "$T/one"
}

# The usual ways to delete all bytecode: a pattern finds the directory by its name, but lists only
# what the tree has. A program that knows what is there cannot delete it as a whole.
cleaned() {
	local known
	mkdir "$T/cleaned" && echo 'x = 1' >"$T/cleaned/m.py"
	preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/cleaned"
	for known in 'os.listdir(d)' 'os.open(d, os.O_RDONLY)' "os.stat(d + '/m.$tag.pyc')"; do
		is "$(preloaded "$python" -c "import os, sys
d = sys.argv[1] + '/__pycache__'
$known
try:
    os.rmdir(d)
except OSError as error:
    print(os.listdir(d), os.strerror(error.errno))" "$T/cleaned" 2>&1)" "['m.$tag.pyc'] Directory not empty" \
			"a program that knows by $known what only the cache has cannot delete it as a whole on $name"
	done
	preloaded "$python" -Bc 'import pathlib, sys
[p.unlink() for p in pathlib.Path(sys.argv[1]).rglob("*.py[co]")]' "$T/cleaned"
	is "$(preloaded "$python" -Bc 'import pathlib, sys
[p.rmdir() for p in pathlib.Path(sys.argv[1]).rglob("__pycache__")]
print(list(pathlib.Path(sys.argv[1]).glob("__pycache__")))' "$T/cleaned" 2>&1)" "[]" "bytecode is deleted by patterns of names on $name"
	rm -rf "$T/cleaned"
}

# Sources are compiled, and then closed to those who run them.
closed_source() {
	mkdir "$T/closed" && echo 'print("runs")' >"$T/closed/m.py"
	"$python" -m compileall -q "$T/closed"
	sleep 0.05 && chmod 0 "$T/closed/m.py"
	is "$(modest env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/closed" 2>&1 | tail -1)" runs \
		"bytecode whose source was closed once it was compiled is run on $name"
	rm -rf "$T/closed"
}

# A program lists all of a package first, and then moves file by file, as pip does: the directories
# that have become empty are deleted in between.
many_listed() {
	"$python" -c 'import os, py_compile, sys
for i in range(100):
    d = sys.argv[1] + "/p%d" % i
    os.makedirs(d)
    for name in "mn":
        open("%s/%s.py" % (d, name), "w").close()
    py_compile.compile(d + "/m.py")' "$T/many"
	preloaded "$python" -c 'import importlib, sys
sys.path.insert(0, sys.argv[1])
for i in range(100):
    importlib.import_module("p%d.n" % i)' "$T/many"
	is "$(preloaded "$python" -c 'import os, sys
dirs = [sys.argv[1] + "/p%d/__pycache__" % i for i in range(100)]
files = [os.path.join(d, name) for d in dirs for name in os.listdir(d)]
for path in sorted(files):
    os.renames(path, path.replace("/many/", "/moved/"))
print(len(files))' "$T/many" 2>&1 | tail -1)" 200 "all that was listed in many directories can be moved on $name"
	rm -rf "$T/many" "$T/moved"
}

# A package with bytecode takes the place of one that had a private module, whose entry is younger
# than the package.
replaced() {
	local top=$T/swap
	mkdir -p "$top/new" "$top/app" && echo 'x = 1' >"$top/new/m.py" && "$python" -m compileall -q "$top/new" && sleep 0.1
	echo 'x = 1' | tee "$top/app/n.py" >"$top/app/private.py"
	preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import n, private' "$top/app"
	mv "$top/app" "$top/old" && mv "$top/new" "$top/app" && cp -p "$top/old/n.py" "$top/app"
	is "$(preloaded "$python" -c 'import os, shutil, sys
top, names = sys.argv[1], sys.argv[2:]
d = top + "/app/__pycache__/"
shutil.copytree(top + "/app", top + "/copy")
for listed in os.listdir(d), [e.name for e in os.scandir(d)], os.listdir(top + "/copy/__pycache__"):
    print([name in listed for name in names])
print([os.path.getsize(d + name) == len(open(d + name, "rb").read()) for name in names])' \
		"$top" {n,private}".$tag.pyc" 2>&1 | xargs)" "[True, False] [True, False] [True, False] [True, True]" "bytecode whose source is gone is not listed beside what the tree has, though it is opened by its name on $name"
	is "$(preloaded "$python" -c 'import os, sys
d = sys.argv[1] + "/app/__pycache__"
for name in os.listdir(d): os.remove(os.path.join(d, name))
os.rmdir(d)
print(os.path.exists(d))' "$top" 2>&1)" False "a __pycache__ is deleted by a program that was not shown bytecode whose source is gone on $name"
	rm -rf "$top"
}

# pip moves file by file what it was shown, and deletes the directory whenever that succeeds.
moved_away() { # SENTENCE SOURCE…: which are deleted first
	mkdir -p "$T/away/__pycache__" "$T/moved" && echo 'x = 1' >"$T/away/m.py" && echo 'x = 1' >"$T/away/n.py"
	echo text >"$T/away/__pycache__/a"
	sleep 0.1
	preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m, n' "$T/away"
	is "$(preloaded "$python" -c 'import os, sys
d = sys.argv[1] + "/__pycache__"
names = sorted(os.listdir(d))
for name in sys.argv[3:]: os.remove(sys.argv[1] + "/" + name)
for name in names:
    os.rename(d + "/" + name, sys.argv[2] + "/" + name)
    try: os.rmdir(d)
    except OSError: pass
print(os.path.exists(d), sorted(os.listdir(sys.argv[2])))' "$T/away" "$T/moved" "${@:2}" 2>&1)" "False ['a', 'm.$tag.pyc', 'n.$tag.pyc']" "$1 on $name"
	rm -rf "$T/away" "$T/moved"
}

# CPython's tests, and those who ship no sources, move a pyc to where its source was.
sourceless() {
	mkdir "$T/legacy" && echo 'x = 1' >"$T/legacy/m.py"
	sleep 0.1
	is "$(preloaded "$python" -c 'import os, py_compile, sys
source = sys.argv[1] + "/m.py"
pyc = py_compile.compile(source)
os.remove(source)
os.rename(pyc, source + "c")
sys.path.insert(0, sys.argv[1])
import m
print(m.x)' "$T/legacy" 2>&1)" 1 "bytecode can be moved to the place of its source, which was deleted, on $name"
}

# zipfile.PyZipFile opens bytecode that is not older than its source.
packed() {
	mkdir "$T/zip" && echo 'x = 1' >"$T/zip/m.py"
	is "$(preloaded "$python" -c 'import io, os, sys, zipfile
d = sys.argv[1]
sys.path.insert(0, d)
import m
with open(d + "/new", "w") as f: f.write("x = 22\n")
os.utime(d + "/new", (1e9, 1e9))
os.rename(d + "/new", d + "/m.py")
z = zipfile.PyZipFile(io.BytesIO(), "w")
z.writepy(d + "/m.py")
print(z.namelist())' "$T/zip" 2>&1)" "['m.pyc']" "stat does not show bytecode that open refuses on $name"
}

# git creates a __pycache__ that it does not find, and opens files in it with O_EXCL.
checked_out() {
	command -v git >/dev/null || {
		skip "git checks out bytecode that only the cache has on $name" "no git"
		return
	}
	mkdir -p "$T/repo/__pycache__" && echo 'x = 1' >"$T/repo/m.py"
	echo tracked >"$T/repo/__pycache__/m.$tag.pyc"
	local git=(git -C "$T/repo" -c user.name=x -c user.email=x@x)
	"${git[@]}" init -q && "${git[@]}" add -f . && "${git[@]}" commit -qm with
	"${git[@]}" rm -rqf __pycache__ && "${git[@]}" commit -qm without
	preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/repo"
	is "$(preloaded "${git[@]}" checkout -q HEAD~1 2>&1; cat "$T/repo/__pycache__/m.$tag.pyc")" tracked \
		"git checks out bytecode where the cache has the same name on $name"
}

# What may be in the tree in place of bytecode, for another user.
closed_tree() {
	local kind
	if [ "$(id -u)" != 0 ] || ! as_user env "$python" -c '' 2>/dev/null; then
		skip "nothing in the tree keeps the cache from serving on $name" "there is no other user to be, or none who can run it"
		return
	fi
	chmod 755 "$(dirname "$T")" "$T"
	for kind in "directory that is closed" "file that is closed" "loop of links" "link to nowhere" "file in place of a directory" \
		"directory in place of a file" "device that fails"; do
		rm -rf "$tree" "$T/user"
		sources
		chmod -R a+rX "$tree"
		case $kind in
		"directory that"*) (umask 077 && "$python" "$tree/app.py" >/dev/null) ;;
		"file that"*) "$python" "$tree/app.py" >/dev/null && find "$tree" -name '*.pyc' -exec chmod 600 {} + ;;
		loop*) find "$tree" -type d -exec ln -s __pycache__ {}/__pycache__ \; ;;
		link*) find "$tree" -type d -exec ln -s /nowhere {}/__pycache__ \; ;;
		"file in"*) find "$tree" -type d -exec touch {}/__pycache__ \; ;;
		"directory in"*) "$python" "$tree/app.py" >/dev/null && find "$tree" -name '*.pyc' -exec rm {} \; -exec mkdir {} \; ;;
		device*) "$python" "$tree/app.py" >/dev/null && find "$tree" -name '*.pyc' -exec ln -sf /proc/self/mem {} \; ;;
		esac
		mkdir -m 755 "$T/user" && cp "$SO" "$T/user/" && mkdir -m 700 "$T/user/cache"
		chown 65534:65534 "$T/user/cache"
		local user=(as_user env PYCSTASH_DIR="$T/user/cache" LD_PRELOAD="$T/user/${SO##*/}" "$python" -v "$tree/app.py")
		watched "${user[@]}"
		watched "${user[@]}"
		is "$(seen)" "six, 0 compiled, 5 loaded, status 0" \
			"a $kind in the tree keeps none from being served on $name"
	done
}

# A program that shows no tag looks at names one by one.
one_by_one() {
	local what
	mkdir -p "$T/tools/__pycache__" && echo 'x = 1' >"$T/tools/m.py"
	preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/tools" && echo stale >"$T/tools/__pycache__/m.$tag.pyc"
	touch -d @1700000000 "$T/tools/m.py"
	for copy in cp\ -a install\ -D; do
		# shellcheck disable=SC2086 # a command and its option
		is "$(preloaded $copy "$T/tools/__pycache__/m.$tag.pyc" "$T/taken.pyc" 2>&1)" "" \
			"\`$copy\` of bytecode of a touched source says nothing of a file that was replaced on $name"
	done
	rm "$T/tools/__pycache__/m.$tag.pyc"
	is "$(preloaded stat -c %s "$T/tools/__pycache__/m.$tag.pyc" 2>&1 | grep -c 'No such file')" 1 \
		"a program without a tag does not find what the tree's __pycache__ does not have on $name"
	rm -rf "$T/tools" && mkdir -p "$T/tools/__pycache__"
	is "$(preloaded "$python" -c 'import os, sys; print(os.path.exists(sys.argv[1]))' "$T/tools/__pycache__/m.$tag.pyc") $(entries | grep -c "/tools/")" "False 0" \
		"in a directory that was created again, no program finds old bytecode beside what the tree has on $name"
	echo 'x = 1' >"$T/tools/m.py" && preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/tools"
	rm -rf "$T/tools" && mkdir -p "$T/tools/__pycache__"
	preloaded ln -s nowhere "$T/tools/__pycache__/m.$tag.pyc" 2>"$T/said" && preloaded mkfifo "$T/tools/__pycache__/n.$tag.pyc" 2>>"$T/said"
	is "$(cat "$T/said"; ls "$T/tools/__pycache__" | xargs)" "m.$tag.pyc n.$tag.pyc" \
		"in a directory that was created again, old bytecode is not in the way of other files on $name"
	rm -rf "$T/tools" && mkdir "$T/tools" && echo 'x = 1' >"$T/tools/m.py"
	for what in os.symlink\(\"nowhere\",\ d\) os.mkfifo\(d\); do
		preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/tools"
		rm -rf "$T/tools" && sleep 0.1 && mkdir "$T/tools" && echo 'x = 1' >"$T/tools/m.py"
		is "$(preloaded "$python" -c 'import os, sys
try: open(sys.argv[1] + "/__pycache__/n.%s.pyc" % sys.implementation.cache_tag)
except IOError: pass
d = sys.argv[2] + "/__pycache__"
exec(sys.argv[3])
print(os.path.lexists(d), os.path.isdir(d))' "$T" "$T/tools" "$what" 2>&1)" "True False" \
			"in a directory that was created again, an old __pycache__ is not in the way of ${what%(*} on $name"
		rm -f "$T/tools/__pycache__"
	done
	mkdir -p "$T/build-env-1/p" "$T/build-env-2/p/__pycache__" && echo 'x = "an ephemeral one"' >"$T/build-env-1/p/m.py"
	preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/build-env-1/p"
	preloaded ln -s nowhere "$T/build-env-2/p/__pycache__/m.$tag.pyc" 2>"$T/said"
	is "$(cat "$T/said"; entries | grep -c "build-env-.*/p/"; ls "$T/build-env-2/p/__pycache__")" "1
m.$tag.pyc" "bytecode of an ephemeral directory is not in the way of files in another one on $name"
}

# What a killed interpreter has left has the name of a temporary file, and is copied like any file.
brought() { # HOW CODE: brings the pyc to the path `to`
	rm -rf "$T/orig" "$T/dest" && mkdir -p "$T/orig" "$T/dest/__pycache__"
	printf precious >"$T/orig/left" && printf junk >"$T/orig/pyc"
	is "$(preloaded "$python" -c 'import os, shutil, sys
left, pyc, dest = sys.argv[1] + "/left", sys.argv[1] + "/pyc", sys.argv[2]
def asked(path):
    try: open(path, "rb").close()
    except FileNotFoundError: pass
# The source comes first, or last, or there is none of that name.
for name in sys.argv[4:]:
    to, stem = dest + "/__pycache__/" + name, name.split(".")[0]
    if stem == "first": shutil.copy2(left, dest + "/first.py")
    exec(sys.argv[3])
    if stem == "last": shutil.copy2(left, dest + "/last.py")
    shutil.copy2(left, to + (".tmp.1" if ".nb" in name else ".123"))' \
		"$T/orig" "$T/dest" "$2" "first.$tag.pyc" "last.$tag.pyc" "none.$tag.pyc" untagged.pyc "f.f-1.py${tag#*-}.nbi" 2>&1
		grep -lr precious "$T/dest/__pycache__" | wc -l)" 5 \
		"a file with the name of a temporary one is copied to the tree by a program that $1 on $name"
}
copied() {
	brought "copies its pyc" "shutil.copy2(pyc, to)"
	brought "looks for its pyc and writes it" "os.path.exists(to); open(to, 'x').close()"
	brought "opens its pyc in vain and writes it" "asked(to); open(to, 'x').close()"
	brought "opens its pyc in vain and renames another" "asked(to); shutil.copy2(pyc, to + '-'); os.rename(to + '-', to)"
	brought "opens its pyc in vain and links another" "asked(to); os.link(pyc, to)"
	brought "opens its pyc in vain and makes a link" "asked(to); os.symlink(pyc, to)"
	brought "opens its pyc in vain and makes a pipe" "asked(to); os.mkfifo(to)"
	brought "has found its pyc" "open(to, 'x').close(); os.path.exists(to)"
	brought "has truncated its pyc" "open(to, 'x').close(); os.truncate(to, 0)"
	brought "looks for its pyc in vain" "os.path.exists(to)"
	brought "has found other bytecode of its source" "
other = dest + '/__pycache__/' + stem + ('.g-1.py399.nbi' if '.nb' in name else '.cpython-399.pyc')
open(other, 'x').close(); os.path.exists(other)"
}

# A link in the tree in place of bytecode is what the name stands for.
linked() {
	rm -rf "$T/links" && mkdir -p "$T/links/__pycache__" && printf 1 >"$T/links/file"
	echo 'x = 1' | tee "$T/links/m.py" >"$T/links/n.py"
	preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m, n' "$T/links"
	ln -s ../file "$T/links/__pycache__/m.$tag.pyc" && ln -s ../file "$T/links/__pycache__/n.$tag.pyc"
	is "$(entries | grep -c /links/) $(preloaded "$python" -c 'import os, sys
m, n = sys.argv[1:]
with open(m, "a") as f: f.write("2")
os.rename(n, n + "x")
print(os.readlink(m), os.path.exists(n), os.readlink(n + "x"))' "$T/links/__pycache__/"{m,n}".$tag.pyc" 2>&1; cat "$T/links/file"; entries | grep -c /links/)" \
		"2 ../file False ../file
120" "a link in place of bytecode is written through and renamed as without the library on $name"
}

# Hard-link backups, mv and pip go by a name, which stands for the tree's file if the cache's is stale.
taken() {
	local m=("$T/old/__pycache__/"{a,b,c,d,e,f}".$tag.pyc") module
	rm -rf "$T/old" "$T/taken" && mkdir "$T/old" "$T/taken"
	for module in a b c d e f; do echo 'x = 1' >"$T/old/$module.py"; done
	touch -d @1700000000 "$T/old/"*.py
	preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import a, b, c, d, e, f' "$T/old"
	"$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import a, b, c, d, e, f' "$T/old"
	for module in a b c d e f; do echo 'x = 2222' >"$T/old/$module.py"; done
	is "$(entries | grep -c /old/) $(preloaded cp -al "$T/old" "$T/taken/all" 2>&1; preloaded ln "${m[0]}" "$T/taken/a" 2>&1
		preloaded mv "${m[1]}" "$T/taken/b" 2>&1; preloaded "$python" -c 'import os, shutil, sys
c, d, e, to = sys.argv[1:]
os.rename(c, to + "/c"); shutil.move(d, to + "/d"); os.link(e, to + "/e"); os.rename(e, e + "x")' "${m[@]:2:3}" "$T/taken" 2>&1)" "6 " \
		"bytecode of an edited source is linked and moved as the tree has it on $name"
	is "$(cd "$T/taken" && echo ? && ls all/__pycache__ | wc -l; cd "$T/old/__pycache__" && echo ?.*; entries | grep -c /old/)" \
		"a b c d e
6
a.$tag.pyc e.$tag.pycx f.$tag.pyc
2" "what was linked and moved is under its new name alone on $name"
}

agrees() {
	sources
	made_anew
	listed_anew
	being_written
	one_by_one
	copied
	linked
	taken
	beside
	one_file
	cleaned
	closed_source
	many_listed
	replaced
	moved_away "what a real __pycache__ has shown can be moved file by file, though its directory is deleted"
	moved_away "what a real __pycache__ has shown can be moved file by file, though its sources were deleted first" m.py n.py
	sourceless
	packed
	checked_out
	closed_tree
}
some agrees

done_testing
