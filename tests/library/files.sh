#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What programs see of __pycache__ and do to it: for each interpreter, battery.py runs once with
# and once without the library at the same path, and must print exactly the same.
#
# Takes 50 s.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

mapfile -t sections < <(sed -n '/^@section/{n;s/^def \([a-z_]*\).*/\1/p}' \
	"$HERE/tests/library/battery.py")

# Names, kinds, sizes of all files that are no bytecode. (What a __pycache__ that is a link
# points to gets no pycs under the library: the cache has them.)
beside() { (cd "$1" && find . -name __pycache__ -prune -o -path '*/elsewhere/*' -prune -o \
	\( -type d -o -name '*.pyc*' -o -name '*.zip' \) -printf '%y %m - %p\n' -o -printf '%y %m %s %p\n' | sort); } # a seal goes along

all() {
	local area=$T/area section count
	"$python" "$HERE/tests/library/battery.py" "$area" >"$T/bare.out" 2>&1 </dev/null
	mv "$area" "$T/bare"
	preloaded "$python" "$HERE/tests/library/battery.py" "$area" >"$T/cached.out" 2>&1 </dev/null
	is "$(entries | head -1 | wc -l)" 1 "the battery left entries in the cache on $name"
	check "the battery ran through without the library on $name" \
		sh -c "! grep -A 12 -E '^[a-z_]+: died' '$T/bare.out'"
	for section in "${sections[@]}"; do
		grep "^$section: " "$T/bare.out" >"$T/bare.$section"
		grep "^$section: " "$T/cached.out" >"$T/cached.$section"
		count=$(wc -l <"$T/bare.$section")
		if [ "$count" -gt 3 ] && cmp -s "$T/bare.$section" "$T/cached.$section"; then
			ok "${section//_/ }: $count observations are the same on $name"
		else
			not_ok "${section//_/ }: $count observations are the same on $name" \
				"$(diff "$T/bare.$section" "$T/cached.$section" | grep '^[<>]' | head -20)"
		fi
	done
	is "$(beside "$area")" "$(beside "$T/bare")" "the battery leaves the same files on $name"
	is "$(find "$area" -name __pycache__ | grep -vE '/area/(writing|renaming|attributes|compiling/odd)/')" "" \
		"the program leaves no __pycache__ in the tree but where it writes under final names, or changes owners, on $name"
	is "$(find "$T/bare" -name __pycache__ | head -1 | wc -l)" 1 \
		"the program leaves a __pycache__ without the library on $name"
}
some all
done_testing
