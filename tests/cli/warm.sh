#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash warm: what it leaves to be compiled (nothing), what it says, and what it leaves
# alone.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

warm() { "$PYCSTASH" warm --dir "$CACHE" "$@"; }
# The exit code behind what is said, on one line each.
said() { "$@" 2>"$T/err"; echo "exit $?"; }
field() { # NAME: a number out of pycstash.warm/1 on stdin
	"$python" -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
summary() { # UP-TO-DATE FROM-OBJECTS COMPILED IN-TREE FAILED [EXIT]
	printf '%s up to date, %s from objects, %s compiled, %s in-tree, %s failed\nexit %s' \
		"$1" "$2" "$3" "$4" "$5" "${6:-0}"
}
fresh() { rm -rf "$CACHE"; }
tree_of() { find "$1" -printf '%P %y %m %s %T@ %C@\n' | sort; }

version_of() { "$1" -c 'import sys; print("%s%d.%d" % ((sys.implementation.name,) + sys.version_info[:2]))'; }
pythons=()
for want in cpython3.8 cpython3.11 cpython3.13 pypy; do
	found=
	while read -r candidate; do
		case $(version_of "$candidate") in "$want"*) found=$candidate && break ;; esac
	done < <(interpreters cached)
	if [ -n "$found" ]; then pythons+=("$found"); else skip "$want compiles nothing after it" "it is not here"; fi
done
python=${pythons[0]:-}
[ -n "$python" ] || { done_testing; exit; }
chmod 755 "$T"
public= # one that an ordinary user can run as well
for interpreter in "${pythons[@]}"; do
	[ -n "$public" ] || ! as_user "$interpreter" -S -c pass 2>/dev/null || public=$interpreter
done

# A package whose modules all differ, and one that is there twice.
make_tree() {
	local i
	mkdir -p "$1/pkg/sub"
	for i in 1 2 3 4 5 6; do
		printf 'def f(a):\n    """Doc."""\n    assert a\n    return a + %d\n' "$i" >"$1/pkg/m$i.py"
	done
	cp "$1/pkg/m6.py" "$1/pkg/sub/same.py"
	echo 'from . import m1, m2, m3, m4, m5, m6' >"$1/pkg/__init__.py"
	echo '# nothing' >"$1/pkg/sub/__init__.py"
	printf '%s\n' 'import pkg' 'from pkg.sub import same' 'print(pkg.m1.f(1), same.f.__code__.co_filename)' >"$1/main.py"
}
make_tree "$T/app"
sources=$(find "$T/app" -name '*.py' | wc -l)
is "$sources" 10 "there are sources to warm"

# --- what it is for: the first start compiles nothing --------------------------------------
for interpreter in "${pythons[@]}"; do
	fresh
	mkdir "$T/image"
	make_tree "$T/image/app"
	chmod -R a-w "$T/image"
	before=$(tree_of "$T/image")
	got=$(said warm --python "$interpreter" --opt 0,2 "$T/image/app")
	# m6 and same: one is compiled, at each level, and the other made of its object, if
	# they were not compiled at the same time
	case $got in
	"$(summary 0 2 18 0 0)" | "$(summary 0 1 19 0 0)" | "$(summary 0 0 20 0 0)") ok "$(named "$interpreter"): all is compiled, once" ;;
	*) not_ok "$(named "$interpreter"): all is compiled, once" "$got" "$(cat "$T/err")" ;;
	esac
	is "$(tree_of "$T/image")" "$before" "$(named "$interpreter"): nothing changes in a tree that is read-only"
	is "$(entries | grep -c "$T/image")" 20 "$(named "$interpreter"): there is an entry for each source and level"
	stamp=$(find "$CACHE" -path "*$T/image*" -printf '%p %i %T@\n' | sort)
	for level in "" -OO; do
		rm -f "$T/log"
		# shellcheck disable=SC2086
		preloaded PYCSTASH_LOG="$T/log" PYTHONPATH="$T/image/app" "$interpreter" $level -c \
			'import main' >"$T/out" 2>&1 || cat "$T/out"
		is "$(cat "$T/out")" "2 $T/image/app/pkg/sub/same.py" "$(named "$interpreter") $level: the program runs"
		is "$(grep "$T/image" "$T/log" | sed 's/^[^:]*: //; s/ .*//' | sort | uniq -c | xargs)" "10 hit:" \
			"$(named "$interpreter") $level: the program compiles nothing"
	done
	check "$(named "$interpreter"): a warmed program writes nothing" \
		test "$(find "$CACHE" -path "*$T/image*" -printf '%p %i %T@\n' | sort)" = "$stamp"
	chmod -R u+w "$T/image"
	rm -rf "$T/image"
