#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The packages of one commit, made twice in two places: the same bytes. And the wheel, in an
# environment of this machine.
#
# Takes 120 s.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1
git rev-parse --git-dir >/dev/null 2>&1 || skip_all "packages are reproducible" "this is no clone"
made() { # WHERE TARGET…: a clone, and what make makes there
	local where=$1
	shift
	git clone -q "$HERE" "$where" && make -C "$where" -j2 --no-print-directory "$@" >"$where.log" 2>&1 ||
		tail -n 5 "$where.log"
}
targets="dist wheel"
type -P dpkg-deb >/dev/null && targets+=" deb"
type -P musl-gcc >/dev/null && targets+=" wheel-musl"
# shellcheck disable=SC2086 # words
for where in one another/place; do
	mkdir -p "$T/$(dirname "$where")"
	check "$targets are made in $where" made "$T/$where" $targets
done
files=$(cd "$T/one/build/packages" && ls)
check "there are packages to compare" test "$(wc -l <<<"$files")" -ge 2
for file in $files; do
	check "$file has the same bytes, wherever it is made" \
		cmp "$T/one/build/packages/$file" "$T/another/place/build/packages/$file"
done

# --- what they ask for ----------------------------------------------------------------
versions() { nm -D --undefined-only "$1" | sed -n 's/.*@GLIBC_\([0-9.]*\)$/\1/p'; }
for file in pycstash libpycstash.so; do
	versions "$T/one/build/portable/$file" >"$T/versions"
	check "the versions that $file asks for were read" test -s "$T/versions"
	echo 2.17 | sort -uV - "$T/versions" | sed '1,/^2\.17$/d' |
		none "the wheel's $file asks for no version younger than glibc 2.17"
done
if [ -e "$T/one/build/portable-musl/pycstash" ]; then
	readelf -lW "$T/one/build/portable-musl/pycstash" | grep INTERP |
		none "the command of the wheel for musl needs no libc"
else
	skip "the command of the wheel for musl needs no libc" "there is no musl-gcc"
fi
if type -P lintian >/dev/null; then
	is "$(lintian --allow-root "$T"/one/build/packages/*.deb 2>&1)" "" "lintian finds nothing"
else
	skip "lintian finds nothing" "there is no lintian"
fi

# --- the wheel ------------------------------------------------------------------------
if ! /usr/bin/python3 -m venv "$T/venv" >/dev/null 2>&1; then
	skip "pip installs the wheel without a network" "python3 -m venv does not work"
else
	check "pip installs the wheel without a network" "$T/venv/bin/pip" install -q --no-index \
		--disable-pip-version-check "$T"/one/build/packages/*manylinux*.whl
	"$T/venv/bin/python" tests/elsewhere/smoke.py "$T/venv/bin/pycstash" | told
	is "$("$T/venv/bin/pip" show -f pycstash | grep -c 'pycstash/libpycstash.so')" 1 \
		"pip knows the library"
fi
done_testing
