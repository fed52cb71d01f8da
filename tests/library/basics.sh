#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The main job, with every interpreter: a cold start fills the cache, a warm start compiles
# nothing, and the tree stays as it is. Then the ways and options of starting.
#
# Takes 60 s.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

# starts_warm SENTENCE COLD ARG…: started twice so, the first compiles COLD modules of the
# tree and the second none.
starts_warm() {
	local sentence=$1 cold=$2 first
	shift 2
	served "$python" "$@"
	first=$(seen)
	served "$python" "$@"
	is "$first; $(seen)" \
		"six, $cold compiled, 0 loaded, status 0; six, 0 compiled, $cold loaded, status 0" \
		"$sentence compiles $cold modules once on $name"
}

cold_and_warm() {
	local wanted
	served "$python" "$tree/app.py"
	is "$(seen)" "six, 5 compiled, 0 loaded, status 0" "a cold start compiles all modules on $name"
	wanted=$(printf "%s\n" alpha pkg/__init__ pkg/beta pkg/deep/__init__ pkg/deep/leaf |
		sed "s,\([^/]*\)\$,__pycache__/\1.$tag.pyc," | sort)
	is "$(cd "$CACHE/v1/$tag/tree$tree" && find . -type f | sed 's,^\./,,' | sort)" "$wanted" \
		"the entries lie under v1/$tag/tree and the source's own path on $name"
	untouched "a cold start leaves the tree as it was on $name"
	served "$python" "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "a warm start compiles nothing on $name"
	untouched "a warm start leaves the tree as it was on $name"
	is "$(grep -c "^# created '$tree" "$T/.err")" 0 "a warm start writes nothing on $name"
	is "$(find "$CACHE" -name '*.pyc.*' | wc -l)" 0 \
		"no temporary file is left in the cache on $name"
	same_bytes
}

# The cache has the bytes that Python would have written beside the source.
same_bytes() {
	local twin=$T/twin pyc compared=0 differing=
	cp -r "$CACHE/v1/$tag/tree$tree" "$twin"
	bare "$python" "$tree/app.py"
	while read -r pyc; do
		compared=$((compared + 1))
		cmp -s -n "$(stat -c %s "$tree/$pyc")" "$tree/$pyc" "$twin/$pyc" ||
			differing="$differing $pyc"
	done < <(cd "$tree" && find . -name '*.pyc')
	is "$compared$differing" 5 "entries are byte for byte what Python writes on $name"
	find "$tree" -name __pycache__ -exec rm -r {} +
	find "$tree" -type d -exec touch -d @1600000000 {} +
	remember
}

edited() {
	echo 'THREE = 30 // 10 ' >"$tree/pkg/deep/leaf.py" # another size
	touch -d @1600000000 "$tree/pkg/deep/leaf.py"
	served "$python" "$tree/app.py"
	is "$(seen)" "six, 1 compiled, 4 loaded, status 0" \
		"a source whose size has changed is compiled again on $name"
	echo 'THREE = 10 // 30 ' >"$tree/pkg/deep/leaf.py" # another time
	touch -d @1600000009 "$tree/pkg/deep/leaf.py"
	served "$python" "$tree/app.py"
	is "$(seen)" "False, 1 compiled, 4 loaded, status 0" \
		"a source whose time has changed is compiled again on $name"
	served "$python" "$tree/app.py"
	is "$(seen)" "False, 0 compiled, 5 loaded, status 0" \
		"a source that was compiled again is in the cache on $name"
	is "$(cached)" 5 "the new entry has replaced the old one on $name"
	rm "$tree/pkg/deep/leaf.py"
	served "$python" "$tree/app.py"
	is "$status" 1 "a source that was deleted cannot be imported on $name"
	check "importing a deleted source fails with 'no such module' on $name" grep -q 'Error: No module named' "$T/.err"
	rm -rf "$tree"
	sources
	served "$python" "$tree/app.py"
	is "$said" six "a source that is back is imported on $name"
}

optimised() {
	starts_warm "-O" 5 -O "$tree/app.py"
	starts_warm "-OO" 5 -OO "$tree/app.py"
	is "$(entries | grep -F "/tree$tree/" | grep -c '\.opt-[12]\.pyc$')" 10 \
		"-O and -OO have entries of their own on $name"
	untouched "-O and -OO leave the tree as it was on $name"
	served "$python" -OO -c "import sys; sys.path.insert(0, '$tree'); import alpha
print(alpha.__doc__)"
	is "$said" None "with -OO a module has no docstrings, also from the cache, on $name"
	served "$python" -c "import sys; sys.path.insert(0, '$tree'); import alpha
print(alpha.__doc__)"
	is "$said" "a docstring" "without -OO a module has its docstring on $name"
}

