#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs of musl under the library that was made for glibc: one that makes importlib's
# calls, and CPython, which is built once from Debian's sources of it and of zlib, and kept
# in $ELSEWHERE (5 minutes). MUSL_PYTHON=PROGRAM takes that one instead; MUSL_PYTHON=no builds none.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/elsewhere/roots.bash
. "$(dirname "$0")/roots.bash"

type -P musl-gcc >/dev/null || skip_all "programs that use musl are served" "there is no musl-gcc"
import() { LD_PRELOAD=$SO PYCSTASH_DIR=$CACHE "$@" "$T/source" 2>&1; }

# --- importlib's calls ----------------------------------------------------------------
mkdir -m 700 "$CACHE"
mkdir "$T/source"
echo 'value = 1' >"$T/source/m.py"
check "a program is built for musl" musl-gcc -O1 -o "$T/python" "$HERE/tests/elsewhere/importer.c"
is "$(import "$T/python")" compiled "musl: without bytecode the source is compiled"
is "$(entries | sed 's,.*/,,')" m.cpython-311.pyc "musl: the bytecode is in the cache"
is "$(ls "$T/source")" m.py "musl: the tree has only the source"
is "$(import "$T/python")" loaded "musl: the bytecode is served"
echo 'value = 2' >"$T/source/m.py"
touch -r "$T/python" "$T/source/m.py"
is "$(import "$T/python")" compiled "musl: an edit that keeps the size is noticed"
is "$(import "$T/python" -X no_debug_ranges)" compiled \
	"musl: a program with other bytecode options gets its own bytecode"
check "musl: bytecode of another optimization level is stored separately" test -d "$CACHE/v1/cpython-311+no_debug_ranges"
check "a static program that uses musl runs" musl-gcc -static -o "$T/static" "$HERE/tests/elsewhere/importer.c"
is "$(import "$T/static"; ls "$T/source")" "compiled
__pycache__
m.py" "a static program of musl is left alone"

# --- a library that is made for musl --------------------------------------------------
# It must not name musl's libc, or each program that uses glibc would end when it is loaded.
mkdir "$T/tree" "$T/lib"
ln -s "$(gcc -print-file-name=libb2.a)" "$T/lib/"
tar -C "$HERE" --exclude=./build --exclude=./.git -cf - . | tar -C "$T/tree" -xf -
mkdir "$T/tree/build"
touch "$T/tree/build/.need-build" # by the headers of glibc
check "the library and the command are built for musl" make -C "$T/tree" -j2 CC=musl-gcc LDFLAGS="-L$T/lib" \
	CPPFLAGS="-idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu" \
	build/libpycstash.so build/pycstash
readelf -dW "$T/tree/build/libpycstash.so" | grep NEEDED | none "a library made for musl names no libc"
SO=$T/tree/build/libpycstash.so
rm -rf "${CACHE:?}"/* "$T/source/__pycache__"
is "$(import "$T/python") $(import "$T/python")" "compiled loaded" "a library made for musl serves a program of musl"
is "$(LD_PRELOAD=$SO /bin/echo whole 2>&1)" whole "a library made for musl does no harm to a program of glibc"
SO=$BUILD/libpycstash.so

# --- CPython --------------------------------------------------------------------------
# make_python DIRECTORY: builds CPython 3.11 for musl from Debian's sources
make_python() {
	local to=$1 apt
	mkdir -p "$T/apt/lists/partial" "$T/apt/parts" && cd "$T/apt" || return 1
	printf 'Types: deb-src\nURIs: %s\nSuites: bookworm\nComponents: main\nSigned-By: %s\n' "$MIRROR" \
		/usr/share/keyrings/debian-archive-keyring.gpg >parts/source.sources
	apt="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$PWD/parts -o Dir::State::lists=$PWD/lists"
	# shellcheck disable=SC2086 # words
	apt-get $apt update && apt-get $apt source --download-only python3.11 zlib &&
		tar -xzf python3.11_*.orig.tar.gz && tar -xf zlib_*.orig.tar.* || return 1
	# shellcheck disable=SC2016 # the script's
	printf '#!/bin/sh\ncase $1 in *-print-multiarch) echo %s-linux-musl; exit ;; esac\nexec musl-gcc "$@" %s\n' \
		"$(uname -m)" "-idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu" >cc
	chmod +x cc
	(cd zlib-1.* && CC=$T/apt/cc CFLAGS='-O2 -fPIC' ./configure --static --prefix="$T/apt/zlib" && make -s install) || return 1
	cd Python-3.11.* && ./configure -q CC="$T/apt/cc" ZLIB_CFLAGS="-I$T/apt/zlib/include" \
		ZLIB_LIBS="$T/apt/zlib/lib/libz.a" --prefix="$to" --without-ensurepip --disable-test-modules &&
		make -s -j2 && make -s install DESTDIR="$T/apt/root" && mv "$T/apt/root$to" "$to"
}
python=${MUSL_PYTHON:-$ELSEWHERE/musl-python/bin/python3}
if [ "$python" = "$ELSEWHERE/musl-python/bin/python3" ] && ! "$python" -c 'import zlib' 2>/dev/null; then
	mkdir -p "$ELSEWHERE" && rm -rf "$ELSEWHERE/musl-python"
	(make_python "$ELSEWHERE/musl-python") >"$ELSEWHERE/musl-python.log" 2>&1
fi
if ! [ -x "$python" ]; then
	skip "musl: CPython is served" "there is none; see $ELSEWHERE/musl-python.log"
else
	mkdir -p "$T/prefix/bin" "$T/prefix/lib/pycstash"
	cp "$SO" "$T/prefix/lib/pycstash/"
	cp "$HERE/build/portable-musl/pycstash" "$T/prefix/bin/" 2>/dev/null || cp "$PYCSTASH" "$T/prefix/bin/"
	"$python" "$HERE/tests/elsewhere/smoke.py" "$T/prefix/bin/pycstash" | sed 's/ok - /&musl: /' | tee "$T/log" | told
	check "musl: the script for CPython ran to its end" grep -q 'archive' "$T/log"
	mkdir -p "$BUILD/platforms"
	printf '| musl | %s | musl | %s | library of glibc, static command | %s passed, %s failed | %s |\n' "$(uname -m)" \
		"$("$python" -V | sed 's/Python //')" "$(grep -c '^ok' "$T/log")" \
		"$(grep -c '^not ok' "$T/log")" "$(date -u +%F)" >"$BUILD/platforms/musl"
fi
done_testing
