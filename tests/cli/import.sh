#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash import: archives that others have crafted are refused or skipped, and a failure
# leaves nothing half done. Also export, of a cache that contains more than bytecode.
. "$(dirname "$0")/../lib/tap.sh"

chmod 755 "$T"
python=$(interpreters cached | grep -m 1 /usr/bin/python3)
tag=$(tag_of "$python")
export_() { "$PYCSTASH" export --dir "$CACHE" "$@"; }
import_() { "$PYCSTASH" import --dir "$other" "$@"; }
field() {
	/usr/bin/python3 -c 'import functools, json, sys
print(functools.reduce(lambda x, name: x[name], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"
}
listing() { (cd "$1" && find . -name '[.C]?*' -prune -o -type f -print0 | sort -z | xargs -0 sha256sum) 2>/dev/null; }
leftovers() { find "$1" -name '*.pyc.[0-9]*' -o -name '*.tmp.*' | wc -l; }
# Lists files that differ from the file of the same name in the cache; there must be none.
broken() { (cd "$1" && find v1 -name '*.pyc' -print0 | while IFS= read -r -d '' name; do
	cmp -s "$name" "$CACHE/$name" || echo "$name"; done); }
# Lists all files outside the cache that is imported into. Sizes of directories are left out,
# because on a tmpfs they depend on the files in them.
around() { find "$T" ! -path "$other*" \( -type d -printf '%P %y\n' -o -printf '%P %y %s\n' \) | grep -v '^said ' | sort | sha256sum; }
other=$T/other
tree=$T/src
entry=$CACHE/v1/$tag/tree$tree/__pycache__

mkdir "$tree"
for name in a b c d e f g h; do echo "name = '$name'; numbers = list(range(${#name}))" >"$tree/$name.py"; done
load() { (cd "$tree" && preloaded "$python" -c 'import a, b, c, d, e, f, g, h'); }
load
is "$(entries | wc -l)" 8 "there is a cache"
export_ "$T/a" >/dev/null

# --- hostile and damaged archives -----------------------------------------------------
while read -r kind cases; do
	for case in $cases; do
		/usr/bin/python3 "$HERE/tests/cli/import.py" "$CACHE" "$T/crafted" "$case" ||
			not_ok "import.py makes the case $case"
		: >"$T/said"
		before=$(around)
		code=$(import_ "$T/crafted" >"$T/said" 2>&1; echo $?)
		case $kind in
		refused)
			is "$code $(ls -d "$other" 2>/dev/null)" "12 " "$case: the archive is refused, and nothing is written"
			check "$case: the message is one line, with the reason" \
				test "$(grep -c "^pycstash: $T/crafted: " "$T/said") $(wc -l <"$T/said")" = "1 1"
			case $case in
			newer-* | other-schema) check "$case: import does not say that it is damaged" grep -q 'written by a newer pycstash' "$T/said" ;;
			esac
			;;
		damaged)
			is "$code $([ -d "$other" ] && broken "$other")" "3 " "$case: damaged files are skipped, and the rest is imported"
			check "$case: import -q says why it fails" grep -q '^pycstash: ' <(import_ -q "$T/crafted" 2>&1)
			;;
		newer)
			is "$code $(broken "$other")" "3 " "$case: files that a newer version has sealed are skipped, and the rest is imported"
			check "$case: the file is named, with the reason" grep -q "/.*\.pyc: skipped: written by a newer pycstash" "$T/said"
			is "$(import_ --json --dry-run "$T/crafted" 2>/dev/null | field damaged) $(grep -c damaged "$T/said")" "0 0" \
				"$case: import does not say that it is damaged"
			;;
		good)
			is "$code $(listing "$other/v1" | sha256sum)" "0 $(listing "$CACHE/v1" | sha256sum)" \
				"$case: imported"
			;;
		esac
		is "$(around)" "$before" "$case: nothing else has changed"
		rm -rf "$other" "$T/crafted" "$T/said"
	done
done < <(/usr/bin/python3 "$HERE/tests/cli/import.py")
for junk in /bin/sh /dev/null "$tree/a.py" "$tree"; do
	code=$(status_of import_ "$junk")
	check "$junk is refused because it is not an archive ($code)" test "$code" = 12 -o "$code" = 2
done
check "a broken archive creates no cache" test ! -e "$other"
is "$(yes | timeout 60 "$PYCSTASH" import --dir "$other" - >"$T/out" 2>&1 || echo $?) $([ -e "$other" ] || echo none)" \
	"12 none" "endless input that is not an archive is refused at its beginning"
