#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs from Debian's packages. packaged.table has a row for each, and says what the words
# in a row mean. Each program is run three times, each time with an edit in between: without
# the library, with an empty cache, and with the filled cache. It prints the same each time, the
# last run compiles nothing, and no bytecode appears beside a source.
#
# PROGRAMS has the names of the programs to run, or "all". Without it, the quick ones are run.
#
# Takes 60 s.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

export PATH=/usr/bin:/bin:/usr/sbin:/sbin # the packages' Python, no other
table=$HERE/tests/programs/packaged.table
fields="program packages quick user setup run edit again filter compiles"

# --- what rows are written with --------------------------------------------------------
# These run in the shell of a row, which is itself under the library.
plain() { env -u LD_PRELOAD "$@"; }
# serve COMMAND…: starts it in the background, with a process group of its own; it is $server.
serve() {
	: >>"$state/server.log" # before has_loaded reads it
	setsid "$@" >>"$state/server.log" 2>&1 </dev/null &
	server=$!
	echo $server >>"$state/pids"
}
# ended_later FILE: what is in that file is a process to be ended, too.
ended_later() { appears "$1" && cat "$1" >>"$state/pids"; }
# ask: the first answer of the server at $port; ask_until WORD: the first that has the word.
# The next answer may still be an older worker's.
answers() {
	local answer
	answer=$(plain curl -s --noproxy '*' -m 20 "http://127.0.0.1:$port/")
	[[ -n $answer && $answer == *"$1"* ]] && echo "$answer"
}
ask_until() { await answers "$1"; }
ask() { ask_until ''; }
# has_loaded N: N processes of the server have told that they have loaded the program. One that
# loads it during the edit compiles it.
has_loaded() { [ "$(plain grep -c loaded "$state/server.log")" -ge "$1" ]; }
# signal_until SIGNAL WORD: makes the server load the program again, and asks. A server may answer
# before it handles the signal, so it gets another one if that has no effect.
signal_until() {
	local i
	for i in {1..400}; do
		((i % 100 != 1)) || kill "-$1" "$server"
		answers "$2" && return
		sleep 0.05
	done
	return 1
}
# The same for a server that reloads by itself, and that may look only after the edit.
touched() {
	plain touch "$site/part.py"
	answers "$1"
}
touch_until() { await touched "$1"; }
# line WORD FILE: waits until the file has a line with it, and prints that word.
line() { await grep -qs "$1" "$2" && echo "$1" || tail -n 20 "$2"; }
# both LIBRARY COMMAND…: runs it with that library before pycstash's, then after it.
both() {
	local library
	library=$(plain find /usr/lib -name "$1" | head -1)
	LD_PRELOAD=$library:$LD_PRELOAD faked "${@:2}"
	LD_PRELOAD=$LD_PRELOAD:$library faked "${@:2}"
}
# edit [quietly]: changes "first" to "later" and keeps the size; quietly keeps the time, too.
edit() {
	[ "$1" != quietly ] || plain cp -p "$site/part.py" "$state/before"
	plain sed 's/first/later/' "$site/part.py" >"$state/after"
	cat "$state/after" >"$site/part.py"
	[ "$1" != quietly ] || plain touch -r "$state/before" "$site/part.py"
}
without_bytecode() { plain find "$@" -name __pycache__ -prune -exec rm -rf {} +; }

# story: runs both halves of a row, with the edit in between.
story() {
	cd "$site/.." || return
	trap end_servers EXIT
	trap 'exit 124' TERM # of timeout
	eval "$run" >"$state/one" 2>&1
	echo "status $?" >>"$state/one"
	plain cp "$state/log" "$state/log.one" 2>/dev/null
	if [[ $edit != none && $edit != itself ]]; then
		# Python alone does not notice a quiet edit. To delete its bytecode first would not
		# do: another worker of a server may just be writing it.
		[ -n "${LD_PRELOAD:-}" ] || edit=plainly
		edit "$edit"
		eval "${again:-$run}" >"$state/two" 2>&1
		echo "status $?" >>"$state/two"
	fi
}
end_servers() {
	local pid
	for pid in $(cat "$state/pids" 2>/dev/null); do
		kill "$pid" 2>/dev/null
		ends "$pid" || kill -9 "$pid"
		kill -9 -- "-$pid" 2>/dev/null # what it started and left
	done
}
# The functions that the shell of a row needs.
export -f plain serve ended_later ask answers ask_until has_loaded signal_until touched touch_until line both edit story
export -f faked end_servers await ends has_ended appears

