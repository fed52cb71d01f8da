#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Bytecode that an import refuses, since it is stale or was not sealed, is a file like any other to
# programs that copy, move and link what stat has shown them: pip does when it removes a package.
# Where the tree has bytecode of the same name that fits the source, they find that.
# shellcheck disable=SC2031 # `some` calls in a subshell
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

# The source is edited while it is compiled.
edits='import importlib.machinery, py_compile, sys
loader = importlib.machinery.SourceFileLoader
read = loader.get_data
def get_data(self, path):
    data = read(self, path)
    if path.endswith(".py"):
        with open(path, "a") as f: f.write("# edited\n")
    return data
loader.get_data = get_data
pyc = py_compile.compile(sys.argv[1], doraise=True)
print(len(open(pyc, "rb").read()) > 0)'

edited() {
	compiled=$(preloaded "$python" -c "$edits" "$source" 2>&1)
}

hashed() {
	compiled=$(SOURCE_DATE_EPOCH=1500000000 preloaded "$python" -m py_compile "$source" 2>&1)
	rm "$source" && echo 'y = 22' >"$source"
}

restored() {
	preloaded "$python" -m py_compile "$source"
	echo 'x = 2' >"$source.new" && touch -r "$source" "$source.new" && mv "$source.new" "$source"
}

changed() {
	preloaded "$python" -m py_compile "$source"
	echo 'y = 22' >"$source"
}

move='import os, shutil, sys
assert os.path.exists(sys.argv[1])
shutil.move(*sys.argv[1:])'

# by_all HOW: prints for each program how it ended, and what it made of the bytecode.
by_all() {
	local program args pyc=$T/refused/__pycache__/m.$tag.pyc entry
	for program in cp mv ln "$python"; do
		mkdir "$T/refused" && echo 'x = 1' >"$source"
		"$1"
		entry=$(entries | grep "/refused/__pycache__/m\.$tag\.pyc$")
		head -c -128 "$entry" >"$T/before"
		args=("$pyc" "$T/refused/other")
		[ "$program" != "$python" ] || args=(-c "$move" "${args[@]}")
		preloaded "$program" "${args[@]}" 2>&1
		echo "$?: $(cmp -n "$(wc -c <"$T/before")" "$T/before" "$T/refused/other" 2>&1 && echo bytecode)"
		rm -rf "$T/refused"
	done
}

all() {
	local how what all=$'0: bytecode\n0: bytecode\n0: bytecode\n0: bytecode'
	local source=$T/refused/m.py
	while IFS='|' read -r how what; do
		is "$(by_all "$how")" "$all" "cp, mv, ln and shutil.move find bytecode $what on $name"
	done <<-'END'
		edited|whose source was edited while it was compiled
		hashed|that is hash-based, and whose source was replaced
		restored|whose source was replaced, with the same size and time
		changed|whose source was edited
	END
	mkdir "$T/refused" && echo 'x = 1' >"$source"
	edited
	is "$compiled" True "a compiler can open what it has compiled, though the source has changed, on $name"
	is "$(preloaded md5sum "$T/refused/__pycache__/m.$tag.pyc" 2>&1 | wc -w)" 2 \
		"a program can open bytecode that was not sealed without a look at it on $name"
	is "$(preloaded "$python" -v -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/refused" 2>&1 |
		grep -c "code object from .*refused/m.py")" 1 "an import compiles a source whose bytecode was not sealed on $name"
	rm -rf "$T/refused"
}

# Bytecode with other content and a header that fits gets into the tree by bare names, or with its
# directory: the library does not see under which name.
brought() {
	local how what kind pyc=app/__pycache__/m.$tag.pyc
	cd "$T" || return
	while IFS='|' read -r what how kind; do
		mkdir -p app new/app && echo 'x = 1' >app/m.py && touch -d @1600000000 app/m.py && cp -p app/m.py new/app
		preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/app"
		env $kind "$python" -m compileall -q new/app && printf brought >>"new/$pyc" && cp "new/$pyc" want
		preloaded sh -c "$how"
		is "$(entries | grep -c "/app/__pycache__/m\\.$tag") $(preloaded stat -c %s "$pyc") $(preloaded tail -c 7 "$pyc") $(preloaded cp "$pyc" copy && cmp copy want && echo copied)" \
			"1 $(wc -c <want) brought copied" "programs find bytecode that $what, not what the cache has of its source, on $name"
		rm -rf app new old copy want
	done <<-'END'
		is copied to the working directory|mkdir app/__pycache__ && cd app/__pycache__ && cp ../../new/app/__pycache__/* .
		comes with a directory that is renamed|mv app old && mv new/app .
		is hash-based, and comes with a directory|mv app old && mv new/app .|SOURCE_DATE_EPOCH=1500000000
	END
	cd "$HERE" || return # the next interpreter starts here
}

# A directory with the name of bytecode, beside a source whose content another path has compiled.
# Mercurial opens directories without saying that they are some.
in_the_way() {
	local want dir pyc=$T/way/__pycache__/m.$tag.pyc
	local fsync='import os, sys; fd = os.open(sys.argv[1], os.O_RDONLY); os.fsync(fd); print(os.listdir(fd))'
	at_least "$python" 3 6 || return
	mkdir -p "$T/earlier" "$pyc" && echo 'x = 1' | tee "$T/earlier/m.py" >"$T/way/m.py" && touch "$pyc/file"
	for dir in earlier way; do
		preloaded "$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/$dir"
	done
	want="['file'] $(cat "$pyc" 2>&1)"
	is "$(entries | grep -c "/way/__pycache__/m\.$tag") $(preloaded "$python" -c "$fsync" "$pyc" 2>&1) $(preloaded cat "$pyc" 2>&1)" \
		"1 $want" "a directory with the name of bytecode is opened as what it is, also where an import was served, on $name"
	rm -rf "$T/way" "$T/earlier"
}

each_way() {
	all
	brought
	in_the_way
}
some each_way

done_testing
