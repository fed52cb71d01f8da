#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The settings of the library, by what an importing program sees of them.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

call=$BUILD/tests/calls/call
tree=$T/tree
mkdir -p "$tree"/{a,ab,b/c}
ln -s a "$tree/link"
cd "$tree" || exit 1

fresh() { rm -rf "$CACHE" "$tree"/*/__pycache__ "$tree"/b/c/__pycache__; }
# lines of a script, under the library with the settings given as VARIABLE=VALUE
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
	[ ! -s "$T/err" ] || not_ok "$sentence: silently" "$(cat "$T/err")"
}

where "without settings all goes to the cache" "cache:a cache:ab cache:b/c" "a ab b/c" X=
where "ONLY names what is served" "tree:ab tree:b/c cache:a" "a ab b/c" PYCSTASH_ONLY="$tree/a"
where "ONLY with a slash at its end" "tree:ab cache:a" "a ab" PYCSTASH_ONLY="$tree/a/"
where "ONLY takes several prefixes" "tree:ab cache:a cache:b/c" "a ab b/c" PYCSTASH_ONLY="$tree/b:$tree/a"
where "ONLY with empty prefixes between" "tree:ab cache:a" "a ab" PYCSTASH_ONLY="::$tree/a::"
where "ONLY empty is no ONLY" "cache:a" "a" PYCSTASH_ONLY=
where "ONLY / is everything" "cache:a cache:b/c" "a b/c" PYCSTASH_ONLY=/
where "ONLY with a relative prefix serves nothing" "tree:a" "a" PYCSTASH_ONLY=a
where "ONLY may name the link by which the program goes" "tree:ab cache:a" "ABS:link ab" PYCSTASH_ONLY="$tree/link"
where "ONLY may name where the link leads" "tree:ab cache:a" "link ab" PYCSTASH_ONLY="$tree/a"
where "ONLY of a link does not hold for the other name when that is used" "tree:a" "a" PYCSTASH_ONLY="$tree/link"
where "EXCLUDE leaves its prefix alone" "tree:a cache:ab cache:b/c" "a ab b/c" PYCSTASH_EXCLUDE="$tree/a"
where "EXCLUDE with a slash at its end" "tree:a cache:ab" "a ab" PYCSTASH_EXCLUDE="$tree/a/"
where "EXCLUDE takes several prefixes" "tree:a tree:b/c cache:ab" "a ab b/c" PYCSTASH_EXCLUDE="$tree/a:$tree/b/"
where "EXCLUDE is stronger than ONLY" "tree:b/c" "b/c" PYCSTASH_ONLY="$tree" PYCSTASH_EXCLUDE="$tree/b"
where "EXCLUDE holds for the link's target too" "tree:a" "link" PYCSTASH_EXCLUDE="$tree/a"
where "EXCLUDE holds for the link's own name" "tree:a" "ABS:link" PYCSTASH_EXCLUDE="$tree/link"
where "EXCLUDE empty is no EXCLUDE" "cache:a" "a" PYCSTASH_EXCLUDE=
where "DISABLE=1 does nothing" "tree:a" "a" PYCSTASH_DISABLE=1
where "DISABLE=0 is off" "cache:a" "a" PYCSTASH_DISABLE=0
where "DISABLE empty is off" "cache:a" "a" PYCSTASH_DISABLE=
where "READONLY=0 is off" "cache:a" "a" PYCSTASH_READONLY=0
where "a relative PYCSTASH_DIR is not used, nor another place instead" "tree:a" "a" PYCSTASH_DIR=cache
is "$(ls -A "$HOME")" "" "a relative PYCSTASH_DIR makes nothing below HOME"
check "a relative PYCSTASH_DIR makes nothing in the working directory" test ! -e "$tree/cache"

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
	"backup programs skip the cache, and not what lies beside it"

# READONLY: served, never changed.
fresh
imports a ab | run >/dev/null
picture() { find "$CACHE" -printf '%p %m %i %s %T@ %C@\n' | sort; }
picture >"$T/before"
m=a/__pycache__/m.cpython-311.pyc
{
	imports a b/c
	for line in "open $m O_RDWR" "open $m O_WRONLY|O_TRUNC" "unlink $m" "rename $m a/__pycache__/n.cpython-311.pyc" "rename a/__pycache__ b/__pycache__" \
		"rmdir ab/__pycache__" "mkdir b/__pycache__ 0755" "link $m b/x" "rename $m b/x" \
		"open a/__pycache__ O_TMPFILE|O_RDWR 0600" "remove $m" "truncate $m 1" "chmod $m 0600" \
		"chown $m -1 12" "utimensat CWD $m 5000 0" "utimes $m 5000" "setxattr $m user.x 0" "fopen $m a" "creat $m 0600" \
		"freopen $m w"; do
		echo "$line"
	done
} >"$T/script"
run PYCSTASH_READONLY=1 <"$T/script" >"$T/out" 2>"$T/err"
is "$(head -2 "$T/out" | tr '\n' ' ')" "served 'code' compiled " "READONLY serves what there is, and writes nothing"
is "$(grep -vE '^import' "$T/script" | paste -d: - <(tail -n +3 "$T/out") | grep -v ':-1 EROFS')" "" \
	"READONLY: every change is refused with EROFS"
picture >"$T/after"
is "$(diff "$T/before" "$T/after")" "" "READONLY leaves the cache as it is, byte for byte"
is "$(find "$tree" -name __pycache__)" "" "READONLY does not write to the tree instead"
is "$(cat "$T/err")" "" "READONLY is silent"
echo "open a/__pycache__/n.cpython-311.pyc O_WRONLY|O_CREAT 0644" | run PYCSTASH_READONLY=1 >"$T/out" 2>&1
is "$(cut -d ' ' -f 1 "$T/out") $(find "$tree" -name '*.pyc' -printf '%P ')" "fd a/__pycache__/n.cpython-311.pyc " \
	"READONLY leaves a pyc that a program writes by itself to the tree"
fresh
imports a | run PYCSTASH_READONLY=1 >/dev/null
check "READONLY does not make a cache" test ! -e "$CACHE"

# LOG.
fresh
echo 'open a/__pycache__/other.c O_WRONLY|O_CREAT 0644' >"$T/other"
{ imports a a; cat "$T/other"; } | run PYCSTASH_LOG="$T/log" >/dev/null 2>"$T/err"
for line in 'miss: .*a/__pycache__/m.cpython-311.pyc (no entry)' 'write: .*a/__pycache__/m.cpython-311.pyc' \
	'hit: .*a/__pycache__/m.cpython-311.pyc' 'made in the tree: .*a/__pycache__ (not a bytecode file)'; do
	check "LOG has a line for the decision '${line%%:*}'" grep -q "^pycstash\[[0-9]*\]: $line" "$T/log"
done
is "$(cat "$T/err")" "" "LOG to a file leaves stderr alone"
is "$(stat -c %a "$T/log")" 600 "the log is the user's alone"
imports a | run PYCSTASH_LOG=stderr >/dev/null 2>"$T/err"
check "LOG=stderr writes there" grep -q '^pycstash\[[0-9]*\]: hit: ' "$T/err"
imports b/c | (cd "$tree" && run PYCSTASH_LOG=relative.log) >/dev/null 2>"$T/err"
is "$(ls "$tree"/relative.log 2>/dev/null; cat "$T/err")" "" "LOG with a relative path is none"
imports a | run PYCSTASH_LOG=/nonexistent/log >"$T/out" 2>"$T/err"
is "$(cat "$T/out" "$T/err")" "served 'code'" "a LOG that cannot be written is no trouble"
imports ab | run PYCSTASH_LOG="$T/log2" PYCSTASH_EXCLUDE="$tree/ab" >/dev/null
check "LOG says why sources are left alone" grep -q 'left alone: .*ab.* (excluded by a setting' "$T/log2"
printf 'open %s\n' "d O_RDONLY" | run PYCSTASH_LOG="$T/log3" >/dev/null
is "$(cat "$T/log3" 2>/dev/null)" "" "LOG says nothing of other paths"

# LOG where there is no place for a cache.
no_place() { # WANT SENTENCE VARIABLE=VALUE…
	fresh
	printf '%s\n' "import a/m" "import b/c/m" "open d O_RDONLY" |
		env -u HOME LD_PRELOAD="$SO" PYCSTASH_LOG=stderr "${@:3}" "$call" --script 2>&1 >/dev/null |
		sed -E 's/^pycstash\[[0-9]+\]: //; s/ \(no cache directory: set HOME, or PYCSTASH_DIR .*/ (why)/' >"$T/err"
	is "$(cat "$T/err")" "$1" "$2"
}
no_place "not used: HOME (why)" "LOG says once that no cache is used where HOME is not set" X=
no_place "not used: HOME (why)" "LOG says that no cache is used where HOME is relative" HOME=home
no_place "not used: cache (why)" "LOG says that no cache is used with a relative PYCSTASH_DIR" HOME="$HOME" PYCSTASH_DIR=cache
no_place "not used: ~/cache (why)" "LOG says that no cache is used with a ~ in PYCSTASH_DIR" HOME="$HOME" PYCSTASH_DIR='~/cache'
no_place "not used: $HOME (why)" "LOG says that no cache is used where PYCSTASH_DIR is the home directory" HOME="$HOME" PYCSTASH_DIR="$HOME"
no_place "" "LOG says nothing of a place for the cache with DISABLE" PYCSTASH_DISABLE=1
no_place "" "LOG says nothing of a place for the cache with DISABLE and a relative one" PYCSTASH_DISABLE=1 PYCSTASH_DIR=cache

# What has shown no tag is left alone with the directory.
fresh
imports a | run >/dev/null
printf '%s\n' "stat a/__pycache__" "opendir a/__pycache__" "mkdir b/__pycache__ 0755" "rmdir b/__pycache__" | run >"$T/out"
is "$(cut -d' ' -f1-2 "$T/out" | tr '\n' ';')" "-1 ENOENT;-1 ENOENT;0;0;" \
	"a process that has shown no tag sees only the tree's directory"
printf '%s\n' "stat a/__pycache__/m.cpython-311.pyc" "open a/__pycache__/m.cpython-38.pyc O_RDONLY" "stat a/__pycache__" | run >"$T/out"
is "$(cut -d' ' -f1-2 "$T/out" | tr '\n' ';')" "0 file;-1 ENOENT;-1 ENOENT;" \
	"a process of another tag sees the entry it names, but not that tag's directory"
printf '%s\n' "open a/__pycache__/x.cpython-38.pyc O_RDONLY" "open a/__pycache__/m.cpython-311.pyc O_RDONLY" "stat a/__pycache__" | run >"$T/out"
is "$(cut -d' ' -f1-2 "$T/out" | sed -n 3p)" "-1 ENOENT" "the first tag shown is the process's own"
done_testing
