#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In the tree, only its time vouches for bytecode. So an entry goes there only if an open would
# serve it for the source that is there now, and only to the directory that it was found for.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks with bytecode that goes from the cache to the tree"

cache=$T/$VICTIM/cache
dir=$T/tree
pyc=$dir/__pycache__/m.$TAG.pyc
run=$(imports "$dir")
later() { with "$VICTIM" "$cache" "$@" 2>&1; }
in_tree() { find "$dir" -name '*.pyc' -exec grep -laF "$1" {} + | grep -c .; }
as 0 "$PY" -c 'import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2])' \
	"$HERE/tests/trust/forge.py" "$T/n.pyc"
chmod 644 "$T/n.pyc"

# theirs: the attacker's directory, with a source that the victim compiles. The victim has an
# older one, whose source has the same size and time.
theirs() {
	rm -rf "$cache" "$dir" "$T/older"
	official "$T/older"
	chown -R "$VICTIM" "$T/older"
	mkdir "$dir"
	printf "%-$(($(stat -c %s "$T/older/m.py") - 1))s\n" 'print("ATT")' >"$dir/m.py"
	touch -r "$T/older/m.py" "$dir/m.py"
	chown -R "$ATTACKER" "$dir"
	later "$PY" -c "import py_compile; py_compile.compile('$dir/m.py')"
}

while IFS='|' read -r what how; do
	theirs >"$T/said"
	made=$(entries "$cache" | grep -c "/m\.$TAG")
	rm -rf "$dir"
	mv "$T/older" "$dir"
	later "$PY" -c "$how" >>"$T/said"
	is "$made $(in_tree ATT) $(later "$PY" -c "$run")" "1 0 TRUSTED" \
		"bytecode of others' sources does not come back from the cache when the user's program $what"
done <<-WAYS
	writes a pyc beside it|import shutil; shutil.copyfile("$T/n.pyc", "$dir/__pycache__/n.$TAG.pyc")
	touches it|import subprocess; subprocess.call(["touch", "$pyc"])
	opens it to append|open("$pyc", "ab")
	opens its directory to create files there|import os; os.open("$dir/__pycache__", os.O_PATH)
	enters its directory|import os; os.chdir("$dir/__pycache__")
	renames it|import os; os.rename("$pyc", "$dir/m.pyc")
	links it|import os; os.link("$pyc", "$dir/m.pyc")
WAYS

while IFS='|' read -r what how; do
	theirs >"$T/said"
	chown -R "$VICTIM" "$dir"
	later "$PY" -c "$run" >"$T/said"
	eval "$how"
	later touch -a "$pyc"
	is "$(in_tree ATT)" 1 "(bytecode of a source that $what goes to the tree)"
done <<-'SAME'
	is there|:
	was installed again|cp -p "$dir/m.py" "$dir/n.py" && mv "$dir/n.py" "$dir/m.py"
SAME

# The source changes while it is compiled, so nothing is proven.
cp "$BUILD/tests/library/libat.so" "$T/lib/"
rm -rf "$cache" "$dir"
mkdir "$dir" && echo "$EVIL" >"$dir/m.py" && chown -R "$ATTACKER" "$dir" && chmod 666 "$dir/m.py"
with "$VICTIM" "$cache" LD_PRELOAD="$T/lib/libat.so $SO" AT=rename:.pyc "DO=echo >>'$dir/m.py'" "$PY" -c \
	"import py_compile; py_compile.compile('$dir/m.py', invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"
made=$(entries "$cache" | grep -c "/m\.$TAG")
chown -R "$VICTIM" "$dir" && chmod 644 "$dir/m.py" && echo "$TRUSTED" >"$dir/m.py"
later touch "$dir/__pycache__/n.$TAG.pyc"
is "$made $(in_tree ATTACKER) $(later "$PY" -c "$run")" "0 0 TRUSTED" \
	"unchecked bytecode of a source that changed meanwhile goes neither to the cache nor to a tree of others"

