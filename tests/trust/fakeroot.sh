#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Under fakeroot, libc says that the user is root, and that root owns every file. The library and
# the command ask the kernel.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "what fakeroot says"
type -P fakeroot >/dev/null || skip_all "what fakeroot says" "fakeroot is not installed"

src=$T/src his=$T/$ATTACKER/layer theirs=$T/theirs mine=$T/mine cache=$T/$VICTIM/c
official "$src"
plant "$his" "$src"
plant "$T/$ATTACKER/cache" "$src"
mkdir "$theirs" "$mine"
echo 'x = "MARK-theirs"' >"$theirs/m.py"
echo 'x = "MARK-mine"' >"$mine/m.py"
echo 'x = "MARK-closed"' >"$mine/closed.py"
ln -s "$mine/m.py" "$theirs/l.py"
chown -hR "$ATTACKER" "$T/$ATTACKER" "$theirs"
chown -R "$VICTIM" "$mine"
chmod -R a+rX,go-w "$T/$ATTACKER"
printf '#!/bin/sh\nexec fakeroot "%s" "$@"\n' "$PYCSTASH" >"$T/lib/fakeroot"
chmod +x "$T/lib/fakeroot"
under_fakeroot() { PYCSTASH=$T/lib/fakeroot "$@"; }

# --- the library ------------------------------------------------------------------------
run() { # LAYER CACHE DIR [OPTION]: imports m from DIR
	as "$VICTIM" PYCSTASH_LAYERS="$1" "$T/lib/fakeroot" run --dir "$2" -- "$PY" ${4-} -c "$(imports "$3")" 2>&1
}
is "$(run "$his" "$T/$VICTIM/f" "$src" -B)" TRUSTED "under fakeroot another user's layer does not count as root's"
cp -a "$his" "$T/$VICTIM/mixed" && chown -R "$VICTIM" "$T/$VICTIM/mixed" && find "$T/$VICTIM/mixed" -type f -exec chown "$ATTACKER" {} +
is "$(run "$T/$VICTIM/mixed" "$T/$VICTIM/f" "$src" -B)" TRUSTED \
	"under fakeroot another user's file in a layer of the user's own does not count as root's"
run "" "$T/$VICTIM/f" "$theirs"
is "$(grep -rlaF MARK-theirs "$T/$VICTIM/f" | grep -c /tree/) $(grep -rlaF MARK-theirs "$T/$VICTIM/f" | grep -c /objects/)" "1 0" \
	"under fakeroot no source of another user becomes an object"
is "$(run "" "$T/$ATTACKER/cache" "$src" -B)" TRUSTED "under fakeroot another user's cache does not count as the user's own"

# --- the command ------------------------------------------------------------------------
all_said() { # what commands say, their statuses, and how many files are in the cache then
	while read -r words; do
		# shellcheck disable=SC2086
		command_of "$VICTIM" "$cache" $words 2>&1 | sed 's/inode.*//; s/frees.*//; s/[0-9]*s ago//'
		echo "${PIPESTATUS[0]}: $words; $(find "$T/$VICTIM" -path "$cache/*.pyc" | wc -l)"
	done <<-WORDS
		config set max_entries 77
		config get max_entries
		warm --python $PY $mine
		warm --python $PY $mine $theirs
		explain --python $PY $mine/m.py
		explain --python $PY $theirs/l.py
		run -- $PY -B $mine/m.py
		ls
		verify
		verify --deep --repair
		gc
		export -q $T/$VICTIM/c.zst
		import -q $T/$VICTIM/c.zst
		import -q --layer $T/$VICTIM/layer $T/$VICTIM/c.zst
		show $mine/m.py
		doctor $PY
		purge --all
	WORDS
	rm -rf "$cache" "$T/$VICTIM/layer" "$T/$VICTIM/.config"
}
all_said >"$T/plainly"
is "$(grep -c ^0: "$T/plainly") $(grep -c '^3: warm' "$T/plainly")" "15 1" "(commands succeed, and one of them does not follow another user's link)"
under_fakeroot all_said | diff "$T/plainly" - | none "under fakeroot the command does what it does without"

command_of "$VICTIM" "$cache" warm -q --python "$PY" "$mine"
pipe=$T/sticky/pipe
mkdir -m 1777 "$T/sticky"
arrives() { # OWNER: what a reader of that user's pipe gets of the victim's archive
	as "$1" mkfifo -m 666 "$pipe"
	exec 7<>"$pipe"
	command_of "$VICTIM" "$cache" export -q "$pipe" >"$T/said" 2>&1 && timeout 20 head -c 4 <&7 | od -An -tx1
	exec 7<&-
	rm "$pipe"
}
is "$(under_fakeroot arrives "$ATTACKER")" "" "under fakeroot, export writes to no pipe of another user"
is "$(under_fakeroot arrives "$VICTIM")" " 28 b5 2f fd" "(it does to one of the user's own)"

# The attacker could write to the archive when it has been verified.
cp "$BUILD/tests/library/libat.so" "$T/lib/"
printf 'untrusted comment: k\nRWQsUY0RL2K3t/HYruggIQMTw3U0mIzn4/bujZ1OMIIMoaVDiBt7JU4K\n' >"$T/key.pub"
mkdir -m 777 "$T/spool"
copies() { # OWNER: whether `import` with a key copies that user's archive
	rm -f "$T/$VICTIM/copied"
	install -m 644 -o "$1" "$T/$VICTIM/c.zst" "$mine/c.zst"
	as "$VICTIM" TMPDIR="$T/spool" LD_PRELOAD="$T/lib/libat.so" AT="open:$T/spool" DO="touch '$T/$VICTIM/copied'" \
		"$T/lib/fakeroot" import --dir "$cache" --verify-key "$T/key.pub" "$mine/c.zst" >"$T/said" 2>&1
	echo "$? $(ls "$T/$VICTIM/copied")"
}
is "$(copies "$ATTACKER" 2>&1)" "12 $T/$VICTIM/copied" "under fakeroot, import copies another user's archive before it verifies it"

what="under fakeroot, export --public-only leaves out bytecode of a source from which an ACL shuts out somebody"
if "$PY" -c 'import os, struct, sys
entries = (1, 6, -1), (2, 0, int(sys.argv[2])), (4, 4, -1), (16, 4, -1), (32, 4, -1)
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))' \
	"$mine/closed.py" "$ATTACKER" 2>"$T/said"; then
	is "$(under_fakeroot command_of "$VICTIM" "$cache" export --public-only - 2>/dev/null | zstd -dcq | grep -ao 'MARK-[a-z]*' | sort -u | xargs)" MARK-mine "$what"
else
	skip "$what" "no ACLs here"
fi

state() { find "$1" -printf '%p %u %m %y %s %T@\n' | sort; }
before=$(state "$cache")
under_fakeroot command_of 0 "$cache" purge --all >"$T/said" 2>&1
is "$? $(diff <(echo "$before") <(state "$cache"))" "12 " "under fakeroot, root's command changes nothing in a user's cache"
done_testing
