#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A seal that arrives as data is not believed: a program puts a pyc with a forged seal into a
# __pycache__, the sources are replaced by those that the seal claims, and the code of the
# sources runs.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

python=/usr/bin/python3
at_least "$python" 3 7 || skip_all "forged seals" "no CPython 3.7 or later"
tag=$(tag_of "$python")
pyc=m.$tag.pyc
mkdir -p "$T/official" "$T/archive/pkg/__pycache__"
echo 'print("official")' >"$T/official/m.py"
echo 'print("other")' >"$T/archive/pkg/m.py"
"$python" -B "$HERE/tests/library/forge.py" "$T/official/m.py" "$T/archive/pkg/__pycache__/$pyc" 'print("forged")'
cp "$T/archive/pkg/__pycache__/$pyc" "$T/$pyc"
tar -C "$T/archive" -cf "$T/a.tar" pkg
tar -C "$T/archive/pkg/__pycache__" -cf "$T/flat.tar" "$pyc"
imports() { # MODULE
	preloaded "$python" -c "import sys; sys.path.insert(0, '$T/work/pkg'); import $1"
}

# Shows that the forged file is a good forgery: in the cache itself, it is believed.
mkdir -p "$T/work" && cp -r "$T/official" "$T/work/pkg"
imports m >/dev/null
find "$CACHE" -type f -name '*.pyc' -path '*/objects/*' -delete
cp --remove-destination "$T/$pyc" "$(entries)"
is "$(imports m)" forged "a forged seal in the cache itself is believed, which this suite rests on"

# arrives SENTENCE COMMAND…: the command puts $pyc, or another file that says "forged", into
# work/pkg/__pycache__.
arrives() {
	local sentence=$1 there kept
	shift
	rm -rf "$CACHE" "$T/work" && mkdir -p "$T/work/pkg" && cd "$T/work" || return
	echo 'import m' >pkg/n.py
	cp "$T/archive/pkg/m.py" pkg
	preloaded "$python" -c "import sys; sys.path.insert(0, 'pkg'); import n" >/dev/null
	preloaded "$@" >"$T/out" 2>&1
	there=$(grep -Rlq forged pkg && echo arrived)
	kept=$(grep -rl forged "$CACHE")
	rm -rf pkg && cp -r "$T/official" pkg
	[ "$there" ] || cat "$T/out"
	is "$there $(imports m) $kept" "arrived official " "$sentence: it is in the tree alone, and its seal is not believed"
}
into=pkg/__pycache__
arrives "a pyc that tar unpacks" tar -xf "$T/a.tar"
arrives "a pyc that Python's tarfile unpacks" "$python" -m tarfile -e "$T/a.tar" .
arrives "a pyc that Python writes in a __pycache__ that it has entered" "$python" -c "import os, shutil
os.chdir('$into')
shutil.copyfile('$T/$pyc', '$pyc')"
refused="a pyc that Python writes in a __pycache__ that it has entered where a filter refuses a call"
strace -o /dev/null true 2>/dev/null || skip "$refused" "strace cannot trace here"
strace -o /dev/null true 2>/dev/null && arrives "$refused" \
	strace -qq -f -o /dev/null -e trace=faccessat2 -e inject=faccessat2:error=EPERM "$python" -c "import os, shutil
