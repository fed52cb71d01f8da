#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Builds each package twice from one commit: in two places, with another umask, time zone and
# language, at another time. Both must have the same bytes. Checks what the packages depend on.
# Installs the rpm in a root directory of its own, uses it, upgrades it under a running program,
# and removes it.
#
# `make test-packages` runs it; see made.sh for what `make test` does.
#
# Takes 600 s.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1
[ "${PACKAGES:-}" = twice ] || skip_all "each package is built twice, to the same bytes" "make test-packages does it"
git rev-parse --git-dir >/dev/null 2>&1 || skip_all "each package is built twice, to the same bytes" "this is no clone"
unset MAKEFLAGS MFLAGS MAKELEVEL MODE CC CFLAGS CPPFLAGS LDFLAGS DESTDIR prefix
made() { # WHERE TARGET…: a clone, and what make makes there
	local where=$1
	shift
	git clone -q "$HERE" "$where" && make -C "$where" -j2 --no-print-directory "$@" >"$where.log" 2>&1 && return
	tail -n 5 "$where.log"
	return 1
}
differently() { # COMMAND…, in two years, elsewhere
	local later=
	! type -P faketime >/dev/null || later="faketime -f +700d"
	# shellcheck disable=SC2086 # words
	(umask 027 && TZ=Asia/Kathmandu LC_ALL=de_DE.UTF-8 HOME=$T $later "$@")
}
targets=(dist apk wheel)
type -P dpkg-deb >/dev/null && targets+=(deb)
type -P rpmbuild >/dev/null && targets+=(rpm)
type -P musl-gcc >/dev/null && targets+=(wheel-musl)
arm=${LIBB2_AARCH64:-$(aarch64-linux-gnu-gcc -print-file-name=libb2.a 2>/dev/null)}
[ -e "$arm" ] && targets+=(wheel-aarch64 LIBB2_AARCH64="$arm")
for target in deb rpm wheel-musl wheel-aarch64; do
	[[ " ${targets[*]} " == *" $target "* ]] || skip "$target is made" "what makes it is not installed"
done
mkdir "$T/another"
check "make makes ${targets[*]}" made "$T/one" "${targets[@]}"
export -f made
check "somebody else can make ${targets[*]} in another place" differently \
	env HERE="$HERE" bash -c 'made "$@"' - "$T/another/place" "${targets[@]}"
packages=$T/one/build/packages
check "there are packages to compare" test "$(find "$packages" -type f | wc -l)" -ge ${#targets[@]}
for file in "$packages"/*; do
	check "${file##*/} has the same bytes, whoever makes it" cmp "$file" "$T/another/place/build/packages/${file##*/}"
done

# --- what they ask for ----------------------------------------------------------------
versions() { readelf --dyn-syms -W "$1" | sed -n 's/.* UND .*@GLIBC_\([0-9.]*\).*/\1/p'; }
for build in portable portable-aarch64; do
	for file in pycstash libpycstash.so; do
		[ -e "$T/one/build/$build/$file" ] || continue
		versions "$T/one/build/$build/$file" >"$T/versions"
		check "the versions that $build/$file asks for were read" test -s "$T/versions"
		echo 2.17 | sort -uV - "$T/versions" | sed '1,/^2\.17$/d' |
			none "$build/$file asks for no version younger than glibc 2.17"
	done
done
if [ -e "$T/one/build/portable-musl/pycstash" ]; then
	readelf -lW "$T/one/build/portable-musl/pycstash" | grep INTERP |
		none "the command of the wheel for musl needs no libc"
fi
if type -P lintian >/dev/null; then
	is "$(lintian --allow-root "$packages"/*.deb 2>&1)" "" "lintian finds nothing"
else
	skip "lintian finds nothing" "there is no lintian"
fi
if ! type -P rpmlint >/dev/null; then
	skip "rpmlint finds nothing" "there is no rpmlint"
elif [[ " ${targets[*]} " == *" rpm "* ]]; then
	rpmlint --ignore-unused-rpmlintrc -r tools/packaging/pycstash.rpmlintrc "$packages"/*.rpm 2>&1 |
		grep -E ': [EW]: ' | none "rpmlint finds nothing"
fi

# --- the rpm --------------------------------------------------------------------------
# Its files are shown below /usr, in a mount namespace that ends with the test.
in_rpm_root() {
	# shellcheck disable=SC2016 # expanded by the shell in the namespace
	unshare --mount --propagation private sh -euc '
		top=$1
		shift
		mount -t overlay overlay -o "lowerdir=$top/root/usr:/usr" /usr
		exec "$@"' - "$T" "$@"
}
rpm_at() { rpm --root "$T/root" --nodeps "$@" 2>&1; }
if ! [[ " ${targets[*]} " == *" rpm "* ]]; then
	skip "the rpm is installed and used" "there is no rpmbuild"
elif [ "$(id -u)" != 0 ]; then
	skip "the rpm is installed and used" "it needs root"
else
	mkdir -p "$T/root/usr" "$T/src"
	rpm=$(ls "$packages/pycstash-"*".$(uname -m).rpm")
	check "the rpm is installed" rpm_at -i "$rpm"
	check "rpm finds nothing changed" rpm_at -V pycstash
	in_rpm_root /usr/bin/python3 tests/elsewhere/smoke.py /usr/bin/pycstash | told
	# A program maps the library in the root; an upgrade, then a removal, is under it.
	library=$T/root$(rpm_at -ql pycstash | grep '/libpycstash\.so$')
	echo 'import first, sys; print("ready", flush=True); sys.stdin.readline(); import second; print(second.x)' >"$T/src/main.py"
	echo 'x = 1' >"$T/src/first.py" && echo 'x = 2' >"$T/src/second.py"
	mkdir -m 700 "$CACHE"
	for act in upgrade removal; do
		coproc running { LD_PRELOAD=$library PYCSTASH_DIR=$CACHE /usr/bin/python3 "$T/src/main.py"; }
		read -r _ <&"${running[0]}"
		case $act in
		upgrade) check "an upgrade under a running program works" rpm_at -U --force "$rpm" ;;
		removal) check "the rpm is removed under a running program" rpm_at -e pycstash ;;
		esac
		echo >&"${running[1]}"
		read -r said <&"${running[0]}"
		# shellcheck disable=SC2154 # of coproc
		wait "$running_PID"
		is "$said" 2 "a running program goes on after an $act"
	done
	# rpm makes the folder of temporary files there, too.
	find "$T/root" -name '*pycstash*' ! -path '*/rpm/*' ! -path "$T/root$T*" | none "removing the rpm leaves no file behind"
fi

# --- the wheel ------------------------------------------------------------------------
if ! /usr/bin/python3 -m venv "$T/venv" >/dev/null 2>&1; then
	skip "pip installs the wheel without a network" "python3 -m venv does not work"
else
	check "pip installs the wheel without a network" "$T/venv/bin/pip" install -q --no-index \
		--disable-pip-version-check "$packages"/*manylinux*"$(uname -m)".whl
	"$T/venv/bin/python" tests/elsewhere/smoke.py "$T/venv/bin/pycstash" | told
	is "$("$T/venv/bin/pip" show -f pycstash | grep -c 'pycstash/libpycstash.so')" 1 \
		"pip lists the library as a file of the package"
fi
done_testing
