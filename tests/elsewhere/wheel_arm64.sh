#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Uses the wheel for arm64, if `make wheel-aarch64` has made one, in a root directory of
# Debian 12 for arm64 under qemu. The files are put where pip would put them; pip itself takes
# minutes there. Writes a row to $BUILD/platforms.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/elsewhere/roots.bash
. "$(dirname "$0")/roots.bash"

sentence="the wheel for arm64 works"
wheel=$(ls "$HERE"/build/packages/*manylinux*_aarch64.whl 2>/dev/null) || skip_all "$sentence" "run make wheel-aarch64 first"
[ "$(id -u)" = 0 ] || skip_all "$sentence" "making a root directory needs root"
type -P debootstrap qemu-aarch64-static >/dev/null || skip_all "$sentence" "there is no debootstrap or no qemu-aarch64-static"
root=$(make_build_root bookworm arm64) || skip_all "$sentence" "no root: $root"
mkdir -p "$T/given/files" "$T/given/mount" "$BUILD/platforms"
cp "$wheel" "$HERE/tests/elsewhere/smoke.py" "$T/given/files"
cat >"$T/given/files/inside" <<'END'
python3 -m venv --without-pip /tmp/venv && cd /tmp/venv && python3 -m zipfile -e /given/*.whl x || exit 1
mkdir lib/pycstash
cp x/pycstash-*.data/data/lib/pycstash/* lib/pycstash/
cp x/pycstash-*.data/scripts/* bin/
chmod 755 bin/pycstash
bin/python3 /given/smoke.py bin/pycstash
python3 -V
END
in_foreign_root aarch64 "$root" "$T/given" sh /given/inside >"$T/log" 2>&1
sed -n 's/ok - /&arm64: /p' "$T/log" | told
check "arm64: the script ran to its end" grep -q 'archive' "$T/log"
printf '| Debian bookworm | aarch64, qemu | glibc 2.36 | %s | wheel | %s passed, %s failed | %s |\n' \
	"$(sed -n 's/^Python //p' "$T/log")" "$(grep -c '^ok' "$T/log")" "$(grep -c '^not ok' "$T/log")" \
	"$(date -u +%F)" >"$BUILD/platforms/wheel-arm64"
done_testing
