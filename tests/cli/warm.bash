# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What both suites of pycstash warm use; sourced after tests/lib/tap.sh. $python is an
# interpreter, ${pythons[@]} are those that differ most, $public is one that an ordinary user
# can run as well, or empty. $T/app is a tree of $sources sources.

warm() { "$PYCSTASH" warm --dir "$CACHE" "$@"; }
# Prints the output and then the exit code, on one line each.
said() { "$@" 2>"$T/err"; echo "exit $?"; }
field() { # NAME: a number out of pycstash.warm/1 on stdin
	"$python" -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
summary() { # UP-TO-DATE FROM-OBJECTS COMPILED IN-TREE FAILED [EXIT]
	printf '%s up to date, %s from objects, %s compiled, %s in-tree, %s failed\nexit %s' \
		"$1" "$2" "$3" "$4" "$5" "${6:-0}"
}
fresh() { rm -rf "$CACHE"; }
tree_of() { find "$1" -printf '%P %y %m %s %T@ %C@\n' | sort; }

version_of() { "$1" -c 'import sys; print("%s%d.%d" % ((sys.implementation.name,) + sys.version_info[:2]))'; }
pythons=()
for want in cpython3.8 cpython3.11 cpython3.13 pypy; do
	found=
	while read -r candidate; do
		case $(version_of "$candidate") in "$want"*) found=$candidate && break ;; esac
	done < <(interpreters cached)
	if [ -n "$found" ]; then pythons+=("$found"); else skip "$want compiles nothing after it" "it is not here"; fi
done
python=${pythons[0]:-}
[ -n "$python" ] || { done_testing; exit; }
chmod 755 "$T"
public= # one that an ordinary user can run as well
for interpreter in "${pythons[@]}"; do
	[ -n "$public" ] || ! as_user "$interpreter" -S -c pass 2>/dev/null || public=$interpreter
done

# A package whose modules all differ, except one that exists twice.
make_tree() {
	local i
	mkdir -p "$1/pkg/sub"
	for i in 1 2 3 4 5 6; do
		printf 'def f(a):\n    """Doc."""\n    assert a\n    return a + %d\n' "$i" >"$1/pkg/m$i.py"
	done
	cp "$1/pkg/m6.py" "$1/pkg/sub/same.py"
	echo 'from . import m1, m2, m3, m4, m5, m6' >"$1/pkg/__init__.py"
	echo '# nothing' >"$1/pkg/sub/__init__.py"
	printf '%s\n' 'import pkg' 'from pkg.sub import same' 'print(pkg.m1.f(1), same.f.__code__.co_filename)' >"$1/main.py"
}
make_tree "$T/app"
sources=$(find "$T/app" -name '*.py' | wc -l)
is "$sources" 10 "there are sources to warm"