# The victim opens a pyc through a link of the attacker's, which leads to a directory that only
# the victim may read, and by turns to one of the attacker's.
private=$T/$VICTIM/private
mkdir -m 700 "$private"
echo 'x = "SECRET"' >"$private/m.py"
mkdir -p "$T/$ATTACKER/open/__pycache__"
echo 'x = 1' >"$T/$ATTACKER/open/m.py"
ln -s "$private" "$T/$ATTACKER/link"
ln -s open "$T/$ATTACKER/other"
chown -R "$VICTIM" "$private"
chown -hR "$ATTACKER" "$T/$ATTACKER"
chmod 777 "$T/$ATTACKER/open/__pycache__"
cat >"$T/turns.py" <<'END'
import ctypes, os, sys
os.chdir(sys.argv[1])
while True:
    ctypes.CDLL(None).renameat2(-100, b"link", -100, b"other", 2)
END
cat >"$T/opens.py" <<'END'
import importlib.util, os, sys, time
private, link, flags, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
name, opened, end = importlib.util.cache_from_source("m.py"), 0, time.time() + 20
while rounds > 0 or not opened and time.time() < end:
    rounds -= 1
    try:
        os.unlink(os.path.join(private, name))
    except OSError:
        pass
    spec = importlib.util.spec_from_file_location("m", private + "/m.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    try:
        os.close(os.open(os.path.join(link, name), flags))
        opened += 1
    except OSError:
        pass
print("opened" if opened else "never opened")
END
as "$ATTACKER" timeout 60 "$PY" "$T/turns.py" "$T/$ATTACKER" &
turns=$!
for how in "os.O_WRONLY" "os.O_WRONLY | os.O_TRUNC"; do
	flags=$("$PY" -c "import os; print($how)")
	rm -rf "$cache"
	got=$(later "$PY" "$T/opens.py" "$private" "$T/$ATTACKER/link" "$flags" 500)
	is "$got $(grep -rlaF SECRET "$T/$ATTACKER/open")" "opened " \
		"an open ($how) through another user's link puts no private bytecode where the link leads next"
done
kill $turns
wait $turns 2>/dev/null

# The attacker owns the directory above one that only the victim may enter, and exchanges it for
# an older one of his own, in which there is no such source.
while IFS='|' read -r what how; do
	rm -rf "$cache" "$T/shared" "$T/copy" && mkdir -p "$T/shared/decoy" "$T/shared/private"
	echo 'y = 1' >"$T/shared/decoy/n.py"
	echo 'x = "SECRET"' >"$T/shared/private/m.py"
	chown -R "$ATTACKER" "$T/shared"
	chown -R "$VICTIM" "$T/shared/private" && chmod 700 "$T/shared/private" && chmod 777 "$T/shared/decoy"
	later "$PY" -c "$(imports "$T/shared/private")" >"$T/said"
	made=$(entries "$cache" | grep -c "/m\.$TAG")
	as "$ATTACKER" sh -c "cd '$T/shared' && mv private old && mv decoy private"
	later "$PY" -c "$how" >>"$T/said"
	is "$made $(grep -rlaF SECRET "$T/shared/private" "$T/$VICTIM/copy" 2>/dev/null)" "1 " \
		"bytecode of a private source is not left in the directory that the attacker puts in its place, when the user's program $what"
	rm -rf "$T/$VICTIM/copy"
done <<-WAYS
	compiles what is there|import compileall; compileall.compile_dir("$T/shared/private", quiet=1)
	writes a pyc there|import shutil; shutil.copyfile("$T/n.pyc", "$T/shared/private/__pycache__/n.$TAG.pyc")
	renames it|import os; os.rename("$T/shared/private/__pycache__/m.$TAG.pyc", "$T/shared/private/m.pyc")
	copies the directory|import shutil; shutil.copytree("$T/shared/private", "$T/$VICTIM/copy")
WAYS

# The one that he puts there has a link to that source. A program of numba's has left its files.
cat >"$T/numba.py" <<'END'
import os, sys
sys.path.insert(0, sys.argv[1])
import m
for name in sys.argv[2:]:
    path = os.path.join(sys.argv[1], "__pycache__", name)
    try:
        open(path, "rb").close()
    except OSError:
        pass
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".tmp.0123456789abcdef", "wb") as file:
        file.write(b"SECRET")
    os.replace(path + ".tmp.0123456789abcdef", path)
