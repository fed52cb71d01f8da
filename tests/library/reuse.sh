#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Code that was compiled once is not compiled again: in copies, clones, branches and virtual
# environments, at new paths, with other times, and on another machine. Compilations are counted
# (count.py) at the function that importlib calls to compile.
#
# Takes 80 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

N=12 # modules in the tree, with the package's own

project() { # DIR
	local i
	mkdir -p "$1/pkg/sub"
	echo "from . import $(seq -f 'm%g' -s ', ' 1 8), sub" >"$1/pkg/__init__.py"
	for i in 1 2 3 4 5 6 7 8; do content "v$i$i" "$1/pkg/m$i.py"; done
	echo "from . import deep, same" >"$1/pkg/sub/__init__.py"
	content dep "$1/pkg/sub/deep.py"
	cp "$1/pkg/m1.py" "$1/pkg/sub/same.py" # the same content under another name
}

count() { # DIR [PYTHON'S OPTION…]
	preloaded "$python" "${@:2}" "$SEAL/count.py" "$1" pkg 2>&1 | tail -1
}
all_loaded="0 compiled, $N loaded"

none_compiled() { is "$2" "$all_loaded" "$name: $1: nothing is compiled"; }

copies() {
	local i got
	project "$T/first"
	is "$(count "$T/first")" "$((N - 1)) compiled, 1 loaded" \
		"$name: a first start compiles each content once, even if two sources have the same"
	none_compiled "a second start" "$(count "$T/first")"
	cp -r "$T/first" "$T/copied"
	none_compiled "a copy that is milliseconds old" "$(count "$T/copied")"
	none_compiled "a second copy" "$(count "$T/copied")"
	cp -a "$T/first" "$T/archived"
	none_compiled "a copy with its times" "$(count "$T/archived")"
	mv "$T/copied" "$T/moved"
	none_compiled "a tree that was moved" "$(count "$T/moved")"
	find "$T/moved" -name '*.py' -exec touch -d @1650000000 {} +
	none_compiled "the same tree with other times" "$(count "$T/moved")"
	: >"$log"
	find "$T/moved" -name '*.py' -exec touch {} +
	none_compiled "the same tree touched a moment ago" "$(count "$T/moved")"
	find "$T/moved" -name '*.py' -exec touch -d @0 {} +
	none_compiled "the same tree with times of 1970" "$(count "$T/moved")"
	rm -rf "$T/moved" && cp -r "$T/first" "$T/moved"
	none_compiled "a tree that was deleted and installed again" "$(count "$T/moved")"
	cp -al "$T/first" "$T/linked"
	none_compiled "a tree of hard links" "$(count "$T/linked")"
	ln -s first "$T/link"
	none_compiled "the tree behind a link" "$(count "$T/link")"
	got=
	for i in 1 2 3; do
		rm -rf "$T"/start.* && cp -r "$T/first" "$T/start.$i"
		got="$got$(count "$T/start.$i"); "
	done
	is "$got" "$all_loaded; $all_loaded; $all_loaded; " \
		"$name: a tree at a new path at each start: nothing is compiled"
	echo 'V = "new"' >"$T/first/pkg/m3.py"
	is "$(count "$T/first")" "1 compiled, $((N - 1)) loaded" \
		"$name: if one module is edited, only that one is compiled"
	is "$(python3 "$SEAL/check.py" "$CACHE" | grep -v 'files,')" "" \
		"$name: every file in the cache is whole"
}
some copies

# Sources that Python alone compiles once are compiled once, whatever their times and pycs.
odd() {
	local when what tree=$T/odd m='import sys; sys.path.insert(0, sys.argv[1]); import m'
	mkdir "$tree"
	content odd "$tree/m.py"
	twice() { # SENTENCE PYC PROGRAM
		rm -rf "$CACHE"
		logged "$python" -W ignore -c "$3" "$tree" && logged "$python" -W ignore -c "$3" "$tree"
		is "$(sed -nE "s,^pycstash\[[0-9]+\]: (.*): .*/$2( .*)?\$,\1,p" "$log")" hit "$name: $1: the second start finds it"
	}
	for when in 1700000000.999999999 -1.5 -100 4300000000; do
		# For Python 3.6, such a pyc is stale.
		case $when in 17*) ;; *) at_least "$python" 3 7 || continue ;; esac
		touch -d "@$when" "$tree/m.py"
		can_stat "$python" "$tree/m.py" || continue
		twice "a source of the time $when" "m.$tag.pyc" "$m"
	done
	old "$tree/m.py"
	mkdir "$tree/__pycache__"
	for what in "" "nonsense that is longer than a header" "$(printf 'abcd\r\n')"; do
		echo -n "$what" >"$tree/__pycache__/m.$tag.pyc"
		twice "a pyc of ${#what} bytes in the tree that is none" "m.$tag.pyc" "$m"
	done
	"$python" -m compileall -q "$tree" >/dev/null
	printf '\001\001' | dd of="$tree/__pycache__/m.$tag.pyc" conv=notrunc status=none
	twice "a pyc of another magic number in the tree" "m.$tag.pyc" "$m"
	rm -rf "$tree/__pycache__"
	cp "$tree/m.py" "$tree/tool" && old "$tree/tool"
	twice "a source without a suffix" "tool$tag.pyc" 'import importlib.machinery as machinery, importlib.util as util, sys
spec = util.spec_from_loader("t", machinery.SourceFileLoader("t", sys.argv[1] + "/tool"))
spec.loader.exec_module(util.module_from_spec(spec))'
}
some odd

