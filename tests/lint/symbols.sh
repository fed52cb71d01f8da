#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What the library exports and needs. And the symbol gate: if a program on this machine imports
# a function of libc that takes a path, that is interposed, or is an exception with a reason.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1
list=$BUILD/shim/gen/list
"$list" names | sort >"$T/calls"
sed -n 's/^EXCEPTION(\([^,]*\),.*/\1/p' shim/exceptions.def | sort >"$T/exceptions"
sort -u "$T/calls" "$T/exceptions" >"$T/known"
sort tests/lint/path-functions.txt >"$T/paths"
libc=$(ldd "$SO" | awk '/libc\.so/ { print $3 }')

# without_versions: prints the symbols of nm's last column, sorted, each once
without_versions() { awk '{ print $NF }' | sed 's/@.*//' | sort -u; }
nm -D --defined-only "$libc" | without_versions >"$T/libc"

for read in calls exceptions paths libc; do
	check "there are names in the list of $read" test -s "$T/$read"
done

# --- the library ----------------------------------------------------------------------
nm -D --defined-only "$SO" | awk '{ print $NF }' | sort >"$T/exported"
comm -13 "$T/calls" "$T/exported" | none "nothing is exported that is not in calls.def"
comm -23 "$T/calls" "$T/exported" | none "every name in calls.def is exported"
nm -D --defined-only "$SO" | awk '$2 != "T" { print $3 }' |
	none "what is exported is functions, with no version"
uniq -d "$T/calls" | none "no name is twice in calls.def"

says() { grep -qE "$2" <<<"$1"; } # TEXT PATTERN
says_not() { ! grep -E "$2" <<<"$1"; }
dynamic=$(readelf -dW "$SO")
if nm -D "$SO" | grep -qE ' U __[atu]b?san'; then
	skip "it needs libc alone" "a sanitizer's build needs its runtime"
else
	is "$(sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' <<<"$dynamic" | tr '\n' ' ')" "libc.so.6 " \
		"it needs libc alone"
fi
# ld.so ends a program whose libc lacks a version that a preload asks for.
case $(uname -m) in
riscv64) oldest=2.27 ;;
*) oldest=2.17 ;;
esac
nm -D --undefined-only "$SO" | sed -n 's/.*@GLIBC_\([0-9.]*\)$/\1/p' >"$T/versions"
check "the versions it asks for were read" test -s "$T/versions"
printf '%s\n' "$oldest" | sort -uV - "$T/versions" | sed "1,/^$oldest\$/d" |
	none "it asks for no version younger than glibc $oldest"
# Names that musl lacks. With musl, ld.so ends a program if a name is missing.
nm -D --undefined-only "$SO" | awk '$1 == "U" { print $2 }' | sed 's/@.*//' |
	grep -E '_chk$|^dlv?sym$|^__(libc|isoc|xpg)' |
	none "it asks for no name that only glibc has"
check "it asks for nothing that is private to glibc" says_not "$(nm -D "$SO")" GLIBC_PRIVATE
check "it is never unloaded" says "$dynamic" 'FLAGS_1.*NODELETE'

# --- hardening ------------------------------------------------------------------------
case $(uname -m) in
x86_64) notes='IBT.*SHSTK' ;;
aarch64) notes='BTI' ;;
*) notes= ;;
esac
for file in "$SO" "$PYCSTASH"; do
	name=${file##*/}
	dynamic=$(readelf -dW "$file")
	segments=$(readelf -lW "$file")
	check "$name can be loaded at any address" says "$(readelf -hW "$file")" 'Type: *DYN'
	check "$name: all is bound when it is loaded" says "$dynamic" 'FLAGS.*(BIND_)?NOW'
	check "$name: relocated data is read-only" says "$segments" GNU_RELRO
	check "$name has no RUNPATH" says_not "$dynamic" 'RPATH|RUNPATH'
	check "$name: its code needs no relocation" says_not "$dynamic" TEXTREL
	check "$name: its stack is not executable" says "$segments" 'GNU_STACK.* RW '
	check "$name: no part of it is writable and executable" says_not "$segments" 'LOAD.* RWE '
	case $BUILD in
	*/debug | */asan | */ubsan | */tsan | */cov)
		skip "$name guards its stack and its branches" "not a release build"
		continue
		;;
	esac
	check "$name guards its stack" says "$(nm -D "$file")" ' U __stack_chk_fail'
	if [ -n "$notes" ]; then
		check "$name is marked as guarding its branches" says "$(readelf -nW "$file")" "$notes"
	fi
done
case $BUILD in
*/debug | */asan | */ubsan | */tsan | */cov) skip "the command is fortified" "not a release build" ;;
*) check "the command is fortified" says "$(nm -D "$PYCSTASH")" ' U __(sn|f)?printf_chk' ;;
esac

# --- the lists ------------------------------------------------------------------------
comm -12 "$T/calls" "$T/exceptions" |
	none "no name is interposed and an exception as well"
comm -23 "$T/paths" "$T/known" |
	none "every path-taking function of libc is interposed or an exception"
comm -13 "$T/paths" "$T/exceptions" |
	none "every exception is about a path-taking function"
