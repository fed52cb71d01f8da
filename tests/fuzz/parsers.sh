#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each parser of data that others may have written is given all rows of the corpus, and none
# crashes.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

corpus=$HERE/tests/fuzz/parsers.corpus
read -ra names < <(sed -n 's/^parsers := //p' "$HERE/Makefile")
for name in "${names[@]}"; do
	rows=$(grep -c "^$name " "$corpus")
	is "$("$BUILD/tests/fuzz/parsers" "$name" <"$corpus" 2>"$T/errors")" "$rows" \
		"the parser takes all its rows of the corpus without a crash: $name"
	[ "$rows" -gt 2 ] || [ "$name" = archive ] || not_ok "the corpus has rows for each parser: $name"
done
done_testing
