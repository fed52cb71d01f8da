#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Where others can exchange directories, or put something into them, the cache is for imports
# alone. Programs that look, list, copy or create find what the tree has.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks by exchanging directories"
cp "$BUILD/tests/library/libat.so" "$T/lib/"

cache=$T/$VICTIM/cache
shared=$T/shared
pyc=$shared/private/__pycache__/m.$TAG.pyc
later() { with "$VICTIM" "$cache" "$@" 2>&1; }
made() { entries "$cache" | grep -c "$shared/private/.*/m\.$TAG"; }

# private OWNER: a directory that only the victim may enter, below one of OWNER's, with a source
# that the victim has imported.
private() {
	rm -rf "$cache" "$shared" && mkdir -p "$shared/private"
	echo 'x = "SECRET"' >"$shared/private/m.py"
	chown -R "$1" "$shared" && chown -R "$VICTIM" "$shared/private" && chmod 700 "$shared/private"
	later "$PY" -c "$(imports "$shared/private")"
}
# exchanged COMMAND: the attacker puts another directory there, then does more in it.
exchanged() { as "$ATTACKER" sh -c "cd '$shared' && mv private old && mkdir private && cd private && $1"; }

look="import os
def of(act):
    try: return act()
    except OSError as error: return type(error).__name__
print(of(lambda: os.path.exists('$pyc')), of(lambda: os.path.exists('$shared/private/__pycache__')),
    of(lambda: len(open('$pyc', 'rb').read()) > 50), of(lambda: os.open('$pyc', os.O_PATH) > 2),
    of(lambda: os.listdir('$shared/private/__pycache__')), of(lambda: os.open('$shared/private/__pycache__', os.O_RDONLY) > 2),
    of(lambda: os.chdir('$shared/private/__pycache__')))"
private "$VICTIM"
is "$(later "$PY" -c "$look")" "True True True True ['m.$TAG.pyc'] True None" \
	"(in a directory that nobody can exchange, programs see what the cache has)"
private "$ATTACKER"
is "$(made) $(later "$PY" -c "$look")" "1 False False FileNotFoundError FileNotFoundError FileNotFoundError FileNotFoundError FileNotFoundError" \
	"where others can exchange a directory, programs see nothing of what the cache has"
is "$(find "$shared" -name __pycache__) $(later PYCSTASH_LOG="$T/$VICTIM/log" "$PY" -c "$(imports "$shared/private"); print(m.x)") $(grep -c 'hit.*private' "$T/$VICTIM/log")" \
	" SECRET 1" "there, imports are served, and leave nothing in the tree"
is "$(later "$PY" -c "import os; d = '$shared/private/__pycache__'
os.mkdir(d); os.stat(d); os.write(os.open('x', os.O_WRONLY | os.O_CREAT, dir_fd=os.open(d, os.O_RDONLY)), b'x'); print(os.listdir(d))")" \
	"['x']" "there, a program that creates a __pycache__ gets one"

rm -rf "$cache" "$shared/private/__pycache__"
is "$(later "$PY" -c "import sys; sys.path.insert(0, '$shared/private'); import m, os
d = '$shared/private/__pycache__'
os.makedirs(d, exist_ok=True); os.chmod(d, 0o755); os.chdir(d); print(os.listdir(d))")" "[]" \
	"there, a program that creates a __pycache__ after an import gets one"

# What the victim moves there from a directory of his own is where he has moved it to.
while IFS='|' read -r what how; do
	private "$ATTACKER"
	rm -rf "$T/$VICTIM/own"
	later mkdir "$T/$VICTIM/own"
	later cp -p "$shared/private/m.py" "$T/$VICTIM/own"
	later "$PY" -c "$(imports "$T/$VICTIM/own"); print('imported')" >"$T/said"
	later mkdir "$shared/private/__pycache__"
	is "$(cat "$T/said") $(later "$PY" -c "import os, shutil; old = '$T/$VICTIM/own/__pycache__'
