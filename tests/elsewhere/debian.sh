#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Installs and uses the packages that were built here in root directories of other releases of
# Debian. ROOTS="bullseye sid" selects releases. Writes a row for each to $BUILD/platforms.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/elsewhere/roots.bash
. "$(dirname "$0")/roots.bash"

packages=$HERE/build/packages
[ "$(id -u)" = 0 ] || skip_all "the packages work in other releases of Debian" "making a root directory needs root"
type -P debootstrap >/dev/null || skip_all "the packages work in other releases of Debian" "there is no debootstrap"
mkdir -p "$T/given/files" "$T/given/mount" "$BUILD/platforms"
cp "$packages"/*.deb "$packages"/*manylinux*_"$(uname -m)".whl "$HERE"/tests/elsewhere/*.py "$HERE"/tests/elsewhere/packages.sh "$T/given/files"

for suite in ${ROOTS:-bullseye bookworm trixie sid}; do
	if ! root=$(make_root "$suite"); then
		skip "the packages work in Debian $suite" "no root: $root"
		continue
	fi
	in_root "$root" "$T/given" sh /given/packages.sh /given >"$T/log" 2>&1
	sed "s/^\(not \)\{0,1\}ok - /&Debian $suite: /" "$T/log" | told
	check "Debian $suite: the script ran to its end" grep -q 'uninstalling the wheel leaves no file behind' "$T/log"
	libc=$(in_root "$root" "$T/given" ldd --version | sed -n '1s/.* //p')
	pythons=$(sed -n 's/^# with \(CPython \)*//p' "$T/log" | paste -sd, | sed 's/,/, /g')
	printf '| Debian %s | %s | glibc %s | %s | deb, wheel | %s passed, %s failed | %s |\n' "$suite" \
		"$(uname -m)" "$libc" "$pythons" "$(grep -c '^ok' "$T/log")" \
		"$(grep -c '^not ok' "$T/log")" "$(date -u +%F)" >"$BUILD/platforms/debian-$suite"
done
done_testing