levels() {
	local got
	project "$T/first"
	cp -r "$T/first" "$T/second"
	got="$(count "$T/first"); $(count "$T/first" -O); $(count "$T/first" -OO)"
	is "$got" "$((N - 1)) compiled, 1 loaded; $((N - 1)) compiled, 1 loaded; $((N - 1)) compiled, 1 loaded" \
		"$name: -O and -OO compile bytecode of their own"
	got="$(count "$T/second" -OO); $(count "$T/second" -O); $(count "$T/second")"
	is "$got" "$all_loaded; $all_loaded; $all_loaded" \
		"$name: each pyc finds its own object in a copy"
	cat >"$T/second/pkg/m1.py" <<-'END'
		"""doc"""
		def f():
		    """inner"""
		    assert False
		try:
		    f(); V = "without assert"
		except AssertionError:
		    V = "with assert"
		V += ", " + str(__doc__)
	END
	cp -r "$T/second" "$T/third"
	for at in second third; do
		for option in -OO -O -B; do
			preloaded "$python" $option -c "import sys; sys.dont_write_bytecode = False
sys.path.insert(0, '$T/$at'); import pkg.m1; print(pkg.m1.V)"
		done
	done >"$T/got"
	want='without assert, None
without assert, doc
with assert, doc'
	is "$(cat "$T/got")" "$want"$'\n'"$want" "$name: no optimization level is served bytecode of another"
}
some levels

repository() {
	local git
	git="git -c user.name=t -c user.email=t@localhost -c advice.detachedHead=false"
	project "$T/origin"
	$git -C "$T/origin" init -q -b main && $git -C "$T/origin" add . && $git -C "$T/origin" commit -qm one
	$git -C "$T/origin" checkout -q -b other
	content oth "$T/origin/pkg/m2.py" && content new "$T/origin/pkg/m4.py"
	$git -C "$T/origin" commit -qam two
	$git -C "$T/origin" checkout -q main
	$git clone -q "$T/origin" "$T/clone"
	is "$(count "$T/clone")" "$((N - 1)) compiled, 1 loaded" \
		"$name: in a clone that is milliseconds old, each content is compiled once"
	none_compiled "a second start in the clone" "$(count "$T/clone")"
	$git clone -q "$T/origin" "$T/again"
	none_compiled "a second clone" "$(count "$T/again")"
	$git -C "$T/again" checkout -q other
	is "$(count "$T/again")" "2 compiled, $((N - 2)) loaded" \
		"$name: on another branch the two changed modules are compiled"
	$git -C "$T/again" checkout -q main
	none_compiled "back on the first branch" "$(count "$T/again")"
	$git -C "$T/again" checkout -q other
	none_compiled "the other branch, once more" "$(count "$T/again")"
	$git -C "$T/again" worktree add -q "$T/worktree" main 2>/dev/null
	none_compiled "a worktree" "$(count "$T/worktree")"
	$git -C "$T/again" archive main --prefix=unpacked/ | tar -C "$T" -xf -
	none_compiled "git archive, unpacked" "$(count "$T/unpacked")"
}
some repository

# The cache is saved with tar and restored on "another machine": other paths, inodes and
# times, another PYCSTASH_DIR.
elsewhere() {
	local was=$CACHE
	project "$T/origin"
	cp -r "$T/origin" "$T/job1"
	count "$T/job1" >"$T/said"
	tar -C "$CACHE" -czf "$T/cache.tar.gz" .
	find "$T/origin" -name '*.py' -exec touch -d @1700000000 {} +
	mkdir -p "$T/machine/home"
	mv "$T/job1" "$T/kept" # so that its inodes are in use
	cp -a "$T/origin" "$T/machine/job2"
	CACHE=$T/machine/other-cache
	mkdir -m 700 "$CACHE" && tar -C "$CACHE" -xzf "$T/cache.tar.gz"
	none_compiled "on another machine, with the cache out of a tar file" "$(count "$T/machine/job2")"
	none_compiled "there again" "$(count "$T/machine/job2")"
	rm -rf "$CACHE" && mkdir -m 700 "$CACHE" && tar -C "$CACHE" -xzf "$T/cache.tar.gz"
	rm -rf "$T/job1" && cp -r "$T/origin" "$T/job1"
	none_compiled "at the same path on another machine, sources of this moment" "$(count "$T/job1")"
	CACHE=$was
}
some elsewhere

# Two virtual environments with the same packages: real ones, of the interpreter's own pip.
# (Only modules that do not load py_compile; programs that load it are served no objects.)
environments() { # the real thing takes long: some interpreters
	case $python in /usr/bin/* | *python3.6 | *python3.13) ;; *) return ;; esac
	local pip site i got=
	pip=$("$python" -c 'import pip, os; print(os.path.dirname(pip.__file__))' 2>/dev/null)
	if [ -z "$pip" ]; then
		skip "$name: two virtual environments share their packages" "no pip to install"
		return
	fi
	for i in 1 2; do
		"$python" -m venv --without-pip "$T/venv$i" >/dev/null 2>&1 || {
			skip "$name: two virtual environments share their packages" "no venv"
			return
		}
		site=$("$T/venv$i/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
		cp -r "$pip" "$site/pip" && find "$site" -name __pycache__ -prune -exec rm -r {} +
		find "$site" -name '*.py' -exec touch -d "@160000000$i" {} +
		preloaded "$T/venv$i/bin/python" "$SEAL/count.py" "$site" pip._vendor.urllib3 pip._vendor.packaging.requirements >"$T/said" 2>&1
		got="$(tail -1 "$T/said")"
		if [ $i = 1 ]; then
			check "$name: the first of two virtual environments compiles its packages (${got% loaded})" \
				test "${got%% *}" -gt 10
		else
			is "${got%%,*}" "0 compiled" \
				"$name: the second compiles none of the same packages (${got#*, })"
		fi
		got=
	done
}
some environments
done_testing
