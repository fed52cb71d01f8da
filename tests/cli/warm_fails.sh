#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash warm when something goes wrong: faulty sources and interpreters, what it refuses, a
# full disk, an interrupt.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/cli/warm.bash
. "$HERE/tests/cli/warm.bash"

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
is "$got" "$(summary 0 0 1 0 5 3)" "warm ends with 3 if some sources have errors, and compiles the others"
is "$(sed 's/^pycstash: //; s/:.*//; s,.*/,,' "$T/err" | sort | xargs)" "bytes.py coding.py deep.py null.py syntax.py" \
	"each source with an error is reported on a line of its own"
check "a syntax error is reported with its line" grep -q "bad/syntax.py: line 2: SyntaxError: " "$T/err"
is "$(warm --json --python "$python" "$T/bad" 2>/dev/null | "$python" -c '
import json, sys
data = json.load(sys.stdin)
assert data["schema"] == "pycstash.warm/1", data
print(data["failed"], data["sources"], sorted(f["path"].split("/")[-1] for f in data["failures"] if f.get("line") == 2))')" \
	"5 6 ['syntax.py']" "--json has the sources that failed"

# python_that NAME OLD NEW: makes an interpreter that replaces OLD by NEW in warm's script.
python_that() {
	cat >"$T/$1" <<-END
		#!$python
		import os, sys
		args = sys.argv[1:]
		if "-I" in args:
		    args[-1] = args[-1].replace("""$2""", """$3""", 1)
		os.execv("$python", ["$python"] + args)
	END
	chmod +x "$T/$1"
}

# If an interpreter hangs on a file, its time runs out, and the other files are compiled.
python_that hangs "loader.get_code(" "'hang' in path and __import__('time').sleep(60); loader.get_code("
mkdir "$T/slow"
for i in 1 2 3; do echo "a = $i" >"$T/slow/a$i.py"; done
echo 'b = 1' >"$T/slow/hang.py"
SECONDS=0
is "$(said warm --timeout 1 --python "$T/hangs" "$T/slow")" "$(summary 0 0 3 0 1 3)" "a source on which the compiler hangs is given up"
check "a source whose compilation hangs is given up when its time is over" test "$SECONDS" -lt 20
check "a source that is given up is reported" grep -q 'slow/hang.py: .*--timeout' "$T/err"

printf '#!/bin/sh\nexec sleep 3456\n' >"$T/mute"
chmod +x "$T/mute"
SECONDS=0
is "$(said warm --timeout 1 --python "$T/mute" "$T/app")" "exit 14" "an interpreter that hangs at its start is given up, too"
check "an interpreter that hangs is given up when its time is over" test $SECONDS -lt 15
check "an interpreter that is given up is reported" grep -q 'mute: .*did not end in time' "$T/err"

# Others put something else in the place of a source when the interpreter has looked at it.
becomes() { # INTERPRETER: what warm says then
	local python=$1 name
	fresh
	rm -rf "$T/becomes"
	mkdir "$T/becomes"
	for name in good pipe zero terminal hole; do echo "a = '$name'" >"$T/becomes/$name.py"; done
	mkfifo "$T/becomes/pipe.py.new"
	ln -s /dev/zero "$T/becomes/zero.py.new"
	ln -s /dev/tty "$T/becomes/terminal.py.new"
	truncate -s 64G "$T/becomes/hole.py.new"
	python_that turns "raise FileNotFoundError(path)" \
		"posix.access(self.path + '.new', 0) and posix.rename(self.path + '.new', self.path); raise FileNotFoundError(path)"
	(ulimit -v 8000000 && said warm -j 1 --timeout 5 --python "$T/turns" "$T/becomes")
	sed 's,.*/becomes/,,' "$T/err" | sort
}
for interpreter in "${pythons[@]}"; do
	is "$(becomes "$interpreter")" "$(summary 0 0 1 0 4 3)
$(printf '%s.py: it was changed a moment before it was compiled; try again\n' hole pipe terminal zero)" "$(named "$interpreter"): whatever a source becomes, warm neither waits for it nor reads it to its end"
done

