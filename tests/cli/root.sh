#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Root looks at a service's cache: the commands that only look say what the service's user would
# be told, change nothing, and leave nothing of root's for the service's programs. The others
# refuse, and say as which user to run them.
. "$(dirname "$0")/../lib/tap.sh"

python=/usr/bin/python3
if [ "$(id -u)" != 0 ] || ! as_user "$python" -c 1 2>/dev/null; then
	skip_all "root can look at a service's cache" "needs root, and a python3 for all"
fi
chmod 755 "$T"
mkdir "$T/bin" "$T/app"
cp "$SO" "$PYCSTASH" "$T/bin"
pycstash=$T/bin/pycstash
install -d -m 755 -o 65534 -g 65534 "$T/home"
echo 'x = 1' >"$T/app/m.py"
touch -d '1 hour ago' "$T/app/m.py"
install -d -m 700 -o 65534 -g 65534 "$CACHE"
service() { (cd / && as_user env HOME="$T/home" PYCSTASH_DIR="$CACHE" "$@"); }
fill() { service "$pycstash" run -- "$python" -S -c "import sys; sys.path.insert(0, '$T/app'); import m"; }
fill
service "$pycstash" stats >/dev/null # which folds the journal, as the user does too
state() { # the times of access of files only: find(1) itself reads the directories
	find "$CACHE" -printf '%p %u:%g %m %s %i %T@ %C@\n' -type f -printf '%p %A@\n' | sort
}

ageless() { # the second command runs later than the first; how to start gc is another for root
	sed -E 's/ +[0-9]+s\b/ AGE/g; s/^(gc is due).*/\1/; /^  pycstash gc /d'
}
looks() { # SENTENCE ARGUMENT…
	local sentence=$1 before after own
	shift
	own=$(service "$pycstash" "$@" 2>&1 | ageless)
	before=$(state)
	is "$("$pycstash" "${@:1:1}" --dir "$CACHE" "${@:2}" 2>&1 | ageless)" "$own" "$sentence: root is told what the user is told"
	after=$(state)
	is "$after" "$before" "$sentence: nothing is changed"
	is "$(grep -cE 'not touched|chown' <<<"$own")" 0 "$sentence: the output is not empty"
}
looks "stats" stats
looks "ls" ls --long
looks "ls --state" ls --state fresh
looks "du" du --by tree
looks "path" path "$T/app/m.py"
looks "show" show "$T/app/m.py"
looks "explain" explain "$T/app/m.py"
looks "verify" verify
looks "gc --dry-run" gc --dry-run
looks "purge --dry-run" purge --dry-run --all
"$pycstash" doctor --dir "$CACHE" "$python" >"$T/said" 2>&1
is "$? $(grep -cE '^fail|chown' "$T/said") $(grep -c '^ok    user .* 65534' "$T/said")" "0 0 1" \
	"doctor says whether the service is served, and as which user it has looked"
check "explain says what is served to the service" "$pycstash" explain --dir "$CACHE" "$T/app/m.py"

