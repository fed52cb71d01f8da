#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The settings of the library: what each of them changes for a program that imports modules.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

call=$BUILD/tests/calls/call
tree=$T/tree
mkdir -p "$tree"/{a,ab,b/c}
ln -s a "$tree/link"
cd "$tree" || exit 1

fresh() { rm -rf "$CACHE" "$tree"/*/__pycache__ "$tree"/b/c/__pycache__; }
# Runs a script (lines on stdin) under the library, with settings given as VARIABLE=VALUE.
run() { env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$@" "$call" --script; }
places() { # which sources have a __pycache__ in the tree, and which an entry in the cache
	(cd "$tree" && find . -name __pycache__ | sort | sed 's,^\./,tree:,; s,/__pycache__,,')
	entries | sed -n "s,.*/tree$tree/,cache:,; s,/__pycache__/.*,,p" | sort -u
}
imports() { for dir in "$@"; do echo "import $dir/m"; done; }
where() { # SENTENCE PLACES SOURCES VARIABLE=VALUE…
	local sentence=$1 want=$2 sources=$3
	shift 3
	fresh
	# shellcheck disable=SC2086
	imports $sources | run "$@" >"$T/out" 2>"$T/err"
	is "$(places | tr '\n' ' ')" "$want " "$sentence"
	[ ! -s "$T/err" ] || not_ok "$sentence; nothing is printed" "$(cat "$T/err")"
}

where "without settings, all bytecode goes to the cache" "cache:a cache:ab cache:b/c" "a ab b/c" X=
where "ONLY limits the cache to sources below its prefix" "tree:ab tree:b/c cache:a" "a ab b/c" PYCSTASH_ONLY="$tree/a"
where "a prefix in ONLY may end with a slash" "tree:ab cache:a" "a ab" PYCSTASH_ONLY="$tree/a/"
where "ONLY may have several prefixes" "tree:ab cache:a cache:b/c" "a ab b/c" PYCSTASH_ONLY="$tree/b:$tree/a"
where "empty prefixes in ONLY are ignored" "tree:ab cache:a" "a ab" PYCSTASH_ONLY="::$tree/a::"
where "an empty ONLY counts as unset" "cache:a" "a" PYCSTASH_ONLY=
where "ONLY=/ serves all sources" "cache:a cache:b/c" "a b/c" PYCSTASH_ONLY=/
where "a relative prefix in ONLY serves nothing" "tree:a" "a" PYCSTASH_ONLY=a
where "ONLY may name the link through which the program reaches a source" "tree:ab cache:a" "ABS:link ab" PYCSTASH_ONLY="$tree/link"
where "ONLY may name the directory to which a link leads" "tree:ab cache:a" "link ab" PYCSTASH_ONLY="$tree/a"
where "ONLY that names a link does not cover sources that are reached without the link" "tree:a" "a" PYCSTASH_ONLY="$tree/link"
where "EXCLUDE leaves sources below its prefix alone" "tree:a cache:ab cache:b/c" "a ab b/c" PYCSTASH_EXCLUDE="$tree/a"
where "a prefix in EXCLUDE may end with a slash" "tree:a cache:ab" "a ab" PYCSTASH_EXCLUDE="$tree/a/"
where "EXCLUDE may have several prefixes" "tree:a tree:b/c cache:ab" "a ab b/c" PYCSTASH_EXCLUDE="$tree/a:$tree/b/"
where "EXCLUDE overrides ONLY" "tree:b/c" "b/c" PYCSTASH_ONLY="$tree" PYCSTASH_EXCLUDE="$tree/b"
where "EXCLUDE may name the directory to which a link leads" "tree:a" "link" PYCSTASH_EXCLUDE="$tree/a"
where "EXCLUDE may name the link through which the program reaches a source" "tree:a" "ABS:link" PYCSTASH_EXCLUDE="$tree/link"
where "an empty EXCLUDE counts as unset" "cache:a" "a" PYCSTASH_EXCLUDE=
where "DISABLE=1 switches the library off" "tree:a" "a" PYCSTASH_DISABLE=1
where "DISABLE=0 does not switch the library off" "cache:a" "a" PYCSTASH_DISABLE=0
where "an empty DISABLE does not switch the library off" "cache:a" "a" PYCSTASH_DISABLE=
where "READONLY=0 lets the library write to the cache" "cache:a" "a" PYCSTASH_READONLY=0
where "with a relative PYCSTASH_DIR no cache is used, not even the default one" "tree:a" "a" PYCSTASH_DIR=cache
is "$(ls -A "$HOME")" "" "with a relative PYCSTASH_DIR nothing is created below HOME"
check "with a relative PYCSTASH_DIR nothing is created in the working directory" test ! -e "$tree/cache"

