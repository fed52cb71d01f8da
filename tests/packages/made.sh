#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The content of packages, without compiling anything: a package has the same bytes if it is
# made at another time, in another place or with another umask, and the tools for each kind of
# package find no fault. The other suites in this folder build packages twice and use them.
#
# Takes 30 s.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1
version=$(sed -n 's/^VERSION := //p' Makefile)
machine=$(uname -m)
export SOURCE_DATE_EPOCH=1700000000
unset MAKEFLAGS MFLAGS MAKELEVEL MODE CC CFLAGS CPPFLAGS LDFLAGS DESTDIR prefix

# differently COMMAND…: runs the command as if somebody else ran it
differently() { (umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 faketime -f +400d "$@"); }
type -P faketime >/dev/null || differently() { (umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 "$@"); }
# same KIND SENTENCE: compares the packages of that kind that were made here and by somebody
# else
same() {
	local folder=$T/$1 file
	shift
	check "there is something to compare: $*" test -n "$(ls "$folder/one")"
	for file in "$folder"/one/*; do
		check "$* (${file##*/})" cmp "$file" "$folder/another/${file##*/}"
	done
}

# --- what it is made for --------------------------------------------------------------
printf '#!/bin/sh\necho "#define __linux__ 1"\n' >"$T/cc32"
chmod +x "$T/cc32"
is "$(make CC="$T/cc32" all 2>&1 | grep -c '32 bits.*docs/platforms.md')" 1 \
	"make says in one line that it does not support a compiler for this 32-bit machine"

# --- wheel ----------------------------------------------------------------------------
wheel() { python3 tools/packaging/wheel.py "$BUILD" "$version" "linux_$machine" "$T/wheel/$1"; }
check "make wheel makes a wheel" wheel one
export -f wheel
export T BUILD version machine
check "somebody else can make a wheel" differently bash -c 'wheel another'
same wheel "a wheel has the same bytes, whoever makes it"
if /usr/bin/python3 -m venv "$T/venv" >/dev/null 2>&1; then
	check "pip installs the wheel without a network" "$T/venv/bin/pip" install -q --no-index \
		--disable-pip-version-check "$T"/wheel/one/*.whl
	check "pip check finds no problem" "$T/venv/bin/pip" check
	is "$("$T/venv/bin/pip" show pycstash | sed -n 's/^Version: //p')" "$version" "pip shows the version of the package"
	is "$("$T/venv/bin/pycstash" --version | head -1)" "pycstash $version" "the command and the package have the same version"
	check "RECORD lists every installed file" "$T/venv/bin/python" -c \
		'import importlib.metadata as m; assert all(f.locate().exists() for f in m.files("pycstash"))'
else
	skip "pip installs the wheel without a network" "python3 -m venv does not work"
fi
if type -P twine >/dev/null; then
	is "$(twine --no-color check "$T"/wheel/one/*.whl | grep -c PASSED)" 1 "twine accepts the wheel"
else
	skip "twine accepts the wheel" "there is no twine"
fi
if type -P pipx >/dev/null; then
	# pipx wants the newest pip; Debian's will do.
	check "pipx installs the wheel" env PIPX_HOME="$T/pipx" PIPX_BIN_DIR="$T/bin" HOME="$T" \
		PIP_FIND_LINKS=/usr/share/python-wheels pipx install --pip-args=--no-index "$T"/wheel/one/*.whl
	# shellcheck disable=SC2016 # the shell below expands it
	is "$("$T/bin/pycstash" run -- /bin/sh -c 'echo "${LD_PRELOAD##*/lib/}"' 2>&1)" pycstash/libpycstash.so \
		"the command that pipx installed finds its library"
else
	skip "pipx installs the wheel" "there is no pipx"
fi

# --- tarball --------------------------------------------------------------------------
if ! git rev-parse --git-dir >/dev/null 2>&1; then
	skip "a tarball has the same bytes, whoever makes it" "this is no clone"