$how
print(os.path.exists('$pyc'))")" "imported True" "there, bytecode that a program $what is in the tree"
done <<-WAYS
	renames|os.rename(old + '/m.$TAG.pyc', '$pyc')
	moves|shutil.move(old + '/m.$TAG.pyc', '$pyc')
	moves with its directory|os.rmdir('$shared/private/__pycache__'); shutil.move(old, '$shared/private/__pycache__')
WAYS

# A program that looks at the files of a tree, and then opens its bytecode. The attacker turns his
# source into a link to the victim's meanwhile; or it is one, and the program does not open links.
while IFS='|' read -r what how before flip; do
	private "$ATTACKER"
	as "$VICTIM" sh -c "cp '$shared/private/m.py' '$T/$VICTIM/own.py' && chmod 600 '$T/$VICTIM/own.py'"
	sleep 0.1
	later "$PY" -c "import sys; sys.path.insert(0, '$T/$VICTIM'); import own"
	exchanged "mkdir __pycache__ && echo nothing >__pycache__/m.$TAG.pyc && echo 'x = 2' >x.py && ln -s '$before' m.py &&
		ln -s '$T/$VICTIM/own.py' flipped && chmod 777 ."
	later LD_PRELOAD="$SO $T/lib/libat.so" AT="$flip" DO="cd '$shared/private' && mv flipped m.py" \
		"$PY" -c "import os
$how" >"$T/said"
	is "$(grep -c SECRET "$T/said") $(grep -c nothing "$T/said") $(readlink "$shared/private/m.py")" "0 1 $T/$VICTIM/own.py" \
		"a program that $what gets nothing of a private source to which that leads by now"
done <<-WAYS
	has looked at another user's source|os.stat('$shared/private/m.py'); print(open('$shared/private/__pycache__/m.$TAG.pyc', 'rb').read())|x.py|stat:m.py:after
	has looked at another user's link, and listed its bytecode,|os.stat('$shared/private/m.py'); os.listdir('$shared/private/__pycache__'); print(open('$shared/private/__pycache__/m.$TAG.pyc', 'rb').read())|$T/$VICTIM/own.py|stat:m.py
WAYS
is "$(later "$PY" -c "import pathlib
for path in [path for path in sorted(pathlib.Path('$shared/private').rglob('m.*')) if path.is_file() and not path.is_symlink()]:
    print(path.name, path.read_bytes())" | grep pyc)" "m.$TAG.pyc b'nothing\n'" "a program that copies a tree without links gets nothing of a private source to which one leads"
as "$ATTACKER" sh -c "cd '$shared/private' && mkdir -p encodings/__pycache__ && echo nothing >encodings/__pycache__/__init__.$TAG.pyc && ln -s '$T/$VICTIM/own.py' encodings/__init__.py"
is "$(later cat "$shared/private/encodings/__pycache__/__init__.$TAG.pyc")" nothing "cat gets nothing of a private source by that name"
is "$(later "$PY" -c "print(open('$shared/private/encodings/__pycache__/__init__.$TAG.pyc', 'rb').read())")" "b'nothing\n'" \
	"a program gets nothing of a private source if it opens what has the name of an interpreter's first bytecode"
private "$ATTACKER"
as "$VICTIM" sh -c "mkdir '$shared/private/encodings' && echo 'SECRET = 1' >'$shared/private/encodings/__init__.py'"
later "$PY" -c "import sys; sys.path.insert(0, '$shared'); import private.encodings"
exchanged "mkdir -p encodings/__pycache__ && echo nothing >encodings/__pycache__/__init__.$TAG.pyc &&
	ln -s ../../old/encodings/__init__.py encodings/__init__.py"
is "$(entries "$cache" | grep -c private/encodings/) $(later cp -r "$shared/private/encodings/__pycache__" "$T/$VICTIM/first"; cat "$T/$VICTIM/first"/*)" "1 nothing" \
	"a copy of what has that name is of the tree's file, where others can exchange the directory"
is "$(later cat "$shared/private/encodings/__pycache__/__init__.$TAG.pyc")" nothing \
	"there, who opens what has that name without a look gets the tree's file"

