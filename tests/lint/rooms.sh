#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What each part of the code may use. shim/core uses itself and a few functions for memory and
# strings (core-allowed.txt); the rest of shim uses core and what shim-allowed.txt lists; the
# command uses core and libc. Nothing uses the tests.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1


# --- symbols --------------------------------------------------------------------------
names_in() { sed '/^#/d; s/[ 	].*//' "$@" | sort -u; }
reasonless() { sed '/^#/d' "$1" | awk 'NF < 2'; }
# used OBJECT…: the names that they need from elsewhere, except a sanitizer's or the linker's
used() {
	nm -u "$@" | awk 'NF == 2 { print $2 }' |
		grep -vE '^(__(asan|ubsan|tsan)_|_GLOBAL_OFFSET_TABLE_$)' | sort -u
}
defined() { nm --defined-only --extern-only "$@" | awk 'NF == 3 { print $3 }' | sort -u; }

for file in core shim; do
	reasonless "tests/lint/$file-allowed.txt" |
		none "each name in $file-allowed.txt has its reason"
done

shopt -s nullglob
# Goes by the sources, because a build directory keeps the objects of deleted files.
objects() { printf '%s\n' "$@" | sed "s,.*,$BUILD/&,; s,c\$,o,"; } # SOURCE…
mapfile -t core < <(objects shim/core/*/*.c)
mapfile -t shim < <(objects shim/*.c)
is "$(ar t "$BUILD/core.a" | sort | tr '\n' ' ')" \
	"$(printf '%s\n' "${core[@]##*/}" | sort | tr '\n' ' ')" "core.a is made of all of core"

used "${core[@]}" | comm -23 - <(defined "${core[@]}") |
	comm -23 - <(names_in tests/lint/core-allowed.txt) |
	none "core uses nothing of libc but what core-allowed.txt has"

if nm "${core[@]}" | grep -q __asan_init; then
	skip "core has no variables" "the sanitizer adds its own"
else
	for object in "${core[@]}"; do
		objdump -h "$object" | awk -v name="${object##*/}" '
			$2 ~ /^\.(t?data|t?bss)/ && $2 !~ /rel\.ro/ && $3 != "00000000" { print name, $2 }'
	done | none "core has no variables"
fi

used "${shim[@]}" | comm -23 - <(defined "${shim[@]}" "${core[@]}") |
	comm -23 - <(names_in tests/lint/core-allowed.txt tests/lint/shim-allowed.txt) |
	none "shim uses nothing of libc but what shim-allowed.txt has"

names_in tests/lint/core-allowed.txt tests/lint/shim-allowed.txt |
	comm -12 - <("$BUILD/shim/gen/list" names | sort) |
	none "no interposed call is allowed by name"
for pattern in 'printf|^puts$|^putc|^fputs$|^fwrite$|^perror$|^std(out|err)$' \
	'^(_?exit|_Exit|abort|quick_exit|raise|kill|__assert_fail)$' \
	'^pthread_([^s]|s[^e])|^mtx_|^sem_|^call_once$' '^(get|set|put|unset)env$|^environ$'; do
	used "${core[@]}" "${shim[@]}" | grep -E "$pattern"
done | none "the library prints nothing, ends nothing, locks nothing"
printf '%s\n' "${core[@]}" "${shim[@]}" | grep -v '/wrap_list\.o$' | while read -r object; do
	used "$object" | grep -E '^([mc]|re)alloc|^free$'
done | none "the library owns no memory; scandir gives some to its caller"

# fakeroot's functions of these names make owners up (tools/base/kernel.c).
mapfile -t tools < <(objects tools/*.c tools/*/*.c)
used "${tools[@]}" | comm -23 - <(defined "${tools[@]}") |
	grep -E '^(_*[fl]?x?stat(at|x)?(64)?(_time64)?|get(e|res)?[ug]id|[fl]?(get|set|list|remove)xattr|[fl]?chown(at)?)$' |
	none "the command asks the kernel, not libc, who the user is and who owns a file"

# --- includes -------------------------------------------------------------------------
# includes FILE…: prints "file: included" for each include in quotation marks
includes() { grep -H '^#include "' "$@" | sed 's/:#include "\(.*\)".*/: \1/'; }
system_includes() { grep -H '^#include <' "$@" | sed 's/:#include <\(.*\)>.*/: \1/'; }

includes shim/core/*/*.[ch] | grep -v ': shim/core/' | none "core includes only core"
system_includes shim/core/*/*.[ch] |
	grep -vE ': (blake2|dirent|endian|errno|fcntl|limits|linux/(magic|openat2)|std(atomic|bool|def|int)|string|sys/stat|sys/types|time)\.h$' |
	none "core includes no header of libc that it could do harm with"
includes shim/*.[ch] | grep -v ': shim/' | none "shim includes only shim"
system_includes shim/*.[ch] | grep -E ': (pthread|threads|assert|signal)\.h$' |
	none "shim includes no threads, signals or assertions"
includes tools/*.[ch] tools/*/*.[ch] | grep -vE ': (tools/|shim/core/|shim/(calls|exceptions)\.def$)' |
	none "tools include of shim only core, calls.def and exceptions.def"
grep -l 'cmocka\.h>' -r tests/unit | grep -vx tests/unit/unit.h |
	none "unit tests have cmocka through unit.h"
includes shim/*.[ch] shim/core/*/*.[ch] tools/*.[ch] tools/*/*.[ch] |
	sed -n 's/^\(.*\): shim\/core\/base\/sys_table\.inc$/\1/p' | grep '^shim/core/' |
	none "core does not use what is behind its struct sys"
includes shim/*.[ch] shim/core/*/*.[ch] | sed -n 's/^\(.*\): shim\/scan\.h$/\1/p' |
	grep -vx shim/calls.c | none "scan.h is calls.c's alone"

# --- rooms ----------------------------------------------------------------------------
# There is no list of files or folders. The includes must not form a circle, either between
# folders or between modules. tsort names the members of a circle.
# uses FILE…: prints "folder, folder that it includes" (or modules), by the awk program on stdin
modules() { includes "$@" | sed -nE 's,^(.*)\.[a-z]+: (.*)\.[a-z]+$,\1 \2,p' | awk '$1 != $2'; }
circles() { tsort 2>&1 >/dev/null | sed -n 's/^tsort: //p' | grep -v 'contains a loop'; }
mapfile -t code < <(find shim tools -name '*.[ch]' | sort)

modules "${code[@]}" | sort -u | circles | none "no module includes itself by way of others"
modules "${code[@]}" | sed -E 's,/[^/ ]+( |$),\1,g' | awk '$1 != $2' | sort -u >"$T/folders"
check "there are folders that include each other" test "$(wc -l <"$T/folders")" -gt 20
circles <"$T/folders" | none "a folder includes only folders below it"
find shim tools -name '*.[ch]' -printf '%f\n' | sort | uniq -d | none "no two files have one name"
grep -hoE '^(struct|union) [a-z_0-9]+ \{' "${code[@]}" | sort | uniq -d |
	none "no two structs have one name"
nm --defined-only --extern-only "${core[@]}" "${shim[@]}" "${tools[@]}" |
	awk 'NF == 3 { print $3 }' | sort | uniq -d | comm -23 - <("$BUILD/shim/gen/list" names | sort) |
	none "no two exported functions have one name"
done_testing