# Where the cache is by default.
mkdir "$T/h1"
for variables in "PYCSTASH_DIR=:HOME=$T/h1:$T/h1/.cache/pycstash" \
	"PYCSTASH_DIR=:XDG_CACHE_HOME=$T/x1:$T/x1/pycstash" \
	"PYCSTASH_DIR=:XDG_CACHE_HOME=relative:$HOME/.cache/pycstash" \
	"PYCSTASH_DIR=$T/deep/er/cache//:X=:$T/deep/er/cache"; do
	IFS=: read -r first second want <<<"$variables"
	fresh
	rm -rf "$want"
	imports a | run "$first" "$second" >/dev/null
	is "$(entries "$want" | wc -l)" 1 "with ${first/$T/…} ${second/$T/…} the cache is ${want/$T/…}"
	is "$(stat -c %a "$want" "$want/v1" | tr '\n' ' ')" "700 700 " "the cache is closed to others with ${first/$T/…} ${second/$T/…}"
	check "the cache has its mark for backup programs with ${first/$T/…} ${second/$T/…}" grep -q 8a477f597d28d172789f06886806bc55 "$want/v1/CACHEDIR.TAG"
done

# A directory that holds the user's own files too.
fresh
mkdir -m 700 "$T/state" && echo precious >"$T/state/orders.db"
imports a | run PYCSTASH_DIR="$T/state" >/dev/null
is "$(entries "$T/state" | wc -l) $(cd "$T/state" && find . -name CACHEDIR.TAG)" "1 ./v1/CACHEDIR.TAG" \
	"backup programs skip the cache, but not other files in its directory"

# READONLY: the cache is read and never changed.
fresh
imports a ab | run >/dev/null
picture() { find "$CACHE" -printf '%p %m %i %s %T@ %C@\n' | sort; }
picture >"$T/before"
m=a/__pycache__/m.cpython-311.pyc
{
	imports a b/c
	for line in "open $m O_RDWR" "open $m O_WRONLY|O_TRUNC" "unlink $m" "rename $m a/__pycache__/n.cpython-311.pyc" "rename a/__pycache__ b/__pycache__" \
		"rmdir ab/__pycache__" "link $m b/x" "rename $m b/x" \
		"open a/__pycache__ O_TMPFILE|O_RDWR 0600" "remove $m" "truncate $m 1" "chmod $m 0600" \
		"chown $m -1 12" "utimensat CWD $m 5000 0" "utimes $m 5000" "setxattr $m user.x 0" "fopen $m a" "creat $m 0600" \
		"freopen $m w"; do
		echo "$line"
	done
} >"$T/script"
run PYCSTASH_READONLY=1 <"$T/script" >"$T/out" 2>"$T/err"
is "$(head -2 "$T/out" | tr '\n' ' ')" "served 'code' compiled " "READONLY serves what is in the cache, and compiles the rest"
is "$(grep -vE '^import' "$T/script" | paste -d: - <(tail -n +3 "$T/out") | grep -v ':-1 ENOENT')" "" \
	"with READONLY, no call but an import's finds what only the cache has"
picture >"$T/after"
is "$(diff "$T/before" "$T/after")" "" "READONLY leaves the cache as it is, byte for byte"
is "$(find "$tree" -name __pycache__)" "" "READONLY does not write to the tree instead"
is "$(cat "$T/err")" "" "with READONLY, nothing is printed"
printf '%s\n' "mkdir a/__pycache__ 0755" "open a/__pycache__/n.cpython-311.pyc O_WRONLY|O_CREAT 0644" | run PYCSTASH_READONLY=1 >"$T/out" 2>&1
is "$(cut -d ' ' -f 1 "$T/out" | xargs) $(find "$tree" -name '*.pyc' -printf '%P ')" "0 fd a/__pycache__/n.cpython-311.pyc " \
	"with READONLY, a pyc that a program writes by itself goes to the tree"
fresh
imports a | run PYCSTASH_READONLY=1 >/dev/null
check "READONLY does not create a cache" test ! -e "$CACHE"

# LOG.
fresh
echo 'open a/__pycache__/other.c O_WRONLY|O_CREAT 0644' >"$T/other"
{ imports a a; cat "$T/other"; } | run PYCSTASH_LOG="$T/log" >/dev/null 2>"$T/err"
for line in 'miss: .*a/__pycache__/m.cpython-311.pyc (no entry)' 'write: .*a/__pycache__/m.cpython-311.pyc' \
	'hit: .*a/__pycache__/m.cpython-311.pyc' 'made in the tree: .*a/__pycache__ (not a bytecode file)'; do
	check "the log has a line for the verdict '${line%%:*}'" grep -q "^pycstash\[[0-9]*\]: $line" "$T/log"