private "$ATTACKER"
later "$PY" -c "import py_compile, importlib._bootstrap_external as external
external._calc_mode = lambda path: 0o600
py_compile.compile('$shared/private/m.py', doraise=True)" >/dev/null
is "$(stat -c %a "$shared/private/__pycache__/m.$TAG.pyc")" 600 "there, what a compiler makes for the user alone is in the tree for the user alone"
# pip asks whether the bytecode is where it has just compiled it to.
while IFS='|' read -r what how; do
	private "$ATTACKER"
	[ -n "$how" ] || rm -rf "$cache"
	is "$(later "$PY" -c "import sys; sys.path.insert(0, '$shared/private'); $how
import os, py_compile
print(py_compile.compile('$shared/private/m.py', doraise=True) == '$pyc', os.path.exists('$pyc'))") $(ls "$shared/private/__pycache__")" \
		"True True m.$TAG.pyc" "there, what $what compiles is in the tree"
done <<-WAYS
	py_compile|
	py_compile, after an import in the same program,|import m
WAYS

# compileall compiles what it does not find; what it looks at are the files of an import.
while IFS='|' read -r what how setting; do
	private "$ATTACKER"
	is "$(made) $(later $setting "$PY" $how) $(ls "$shared/private/__pycache__" 2>&1)" "1  m.$TAG.pyc" \
		"there, $what leaves bytecode in the tree where an import has left it in the cache"
done <<-WAYS
	compileall|-m compileall -q $shared/private
	compileall of one file|-m compileall -q $shared/private/m.py
	compileall with workers|-m compileall -q -j2 $shared/private
	compileall, which PYCSTASH_ONLY leaves out,|-m compileall -q $shared/private|PYCSTASH_ONLY=$shared
WAYS
private "$ATTACKER"
is "$(made) $(later "$PY" -c "import compileall, os; print(compileall.compile_file('$shared/private/m.py', quiet=1), os.path.exists('$pyc')); os.rename('$pyc', '$T/$VICTIM/m.pyc')")" \
	"1 True True" "there, a program finds what it has called compileall for"
private "$ATTACKER"
is "$(for _ in 1 2; do later "$PY" -c "import compileall; $(imports "$shared/private"); print(m.x)"; done | xargs) $(made) $(find "$shared" -name __pycache__)" \
	"SECRET SECRET 1 " "there, a program that has loaded compileall imports, and leaves its bytecode in the cache"

private "$VICTIM"
chmod 777 "$shared/private"
is "$(made) $(later "$PY" -c "$look" | cut -d' ' -f1-4)" "1 False False FileNotFoundError FileNotFoundError" \
	"where others can put something into the directory itself, programs see nothing of it either"

# A program copies what is there now.
while IFS='|' read -r what how; do
	private "$ATTACKER"
	as "$VICTIM" sh -c "echo 'x = 1' >'$shared/private/public.py'"
	made=$(made)
	exchanged "mkdir __pycache__ && $how"
	rm -rf "$T/$VICTIM/copy"
	later "$PY" -c "import os, shutil
to = '$T/$VICTIM/copy'; os.mkdir(to)
for d, dirs, files, fd in os.fwalk('$shared/private'):
    for name in files + ['m.$TAG.pyc', '__pycache__/m.$TAG.pyc']:
        for flags in os.O_RDONLY, os.O_PATH:
            try:
                for path, at in (name, fd), (os.path.join(d, name), None):
                    found = os.open(os.open(path, flags, dir_fd=at) if flags == 0 else '/proc/self/fd/%d' % os.open(path, flags, dir_fd=at), 0) if flags else os.open(path, flags, dir_fd=at)
                    open(to + '/%d' % found, 'wb').write(os.read(found, 10000))
            except OSError: pass
shutil.copytree('$shared/private', to + '/tree', ignore_dangling_symlinks=True)" >"$T/said"
	is "$made $(grep -rlaF SECRET "$T/$VICTIM/copy")" "1 " \
		"a copy of the directory that takes a private one's place has nothing of the private one's if it has $what"