done

# A cache that is only read: what it has counts.
fresh
warm --python "$python" "$T/app/pkg" >/dev/null 2>&1
before=$(tree_of "$CACHE")
is "$(PYCSTASH_READONLY=1 said warm --python "$python" "$T/app/pkg")" "$(summary 9 0 0 0 0)" \
	"PYCSTASH_READONLY: what is there is up to date"
got=$(PYCSTASH_READONLY=1 said warm --python "$python" "$T/app")
is "$got $(grep -c PYCSTASH_READONLY "$T/err")" \
	"9 up to date, 0 from objects, 0 compiled, 0 in-tree, 0 failed, 1 left"$'\n'"exit 12 1" "a cache that is not to be written: what is missing is left, which is reported once"
is "$(PYCSTASH_READONLY=1 said warm -n --python "$python" "$T/app/main.py" | tail -2)" \
	"0 up to date, 0 to make from objects, 1 to compile, 0 in-tree, 0 failed"$'\n'"exit 0" "a dry run says what"
cp -R "$T/app/pkg" "$T/again"
is "$(PYCSTASH_READONLY=1 said warm --python "$python" "$T/again")" \
	"0 up to date, 0 from objects, 0 compiled, 0 in-tree, 0 failed, 9 left"$'\n'"exit 12" "a cache that is not to be written gets no entry from an object"
is "$(tree_of "$CACHE")" "$before" "nothing was written"
if [ "$(id -u)" = 0 ] && mkdir "$T/ro" && mount --bind "$CACHE" "$T/ro" 2>/dev/null; then
	mount -o remount,bind,ro "$T/ro"
	is "$(said "$PYCSTASH" warm --dir "$T/ro" --python "$python" "$T/app/pkg")" "$(summary 9 0 0 0 0)" "a cache that is mounted read-only, likewise"
	is "$(said "$PYCSTASH" warm --dir "$T/ro" --python "$python" "$T/app" | tail -1) $(grep -c 'Read-only file system' "$T/err")" \
		"exit 12 1" "a cache on a read-only mount: what is missing is left, which is reported once"
	umount "$T/ro"
else
	skip "a cache that is mounted read-only, likewise" "this user cannot mount"
fi

# On a file system that is mounted read-only, of a user who has no privileges.
if [ "$(id -u)" = 0 ] && mkdir "$T/mounted" && mount --bind "$T/app" "$T/mounted" 2>/dev/null; then
	fresh
	mount -o remount,bind,ro "$T/mounted"
	chmod 1777 "$T/home"
	for user in "" ${public:+as_user}; do
		is "$($user "$PYCSTASH" warm --dir "$T/home/cache$user" -j 1 --python "${public:-$python}" "$T/mounted" 2>&1)" \
			"0 up to date, 1 from objects, 9 compiled, 0 in-tree, 0 failed" "a read-only mount is warmed${user:+ by an ordinary user}"
		$user env LD_PRELOAD="$SO" PYCSTASH_DIR="$T/home/cache$user" PYCSTASH_LOG=stderr PYTHONPATH="$T/mounted" \
			"${public:-$python}" -c 'import main' 2>&1 >"$T/out" | grep "$T/mounted" | sed 's/^[^:]*: //; s/ .*//' | sort | uniq -c | xargs >"$T/counts"
		is "$(cat "$T/counts")" "10 hit:" "a program in the copy of a tree that was warmed compiles nothing"
	done
	umount "$T/mounted"
else
	skip "a read-only mount is warmed" "this user cannot mount"
fi

# --- only what is missing ------------------------------------------------------------------
fresh
warm --python "$python" "$T/app" >/dev/null
is "$(said warm --python "$python" "$T/app")" "$(summary $sources 0 0 0 0)" "the second time all is up to date"
echo 'changed = 1' >>"$T/app/pkg/m3.py"
is "$(said warm --python "$python" "$T/app")" "$(summary $((sources - 1)) 0 1 0 0)" "a changed source is compiled again"
touch "$T/app/pkg/m2.py"
is "$(said warm --python "$python" "$T/app")" \
	"$((sources - 1)) up to date, 1 re-sealed, 0 from objects, 0 compiled, 0 in-tree, 0 failed"$'\nexit 0' \
	"a touched one is sealed anew"
