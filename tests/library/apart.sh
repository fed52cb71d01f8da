#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Bytecode that must not be shared is not shared: that of other loaders, other modes, other
# releases, or if settings forbid it. What a program says about itself uses the path that it
# imported.
#
# Takes 90 s.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

hook() { preloaded "${@:3}" "$python" "$SEAL/hook.py" "$1" "$2" 2>&1 | tail -1; }
objects() { find "$CACHE" -type f -path '*/objects/*'; }
copies_of_one() { # fresh directories a, b, c with the same module
	rm -rf "$CACHE" "$T"/{a,b,c} && mkdir "$T"/{a,b,c}
	for i in a b c; do version one "$T/$i/m.py"; done
}

loaders() {
	copies_of_one
	is "$(hook named "$T/a"); $(hook named "$T/a"); $(hook named "$T/b"); $(hook plain "$T/a"); $(hook plain "$T/b"); $(hook named "$T/c")" \
		"ONE, 1 compiled; ONE, 0 compiled; ONE, 1 compiled; one, 1 compiled; one, 0 compiled; ONE, 1 compiled" \
		"$name: bytecode with a tool's own name (typeguard's) is served only at its own path"
	is "$(find "$CACHE" -name '*typeguard443*' | grep -c /tree/) $(objects | wc -l)" "3 1" \
		"$name: bytecode with a tool's own name becomes an entry, but not an object"
	touch -d @1500000000 "$T/a/m.py"
	is "$(hook named "$T/a"); $(hook plain "$T/a"); $(hook named "$T/a")" "ONE, 1 compiled; one, 0 compiled; ONE, 0 compiled" \
		"$name: bytecode with a tool's own name is compiled again if its source is touched, as without the library"
	copies_of_one
	is "$(hook transform "$T/a" PYCSTASH_EXCLUDE="$T/a"); $(hook plain "$T/b"); $(hook plain "$T/c"); $(hook plain "$T/a" PYCSTASH_EXCLUDE="$T/a")" \
		"ONE, 1 compiled; one, 1 compiled; one, 0 compiled; ONE, 0 compiled" \
		"$name: under PYCSTASH_EXCLUDE, bytecode of an import hook stays in its tree, by Python's own rules"
	rm -rf "$T"/a/__pycache__
	copies_of_one
	is "$(hook plain "$T/a" PYCSTASH_SHARE=0); $(hook plain "$T/b" PYCSTASH_SHARE=0); $(hook plain "$T/a" PYCSTASH_SHARE=0)" \
		"one, 1 compiled; one, 1 compiled; one, 0 compiled" \
		"$name: with PYCSTASH_SHARE=0 the same source is compiled again at another path"
	is "$(objects)" "" "$name: PYCSTASH_SHARE=0 leaves no object"
	is "$(hook plain "$T/c"); $(hook plain "$T/a" PYCSTASH_SHARE=0)" "one, 1 compiled; one, 0 compiled" \
		"$name: bytecode that was compiled with PYCSTASH_SHARE=0 is not served at other paths"
	copies_of_one
	hook plain "$T/a" >/dev/null
	is "$(hook transform "$T/b" PYCSTASH_SHARE=0)" "ONE, 1 compiled" \
		"$name: with PYCSTASH_SHARE=0 an import hook compiles its source, even if an object of it exists"
	copies_of_one
	is "$(hook magic "$T/a"); $(hook plain "$T/a"); $(hook plain "$T/b"); $(hook magic "$T/b"); $(hook plain "$T/c"); $(hook plain "$T/b")" \
		"one, 1 compiled; one, 1 compiled; one, 0 compiled; one, 1 compiled; one, 0 compiled; one, 0 compiled" \
		"$name: two interpreters with the same tag but different magic numbers use separate objects"
	is "$(find "$CACHE"/v1/*/objects -mindepth 1 -maxdepth 1 | wc -l)" 2 \
		"$name: two magic numbers have two folders of objects"
	copies_of_one
	hook plain "$T/a" >/dev/null
	while read -r module only; do
		is "$(preloaded PYCSTASH_ONLY="$only" "$python" -c "import $module, sys
sys.argv[1:] = ['plain', '$T/b']
exec(open('$SEAL/hook.py').read())" 2>&1 | tail -1)" "one, 1 compiled" \
			"$name: a program that has loaded $module${only:+, which PYCSTASH_ONLY leaves out,} is served no object, and compiles"
		rm -rf "$CACHE"/v1/*/tree"$T/b"
	done <<-MODULES
		py_compile
		compileall
		compileall $T
	MODULES
}
some loaders

# compileall and py_compile have options that change the bytecode, and compile touched sources.
compilers() {
	copies_of_one
	name_in() { # the path that the bytecode of DIR's module has in it
		preloaded "$python" -c "import importlib.util as u, marshal, sys
data = open(u.cache_from_source('$1/m.py'), 'rb').read()
print(marshal.loads(data[16 if sys.version_info >= (3, 7) else 12:]).co_filename)"
	}
	preloaded "$python" -m compileall -q -d /first "$T/a"
	is "$(name_in "$T/a")" "/first/m.py" "$name: compileall's bytecode names the path that compileall was given"
	preloaded "$python" -m compileall -q -d /second "$T/a"
	is "$(name_in "$T/a")" "/first/m.py" "$name: the name in the code stays while no code is written"
	touch -d @1500000000 "$T/a/m.py"
	preloaded "$python" -m compileall -q -d /second "$T/a"
	is "$(name_in "$T/a")" "/second/m.py" "$name: a source that was touched is compiled again"
}
some compilers

# A program's own codec may translate a source, and another release of it may do so differently.
codecs() {
	local i
	codec() { # DIR WORD: what its codec makes of VERSION
		printf '%s\n' "import codecs" "def dec(b, errors='strict'):" \
			"    t, n = codecs.utf_8_decode(bytes(b), errors, True); return t.replace('VERSION', '$2'), n" \
			"class I(codecs.BufferedIncrementalDecoder):" "    def _buffer_decode(self, i, e, f): return dec(i, e)" \
			"class S(codecs.StreamReader):" "    decode = staticmethod(dec)" \
			"codecs.register(lambda n: codecs.CodecInfo(codecs.utf_8_encode, dec, streamreader=S," \
			"    incrementaldecoder=I, name=n) if n == 'mycodec' else None)" >"$1/mycodec.py"
		printf '# coding: mycodec\nX = "VERSION"\n' >"$1/m.py"
		find "$1" -exec touch -d @1600000000 {} +
	}
	run() { preloaded "${@:2}" "$python" -c "import sys; sys.path.insert(0, '$1'); import mycodec, m; print(m.X)" 2>&1; }
	for i in "" PYCSTASH_SHARE=0 PYCSTASH_VALIDATE=content; do
		rm -rf "$CACHE" "$T"/{a,b,c} && mkdir "$T"/{a,b,c}
		codec "$T/a" one
		codec "$T/b" two
		is "$(run "$T/a" $i) $(run "$T/b" $i) $(run "$T/a" $i)" "one two one" \
			"$name: bytecode of a source with the program's own codec is not served at other paths ${i:+($i)}"
		is "$(find "$CACHE" -name 'm.*.pyc' | grep -c /tree/)" 2 "$name: bytecode that is not shared is cached ${i:+($i)}"
		cp "$T/a/m.py" "$T/c"
		preloaded $i "$python" -c "import sys; sys.path.insert(0, '$T/c'); import m" >"$T/said" 2>&1
		is "$(grep -c '^SyntaxError: .*: mycodec' "$T/said")" 1 "$name: a source with a codec that the program lacks is a SyntaxError, as without the library ${i:+($i)}"
		rm -r "$T/a" && mkdir "$T/a"
		codec "$T/a" new
		is "$(run "$T/a" $i)" new "$name: bytecode of a source with its own codec is not served for another file of the same content, size and time ${i:+($i)}"
	done
}
some codecs

pytests() {
	"$python" -c 'import pytest' 2>/dev/null || return # some interpreter has it
	local at
	for at in a b; do
		mkdir "$T/$at"
		printf 'def test_it():\n    value = [1, 2]\n    assert value == [1, 3]\n' >"$T/$at/test_it.py"
		old "$T/$at/test_it.py"
	done
	for at in a b a; do
		(cd "$T/$at" && preloaded "$python" -m pytest -q --tb=long -p no:cacheprovider \
			--rootdir="$T/$at" -o addopts= --full-trace . >"$T/said" 2>&1)
		check "$name: pytest explains an assertion in $at, after another directory's" \
			grep -q 'At index 1 diff: 2 != 3' "$T/said"
		(cd "$T/$at" && preloaded "$python" -m pytest -q --tb=native -p no:cacheprovider . >"$T/said" 2>&1)
		check "$name: pytest's traceback names the file in $at" grep -qF "\"$T/$at/test_it.py\"" "$T/said"
	done
	is "$(find "$CACHE" -name 'test_it*-pytest-*.pyc' | grep -c /tree/)" 2 \
		"$name: each of pytest's rewritten modules has an entry of its own"
	is "$(objects | while read -r object; do cmp -s "$object" "$(find "$CACHE" -name 'test_it*' | head -1)" && echo shared; done)" "" \
		"$name: pytest's rewritten modules are no objects"
}
any=
while read -r python; do "$python" -c 'import pytest' 2>/dev/null && any=yes; done < <(interpreters cached)
[ -n "$any" ] || skip "pytest's pycs are not shared" "no interpreter has pytest"
some pytests

# --- what only the mode of an interpreter tells ---------------------------------------
carets() { # DIR OPTION…: how many carets the traceback has
	preloaded "$python" "${@:2}" -c "import sys; sys.path.insert(0, '$1'); import m; m.g(None)" 2>&1 |
		grep -A 2 '/m.py"' | grep -c '\^'
}
ranges() {
	local first
	at_least "$python" 3 11 && ! is_pypy "$python" || return
	for first in "" "-X no_debug_ranges"; do
		rm -rf "$CACHE" "$T"/{a,b} && mkdir "$T"/{a,b}
		for i in a b; do
			printf 'def g(x):\n    return (1 + 2) + x.attribute.other\n' >"$T/$i/m.py"
			old "$T/$i/m.py"
		done
		# shellcheck disable=SC2086 # two words, or none
		carets "$T/a" $first >/dev/null
		is "$(carets "$T/a"),$(carets "$T/b"),$(carets "$T/a" -X no_debug_ranges),$(carets "$T/b" -X no_debug_ranges),$(carets "$T/a"),$(carets "$T/b")" \
			"1,1,0,0,1,1" "$name: a traceback has its own mode's carets after a start with '$first'"
		rm -rf "$CACHE"
		carets "$T/a" $first >/dev/null
		is "$(PYTHONNODEBUGRANGES=1 carets "$T/b"),$(carets "$T/b"),$(PYTHONNODEBUGRANGES=1 carets "$T/a")" \
			"0,1,0" "$name: PYTHONNODEBUGRANGES is kept apart after a start with '$first'"
	done
}
some ranges

# --- what a program learns about itself -----------------------------------------------
about='
import importlib.util, sys, traceback
sys.path.insert(0, sys.argv[1])
import m
def names(code):
    return [code.co_filename] + [n for c in code.co_consts if hasattr(c, "co_code") for n in names(c)]
try:
    m.g()
except Exception as e:
    frames = [f.filename for f in traceback.extract_tb(e.__traceback__)][1:]
print(sorted({m.__file__, *frames, *names(m.g.__code__), *names(m.C.h.__code__)}),
      m.__spec__.cached == importlib.util.cache_from_source(m.__file__))'
itself() {
	local at
	for at in a b "c/with blank" d; do
		mkdir -p "$T/$at"
		printf 'def g():\n    def inner():\n        return (lambda: [1 / i for i in (0,)])()\n    return inner()\nclass C:\n    def h(self):\n        return [lambda: 1 for i in ()]\n' >"$T/$at/m.py"
	done
	ln -s a "$T/link"
	touch "$T/d/m.py"
	for at in a b "c/with blank" a link d; do
		is "$(preloaded "$python" -c "$about" "$T/$at" 2>&1 | tail -1)" "['$T/$at/m.py'] True" \
			"$name: tracebacks, __file__, __cached__ and all code name $at"
	done
	mv "$T/b" "$T/e"
	is "$(preloaded "$python" -c "$about" "$T/e" 2>&1 | tail -1)" "['$T/e/m.py'] True" \
		"$name: tracebacks and all code name a directory that was renamed"
}
some itself

# --- hash-based pycs, and what programs write themselves: as without us ----------------
hashes() {
	local how kind by
	at_least "$python" 3 7 || return
	for kind in checked-hash unchecked-hash; do
		for how in "edited in place" "edited by rename" "deleted and installed again" \
			"edited, whose __pycache__ is deleted," touched; do
			for by in env preloaded; do
				rm -rf "$CACHE" "$T/a" && mkdir "$T/a" && version one "$T/a/m.py"
				$by "$python" -m compileall -q --invalidation-mode $kind "$T/a" >/dev/null 2>&1
				{
					$by "$python" -c "import sys; sys.path.insert(0, '$T/a'); import m; print(m.V)"
					case $how in
					"edited in place") version two "$T/a/m.py" ;;
					"edited by rename") version two "$T/a/n" && mv "$T/a/n" "$T/a/m.py" ;;
					"edited, whose"*) version two "$T/a/m.py" && rm -rf "$T/a/__pycache__" ;;
					"deleted and"*) rm -r "$T/a" && mkdir "$T/a" && version two "$T/a/m.py" ;;
					touched) touch "$T/a/m.py" ;;
					esac
					for options in "" "--check-hash-based-pycs never" "--check-hash-based-pycs always" "-O" ""; do
						# shellcheck disable=SC2086 # words
						$by "$python" $options -c "import sys; sys.path.insert(0, '$T/a'); import m; print(m.V)"
					done
				} 2>&1 | tr '\n' ' ' >"$T/$by"
			done
			is "$(cat "$T/preloaded")" "$(cat "$T/env")" \
				"$name: a $kind pyc whose source is $how behaves as with Python alone"
		done
	done
}
some hashes

# A pyc that a program wrote by itself, in place, from its source.
own() {
	local how
	for how in "edited with another time" "deleted and installed again"; do
		for by in env preloaded; do
			rm -rf "$CACHE" "$T/a" && mkdir "$T/a" && version one "$T/a/m.py"
			{
				$by "$python" -c "import sys; sys.path.insert(0, '$T/a'); import m; print(m.V)"
				$by "$python" -c "import importlib.util as u, marshal
p, source = u.cache_from_source('$T/a/m.py'), '$T/a/m.py'
header = open(p, 'rb').read()[:$(at_least "$python" 3 7 && echo 16 || echo 12)]
open(p, 'wb').write(header + marshal.dumps(compile(open(source).read().replace('one', 'own'), source, 'exec')))"
				$by "$python" -c "import sys; sys.path.insert(0, '$T/a'); import m; print(m.V)"
				case $how in
				"edited"*) content two "$T/a/m.py" && touch -d @1700000000 "$T/a/m.py" ;;
				*) rm -r "$T/a" && mkdir "$T/a" && version two "$T/a/m.py" ;;
				esac
				for _ in 1 2; do
					$by "$python" -c "import sys; sys.path.insert(0, '$T/a'); import m; print(m.V)"
				done
			} 2>&1 | tr '\n' ' ' >"$T/$by"
		done
		is "$(cat "$T/preloaded")" "$(cat "$T/env")" \
			"$name: a pyc that a program wrote in place, its source $how: as with Python alone"
	done
}
some own
done_testing