done <<-WAYS
	the victim's other source|ln ../old/public.py m.py 2>/dev/null; ln -s nowhere __pycache__/m.$TAG.pyc
	a source of the attacker's|echo 'x = 2' >m.py; ln -s nowhere __pycache__/m.$TAG.pyc
	a source and bytecode of the attacker's|echo 'x = 2' >m.py; echo nothing >__pycache__/m.$TAG.pyc
	nothing|:
WAYS

# What a program has open was the cache's when nobody could exchange it.
private "$VICTIM"
later "$PY" -c "import os; os.stat('$pyc'); fd = os.open('$shared/private/__pycache__', os.O_RDONLY)
os.chmod('$shared', 0o777); os.rename('$shared/private', '$shared/old'); os.makedirs('$shared/private/__pycache__')
os.open('x', os.O_WRONLY | os.O_CREAT, dir_fd=fd)" >"$T/said"
is "$(ls "$shared/private/__pycache__") $(tail -1 "$T/said" | cut -d: -f1)" " FileNotFoundError" \
	"a descriptor of the cache's directory does not become one of a directory that others may have put there"

# Nothing proves numba's files, nor a temporary file that a program has left. A snapshot has given
# the cache's files second names, so that their marks may be wrong. The attacker's directory is older.
numba=m.f-1.py${TAG#cpython-}.nbi left=n.$TAG.pyc.123456
cat >"$T/unproven.py" <<'END'
import os, sys, threading
d, numba, left = sys.argv[1:]
sys.path.insert(0, d)
import m
def put(name, final):
    path = os.path.join(d, "__pycache__", name)
    try: open(os.path.join(d, "__pycache__", final)).close()
    except OSError: open(d + "/n.py").close()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file: file.write(b"SECRET")
    return path
path = put(numba + ".tmp.0123456789abcdef", numba)
os.replace(path, path[:-21])
path = put(left, left[:-7])
def look(): print(open(path).read(), os.stat(path).st_size)
look()
thread = threading.Thread(target=look); thread.start(); thread.join()
END
unproven() {
	rm -rf "$cache" "$shared" "$T/$VICTIM/copy" && mkdir -p "$shared/decoy/__pycache__" "$T/$VICTIM/copy/__pycache__"
	echo 'x = 1' >"$shared/decoy/m.py" && echo dummy | tee "$shared/decoy/__pycache__/$numba" >"$shared/decoy/__pycache__/$left"
	sleep 0.1
	mkdir "$shared/private" && echo 'x = 1' | tee "$shared/private/m.py" >"$shared/private/n.py"
	chown -R "$ATTACKER" "$shared" && chown -R "$VICTIM" "$shared/private" "$T/$VICTIM/copy"
	chmod -R a+w "$shared/decoy" && chmod 700 "$shared/private"
	later "$PY" "$T/unproven.py" "$shared/private" "$numba" "$left"
	as "$VICTIM" cp -al "$cache/v1" "$cache/snapshot"
	later "$PY" -c "print(open('$shared/private/__pycache__/$numba').read())"
}
is "$(unproven | xargs) $(find "$shared/private" "$cache/v1" -name "$numba" -o -name "$left" | sed 's,.*/,,' | sort | xargs)" "SECRET 6 SECRET 6 SECRET $numba $left" \
	"in an exposed directory, programs find numba's files for it, and the temporary files of their own"
while IFS='|' read -r what how; do
	unproven >"$T/said"
	as "$ATTACKER" sh -c "cd '$shared' && mv private old && mv decoy private"
	later "$PY" -c "import os, shutil
d = '$shared/private/__pycache__/'; copy = '$T/$VICTIM/copy/'
for name in '$numba', '$left':
    $how" >"$T/said"
	is "$(grep -rlaF SECRET "$T/said" "$T/$VICTIM/copy" "$shared/private") $(grep -rlaF dummy "$T/said" "$T/$VICTIM/copy" | head -1 | wc -l)" " 1" \
		"of the directory that takes a private one's place, a program $what nothing that numba or a killed program has left for the private one"
done <<-WAYS
	reads|print(open(d + name).read(), os.stat(d + name).st_size)
	reads by a descriptor of O_PATH|print(open('/proc/self/fd/%d' % os.open(d + name, os.O_PATH)).read())
	opens to change|print(open(d + name, 'r+').read())
	copies|shutil.copytree('$shared/private', copy + name)
	links|os.link(d + name, copy + 'x'); print(open(copy + 'x').read()); os.remove(copy + 'x')
	renames|os.rename(d + name, copy + name)
	renames to a __pycache__|os.rename(d + name, copy + '__pycache__/' + name); print(open(copy + '__pycache__/' + name).read())
	moves with its __pycache__|os.rename(d, copy + '__pycache__') if os.path.exists(d) else 0; print(open(copy + '__pycache__/' + name).read())
WAYS

# An ephemeral tree shares its entries with others of its kind. Its name in the cache has stars.
rm -rf "$T"/build-env-*
mkdir -m 755 "$T/build-env-v" "$T/build-env-v/pkg" && echo 'x = "of its own"' >"$T/build-env-v/pkg/m.py" && chown -R "$VICTIM" "$T/build-env-v"
mkdir -p "$T/build-env-*/pkg/__pycache__" && chown -R "$ATTACKER" "$T/build-env-*" && chmod 777 "$T/build-env-*/pkg/__pycache__"
later "$PY" -c "$(imports "$T/build-env-v/pkg")
import os; os.stat('$T/build-env-v/pkg/__pycache__/m.$TAG.pyc')
fd = os.open('$T/build-env-v/pkg/__pycache__', os.O_RDONLY)
os.open('x', os.O_WRONLY | os.O_CREAT, dir_fd=fd)" >"$T/said"
is "$(ls "$T/build-env-v/pkg/__pycache__") $(ls "$T/build-env-*/pkg/__pycache__")" "x " \
	"what a program creates by the descriptor of an ephemeral directory does not get into one with stars in its name"

# A program that only lists, or copies links as links, acts on nothing to which the attacker's lead.
private "$ATTACKER"
exchanged "mkdir __pycache__ && mkfifo pipe && ln -s pipe m.py"
as "$ATTACKER" sh -c "echo opened >'$shared/private/pipe'" &
writer=$!
later "$PY" -c "import os, shutil; os.stat('$pyc') if os.path.exists('$pyc') else 0
os.listdir('$shared/private/__pycache__'); list(os.walk('$shared'))
shutil.copytree('$shared/private', '$T/$VICTIM/links', symlinks=True, ignore=lambda d, names: ['pipe'])" >"$T/said"
is "$(kill -0 "$writer" 2>&1)" "" "a program that lists a directory does not open what a source there leads to"
timeout 5 cat "$shared/private/pipe" >/dev/null # which ends the writer
wait "$writer"
if type -P strace >/dev/null; then
	private "$ATTACKER"
	exchanged "mkdir __pycache__ && echo nothing >__pycache__/m.$TAG.pyc && ln -s /proc/self/root/etc/passwd m.py"
	later strace -f -o "$T/$VICTIM/trace" "$PY" -c "import shutil; shutil.copytree('$shared/private', '$T/$VICTIM/again', symlinks=True)" >"$T/said"
	is "$(grep -c "$shared/private/m\.py.*NOFOLLOW" "$T/$VICTIM/trace" | grep -vx 0 >/dev/null && grep "$shared/private/m\.py\"" "$T/$VICTIM/trace" | grep -v NOFOLLOW | grep -cE 'stat|open')" 0 \
		"a program that copies links as links does not wait for what another user's source leads to"