mkfifo "$T/slow"
export_ "$T/slow.archive" 2>/dev/null
{ head -c 1 "$T/slow.archive"; sleep 0.2; tail -c +2 "$T/slow.archive"; } >"$T/slow" &
is "$(import_ - <"$T/slow" >/dev/null 2>&1; echo $?) $(listing "$other/v1" | sha256sum)" \
	"0 $(listing "$CACHE/v1" | sha256sum)" "an archive that comes slowly is imported"
wait
rm -rf "$other" "$T/slow.archive"
sleep 5 >"$T/slow" &
is "$(timeout -s INT --preserve-status 1 "$PYCSTASH" import --dir "$other" - <"$T/slow" >/dev/null 2>&1 || echo $?) $([ -e "$other" ] || echo none)" \
	"130 none" "an import that waits for its input can be interrupted"

# --- cut off --------------------------------------------------------------------------
size=$(stat -c %s "$T/a")
wrong=
for part in 1 10 100 $((size / 4)) $((size / 2)) $((size * 3 / 4)) $((size - 1)); do
	head -c "$part" "$T/a" >"$T/cut"
	code=$(status_of import_ "$T/cut")
	case $code in 3 | 12) ;; *) wrong="$wrong $part:$code" ;; esac
	[ ! -d "$other" ] || [ -z "$(broken "$other")" ] && [ "$(leftovers "$T")" = 0 ] ||
		wrong="$wrong $part"
	rm -rf "$other"
done
is "$wrong" "" "an archive that is truncated anywhere is reported, and leaves no broken file"
wrong=
for at in $(seq 20 $((size / 40)) "$size"); do
	cp "$T/a" "$T/bent"
	printf '\377' | dd of="$T/bent" bs=1 seek="$at" conv=notrunc status=none
	timeout 10 "$PYCSTASH" import --dir "$other" "$T/bent" >/dev/null 2>&1
	code=$?
	case $code in 0 | 3 | 12) ;; *) wrong="$wrong $at:$code" ;; esac
	[ ! -d "$other" ] || [ -z "$(broken "$other")" ] || wrong="$wrong $at"
	rm -rf "$other"
done
is "$wrong" "" "an archive with a wrong byte anywhere leaves no broken file"
# Changes what the archive says about a member besides its bytes: the inode number, and the name.
zstd -dqf "$T/a" -o "$T/plain"
wrong='' bent=0
for at in $(grep -obUa 'user.pycstash.source=' "$T/plain" | cut -d: -f1); do
	for byte in 5 22; do
		cp "$T/plain" "$T/bent" && bent=$((bent + 1))
		printf 7 | dd of="$T/bent" bs=1 seek=$((at + byte)) conv=notrunc status=none
		cmp -s "$T/plain" "$T/bent" && continue
		code=$(status_of import_ <(zstd -qc "$T/bent"))
		[ "$code" = 3 ] && [ -z "$(broken "$other")" ] || wrong="$wrong $at+$byte:$code"
		rm -rf "$other"
	done
done
is "$wrong $((bent > 3))" " 1" "an archive with a changed identity is reported, and leaves no broken file"

# --- what is there already ------------------------------------------------------------
import_ "$T/a" >/dev/null
sleep 0.05
echo "name = 'another a'" >"$tree/a.py"
(cd "$tree" && env LD_PRELOAD="$SO" PYCSTASH_DIR="$other" "$python" -c 'import a')
fresh=$(sha256sum <"$other/v1/$tag/tree$tree/__pycache__/a.$tag.pyc")
import_ "$T/a" >/dev/null
is "$(sha256sum <"$other/v1/$tag/tree$tree/__pycache__/a.$tag.pyc")" "$fresh" \
	"an older entry from an archive does not replace a fresh one"
(cd "$tree" && preloaded "$python" -c 'import a')
export_ "$T/b" >/dev/null
rm -rf "$other"
import_ "$T/a" >/dev/null # whose a is stale by now
is "$(import_ --json "$T/b" | field files)" 2 "import replaces a stale entry (and adds its object)"
is "$(cd "$tree" && env LD_PRELOAD="$SO" PYCSTASH_DIR="$other" PYCSTASH_LOG=stderr "$python" -c 'import a' 2>&1 |
	grep -c "^pycstash\[[0-9]*\]: hit: $other/.*/a.$tag.pyc$\|: hit: $tree/.*/a.$tag.pyc")" 1 "a stale entry is replaced by one that is served"
