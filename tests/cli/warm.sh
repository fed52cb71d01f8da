#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash warm: after it nothing is left to compile. Also what it prints, and what it leaves
# alone. Failures are in warm_fails.sh.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

# shellcheck source=tests/cli/warm.bash
. "$HERE/tests/cli/warm.bash"

# --- what it is for: the first start compiles nothing --------------------------------------
for interpreter in "${pythons[@]}"; do
	fresh
	mkdir "$T/image"
	make_tree "$T/image/app"
	chmod -R a-w "$T/image"
	before=$(tree_of "$T/image")
	got=$(said warm --python "$interpreter" --opt 0,2 "$T/image/app")
	# Of m6 and same, one is compiled at each level, and the other is made from its object,
	# unless both were compiled at the same time.
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

# A read-only cache: existing entries count as up to date.
fresh
warm --python "$python" "$T/app/pkg" >/dev/null 2>&1
before=$(tree_of "$CACHE")
is "$(PYCSTASH_READONLY=1 said warm --python "$python" "$T/app/pkg")" "$(summary 9 0 0 0 0)" \
	"with PYCSTASH_READONLY, existing entries are up to date"
got=$(PYCSTASH_READONLY=1 said warm --python "$python" "$T/app")
is "$got $(grep -c PYCSTASH_READONLY "$T/err")" \
	"9 up to date, 0 from objects, 0 compiled, 0 in-tree, 0 failed, 1 left"$'\n'"exit 12 1" "with PYCSTASH_READONLY, missing entries are left, which is reported once"
is "$(PYCSTASH_READONLY=1 said warm -n --python "$python" "$T/app/main.py" | tail -2)" \
	"0 up to date, 0 to make from objects, 1 to compile, 0 in-tree, 0 failed"$'\n'"exit 0" "with PYCSTASH_READONLY, a dry run says what it would compile"
cp -R "$T/app/pkg" "$T/again"
is "$(PYCSTASH_READONLY=1 said warm --python "$python" "$T/again")" \
	"0 up to date, 0 from objects, 0 compiled, 0 in-tree, 0 failed, 9 left"$'\n'"exit 12" "with PYCSTASH_READONLY, no entry is made from an object"
is "$(tree_of "$CACHE")" "$before" "with PYCSTASH_READONLY, nothing is written"
if [ "$(id -u)" = 0 ] && mkdir "$T/ro" && mount --bind "$CACHE" "$T/ro" 2>/dev/null; then
	mount -o remount,bind,ro "$T/ro"
	is "$(said "$PYCSTASH" warm --dir "$T/ro" --python "$python" "$T/app/pkg")" "$(summary 9 0 0 0 0)" "a cache that is mounted read-only, likewise"
	is "$(said "$PYCSTASH" warm --dir "$T/ro" --python "$python" "$T/app" | tail -1) $(grep -c 'Read-only file system' "$T/err")" \
		"exit 12 1" "in a cache on a read-only mount, missing entries are left, which is reported once"
	umount "$T/ro"
else
	skip "a cache that is mounted read-only, likewise" "this user cannot mount"
fi

# A tree on a file system that is mounted read-only, for a user without privileges.
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
is "$(said warm --python "$python" "$T/app")" "$(summary $sources 0 0 0 0)" "a second run finds all entries up to date"
echo 'changed = 1' >>"$T/app/pkg/m3.py"
is "$(said warm --python "$python" "$T/app")" "$(summary $((sources - 1)) 0 1 0 0)" "a changed source is compiled again"
touch "$T/app/pkg/m2.py"
is "$(said warm --python "$python" "$T/app")" \
	"$((sources - 1)) up to date, 1 re-sealed, 0 from objects, 0 compiled, 0 in-tree, 0 failed"$'\nexit 0' \
	"an entry whose source was touched is re-sealed"
cp -R "$T/app" "$T/copy"
is "$(said warm --python "$python" "$T/copy")" "$(summary 0 $sources 0 0 0)" "the entries of a copy are made from objects"
# A python that says its version, but compiles nothing.
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
is "$(said warm --python "$python" "$T/copy2/new.py")" "$(summary 0 0 1 0 0)" "warm takes a single source"
is "$(said warm --python "$python" "$T/copy2/new.py" "$T/copy2/new.py")" "$(summary 2 0 0 0 0)" "named twice"
rm -rf "$T/copy" "$T/copy2"