os.chdir('$into')
shutil.copyfile('$T/$pyc', '$pyc')"
arrives "a pyc that Python writes by a descriptor of a __pycache__" "$python" -c "import os
fd = os.open('$into', os.O_PATH | os.O_DIRECTORY)
out = os.open('$pyc', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=fd)
os.write(out, open('$T/$pyc', 'rb').read())"
# Through a descriptor that was opened to list the directory.
by_descriptor() { # SENTENCE CODE: fd is one
	arrives "a pyc that Python $1 by a descriptor for reading" "$python" -c "import os, shutil
fd = os.open('$into', os.O_RDONLY | os.O_DIRECTORY)
assert '$pyc' in os.listdir(fd)
shutil.copyfile('$T/$pyc', '$T/copy')
$2
assert '$pyc' in os.listdir(fd) and 'n.$tag.pyc' in os.listdir(fd)"
}
by_descriptor writes "out = os.open('$pyc', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=fd)
os.write(out, open('$T/$pyc', 'rb').read())"
by_descriptor overwrites "out = os.open('$pyc', os.O_WRONLY | os.O_TRUNC, dir_fd=fd)
os.write(out, open('$T/$pyc', 'rb').read())"
by_descriptor "writes and renames" "out = os.open('$pyc.5', os.O_WRONLY | os.O_CREAT, dir_fd=fd)
os.write(out, open('$T/$pyc', 'rb').read())
os.replace('$pyc.5', '$pyc', src_dir_fd=fd, dst_dir_fd=fd)"
by_descriptor "writes by a way that goes up" "out = os.open('../__pycache__/$pyc', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=fd)
os.write(out, open('$T/$pyc', 'rb').read())"
by_descriptor "writes below the directory above" "up = os.open('..', os.O_RDONLY, dir_fd=fd)
assert 'n.py' in os.listdir(up)
os.replace('$T/copy', '__pycache__/$pyc', dst_dir_fd=up)"
by_descriptor moves "os.replace('$T/copy', '$pyc', dst_dir_fd=fd)"
by_descriptor links "os.unlink('$pyc', dir_fd=fd)
os.link('$T/copy', '$pyc', dst_dir_fd=fd)"
by_descriptor "links symbolically" "os.unlink('$pyc', dir_fd=fd)
os.symlink('$T/copy', '$pyc', dir_fd=fd)"
by_descriptor "writes in a directory entered" "os.fchdir(fd)
shutil.copyfile('$T/$pyc', '$pyc')
os.chdir('/')"
without_proc() { # SENTENCE CODE: fd is a descriptor of the directory
	if unshare -m sh -c 'mount -t tmpfs none /proc' 2>/dev/null; then
		arrives "$1" unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$python" -c "import ctypes, os
$2
out = os.open('$pyc', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=fd)
os.write(out, open('$T/$pyc', 'rb').read())"
	else
		skip "$1" "/proc cannot be covered"
	fi
}
without_proc "a pyc that Python writes by a descriptor for reading without /proc" "fd = os.open('$T/work/$into', os.O_RDONLY)"
without_proc "a pyc that Python writes by the descriptor of a listing without /proc" "libc = ctypes.CDLL(None)
libc.opendir.restype, libc.dirfd.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
fd = libc.dirfd(libc.opendir(b'$T/work/$into'))"
# fails SENTENCE CODE: what a program does in a __pycache__ that cannot be made in the tree.
fails() {
	rm -rf "$CACHE" "$T/work" && cp -r "$T/official" "$T/work" && cd "$T/work" || return
	preloaded "$python" -c "import sys; sys.path.insert(0, '.'); import m" >/dev/null
	chmod 555 .
	is "$(modest env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$python" -c "import os
fd = os.open('__pycache__', os.O_RDONLY)
try: $2
except OSError as error: print(type(error).__name__)
print(os.listdir(fd))" 2>&1 | xargs)" "FileNotFoundError [$pyc]" "if a __pycache__ cannot be made in the tree, a program $1"
	chmod 755 .
}
fails "creates nothing by its descriptor" "os.mkdir('x', dir_fd=fd)"
fails "does not enter it by its descriptor" "os.fchdir(fd)"
fails "does not enter it by its name" "os.chdir('__pycache__')"
fails "does not leave it by a way up" "os.open('..', os.O_RDONLY, dir_fd=fd)"
arrives "a pyc that tar unpacks in a __pycache__" sh -c "mkdir -p $into && tar -C $into -xf $T/flat.tar"
arrives "a pyc that cp puts over another" cp "$T/$pyc" $into/$pyc
arrives "a pyc that cp puts into the directory" sh -c "mkdir -p $into && cp $T/$pyc $into"
arrives "a pyc that cat writes" sh -c "cat $T/$pyc >$into/$pyc"
arrives "a pyc that is moved there" sh -c "cp $T/$pyc $T/moved && mv -f $T/moved $into/$pyc"
arrives "a pyc that is linked there" ln -f "$T/$pyc" $into/$pyc
arrives "a pyc that gets a temporary name first" sh -c "cp $T/$pyc $into/$pyc.1 && mv -f $into/$pyc.1 $into/$pyc"
arrives "a pyc that is linked to a temporary one" sh -c "cp $T/$pyc $into/$pyc.1 && ln -f $into/$pyc.1 $into/$pyc"
arrives "a pyc that has another tag's name first" sh -c "mkdir -p $into && cp $T/$pyc $into/m.cpython-399.pyc && mv -f $into/m.cpython-399.pyc $into/$pyc"
arrives "a pyc that Python gives another tag's name first" "$python" -c "import os, shutil
shutil.copyfile('$T/$pyc', '$into/m.cpython-399.pyc')
assert 'n.$tag.pyc' in os.listdir('$into')
os.replace('$into/m.cpython-399.pyc', '$into/$pyc')"
arrives "a pyc that has one of numba's names first" sh -c "cp $T/$pyc $into/m.f-1.py${tag#cpython-}.1.nbc && mv -f $into/m.f-1.py${tag#cpython-}.1.nbc $into/$pyc"
# Files that are renamed by another process, or by one that has not looked for them.
printf 'forged' >"$T/numba"
"$python" -B "$HERE/tests/trust/forge.py" 'print("forged")' "$T/official/m.py" "$T/unchecked" hash
nbi=m.f-1.py${tag#cpython-}.nbi
arrives "an unchecked pyc that gets a temporary name first" sh -c "cat $T/unchecked >$into/$pyc.5 && mv -f $into/$pyc.5 $into/$pyc"
arrives "an unchecked pyc that one process writes and renames" "$python" -c "import os, shutil
shutil.copyfile('$T/unchecked', '$into/$pyc.5')
os.replace('$into/$pyc.5', '$into/$pyc')"
arrives "an unchecked pyc that one process looks for, writes and renames" "$python" -c "import os, shutil
os.path.exists('$into/$pyc')
shutil.copyfile('$T/unchecked', '$into/$pyc.5')
os.replace('$into/$pyc.5', '$into/$pyc')"
arrives "an unchecked pyc under another temporary name" "$python" -c "import os, shutil
open('$into/$pyc', 'rb').close()
open('pkg/m.py').close()
shutil.copyfile('$T/unchecked', '$into/.$pyc.123456')
os.replace('$into/.$pyc.123456', '$into/$pyc')"
arrives "a temporary file that nobody renames" cp "$T/unchecked" $into/$pyc.5
arrives "numba's index, written in place" sh -c "cat $T/numba >$into/$nbi"
arrives "numba's index, renamed by another process" sh -c "cp $T/numba $into/$nbi.tmp.5 && mv $into/$nbi.tmp.5 $into/$nbi"
arrives "numba's index, linked to" sh -c "cp $T/numba $into/$nbi.tmp.5 && ln $into/$nbi.tmp.5 $into/$nbi"
arrives "numba's index, which nobody has looked for" "$python" -c "import os, shutil
shutil.copyfile('$T/numba', '$into/$nbi.tmp.5')
os.replace('$into/$nbi.tmp.5', '$into/$nbi')"
arrives "a pyc that comes with another directory" sh -c "mkdir x && cp $T/$pyc x && rm -rf $into && mv x $into"
# As systemd does it, or a copy that must not be seen unfinished.
cat >"$T/nameless.py" <<'END'
import ctypes, os, sys
data, directory, name = sys.argv[1:]
name = os.path.join(directory, name)
if os.path.exists(name):
    os.unlink(name)
fd = os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o644)
os.write(fd, open(data, "rb").read())
AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
if ctypes.CDLL(None, use_errno=True).linkat(fd, b"", AT_FDCWD, os.fsencode(name), AT_EMPTY_PATH):
    sys.exit(os.strerror(ctypes.get_errno()))