printf 'garbage' >"$other/v1/$tag/tree$tree/__pycache__/b.$tag.pyc"
is "$(import_ --json "$T/b" | field files)" 2 "import replaces a damaged entry (and its object, which was the same file)"
is "$(broken "$other")" "" "a damaged entry is whole after import"

# --- more than bytecode in the cache --------------------------------------------------
cp "$entry/b.$tag.pyc" "$entry/b.$tag.pyc.12345"
cp "$entry/b.$tag.pyc" "$entry/b.$tag-pytest-7.2.1.pyc"
head -c 200 "$entry/b.$tag.pyc" >"$entry/i.$tag.pyc"
echo numba >"$entry/m.f-1.py${tag#cpython-}.nbi"
echo junk >"$entry/readme"
mkfifo "$entry/j.$tag.pyc"
ln -s /etc/passwd "$entry/k.$tag.pyc"
ln -s "$tree" "$CACHE/v1/$tag/tree/link"
mkdir -p "$CACHE/v1/.trash/x" "$CACHE/v1/.state"
cp "$entry/b.$tag.pyc" "$CACHE/v1/.trash/x"
: >"$CACHE/v1/.state/journal"
timeout 20 "$PYCSTASH" export --dir "$CACHE" --json "$T/c" >"$T/json"
is "$?" 0 "a cache with other things in it is exported"
is "$(field left_out <"$T/json")" "{'private': 0, 'writable': 0, 'unsealed': 0, 'damaged': 1, 'foreign': 4, 'unreadable': 0}" \
	"export counts what it leaves out: a truncated file; junk, a FIFO, two links"
rm -rf "$other"
import_ "$T/c" >/dev/null
is "$(cd "$other" && find v1 -name "[.C]?*" -prune -o ! -type d ! -name '[a-h].*' ! -path '*/objects/*' -printf '%f ')" \
	"m.f-1.py${tag#cpython-}.nbi " "numba's file is in an archive of a cache with foreign files"