# Not functions that take a path, but interposed: four that change whom the cache may serve,
# three that end the process (the counters are written before), one that enters a directory by
# its descriptor, and those that read what opendir has opened.
comm -13 "$T/paths" "$T/calls" |
	grep -vxE 'set(re|res|e)?uid|_exit|_Exit|quick_exit|fchdir|readdir(64)?|rewinddir|closedir' |
	none "every interposed function takes a path, changes the user, ends the process, enters or lists a directory"
uniq -d "$T/paths" | none "no name is twice in path-functions.txt"

# "as NAME" is a reason only if NAME has a reason of its own.
# shellcheck disable=SC2016 # the backquotes are the page's
"$list" interposed | sed -n 's/^- `\([A-Za-z_0-9]*\)`: /\1 /p' >"$T/reasons"
awk '{ why[$1] = $2 } $2 == "as" && NF == 3 { as[$1] = $3 }
	END { for (n in as) if (!(as[n] in why) || (as[n] in as)) print n " as " as[n] }' \
	"$T/reasons" |
	none "every exception has a reason of its own, or that of one that has"
awk 'NF < 2 { print $1 }' "$T/reasons" | none "no reason is empty"

# --- other spellings ------------------------------------------------------------------
while read -r name; do
	plain=${name#__} plain=${plain%64} plain=${plain%_2}
	for sibling in "$plain" "${plain}64" "__$plain" "__${plain}64" "_$plain" \
		"__${plain}_2" "__${plain}64_2" "__${plain}_chk" "__x$plain" "__x${plain}64" \
		"__libc_$plain" "__libc_${plain}64" "_IO_$plain" "__new_$plain"; do
		echo "$sibling"
	done
done <"$T/calls" | sort -u | comm -12 - "$T/libc" | comm -23 - "$T/known" |
	none "the other spellings that libc has of what is interposed are known too"

# A second source for path-functions.txt: functions with a parameter that libc's headers call
# file, path, …
called='file|filename|path|pathname|dir|dirname|from|to|old|new|name|tmpfile|template|target'
called+='|special_file|fname|source|root|linkpath'
for header in dirent dlfcn err execinfo fcntl fmtmsg fstab fts ftw glob libintl mntent mqueue \
	nl_types pty pwd search semaphore spawn stdio stdlib string sys/acct sys/fanotify \
	sys/inotify sys/ipc sys/mman sys/mount sys/quota sys/sem sys/sendfile sys/shm sys/socket \
	sys/stat sys/statfs sys/statvfs sys/swap sys/syscall sys/time sys/uio sys/un sys/xattr \
	syslog ttyent unistd utime utmp utmpx wchar wordexp; do
	echo "#include <$header.h>" | ${CC:-cc} -D_GNU_SOURCE -E -P - 2>/dev/null
done | tr '\n' ' ' | sed 's/;/;\n/g' |
	grep -oE "[A-Za-z_0-9]+ \([^;{]*\bchar \*[^;{]*__($called)[ ,)]" |
	sed 's/ .*//' | sort -u | comm -12 - "$T/libc" >"$T/headers"
# In these functions, "name" is the name of a symbol, a variable, a user, a host or an attribute;
# or they only look at the text of the path.
no_path='dlv?sym|(secure_)?getenv|(un)?setenv|get(pw|gr)nam(_r)?|(get|set)(domain|host)name'
no_path+='|f(get|set|remove)xattr|(get|set)login(_r)?|memfd_create|openpty|forkpty'
no_path+='|error_at_line|basename|__xpg_basename'
grep -vxE "$no_path" "$T/headers" | sort -u - "$T/paths" >"$T/asked"
comm -23 "$T/asked" "$T/paths" | none "what libc's headers call a path is in path-functions.txt"
check "the headers were read" grep -qx openat "$T/headers"

# --- the gate -------------------------------------------------------------------------
# gate SENTENCE FILE…: checks the functions that the files import
gate() {
	local sentence=$1
	shift
	nm -D --undefined-only "$@" 2>/dev/null | grep ' U ' | without_versions >"$T/imports"
	if ! [ -s "$T/imports" ]; then
		skip "$sentence" "it imports nothing: a static program"
		return
	fi
	comm -12 "$T/imports" "$T/asked" | comm -23 - "$T/known" | none "$sentence"
	echo "#   exceptions: $(comm -12 "$T/imports" "$T/exceptions" | tr '\n' ' ')"
}

# The interpreter, its shared library, and the extension modules of its standard library.
files_of() {
	readlink -f "$1"
	ldd "$1" 2>/dev/null | awk '/python|pypy/ { print $3 }'
	"$1" -S -c 'import glob, os, sys
for d in sys.path:
    print("\n".join(glob.glob(os.path.join(d, "*.so"))))' 2>/dev/null
}
for python in $(interpreters); do
	mapfile -t files < <(files_of "$python" | grep .)
	gate "all that $(named "$python") and its modules import is known" "${files[@]}"
done
if [ -z "$(interpreters)" ]; then skip "all that Python imports is known" "there is none"; fi

programs=()
for name in ls cp mv rm mkdir rmdir ln stat touch install cat du chmod chown mktemp readlink \
	realpath truncate dd sync test mkfifo; do
	program=$(type -P "$name") && programs+=("$program")
done
gate "all that ${#programs[@]} programs of coreutils import is known" "${programs[@]}"
for name in find tar git rsync cpio unzip zip gcc make sh bash; do
	if program=$(type -P "$name"); then
		gate "all that $name imports is known" "$(readlink -f "$program")"
	fi
done
done_testing