cp -R "$T/app" "$T/copy"
is "$(said warm --python "$python" "$T/copy")" "$(summary 0 $sources 0 0 0)" "a copy is made of objects"
# A python that can say what it is, and compile nothing.
cat >"$T/lazy" <<-END
	#!/bin/sh
	case " \$* " in *" -I "*) exit 9 ;; esac
	exec "$python" "\$@"
END
chmod +x "$T/lazy"
cp -R "$T/app" "$T/copy2"
is "$(said warm --python "$T/lazy" "$T/copy2")" "$(summary 0 $sources 0 0 0)" "for which no interpreter compiles"
echo 'new = 1' >"$T/copy2/new.py"
is "$(said warm --python "$T/lazy" "$T/copy2")" "$(summary $sources 0 0 0 1 3)" "an interpreter that is needed and dies is a failure"
check "an interpreter that dies is reported with the source it was compiling" grep -q "copy2/new.py: .*exit code 9" "$T/err"
is "$(said warm --python "$python" "$T/copy2/new.py")" "$(summary 0 0 1 0 0)" "a single source"
is "$(said warm --python "$python" "$T/copy2/new.py" "$T/copy2/new.py")" "$(summary 2 0 0 0 0)" "named twice"
rm -rf "$T/copy" "$T/copy2"


# What an interpreter said of itself is kept, as long as it is that file.
fresh
mkdir "$T/bin"
cp "$(readlink -f "$python")" "$T/bin/python"
real="$("$python" -c 'import sys; print(sys.base_prefix)')"
PYTHONHOME=$real warm --python "$T/bin/python" "$T/app/main.py" >/dev/null 2>&1
for _ in 1 2; do
	PYTHONHOME=$real strace -f -e trace=execve -o "$T/strace" "$PYCSTASH" warm --dir "$CACHE" \
		--python "$T/bin/python" "$T/app/main.py" >"$T/out" 2>&1
done
is "$(grep -c 'execve(.*bin/python' "$T/strace")" 0 "an interpreter that is known is not started to be asked"
cp "$T/bin/python" "$T/bin/new"
mv "$T/bin/new" "$T/bin/python"
PYTHONHOME=$real strace -f -e trace=execve -o "$T/strace" "$PYCSTASH" warm --dir "$CACHE" \
	--python "$T/bin/python" "$T/app/main.py" >"$T/out" 2>&1
is "$(grep -c 'execve(.*bin/python' "$T/strace")" 1 "an entry whose source was replaced is made again"

# What is up to date is looked at, and no more is got ready than that takes.
fresh
warm --python "$python" "$T/app" >/dev/null
check "up to date: 64 jobs take no memory to compile in" "$python" -c 'import resource, subprocess, sys
subprocess.check_call(sys.argv[1:], stdout=subprocess.DEVNULL)
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
assert most < 25 << 10, most' "$PYCSTASH" warm --dir "$CACHE" -j 64 --python "$python" "$T/app"

# --- in the tree -----------------------------------------------------------------------------
fresh
cp -R "$T/app" "$T/shipped"
"$python" -m compileall -q "$T/shipped/pkg" >/dev/null
is "$(said warm --python "$python" "$T/shipped")" "$(summary 0 0 1 9 0)" "sources with valid pycs in the tree need nothing"
is "$(said warm --force -j 1 --python "$python" "$T/shipped")" "$(summary 1 1 8 0 0)" "--force warms sources with valid pycs in the tree"
is "$(said warm --python "$python" "$T/shipped")" "$(summary 10 0 0 0 0)" "the cache serves what warm --force made"

# --- what cannot be compiled -----------------------------------------------------------------
fresh
mkdir "$T/bad"
echo 'good = 1' >"$T/bad/good.py"
printf 'fine = 1\ndef f(:\n' >"$T/bad/syntax.py"
printf 'x = "\0"\n' >"$T/bad/null.py"
printf '# coding: no-such\n' >"$T/bad/coding.py"
printf 'x = "\xff"\n' >"$T/bad/bytes.py"
"$python" -c 'print("-" * 100000 + "1")' >"$T/bad/deep.py"
got=$(said warm --python "$python" "$T/bad")
is "$got" "$(summary 0 0 1 0 5 3)" "sources with errors are passed over, and the code is 3"
is "$(sed 's/^pycstash: //; s/:.*//; s,.*/,,' "$T/err" | sort | xargs)" "bytes.py coding.py deep.py null.py syntax.py" \
	"each is said on a line of its own"