is "$(broken "$other")$(cmp "$entry/m.f-1.py${tag#cpython-}.nbi" "$other${entry#"$CACHE"}/m.f-1.py${tag#cpython-}.nbi")" \
	"" "a cache that went through an archive is unchanged"
rm -rf "$other"
is "$(import_ --json --map "$tree=/elsewhere" "$T/c" | field bound)" 2 \
	"--map leaves out files that cannot be moved (numba's and pytest's)"
is "$(entries "$other" | grep -vc /elsewhere/__pycache__/)" 0 "--map moves what can be moved"
rm -f "$entry"/{i,j,k}.* "$entry/readme" "$CACHE/v1/$tag/tree/link"

# --- where it may not go --------------------------------------------------------------
rm -rf "$other"
mkdir "$other" && echo mine >"$other/file"
is "$(status_of import_ "$T/a") $(ls "$other")" "12 file" "import refuses a directory that has other files in it"
rm "$other/file"
mkdir "$other/v2" && cp "$CACHE/v1/CACHEDIR.TAG" "$other/v2"
is "$(PYCSTASH_DIR=relative status_of "$PYCSTASH" import "$T/a") $(PYCSTASH_DIR=relative status_of "$PYCSTASH" import --dry-run "$T/a")" "10 10" \
	"import ends with 10 where no setting says where the cache is, and so does a dry run"
is "$(status_of import_ --dry-run "$T/a") $(ls "$other" | tr '\n' ' ')" "0 v2 " "import does not write into a newer pycstash's layout"
is "$(status_of import_ "$T/a") $(ls "$other" | tr '\n' ' ')" "0 v1 v2 " "import creates this version's layout beside a newer pycstash's"
rm -rf "$other"
is "$(status_of "$PYCSTASH" import --dir "$HOME" "$T/a") $(ls -A "$HOME")" "12 " "import refuses to make a cache of \$HOME"
mkdir "$other" && chmod 777 "$other"
is "$(status_of import_ "$T/a") $(ls "$other")" "12 " "import refuses a directory that others can write to"
chmod 700 "$other"
is "$(status_of import_ "$T/a") $(ls "$other" | tr '\n' ' ')" "0 v1 " "import accepts an empty directory as the cache"
for left in "" CACHEDIR.TAG; do
	rm -rf "$other" && mkdir -p -m 700 "$other/v1" && touch "$other/v1/$left"
	is "$(status_of import_ "$T/a") $(head -c 9 "$other/v1/CACHEDIR.TAG")" "0 Signature" "import completes a cache whose creation was interrupted ($left)"
done
rm -rf "$other/v1/$tag/tree"
mkdir "$T/outside"
ln -s "$T/outside" "$other/v1/$tag/tree"
is "$(status_of import_ "$T/a") $(ls "$T/outside")" "3 " "a link that was planted in the cache is not followed"
rm -rf "$other"
import_ "$T/a" >/dev/null
ln -sf "$T/outside/x" "$other${entry#"$CACHE"}/c.$tag.pyc"
is "$(status_of import_ "$T/a") $(ls "$T/outside")$(broken "$other" | grep -v /a.)" "0 " "a symbolic link in the place of an entry is replaced"
echo kept >"$T/file"
is "$(status_of export_ "$T/file/x")$(status_of export_ /nonexistent/x) $(cat "$T/file")" "125125 kept" \
	"export reports that an archive cannot be written"

# --- standard input and output --------------------------------------------------------
rm -rf "$other"
export_ - | import_ - >/dev/null
is "$(listing "$other/v1" | grep -c .)" "$(export_ --json "$T/c" | field files)" "import and export work from a pipe into a pipe"
is "$(status_of on_terminal "$PYCSTASH" export --dir "$CACHE" -)" 2 "export writes no archive to a terminal"
is "$(status_of on_terminal "$PYCSTASH" import --dir "$other" -)" 2 "import reads no archive from a terminal"
is "$(status_of export_ --json -)" 2 "an archive and JSON cannot both go to standard output"
is "$(status_of export_)$(status_of export_ x y)$(status_of import_)$(status_of export_ --used-since never x)" 2222 \
	"wrong command lines end with 2"
export_ /dev/null >/dev/null
check "a device is written to, not replaced" test -c /dev/null

# --- full disk ------------------------------------------------------------------------
big=$T/big
mkdir "$big"
for n in {1..40}; do
	echo "text = '$(head -c 30000 /dev/urandom | base64 -w 0)'" >"$big/m$n.py"
done
(cd "$big" && preloaded "$python" -c "import importlib
for n in range(1, 41): importlib.import_module('m%d' % n)")
export_ "$T/big.archive" >/dev/null
rm -rf "$other"
mkdir "$T/mount"
full='mount -t tmpfs -o size=800k,mode=700 none "$1/mount" || exit 99
"$2" import --dir "$1/mount/c" "$1/big.archive" >/dev/null 2>"$1/said"; echo $?
find "$1/mount" -name "*.pyc.[0-9]*" | wc -l
cd "$1/mount/c" && find v1 -name "*.pyc" | while IFS= read -r name; do
	cmp -s "$name" "$1/cache/$name" || echo "$name"; done
"$2" export --dir "$1/cache" "$1/mount/x" >/dev/null 2>>"$1/said"; echo $?
ls "$1/mount"
head -c 1M /dev/zero >"$1/mount/fill" 2>/dev/null
"$2" import --dir "$1/mount/new" "$1/big.archive" 2>&1 >/dev/null | cut -d: -f2-; echo ${PIPESTATUS[0]}'
got=$(unshare -m bash -c "$full" - "$T" "$PYCSTASH" 2>/dev/null || unshare -rm bash -c "$full" - "$T" "$PYCSTASH" 2>/dev/null)
if [ "${got:-99}" = 99 ]; then
	skip "a full disk" "no mounts here"
else
	is "$got" "14
0
14
c
 $T/mount/new: no cache can be made here: No space left on device
14" "a full disk: 14, no broken file, no temporary, no half archive, no cache without its tag"
	check "import reports a full disk and how far it came" grep -qE 'No space left|stopped after [0-9]+ of' "$T/said"
fi

# --- interruptions --------------------------------------------------------------------
# interrupted SIGNAL CALL COMMAND…: sends the signal when a third of the files is done; prints
# the exit code.
interrupted() {
	local signal=$1 call=$2 tracer victim
	shift 2
	# A shell ignores SIGINT in background jobs. The leak checker does not work under strace.
	env --default-signal=INT ASAN_OPTIONS=detect_leaks=0 strace -qq -f -o "$T/trace" -e trace="$call" -e inject="$call":delay_exit=20000 "$@" >/dev/null 2>"$T/said" &
	tracer=$!
	for _ in {1..200}; do
		[ "$(grep -c . "$T/trace" 2>/dev/null)" -ge 15 ] && break
		sleep 0.05
	done
	victim=$(awk '{ print $1; exit }' "$T/trace")
	kill -"$signal" "$victim"
	wait "$tracer"
}
if strace -qq -o "$T/trace" true 2>/dev/null; then
	for signal in INT TERM KILL; do
		rm -rf "$other" "$T/trace"
		interrupted $signal renameat2 "$PYCSTASH" import --dir "$other" "$T/big.archive" 2>/dev/null
		code=$?
		count=$(find "$other" -name '*.pyc' | wc -l)
		is "$(broken "$other")" "" "an import that SIG$signal interrupts (after $count files) leaves no broken file"
		[ $signal = KILL ] && continue
		is "$code $(leftovers "$other")" "$((128 + $(kill -l $signal))) 0" "an import that is interrupted ends with its exit code and leaves no temporary file"
		check "an interrupted import says what it has done" grep -qE '^pycstash: .*interrupted after [0-9]+ of [0-9]+ files' "$T/said"
	done
	import_ "$T/big.archive" >/dev/null
	is "$(broken "$other") $(find "$other" -name '*.pyc' | wc -l)" " $(find "$CACHE/v1" -path '*/.*' -prune -o -name '*.pyc' -print | wc -l)" \
		"a second import brings the rest"
	rm -f "$T/trace"
	interrupted INT pread64 "$PYCSTASH" export --dir "$CACHE" "$T/x.archive" 2>/dev/null
	is "$? $(ls "$T" | grep -c x.archive)" "130 0" "an export that is interrupted leaves nothing"
else
	skip "interruptions" "strace does not work here"
fi

# --- beside others --------------------------------------------------------------------
wrong=
for round in 1 2 3; do
	(for _ in 1 2 3; do
		load
		rm -rf "$CACHE/v1/$tag"
	done) 2>/dev/null &
	writer=$!
	for n in 1 2 3 4 5; do
		timeout 60 "$PYCSTASH" export --dir "$CACHE" "$T/live" >/dev/null 2>&1
		case $? in 0 | 1 | 3) ;; *) wrong="$wrong export:$?" ;; esac
		[ ! -e "$T/live" ] || timeout 60 "$PYCSTASH" import --dir "$CACHE" "$T/live" >/dev/null 2>&1
		case $? in 0 | 1 | 3) ;; *) wrong="$wrong import:$?" ;; esac
		rm -f "$T/live"
	done
	wait $writer
