#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each system call of a program, from the first that touches the source, fails in turn with each
# error, or reads or writes only half, or the process is killed there, or stopped while the
# source is edited. The program behaves as it does without the library, the next start is right,
# the one after it compiles nothing, and nothing is left over. Calls with which Python itself
# reads the source are left out, since it fails without the library too; so are the own calls of
# compileall and rmtree, which may then report an error.
#
# TORTURE_SECONDS (30) is the time for all; what it had no time for is reported. SCENES, ERRORS
# and SEED select others.
#
# Takes 40 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/../library/seals.sh"
# shellcheck source=tests/torture/moments.bash
. "$(dirname "$0")/moments.bash"

scenes=${SCENES:-fresh new warm touched edited reused layer compileall rmtree}
errors=${ERRORS:-EIO ENOSPC EACCES EMFILE ENOMEM EROFS EINTR EAGAIN EDQUOT ESTALE}
injected=0 left=0

# Calls that may be Python's own reads of the sources, or its output.
is_pythons() { # CALL PATHS…
	case " $2 " in *" $T/said "*) return 0 ;; esac
	case $1 in open | openat | newfstatat | fstat | statx | close | ioctl | getdents64 | readlink) ;; *) return 1 ;; esac
	case " $2 " in *"$CACHE"*) return 1 ;; *" $T/src/m.py "* | *" $T/src "*) return 0 ;; esac
	return 1
}

# Succeeds if the program may end with that error, because it makes such calls itself.
may_fail() { # SCENE CALL
	case $1 in compileall | rmtree) ;; *) return 1 ;; esac
	case $2 in pread64 | pwrite64 | link* | readlink* | *statfs | *xattr | utimensat | ioctl | copy_file_range | clock*) return 1 ;; esac
	# PyPy's scandir calls any error of fdopendir a ValueError.
	! grep -q Traceback "$T/out" || grep -qE 'OSError|Error: \[Errno [0-9]+\]|ValueError: invalid fd' "$T/out"
}

temporary='.*\.pyc\.[0-9]+\|.*\.pycstash-.*'
# What the program leaves: the next start is right, and the one after it compiles nothing.
check_after() { # MOMENT VERSION
	local counted
	run "$T/src"
	[ "$(cat "$T/said")" = "$2" ] || wrong="$wrong$1: the next start says $(head -c 200 "$T/said")"$'\n'
	counted=$(preloaded "$python" -S "$HERE/tests/library/count.py" "$T/src" m 2>&1)
	[ "$counted" = "0 compiled, 1 loaded" ] || wrong="$wrong$1: the start after the next: $counted"$'\n'
	counted=$(find "$T/src" "$CACHE" -regex "$temporary" 2>/dev/null | head -1)
	[ -z "$counted" ] || wrong="$wrong$1: left over: ${counted##*/}"$'\n'
	check_cache "$1"
}

one_error() { # SCENE CALL N ERROR
	local said
	set_scene "$1"
	traced -o /dev/null -e trace="$2" -e inject="$2:error=$4:when=$3" >"$T/out" 2>&1
	said="$? $(cat "$T/out")"
	[ "$said" = "0 $want" ] || may_fail "$1" "$2" || wrong="$wrong$2 $3 $4 ($1): it says $(tail -c 200 <<<"$said")"$'\n'
	check_after "$2 $3 $4 ($1)" one
}

one_kill() { # SCENE CALL N
	set_scene "$1"
	traced -o /dev/null -e trace="$2" -e inject="$2:signal=KILL:when=$3" >/dev/null 2>&1
	find "$T/src" "$CACHE" -regex "$temporary" -delete 2>/dev/null # gc's, later
	check_after "$2 $3 killed ($1)" one
}

# Changes the N-th read or write below $T; fails if there are fewer.
one_short() { # SCENE - N
	local said
	set_scene "$1"
	rm -f "$T/short"
	said=$(preloaded PYCSTASH_LAYERS="$T/layer" LD_PRELOAD="$SO:$BUILD/tests/torture/libshort.so" \
		SHORT_AT="$3" SHORT_BELOW="$T/" SHORT_FILE="$T/short" "$python" "${program[@]}" "$T/src" 2>&1)
	said="$? $said"
	[ -e "$T/short" ] || return
	[ "$said" = "0 $want" ] || wrong="${wrong}read or write $3 cut short ($1): it says $(tail -c 200 <<<"$said")"$'\n'
	check_after "read or write $3 cut short ($1)" one
}

# strace stops the program with a signal until the source has been replaced.
one_stop() { # SCENE CALL N
	local tracer said pid
	set_scene "$1"
	traced -f -o "$T/stopped" -e trace="$2" -e inject="$2:signal=STOP:when=$3" >"$T/out" 2>&1 &
	tracer=$!
	if await grep -qs 'stopped by SIGSTOP' "$T/stopped"; then
		version two "$T/src/m.py"
		pid=$(awk '/stopped by SIGSTOP/ { print $1; exit }' "$T/stopped")
		kill -CONT "$pid"
	fi
	wait "$tracer"
	said=$(cat "$T/out")
	rm -f "$T/stopped"
	case $said in one | two | "$want") ;; *) wrong="$wrong$2 $3 stopped ($1): it says $said"$'\n' ;; esac
	[ "$(cat "$T/src/m.py")" = "$(version two "$T/two.py" && cat "$T/two.py")" ] || return 0 # it was not
	check_after "$2 $3 stopped ($1)" two
}

faults() {
	local until=$((SECONDS + share)) wrong='' scene call n paths error
	for scene in $scenes; do
		set_scene "$scene"
		moments >"$T/moments"
		while read -r call n paths; do
			is_pythons "$call" "$paths" && continue
			for error in $errors KILL STOP; do echo "$scene $call $n $error"; done
		done <"$T/moments"
		for n in {1..20}; do echo "$scene - $n SHORT"; done
	done | shuf --random-source=<(yes "${SEED:-1}") >"$T/all"
	[ "$(wc -l <"$T/all")" -gt 100 ] || not_ok "$name: there are calls that can fail" "$(head "$T/all")"
	while read -r scene call n error <&3; do
		[ $SECONDS -lt $until ] || { left=$((left + 1)) && continue; }
		case $error in
		STOP) one_stop "$scene" "$call" "$n" ;;
		KILL) one_kill "$scene" "$call" "$n" ;;
		SHORT) one_short "$scene" "$call" "$n" || continue ;;
		*) one_error "$scene" "$call" "$n" "$error" ;;
		esac
		injected=$((injected + 1))
	done 3<"$T/all"
	is "$(head -20 <<<"$wrong")" "" "$name: whatever call fails, the program and the starts after it are right"
	echo "# $injected faults injected, $left left out"
}

if ! strace -qq -o /dev/null true 2>/dev/null; then
	skip_all "a system call fails" "strace does not work here"
fi
in_turn faults "${TORTURE_SECONDS:-30}" 30
done_testing