check "a syntax error with its line" grep -q "bad/syntax.py: line 2: SyntaxError: " "$T/err"
is "$(warm --json --python "$python" "$T/bad" 2>/dev/null | "$python" -c '
import json, sys
data = json.load(sys.stdin)
assert data["schema"] == "pycstash.warm/1", data
print(data["failed"], data["sources"], sorted(f["path"].split("/")[-1] for f in data["failures"] if f.get("line") == 2))')" \
	"5 6 ['syntax.py']" "--json has the sources that failed"

# An interpreter that hangs: the file costs its time, and the others are compiled.
cat >"$T/hangs" <<-END
	#!$python
	import os, sys
	args = sys.argv[1:]
	if "-I" in args:
	    args[-1] = args[-1].replace("loader.get_code(", "'hang' in path and __import__('time').sleep(60); loader.get_code(", 1)
	os.execv("$python", ["$python"] + args)
END
chmod +x "$T/hangs"
mkdir "$T/slow"
for i in 1 2 3; do echo "a = $i" >"$T/slow/a$i.py"; done
echo 'b = 1' >"$T/slow/hang.py"
SECONDS=0
is "$(said warm --timeout 1 --python "$T/hangs" "$T/slow")" "$(summary 0 0 3 0 1 3)" "a source that hangs the compiler is given up"
check "a source whose compilation hangs is given up when its time is over" test "$SECONDS" -lt 20
check "a source that is given up is reported" grep -q 'slow/hang.py: .*--timeout' "$T/err"

printf '#!/bin/sh\nexec sleep 3456\n' >"$T/mute"
chmod +x "$T/mute"
SECONDS=0
is "$(said warm --timeout 1 --python "$T/mute" "$T/app")" "exit 14" "an interpreter that hangs at its start is given up, too"
check "an interpreter that hangs is given up when its time is over" test $SECONDS -lt 15
check "an interpreter that is given up is reported" grep -q 'mute: .*did not end in time' "$T/err"

# --- under the library -----------------------------------------------------------------------
# One that compiles other bytes than the library reads, as a writable mapping of the source
# can make it.
fresh
cat >"$T/flips" <<-END
	#!$python
	import os, sys
	args = sys.argv[1:]
	if "-I" in args:
	    args[-1] = args[-1].replace("super().get_data(path)", "super().get_data(path).replace(b'trusted', b'flipped')", 1)
	os.execv("$python", ["$python"] + args)
END
chmod +x "$T/flips"
mkdir "$T/flip"
echo 'name = "trusted"' >"$T/flip/m.py"
echo 'name = "other"' >"$T/flip/n.py"
if "$python" -c 'import _blake2' 2>/dev/null; then
	is "$(said warm --python "$T/flips" "$T/flip")" "$(summary 0 0 1 0 1 3)" \
		"where the compiler got other bytes than the library, that is a failure"
	check "a source that changes while it is compiled is reported as changed" grep -q 'flip/m.py: it was changed while it was compiled' "$T/err"
	is "$(entries | sed 's,.*/,,; s/[.].*//' | xargs)" n "it leaves no entry"
	is "$(find "$CACHE" -path '*/objects/*' -type f | wc -l)" 1 "a source that changes while it is compiled leaves no object"
else
	skip "where the compiler got other bytes than the library, that is a failure" "no _blake2"
fi

# One that the library does not reach.
fresh
printf '#!/bin/sh\nunset LD_PRELOAD\nexec "%s" "$@"\n' "$python" >"$T/alone"
chmod +x "$T/alone"
mkdir "$T/flip/__pycache__"
before=$(find "$T/flip" -printf '%P %i\n' | sort)
is "$(said warm --python "$T/alone" "$T/flip")" \
	"0 up to date, 0 from objects, 0 compiled, 0 in-tree, 0 failed, 2 left"$'\nexit 3' \
	"an interpreter that the library does not reach stores nothing"
is "$(grep -c 'alone: this interpreter does not use the cache' "$T/err")" 1 "that is reported once"
is "$(find "$T/flip" -printf '%P %i\n' | sort)" "$before" "a tree whose sources change has no more files than before"