done
is "$(cat "$T/err")" "" "with a log in a file, nothing is printed on stderr"
is "$(stat -c %a "$T/log")" 600 "only the user can read the log"
imports a | run PYCSTASH_LOG=stderr >/dev/null 2>"$T/err"
check "LOG=stderr writes the log to stderr" grep -q '^pycstash\[[0-9]*\]: hit: ' "$T/err"
imports b/c | (cd "$tree" && run PYCSTASH_LOG=relative.log) >/dev/null 2>"$T/err"
is "$(ls "$tree"/relative.log 2>/dev/null; cat "$T/err")" "" "LOG with a relative path writes no log"
imports a | run PYCSTASH_LOG=/nonexistent/log >"$T/out" 2>"$T/err"
is "$(cat "$T/out" "$T/err")" "served 'code'" "if the log cannot be written, the program runs as usual"
imports ab | run PYCSTASH_LOG="$T/log2" PYCSTASH_EXCLUDE="$tree/ab" >/dev/null
check "the log says why sources are left alone" grep -q 'left alone: .*ab.* (excluded by a setting' "$T/log2"
printf 'open %s\n' "d O_RDONLY" | run PYCSTASH_LOG="$T/log3" >/dev/null
is "$(cat "$T/log3" 2>/dev/null)" "" "the log has no line for paths outside __pycache__"

# The log, if no cache directory can be found.
no_place() { # WANT SENTENCE VARIABLE=VALUE…
	fresh
	printf '%s\n' "import a/m" "import b/c/m" "open d O_RDONLY" |
		env -u HOME LD_PRELOAD="$SO" PYCSTASH_LOG=stderr "${@:3}" "$call" --script 2>&1 >/dev/null |
		sed -E 's/^pycstash\[[0-9]+\]: //; s/ \(no cache directory: set HOME, or PYCSTASH_DIR .*/ (why)/' >"$T/err"
	is "$(cat "$T/err")" "$1" "$2"
}
no_place "not used: HOME (why)" "the log says once that no cache is used if HOME is not set" X=
no_place "not used: HOME (why)" "the log says that no cache is used if HOME is relative" HOME=home
no_place "not used: cache (why)" "the log says that no cache is used if PYCSTASH_DIR is relative" HOME="$HOME" PYCSTASH_DIR=cache
no_place "not used: ~/cache (why)" "the log says that no cache is used if PYCSTASH_DIR begins with ~" HOME="$HOME" PYCSTASH_DIR='~/cache'
no_place "not used: $HOME (why)" "the log says that no cache is used if PYCSTASH_DIR is the home directory" HOME="$HOME" PYCSTASH_DIR="$HOME"
no_place "" "with DISABLE, the log does not report a missing cache directory" PYCSTASH_DISABLE=1
no_place "" "with DISABLE, the log does not report a relative PYCSTASH_DIR" PYCSTASH_DISABLE=1 PYCSTASH_DIR=cache

# A process has a tag once it has opened bytecode of that tag. Until then it sees only the
# directories of the tree.
fresh
imports a | run >/dev/null
printf '%s\n' "stat a/__pycache__" "opendir a/__pycache__" "mkdir b/__pycache__ 0755" "rmdir b/__pycache__" | run >"$T/out"
is "$(cut -d' ' -f1-2 "$T/out" | tr '\n' ';')" "-1 ENOENT;-1 ENOENT;0;0;" \
	"a process without a tag sees only the __pycache__ of the tree"
printf '%s\n' "stat a/__pycache__/m.cpython-311.pyc" "open a/__pycache__/m.cpython-38.pyc O_RDONLY" "stat a/__pycache__" | run >"$T/out"
is "$(cut -d' ' -f1-2 "$T/out" | tr '\n' ';')" "0 file;-1 ENOENT;-1 ENOENT;" \
	"a process sees an entry of another tag by its name, but not the directory of that tag"
printf '%s\n' "open a/__pycache__/x.cpython-38.pyc O_RDONLY" "open a/__pycache__/m.cpython-311.pyc O_RDONLY" "stat a/__pycache__" | run >"$T/out"
is "$(cut -d' ' -f1-2 "$T/out" | sed -n 3p)" "-1 ENOENT" "the tag of the first bytecode that a process opens is its own"
done_testing
