#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What packages are made of, without building anything: the same bytes at another time, in
# another place, with another umask; and what the tools of each kind say of them. The
# suites beside this one build them, twice, and use them.
#
# Takes 30 s.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1
version=$(sed -n 's/^VERSION := //p' Makefile)
machine=$(uname -m)
export SOURCE_DATE_EPOCH=1700000000
unset MAKEFLAGS MFLAGS MAKELEVEL MODE CC CFLAGS CPPFLAGS LDFLAGS DESTDIR prefix

# differently COMMAND…: as somebody else would
differently() { (umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 faketime -f +400d "$@"); }
type -P faketime >/dev/null || differently() { (umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 "$@"); }
# same SENTENCE: what one and another in $T/SENTENCE's first word have
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
	"make says in one line that a compiler for 32 bits will not do"

# --- wheel ----------------------------------------------------------------------------
wheel() { python3 tools/packaging/wheel.py "$BUILD" "$version" "linux_$machine" "$T/wheel/$1"; }
check "a wheel is made" wheel one
export -f wheel
export T BUILD version machine
check "a wheel is made by somebody else" differently bash -c 'wheel another'
same wheel "a wheel has the same bytes, whoever makes it"
if /usr/bin/python3 -m venv "$T/venv" >/dev/null 2>&1; then
	check "pip installs the wheel without a network" "$T/venv/bin/pip" install -q --no-index \
		--disable-pip-version-check "$T"/wheel/one/*.whl
	check "pip check has nothing to say" "$T/venv/bin/pip" check
	is "$("$T/venv/bin/pip" show pycstash | sed -n 's/^Version: //p')" "$version" "pip knows the version"
	is "$("$T/venv/bin/pycstash" --version | head -1)" "pycstash $version" "the command has that version, too"
	check "the environment's own files all have a row" "$T/venv/bin/python" -c \
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
	check "pipx installs it" env PIPX_HOME="$T/pipx" PIPX_BIN_DIR="$T/bin" HOME="$T" \
		PIP_FIND_LINKS=/usr/share/python-wheels pipx install --pip-args=--no-index "$T"/wheel/one/*.whl
	# shellcheck disable=SC2016 # the shell below expands it
	is "$("$T/bin/pycstash" run -- /bin/sh -c 'echo "${LD_PRELOAD##*/lib/}"' 2>&1)" pycstash/libpycstash.so \
		"what pipx installed finds its library"
else
	skip "pipx installs it" "there is no pipx"
fi

# --- tarball --------------------------------------------------------------------------
if ! git rev-parse --git-dir >/dev/null 2>&1; then
	skip "a tarball has the same bytes, whoever makes it" "this is no clone"
else
	git clone -q . "$T/one" && (umask 077 && git clone -q . "$T/another")
	check "a tarball is made" make -C "$T/one" dist SIGN='wc -c'
	check "a tarball is made by somebody else" differently make -C "$T/another" dist
	mkdir -p "$T/dist/one" "$T/dist/another"
	cp "$T/one/build/packages/"*.tar.gz "$T/dist/one" && cp "$T/another/build/packages/"*.tar.gz "$T/dist/another"
	same dist "a tarball has the same bytes, whoever makes it"
	# In a repository of something else, which has a time of its own.
	git -C "$T/another" -c user.name=t -c user.email=t commit -q --allow-empty -m later
	(unset SOURCE_DATE_EPOCH && make -C "$T/one" dist >/dev/null 2>&1 && tar -C "$T/another" -xzf "$T"/one/build/packages/*.tar.gz &&
		differently make -C "$T/another/pycstash-$version" dist >/dev/null 2>&1)
	check "a tarball makes itself" cmp "$T/one/build/packages/pycstash-$version.tar.gz" \
		"$T/another/pycstash-$version/build/packages/pycstash-$version.tar.gz"
	check "its checksum is right" env -C "$T/one/build/packages" sha256sum -c "pycstash-$version.tar.gz.sha256"
	tar -tzf "$T/one/build/packages/pycstash-$version.tar.gz" | grep -vE "^pycstash-$version/" |
		none "all in it is in one folder"
	check "an APKBUILD is made" make -C "$T/one" apk
	check "the APKBUILD is a script" sh -n "$T/one/build/packages/APKBUILD"
	grep -n '@[A-Z0-9]*@' "$T/one/build/packages/APKBUILD" | none "all of the APKBUILD is filled in"
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
	check "debs are made" deb one
	check "debs are made by somebody else" differently bash -c 'deb another'
	same deb "the debs have the same bytes, whoever makes them"
	is "$(dpkg-deb -f "$T"/deb/one/pycstash_*.deb Suggests | grep -oE 'lib(curl|sodium)' | sort -u | tr '\n' ' ')" \
		"$(sed -n 's/^Suggests: *//p' tools/packaging/pycstash.spec | sort | tr '\n' ' ')" "the deb suggests what the rpm does"
	dpkg-deb -c "$T"/deb/one/pycstash_*.deb | awk '{ print $NF }' >"$T/files"
	for page in docs/*.md; do
		grep -qE "doc/pycstash/${page##*/}(\.gz)?$" "$T/files" || echo "$page"
	done | none "all pages of docs are in the deb"
	if type -P lintian >/dev/null; then
		is "$(lintian --allow-root "$T"/deb/one/*.deb 2>&1 | grep -v 'unstripped-binary-or-object')" "" \
			"lintian finds nothing but what is not stripped"
	else
		skip "lintian finds nothing" "there is no lintian"
	fi
fi
done_testing