done
is "$wrong" "" "export and import work while interpreters and purges run"
rm -rf "$other"
load
export_ "$T/live" >/dev/null
is "$(status_of import_ "$T/live") $(broken "$other")" "0 " "export and import beside purges leave a whole cache"

# --- other users ----------------------------------------------------------------------
if [ "$(id -u)" = 0 ]; then
	mkdir "$T/theirs" && chown 65534 "$T/theirs"
	cp "$T/a" "$T/theirs/a" && chmod 644 "$T/theirs/a"
	theirs() { as_user env HOME="$T/theirs" "$PYCSTASH" "$@"; }
	is "$(status_of theirs import --dir "$T/theirs/c" "$T/theirs/a")$(stat -c ' %u' "$T/theirs/c")" "0 65534" \
		"an ordinary user can import"
	is "$(status_of theirs export --dir "$CACHE" "$T/theirs/b")$(status_of "$PYCSTASH" export --dir "$T/theirs/c" "$T/theirs/b")" 1212 \
		"import refuses another user's cache, to root too"
	chmod 0 "$T/theirs/c/v1/$tag/objects"
	is "$(status_of theirs export --dir "$T/theirs/c" "$T/theirs/b")" 3 "export ends with 3 if a directory cannot be read"
	chmod 700 "$T/theirs/c/v1/$tag/objects"
	"$PYCSTASH" import --layer "$T/layer" "$T/a" >/dev/null
	is "$(as_user sh -c 'cd "$1" && find . -type f -exec cat {} + | wc -c' - "$T/layer")" \
		"$(cd "$T/layer" && find . -type f -exec cat {} + | wc -c)" "root's layer can be read by others"
else
	skip "other users" "not root"
fi

# --- without libarchive ---------------------------------------------------------------
mkdir "$T/lib"
echo 'int nothing;' | ${CC:-cc} -shared -fPIC -x c - -o "$T/lib/libarchive.so.13"
is "$(LD_LIBRARY_PATH=$T/lib status_of import_ "$T/a")$(LD_LIBRARY_PATH=$T/lib status_of export_ "$T/x")" 1414 \
	"export and import end with 14 without libarchive"
is "$(LD_LIBRARY_PATH=$T/lib status_of "$PYCSTASH" run true)" 0 "other commands work without libarchive"
done_testing