else
	skip "a program that copies links as links does not wait for what another user's source leads to" "there is no strace"
fi

# led: the victim's own directory, in which a link of his own leads to a source of the
# attacker's, which he has imported; then the attacker makes that a link.
led() { # TARGET
	rm -rf "$T/theirs" && mkdir "$T/theirs" && echo 'x = "SECRET"' >"$T/theirs/lib.py" && chown -R "$ATTACKER" "$T/theirs"
	private "$VICTIM"
	as "$VICTIM" sh -c "cd '$shared/private' && ln -sf '$T/theirs/lib.py' m.py && echo y=1 >own.py && ln -s own.py o.py"
	later "$PY" -c "$(imports "$shared/private"); import o"
	as "$ATTACKER" sh -c "rm -f '$T/theirs/lib.py' && mkfifo '$T/theirs/pipe' && ln -s '$1' '$T/theirs/lib.py'"
}
# What programs do that follow no link, to the bytecode at PYC.
acts="import os
def of(act):
    try: return act()
    except OSError as error: return type(error).__name__
def looks(pyc): of(lambda: os.lstat(pyc)); of(lambda: os.path.exists(pyc)); of(lambda: os.access(pyc, os.R_OK))
def lists(pyc): os.listdir(os.path.dirname(pyc)); list(os.scandir(os.path.dirname(pyc)))
def reads(pyc): of(lambda: open(pyc, 'rb').read())
def opens_with_O_PATH(pyc): of(lambda: os.open(pyc, os.O_PATH))
def renames(pyc): of(lambda: os.rename(pyc, '$T/$VICTIM/renamed.pyc'))
def moves(pyc): of(lambda: os.rename(os.path.dirname(pyc), '$T/$VICTIM/renamed'))
def creates(pyc):
    of(lambda: os.makedirs(os.path.dirname(pyc)))
    looks(pyc); open(pyc + '.5', 'w').close(); os.replace(pyc + '.5', pyc)"
