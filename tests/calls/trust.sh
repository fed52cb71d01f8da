#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Whatever is wrong with the cache, a program does what it does without the library, and
# nothing is printed. PYCSTASH_LOG has the reason.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

call=$BUILD/tests/calls/call
tree=$T/tree
chmod 755 "$T" "$HOME"
mkdir -p "$tree"/{a,b}
cd "$tree" || exit 1
root=$([ "$(id -u)" = 0 ] && echo yes)

# Everything that a program may do with its __pycache__, from start to end.
cat >"$T/life" <<'END'
import a/m
import a/m
list a/@
see a/@/m.cpython-311.pyc
open a/@/m.cpython-311.pyc O_WRONLY|O_CREAT|O_EXCL 0644
mkdir b/@ 0750
see b/@
open b/@/n.cpython-311.pyc.1 O_WRONLY|O_CREAT 0600
rename b/@/n.cpython-311.pyc.1 b/@/n.cpython-311.pyc
rename b/@/n.cpython-311.pyc a/@/n.cpython-311.pyc
link a/@/n.cpython-311.pyc b/@/k.cpython-311.pyc
chmod a/@/m.cpython-311.pyc 0600
see a/@/m.cpython-311.pyc
unlink a/@/m.cpython-311.pyc
rmdir b/@
unlink b/@/k.cpython-311.pyc
rmdir b/@
unlink a/@/n.cpython-311.pyc
rmdir a/@
import b/m
END
clean() { rm -rf "$tree"/*/__pycache__; }
run() { env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" PYCSTASH_LOG="$T/log" "$@" "$call" --script; }
clean
"$call" --script <"$T/life" >"$T/bare"
is "$(grep -c . "$T/bare")" "$(grep -c . "$T/life")" "without the library, the program runs to its end"
clean
run X= <"$T/life" >"$T/cached"
is "$(diff "$T/bare" "$T/cached")" "" "with a good cache, the program sees the same as without the library"
is "$(find "$tree" -name __pycache__)" "" "a program with a good cache leaves no __pycache__ in its tree"

# as_bare SENTENCE [REASON] [COMMAND…]: under the library, the program does the same in the
# tree as without it, and the log has the reason.
as_bare() {
	local sentence=$1 reason=$2
	shift 2
	clean
	: >"$T/log"
	chmod 666 "$T/log"
	"${@:-run}" <"$T/life" >"$T/out" 2>"$T/err"
	is "$(diff "$T/bare" "$T/out")" "" "$sentence: the program does what it does without the library"
	is "$(cat "$T/err")" "" "$sentence: nothing is printed"
	is "$(find "$tree" -name __pycache__)" "$tree/b/__pycache__" "$sentence: its bytecode is in the tree"
	[ -z "$reason" ] || if grep -q "$reason" "$T/log"; then ok "$sentence: the log says why"; else
		not_ok "$sentence: the log says why" "want: $reason" "$(head -3 "$T/log")"
	fi
}
good_root() { rm -rf "$CACHE" && mkdir -m 700 "$CACHE"; }
with() { env "$@" LD_PRELOAD="$SO" PYCSTASH_LOG="$T/log" "$call" --script; }

good_root; chmod 770 "$CACHE"
as_bare "a root that its group can write to" "others can write"
good_root; chmod 702 "$CACHE"
as_bare "a root that all can write to" "others can write"
good_root; mkdir -m 755 "$CACHE/v1"
as_bare "a layout folder that others can read" "others may access it"
good_root; mkdir "$T/elsewhere"; chmod 700 "$T/elsewhere"; ln -s "$T/elsewhere" "$CACHE/v1"
as_bare "a layout folder that is a link" "others may access it"
good_root; echo >"$CACHE/v1"
as_bare "a layout folder that is a file" "others may access it"
rm -rf "$CACHE"; echo >"$CACHE"
as_bare "a root that is a file" "not a directory"
rm -rf "$CACHE"; ln -s "$T/nowhere" "$CACHE"
as_bare "a root that is a dangling link" ""
rm -f "$CACHE"; ln -s "$CACHE" "$CACHE"
as_bare "a root that is a loop of links" "cannot be reached"
rm -f "$CACHE"
as_bare "a root whose path is too long" "" with PYCSTASH_DIR="/$(printf 'x%.0s' {1..5000})"
as_bare "no HOME" "" with -u HOME
as_bare "a relative HOME" "" with HOME=home
as_bare "an empty HOME" "" with HOME=

if [ -z "$root" ]; then
	skip_all "roots of other users, full and read-only file systems" "not root"
fi
# From here on, the program runs as an ordinary user.
chown -R 65534:65534 "$tree" "$T/log"
user() { as_user env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" PYCSTASH_LOG="$T/log" "$@" "$call" --script; }
good_root
chmod 755 "$CACHE"
as_bare "a root of another user" "belongs to another user" user
good_root; chown 65534 "$CACHE"; chown 0 "$T/log" # root does not write to the log of another
as_bare "a user's root, for root" "belongs to another user"
mkdir -p "$T/closed"; chmod 755 "$T/closed"
as_bare "a place where no cache can be made" "not cached" user PYCSTASH_DIR="$T/closed/cache"
mkdir -p "$T/closed/in"; chmod 700 "$T/closed/in"
as_bare "a place that cannot be looked into" "cannot be reached" user PYCSTASH_DIR="$T/closed/in/cache"
as_bare "an unwritable HOME" "not cached" user PYCSTASH_DIR= HOME="$T/closed"
good_root; chown 65534 "$CACHE"; mkdir -m 700 "$CACHE/v1"
as_bare "a layout folder of another user" "others may access it" user
good_root; chown 65534 "$CACHE"; mkdir -m 700 "$CACHE/v1"; chown 65534 "$CACHE/v1"; mkdir "$CACHE/v1/cpython-311"
as_bare "a folder in the cache that the user cannot write to" "not cached" user

# An entry that another user has put into the cache is not run.
good_root
clean
echo "import a/m" | run >/dev/null
chown 65534 "$(entries "$CACHE" | head -1)"
is "$(echo 'open a/@/m.cpython-311.pyc O_RDONLY' | run)" "-1 ENOENT" "an entry of another user is not served"

# The process changes its user after the start.
good_root; clean; : >"$T/log"
printf '%s\n' "import a/m" "setuid 65534" "import b/m" "import a/m" "open a/@/m.cpython-311.pyc O_RDONLY" | run >"$T/out" 2>"$T/err"
# The kernel's O_LARGEFILE differs from machine to machine.
is "$(sed 's/flags [0-9a-f]*/flags/' "$T/out" | tr '\n' ';')" "compiled and written;0;compiled and written;compiled and written;fd flags cloexec 0 file 644 links 1 size 4 'code' write -1;" \
	"after setuid, the program works in the tree"
is "$(find "$tree" -name '*.pyc' | wc -l)" 2 "another user's cache is not used after setuid"
check "the log says why a cache is not used after setuid" grep -qE 'belongs to another user|cannot be reached' "$T/log"
is "$(cat "$T/err")" "" "silently"
good_root; clean
printf '%s\n' "setreuid 65534 65534" "setuid 0" "import a/m" "seteuid 0" | run >"$T/out" 2>&1
is "$(tr '\n' ';' <"$T/out")" "0;-1 EPERM;compiled and written;-1 EPERM;" "after a setuid that fails, the cache is used as before"
good_root; clean; chown -R 0:0 "$tree"; chown 65534 "$tree/b" # what others can exchange is not shown
printf '%s\n' "import a/m" "seteuid 65534" "import b/m" "seteuid 0" "import a/m" "import b/m" | run >"$T/out" 2>&1
is "$(tr '\n' ';' <"$T/out")" "compiled and written;0;compiled and written;0;served 'code';served 'code';" \
	"after seteuid to another user and back, the cache is used again"
good_root; clean
(cd "$tree" && printf '%s\n' "import a/m" "chroot $tree" "import a/m" "import b/m" "list a/@" | run >"$T/out" 2>"$T/err")
is "$(tr '\n' ';' <"$T/out")" "compiled and written;0;compiled and written;compiled and written; [. .. m.cpython-311.pyc];" \
	"after chroot, the program works in the tree"
is "$(find "$tree" -name __pycache__ | wc -l)$(cat "$T/err")" 2 "bytecode that is compiled after chroot is not in the cache"

# The cache is deleted or replaced while the program runs.
chown -R 0:0 "$tree"
good_root; clean
printf '%s\n' "import a/m" "sh rm -rf $CACHE" "import a/m" "import a/m" "see a/@" | run >"$T/out" 2>&1
is "$(tr '\n' ';' <"$T/out")" "compiled and written;compiled and written;served 'code'; a/@: dir 755;" \
	"a cache that is deleted between two calls is created again"
good_root; clean
printf '%s\n' "import a/m" "sh rm -rf $CACHE && ln -s $T/closed $CACHE && chown -h 65534 $CACHE" "import a/m" "import a/m" | run >"$T/out" 2>&1
is "$(tail -1 "$T/out")" "served 'code'" "if the cache is replaced by a link, the program runs as usual"
rm -f "$CACHE"
good_root; clean
printf '%s\n' "import a/m" "sh chown -R 65534 $CACHE" "import a/m" "import a/m" | run >"$T/out" 2>&1
is "$(sed -n 2p "$T/out")" "compiled and written" "a cache that now belongs to another user is not served"

# Set-user-ID programs are left alone. ld.so does not even load a library by its path there.
cp "$call" "$T/suid"; chown 65534 "$T/suid"; chmod 4755 "$T/suid"; chmod 777 "$tree/a"
good_root; clean
echo "import a/m" | LD_PRELOAD=$SO PYCSTASH_DIR=$CACHE "$T/suid" --script >"$T/out" 2>/dev/null
is "$(cat "$T/out"; entries "$CACHE")" "compiled and written" "a set-user-ID program runs without the cache"
chmod 755 "$tree/a"

# File systems.
can_mount() { unshare -m mount -t tmpfs none /mnt; }
if ! can_mount 2>/dev/null; then
	skip_all "full and read-only file systems, no /proc" "no mounts here"
fi
mounted() { # COMMANDS-BEFORE: with them done in a mount namespace of its own
	unshare -m sh -c "$1; exec env LD_PRELOAD='$SO' PYCSTASH_DIR='$CACHE' PYCSTASH_LOG='$T/log' '$call' --script"
}
good_root
as_bare "a full file system, no file fits" "not cached.*(errno 28, ENOSPC)" mounted \
	"mount -t tmpfs -o size=64k,nr_inodes=2,mode=700 none $CACHE"
good_root
as_bare "a read-only cache that is empty" "not cached.*(errno 30, EROFS)" mounted "mount --bind $CACHE $CACHE && mount -o remount,ro,bind $CACHE"
good_root; clean
echo "import a/m" | run >/dev/null
printf '%s\n' "import a/m" "import b/m" "import b/m" "see b/@" >"$T/few"
mounted "mount --bind $CACHE $CACHE && mount -o remount,ro,bind $CACHE" <"$T/few" >"$T/out" 2>"$T/err"
is "$(cat "$T/err"; tr '\n' ';' <"$T/out")" "served 'code';compiled and written;served 'code'; b/@: dir 755;" \
	"a read-only cache is read, and bytecode that it lacks goes to the tree"
good_root; clean
mounted "mount -t tmpfs -o size=16k,mode=700 none $CACHE" <<<"import a/m
sh dd if=/dev/zero of=$CACHE/fill bs=4k count=9 2>/dev/null
import b/m
import b/m" >"$T/out" 2>"$T/err"
is "$(cat "$T/err"; head -1 "$T/out")" "compiled and written" "if the file system fills up, the program runs as usual"
is "$(tail -n +2 "$T/out" | grep -c compiled)" 1 "bytecode that does not fit into the cache is written to the tree"
good_root
as_bare "no /proc" "(errno 38, ENOSYS)" mounted "umount -l /proc"
good_root; clean
printf '%s\n' "import $tree/a/m" "import $tree/a/m" | mounted "umount -l /proc" >"$T/out" 2>&1
is "$(tr '\n' ';' <"$T/out")$(find "$tree" -name __pycache__)" "compiled and written;served 'code';" \
	"without /proc, sources with an absolute path without links are served"
good_root; clean
printf '%s\n' "import a/m" "see a/@" | mounted "mount -t tmpfs -o size=1m,mode=755 none $tree/a" >"$T/out" 2>&1
is "$(tr '\n' ';' <"$T/out")" "compiled and written; a/@: dir 755;" "sources may be on another file system than the cache"
done_testing
