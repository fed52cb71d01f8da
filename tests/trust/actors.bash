# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The actors of docs/security.md, for the other suites in this folder: a victim, an attacker
# and root, each with a home directory of their own; and their tools.
#
#   $VICTIM $ATTACKER           two user ids that nothing else on this machine has
#   as USER [NAME=VALUE…] CMD…  runs it as that user (0 is root), with a clean environment
#                               and $T/USER as its home
#   with USER CACHE CMD…        the same under the library; CMD may begin with NAME=VALUE…
#   command_of USER CACHE ARG…  runs pycstash with these arguments as that user
#   imports DIR [MODULE]        prints Python code that imports the module (m) from DIR
#   $PY $TAG                    an interpreter that everybody may run, and its cache tag
#   forge SOURCE TARGET [KIND]  writes the attacker's bytecode to TARGET, with a seal that
#                               claims it was compiled from SOURCE (forge.py), for $FORGER
#   plant CACHE DIR             forges the entry of DIR/m.py in a new cache
#   separate CLAIMS             skips CLAIMS unless this machine can run as several users
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

VICTIM=12345 ATTACKER=12346
chmod 755 "$T"
mkdir -p "$T/lib" "$T/0" "$T/$VICTIM" "$T/$ATTACKER" "$T/$(id -u)"
cp "$SO" "$PYCSTASH" "$T/lib/"
SO=$T/lib/libpycstash.so PYCSTASH=$T/lib/pycstash
PY=$(interpreters cached | grep '^/usr.*/python3' | head -1)
FORGER=$PY
[ "$PY" ] || {
	skip_all "attacks on a system's Python" "there is none that every user may run"
}
TAG=$("$PY" -c 'import sys; print(sys.implementation.cache_tag)')
EVIL='import os; print("ATTACKER")'
TRUSTED='print("TRUSTED")'

separate() {
	if [ "$(id -u)" != 0 ] || ! type -P setpriv >/dev/null; then
		skip_all "$1" "this needs root and setpriv"
	fi
	chown "$VICTIM:$VICTIM" "$T/$VICTIM"
	chown "$ATTACKER:$ATTACKER" "$T/$ATTACKER"
}

as() {
	local who=$1
	shift
	if [ "$who" = "$(id -u)" ]; then
		env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME="$T/$who" \
			PYCSTASH_SYSCONFDIR="$T/etc" PYCSTASH_AUTO_GC=no "$@"
	else
		setpriv --reuid="$who" --regid="$who" ${GROUPS_OF:---clear-groups} env -i \
			PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME="$T/$who" \
			PYCSTASH_SYSCONFDIR="$T/etc" PYCSTASH_AUTO_GC=no "$@"
	fi
}
with() {
	local who=$1 cache=$2
	shift 2
	as "$who" PYCSTASH_DIR="$cache" LD_PRELOAD="$SO" "$@"
}
command_of() {
	local who=$1 cache=$2
	shift 2
	as "$who" PYCSTASH_DIR="$cache" timeout -s KILL 60 "$PYCSTASH" "$@"
}
imports() { echo "import sys; sys.path.insert(0, '$1'); import ${2:-m}"; }
forge() { env "${FORGER:-$PY}" -B "$HERE/tests/trust/forge.py" "$EVIL" "$@"; }
plant() {
	mkdir -p "$1" && mkdir -m 700 "$1/v1" &&
		forge "$2/m.py" "$1/v1/$TAG/tree$2/__pycache__/m.$TAG.pyc"
}
# official DIR…: makes trees that belong to root and that all may read; m.py prints TRUSTED.
official() {
	local dir
	for dir; do
		mkdir -p "$dir" && echo "$TRUSTED" >"$dir/m.py"
	done
}
has_compiler() { ${CC:-cc} -x c -o "$T/lib/empty" - <<<'int main(void) { return 0; }' 2>/dev/null; }