# What an interpreter has said about itself is remembered as long as the file is unchanged.
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

# Looking at entries that are up to date takes no memory for compiling.
fresh
warm --python "$python" "$T/app" >/dev/null
check "up to date: 64 jobs take no memory to compile in" "$python" -c 'import resource, subprocess, sys
subprocess.check_call(sys.argv[1:], stdout=subprocess.DEVNULL)
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
assert most < 25 << 10, most' "$PYCSTASH" warm --dir "$CACHE" -j 64 --python "$python" "$T/app"

# --- what its interpreters run ---------------------------------------------------------------
# Forged bytecode of what they import at their start, and for a source in that encoding: as an
# entry, as an object, in a layer.
fresh
real=$("$python" -I -c 'import encodings, os; print(os.path.realpath(encodings.__path__[0]))')
warm -q --force --python "$python" "$real/__init__.py" "$real/cp1252.py"
entries | while read -r entry; do
	source=$real/$(basename "${entry%%."$(tag_of "$python")"*}").py
	"$python" -I -B "$HERE/tests/trust/forge.py" "import posix
posix.close(posix.open('$T/ran', 64))
f = posix.open('$source', 0)
exec(compile(posix.read(f, 1 << 20), '$source', 'exec'))" "$source" "$entry"
done
printf '# coding: cp1252\nx = 1\n' >"$T/coded.py"
starts_forged() { rm -f "$T/ran" && preloaded "$@" "$python" -c pass && ls "$T/ran"; }
forged_runs() { # what warm prints, and whether forged bytecode has run
	rm -f "$T/ran"
	echo "$(said "$@" "$PYCSTASH" warm --dir "$CACHE" --python "$python" "$T/coded.py") $(find "$T" -maxdepth 1 -name ran)"
}
cp -R "$CACHE" "$T/layer"
is "$(starts_forged env; rm -rf "$CACHE"; starts_forged env PYCSTASH_LAYERS="$T/layer")" "$T/ran"$'\n'"$T/ran" \
	"forged bytecode of what an interpreter imports first is served to a program"
