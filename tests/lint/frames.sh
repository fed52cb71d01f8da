#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The fast path stays what it is: a wrapper whose path has nothing to do with us needs
# next to no stack, and calls the scan and the next library's function, nothing else.
# Programs run on small stacks, in signal handlers and in vfork children.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1

MOST=128 # bytes; open needs some for its third argument

nothing_to_see=
case $(uname -m) in x86_64) ;; *) nothing_to_see="the processor is not one it reads" ;; esac
nm "$SO" | grep -q ' scan_avx2$' || nothing_to_see="the scan is not a function here"
case $BUILD in */debug | */asan | */ubsan | */tsan) nothing_to_see="not a release build" ;; esac
if [ -n "$nothing_to_see" ]; then
	skip "no wrapper has a frame to speak of" "$nothing_to_see"
	skip "no wrapper needs more stack than a small one has" "$nothing_to_see"
	skip_all "a wrapper calls the scan and the next library alone" "$nothing_to_see"
fi

# Only the code of the exported functions themselves. Code that the compiler has split off as
# cold is not on the fast path.
"$BUILD/shim/gen/list" names | sort >"$T/names"
objdump -d --no-show-raw-insn "$SO" | awk -v names="$T/names" '
	function number(hex, n, i) { # not every awk has strtonum
		for (i = 1; i <= length(hex); i++)
			n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
		return n
	}
	BEGIN { while ((getline name < names) > 0) wanted[name] = 1 }
	/^[0-9a-f]+ <.*>:$/ {
		name = $2
		gsub(/[<>:]/, "", name)
		sub(/^wrap_/, "", name)
		inside = name in wanted
		if (inside) seen[name] = 1
		next
	}
	!inside { next }
	/\tpush / { frame[name] += 8 }
	/\tsub +\$0x[0-9a-f]+,%rsp/ {
		size = $0
		sub(/.*\$0x/, "", size)
		sub(/,%rsp.*/, "", size)
		frame[name] += number(size)
	}
	/\tcall +[0-9a-f]+ </ {
		callee = $0
		sub(/.*</, "", callee)
		sub(/>.*/, "", callee)
		if (callee != "scan_avx2") other[name] = other[name] " " callee
	}
	END { for (name in seen) print name, frame[name] + 0, other[name] }' | sort >"$T/frames" ||
	not_ok "the library can be disassembled (by objdump)"

for name in open stat openat fopen access rename; do
	check "$name is looked at" grep -q "^$name " "$T/frames"
done
check "most of calls.def is looked at" \
	test "$(wc -l <"$T/frames")" -gt $(($(wc -l <"$T/names") / 2))
awk -v most=$MOST '$2 > most { print $1 " (" $2 ")" }' "$T/frames" |
	none "no wrapper has a frame of more than $MOST bytes"
awk '$1 == "stat" && $2 > 16 { print $2 }' "$T/frames" |
	none "the frame of stat is that of any call"
awk 'NF > 2 { print $1 ":" $3 }' "$T/frames" >"$T/others"
# These calls take no path, but change whom the cache may serve.
grep -vE '^(set(re|res|e)?uid|chroot):' "$T/others" |
	none "a wrapper calls the scan and the next library alone"

# The deepest stack of each wrapper through the library's own functions. Those of libb2, which
# depend on the processor, and of libc are not known. A signal handler on an alternate stack of
# 8 KiB has some 4 KiB left with AVX-512; on other processors the digest takes up to 2 KiB of it.
DEEPEST=3950 # of rename, which may make a directory real and judge the cache on the way; others: 3680
objdump -d --no-show-raw-insn "$SO" | awk '
	function number(hex, n, i) {
		for (i = 1; i <= length(hex); i++)
			n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
		return n
	}
	function target(line) {
		sub(/.*</, "", line)
		sub(/>.*/, "", line)
		sub(/\.cold$/, "", line)
		return line ~ /[+@]|^blake2b_/ ? "" : line
	}
	/^[0-9a-f]+ <.*>:$/ {
		name = $2
		gsub(/[<>:]/, "", name)
		sub(/\.cold$/, "", name)
		frame[name] += 0
		next
	}
	/\tpush / { frame[name] += 8 }
	/\tsub +\$0x[0-9a-f]+,%rsp/ && !/0xffffffff/ {
		size = $0
		sub(/.*\$0x/, "", size)
		sub(/,%rsp.*/, "", size)
		frame[name] += number(size)
	}
	/\tcall +\*/ { calls[name] = calls[name] " *" }
	/\tcall +[0-9a-f]+ </ { calls[name] = calls[name] " " target($0) }
	/\tj[a-z]+ +[0-9a-f]+ </ && target($0) != name { jumps[name] = jumps[name] " " target($0) }
	function depth(name, most, n, i, d, to) {
		if (name == "*") return kernel # a function of struct sys
		if (name in known) return known[name]
		known[name] = 0 # none of ours is recursive but in name: place_at of another path
		n = split(calls[name], to, " ")
		for (i = 1; i <= n; i++)
			if ((d = 8 + depth(to[i])) > most) most = d
		most += frame[name]
		n = split(jumps[name], to, " ")
		for (i = 1; i <= n; i++)
			if ((d = depth(to[i])) > most) most = d
		return known[name] = most
	}
	END {
		for (name in frame)
			if (name ~ /^sys_/ && depth(name) > most) most = depth(name)
		kernel = most
		for (name in frame)
			if (name !~ /^sys_/) delete known[name]
		for (name in frame)
			if (sub(/^slow_/, "", name)) print depth("slow_" name), name
	}' | sort -rn >"$T/depths"
check "the depth of most of calls.def is known" \
	test "$(wc -l <"$T/depths")" -gt $(($(wc -l <"$T/names") / 2))
check "that of open is a depth" test "$(awk '$2 == "open" { print $1 }' "$T/depths")" -gt 1000
awk -v most=$DEEPEST '$1 > most { print $2 " (" $1 ")" }' "$T/depths" |
	none "no wrapper needs more than $DEEPEST bytes of stack"
done_testing
