#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs CPython's own tests that touch bytecode or files, with and without the library at the
# same time, on each CPython that has its `test` package, and compares the results of each
# test. A test that fails on this machine without the library too is ignored. If a test file
# differs, it is run again both ways, up to twice; a difference counts only if it occurs each
# time.
#
#   VERSIONS="3.8 3.13"     only those
#   FILES="test_import …"   only those files
#   KEEP=1                  keeps all output, in the directory that is named at the end
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

record=$HERE/tests/cpython/record.py
expected=$HERE/tests/cpython/expected-differences.txt
read -ra files <<<"${FILES:-test_import test_importlib test_py_compile test_compileall \
	test_runpy test_cmd_line test_cmd_line_script test_pkgutil test_zipimport test_inspect \
	test_venv test_shutil test_os test_posix test_pathlib test_glob test_tempfile}"

# run_tests WAY PYTHON DIR FILE…: runs the files, in the new directory DIR; WAY is bare or cached.
run_tests() {
	local way=$1 python=$2 dir=$3 began=$SECONDS
	local run=(env HOME="$dir/home" TMPDIR="$dir/tmp")
	shift 3
	mkdir -p "$dir/home" "$dir/tmp" "$dir/cwd"
	: >"$dir/record"
	if [ "$way" = cached ]; then run+=(LD_PRELOAD="$SO" PYCSTASH_DIR="$dir/cache"); fi
	(cd "$dir/cwd" && exec timeout -k 10 "${CPYTHON_TIMEOUT:-400}" "${run[@]}" \
		"$python" "$record" "$dir/record" "$@") >"$dir/log" 2>&1 </dev/null
	echo $? >"$dir/status"
	echo $((SECONDS - began)) >"$dir/seconds"
}

# results DIR FILE: prints "id<tab>outcome" of each test of that file, sorted. If a test has more
# than one outcome (subtests), they are joined.
results() {
	awk -F'\t' -v file="$2" '
		{ id = $2
		  if (id !~ "(^|[(.])" file "([.)]|$)") next
		  if (!index(seen[id], $1)) seen[id] = seen[id] (seen[id] ? "+" : "") $1 }
		END { for (id in seen) print id "\t" seen[id] }' "$1/record" | sort
}

# differences BARE-DIR CACHED-DIR FILE: prints "bare cached id" for each test that differs.
differences() {
	join -t "$(printf '\t')" -a1 -a2 -e none -o 1.2,2.2,0 \
		<(results "$1" "$3") <(results "$2" "$3") | awk -F'\t' '$1 != $2' | tr '\t ' ' _' |
		sort
}

# both PYTHON DIR FILE…: runs the files both ways at once, below DIR.
both() {
	local python=$1 dir=$2
	shift 2
	run_tests bare "$python" "$dir/bare" "$@" &
	run_tests cached "$python" "$dir/cached" "$@"
	wait $!
}

# Succeeds if the list expects that difference, and notes which of its lines were used.
is_expected() { # VERSION "bare cached id"
	local line
	line=$(awk -v version="$1" -v difference="$2" '
		/^#/ { next }
		($1 == "*" || index("," $1 ",", "," version ",")) &&
			$2 " " $3 " " $4 == difference { print NR; exit }' "$expected")
	[ -n "$line" ] && echo "$1 $line" >>"$T/used"
}

# Prints the claim about one file.
report() { # PYTHON VERSION DIR FILE
	local python=$1 version=$2 dir=$3 file=$4 count again round difference sentence
	sentence="$file gives the same results with the library on $(named "$python")"
	local new=()
	count=$(results "$dir/bare" "$file" | wc -l)
	if [ "$count" -eq 0 ] && [ "$(results "$dir/cached" "$file" | wc -l)" -eq 0 ]; then
		not_ok "$sentence" "it ran no test" "$(tail -3 "$dir/bare/log")"
		return
	fi
	differences "$dir/bare" "$dir/cached" "$file" >"$dir/$file.differences"
	for round in 2 3; do
		[ -s "$dir/$file.differences" ] || break
		again=$dir/again-$file-$round
		both "$python" "$again" "$file"
		differences "$again/bare" "$again/cached" "$file" >"$again/differences"
		comm -12 "$dir/$file.differences" "$again/differences" >"$again/remaining"
		mv "$again/remaining" "$dir/$file.differences"
	done
	while read -r difference; do
		is_expected "$version" "$difference" || new+=("$difference")
	done <"$dir/$file.differences"
	if [ ${#new[@]} -eq 0 ]; then
		ok "$sentence ($count tests)"
	else
		not_ok "$sentence" "${#new[@]} of $count tests differ (bare, cached, test):" \
			"${new[@]:0:25}"
	fi
}

of_version() { # PYTHON
	local python=$1 version=${1##*/python} dir file
	dir=$T/$version-$(dirname "$python" | tr -c 'a-z0-9.\n' -)
	both "$python" "$dir" "${files[@]}"
	echo "# $(named "$python"): bare $(cat "$dir/bare/seconds")s, cached" \
		"$(cat "$dir/cached/seconds")s"
	is "$(find "$dir/cached/cache" -path '*/tree/*' -name "*.cpython-*.pyc" 2>/dev/null |
		head -1 | wc -l)" 1 "CPython's tests left entries in the cache on $(named "$python")"
	for file in "${files[@]}"; do report "$python" "$version" "$dir" "$file"; done
	echo "$version" >>"$T/versions"
}

# An expected difference that no longer occurs has to be removed from the list.
check_list() {
	local line text versions version
	local bad=0
	for line in $(grep -nE '^[^#]' "$expected" | cut -d: -f1); do
		text=$(sed -n "${line}p" "$expected")
		versions=${text%% *}
		[ "$versions" = '*' ] && versions=$(sort -u "$T/versions")
		for version in ${versions//,/ }; do
			grep -qx "$version" "$T/versions" || continue
			grep -qx "$version $line" "$T/used" && continue
			bad=1
			not_ok "line $line of expected-differences.txt still holds on $version" "$text"
		done
	done
	[ $bad = 1 ] || ok "every expected difference still shows, on the versions that were run"
}

: >"$T/used"
: >"$T/versions"
while read -r python; do
	version=${python##*/python}
	case $python in *pypy*) continue ;; esac
	if [ -n "${VERSIONS:-}" ]; then case " $VERSIONS " in *" $version "*) ;; *) continue ;; esac; fi
	if ! "$python" -c 'import test.test_import, test.regrtest' 2>/dev/null; then
		skip "CPython's tests end the same on $(named "$python")" "it has no test package"
		continue
	fi
	of_version "$python"
done < <(interpreters cached)
[ -s "$T/versions" ] || skip "CPython's tests end the same" "no interpreter has them"
if [ -z "${FILES:-}" ]; then check_list; fi
done_testing
