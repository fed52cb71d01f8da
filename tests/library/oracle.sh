#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The oracle: strace sees every call, including those that none of our wrappers saw. No call may
# touch a __pycache__ in the tree except to read (open for reading, stat, readlink, access),
# which is how the library checks whether the tree has a pyc that the cache lacks. A call that
# fails because something does (or does not) exist is the kernel's answer to the program, and
# does not count as a touch.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

if ! strace -f -o /dev/null true 2>/dev/null; then
	skip_all "no call touches a __pycache__ in the tree" "strace cannot trace here"
fi

# traced COMMAND…: runs it under the library, and writes all calls with file names to $T/trace,
# with the paths of descriptors.
traced() {
	strace -f -qq -y -s 4096 --seccomp-bpf -e trace=%file -e signal=none -o "$T/trace" \
		-E LD_PRELOAD="$SO" -E PYCSTASH_DIR="$CACHE" "$@" >"$T/.out" 2>"$T/.err" </dev/null
	status=$?
	said=$(cat "$T/.out")
}

# The calls in the trace that touch a __pycache__ outside the cache and do not only read.
# Of calls that strace shows in two parts, the first part counts, because it has the paths.
touching() {
	sed "s,${CACHE}[^\">]*,CACHE,g" "$T/trace" | grep -F __pycache__ | grep -v ' resumed>' |
		grep -vE '^[0-9]+ +(stat|lstat|newfstatat|statx|access|faccessat2?|readlink|readlinkat|getxattr|lgetxattr|listxattr|getcwd|execve)\(' |
		grep -vE '^[0-9]+ +(open|openat)\(.*, O_RDONLY(\|O_(CLOEXEC|NONBLOCK|DIRECTORY|NOFOLLOW|NOATIME|LARGEFILE|PATH))*(\)| <unfinished)' |
		grep -vE ' = -1 (ENOENT|EEXIST|ENOTDIR|ENOTEMPTY|EISDIR|EINVAL) '
}

# clean SENTENCE: the trace shows that the cache was used and no __pycache__ was touched.
clean() {
	local touched
	touched=$(touching)
	if [ "$(grep -cF "$CACHE" "$T/trace")" -lt 3 ]; then
		not_ok "$1" "the trace shows no use of the cache: $(wc -l <"$T/trace") calls" "$(head -3 "$T/.err")"
	elif [ -n "$touched" ]; then
		not_ok "$1" "$(echo "$touched" | head -20)"
	else
		ok "$1"
	fi
}

# Only these sections are traced, because they touch only files for the cache. A file that is
# written under its final name is not for the cache, and one that is given to somebody is moved.
# Nor are hash-based pycs for the cache.
mapfile -t sections < <(sed -n '/^@section/{n;s/^def \([a-z_]*\).*/\1/p}' \
	"$HERE/tests/library/battery.py" | grep -vE '^(tree_|writing$|renaming$|attributes$)')

all() {
	traced "$python" "$tree/app.py"
	is "$said, $status" "six, 0" "a traced cold start works on $name"
	clean "a cold start touches no __pycache__ on $name"
	traced "$python" "$tree/app.py"
	clean "a warm start touches no __pycache__ on $name"
	is "$(grep -E "openat\(.*\"$CACHE.*O_(WRONLY|RDWR)|(mkdir|rename)[a-z2]*\(" "$T/trace" |
		grep -cv "/\.state/journal\", ")" 0 \
		"a warm start writes nothing except one record of counters on $name"
	# The library looks into the tree at most once for each module, and not in a warm start.
	is "$(grep -F "$tree" "$T/trace" | grep -F __pycache__ | grep -vcF "$CACHE")" 0 \
		"a warm start does not even look for a __pycache__ in the tree on $name"
	traced "$python" -m compileall -q -f "$tree"
	clean "compileall touches no __pycache__ on $name"
	traced "$python" -m py_compile "$tree/alpha.py"
	clean "py_compile touches no __pycache__ on $name"
	traced "$python" -c "import pkgutil, sys; sys.path.insert(0, '$tree')
print(len([m for m in pkgutil.walk_packages(['$tree'])]))"
	is "$(echo "$said" | tail -1)" 7 "pkgutil finds all packages on $name"
	clean "pkgutil touches no __pycache__ on $name"
	untouched "the tree is unchanged on $name"
	traced "$python" -c "import shutil
shutil.rmtree('$tree/__pycache__')
shutil.rmtree('$tree/pkg/deep/__pycache__')
import os
print(os.path.exists('$tree/__pycache__'), os.path.exists('$tree/pkg/__pycache__'))"
	is "$said" "False True" "rmtree deletes the tree that it was given on $name"
	clean "rmtree touches no __pycache__ in the tree on $name"
	untouched "other trees are unchanged after rmtree on $name"
	NO_HASHES=1 traced "$python" "$HERE/tests/library/battery.py" "$T/area" "${sections[@]}"
	is "$(grep -c ': died' "$T/.out")" 0 "the battery runs under strace on $name"
	# except for names that importlib would not give
	sed -i '/\/area\/compiling\/odd[\/>]/d' "$T/trace"
	clean "the whole battery touches no __pycache__ on $name"
}
some all

# The oracle must see what happens: without the library it shows what Python does.
sources
python=$(interpreters cached | head -1)
strace -f -qq -y --seccomp-bpf -e trace=%file -o "$T/trace" "$python" "$tree/app.py" >/dev/null 2>&1
is "$(touching | grep -cE 'mkdir|O_EXCL|rename')" 13 \
	"without the library, the oracle sees Python create 3 directories and 5 files, and rename 5"
done_testing
