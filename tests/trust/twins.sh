#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Two files on different file systems can agree in everything that is the identity of a source:
# number, size and times. One of them is not the other.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks with files that agree in number, size and times"
cp "$BUILD/tests/library/libat.so" "$T/lib/"
unshare -m true 2>/dev/null || skip_all "attacks with files that agree in number, size and times" "unshare -m is not allowed"

# Creates theirs/m.py, of the attacker's, and its twin, of the victim's. New file systems number
# their files alike, and the clock of change times ticks every few milliseconds.
cat >"$T/twins.py" <<'END'
import os, sys

os.umask(0o022)
files = ["theirs/m.py", "own/m.py"]
code = [b'print("ATTACKER")\n', b'print("TRUSTED") \n']
owners = [int(n) for n in sys.argv[1:]]
for tries in range(1000):
    fds = [os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644) for name in files]
    for fd, owner in zip(fds, owners):
        os.fchown(fd, owner, owner)
    for fd, text in zip(fds, code):
        os.write(fd, text)
    for fd in fds:
        os.utime(fd, ns=(10**18 + 1, 10**18 + 1))
        os.close(fd)
    a, b = [os.stat(name) for name in files]
    if (a.st_ino, a.st_ctime_ns, a.st_size) == (b.st_ino, b.st_ctime_ns, b.st_size):
        print("twins")
        break
END

# The attacker's tree has a link to his file when the victim compiles it. At that moment, he
# makes it lead to the other one.
attack() { # MOMENT
	unshare -m bash -s "$1" <<'END'
cd "$T" && rm -rf theirs own tree "$cache" orders done && mkdir theirs own tree && mkfifo -m 666 orders done
mount -t tmpfs none theirs && mount -t tmpfs none own && chmod 755 theirs own
"$PY" twins.py "$ATTACKER" "$VICTIM"
exec 3<>orders
ln -s "$T/theirs/m.py" tree/m.py && chown -hR "$ATTACKER" tree
(read -r order <orders && [ "$order" = flip ] && ln -sfn "$T/own/m.py" tree/m.py && echo >done) &
with "$VICTIM" "$cache" LD_PRELOAD="$T/lib/libat.so $SO" AT="$1" DO="echo flip >'$T/orders'; cat '$T/done' >/dev/null" "$PY" -m compileall -q tree
echo end >orders
wait
find "$cache" -path '*/tree/*' -name 'm.*.pyc' | grep -c .
readlink tree/m.py
with "$VICTIM" "$cache" "$PY" -c "import sys; sys.path.insert(0, '$T/own'); import m"
END
}
export -f as with
export T SO PY VICTIM ATTACKER
export cache=$T/$VICTIM/cache
for moment in rename:.pyc open:/m.py:after; do
	is "$(attack "$moment" 2>&1 | tr '\n' ' ')" "twins 1 $T/own/m.py TRUSTED " \
		"bytecode of a file to which a link leads until the $moment is not served for its twin"
done
done_testing