END
numba=m.f-1.py${TAG#cpython-}.nbi
while IFS='|' read -r what who how; do
	rm -rf "$cache" "$T/shared" && mkdir -p "$T/shared/decoy" "$T/shared/private"
	ln -s ../old/m.py "$T/shared/decoy/m.py"
	sleep 0.1 # the decoy is older
	echo 'x = "SECRET"' >"$T/shared/private/m.py"
	chown -hR "$ATTACKER" "$T/shared"
	chown -R "$VICTIM" "$T/shared/private" && chmod 700 "$T/shared/private" && chmod 777 "$T/shared/decoy"
	later "$PY" "$T/numba.py" "$T/shared/private" "$numba" >"$T/said"
	made=$(entries "$cache" | grep -c "/m\.")
	[ "$who" = victim ] && chown "$VICTIM" "$T/shared"
	[ "$who" = victim ] || as "$ATTACKER" sh -c "cd '$T/shared' && mv private old && mv decoy private"
	later "$PY" -c "$how" >>"$T/said"
	is "$made $(cd "$T/shared/private" && grep -rlaF --include='m.*' SECRET __pycache__ . 2>/dev/null | grep -v 'm.py$' | sed 's,.*/,,' | sort -u)" \
		"2 $([ "$who" != victim ] || printf '%s\n' "m.$TAG.pyc" "$numba")" "$what"
done <<-WAYS
	(what the cache has of a directory goes to the tree when a program writes a pyc there)|victim|import shutil; shutil.copyfile("$T/n.pyc", "$T/shared/private/__pycache__/n.$TAG.pyc")
	what the cache has of a private directory is not left in one with a link to its source, when the user's program writes a pyc there|attacker|import shutil; shutil.copyfile("$T/n.pyc", "$T/shared/private/__pycache__/n.$TAG.pyc")
	what the cache has of a private directory is not left in one with a link to its source, when the user's program enters it|attacker|import os; os.chdir("$T/shared/private/__pycache__")
	what the cache has of a private directory is not left in one with a link to its source, when the user's program opens it to create files there|attacker|import os; os.open("$T/shared/private/__pycache__", os.O_PATH)
	what the cache has of a private directory is not left in one with a link to its source, when the user's program changes it|attacker|open("$T/shared/private/__pycache__/m.$TAG.pyc", "ab")
	a file of numba's is not left in a directory that the attacker puts in the place of its own, when the user's program changes it|attacker|open("$T/shared/private/__pycache__/$numba", "ab")
	a file of numba's is not left in a directory that the attacker puts in the place of its own, when the user's program renames it|attacker|import os; os.rename("$T/shared/private/__pycache__/$numba", "$T/shared/private/m.nbi")
	a file of numba's is not left in a directory that the attacker puts in the place of its own, when the user's program links it|attacker|import os; os.link("$T/shared/private/__pycache__/$numba", "$T/shared/private/m.nbi")
WAYS

# In others' directories, the entries stay in the cache, and only imports find them.
for remove in "import shutil; shutil.rmtree(d)" "
for at, dirs, files in os.walk(d, topdown=False):
    for name in files: os.remove(os.path.join(at, name))
os.rmdir(d)" "
for name in os.listdir(d): os.remove(os.path.join(d, name))
os.rmdir(d)" "import subprocess; subprocess.check_call(['rm', '-r', d])"; do
	rm -rf "$cache" "$dir" && official "$dir" && chown -R "$ATTACKER" "$dir" && chmod 777 "$dir"
	is "$(later "$PY" -c "$(imports "$dir")
import os, shutil
d = '$dir/__pycache__'
shutil.copyfile('$T/n.pyc', d + '/n.$TAG.pyc')
print(*sorted(os.listdir(d)), os.path.exists('$pyc'))
del sys.modules['m']; import m
$remove") $(ls "$dir")" "TRUSTED
n.$TAG.pyc False
TRUSTED m.py" "a __pycache__ in others' directory shows what is in it, and can be deleted ($remove)"
	printf "%-$(($(stat -c %s "$dir/m.py") - 1))s\n" 'print("NEW")' >"$T/m.py"
	touch -r "$dir/m.py" "$T/m.py" && cat "$T/m.py" >"$dir/m.py" && touch -r "$T/m.py" "$dir/m.py"
	is "$(later "$PY" -c "$(imports "$dir")")" NEW "a __pycache__ that was deleted in others' directory leaves no stale code ($remove)"
done

# A temporary file with a second name may be where others can write to it.
rm -rf "$cache" "$dir" "$T/own" && mkdir "$T/own" && official "$dir"
chown -R "$VICTIM" "$dir" "$T/own"
cat >"$T/linking.py" <<'END'
import importlib.machinery, os, sys
class Loader(importlib.machinery.SourceFileLoader):
    def set_data(self, path, data, *, _mode=0o666):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = path + ".5"
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(data)
        os.link(temporary, sys.argv[2])
        os.replace(temporary, path)
Loader("m", sys.argv[1]).get_code("m")
END
later "$PY" "$T/linking.py" "$dir/m.py" "$T/own/artefact" >"$T/said"
check "(the artefact is there)" test -s "$T/own/artefact"
is "$(find "$cache" -samefile "$T/own/artefact"; find "$cache" -path '*/objects/*.pyc')" "" \
	"a temporary file with a second name outside the cache becomes no entry and no object"

# An object has the mode of the source it was made of. Another one of that content, in an
# ephemeral tree, may be closed.
rm -rf "$cache" "$dir" && official "$dir"
mkdir "$T/.mount_1" && cp "$dir/m.py" "$T/.mount_1" && chmod 600 "$T/.mount_1/m.py"
chown -R "$VICTIM" "$dir" "$T/.mount_1"
later "$PY" -c "$run" >"$T/said"
later "$PY" -m compileall -q "$T/.mount_1" >"$T/said"
later "$PY" -c "import os; os.rename('$T/.mount_1/__pycache__/m.$TAG.pyc', '$T/.mount_1/m.pyc')" >"$T/said"
is "$(find "$cache" -path '*/objects/*.pyc' | grep -c .) $(stat -c %a "$T/.mount_1/m.pyc")" "1 600" \
	"bytecode of a closed source in an ephemeral tree does not leave the cache with the mode of an object"

# The attacker's tree has a link to a private source, and a file in the place of its bytecode. The
# victim copies the tree, without following links.
rm -rf "$cache" "$private/__pycache__" "$T/lent"
mkdir -p "$T/lent/__pycache__" && ln -s "$private/m.py" "$T/lent/m.py"
head -c 200 /dev/zero >"$T/lent/__pycache__/m.$TAG.pyc"
ln -s "$private/m.py" "$T/lent/n.py" # without bytecode
chown -hR "$ATTACKER" "$T/lent"
later "$PY" -c "$(imports "$private")" >"$T/said"
copied() { # DIR: which copies of it, made without following links, fail or have the word SECRET in them
	rm -rf "$T/$VICTIM/copies" && mkdir "$T/$VICTIM/copies" && chown "$VICTIM" "$T/$VICTIM/copies"
	later "$PY" -c "import tarfile; tarfile.open('$T/$VICTIM/copies/tar', 'w').add('$1', 'lent')" >"$T/said" || echo "tarfile fails"
	later "$PY" -c "import shutil; shutil.copytree('$1', '$T/$VICTIM/copies/tree', symlinks=True)" >>"$T/said" || echo "copytree fails"
	later cp -r "$1" "$T/$VICTIM/copies/cp" >>"$T/said" || echo "cp fails"
	(cd "$T/$VICTIM/copies" && grep -rlaF SECRET . | sort)
	(cd "$T/$VICTIM/copies" && [ "$(echo *)" = "cp tar tree" ]) || echo "some are missing"
}
is "$(copied "$T/lent")" "" \
	"a copy of a directory has no bytecode of a private source to which another user's link leads"
later "$PY" -c "$(imports "$T/lent" n)" >"$T/said"
is "$(entries "$cache" | grep -c "$T/lent/") $(copied "$T/lent")" "1 " \
	"a copy of a directory has no bytecode of a private source that was imported through another user's link, which the cache keeps"
(cd "$T" && ln -s "$private/m.py" "$dir/n.py")
chown -h "$VICTIM" "$dir/n.py"
rm -f "$T/$VICTIM/log"
later PYCSTASH_LOG="$T/$VICTIM/log" "$PY" -c "$(imports "$dir" n)" >"$T/said"
is "$(grep -c 'reused: .*/n[.]\|reused from object: .*/n[.]' "$T/$VICTIM/log")" 1 "(bytecode of a private source is served for a link of the user's own)"

# At the name there is a file of the attacker's, but for the moment when it is opened; and, in the
# place of the bytecode, a file that the victim cannot open.
echo 'x = 1' >"$T/lent/o.py" && echo nothing >"$T/lent/__pycache__/o.$TAG.pyc"
chown -R "$ATTACKER" "$T/lent/o.py" "$T/lent/__pycache__/o.$TAG.pyc"
chmod 777 "$T/lent" && chmod 0 "$T/lent/__pycache__/o.$TAG.pyc"
rm -f "$T/$VICTIM/log"
for i in 1 2; do
	later PYCSTASH_LOG="$T/$VICTIM/log" LD_PRELOAD="$SO $T/lib/libat.so" \
		AT="open:$i:lent/o.py" DO="cd '$T/lent' && mv o.py own && ln -s '$private/m.py' o.py" \
		AT2="open:$i:lent/o.py:after" DO2="cd '$T/lent' && mv own o.py" \
		"$PY" -c "print(open('$T/lent/__pycache__/o.$TAG.pyc', 'rb').read())"
done >"$T/said"
is "$(grep -c PermissionError "$T/said") $(grep -c "$T/lent/__pycache__/o" "$T/$VICTIM/log") $(entries "$cache" | grep -c "$T/lent/.*/o")" "2 2 0" \
	"bytecode of a private source is not served to a program when another user's link leads to it for a moment"
for name in m o; do # a source of the user's own, which has bytecode, and the attacker's
	cp -p "$private/m.py" "$dir/$name.py" && mkdir -p "$dir/__pycache__"
	echo nothing >"$dir/__pycache__/$name.$TAG.pyc"
	chown "$ATTACKER" "$dir/__pycache__/$name.$TAG.pyc" && chmod 0 "$dir/__pycache__/$name.$TAG.pyc"
done
later "$PY" -c "import tarfile; tarfile.open('$T/$VICTIM/o.tar', 'w').add('$dir/__pycache__/o.$TAG.pyc')" >"$T/said"
is "$(grep -c PermissionError "$T/said")" 1 "a program that has looked at bytecode in the tree that it cannot open gets the error"
later "$PY" -c "$(imports "$dir"); print(m.x)" >"$T/said"
is "$(<"$T/said")" SECRET "(an import is served other bytecode instead)"

# The victim warms a tree whose directory everybody can write to.
rm -rf "$cache" "$T/warmed" && mkdir -p "$T/warmed/__pycache__" && ln -s "$private/m.py" "$T/warmed/m.py"
chown -hR "$ATTACKER" "$T/warmed" && chmod 777 "$T/warmed" "$T/warmed/__pycache__"
command_of "$VICTIM" "$cache" warm --python "$PY" "$T/warmed" >"$T/said" 2>&1
is "$? $(grep -c 'a link of another user, which is not followed, leads there$' "$T/said") $(ls "$T/warmed/__pycache__")" "3 1 " \
	"\`warm\` reports a source to which another user's link leads, and leaves no bytecode of it"

# The private source is in an ephemeral tree, and the attacker's tree shares its entries.
mkdir -p "$T/build-env-v/p" "$T/build-env-a/p/__pycache__" && echo 'x = "SECRET too"' >"$T/build-env-v/p/m.py"
ln -s ../../build-env-v/p/m.py "$T/build-env-a/p/m.py" && echo nothing >"$T/build-env-a/p/__pycache__/m.$TAG.pyc"
chown -R "$VICTIM" "$T/build-env-v" && chmod 700 "$T/build-env-v"
chown -hR "$ATTACKER" "$T/build-env-a" && chmod -R a+w "$T/build-env-a/p/__pycache__"
later "$PY" -c "$(imports "$T/build-env-v/p")" >"$T/said"
is "$(entries "$cache" | grep -c "/build-env-.*/m\.") $(copied "$T/build-env-a")" "1 " \
	"a copy of an ephemeral directory has no bytecode of a private source in another one to which another user's link leads"
mkdir -p "$T/build-env-w/p" && ln -s ../../build-env-v/p/m.py "$T/build-env-w/p/m.py"
chown -hR "$VICTIM" "$T/build-env-w" && rm -f "$T/$VICTIM/log"
later PYCSTASH_LOG="$T/$VICTIM/log" "$PY" -c "open('$T/build-env-w/p/__pycache__/m.$TAG.pyc')" >"$T/said"
is "$(grep -c ' hit: .*build-env-w/p/__pycache__/m[.]' "$T/$VICTIM/log")" 1 "(bytecode in an ephemeral tree is served for a link of the user's own)"
later chmod 600 "$T/build-env-a/p/__pycache__/m.$TAG.pyc"
is "$(cat "$T/build-env-a/p/__pycache__/m.$TAG.pyc")" nothing \
	"bytecode of a private source does not move to an ephemeral directory where another user's link leads to the source"

# The attacker owns the directory above a private one, and puts one of his own in its place: with a
# link to the source, or with a source of his own.
exchanged() { # COMMAND: makes the source in it
	rm -rf "$cache" "$T/shared" && mkdir -p "$T/shared/decoy/__pycache__" "$T/shared/private"
	echo 'x = "SECRET"' >"$T/shared/private/m.py" && echo nothing >"$T/shared/decoy/__pycache__/m.$TAG.pyc"
	chown -R "$ATTACKER" "$T/shared"
	chown -R "$VICTIM" "$T/shared/private" && chmod 700 "$T/shared/private"
	later "$PY" -c "$(imports "$T/shared/private")" >"$T/said"
	entries "$cache" | grep -c "/m\.$TAG"
	echo 'x = 12' >"$T/shared/victims.py" && chown "$VICTIM" "$T/shared/victims.py"
	as "$ATTACKER" sh -c "cd '$T/shared' && mv private old && mv decoy private && cd private && $1"
}
is "$(exchanged "ln -s ../old/m.py m.py") $(copied "$T/shared/private")" "1 " \
	"a copy of the directory that takes a private one's place has no bytecode of the private source to which a link in it leads"
made=$(exchanged "echo 'x = 2' >m.py && rm __pycache__/*")
later "$PY" -c "import os; os.stat('$T/shared/private/m.py'); print(open('$T/shared/private/__pycache__/m.$TAG.pyc', 'rb').read())" >"$T/said"
is "$made $(grep -c SECRET "$T/said") $(grep -c FileNotFoundError "$T/said")" "1 0 1" \
	"a program that looks at another source in such a directory does not get the old bytecode of the private one"
rm -rf "$T/$VICTIM/copies"
there=__pycache__/m.$TAG.pyc
cat >"$T/look.py" <<'END'
import os, stat
def look(path): # careful programs open only what is a file
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return open("/proc/self/fd/%d" % fd, "rb").read()
END
while IFS='|' read -r what put how; do
	made=$(exchanged "$put")
	later "$PY" -c "exec(open('$T/look.py').read()); $how" >"$T/said"
	is "$made $(grep -rlaF SECRET "$T/said" "$T/$VICTIM/copy" 2>/dev/null)" "1 " \
		"a program that $what does not get the old bytecode of the private one"
	rm -rf "$T/$VICTIM/copy"
done <<-WAYS
	copies such a directory with a source of the user's own, and with a link to nowhere|mv ../victims.py m.py && ln -sf nowhere $there|import shutil; shutil.copytree("$T/shared/private", "$T/$VICTIM/copy")
	lists such a directory with a source of the user's own|mv ../victims.py m.py && rm -r __pycache__|d = "$T/shared/private/__pycache__/"; [print(open(d + n, "rb").read()) for n in os.listdir(d)]
	opens what is in such a directory with O_PATH, to read it through that,|echo 'x = 2' >m.py|print(look("$T/shared/private/$there"))
	opens what is in such a directory with O_PATH, where nothing is,|echo 'x = 2' >m.py && rm -r __pycache__|print(look("$T/shared/private/$there"))
WAYS
rm -rf "$cache" "$private/__pycache__"
later "$PY" -c "$(imports "$private")"
for text in SECRET SECRET2; do # which makes the bytecode stale
	echo "x = '$text'" >"$private/m.py"
	is "$(later "$PY" -c "exec(open('$T/look.py').read()); print(look('$private/$there'))" | grep -c SECRET)" 1 \
		"(a program that opens bytecode of the user's own with O_PATH gets it: the source is $text)"
done
echo "x = 'SECRET'" >"$private/m.py"

# What a program truncates goes to the tree empty, with its mode.
for how in "open(pyc, os.O_WRONLY | os.O_TRUNC)" "truncate(pyc, 0)"; do
	rm -rf "$cache" "$private/__pycache__"
	(umask 077 && later "$PY" -c "$(imports "$private")")
	later "$PY" -c "import os; pyc = '$private/__pycache__/m.$TAG.pyc'; os.$how"
	is "$(stat -c '%s %a' "$private/__pycache__/m.$TAG.pyc")" "0 600" "a pyc that is truncated by $how is an empty file of the same mode"
done

# In the folder of a restored cache, there is more than the library puts there.
own=$T/$VICTIM/restored
official "$own" && chown -R "$VICTIM" "$own"
for how in "import os; os.chdir('$own/__pycache__')" "open('$own/__pycache__/n.$TAG.pyc', 'w')"; do
	rm -rf "$cache" "$own/__pycache__"
	later "$PY" -c "$(imports "$own")" >"$T/said"
	folder=$cache/v1/$TAG/tree$own/__pycache__
	chmod 4755 "$folder/m.$TAG.pyc" && cp -p "$folder/m.$TAG.pyc" "$folder/program"
	forge "$own/m.py" "$folder/m.cpython-399.pyc" hash
	truncate -s 1T "$folder/module.so" && chown -R "$VICTIM" "$folder" && chmod 4755 "$folder/m.$TAG.pyc" "$folder/program"
	later "$PY" -c "$how" >"$T/said"
	is "$(cd "$own/__pycache__" && stat -c '%n %a' m.*; ls "$own/__pycache__" | grep -v "\.$TAG\.pyc")" "m.$TAG.pyc 755" \
		"only bytecode for the interpreter, without special bits, moves from a restored cache to the tree (${how%%(*})"
done

# --- modes ------------------------------------------------------------------------------
# In a restored cache, modes that let others write to what gets into the tree.
src=$T/$VICTIM/src
folder=$cache/v1/$TAG/tree$src/__pycache__
entry=$folder/m.$TAG.pyc
umask 022
status_of() { command_of "$VICTIM" "$cache" verify "$@" >"$T/said" 2>&1; echo $?; }
fresh() { # new sources, and a new cache of their bytecode
	rm -rf "$cache" "$src"
	official "$src"
	chown -R "$VICTIM" "$src"
	with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
}
# The victim's program goes into __pycache__, which then gets into the tree.
enters() { with "$VICTIM" "$cache" "$PY" -c "$(imports "$src"); import os; os.chdir('$src/__pycache__')" >/dev/null; }
modes() { (cd "$src" && stat -c %a __pycache__ "__pycache__/m.$TAG.pyc" | xargs); }
fresh
is "$(status_of --deep)" 0 "granted: a cache with the usual modes is good"
chmod 777 "$folder"
is "$(status_of --deep) $(grep -c ' 1 files or folders, .*write' "$T/said")" "3 1" \
	"verify --deep does not call good a folder with a mode that lets others write to it in the tree"
is "$(status_of)" 0 "granted: without --deep, verify says nothing about modes"
chmod 666 "$entry"
is "$(status_of --deep) $(status_of --deep --json >/dev/null; grep -o '"writable": *[0-9]*' "$T/said" | grep -o '[0-9]*$')" "3 3" \
	"verify --deep does not call good a file with such a mode, nor the object that is the same file"
as "$VICTIM" cp -a "$cache" "$T/$VICTIM/kept"
enters
is "$(modes)" "755 644" "a mode in the cache lets others write to nothing in the tree where they may not write to the sources"
rm -rf "$cache" "$src/__pycache__"
as "$VICTIM" cp -a "$T/$VICTIM/kept" "$cache"
is "$(status_of --deep --repair) $(status_of --deep) $(stat -c %a "$folder" "$entry" | xargs)" "0 0 755 644" \
	"verify --deep --repair takes write rights from others"
enters
is "$(modes)" "755 644" "after verify --deep --repair, others can write to nothing that gets into the tree"

# --- what makes programs fail -------------------------------------------------------------
# as_compiled: whether the victim can compile the source again under the cache
as_compiled() { with "$VICTIM" "$cache" "$PY" -m compileall -fq "$src" >"$T/compiled" && echo compiled; }
deep() { # what verify --deep says about a restored cache, before and after --repair
	echo "$(status_of --deep) $(status_of --deep --repair) $(status_of --deep) $(as_compiled)"
}
fresh && chmod 555 "$folder"
is "$(as_compiled) $(deep)" " 3 0 0 compiled" \
	"verify --deep --repair opens a folder in which the user's programs fail to create bytecode"
fresh && chmod 0 "$entry"
is "$(status_of --deep) $(status_of --deep --repair) $(status_of --deep) $(stat -c %a "$entry")" "3 0 0 400" \
	"verify --deep --repair opens bytecode that the user's programs fail to copy, and checks it"
fresh
rm "$entry" && as "$VICTIM" mkdir -p "$entry/more" && as "$VICTIM" touch "$entry/more/file"
is "$(as_compiled) $(deep) $(find "$cache/v1/.trash" -mindepth 1)" " 1 1 0 compiled " \
	"verify --repair deletes a folder in the place of bytecode, which makes the user's programs fail"
for make in touch mkfifo; do
	fresh
	rm -r "$folder" "$cache/v1/$TAG/objects" && as "$VICTIM" $make "$folder"
	is "$(as_compiled) $(deep)" " 1 1 0 compiled" \
		"verify --repair deletes what is in the place of a __pycache__ and makes the user's programs fail: $make"
	rm -r "$cache/v1/$TAG/tree" "$cache/v1/$TAG/objects" && as "$VICTIM" mkdir -p "${folder%/*}" && as "$VICTIM" $make "$folder"
	with "$VICTIM" "$cache" "$PY" -c "$(imports "$src")" >/dev/null
	is "$(find "$src" -name __pycache__ ! -perm -700) $(deep)" " 1 1 0 compiled" \
		"what a restored cache has in the place of a __pycache__ does not close that in the tree: $make"
done
fresh
chmod 770 "$folder" && chmod 664 "$entry"
is "$(umask 002 && status_of --deep) $(status_of --deep)" "0 3" "verify --deep goes by its umask: a group may have what that leaves to it"
done_testing
