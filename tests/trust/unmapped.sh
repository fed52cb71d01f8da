#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In a user namespace that does not map root, a directory of another user's looks like one of
# root's, in which it is. The cache, or the directory of the victim's sources, is below that.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
what="in a user namespace, no cache in a directory of another user's is used"
separate "$what"
as "$VICTIM" unshare -Ur true 2>/dev/null || skip_all "$what" "no user namespaces"
unshare -m mount -t tmpfs none /mnt 2>/dev/null || skip_all "$what" "this needs to mount"
export -f as with command_of plant forge imports entries
export T HERE SO PYCSTASH PY TAG EVIL FORGER VICTIM ATTACKER

src=$T/src
export src
official "$src"
# OWNER HOME CACHE COMMAND…: does that in a mount namespace where /mnt is root's and /mnt/d
# OWNER's, and $CACHE is the victim's, with the attacker's bytecode.
below() {
	CACHE=$3 HOME_OF=$2 OWNER=$1 unshare -m bash -c 'mount -t tmpfs -o mode=755 none /mnt && mkdir /mnt/d && plant "$CACHE" "$src" &&
		chown -R "$VICTIM" "$CACHE" && chmod 700 "$CACHE" && chown "$OWNER" /mnt/d && "$@"' - "${@:4}"
}
runs() { with "$VICTIM" "$CACHE" HOME="$HOME_OF" ${how:-unshare -Ur} "$PY" -B -c "$(imports "$src")"; }
says() { as "$VICTIM" PYCSTASH_DIR="$CACHE" HOME="$HOME_OF" unshare -Ur "$PYCSTASH" doctor "$PY" | grep '^[a-z]* *cache '; }
export -f runs says

wrong=
for how in "unshare -U" "unshare -Ur" "unshare -Uc"; do
	as "$VICTIM" $how true 2>/dev/null || continue
	export how
	for home in /nonexistent /mnt/d /mnt/d/ /mnt/other/d; do
		got=$(below "$ATTACKER" "$home" /mnt/d/cache runs)
		[ "$got" = TRUSTED ] || wrong="$wrong; $how, HOME=$home: $got"
	done
done
unset how
is "$wrong" "" "$what"
is "$(below "$ATTACKER" /nonexistent /mnt/d/cache says | grep -o '^fail.*own it')" \
	"fail  cache        /mnt/d/cache is not used: /mnt/d: in this user namespace, root cannot be told from another user who may own it" \
	"(\`doctor\` names the directory)"
is "$(below 0 /nonexistent /mnt/cache runs) $(below "$VICTIM" /nonexistent /mnt/d/cache runs) $(below 0 /mnt/d/v /mnt/d/cache runs)" "ATTACKER ATTACKER ATTACKER" \
	"(in a user namespace, a cache of the user's own is used in root's directory in / or above the home, and in the user's own)"
is "$(below "$ATTACKER" /mnt/d/v /mnt/d/cache runs)" ATTACKER \
	"granted: in a user namespace, whoever owns the directory above the user's home can exchange a cache in it"
is "$(chowned="$ATTACKER" below 0 /nonexistent /mnt/cache eval 'chown "$chowned" /mnt && runs')" ATTACKER \
	"granted: in a user namespace, whoever owns a directory directly in / can exchange a cache in it"

# --- sources ----------------------------------------------------------------------------
# The attacker puts an older directory of the victim's in the place of a private one.
moved() {
	mkdir /mnt/d/{older,private} && echo 'x = "SECRET"' >/mnt/d/private/m.py && chown -R "$VICTIM" /mnt/d/* && chmod 700 /mnt/d/private
	with "$VICTIM" "$CACHE" HOME="$HOME_OF" unshare -Ur "$PY" -c "$(imports /mnt/d/private)"
	entries "$CACHE" | grep -c "private/.*/m\.$TAG"
	as "$OWNER" sh -c 'cd /mnt/d && mv private old && mv older private'
	with "$VICTIM" "$CACHE" HOME="$HOME_OF" unshare -Ur "$PY" -c "import os, shutil
at = '/mnt/d/private/__pycache__'
print(os.path.exists(at))
os.makedirs(at, exist_ok=True)
open(at + '/n.$TAG.pyc', 'wb').write(b'x')"
	grep -rlaF SECRET /mnt/d/private
}
export -f moved
is "$(below "$ATTACKER" /nonexistent /mnt/cache moved | xargs)" "1 False" \
	"in a user namespace, programs see and leave nothing of a private source in what others put into its place in root's directory"
is "$(below "$VICTIM" /nonexistent /mnt/cache moved | xargs)" "1 True /mnt/d/private/__pycache__/m.$TAG.pyc" \
	"(in a user namespace, the user decides which of the user's own directories is where)"
done_testing