# --- the rows --------------------------------------------------------------------------
# next_row: reads a row from stdin into the variables of `fields`.
next_row() {
	local text key=
	for key in $fields; do printf -v "$key" ''; done
	while IFS= read -r text; do
		case $text in
		'#'*) ;;
		'') [ -z "$program" ] || return 0 ;;
		$'\t'*) printf -v "$key" '%s\n%s' "${!key}" "${text#?}" ;;
		*)
			key=${text%% *}
			case " $fields " in *" $key "*) ;; *) not_ok "packaged.table explains all fields that it uses" "$text" ;; esac
			printf -v "$key" '%s' "${text#"$key"}"
			printf -v "$key" '%s' "${!key# }"
			;;
		esac
	done
	[ -n "$program" ]
}

lacking() { # PACKAGE…: those that are not installed
	local package
	for package; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
	done
}

maybe_user() { if [ -n "$user" ]; then as_user "$@"; else "$@"; fi; }

# told_by NAME COMMAND…: runs the row's story by that, and keeps what it left as $T/NAME.
told_by() {
	local name=$1
	shift
	rm -rf "$state"
	maybe_user mkdir -p "$state/home"
	maybe_user cp -p --remove-destination "$T/part.py" "$site/part.py"
	port=$(/usr/bin/python3 -I -S -B -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	export port
	maybe_user env HOME="$state/home" PYTHONPATH="$site" PYTHONDONTWRITEBYTECODE= "$@" \
		timeout 120 bash -c story >"$state.err" 2>&1 </dev/null
	for half in one two; do
		[ ! -e "$state/$half" ] || sed -E "s/\<$port\>/PORT/g; s,$state,STATE,g; s/0x[0-9a-f]{6,}/ADDRESS/g; s/[0-9.]+ ?(s|ms|seconds?)\>/TIME/g; $filter" "$state/$half"
	done >"$T/$name"
	cat "$state.err" >>"$T/$name"
	rm -rf "$T/$name.state"
	cp -R "$state" "$T/$name.state"
}

# Prints a line for each verdict of the library that is not a hit.
not_served() {
	grep -E '\]: (miss|write|sealed|not [a-z]+|made in the tree): ' "$T/$1.state/log" |
		grep -vE "${compiles:-^$}" | sed 's/^pycstash\[[0-9]*\]: //' | sort | uniq -c | sort -rn | head -15
}
served() { grep -cE '\]: (hit|reused from object|in-tree): ' "$T/$1.state/log"; }
bytecode() { find "$T/w" "${trees[@]}" \( -name __pycache__ -o -name '*.pyc' \) ! -path "$state/*" 2>/dev/null | head -20; }

shows_edit() { # DIR
	case $edit in
	itself) grep -q first "$1/one" && grep -q 'now True' "$1/one" ;;
	*) grep -q first "$1/one" && ! grep -q later "$1/one" && grep -q later "$1/two" ;;
	esac
}
row() {
	local missing began=$SECONDS
	# shellcheck disable=SC2086 # a list
	missing=$(lacking $packages)
	if [ -n "$missing" ]; then
		skip "$program is served" "not installed: $(echo $missing)"
		return
	fi
	rm -rf "$T/w" "$T/cache" && mkdir -p "$T/w/site" && mkdir -m 700 "$T/cache"
	cp -p "$T/part.py" "$T/work.py" "$site"
	[ -z "$user" ] || [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$T/w" "$T/cache"
	edit=${edit:-quietly}
	export run again edit filter
	[ -z "$setup" ] || (cd "$T/w" && HOME=$T/w && maybe_user env HOME="$T/w" bash -c "$setup") >"$T/setup" 2>&1 ||
		not_ok "$program can be set up" "$(cat "$T/setup")"
	find "$T/w/site" -type f -exec touch -d '2020-01-01' {} +
	told_by bare env
	without_bytecode "$T/w" "${trees[@]}"
	for turn in cold warm; do
		told_by $turn env PYCSTASH_DIR="$T/cache" PYCSTASH_LOG="$state/log" LD_PRELOAD="$SO"
		none "$program leaves no bytecode beside a source ($turn)" < <(bytecode)
		check "$program prints the same as without the library ($turn)" diff -u "$T/bare" "$T/$turn"
	done
	[ "$edit" = none ] || check "$program shows an edit" shows_edit "$T/bare.state"
	check "$program is served from a filled cache: $(served warm) hits" test "$(served warm)" -gt 0
	none "$program compiles nothing with a filled cache" < <(not_served warm)
	echo "# $program took $((SECONDS - began)) s"
	[ -z "${VERBOSE:-}" ] || sed "s/^/#   $program: /" "$T/warm"
}

rows() {
	chmod 755 "$T"
	export site=$T/w/site state=$T/w/state
	printf '%s\n' 'word = "first"' >"$T/part.py"
	cat >"$T/work.py" <<'END'
import os, subprocess, sys, threading, json, part
print(part.word, json.dumps(sys.argv[1:]), flush=True)
thread = threading.Thread(target=lambda: print(__import__("decimal").Decimal(2).sqrt(), flush=True))
thread.start(), thread.join()
if os.fork() == 0:
    import uuid, email.message
    print(email.message.Message().as_bytes(), flush=True)
    os._exit(7)
print(os.wait()[1], flush=True)
if len(sys.argv) == 1:
    if subprocess.run([sys.executable, __file__, "child"]).returncode or os.fork() == 0:
        os.execv(sys.executable, [sys.executable, __file__, "exec"])
    print(os.wait()[1], flush=True)
    if os.getuid() == 0:
        os.setgid(65534), os.setuid(65534)
    import csv, configparser
    print(csv.QUOTE_ALL, configparser.ConfigParser().sections())
END
	touch -d '2020-01-01' "$T"/*.py
	while next_row; do
		case " ${PROGRAMS:-quick} " in
		*" all "* | *" $program "*) row ;;
		*" quick "*) [ -z "$quick" ] || row ;;
		esac
	done <"$table"
}

# The packages' own bytecode hides what the library does. In a mount namespace it can go.
strip='import os, sys
for top, folders, files in os.walk(sys.argv[1]):
    if "__pycache__" in folders:
        folders.remove("__pycache__")
        to = os.path.join(sys.argv[2], os.path.relpath(top, sys.argv[1]))
        os.makedirs(to, exist_ok=True)
        os.mknod(to + "/__pycache__", 0o20600, 0)'
trees=()
if [ "${1:-}" = inside ]; then
	part_of "$2"
	for tree in /usr/lib/python3 /usr/lib/python3.* /usr/share/gdb; do
		[ -d "$tree" ] || continue
		mkdir -p "$T/stripped$tree" "$T/work$tree"
		/usr/bin/python3 -B -c "$strip" "$tree" "$T/stripped$tree"
		mount -t overlay -o "lowerdir=$tree,upperdir=$T/stripped$tree,workdir=$T/work$tree" none "$tree" || exit
		trees+=("$tree")
	done
	rows
	exit
fi
mkdir "$T/try" "$T/up" "$T/work"
if unshare -m --propagation private mount -t overlay -o "lowerdir=$T/try,upperdir=$T/up,workdir=$T/work" none "$T/try" 2>/dev/null; then
	unshare -m --propagation private "$0" inside "$T"
else
	rows
fi
done_testing
