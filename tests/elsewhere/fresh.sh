#!/bin/bash
# SPDX-License-Identifier: MIT
#
# From a fresh checkout to the demo on machines with nothing installed: minimal root
# directories of Debian, with /tmp on tmpfs, as an ordinary user without sbin on PATH, with
# sudo and without. ROOTS="bookworm trixie" selects releases.

# --- in the root, as root, where this checkout is /given/checkout -----------------------
if [ "${1:-}" = inside ]; then
	set -u
	said=/tmp/said
	claim() { # SENTENCE COMMAND…
		local sentence=$1
		shift
		if "$@" >"$said" 2>&1; then
			echo "ok - $sentence"
		else
			echo "not ok - $sentence"
			tail -n 20 "$said" | sed 's/^/#   /'
		fi
	}
	user() { setpriv --reuid=user --regid=user --init-groups env -i HOME=/home/user PATH=/usr/bin:/bin "$@"; }
	build() { user make -j2 -C /home/user/checkout "$@"; }
	names() { # WHAT PATTERN: make WHAT fails, in one line of ours that says this
		! build "$1" 2>"$said.err" && [ "$(grep -c '^pycstash: missing: .*gcc .*; run: ' "$said.err")" = 1 ] && grep -q "$2" "$said.err"
	}
	again() { build clean && build "$@" && user /home/user/checkout/build/pycstash doctor; }

	apt-get update -qq && apt-get install -y -qq --no-install-recommends make sudo dpkg-dev >/dev/null 2>&1
	! type gcc || exit 1
	useradd -m user
	cp -r /given/checkout /home/user/ && chown -R user: /home/user
	claim "make names what is missing, and make deps" names all 'run: make deps$'
	claim "make deps without sudo names the command that installs it" names deps 'run: sudo apt-get install .*libb2-dev'
	claim "make demo without sudo names the packages that it needs" names demo 'run: sudo apt-get install .*gcc'
	claim "make test names the packages that it needs" names test 'run: sudo apt-get install .*strace'
	echo 'user ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/user
	claim "make deps installs the missing packages through sudo" build deps
	claim "make builds without a warning" build WERROR=-Werror
	claim "make demo shows the main job" build demo
	claim "a build with link-time optimization works" again CFLAGS='-flto=auto -ffat-lto-objects'
	mapfile -t flags < <(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --export=cmdline | xargs printf '%s\n')
	claim "a build with a distribution's compiler flags works" again WERROR=-Werror "${flags[@]}"
	claim "root can run make install" make -C /home/user/checkout install
	claim "an ordinary user can use what root has installed" user /usr/local/bin/pycstash doctor
	claim "root can run make uninstall" make -C /home/user/checkout uninstall
	claim "make uninstall leaves nothing behind" sh -c '! find /usr/local -name "*pycstash*" | grep .'
	exit
fi

# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/elsewhere/roots.bash
. "$(dirname "$0")/roots.bash"
[ "$(id -u)" = 0 ] || skip_all "a fresh machine builds it" "making a root directory needs root"
type -P debootstrap >/dev/null || skip_all "a fresh machine builds it" "there is no debootstrap"
mkdir -p "$T/given/files/checkout" "$T/given/mount"
(cd "$HERE" && tar --exclude=./build --exclude=./.git -cf - .) | tar -xf - -C "$T/given/files/checkout"
cp "$0" "$T/given/files"

for suite in ${ROOTS:-bookworm trixie}; do
	if ! root=$(make_root "$suite"); then
		skip "Debian $suite builds it" "no root: $root"
		continue
	fi
	in_root "$root" "$T/given" bash /given/fresh.sh inside >"$T/log" 2>&1
	sed "s/^\(not \)\{0,1\}ok - /&Debian $suite: /" "$T/log" | told
	check "Debian $suite: the script ran to its end" grep -q 'make uninstall leaves nothing behind' "$T/log"
done
done_testing