# One that prints what is no answer.
printf '#!/bin/sh\ncase " $* " in *" -I "*) echo hello ;; esac\nexec "%s" "$@"\n' "$python" >"$T/chatty"
chmod +x "$T/chatty"
fresh
is "$(said warm -j 1 --python "$T/chatty" "$T/flip")" "$(summary 0 0 0 0 2 3)" \
	"of an interpreter that prints what is no answer, none is believed"

# What the interpreters store is counted as what any program stores.
fresh
make_tree "$T/twice/one"
make_tree "$T/twice/two"
compiled=$(warm -j 2 --python "$python" --json "$T/twice" | tee "$T/out" | field compiled)
check "of two copies of a tree one is compiled" test "$compiled" -ge 9 -a "$compiled" -le 10
is "$((compiled + $(field from_objects <"$T/out")))" 20 "the other is made of its objects"
is "$("$PYCSTASH" stats --dir "$CACHE" | awk '$1 == "all" { print $2 }')" 20 "stats knows of each entry"

# --- what is looked at -----------------------------------------------------------------------
fresh
mkdir -p "$T/odd/a" "$T/odd/__pycache__" "$T/odd/.hidden" "$T/elsewhere" "$T/odd/dir.py"
echo 'x = 1' >"$T/odd/"$'line\nfeed.py'
echo 'x = 2' >"$T/odd/"$'latin\xe9.py'
echo 'x = 3' >"$T/odd/a/plain.py"
echo 'x = 4' >"$T/odd/a/with.dots.py"
echo 'x = 5' >"$T/odd/.hidden/h.py"
echo 'x = 6' >"$T/elsewhere/linked.py"
echo 'x = 7' >"$T/odd/__pycache__/no.py"
echo 'x = 8' >"$T/odd/script"
ln -s "$T/elsewhere" "$T/odd/link"
ln -s "$T/elsewhere/linked.py" "$T/odd/link.py"
ln -s nothing "$T/odd/dangling.py"
mkfifo "$T/odd/fifo.py"
ln -s fifo.py "$T/odd/tofifo.py"
is "$(said warm --python "$python" "$T/odd")" "$(summary 0 0 6 0 0)" \
	"names of any bytes, hidden ones, links to files; no links to directories, no pipes"
is "$(warm --python "$python" -j 1 --exclude 'l*' --exclude "$T/odd/a/pl*" --json "$T/odd" | field sources)" 2 \
	"--exclude by name and by path"
is "$(said warm --python "$python" "$T/odd/script")" "$(summary 0 0 0 0 1 3)" "a file that is no source is said"
is "$(said warm --python "$python" "$T/missing" "$T/odd/a")" "$(summary 2 0 0 0 1 3)" "a path that is not there is a failure beside one that is"
is "$(cd "$T/odd" && ln -s a also && warm --python "$python" also | cut -d, -f1)" "2 up to date" \
	"a directory named by a link is its own place"
long=$(printf '%0240d' 0)
echo 'x = 1' >"$T/odd/$long.py"
is "$(said warm --python "$python" --opt 2 "$T/odd/$long.py")" "$(summary 0 0 0 0 1 3)" \
	"a name that is too long for bytecode is said"
mkdir "$T/odd/long" && echo 'x = 1' >"$T/odd/long/${long:6}.py"
for n in 1 2 3; do echo "y = $n" >"$T/odd/long/$n.py"; done
is "$(said warm --python "$python" -j 1 "$T/odd/long")" "$(summary 0 0 3 0 1 3)" \
	"a name that only its temporary name makes too long is reported, and the others are done"
rm -r "$T/odd/long"
is "$(PYCSTASH_EXCLUDE=$T/odd/a "$PYCSTASH" warm --dir "$CACHE" --python "$python" --json "$T/odd/a" | field excluded)" 2 \
	"what settings exclude is left alone"

# --- layers, and trees that come and go -----------------------------------------------------
fresh
cp -R "$T/odd/a" "$T/pip-build-env-1234"
is "$(said warm --python "$python" "$T/pip-build-env-1234")" "$(summary 0 0 2 0 0)" "a tree that will go is compiled"
cp -R "$T/odd/a" "$T/pip-build-env-5678"
is "$(said warm --python "$python" "$T/pip-build-env-5678") $(entries | grep -c pip-build)" "$(summary 2 0 0 0 0) 2" \
	"a second run for such a source does nothing"