# Options such as -I: whatever they do to Python, bytecode is read and written as without them.
options() {
	local option
	for option in -E -S -I -s; do
		rm -rf "$CACHE"
		starts_warm "$option" 5 $option -c \
			"import sys; sys.path.insert(0, '$tree'); exec(open('$tree/app.py').read())"
	done
	rm -rf "$CACHE"
	served "$python" -B "$tree/app.py"
	is "$(seen), $(cached)" "six, 5 compiled, 0 loaded, status 0, 0" "with -B nothing is written to the cache on $name"
	served "$python" "$tree/app.py"
	served "$python" -B "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "with -B bytecode is served from the cache on $name"
	rm -rf "$CACHE"
	watched preloaded PYTHONDONTWRITEBYTECODE=1 "$python" -v "$tree/app.py"
	is "$(seen), $(cached)" "six, 5 compiled, 0 loaded, status 0, 0" \
		"PYTHONDONTWRITEBYTECODE is obeyed on $name"
	untouched "no option changes the tree on $name"
}

ways_to_start() {
	rm -rf "$CACHE"
	cd "$tree" || return
	starts_warm "-m package" 6 -m pkg
	cd / || return
	served "$python" "$tree/pkg/../app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" \
		"a script with .. in its path finds the same entries on $name"
	rm -rf "$CACHE"
	PYTHONPATH=$tree starts_warm "python DIRECTORY" 6 "$tree/pkg"
	rm -rf "$CACHE"
	PYTHONPATH=$tree starts_warm "runpy" 6 -c 'import runpy; runpy.run_module("pkg", run_name="__main__")'
	PYTHONPATH=$tree served "$python" -c "import runpy; runpy.run_path('$tree/app.py')"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "runpy.run_path imports from the cache on $name"
	untouched "no way to start changes the tree on $name"
	# The program is a pyc, given by the path where Python thinks that it is.
	echo 'import alpha
print(alpha.one() == 1 and "six")' >"$tree/prog.py"
	PYTHONPATH=$tree served "$python" -c 'import prog'
	PYTHONPATH=$tree served "$python" "$tree/__pycache__/prog.$tag.pyc"
	is "$said, $status" "six, 0" "python __pycache__/FILE.pyc runs what is in the cache on $name"
	preloaded "$python" -c "import py_compile as p; p.compile('$tree/prog.py', '$tree/prog.pyc')"
	PYTHONPATH=$tree served "$python" "$tree/prog.pyc"
	is "$said, $status" "six, 0" "python FILE.pyc runs on $name"
	rm "$tree/prog.pyc" "$tree/prog.py"
}

# With PYTHONPYCACHEPREFIX, Python leaves the trees alone, and so does the library.
prefix() {
	at_least "$python" 3 8 || return
	rm -rf "$CACHE"
	sources "$T/prefixed"
	PYTHONPYCACHEPREFIX=$T/prefix starts_warm_elsewhere PYTHONPYCACHEPREFIX "$tree/app.py"
	starts_warm_elsewhere "-X pycache_prefix" -X "pycache_prefix=$T/other" "$tree/app.py"
	is "$(find "$T/prefix" "$T/other" -name "*.$tag.pyc" | grep -cF "$tree/")" 10 \
		"the pycs lie where the prefix says on $name"
	PYTHONPYCACHEPREFIX=$T/prefix served "$python" -E "$tree/app.py"
	is "$(seen), $(cached)" "six, 5 compiled, 0 loaded, status 0, 5" \
		"-E forgets the prefix, and the cache serves on $name"
	untouched "a prefix leaves the tree as it was on $name"
}

starts_warm_elsewhere() { # SENTENCE ARG…
	local first
	served "$python" "${@:2}"
	first=$(seen)
	served "$python" "${@:2}"
	is "$first; $said, $compiled compiled, $(grep -c "matches $tree" "$T/.err") loaded; $(cached)" \
		"six, 5 compiled, 0 loaded, status 0; six, 0 compiled, 5 loaded; 0" \
		"$1 is obeyed and nothing of the tree is cached on $name"
}

all() {
	cold_and_warm
	edited
	optimised
	options
	ways_to_start
	prefix
}
each all
done_testing