else
	git clone -q . "$T/one" && (umask 077 && git clone -q . "$T/another")
	check "make dist makes a tarball" make -C "$T/one" dist SIGN='wc -c'
	check "somebody else can make a tarball" differently make -C "$T/another" dist
	mkdir -p "$T/dist/one" "$T/dist/another"
	cp "$T/one/build/packages/"*.tar.gz "$T/dist/one" && cp "$T/another/build/packages/"*.tar.gz "$T/dist/another"
	same dist "a tarball has the same bytes, whoever makes it"
	# In a repository of something else, which has a time of its own.
	git -C "$T/another" -c user.name=t -c user.email=t commit -q --allow-empty -m later
	(unset SOURCE_DATE_EPOCH && make -C "$T/one" dist >/dev/null 2>&1 && tar -C "$T/another" -xzf "$T"/one/build/packages/*.tar.gz &&
		differently make -C "$T/another/pycstash-$version" dist >/dev/null 2>&1)
	check "a tarball can make the same tarball" cmp "$T/one/build/packages/pycstash-$version.tar.gz" \
		"$T/another/pycstash-$version/build/packages/pycstash-$version.tar.gz"
	check "the checksum file fits the tarball" env -C "$T/one/build/packages" sha256sum -c "pycstash-$version.tar.gz.sha256"
	tar -tzf "$T/one/build/packages/pycstash-$version.tar.gz" | grep -vE "^pycstash-$version/" |
		none "a tarball has everything in one directory"
	check "an APKBUILD is made" make -C "$T/one" apk
	check "the APKBUILD is a script" sh -n "$T/one/build/packages/APKBUILD"
	grep -n '@[A-Z0-9]*@' "$T/one/build/packages/APKBUILD" | none "no field of the APKBUILD is left to fill in"
	is "$(sh -c '. "$1" && echo "$sha512sums"' - "$T/one/build/packages/APKBUILD" | sed -n 's/ .*//p')" \
		"$(sha512sum <"$T/one/build/packages/pycstash-$version.tar.gz" | cut -d' ' -f1)" \
		"the APKBUILD has the tarball's checksum"
fi

# --- deb ------------------------------------------------------------------------------
deb() {
	make -o all "OUT=$BUILD" DESTDIR="$T/root" prefix=/usr \
		"libdir=/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)/pycstash" install &&
		tools/packaging/deb "$T/root" "$version" "$T/deb/$1" && rm -rf "$T/root" "$T/root-library"
}
export -f deb
if ! type -P dpkg-deb dpkg-architecture >/dev/null || ! [ -e /etc/debian_version ]; then
	skip "the debs have the same bytes, whoever makes them" "this is not Debian"
else
	check "make deb makes the debs" deb one
	check "somebody else can make the debs" differently bash -c 'deb another'
	same deb "the debs have the same bytes, whoever makes them"
	is "$(dpkg-deb -f "$T"/deb/one/pycstash_*.deb Suggests | grep -oE 'lib(curl|sodium)' | sort -u | tr '\n' ' ')" \
		"$(sed -n 's/^Suggests: *//p' tools/packaging/pycstash.spec | sort | tr '\n' ' ')" "the deb suggests the same packages as the rpm"
	dpkg-deb -c "$T"/deb/one/pycstash_*.deb | awk '{ print $NF }' >"$T/files"
	for page in docs/*.md; do
		grep -qE "doc/pycstash/${page##*/}(\.gz)?$" "$T/files" || echo "$page"
	done | none "all pages of docs are in the deb"
	if type -P lintian >/dev/null; then
		is "$(lintian --allow-root "$T"/deb/one/*.deb 2>&1 | grep -v 'unstripped-binary-or-object')" "" \
			"lintian finds only that the binaries are not stripped"
	else
		skip "lintian finds nothing" "there is no lintian"
	fi
fi
done_testing