mv "$CACHE" "$T/layer"
is "$(PYCSTASH_LAYERS=$T/layer said warm --python "$python" "$T/odd/a")" "$(summary 0 2 0 0 0)" \
	"what a layer has is not compiled"
rm -rf "$T/layer"

# --- a dry run -------------------------------------------------------------------------------
fresh
is "$(said warm -n --python "$python" "$T/odd/a" | sed 's,/.*/,,' | sort | xargs)" \
	"0 up to date, 0 to make from objects, 2 to compile, 0 in-tree, 0 failed exit 0 to compile for $(tag_of "$python") at level 0: plain.py to compile for $(tag_of "$python") at level 0: with.dots.py" \
	"--dry-run says what it would do"
check "a dry run makes no cache" test ! -e "$CACHE"
warm --python "$python" -q "$T/odd/a" >"$T/out"
is "$(cat "$T/out")" "" "--quiet says nothing"
cp -R "$T/odd/a" "$T/odd/b"
before=$(find "$CACHE" -printf '%p %T@\n' | sort)
is "$(warm -n --python "$python" "$T/odd/b")" "0 up to date, 2 to make from objects, 0 to compile, 0 in-tree, 0 failed" \
	"a dry run with a cache says what it would do and does not do it"
is "$(find "$CACHE" -printf '%p %T@\n' | sort)" "$before" "a dry run leaves the cache as it is"

if unshare --mount true 2>/dev/null; then
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" &&
		exec "$2" warm --dir "$1" --python "$3" "$4"' - "$CACHE" "$PYCSTASH" "$python" "$T/odd/b" >/dev/null 2>"$T/err"
	check "a cache that is mounted read-only is said to be" grep -q 'Read-only file system' "$T/err"
else
	skip "a cache that is mounted read-only is said to be" "nothing can be mounted here"
fi

# --- what is refused ----------------------------------------------------------------------------
code() { "$@" >/dev/null 2>"$T/err"; echo $?; }
is "$(code warm)" 2 "no path: 2"
is "$(code warm --opt 3 "$T/app")$(code warm --opt '' "$T/app")$(code warm --timeout x "$T/app")" 222 "wrong values: 2"
is "$(code warm --python /no/such "$T/app")" 14 "no such interpreter: 14"
hex_lines() { for line; do printf %s "$line" | od -An -v -tx1 | tr -d ' \n' && echo; done; }
printf '#!/bin/sh\necho "%s"\n' "$(hex_lines cpython-35 3.5.2 160d0d0a)" >"$T/old"
chmod +x "$T/old"
is "$(code warm --python "$T/old" "$T/app")" 14 "one that is too old: 14"
check "an interpreter that is too old is reported with its version" grep -q '3\.5\.2; 3\.6 or later' "$T/err"
is "$(PYCSTASH_READONLY=1 code warm --python "$python" "$T/app")" 12 "a cache that is only read: 12"
mkdir "$T/documents"
echo mine >"$T/documents/letter"
is "$(code "$PYCSTASH" warm --dir "$T/documents" --python "$python" "$T/app")" 12 "a directory that is no cache: 12"
is "$(ls "$T/documents")" letter "warm leaves a newer pycstash's cache as it is"
(cd "$T" && "$PYCSTASH" warm --dir relative --python "$python" "$T/app") >/dev/null
mkdir -m 700 "$T/newer" "$T/newer/v2"
cp "$CACHE/CACHEDIR.TAG" "$T/newer"
is "$(code "$PYCSTASH" warm --dir "$T/newer" --python "$python" "$T/app") $(ls "$T/newer" | xargs)" "0 CACHEDIR.TAG v1 v2" \
	"warm makes a cache of ours beside a newer pycstash's"
check "--dir may be relative" test -d "$T/relative/v1"
mkdir -m 777 "$T/open"
is "$(code "$PYCSTASH" warm --dir "$T/open/cache" --python "$python" "$T/app")" 12 "a cache that others could put aside: 12"
check "a folder that is left out is reported by its name" grep -q "^pycstash: $T/open: " "$T/err"
chmod 777 "$CACHE/v1"
is "$(code warm --python "$python" "$T/app")" 12 "a cache that others can write to: 12"
fresh

# --- as an ordinary user ------------------------------------------------------------------------
if [ -z "$public" ]; then
	skip "an ordinary user: what cannot be read is a failure" "the interpreters are root's alone"