END
if "$python" "$T/nameless.py" "$T/$pyc" "$T" linked 2>/dev/null; then
	arrives "a pyc that is linked from a file without a name" "$python" "$T/nameless.py" "$T/$pyc" pkg/__pycache__ "$pyc"
	arrives "a pyc that is linked from a file without a name in another directory" "$python" "$T/nameless.py" "$T/$pyc" . "$into/$pyc"
else
	skip "a pyc that is linked from a file without a name" "the kernel lets only root do that"
fi
# The cache has served the module to the same thread that then brings another pyc for it. What
# runs then is what Python alone would run, and it disappears with its directory.
served() { # SENTENCE CODE: m is imported from pkg, put(PATH) writes a file that says "forged"
	local ran there kept
	rm -rf "$CACHE" "$T/work" && mkdir -p "$T/work/pkg" && cd "$T/work" || return
	cp "$T/archive/pkg/m.py" pkg
	echo 'import m' >pkg/n.py
	imports n >/dev/null
	preloaded "$python" -c "import os, shutil, sys, threading
sys.path.insert(0, '$T/work/pkg')
def put(path): shutil.copyfile('$T/unchecked', path)
$2" >"$T/out" 2>&1
	there=$(grep -Rlq forged pkg && echo arrived)
	kept=$(grep -rl forged "$CACHE")
	ran=$(imports m)
	rm -rf pkg && cp -r "$T/official" pkg
	[ "$there" ] || cat "$T/out"
	is "$there $ran $kept $(imports m)" "arrived forged  official" "$1: it is in the tree alone, where Python runs it"
}
into=$T/work/pkg/__pycache__
replace="put('$into/$pyc.5'); os.replace('$into/$pyc.5', '$into/$pyc')"
served "a pyc that is written for a module served" "import m
$replace"
served "a pyc that is written for a module served by a relative path" "sys.path[0] = 'pkg'
import m
$replace"
served "a pyc that is written to a relative path for a module served" "import m
${replace//$T\/work\//}"
served "a pyc that is written for bytecode that was read" "open('$into/$pyc', 'rb').read()
$replace"
served "a pyc that another thread writes for a module served" "import m
def work(): $replace
thread = threading.Thread(target=work); thread.start(); thread.join()"
served "a pyc that a child writes for a module served" "import m
if os.fork() == 0:
    $replace
    os._exit(0)
os.wait()"
served "a pyc that comes from another directory for a module served" "import m
os.mkdir('x'); put('x/$pyc.5'); os.replace('x/$pyc.5', '$into/$pyc')"
served "a pyc that comes from another __pycache__ for a module served" "import m
os.makedirs('x/__pycache__'); put('x/__pycache__/$pyc.5'); os.replace('x/__pycache__/$pyc.5', '$into/$pyc')"
served "a pyc that is written for a module served whose source was read" "import linecache, m
assert linecache.getline(m.__file__, 1)
$replace"
for how in O_PATH O_WRONLY; do
	served "a pyc that is written once its source was opened with $how" "os.path.exists('$into/$pyc')
os.open('$T/work/pkg/m.py', os.$how)
$replace"
done
served "a pyc that is written once a module was compiled" "open('pkg/m.py', 'a').write('#')
import m
$replace"
served "a pyc that is written once a module was compiled by py_compile" "import m, py_compile
py_compile.compile('pkg/m.py')
$replace"
served "a pyc that is written for a module served and reloaded after an edit" "import importlib, m
open('pkg/m.py', 'a').write('#')
importlib.reload(m)
$replace"

# What a compiler writes is kept and served.
compiled() { # SENTENCE CODE: m is imported from pkg, its source is edited
	rm -rf "$CACHE" "$T/work" && mkdir -p "$T/work/pkg" && cd "$T/work" || return
	cp "$T/archive/pkg/m.py" pkg
	echo 'import m' >pkg/n.py
	imports n >/dev/null
	preloaded "$python" -c "import importlib, m, os, subprocess, sys
open('pkg/m.py', 'w').write('print(\"edited\")')
$2" >"$T/out" 2>&1
	rm -f "$T/log"
	is "$(preloaded PYCSTASH_LOG="$T/log" "$python" -c 'import m')
$(grep -c 'hit: .*/m[.]' "$T/log")
$(find pkg -name __pycache__)" "edited
1
" "$1: it is in the cache alone, and is served"
}
export PYTHONPATH=$T/work/pkg
compiled "what an import makes of an edited source, of a module served" "importlib.reload(m)"
chmod 700 "$T" # else it were for other users
compiled "what py_compile makes of a module served" "import py_compile; py_compile.compile('$T/work/pkg/m.py', doraise=True)"
compiled "what compileall -f makes of a module served" "import compileall; compileall.compile_dir('$T/work/pkg', force=True)"
compiled "what another process makes of a module served" "subprocess.check_call([sys.executable, '-c', 'import m'])"
compiled "what a child makes of a module served" "
if os.fork() == 0:
    importlib.reload(m)
    os._exit(0)
os.wait()"
unset PYTHONPATH
if command -v git >/dev/null; then
	(cd "$T/archive" && git init -q . && git add -f pkg && git -c user.name=x -c user.email=x@x commit -qm x) >/dev/null 2>&1
	arrives "a pyc that git checks out" sh -c "git clone -q $T/archive clone && rm -r pkg && mv clone/pkg pkg"
	arrives "a pyc that git checks out in place" sh -c "rm $into/$pyc && git -c init.defaultBranch=x init -q . && git fetch -q $T/archive && git checkout -qf FETCH_HEAD"
else
	skip "a pyc that git checks out: the seal is not believed" "no git"
fi
done_testing
