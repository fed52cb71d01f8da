#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A cache that a process cannot write to is for imports alone: every other call acts on the tree.
# Each program runs without the library, and then with such a cache; what it prints and what it
# leaves behind must be the same.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/../trust/actors.bash"
separate "caches that cannot be written"
unshare -m true 2>/dev/null && strace -o /dev/null true 2>/dev/null || skip_all "caches that cannot be written" "nothing can be mounted or traced here"

cache=$T/$VICTIM/cache
tree=$T/$VICTIM/tree
pyc=m.$TAG.pyc

# Programs, as lines of a shell in the tree. ../new is another version of it, with bytecode.
ways=$(cat <<-END
	rm -f p/__pycache__/$pyc
	rm p/__pycache__/$pyc
	rm -r p
	find . -name '*.pyc' -delete
	git clean -qfdx
	git add -f . && git commit -qm 2 && git checkout -q HEAD~1 && git checkout -q -
	tar -xf ../new.tar && sha256sum p/__pycache__/$pyc
	tar -cf - p | tar -tvf -
	cp -r ../new/p .
	cp -rf ../new/p . && cmp p/__pycache__/$pyc ../new/p/__pycache__/$pyc
	cp -r p q && sha256sum q/__pycache__/*
	cp -r p/encodings q && sha256sum q/__pycache__/*
	install -D ../new/p/__pycache__/$pyc p/__pycache__/$pyc
	mv p q
	mkdir p/__pycache__
	cp ../new/p/__pycache__/$pyc p/__pycache__/$pyc
	echo text >p/__pycache__/$pyc && cat p/__pycache__/$pyc
	echo text >>p/__pycache__/$pyc
	echo text >p/__pycache__/other
	ln -s x p/__pycache__/$pyc
	mkfifo p/__pycache__/$pyc
	chmod 600 p/__pycache__/$pyc
	touch -d @0 p/__pycache__/$pyc
	truncate -s 3 p/__pycache__/$pyc
	ls -l p/__pycache__
	stat -c '%s %a' p/__pycache__ p/__pycache__/$pyc
	python -m zipfile -e ../new.zip .
	python -m compileall -q p
	python -m compileall -qf p
	python import py_compile; py_compile.compile('p/m.py', doraise=True)
	python import shutil; shutil.copytree('../new/p', 'p', dirs_exist_ok=True)
	python import shutil; shutil.copytree('p', 'q')
	python import shutil; shutil.rmtree('p/__pycache__')
	python import shutil; shutil.move('p/__pycache__/$pyc', 'x')
	python import pathlib; [path.unlink() for path in sorted(pathlib.Path('.').rglob('*.pyc'))]
	python import os; os.path.exists('p/__pycache__/$pyc') and os.remove('p/__pycache__/$pyc')
	python import os; os.remove('p/__pycache__/$pyc')
	python import os; os.rename('p/__pycache__/$pyc', 'p/__pycache__/n.$TAG.pyc')
	python import os; os.rename('p/m.py', 'p/__pycache__/$pyc')
	python import os; os.rename('p/__pycache__', 'p/old')
	python import os; os.replace('../new/p/__pycache__', 'p/__pycache__')
	python import os; os.link('p/__pycache__/$pyc', 'p/x')
	python import os; os.link('p/m.py', 'p/__pycache__/$pyc')
	python import os; os.rmdir('p/__pycache__')
	python import os; os.makedirs('p/__pycache__', exist_ok=True); print(os.listdir('p/__pycache__'))
	python import os; os.chdir('p/__pycache__'); open('x', 'w')
	python import tempfile; tempfile.TemporaryFile(dir='p/__pycache__').close()
	python open('p/__pycache__/$pyc', 'r+b').write(b'text')
	python open('p/__pycache__/$pyc', 'xb').write(b'text')
	END
)

alone() { as "$VICTIM" "$@"; }
unwritable() { # COMMAND: with a cache that it cannot write to; $how is mounted, closed, or set
	case $how in
	mounted) unshare -m sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"' "$cache" \
		setpriv --reuid="$VICTIM" --regid="$VICTIM" --clear-groups env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 \
		HOME="$T/$VICTIM" PYCSTASH_DIR="$cache" LD_PRELOAD="$SO" "$@" ;;
	closed) chmod -R a-w "$cache" && with "$VICTIM" "$cache" "$@" ;;
	set) with "$VICTIM" "$cache" PYCSTASH_READONLY=1 "$@" ;;
	esac
}
picture() { find "$cache" -type f ! -path '*/.state/*' -printf '%P %i %s %T@\n' | sort; }

imports="import sys; sys.path[:0] = ['$tree', '$tree/p']; import m, p.encodings"
# make STATE: makes the tree with bytecode in the cache, and in the tree unless STATE is cache.
make() {
	rm -rf "$cache" tree
	alone sh -c 'mkdir -p tree/p/encodings && cd tree && echo "x = 1" | tee p/m.py >p/encodings/__init__.py &&
		touch -d @1600000000 p/m.py p/encodings/__init__.py'
	with "$VICTIM" "$cache" "$PY" -c "$imports"
	[ "$1" != stale ] || alone sh -c 'echo "x = 22" >tree/p/m.py; touch -d @1600000001 tree/p/m.py'
	[ "$1" = cache ] || alone "$PY" -c "$imports"
	alone sh -c 'cd tree && git init -q . && git add p/m.py && git commit -qm 1'
	rm -rf made && alone mkdir made && mv tree cache made && cp -a kept made/new
}
lay() { # the cache is younger than the tree
	cd "$T/$VICTIM" && rm -rf "$cache" tree new &&
		alone cp -a made/tree . && alone cp -a made/new . && sleep 0.01 && alone cp -a made/cache .
}
# Runs a line of $ways, and prints what it says, and what is in the tree then.
result() { # RUNNER LINE
	local line=$2
	case $line in
	"python -m "*) line="$PY ${line#python }" ;;
	"python "*) line="$PY -c \"${line#python }\"" ;;
	esac
	cd "$tree" || return
	{
		"$1" bash -c "$line"
		echo "status $?"
	} 2>&1 | sed -E 's/[0-9]{2}:[0-9]{2}//; s/tmp[a-z0-9_]{8}/tmp/'
	find . -path ./.git -prune -o -printf '%P %y %m %l\n' | sort
	find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -r0 cksum
}
cd "$T/$VICTIM" || exit
alone git config --global user.name v && alone git config --global user.email v@example.org
alone git config --global init.defaultBranch main
alone sh -c 'mkdir -p new/p && echo "x = 333" >new/p/m.py && exec "$@"' sh "$PY" -m compileall -q new
alone sh -c 'tar -C new -cf new.tar p; cd new; exec "$@"' sh "$PY" -m zipfile -c ../new.zip p
mv new kept
compare() { # STATE
	local line want got how before
	make "$1"
	while read -r line; do
		lay
		want=$(result alone "$line")
		for how in mounted closed set; do
			lay
			before=$(picture)
			got=$(result unwritable "$line")
			[ "$got" = "$want" ] || wrong+="$line ($how)$(echo; diff <(echo "$want") <(echo "$got"))"$'\n'
			[ "$(picture)" = "$before" ] || changed+="$line ($how)"$'\n'
		done
	done <<<"$ways"
}
changed=
while read -r state what; do
	wrong=
	compare "$state"
	is "$wrong" "" "programs do the same as without the library if a cache that they cannot write to has $what"
done <<-STATES
	both what the tree has
	stale older bytecode than the tree
	cache what the tree does not have
STATES
is "$changed" "" "no program changes a cache that it cannot write to"

# Imports are served, and Python writes what it compiles to the tree, unless a setting forbids it.
run="$(imports "$tree/p"); print(m.x)"
for how in mounted closed set; do
	make cache
	lay
	rm -f log
	is "$(unwritable env PYCSTASH_LOG="$T/$VICTIM/log" "$PY" -c "$run") $(grep -c "hit: .*/$pyc" log) $(find tree -name __pycache__)" "1 1 " \
		"a cache that cannot be written to ($how) serves an import"
	is "$(unwritable "$PY" -c "print(len(open('tree/p/__pycache__/$pyc', 'rb').read()) > 100)
import os; print(os.path.exists('tree/p/__pycache__/$pyc'))" | xargs)" "True False" \
		"a loader that looks at no bytecode before it opens it is served from a cache that cannot be written to ($how)"
	[ $how = set ] && where=nowhere want= || where="in the tree" want=" tree/p/__pycache__/$pyc"
	alone sh -c 'echo "x = 22" >tree/p/m.py; touch -d @1600000001 tree/p/m.py'
	is "$(unwritable "$PY" -c "$run") $(unwritable "$PY" -c "$run")$(find tree -name "$pyc" -printf ' %p')" "22 22$want" \
		"with a cache that cannot be written to ($how), what an import compiles is $where"
done

# What a policy forbids (Landlock, AppArmor) does not show beforehand. Here, strace refuses.
make both
while IFS='|' read -r what line want; do
	lay
	said=$(cd tree && with "$VICTIM" "$cache" strace -qq -f -o "$T/$VICTIM/trace" -P "$(entries "$cache" | grep "p/__pycache__")" \
		-e inject=unlink,unlinkat:error=EACCES bash -c "$line" 2>&1)
	is "$said $(cat "$tree/p/__pycache__/$pyc" 2>/dev/null || echo gone) $(grep -c INJECTED trace)" "$want 1" "if only the cache refuses, a program $what all the same"
done <<-WAYS
	deletes bytecode in the tree|rm p/__pycache__/$pyc; echo \$?|0 gone
	overwrites bytecode in the tree|echo text >p/__pycache__/$pyc; echo \$?|0 text
WAYS
cd /
done_testing
