#!/bin/bash
# SPDX-License-Identifier: MIT
#
# docs/security.md: each attack in its table has a test, and that test has the claim.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1
# Prints lines of "number file claim"; missing parts are blank.
sed -n 's/^| \([0-9]*\) |.*| \([^|]*\) |$/\1 \2/p' docs/security.md >"$T/table"
is "$(cut -d' ' -f1 "$T/table" | tr '\n' ' ')" "$(seq -s' ' "$(wc -l <"$T/table")") " \
	"the attacks in docs/security.md are numbered"
check "there are attacks in it" test "$(wc -l <"$T/table")" -ge 46
while read -r number test; do
	if [[ $test =~ ^\`(tests/[^\`]*)\`\ \"([^\"]+)\"$ ]]; then
		grep -qF -- "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}" 2>/dev/null && [ -x "${BASH_REMATCH[1]}" ] ||
			echo "$number: ${BASH_REMATCH[1]} has no claim \"${BASH_REMATCH[2]}\""
	else
		echo "$number: $test"
	fi
done <"$T/table" | none "each has a test, which makes that claim"
for suite in tests/trust/*.sh; do
	grep -qF "\`$suite\`" docs/security.md || echo "$suite"
done | none "each suite of attacks is in the table"
done_testing