# --- under the library -----------------------------------------------------------------------
# An interpreter that compiles other bytes than the library reads, which a writable mapping of
# the source can cause.
fresh
python_that flips "return self.source" "self.source = self.source.replace(b'trusted', b'flipped'); return self.source"
mkdir "$T/flip"
echo 'name = "trusted"' >"$T/flip/m.py"
echo 'name = "other"' >"$T/flip/n.py"
if "$python" -c 'import _blake2' 2>/dev/null; then
	is "$(said warm --python "$T/flips" "$T/flip")" "$(summary 0 0 1 0 1 3)" \
		"where the compiler got other bytes than the library, that is a failure"
	check "a source that changes while it is compiled is reported as changed" grep -q 'flip/m.py: it was changed while it was compiled' "$T/err"
	is "$(entries | sed 's,.*/,,; s/[.].*//' | xargs)" n "a source that changes while it is compiled leaves no entry"
	is "$(find "$CACHE" -path '*/objects/*' -type f | wc -l)" 1 "a source that changes while it is compiled leaves no object"
else
	skip "where the compiler got other bytes than the library, that is a failure" "no _blake2"
fi

# Another user's directory, which is a link to somewhere else whenever its source is compiled.
if [ "$(id -u)" = 0 ]; then
	fresh
	python_that turns "store(temporary, *loader.bytecode)" "path = '/turning/' in path and path[:-5]
        path and (posix.rename(path, path + '.old'), posix.symlink('there', path))
        try: store(temporary, *loader.bytecode)
        finally: path and (posix.unlink(path), posix.rename(path + '.old', path))"
	mkdir -p "$T/others/turning" "$T/others/there"
	"$python" -c 'print("x = 1" + "#" * 5000)' | tee "$T/others/turning/m.py" >"$T/others/there/m.py"
	echo 'x = 2' >"$T/others/n.py"
	chown -hR 65534 "$T/others"
	is "$(said warm -j 1 --python "$T/turns" "$T/others")" "$(summary 0 0 2 0 1 3)" \
		"a directory that others turn into a link does not end warm's work on other sources"
	check "a source whose directory is turned into a link is reported" grep -q 'turning/m.py: its bytecode could not be stored' "$T/err"
else
	skip "a directory that others turn into a link does not end warm's work on other sources" "not root"
fi

