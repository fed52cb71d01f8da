#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Single flight: if one process is compiling a source, others wait for it, but not for long if
# it is stopped, dies, or writes nothing.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

scripts() {
	log=$T/log
	cat >"$T/holder.py" <<'END'
# Imports m; when m is to be compiled, does what the second argument says.
import importlib.machinery, os, signal, sys, time
sys.path.insert(0, sys.argv[1] + "/src")
import before  # so that there is a cache
loader = importlib.machinery.SourceFileLoader
compile_it = loader.source_to_code
def hold(self, data, path, *args, **kwargs):
    if path.endswith("/m.py"):
        with open(sys.argv[1] + "/compiling.new", "w") as f:
            f.write(str(os.getpid()))
        os.rename(f.name, sys.argv[1] + "/compiling")
        if sys.argv[2] == "waits":
            end = time.time() + 0.02
            while time.time() < end:
                pass
        else:
            os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    return compile_it(self, data, path, *args, **kwargs)
loader.source_to_code = hold
import m
print(m.V)
END
	cat >"$T/other.py" <<'END'
import os, sys, time
sys.path.insert(0, sys.argv[1] + "/src")
if sys.argv[2:]:
    while not os.path.exists(sys.argv[1] + "/compiling"):
        time.sleep(0.001)
began = time.time()
import m, later
print(m.V, "in time" if time.time() - began < 10 else "late")
END
}

# Each source has different content; otherwise its entry would be made from an object.
module() { printf 'V = "one"\nNAME = "%s" + "%200s"\n' "$1" "" >"$T/src/$1.py" && old "$T/src/$1.py"; }

scene() {
	rm -rf "$T/src" "$CACHE" "$T/compiling"
	mkdir "$T/src"
	for module in before m later n1 n2 n3 n4 n5 n6; do module $module; done
}

# Starts a process that compiles ($holder), in a shell of its own ($!).
hold() { # WHAT
	scene
	preloaded "$python" "$T/holder.py" "$T" "$1" >"$T/held" 2>&1 &
	appears "$T/compiling"
	holder=$(cat "$T/compiling")
}

other() { logged "$python" "$T/other.py" "$T"; }

waits() {
	scene
	logged "$python" "$T/other.py" "$T" after >"$T/said" 2>&1 &
	preloaded "$python" "$T/holder.py" "$T" waits >"$T/held" 2>&1
	wait $!
	is "$(cat "$T/said") $(decisions m | tail -1)" "one in time hit" \
		"$name: what another process compiles is waited for"
	is "$(cat "$T/held"), $(entries | grep -c "$T/src")" "one, 3" \
		"$name: what was waited for is in the cache"
}

stopped() {
	hold SIGSTOP
	is "$(other) $(decisions m | tail -1)" "one in time sealed" \
		"$name: a process that is stopped while it compiles is not waited for any longer"
	kill -CONT $holder
	wait $!
	is "$(cat "$T/held")" one "$name: a process that was stopped while it compiled goes on"
}

killed() {
	hold SIGKILL
	is "$(other) $(decisions m | tail -1)" "one in time sealed" \
		"$name: a process that dies while it compiles is not waited for any longer"
	wait $! 2>/dev/null
}

many() {
	local i
	scene
	for i in 1 2 3 4 5 6; do
		preloaded "$python" -c "import sys; sys.path.insert(0, '$T/src')
import before
for i in range(1, 7): assert __import__('n%d' % i).V == 'one'" || echo "$i failed" &
	done >"$T/many" 2>&1
	wait
	is "$(cat "$T/many")" "" "$name: processes that start at once work"
	check "$name: processes that start at once leave claims" test -s "$CACHE/v1/.state/claims"
	/usr/bin/python3 "$SEAL/check.py" "$CACHE" 2>&1 | grep -v ' files,' |
		none "$name: processes that start at once leave a whole cache"
}

# The file of claims belongs to the user, but anything may be in its place.
hostile() {
	local what wrong=
	for what in "mkfifo" "mkdir" "ln -s /dev/full" "cp /bin/sh" "truncate -s 1"; do
		scene
		mkdir -p -m 700 "$CACHE/v1/.state"
		chmod 700 "$CACHE" "$CACHE/v1"
		$what "$CACHE/v1/.state/claims"
		[ "$(other) $(decisions m | tail -1)" = "one in time sealed" ] || wrong="$wrong$what "
	done
	is "$wrong" "" "$name: whatever lies in the place of the claims, bytecode is cached"
}

all() {
	scripts
	waits
	stopped
	killed
	many
	hostile
}
each all
done_testing
