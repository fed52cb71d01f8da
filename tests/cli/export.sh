#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash export and import: a cache of several interpreters goes into an archive, is imported
# under other paths, and is used there without compiling anything.
#
#   FULL=1   with all of SymPy, which takes a minute
#
# Takes 40 s.
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
export_() { "$PYCSTASH" export --dir "$CACHE" "$@"; }
import_() { "$PYCSTASH" import "$@"; }
# field NAME, or field NAME.NAME: prints that field of the JSON on stdin.
field() {
	/usr/bin/python3 -c 'import functools, json, sys
print(functools.reduce(lambda x, name: x[name], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"
}
listing() { (cd "$1" && find . -name '[.C]?*' -prune -o -type f -print0 | sort -z | xargs -0 sha256sum); }

# --- a cache --------------------------------------------------------------------------
pythons=()
# mpmath does not run on the oldest interpreter.
mapfile -t pythons < <(differing | while read -r python; do at_least "$python" 3 7 && echo "$python"; done)
check "there are interpreters to test with" test ${#pythons[@]} -gt 0

modules=/usr/lib/python3/dist-packages
tree=$T/build/venv
mkdir -p "$tree/sympy"
for module in django asgiref sqlparse mpmath; do cp -r "$modules/$module" "$tree/"; done
if [ -n "${FULL:-}" ]; then
	cp -r "$modules/sympy" "$tree/"
	program='import sympy, '
else # some packages of it that need no others
	: >"$tree/sympy/__init__.py"
	cp -r "$modules"/sympy/{multipledispatch,release.py} "$tree/sympy/"
	program='import sympy.multipledispatch.dispatcher, sympy.release, '
fi
find "$tree" -name __pycache__ -prune -exec rm -rf {} +
program+='mpmath.libmp, django.utils.html, django.utils.datastructures, django.dispatch'

# use TREE CACHE [NAME=VALUE…]: every interpreter imports the program's modules
use() {
	local tree=$1 cache=$2 python
	shift 2
	rm -f "$T/log"
	for python in "${pythons[@]}"; do
		env LD_PRELOAD="$SO" PYCSTASH_DIR="$cache" PYCSTASH_LOG="$T/log" "$@" \
			"$python" -c "import sys; sys.path.insert(0, '$tree'); $program" ||
			not_ok "$(named "$python") imports the program"
	done
}
# decided WHAT [TREE]: prints how often the last use had that verdict, for sources of the tree
decided() { grep -cE "^pycstash\[[0-9]+\]: $1: ${2:-$T}/" "$T/log"; }

use "$tree" "$CACHE"
compiled=$(decided sealed)
served=$(entries | wc -l) # more than that: some sources are equal
check "there is something in the cache" test "$compiled" -gt $((30 * ${#pythons[@]}))

# --- the archive ----------------------------------------------------------------------
export_ --json "$T/a.tar.zst" >"$T/json"
is "$(field schema <"$T/json")" pycstash.export/1 "--json says its schema"
is "$(field files <"$T/json")" "$(find "$CACHE/v1" -name '*.pyc' | wc -l)" "an archive has all entries and objects"
is "$(field links <"$T/json")" "$served" "the entries in an archive are hard links to their objects"
is "$(field archive_bytes <"$T/json")" "$(stat -c %s "$T/a.tar.zst")" "export says the length of the archive"
is "$(stat -c %a "$T/a.tar.zst")" 600 "an archive is closed to others, as the cache is"
is "$(ls "$T" | grep -c tar.zst)" 1 "export leaves no file besides the archive"

export_ "$T/b.tar.zst" >/dev/null
check "a second archive is the same" cmp "$T/a.tar.zst" "$T/b.tar.zst"
export_ - >"$T/b.tar.zst"
check "an archive on standard output is the same" cmp "$T/a.tar.zst" "$T/b.tar.zst"
cp -r "$CACHE" "$T/copy" # the hard links are lost
"$PYCSTASH" export --dir "$T/copy" "$T/b.tar.zst" >/dev/null
check "the archive of a copy without hard links and with other times is the same" cmp "$T/a.tar.zst" "$T/b.tar.zst"
export_ - | cat >"$T/b.tar.zst"
check "an archive through a pipe is the same" cmp "$T/a.tar.zst" "$T/b.tar.zst"
rm -rf "$T/copy" "$T/b.tar.zst"
if type -P zstd >/dev/null; then
	is "$(tar -I zstd -tf "$T/a.tar.zst" 2>&1 | head -1)" pycstash.json \
		"tar reads it without complaint; the manifest comes first"
	is "$(tar -I zstd -xOf "$T/a.tar.zst" pycstash.json | field files)" "$(field files <"$T/json")" \
		"the manifest says how many files follow"
else
	skip "tar reads it" "no zstd"
fi

# --- and back -------------------------------------------------------------------------
other=$T/elsewhere/cache
mkdir "$T/elsewhere"
import_ --dir "$other" --json "$T/a.tar.zst" >"$T/json"
is "$(field schema <"$T/json")" pycstash.import/1 "--json says its schema"
is "$(listing "$other/v1")" "$(listing "$CACHE/v1")" "the cache that comes out has the same files"
is "$(find "$other/v1" -type f -links 2 | wc -l)" "$(find "$CACHE/v1" -type f -links 2 | wc -l)" \
	"the cache that comes out has the same hard links"
is "$(stat -c %a "$other" "$other/v1" | tr '\n' ' ')$(ls "$other")" "700 700 v1" "the cache that comes out is made as the library makes one"
is "$(find "$other" \( -type d ! -perm 700 \) -o \( -path '*/v1/*' -type f ! -perm 600 \) | wc -l)" 0 \
	"the cache that comes out is closed to others throughout, with any umask"
is "$(/usr/bin/python3 -c 'import struct, sys
data = open(sys.argv[1], "rb").read()
print(*map(sum, zip(*(struct.unpack_from("3q", data, at + 104) for at in range(0, len(data), 512)))))' \
	"$other/v1/.state/journal")" "$(entries "$other" | wc -l) $(find "$other" -path '*/objects/*' -type f | wc -l) $(find \
	"$other" -name '*.pyc' -printf '%s\n' | awk '{ n += $1 } END { print n }')" \
	"the journal is told of the entries, the objects and their bytes"
"$PYCSTASH" export --dir "$other" "$T/b.tar.zst" >/dev/null
check "the archive of the cache that came out is the same" cmp "$T/a.tar.zst" "$T/b.tar.zst"
state() { find "$other" -name '.?*' -prune -o -type f -printf '%p %i %C@\n' | sort; }
before=$(state)
is "$(import_ --dir "$other" --json "$T/a.tar.zst" | field kept)" "$(field files <"$T/json")" \
	"import keeps entries that the cache has already"
is "$(state)" "$before" "an entry that import keeps is not changed"
is "$(import_ --dir "$other" --force --json "$T/a.tar.zst" | field files)" "$(field files <"$T/json")" \
	"import --force replaces the entries that are there"
is "$(listing "$other/v1")" "$(listing "$CACHE/v1")" "import --force writes what is in the archive"

use "$tree" "$other"
is "$(decided '(sealed|not sealed|miss|write)')" 0 "a cache from an archive serves without compiling anything"
is "$(decided hit)" "$served" "each module is a hit"

# --- other paths ----------------------------------------------------------------------
new=$T/srv/app/venv
mkdir -p "$T/srv/app"
cp -r "$tree" "$new" # other inodes, other times
rm -rf "$other"
import_ --dir "$other" --map "$tree=$new" "$T/a.tar.zst" >/dev/null
is "$(entries "$other" | grep -c "/tree$tree/")" 0 "--map moves the entries"
use "$new" "$other"
is "$(decided '(sealed|not sealed|miss|write)')" 0 "import --map serves sources at another path without compiling anything"
is "$(decided hit "$new")" "$served" "each module is a hit"
is "$(grep -c 're-sealed' "$T/log")" "$served" "each entry at another path is served by its content and gets a new seal"
use "$new" "$other"
is "$(decided hit "$new") $(grep -c 're-sealed' "$T/log")" "$served 0" "each entry at another path is sealed again only once"
is "$(env LD_PRELOAD="$SO" PYCSTASH_DIR="$other" "${pythons[0]}" -c "import sys
sys.path.insert(0, '$new')
import mpmath.libmp.libhyper as m; print(m.make_hyp_summator.__code__.co_filename)")" \
	"$new/mpmath/libmp/libhyper.py" "the code of an entry that came under another path says the path it was imported from"
"$PYCSTASH" export --dir "$other" --json "$T/b.tar.zst" >"$T/json"
is "$(field links <"$T/json")" "$(entries "$other" | wc -l)" "entries that are copies of an object for another source are links to it in an archive"
import_ --dir "$T/elsewhere/third" "$T/b.tar.zst" >/dev/null
is "$(listing "$T/elsewhere/third/v1")" "$(listing "$other/v1")" "the cache that comes out has their seals again"
mkdir "$T/here" "$T/there"
tar --zstd -xf "$T/a.tar.zst" -C "$T/here" 2>/dev/null
tar --zstd -xf "$T/b.tar.zst" -C "$T/there" 2>/dev/null
is "$(cd "$T/there" && find . -path '*/objects/*' -type f -print0 | sort -z | xargs -0 sha256sum)" \
	"$(cd "$T/here" && find . -path '*/objects/*' -type f -print0 | sort -z | xargs -0 sha256sum)" "no member of an archive has the inode or the times of a source in its bytes"
is "$(cd "$T/there" && find . -path '*/tree/*' -type f -exec sha256sum {} + | cut -c 1-64 | sort)" \
	"$(cd "$T/here" && find . -path '*/tree/*' -type f -exec sha256sum {} + | cut -c 1-64 | sort)" "the entries of two caches are the same bytes in their archives"
rm -rf "$T/here" "$T/there" "$T/elsewhere/third"

rm -rf "$other"
import_ --dir "$other" "$T/a.tar.zst" >/dev/null
use "$new" "$other"
is "$(decided '(sealed|not sealed|miss|write)')" 0 "without --map nothing is compiled at another path either"
is "$(decided 'reused from object' "$new")" "$served" "each module is made of its object"

is "$(import_ -n --json --dir "$T/none" --map "$T/build/ven=$new" "$T/a.tar.zst" | field moved)" 0 \
	"--map goes by whole components"
is "$(import_ -n --json --dir "$T/none" --map "/=/x/" "$T/a.tar.zst" | field moved)" \
	"$served" "/ has everything below it"
is "$(import_ -n --json --dir "$T/none" --map "$tree/mpmath=/x" --map "$tree=/y" "$T/a.tar.zst" | field moved)" \
	"$served" "the first map that fits counts, the others are for the rest"
check "--dry-run makes nothing" test ! -e "$T/none"
ln -s "$new" "$T/link"
rm -rf "$other"
import_ --dir "$other" --map "$tree=$T/link" "$T/a.tar.zst" >/dev/null
is "$(entries "$other" | grep -c "/tree$new/")" "$served" "a link as the new place is followed"
for bad in relative=/x /x=relative /x '=/x' /x/../y=/z ''; do
	is "$(status_of import_ --dir "$other" --map "$bad" "$T/a.tar.zst")" 2 "--map '$bad' is refused"
done

# --- part of it -----------------------------------------------------------------------
count() { # how many files an archive with these options has, of CACHE
	export_ --json "$@" "$T/part.tar.zst" | field files
}
for python in "${pythons[@]:0:2}"; do
	tag=$(tag_of "$python")
	is "$(count --tag "$tag")" "$(find "$CACHE/v1/$tag" -name '*.pyc' | wc -l)" "--tag $tag takes that version"
done
is "$(count --path "$tree/mpmath")" "$(entries | grep -c "$tree/mpmath/")" "--path takes a tree, and no objects"
rm -rf "$other"
import_ --dir "$other" "$T/part.tar.zst" >/dev/null
is "$(find "$other" -path '*/objects/*' -type f | wc -l)" "$(find "$other" -path '*/tree/*' -type f | wc -l)" \
	"import makes objects of the entries of an archive without objects"
is "$(count --path "$tree/mpmath/libmp/libhyper.py")" ${#pythons[@]} "--path takes a source"
find "$CACHE" -name '*.pyc' -exec touch -a -m -d '3 days ago' {} +
find "$CACHE" -path "*$tree/mpmath/libmp/*.pyc" -exec touch -a {} +
is "$(count --used-since 1d)" "$((2 * $(entries | grep -c "$tree/mpmath/libmp/")))" \
	"--used-since takes what was used, with its objects"
rm -f "$T/part.tar.zst"
is "$(status_of export_ --tag cpython-99 "$T/part.tar.zst") $(ls "$T" | grep -c part)" "1 0" \
	"export ends with 1 and writes no archive if nothing is selected"

# by_reads OPTIONS: prints how many files --used-since takes on a file system that is mounted
# with these options: one module was read before that time, another before and after it
by_reads() {
	unshare -rm --propagation private bash -c '
		mount -t tmpfs -o "mode=755,$1" none "$2" && cd "$2" || exit
		mkdir src && echo "x = 1" >src/before.py && echo "x = 2" >src/after.py
		load() { (cd src && env PYCSTASH_DIR="$at/cache" LD_PRELOAD="$so" "$python" -c "import $1"); }
		at=$2 so=$3 python=$4
		load before,after; sleep 0.05; load before,after; sleep 1.1
		since=$(date +%s)
		load after
		"$5" export --dir cache --used-since "@$since" --json archive 2>said | sed "s/.*\"files\": *\([0-9]*\).*/\1/"
		wc -l <said' - "$1" "$T/mount" "$SO" "${pythons[0]}" "$PYCSTASH" | tr '\n' ' '
}
if unshare -rm true 2>/dev/null; then
	mkdir "$T/mount"
	is "$(by_reads strictatime)" "2 0 " "--used-since takes what was read, where the file system records each read"
	is "$(by_reads relatime)" "4 0 " "--used-since takes what may have been read, where it records one a day"
	is "$(by_reads noatime)" "4 1 " "--used-since takes all and says so, where it records none"
else
	skip "--used-since goes by what the file system records" "unshare is not allowed"
fi

# --- a layer --------------------------------------------------------------------------
import_ --layer "$T/layer" --map "$tree=$new" "$T/a.tar.zst" >/dev/null
is "$(find "$T/layer" -type d ! -perm 755 -o -type f ! -perm 644 | wc -l)" 0 "a layer can be read by all"
is "$(find "$T/layer" -printf '%T@\n' | sort -u)" 0.0000000000 "the files of a layer have the time 0"
(umask 077 && mkdir "$T/layer2" && "$PYCSTASH" import --layer "$T/layer2" --map "$tree=$new" "$T/a.tar.zst" >/dev/null)
is "$(cd "$T/layer2" && tar --sort=name -cf - . | sha256sum)" \
	"$(cd "$T/layer" && tar --sort=name -cf - . | sha256sum)" "equal archives make equal layers"
is "$(status_of import_ --layer "$T/layer" "$T/a.tar.zst")" 12 "import --layer refuses a directory that is not empty"
check "the message about a directory that is not empty names --update" grep -q 'new or empty directory, and --update adds to an existing layer' <(import_ --layer "$T/layer" "$T/a.tar.zst" 2>&1)
is "$(status_of import_ --layer "$T/l3" --dir "$T/l4" "$T/a.tar.zst")" 2 "--layer and --dir together are a usage error"
is "$(import_ -n --json --layer "$T/l3" "$T/a.tar.zst" | field files) $(ls "$T" | grep -c l3)" \
	"$(find "$T/layer/v1" -name '*.pyc' | wc -l) 0" "--dry-run makes no layer"

# --- names ----------------------------------------------------------------------------
odd=$T/$'odd \n\xc3\xa9\xff'
mkdir "$odd"
echo 'x = 1' >"$odd/m.py"
mv "$CACHE" "$T/first"
(cd "$odd" && preloaded "${pythons[0]}" -c 'import m')
export_ "$T/odd.tar.zst" >/dev/null
rm -rf "$other"
import_ --dir "$other" "$T/odd.tar.zst" >/dev/null
is "$(listing "$other/v1")" "$(listing "$CACHE/v1")" "names with a line feed and invalid UTF-8 come through"
for locale in C C.UTF-8; do
	LC_ALL=$locale "$PYCSTASH" export --dir "$CACHE" "$T/odd2.tar.zst" >/dev/null
	check "the locale ($locale) makes no difference" cmp "$T/odd.tar.zst" "$T/odd2.tar.zst"
done
long=$T/long/$(printf 'd%.0s' {1..200})/$(printf 'e%.0s' {1..200})
mkdir -p "$long"
echo 'x = 1' >"$long/$(printf 'm%.0s' {1..150}).py"
(cd "$long" && preloaded "${pythons[0]}" -c "import $(printf 'm%.0s' {1..150})")
export_ "$T/odd.tar.zst" >/dev/null
import_ --dir "$other" "$T/odd.tar.zst" >/dev/null
is "$(listing "$other/v1")" "$(listing "$CACHE/v1")" "names that need long headers come out of an archive"

# --- private sources ------------------------------------------------------------------
rm -rf "$CACHE" "$other" "$T/private"
mkdir "$T/private"
echo 'x = "public"' >"$T/private/public.py"
echo 'x = "hunter2"' >"$T/private/secret.py"
chmod 644 "$T/private/public.py"
chmod 600 "$T/private/secret.py"
sleep 0.05
(cd "$T/private" && preloaded "${pythons[0]}" -c 'import public, secret')
for q in "" -q; do
	# shellcheck disable=SC2086 # nothing, or an option
	is "$(export_ $q "$T/private.zst" 2>&1 >/dev/null | grep -c 'sources that others may not read')" 1 \
		"export ${q:+-q }reports what it holds of sources that others may not read"
done
is "$(export_ --json "$T/private.zst" 2>/dev/null | field private)" 2 "an entry and its object"
is "$(import_ -q --layer "$T/private-layer" "$T/private.zst" 2>&1 >/dev/null | grep -c 'everybody can read it')" 1 \
	"import --layer reports it where the sources are"
is "$(grep -rl hunter2 "$T/private-layer" | wc -l)" 2 "everyone can read a layer"
is "$(export_ --public-only --json "$T/public.zst" 2>"$T/said" | field left_out.private)$(cat "$T/said")" 1 \
	"--public-only leaves the entry out and has nothing to report"
import_ --layer "$T/public-layer" "$T/public.zst" >/dev/null 2>"$T/said"
is "$(grep -rl hunter2 "$T/public-layer" | wc -l) $(find "$T/public-layer/v1" -path '*/tree/*.pyc' | wc -l)$(cat "$T/said")" "0 1" \
	"the layer made of that holds only what is public"
chmod 600 "$T/private/public.py"
is "$(status_of export_ --public-only "$T/public.zst")" 1 "export --public-only ends with 1 and writes no archive if nothing is public"

# --- killed ---------------------------------------------------------------------------
mkdir "$T/out"
strace -qq -o /dev/null -e trace=pread64 -e inject=pread64:signal=KILL:when=3 \
	"$PYCSTASH" export --dir "$CACHE" "$T/out/a" >/dev/null 2>&1
is "$(ls -A "$T/out")" "" "an export that is killed leaves nothing"
for _ in 1 2; do export_ "$T/out/a" >/dev/null 2>&1; done
is "$(ls -A "$T/out") $(stat -c %a "$T/out/a")" "a 600" "an export that is not killed leaves only the archive, which only its owner can read"
done_testing
