#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Both compilers, and gcc in every mode, build the library and the command without a warning,
# in a copy; what is installed is what should be, works from there, and goes away again.
#
# Takes 125 s.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

# `make test MODE=…` must not decide what is built here.
unset MAKEFLAGS MFLAGS MAKELEVEL MODE CC CFLAGS CPPFLAGS LDFLAGS DESTDIR prefix

copy=$T/copy
mkdir "$copy"
cd "$HERE" || exit 1
cp -r Makefile .ci shim tools docs "$copy"
cp -r "$copy" "$T/before" # not the checkout, which somebody may be editing
cd "$copy" || exit 1

# This machine is known to be able to build, because it has built this.
# Without -g it takes half of the time, and no warning depends on it.
mk() { make --no-print-directory -j2 CFLAGS=-g0 "$@"; }
ready() { mkdir -p "$1" && touch "$1/.need-build"; }

# need: succeeds if the compiler CC is there, whatever words CC has.
need() { # CC
	CC=$1 .ci/need build >/dev/null 2>&1
	echo $?
}
is "$(need "env gcc -O2") $(need "env no-such-gcc")" "0 1" "CC may have a launcher before it and options after it"

# --- compilers and modes --------------------------------------------------------------
# The command is built once by each compiler: with gcc's -O2, which finds most, and with
# clang's -O0, since what clang warns of does not depend on it. The library in each mode.
builds_quietly() { # COMPILER MODE
	local out=build output whole=
	case "$1 $2" in "gcc release" | "clang debug") whole=yes ;; esac
	[ "$2" = release ] || out=build/$2
	rm -rf build
	ready build
	ready "$out"
	output=$(mk CC="$1" MODE="$2" WERROR=-Werror ${whole:+"$out/pycstash"} "$out/libpycstash.so" 2>&1) &&
		! grep -E 'warning|error' <<<"$output" &&
		[ -s "$out/libpycstash.so" ] && [ -x "$out/pycstash" -o ! "$whole" ] && return
	tail -20 <<<"$output"
	return 1
}
last=
for compiler in clang gcc; do
	for mode in debug $([ $compiler = clang ] || echo asan ubsan tsan release); do
		claim="$compiler builds MODE=$mode without a warning"
		if ! type -P $compiler >/dev/null; then
			skip "$claim" "not installed"
		elif [ $mode = debug ] || [ $mode = release ] ||
			echo 'int main(void) { return 0; }' |
			$compiler -fsanitize="$(sed 's/^a/address/; s/^ub/undefined/; s/^t/thread/; s/san$//' <<<$mode)" \
				-x c - -o "$T/probe" 2>/dev/null; then
			check "$claim" builds_quietly $compiler $mode
			last=$compiler
		else
			skip "$claim" "its runtime is not installed"
		fi
	done
done

# The compiler flags of Debian's, Ubuntu's and Fedora's packages, and what undoes them in calls.c.
packaged() {
	local output
	rm -rf build
	ready build
	output=$(make --no-print-directory -j2 WERROR=-Werror V=1 CPPFLAGS='-DPACKAGED -D_FORTIFY_SOURCE=2' \
		CFLAGS='-g0 -O2 -flto=auto -ffat-lto-objects -fstack-protector-strong -fcf-protection' \
		LDFLAGS='-Wl,-z,relro -Wl,-z,now -Wl,--build-id=sha1' all 2>&1) &&
		! grep -E 'warning|error:' <<<"$output" &&
		grep -q -- '-DPACKAGED .*calls.c' <<<"$output" &&
		grep -q -- '--build-id=sha1.*pycstash' <<<"$output" &&
		LD_PRELOAD=$PWD/build/libpycstash.so build/pycstash --version >/dev/null && return
	tail -20 <<<"$output"
	return 1
}
if [ "$(uname -m)" = x86_64 ] && type -P gcc >/dev/null; then
	check "a packager's flags are taken, link-time optimization among them" packaged
	check "a build with these flags exports what one without them exports" \
		diff <(nm -D --defined-only build/libpycstash.so | awk '{ print $NF }') \
		<(nm -D --defined-only "$SO" | awk '{ print $NF }')
else
	skip "a packager's flags are taken, link-time optimization among them" "needs gcc on x86-64"
fi