else
	mkdir -p "$T/users/tree/secret" && echo 'x = 1' >"$T/users/tree/a.py" && echo 'x = 2' >"$T/users/tree/b.py"
	echo 'x = 3' >"$T/users/tree/secret/c.py"
	chmod 1777 "$T/users" && chmod 0 "$T/users/tree/secret" "$T/users/tree/b.py" && chmod a-w "$T/users/tree"
	is "$(said as_user "$PYCSTASH" warm --dir "$T/users/cache" --python "$public" "$T/users/tree")" \
		"$(summary 0 0 1 0 2 3)" "an ordinary user: what cannot be read is a failure, the rest is done"
	is "$(sed 's/^pycstash: //' "$T/err" | sort)" \
		"$T/users/tree/b.py: Permission denied"$'\n'"$T/users/tree/secret: Permission denied" "an ordinary user is told the names of what cannot be read"
	closed=$(dirname "$(find "$T/users/cache/v1" -path '*/tree/*' -name __pycache__)")
	chmod 0 "$closed"
	as_user "$PYCSTASH" warm --dir "$T/users/cache" --python "$public" "$T/users/tree" >/dev/null 2>"$T/err"
	check "a folder of the cache that is closed is not a full disk" \
		grep -q "$T/users/cache: the cache cannot be written: Permission denied" "$T/err"
	chmod 700 "$closed"
fi

# --- a full disk ---------------------------------------------------------------------------------
if [ "$(id -u)" = 0 ] && mkdir "$T/disk" && mount -t tmpfs -o size=768k,mode=700 none "$T/disk" 2>/dev/null; then
	for i in $(seq 100); do
		mkdir -p "$T/many/d$i"
		"$python" -c "for n in range(60): print('def f%d(a): return a + $i' % n)" >"$T/many/d$i/m.py"
	done
	got=$("$PYCSTASH" warm --dir "$T/disk/cache" --python "$python" --json "$T/many" 2>"$T/err")
	is "$?" 3 "warm ends with 3 on a full disk"
	is "$(wc -l <"$T/err") $(grep -c 'the cache cannot be written: No space' "$T/err")" "1 1" "warm reports a full disk once"
	compiled=$(field compiled <<<"$got")
	check "warm does what is possible before the disk is full" test "$compiled" -gt 0
	is "$((compiled + $(field left <<<"$got")))" 100 "a full disk: what is left is counted"
	is "$(find "$T/many" -name __pycache__ | wc -l)" 0 "the tree is untouched then, too"
	is "$(find "$T/disk" -name '*.pyc.*' | wc -l)" 0 "a full disk: no temporary file is left"
	umount "$T/disk"
else
	skip "warm ends with 3 on a full disk" "no file system of its own to fill"
fi

# --- interrupted -------------------------------------------------------------------------------
fresh
# A shell has its background commands ignore the signal.
env --default-signal=INT "$PYCSTASH" warm --dir "$CACHE" -j 2 --timeout 20 --python "$T/hangs" --json "$T/slow" >"$T/out" 2>"$T/err" &
pid=$!
for _ in $(seq 100); do # the three are done, the one hangs
	[ "$(entries | grep -c /a)" -lt 3 ] || break
	sleep 0.1
done
workers=$(cat "/proc/$pid/task/"*/children 2>/dev/null)
check "interpreters are at work" test -n "$workers"
kill -INT $pid
wait $pid
is "$?" 130 "an interrupt ends it with 130"
is "$(field interrupted <"$T/out") $(field compiled <"$T/out") $(field left <"$T/out")" "True 3 1" \
	"warm says what is done and what is left when it is interrupted"
check "warm says that it was interrupted" grep -q '^pycstash: warm: interrupted; ' "$T/err"
# shellcheck disable=SC2086
is "$(for worker in $workers; do kill -0 $worker 2>/dev/null && echo alive; done)" "" "warm leaves no interpreter running when it is interrupted"

# --- together with others ----------------------------------------------------------------------
fresh
warm --python "$python" "$T/app" >/dev/null 2>&1 &
one=$!
warm --python "$python" "$T/app" >/dev/null 2>&1
wait $one
is "$(said warm --python "$python" "$T/app")" "$(summary $sources 0 0 0 0)" "two at a time do no harm"
PYTHONNODEBUGRANGES=1 warm --python "$python" "$T/app" >/dev/null
is "$(find "$CACHE/v1" -maxdepth 1 -name '*+no_debug_ranges' | wc -l)" 1 "bytecode without columns has a place of its own"
done_testing