is "$(forged_runs env PYCSTASH_LAYERS="$T/layer")" "$(summary 0 0 1 0 0) " "warm's interpreters run nothing from a layer"
rm -rf "$CACHE"
mv "$T/layer" "$CACHE"
find "$CACHE/v1" -name '*.pyc' -exec sha256sum {} + >"$T/sums"
is "$(forged_runs env)" "$(summary 0 0 1 0 0) " "warm's interpreters run nothing from the cache that they fill"
check "warm's interpreters leave what the cache has of their own modules as it is" sha256sum -c --quiet "$T/sums"
# As in images whose Python has no bytecode beside its library.
without_pycs() { # COMMAND…: also prints what is left in its place
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c 'mount -t tmpfs none "$0" && "$@"; ls "$0"' "$real/__pycache__" "$@"
}
if [ -d "$real/__pycache__" ] && without_pycs true >/dev/null 2>&1; then
	find "$CACHE" -path "*/tree$real/*" -delete
	echo >>"$T/coded.py"
	is "$(forged_runs without_pycs)" "$(summary 0 0 1 0 0) " "warm's interpreters run no objects, and write nothing beside their library"
	is "$(find "$CACHE" -path "*/tree$real/*.pyc")" "" "warm's interpreters make no entries of what they import themselves"
else
	skip "warm's interpreters run no objects, and write nothing beside their library" "nothing can be mounted here"
fi

# --- in the tree -----------------------------------------------------------------------------
fresh
cp -R "$T/app" "$T/shipped"
"$python" -m compileall -q "$T/shipped/pkg" >/dev/null
is "$(said warm --python "$python" "$T/shipped")" "$(summary 0 0 1 9 0)" "sources with valid pycs in the tree need nothing"
is "$(said warm --force -j 1 --python "$python" "$T/shipped")" "$(summary 1 1 8 0 0)" "--force warms sources with valid pycs in the tree"
is "$(said warm --python "$python" "$T/shipped")" "$(summary 10 0 0 0 0)" "the cache serves what warm --force made"

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
is "$(said warm --python "$python" "$T/odd/script")" "$(summary 0 0 0 0 1 3)" "a file that is not a source is reported"
is "$(said warm --python "$python" "$T/missing" "$T/odd/a")" "$(summary 2 0 0 0 1 3)" "a path that is not there is a failure beside one that is"
is "$(cd "$T/odd" && ln -s a also && warm --python "$python" also | cut -d, -f1)" "2 up to date" \
	"a PATH that is a symbolic link stands for its target"
long=$(printf '%0240d' 0)
echo 'x = 1' >"$T/odd/$long.py"
is "$(said warm --python "$python" --opt 2 "$T/odd/$long.py")" "$(summary 0 0 0 0 1 3)" \
	"a name that is too long for bytecode is reported"
mkdir "$T/odd/long" && echo 'x = 1' >"$T/odd/long/${long:6}.py"
for n in 1 2 3; do echo "y = $n" >"$T/odd/long/$n.py"; done
is "$(said warm --python "$python" -j 1 "$T/odd/long")" "$(summary 0 0 3 0 1 3)" \
	"a name that only its temporary name makes too long is reported, and the others are done"
rm -r "$T/odd/long"
mkdir "$T/large"
yes "$long" | sed 's/^/#/' | head -c 34000000 >"$T/large/m.py"
echo >>"$T/large/m.py"
is "$(said warm --python "$python" "$T/large") $(grep -c '32 MiB' <(warm --help)) $(find "$CACHE" "$T/large" -path '*/large/*.pyc*' | wc -l)" \
	"$(summary 0 0 0 0 1 3) 1 0" "a source of more than 32 MiB is a failure, as the help says, and leaves no file"
rm -r "$T/large"
is "$(PYCSTASH_EXCLUDE=$T/odd/a "$PYCSTASH" warm --dir "$CACHE" --python "$python" --json "$T/odd/a" | field excluded)" 2 \
	"sources that settings exclude are not compiled"

# --- layers, and trees that come and go -----------------------------------------------------
fresh
cp -R "$T/odd/a" "$T/pip-build-env-1234"
is "$(said warm --python "$python" "$T/pip-build-env-1234")" "$(summary 0 0 2 0 0)" "a tree that will go is compiled"
cp -R "$T/odd/a" "$T/pip-build-env-5678"
is "$(said warm --python "$python" "$T/pip-build-env-5678") $(entries | grep -c pip-build)" "$(summary 2 0 0 0 0) 2" \
	"a second run for such a source does nothing"
mv "$CACHE" "$T/layer"
is "$(PYCSTASH_LAYERS=$T/layer said warm --python "$python" "$T/odd/a")" "$(summary 0 2 0 0 0)" \
	"sources with bytecode in a layer are not compiled"
fresh
is "$(PYCSTASH_LAYERS=$T/layer said warm --force --python "$python" "$T/odd/a") $(entries | grep -c odd/a)" "$(summary 0 0 2 0 0) 2" \
	"--force makes entries of sources with bytecode in a layer"
is "$(PYCSTASH_LAYERS=$T/layer said warm --force -n --python "$python" "$T/odd/a")" "$(summary 2 0 0 0 0 | sed 's/from objects/to make from objects/; s/compiled/to compile/')" \
	"a dry run of --force counts the entries that the cache has"
rm -rf "$T/layer"

# --- a dry run -------------------------------------------------------------------------------
fresh
is "$(said warm -n --python "$python" "$T/odd/a" | sed 's,/.*/,,' | sort | xargs)" \
	"0 up to date, 0 to make from objects, 2 to compile, 0 in-tree, 0 failed exit 0 to compile for $(tag_of "$python") at level 0: plain.py to compile for $(tag_of "$python") at level 0: with.dots.py" \
	"--dry-run lists the sources that it would compile"
check "--dry-run creates no cache" test ! -e "$CACHE"
warm --python "$python" -q "$T/odd/a" >"$T/out"
is "$(cat "$T/out")" "" "--quiet prints nothing"
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

# --- together with others ----------------------------------------------------------------------
fresh
warm --python "$python" "$T/app" >/dev/null 2>&1 &
one=$!
warm --python "$python" "$T/app" >/dev/null 2>&1
wait $one
is "$(said warm --python "$python" "$T/app")" "$(summary $sources 0 0 0 0)" "two runs of warm at the same time leave a whole cache"
PYTHONNODEBUGRANGES=1 warm --python "$python" "$T/app" >/dev/null
is "$(find "$CACHE/v1" -maxdepth 1 -name '*+no_debug_ranges' | wc -l)" 1 "with PYTHONNODEBUGRANGES, warm makes entries of a version of its own"
done_testing
