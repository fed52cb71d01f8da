#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Faults that a reviewer should not have to point out: format, lengths, licence lines, left-over
# notes, headers that do not compile alone, generated pages that are out of date.
#
# Takes 45 s.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$HERE" || exit 1

mapfile -t code < <(find shim tools tests -name '*.[ch]' | sort)
mapfile -t headers < <(find shim tools tests -name '*.h' | sort)
mapfile -t text < <(find Makefile .ci shim tools tests docs README.md CHANGELOG.md -type f \
	! -name '*.pyc' ! -name '*.gz' 2>/dev/null | sort)
mapfile -t scripts < <(for file in "${text[@]}"; do
	head -n 1 "$file" | grep -qE '^#!/bin/(ba)?sh|^# shellcheck shell' && echo "$file"
done)
check "there is code to look at" test ${#code[@]} -gt 20
check "there are scripts to look at" test ${#scripts[@]} -gt 5

# --- format ---------------------------------------------------------------------------
if type -P clang-format >/dev/null; then
	clang-format --dry-run -Werror "${code[@]}" 2>&1 | sed -n 's/:.*: error: .*//p' | uniq |
		none "the code is formatted as .clang-format says (make style)"
else
	skip "the code is formatted as .clang-format says" "clang-format is not installed"
fi
# Faults that clang-format leaves or makes. First a sample with one of each.
printf '%s\n' '/* SPDX' ' */' '#include "a.h"' '#include <b.h>' '' '#include "c.h"' '#include <d.h>' \
	'/* One' ' * two.' ' */' 'say("one "' '    "two");' >"$T/sample.c"
is "$(awk -f tests/lint/order.awk "$T/sample.c" | cut -d: -f 2 | tr '\n' ' ')" "4 7 10 12 " \
	"order.awk finds includes, the end of a comment and a sentence where they should not be"
awk -f tests/lint/order.awk "${code[@]}" |
	none "includes are in order, comments end with their text, sentences are not broken"
grep -nE '[ 	]+$' "${text[@]}" | grep -v '\.corpus:' | sed 's/\(:[0-9]*\):.*/\1/' |
	none "no line ends in blanks"
for file in "${text[@]}"; do
	[ -z "$(tail -c 1 "$file")" ] || echo "$file"
done | none "every file ends with a line"
grep -lI $'\r' "${text[@]}" | none "no line ends as on Windows"

# --- functions ------------------------------------------------------------------------
sed '/^#/d' tests/lint/banned.txt | awk -F '\t' 'NF != 2' |
	none "each name in banned.txt has its reason"
sed '/^#/d; s/\t.*//; s/.*/\\<&(/' tests/lint/banned.txt >"$T/banned"
is "$(printf '%s\n' 'x = atoi(text);' 'my_atoi(text)' | grep -c -f "$T/banned")" 1 \
	"a call of a banned function is found"
find shim tools -name '*.[ch]' -exec grep -nH -f "$T/banned" {} + |
	sed 's/\(:[0-9]*\):.*/\1/' | none "shim and tools call no function of banned.txt"

# --- lengths --------------------------------------------------------------------------
# Lines of code: neither blank nor comment alone.
awk 'function tell() { if (lines > 400) print name " (" lines ")" }
	FNR == 1 { tell(); name = FILENAME; lines = comment = 0 }
	/^[ \t]*\/\*/ { comment = 1 }
	!comment && NF { lines++ }
	/\*\// { comment = 0 }
	END { tell() }' "${code[@]}" | none "no file has more than 400 lines of code"
wc -l "${scripts[@]}" | awk '$2 != "total" && $1 > 450 { print $2 " (" $1 ")" }' |
	none "no script has more than 450 lines"
if ctags --version 2>/dev/null | grep -q 'Universal Ctags'; then
	ctags -f - --languages=C --kinds-C=f --fields=+ne --excmd=number "${code[@]}" |
		sed -n 's/^\([^	]*\)	\([^	]*\)	.*line:\([0-9]*\).*end:\([0-9]*\).*/\1 \2 \3 \4/p' \
			>"$T/functions"
	check "there are functions to measure" test "$(wc -l <"$T/functions")" -gt 100
	awk '$4 - $3 + 1 > 60 { print $1 " in " $2 " (" $4 - $3 + 1 ")" }' "$T/functions" |
		none "no function has more than 60 lines"
else
	skip "no function has more than 60 lines" "universal-ctags is not installed"
fi

# --- what belongs together ------------------------------------------------------------
for file in shim/core/*/*.c; do
	name=$(basename "$file" .c)
	[ -e "tests/unit/core/test_$name.c" ] || echo "$name"
done | none "every module of core has its unit test"
# entry_seal.c is one of several files for entry.h.
for file in shim/core/*/*.c; do
	[ -e "${file%.c}.h" ] || [ -e "${file%_*}.h" ] || echo "$file"
done | none "every module of core has its header"
# shellcheck disable=SC2016 # for the inner shell
printf '%s\n' "${headers[@]}" | xargs -P 2 -I {} sh -c '
	[ -z "$(echo "#include \"{}\"" | ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I. -fsyntax-only \
		-Wall -Wextra -Wno-unused -x c - 2>&1)" ] || echo {}' |
	none "every header compiles alone"
grep -L '^#pragma once' "${headers[@]}" | none "every header is guarded"
for page in interposed settings verdicts; do
	if [ -e "docs/$page.md" ]; then
		check "docs/$page.md is up to date (make docs)" \
			diff "docs/$page.md" <("$BUILD/shim/gen/list" $page)
	else
		not_ok "docs/$page.md is up to date (make docs)" "it is missing"
	fi
done

version=$(sed -n 's/^VERSION := //p' Makefile)
check "the Makefile has a version" test -n "$version"
grep -nwF "$version" "${text[@]}" | grep -vE '^(Makefile:[0-9]+:VERSION|docs/changes\.md:)' |
	none "nothing but the Makefile and docs/changes.md has the version"
check "docs/changes.md has the version" grep -qF "## $version" docs/changes.md

# --- what is written ------------------------------------------------------------------
for file in "${text[@]}"; do
	case $file in *.md | *.txt | *.json | *.svg) continue ;; esac
	head -n 5 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"
done | none "every source file says its licence"
grep -nE '\b(TO''DO|FIX''ME|X''XX)\b' "${text[@]}" | sed 's/\(:[0-9]*\):.*/\1/' |
	none "no note is left to be done later"
for file in "${scripts[@]}"; do
	if head -1 "$file" | grep -q '^#!/bin/sh'; then
		sh -n "$file" 2>&1 || echo "$file"
	else
		bash -n "$file" 2>&1 || echo "$file"
	fi
done | none "every script can be read by its shell"
for file in "${scripts[@]}"; do
	if head -1 "$file" | grep -q '^#!' && [ ! -x "$file" ]; then echo "$file"; fi
done | none "every script that names its shell is executable"
if type -P shellcheck >/dev/null; then
	# Without -x, because the files that they source are checked as well.
	printf '%s\n' "${scripts[@]}" | xargs -P 2 -n 20 shellcheck -S error -f gcc |
		none "shellcheck finds no error"
else
	skip "shellcheck finds no error" "it is not installed"
fi
if type -P codespell >/dev/null; then
	# Words that tests misspell on purpose, and names that look misspelled.
	codespell --ignore-words-list=szie,nam README.md docs shim tools tests .ci Makefile 2>&1 |
		none "codespell finds no misspelled word"
else
	skip "codespell finds no misspelled word" "it is not installed"
fi
find shim tools tests -name '*.py' -exec /usr/bin/python3 -c 'import sys
for name in sys.argv[1:]:
    try:
        compile(open(name, encoding="utf-8").read(), name, "exec")
    except SyntaxError as error:
        print(name, error)' {} + | none "every Python script compiles"

# --- what is claimed ------------------------------------------------------------------
# A sentence that depends on the one before says nothing when it fails.
leans='and|so|nor|but|or|likewise|also|which|whose|else|unless|then|though'
mapfile -t suites < <(grep -lr '^done_testing$' tests --include='*.sh')
check "there are suites whose claims can be read" test ${#suites[@]} -gt 40
grep -nE "\"([^\"]*: )?($leans) [^\"]*\"( |\$|;)" "${suites[@]}" |
	grep -vE '^[^:]*:[0-9]*:[[:space:]]*#' | cut -d: -f1,2 |
	none "no claim leans on the one before it (and …, nor …, which …)"
# Those of unit tests are strings behind a brace or unit_one(, which may end its line.
sed -z 's/(\n\t*/(/g' tests/unit/*/test_*.c |
	grep -aoE '(\{ |unit_one\(|ROW\()"[^"]*"' >"$T/names"
check "there are unit tests whose names can be read" test "$(wc -l <"$T/names")" -gt 1000
grep -aE "\"([a-z ]+: |($leans) )" "$T/names" |
	none "no name of a unit test has a prefix (size: …) or leans on the one before it"
for file in tests/{lint,calls,library,trust,torture,cli,programs,cpython}/*.sh; do
	[ ! -x "$file" ] || [ "$(tail -n 1 "$file")" = done_testing ] || echo "$file"
done | none "every suite ends with done_testing"
done_testing