# follows ACT: prints the calls with which it follows the source.
follows() {
	rm -rf "$T/$VICTIM/renamed"*
	later strace -f -o "$T/$VICTIM/trace" "$PY" -c "$acts
$1('$pyc')" >"$T/said"
	grep -q exited "$T/$VICTIM/trace" || echo "no trace"
	grep -E "\"($shared/private|$T/theirs)/(m|lib)\.py\"" "$T/$VICTIM/trace" |
		grep -vE 'NOFOLLOW|^[0-9]+ +(readlink|lstat)' | cut -d'(' -f1 | sed 's/.* //' | sort | uniq -c | xargs
}
if type -P strace >/dev/null; then
	for act in looks lists reads opens_with_O_PATH renames creates; do
		private "$ATTACKER"
		exchanged "mkdir __pycache__ && echo nothing >__pycache__/m.$TAG.pyc && echo 'x = 1' >m.py"
		is "$(follows "$act")" "" "a program that ${act//_/ } asks nothing of another user's source, which may become a link meanwhile"
	done
	for act in looks lists opens_with_O_PATH renames moves creates; do
		led nowhere
		is "$(made) $(follows "$act")" "1 " "a program that ${act//_/ } does not follow the user's own link where another user's leads on"
		led nowhere
		as "$VICTIM" sh -c "mkdir '$shared/private/__pycache__'; cp -p '$(entries "$cache" | grep '/tree/.*/private/.*/m\.')' '$pyc'"
		is "$(made) $(follows "$act")" "1 " "a program that ${act//_/ } does not follow that either if the tree has bytecode too"
	done
else
	skip "programs that follow no link ask nothing of another user's source" "there is no strace"
fi
led pipe
as "$ATTACKER" sh -c "echo opened >'$T/theirs/pipe'" &
writer=$!
as "$VICTIM" mkdir "$shared/private/__pycache__"
is "$(later timeout 60 "$PY" -c "import os; print(os.listdir('$shared/private/__pycache__'))"; kill -0 "$writer" 2>&1)" "['o.$TAG.pyc']" \
	"a program that lists the user's own directory does not open what another user's link leads to, and sees where the user's own lead"
later timeout 60 "$PY" -c "open('$pyc', 'rb')" 2>/dev/null
is "$(kill -0 "$writer" 2>&1)" "" "a program that opens bytecode there does not open a pipe to which the source leads"
timeout 5 cat "$T/theirs/pipe" >/dev/null # which ends the writer
wait "$writer"
done_testing