# Directories in the place of two entries, whose bytecode is to be made from objects, or compiled.
fresh
mkdir "$T/taken"
for name in a b c; do echo "x = '$name'" >"$T/taken/$name.py"; done
warm --quiet --python "$python" "$T/taken"
for taken in $(entries | grep '/[bc][.]'); do rm "$taken" && mkdir "$taken"; done
for how in "from objects" compiled; do
	find "$CACHE" -name 'a.*.pyc' -delete
	[ "$how" = "from objects" ] || rm -rf "$CACHE"/v1/*/objects
	is "$(said warm -j 1 --python "$python" "$T/taken" | grep -o "1 $how\|2 failed\|exit .*" | xargs)" "1 $how 2 failed exit 3" \
		"a directory in the place of an entry does not end warm's work on other sources ($how)"
	is "$(grep -c 'taken/[bc].py: in the cache, a directory is in the place' "$T/err")" 2 \
		"warm names each source whose entry is a directory ($how)"
done

# An interpreter that does not load the library.
fresh
printf '#!/bin/sh\nunset LD_PRELOAD\nexec "%s" "$@"\n' "$python" >"$T/alone"
chmod +x "$T/alone"
mkdir "$T/flip/__pycache__"
before=$(find "$T/flip" -printf '%P %i\n' | sort)
is "$(said warm --python "$T/alone" "$T/flip")" \
	"0 up to date, 0 from objects, 0 compiled, 0 in-tree, 0 failed, 2 left"$'\nexit 3' \
	"an interpreter that the library does not reach stores nothing"
is "$(grep -c 'alone: this interpreter does not use the cache' "$T/err")" 1 "an interpreter that the library does not reach is reported once"
is "$(find "$T/flip" -printf '%P %i\n' | sort)" "$before" "a tree whose sources change has no more files than before"

# An interpreter whose output is not an answer.
printf '#!/bin/sh\ncase " $* " in *" -I "*) echo hello ;; esac\nexec "%s" "$@"\n' "$python" >"$T/chatty"
chmod +x "$T/chatty"
fresh
is "$(said warm -j 1 --python "$T/chatty" "$T/flip")" "$(summary 0 0 0 0 2 3)" \
	"of an interpreter that prints what is no answer, none is believed"

# Entries that warm's interpreters store are counted as those of any other program.
fresh
make_tree "$T/twice/one"
make_tree "$T/twice/two"
# One job at a time, because two might both find that the cache has no such content yet.
compiled=$(warm -j 1 --python "$python" --json "$T/twice" | tee "$T/out" | field compiled)
is "$compiled" 9 "of two copies of a tree, only one is compiled"
is "$((compiled + $(field from_objects <"$T/out")))" 20 "the entries of the second copy are made from objects"
is "$("$PYCSTASH" stats --dir "$CACHE" | awk '$1 == "all" { print $2 }')" 20 "stats knows of each entry"

# --- what is refused ----------------------------------------------------------------------------
code() { "$@" >/dev/null 2>"$T/err"; echo $?; }
is "$(code warm)" 2 "warm without a path ends with 2"
is "$(code warm --opt 3 "$T/app")$(code warm --opt '' "$T/app")$(code warm --timeout x "$T/app")" 222 "a wrong value of an option ends with 2"
is "$(code warm --python /no/such "$T/app")" 14 "warm with an interpreter that does not exist ends with 14"
hex_lines() { for line; do printf %s "$line" | od -An -v -tx1 | tr -d ' \n' && echo; done; }
printf '#!/bin/sh\necho "%s"\n' "$(hex_lines cpython-35 3.5.2 160d0d0a)" >"$T/old"
chmod +x "$T/old"
is "$(code warm --python "$T/old" "$T/app")" 14 "warm with an interpreter that is too old ends with 14"
check "an interpreter that is too old is reported with its version" grep -q '3\.5\.2; 3\.6 or later' "$T/err"
is "$(PYCSTASH_READONLY=1 code warm --python "$python" "$T/app")" 12 "warm of a read-only cache ends with 12"
mkdir "$T/documents"
echo mine >"$T/documents/letter"
is "$(PYCSTASH_DIR=relative code "$PYCSTASH" warm --python "$python" "$T/app")" 10 "warm ends with 10 where no setting says where the cache is"
is "$(code "$PYCSTASH" warm --dir "$T/documents" --python "$python" "$T/app")" 12 "warm into a directory that is not a cache ends with 12"
is "$(ls "$T/documents")" letter "warm leaves a newer pycstash's cache as it is"
(cd "$T" && "$PYCSTASH" warm --dir relative --python "$python" "$T/app") >/dev/null
mkdir -m 700 "$T/newer" "$T/newer/v2"
cp "$CACHE/v1/CACHEDIR.TAG" "$T/newer/v2"
is "$(code "$PYCSTASH" warm --dir "$T/newer" --python "$python" "$T/app") $(ls "$T/newer" | xargs)" "0 v1 v2" \
	"warm makes a cache of ours beside a newer pycstash's"
check "--dir may be relative" test -d "$T/relative/v1"
mkdir -m 777 "$T/open"
is "$(code "$PYCSTASH" warm --dir "$T/open/cache" --python "$python" "$T/app")" 12 "warm ends with 12 if others could rename the cache"
check "a folder that is left out is reported by its name" grep -q "^pycstash: $T/open: " "$T/err"
chmod 777 "$CACHE/v1"
is "$(code warm --python "$python" "$T/app")" 12 "warm ends with 12 if others can write to the cache"
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
	is "$((compiled + $(field left <<<"$got")))" 100 "on a full disk, warm counts the entries that are left"
	is "$(find "$T/many" -name __pycache__ | wc -l)" 0 "on a full disk, warm leaves the tree unchanged"
	is "$(find "$T/disk" -name '*.pyc.*' | wc -l)" 0 "on a full disk, warm leaves no temporary file"
	umount "$T/disk"
else
	skip "warm ends with 3 on a full disk" "no file system of its own to fill"
fi

# --- interrupted -------------------------------------------------------------------------------
fresh
# A shell makes its background commands ignore this signal.
env --default-signal=INT "$PYCSTASH" warm --dir "$CACHE" -j 2 --timeout 20 --python "$T/hangs" --json "$T/slow" >"$T/out" 2>"$T/err" &
pid=$!
for _ in $(seq 100); do # the three are done, the one hangs
	[ "$(entries | grep -c /a)" -lt 3 ] || break
	sleep 0.1
done
workers=$(cat "/proc/$pid/task/"*/children 2>/dev/null)
check "interpreters are running when warm is interrupted" test -n "$workers"
kill -INT $pid
wait $pid
is "$?" 130 "warm ends with 130 when it is interrupted"
is "$(field interrupted <"$T/out") $(field compiled <"$T/out") $(field left <"$T/out")" "True 3 1" \
	"warm says what is done and what is left when it is interrupted"
check "warm says that it was interrupted" grep -q '^pycstash: warm: interrupted; ' "$T/err"
# shellcheck disable=SC2086
is "$(for worker in $workers; do kill -0 $worker 2>/dev/null && echo alive; done)" "" "warm leaves no interpreter running when it is interrupted"
done_testing
