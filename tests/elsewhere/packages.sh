# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# packages.sh DIRECTORY: runs as root in a temporary root directory of Debian. Installs, uses,
# upgrades and removes the packages in DIRECTORY, and prints a TAP line for each claim.
set -u
here=$(cd "$(dirname "$0")" && pwd)
packages=$1
T=$(mktemp -d)
mkdir -m 700 "$T/cache"
export HOME="$T" PYCSTASH_DIR="$T/cache"

claim() { # SENTENCE COMMAND…
	sentence=$1
	shift
	if "$@" >"$T/said" 2>&1; then
		echo "ok - $sentence"
	else
		echo "not ok - $sentence"
		sed 's/^/#   /' "$T/said"
	fi
}
absent() { [ -z "$(find / -xdev -name '*pycstash*' ! -path "$T*" ! -path "$packages*" ! -path '/var/*' | head -5 | tee /dev/stderr)" ]; }
install_debs() { dpkg -i "$packages"/libpycstash_*.deb "$packages"/pycstash_*.deb; }
served() { [ -n "$(find "$T/cache" -name "$1.*.pyc" -path '*/tree/*')" ]; }

# --- the deb --------------------------------------------------------------------------
claim "the packages are installed" install_debs
if ! [ -x /usr/bin/pycstash ]; then exit 1; fi
claim "the installed command says its version" pycstash --version
claim "doctor says that python3 can use the cache" pycstash doctor
for python in /usr/bin/python3.[0-9] /usr/bin/python3.[0-9][0-9] /usr/bin/pypy3.[0-9] /usr/bin/pypy3.[0-9][0-9]; do
	[ -x "$python" ] || continue
	echo "# with $("$python" -c 'import platform as p; print(p.python_implementation(), p.python_version())')"
	"$python" "$here/smoke.py" /usr/bin/pycstash | sed "s/ok - /&${python##*/}: /"
done
mkdir "$T/src"
echo 'import sys, time
open(sys.argv[1] + ".ready", "w").close()
for _ in range(1200):
    try:
        open(sys.argv[1] + ".go").close()
        break
    except OSError:
        time.sleep(0.05)
import after' >"$T/src/before.py"
echo 'print("done")' >"$T/src/after.py"
pycstash run -- python3 "$T/src/before.py" "$T/one" >"$T/one.said" 2>&1 &
first=$!
pycstash run -- python3 "$T/src/before.py" "$T/two" >"$T/two.said" 2>&1 &
second=$!
for _ in $(seq 400); do # 20 s
	[ -e "$T/one.ready" ] && [ -e "$T/two.ready" ] && break
	sleep 0.05
done
claim "an upgrade under running programs works" install_debs
: >"$T/one.go"
wait $first
claim "a running program goes on during an upgrade" grep -qx 'done' "$T/one.said"
claim "what a program compiles after an upgrade is in the cache" served after
claim "the packages are removed" dpkg --purge pycstash libpycstash
: >"$T/two.go"
wait $second
claim "a running program goes on after the package is removed" grep -qx 'done' "$T/two.said"
claim "removing the packages leaves no file behind" absent

# --- the wheel ------------------------------------------------------------------------
if python3 -m venv "$T/venv" >/dev/null 2>&1; then
	claim "pip installs the wheel without a network" \
		"$T/venv/bin/pip" install --no-index --disable-pip-version-check "$packages"/*manylinux*.whl
	claim "pip check finds no problem" "$T/venv/bin/pip" check
	"$T/venv/bin/python" "$here/smoke.py" "$T/venv/bin/pycstash"
	mv "$T/venv" "$T/moved"
	"$T/moved/bin/python" "$here/smoke.py" "$T/moved/bin/pycstash" | sed 's/ - /&in a moved environment: /'
	claim "pip uninstalls the wheel" "$T/moved/bin/python" -m pip uninstall -y pycstash
	claim "uninstalling the wheel leaves no file behind" absent
else
	echo "ok - pip installs the wheel # SKIP python3 -m venv does not work here"
fi
rm -rf "$T"
