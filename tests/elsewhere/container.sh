#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The recipe for containers, on an image of glibc and on one of musl. buildah makes both of
# what is here: nothing is fetched, and no container runtime is needed. A row for each goes
# to $BUILD/platforms.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/elsewhere/roots.bash
. "$(dirname "$0")/roots.bash"

sentence="the recipe for containers makes images that are served"
[ "$(id -u)" = 0 ] || skip_all "$sentence" "making an image needs root"
type -P buildah debootstrap >/dev/null || skip_all "$sentence" "there is no buildah or no debootstrap"
root=$(make_root bookworm) || skip_all "$sentence" "no root: $root"
mkdir -p "$T/context/build" "$BUILD/platforms"
cp -R "$HERE/build/packages" "$T/context/build/"
export XDG_RUNTIME_DIR=$T

images() { # COMMAND OPTION…
	local command=$1
	shift
	case $command in build | run) set -- --isolation chroot "$@" ;; esac
	buildah --root "$T/images" --runroot "$T/run" --storage-driver overlay "$command" "$@"
}
# base NAME DIRECTORY COMMAND…: an image of that directory, in which the command has run
base() {
	local container
	container=$(images from scratch) && images copy -q "$container" "$2" / &&
		images run "$container" -- "${@:3}" && images commit -q --rm "$container" "localhost/base-$1"
}

cat >"$T/inside" <<'END_INSIDE'
mkdir /tmp/source && cd /tmp/source && echo 'x = 1' >m.py && python3 -c 'import m'
[ ! -e __pycache__ ] && find "$PYCSTASH_DIR" -path '*/tree/*/m.cpython-*.pyc' | grep -q . && echo served
END_INSIDE
# claims NAME SYSTEM LIBC: of the image that the recipe makes on that base
claims() {
	local container user
	check "an image of $1 is a base" test -n "$(images images -q "localhost/base-$1")"
	check "$1: the recipe makes an image" images build -q -f "$HERE/tools/packaging/Containerfile" \
		--build-arg "BASE=localhost/base-$1" -t "localhost/made-$1" "$T/context"
	for user in 0 1000; do
		container=$(images from "localhost/made-$1")
		is "$(images run --user "$user" "$container" -- sh -c "$(cat "$T/inside")" 2>&1)" served \
			"$1: what the image starts as user $user is served from its cache"
	done
	images run -v "$HERE/tests/elsewhere:/given:ro" "$container" -- python3 /given/smoke.py pycstash |
		sed "s/ok - /&image of $1: /" | tee "$T/log" | told
	check "$1: the script ran to its end in an image" grep -q 'archive' "$T/log"
	printf '| image of %s | %s | %s | %s | Containerfile | %s passed, %s failed | %s |\n' "$2" "$(uname -m)" "$3" \
		"$(images run "$container" -- python3 -V | sed 's/Python //')" "$(grep -c '^ok' "$T/log")" \
		"$(grep -c '^not ok' "$T/log")" "$(date -u +%F)" >"$BUILD/platforms/container-$1"
}

# Python and pip are in /usr/local, as in the images of Python's makers.
base glibc "$root" python3 -m venv /usr/local >/dev/null
claims glibc "Debian bookworm" "glibc 2.36"

# --- musl -----------------------------------------------------------------------------
python=$ELSEWHERE/musl-python
loader=/lib/ld-musl-$(uname -m).so.1
if ! "$python/bin/python3" -c 'import zlib' 2>/dev/null; then
	skip "the recipe makes an image of musl" "there is no $python, which musl.sh builds"
elif ! type -P busybox >/dev/null || ldd "$(type -P busybox)" >/dev/null 2>&1; then
	skip "the recipe makes an image of musl" "there is no busybox that is static"
elif ! compgen -G "$HERE/build/packages/*musllinux*" >/dev/null; then
	skip "the recipe makes an image of musl" "make wheel-musl makes the wheel"
else
	mkdir -p "$T/musl"/{bin,lib,tmp,usr,var} "$T/musl/usr/share"
	cp "$(type -P busybox)" "$T/musl/bin/" && install -m 755 "$loader" "$T/musl/lib/"
	cp -R "$python" "$T/musl/usr/local"
	cp "$root"/usr/share/python-wheels/pip-*.whl "$T/musl/usr/share/"
	# shellcheck disable=SC2016 # the script's
	printf '#!/bin/sh\nexec python3 "$(echo /usr/share/pip-*.whl)/pip" "$@"\n' >"$T/musl/usr/local/bin/pip"
	chmod 755 "$T/musl/usr/local/bin/pip" && chmod 1777 "$T/musl/tmp"
	base musl "$T/musl" /bin/busybox --install -s /bin >/dev/null
	claims musl busybox musl
fi
done_testing
