#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Builds the library, the command and the tests in root directories of other systems, and runs
# the tiers unit, calls and library there. For another machine, a cross compiler builds them
# from that machine's root directory, and qemu runs the tiers unit and calls, and the main
# suite of library. BUILDS="bullseye-amd64 bookworm-arm64" selects systems, TIERS tiers.
# Writes a row for each system to $BUILD/platforms.
#
# Takes 1800 s.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/elsewhere/roots.bash
. "$(dirname "$0")/roots.bash"

[ "$(id -u)" = 0 ] || skip_all "other systems build it and pass its tests" "making a root directory needs root"
type -P debootstrap >/dev/null || skip_all "other systems build it and pass its tests" "there is no debootstrap"
unset MAKEFLAGS MFLAGS MAKELEVEL MODE CC CFLAGS CPPFLAGS LDFLAGS DESTDIR prefix
mkdir -p "$T/tree" "$BUILD/platforms"
tar -C "$HERE" --exclude=./build --exclude=./.git -cf - . | tar -C "$T/tree" -xf -

machine_of() { # ARCHITECTURE: as qemu and compilers call it
	case $1 in
	amd64) echo x86_64 ;;
	arm64) echo aarch64 ;;
	ppc64el) echo ppc64le ;;
	*) echo "$1" ;;
	esac
}

# prepared PLATFORM: makes $T/PLATFORM/files/src, a copy of this checkout without build/
prepared() {
	mkdir -p "$T/$1/files" "$T/$1/mount"
	cp -R "$T/tree" "$T/$1/files/src"
	mkdir "$T/$1/files/src/build"
	touch "$T/$1/files/src/build/.need-"{build,unit,test}
}

# The script that runs in the root directory. It uses copies, since other users than root
# write there, too.
cat >"$T/inside" <<'END'
cp -R /given/src /tmp/src && cd /tmp/src || exit 1
if ! [ -e build/tests/calls/call ]; then
	make -j2 WERROR=-Werror tests >/tmp/make.log 2>&1 || { grep -E 'error|warning|\*\*\*' /tmp/make.log | head -n 20; exit 1; }
fi
echo "built"
tests/run build "$@"
echo "Python $(python3 -V | sed 's/Python //') glibc $(ldd --version | sed -n '1s/.* //p')"
END

# crossed PLATFORM ROOT MACHINE: builds on this machine, with the libraries of that root
crossed() {
	local compiler=$3-linux-gnu-gcc
	[ "$3" != ppc64le ] || compiler=powerpc64le-linux-gnu-gcc
	type -P "$compiler" >/dev/null || return 77
	# Manual pages are not made, since that would run the command.
	make -C "$T/$1/files/src" -j2 CC="$compiler --sysroot=$2" HOSTCC=cc -o build/pages/made WERROR=-Werror tests
}

# Claims that are known to fail under an emulator; they count as skipped.
lacking() { sed 's/ *#.*//; /^$/d' "$HERE/tests/elsewhere/lacking.txt"; }

for platform in ${BUILDS:-bullseye-amd64 bookworm-amd64 trixie-amd64 sid-amd64 bookworm-i386 bookworm-arm64}; do
	suite=${platform%-*} arch=${platform#*-}
	machine=$(machine_of "$arch")
	if ! root=$(make_build_root "$suite" "$arch"); then
		skip "$platform: it builds and passes its tests" "no root: $root"
		continue
	fi
	prepared "$platform"
	cp "$T/inside" "$T/$platform/files/inside"
	log=$BUILD/test-logs/elsewhere-$platform.log
	if runs_here "$arch"; then
		# shellcheck disable=SC2086 # words
		in_root "$root" "$T/$platform" setarch "$machine" bash /given/inside ${TIERS:-unit calls library} >"$log" 2>&1
		how=
	elif ! type -P "qemu-$machine-static" >/dev/null; then
		skip "$platform: it builds and passes its tests" "there is no qemu-$machine-static"
		continue
	else
		crossed "$platform" "$root" "$machine" >"$T/make" 2>&1
		case $? in
		0) ;;
		77)
			skip "$platform: it builds and passes its tests" "there is no cross compiler for it"
			continue
			;;
		*)
			not_ok "$platform: it is built by a cross compiler" "$(grep -E 'error|warning|\*\*\*' "$T/make")"
			continue
			;;
		esac
		# shellcheck disable=SC2086 # words
		in_foreign_root "$machine" "$root" "$T/$platform" bash /given/inside \
			${TIERS:-unit calls tests/library/basics.sh tests/library/stale.sh} >"$log" 2>&1
		how=", qemu"
	fi
	check "$platform: it is built without a warning" grep -qx built "$log"
	read -r passed failed skipped < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$log")
	grep -E '^  [^ ].*: ' "$log" | sed -n '/^What failed/,$!p' | sort -u | grep -vE '^  (skipped|log): ' >"$T/failed"
	if [ "$how" ]; then
		lacking >"$T/lacking"
		excused=$(grep -cFf "$T/lacking" "$T/failed")
		grep -vFf "$T/lacking" "$T/failed" >"$T/left"
		echo "# $platform: $excused claims fail for what qemu lacks"
	else
		excused=0
		cp "$T/failed" "$T/left"
	fi
	is "$(head -n 20 "$T/left")" "" "$platform: all tests that can run there pass"
	check "$platform: at least one test ran" test "${passed:-0}" -gt 1000
	read -r _ python _ libc < <(grep '^Python [0-9.]* glibc' "$log")
	printf '| Debian %s | %s%s | glibc %s | %s | %s | %s passed, %s failed, %s skipped | %s |\n' "$suite" "$machine" \
		"$how" "$libc" "$python" "built: ${TIERS:-unit, calls, library}" "${passed:-0}" $((${failed:-0} - excused)) \
		$((${skipped:-0} + excused)) "$(date -u +%F)" >"$BUILD/platforms/build-$platform"
	rm -rf "${T:?}/$platform"
done
done_testing