# --- make -----------------------------------------------------------------------------
check "a second make has nothing to do" mk CC="$last" -q all
help=$(make help)
for target in $(sed -n 's/^\.PHONY: //p' Makefile); do
	grep -qE "^  make $target " <<<"$help" || echo "$target"
done >"$T/untold"
is "$(tr '\n' ' ' <"$T/untold")" "" "make help tells of every target"
mk CC=no-such-cc MODE=debug OUT="$T/other" all >"$T/output" 2>&1
is "$(grep -vc '^make' "$T/output"):$(grep -oE 'missing: .*' "$T/output")" \
	"1:missing: gcc; run: make deps" \
	"plain make installs nothing: it names what is missing, and the command, in one line"
if mk MODE=nonsense all >"$T/output" 2>&1; then
	not_ok "a mode that there is not is an error"
else
	check "a mode that there is not is an error" grep -q nonsense "$T/output"
fi

# --- install --------------------------------------------------------------------------
listing() { (cd "$1" && find . ! -type d -printf '%m %P\n' | sort -k 2); }
installed="755 usr/bin/pycstash
644 usr/lib/pycstash/libpycstash.so
644 usr/lib/systemd/system/pycstash-gc@.service
644 usr/lib/systemd/system/pycstash-gc@.timer
644 usr/lib/systemd/user/pycstash-gc.service
644 usr/lib/systemd/user/pycstash-gc.timer
644 usr/share/bash-completion/completions/pycstash
644 usr/share/fish/vendor_completions.d/pycstash.fish
$(cd build/pages/man && printf '%s\n' * | sed 's,.*\.\(.\)$,644 usr/share/man/man\1/&,' | sort)
644 usr/share/zsh/site-functions/_pycstash"
mk CC="$last" install DESTDIR="$T/dest" prefix=/usr >"$T/output" 2>&1 ||
	not_ok "make install works" "$(cat "$T/output")"
is "$(listing "$T/dest")" "$installed" "what is installed is the command, the library, units, manual pages and completions"
if type -P systemd-analyze >/dev/null; then
	for unit in "$T"/dest/usr/lib/systemd/*/*.service; do
		[[ $unit != *@.service ]] || unit=${unit%@.service}@var-cache-app.service
		cp "${unit/var-cache-app/}" "$T/${unit##*/}"
		sed -i "s|/usr/bin/pycstash|$T/dest&|" "$T/${unit##*/}"
		systemd-analyze verify --man=no "$T/${unit##*/}" 2>&1 | grep -F "${unit##*/}"
	done | none "systemd finds nothing wrong with the units"
else
	skip "systemd finds nothing wrong with the units" "systemd-analyze is not installed"
fi
is "$("$T/dest/usr/bin/pycstash" run -- /bin/sh -c 'echo "$LD_PRELOAD"' 2>&1)" \
	"$T/dest/usr/lib/pycstash/libpycstash.so" \
	"the installed command finds the installed library, wherever that was put"
is "$(mk -n libdir=/usr/lib/odd all | grep -c 'LIBDIR=.*/usr/lib/odd.*-c tools/python/library\.c')" 1 \
	"a command that was built for one place is built again for another"
is "$(find "$T/dest" -empty)" "" "no page is empty"

# A running program has the old library mapped, so the file must be replaced, not overwritten.
before=$(stat -c %i "$T/dest/usr/lib/pycstash/libpycstash.so")
exec 9<"$T/dest/usr/lib/pycstash/libpycstash.so"
mk CC="$last" install DESTDIR="$T/dest" prefix=/usr >/dev/null 2>&1
is "$(listing "$T/dest")" "$installed" "installing again leaves the same files"
if [ "$(stat -c %i "$T/dest/usr/lib/pycstash/libpycstash.so")" = "$before" ]; then
	not_ok "a library that is in use is replaced, not written to"
else
	ok "a library that is in use is replaced, not written to"
fi
exec 9<&-
mk CC="$last" uninstall DESTDIR="$T/dest" prefix=/usr >/dev/null 2>&1
is "$(listing "$T/dest")" "" "make uninstall leaves no file"
is "$(find "$T/dest" -name '*pycstash*')" "" "make uninstall leaves no directory of ours"
check "make uninstall with nothing there is no error" \
	mk uninstall DESTDIR="$T/dest" prefix=/usr

mk clean >/dev/null 2>&1
is "$(diff -rq "$T/before" .)" "" \
	"make clean leaves the sources and nothing else"
done_testing