before=$(state)
for command in "gc" "purge --all" "stats --zero" "verify --repair" "warm $T/app" "export $T/x.tar"; do
	# shellcheck disable=SC2086 # words
	"$pycstash" ${command%% *} --dir "$CACHE" ${command#"${command%% *}"} >"$T/said" 2>&1
	is "$? $(grep -c 'Run as its owner: setpriv --reuid=65534' "$T/said")" "12 1" \
		"pycstash $command refuses, and says as whom to run it"
done
is "$(state)" "$before" "commands that refuse change nothing"
todo=$(sed -n 's/.*Run as its owner: \(.*\) \.\.\..*/\1/p' "$T/said")
check "the command that a refusing command suggests works" sh -c "cd / && ${todo/ pycstash/ $pycstash} gc --dir $CACHE"

rm "$CACHE"/v1/.state/gc*
todo=$("$pycstash" stats --dir "$CACHE" | sed -n '/^gc is due/{n;p}')
is "$todo" "  pycstash gc --as-owner --dir $CACHE" "stats tells root how the service's cache is collected"
"$pycstash" gc --as-owner --dir "$CACHE" >"$T/said" 2>&1
is "$? $(stat -c %U "$CACHE/v1/.state/gc")" "0 nobody" "gc --as-owner collects with the owner's rights"

# --- below a directory that is closed to its owner ------------------------------------
# systemd keeps the cache of a DynamicUser= where only the service's mount namespace shows it.
if unshare -m true 2>/dev/null; then
	mkdir -m 700 "$T/private"
	(umask 077 && mkdir "$T/private/below")
	mv "$CACHE" "$T/private/below/c"
	ln -s private/below/c "$CACHE"
	check "a cache below a closed directory can be looked at" grep -q 'm\.py' <("$pycstash" ls --dir "$CACHE" --long)
	check "doctor finds a cache below a closed directory in order" "$pycstash" doctor --dir "$CACHE" "$python"
	rm "$T/private/below/c/v1/.state/gc"
	(umask 077 && "$pycstash" gc -q --as-owner --dir "$CACHE")
	is "$? $(stat -c %U "$CACHE/v1/.state/gc")" "0 nobody" "gc --as-owner collects below a closed directory"
	check "verify --as-owner repairs below a closed directory" "$pycstash" verify -q --repair --as-owner --dir "$CACHE"
	"$pycstash" purge -q --as-owner --path "$T/app" --dir "$CACHE"
	is "$? $("$pycstash" ls --dir "$CACHE" "$T/app")" "0 " "purge --as-owner deletes below a closed directory"
	is "$(stat -c '%a %U' "$T/private" "$T/private/below" | paste -sd ' ') $(ls "$T/private")" "700 root 700 root below" \
		"the closed directory is unchanged"
	rm "$CACHE"
	mv "$T/private/below/c" "$CACHE"
	# what root opens must not be exchanged by the owner for a link in the meantime
	install -d -m 0 -o 65534 -g 65534 "$T/home/closed"
	mv "$CACHE" "$T/home/closed/c"
	"$pycstash" ls --dir "$T/home/closed/c" >"$T/said" 2>&1
	is "$? $(grep -c "$T/home/closed" "$T/said")" "12 1" "a directory that the owner has closed himself is not opened"
	mv "$T/home/closed/c" "$CACHE"
	mkdir "$T/volume"
	unshare -m sh -c 'mount -t tmpfs -o mode=777 none "$2" && mkdir -m 700 "$2/closed" && cp -a "$1" "$2/closed/c" &&
		exec "$0" ls --dir "$2/closed/c"' "$pycstash" "$CACHE" "$T/volume" >"$T/said" 2>&1
	is "$? $(grep -c "$T/volume/closed" "$T/said")" "12 1" "a closed directory in a mount point that all can write to is not opened"
else
	skip "a cache below a directory that is closed to its owner" "mount namespaces are not allowed"
fi

# --- an owner with bad intentions -----------------------------------------------------
cat >"$T/home/python" <<END
#!/bin/sh
{ id -u; id -G; env; } >$T/home/seen
exec $python "\$@"
END
chmod 755 "$T/home/python"
SECRET=hunter2 PYCSTASH_SIGN_PASSWORD=hunter2 PYCSTASH_STORE=https://me:hunter2@example.org/ \
	"$pycstash" doctor --dir "$CACHE" "$T/home/python" >/dev/null 2>&1
is "$(head -2 "$T/home/seen" | tr '\n' ' ')" "65534 65534 " "the owner's programs have none of root's rights"
is "$(grep -c hunter2 "$T/home/seen")" 0 "the owner's programs do not see root's environment"
mkdir -m 700 "$T/secret"
mkdir "$T/secret/work"
echo hunter2 >"$T/secret/work/key"
cat >"$T/home/python" <<END
#!/bin/sh
echo run >>$T/home/seen
cat key >>$T/home/seen
cat <&8 >>$T/home/seen
exec $python "\$@"
END
rm "$T/home/seen"
(cd "$T/secret/work" && "$pycstash" doctor --dir "$CACHE" "$T/home/python" >/dev/null 2>&1 8<key)
is "$(sort -u "$T/home/seen")" run \
	"the owner's programs neither run in a directory that only root can reach, nor have a descriptor of root's"
fill
# ssh -t, docker exec -t and others make the command the leader of the terminal's session
for command in stats ls du "path $T/app/m.py" "show $T/app/m.py" "explain $T/app/m.py" "doctor $python" verify "verify --as-owner" \
	"gc --as-owner" "purge --as-owner --path $T/none"; do
	# shellcheck disable=SC2086 # words
	on_terminal "$pycstash" ${command%% *} --dir "$CACHE" ${command#"${command%% *}"} </dev/null >"$T/said" 2>&1
	is "$? $(grep -c . "$T/said" | sed 's/[1-9].*/said/')" "0 said" \
		"root's command can lead the session of its terminal: pycstash ${command//$T\/}"
done
cat >"$T/home/python" <<END
#!/bin/sh
{ [ -t 0 ] || [ -t 1 ] || [ -t 2 ] || (: <>/dev/tty) 2>/dev/null; } && echo terminal >>$T/home/seen || echo none >>$T/home/seen
cut -d ' ' -f 7 /proc/\$PPID/stat >$T/home/tty_nr
exec $python "\$@"
END
printf '#!/bin/sh\n"$@"\nexit\n' >"$T/bin/below"
chmod 755 "$T/bin/below"
for starter in env "$T/bin/below"; do
	rm -f "$T/home/seen"
	on_terminal "$starter" "$pycstash" doctor --dir "$CACHE" "$T/home/python" </dev/null >/dev/null 2>&1
	is "$(sort -u "$T/home/seen")" none "the owner's programs cannot type into root's terminal: started by ${starter##*/}"
done
is "$(cat "$T/home/tty_nr")" 0 "root's command has no terminal itself, unless it leads the session"
printf '#!/bin/sh\n: >%s\nexec sleep 60\n' "$T/home/began" >"$T/home/python"
{ appears "$T/home/began" && printf '\003'; } |
	on_terminal "$pycstash" doctor --dir "$CACHE" "$T/home/python" >/dev/null 2>&1
is "$?" 130 "a Ctrl-C ends root's command that leads the session of its terminal"
# keys DO: makes root's key, in a session of its own, and runs doctor; or looks for the key
cat >"$T/bin/keys" <<'END'
import ctypes, os, subprocess, sys
add_key, keyctl = {"x86_64": (248, 250), "aarch64": (217, 219)}.get(os.uname().machine, (-1, -1))
syscall = ctypes.CDLL(None).syscall
if len(sys.argv) == 1:
    print("found" if syscall(keyctl, 10, -3, b"user", b"pycstash-test", 0) > 0 else "none")
elif syscall(keyctl, 1, None) > 0 and syscall(add_key, b"user", b"pycstash-test", b"hunter2", 7, -3) > 0:
    subprocess.run(sys.argv[1:])
END
printf '#!/bin/sh\n%s %s >>%s\nexec %s "$@"\n' "$python" "$T/bin/keys" "$T/home/seen" "$python" >"$T/home/python"
sentence="the owner's programs have none of the keys of root's session"
rm "$T/home/seen"
"$python" "$T/bin/keys" "$python" "$T/bin/keys" >"$T/said"
if [ "$(cat "$T/said")" = found ]; then
	"$python" "$T/bin/keys" "$pycstash" doctor --dir "$CACHE" "$T/home/python" >/dev/null 2>&1
	is "$(sort -u "$T/home/seen")" none "$sentence"
else
	skip "$sentence" "the kernel keeps no keys here"
fi
mv "$CACHE/v1" "$T/home/v1"
ln -s "$T/secret" "$CACHE/v1"
check "root is not led out of the cache" grep -q 'not touched' <("$pycstash" ls --dir "$CACHE" 2>&1)
done_testing
