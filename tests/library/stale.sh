#!/bin/bash
# SPDX-License-Identifier: MIT
#
# However a source is replaced, with the same size and the same time, programs see the new code:
# one that starts, and one that keeps running and reloads.
# shellcheck source=tests/library/seals.sh
. "$(dirname "$0")/seals.sh"

# A way to replace: replace_<way> V, run in the directory of the case. What is imported is
# here/$m; its content is to be version V, its size and time what they were.
replace_in_place() { version "$1" "here/$m"; }
replace_in_place_mmap() { # written through a mapping: the change time is the kernel's alone
	content "$1" new
	[ -e "here/$m" ] || cp new "here/$m"
	/usr/bin/python3 - "here/$m" <<-'END'
		import mmap, os, sys
		new = open("new", "rb").read()
		with open(sys.argv[1], "r+b") as f, mmap.mmap(f.fileno(), 0) as map:
		    map[:] = new
	END
	old "here/$m"
}
replace_by_rename() { version "$1" "here/$m.new" && mv "here/$m.new" "here/$m"; }
replace_by_rename_from_elsewhere() { version "$1" elsewhere && mv elsewhere "here/$m"; }
replace_reinstalled() { rm -r here && mkdir here && version "$1" "here/$m" && old here; }
replace_other_mtime() { content "$1" "here/$m" && touch -d "@$((1600000000 + RANDOM))" "here/$m"; }
replace_older_mtime() { content "$1" "here/$m" && touch -d "@$((1500000000 - RANDOM))" "here/$m"; }
replace_mtime_zero() { content "$1" "here/$m" && touch -d @0 "here/$m"; }
replace_mtime_negative() { content "$1" "here/$m" && touch -d @-86400 "here/$m"; }
replace_mtime_after_2106() { content "$1" "here/$m" && touch -d @5000000000 "here/$m"; }
replace_mtime_in_future() { content "$1" "here/$m" && touch -d @2500000000 "here/$m"; }
replace_same_second() { content "$1" "here/$m" && touch -d "$(stat -c @%Y "here/$m")" "here/$m"; }
replace_without_touch() { content "$1" "here/$m"; }
replace_release_link() {
	[ -d releases ] || { mkdir -p releases/{one,two} && rmdir here &&
		version one "releases/one/$m" && version two "releases/two/$m"; }
	ln -sfn "releases/$1" here
}
replace_release_link_by_rename() {
	[ -d releases ] || { mkdir -p releases/{one,two} && rmdir here &&
		version one "releases/one/$m" && version two "releases/two/$m"; }
	ln -s "releases/$1" new && mv -T new here
}
replace_link_above() {
	[ -d one ] || { mkdir -p {one,two}/lib && rmdir here && ln -s current/lib here &&
		version one "one/lib/$m" && version two "two/lib/$m"; }
	ln -sfn "$1" current
}
replace_file_link() {
	[ -e one ] || { version one one && version two two; }
	ln -sf "../$1" "here/$m"
}
replace_directories_swapped() {
	[ -e now ] || { mkdir one two && rmdir here && version one "one/$m" && version two "two/$m"; }
	[ ! -d here ] || mv here "$(cat now)"
	mv "$1" here && echo "$1" >now
}
replace_hard_link_elsewhere() { # changed in place, by its other name
	[ -e "here/$m" ] || { version "$1" other && ln other "here/$m"; }
	version "$1" other
}
replace_hard_links_swapped() { # as uv installs: links into a store
	[ -e one ] || { version one one && version two two; }
	ln -f "$1" "here/$m"
}
replace_hard_link_and_copy() { # the link is of one version, the file of the other
	[ -e one ] || version one one
	if [ "$1" = one ]; then ln -f one "here/$m"; else rm -f "here/$m" && version two "here/$m"; fi
}
both_kept() { [ -d one ] || { mkdir one two && version one "one/$m" && version two "two/$m"; }; }
replace_cp_p() { both_kept && cp -p "$1/$m" "here/$m"; }
replace_cp_p_new_file() { both_kept && cp -p --remove-destination "$1/$m" "here/$m"; }
replace_cp_a_tree() { both_kept && rm -rf here && cp -a "$1" here; }
replace_rsync_t() { both_kept && rsync -rtI "$1/" here/; }
replace_rsync_t_inplace() { both_kept && rsync -rtI --inplace "$1/" here/; }
replace_rsync_t_other_mtime() { both_kept && touch -d @1500000000 two/"$m" && rsync -rt "$1/" here/; }
replace_tar_x() { both_kept && tar -C "$1" -cf - "$m" | tar -C here -xf -; }
replace_tar_x_over() { both_kept && tar -C "$1" -cf - "$m" | tar -C here --overwrite -xf -; }
replace_git_checkout() {
	if [ ! -d here/.git ]; then
		git -C here init -q -b one
		for v in one two; do
			git -C here checkout -q -B "$v"
			content "$v" "here/$m" && touch -d "@1500000000" "here/$m"
			[ $v = one ] || touch "here/$m" # git goes by size and time as well
			git -C here add "$m"
			git -C here -c user.name=t -c user.email=t@localhost commit -qm "$v"
		done
	fi
	git -C here checkout -q "$1" && old "here/$m"
}
replace_read_only_file() { # as Nix and OSTree leave them
	rm -f "here/$m" && content "$1" "here/$m" && chmod 444 "here/$m" && touch -d @1 "here/$m"
}
replace_truncate_and_append() { content "$1" new && : >"here/$m" && cat new >>"here/$m" && old "here/$m"; }
replace_dd_one_byte_at_a_time() { content "$1" new && dd if=new of="here/$m" bs=1 conv=notrunc status=none && old "here/$m"; }

mapfile -t ways < <(compgen -A function replace_ | sed 's/^replace_//')
type -P rsync >/dev/null || ways=("${ways[@]/rsync_*/}")

replace_all() { # TOP V
	local way m
	for way in "${ways[@]}"; do
		[ -n "$way" ] || continue
		m=m_$way.py
		mkdir -p "$1/$way"
		(cd "$1/$way" && { [ -e here ] || [ -L here ] || mkdir here; } && "replace_$way" "$2") ||
			not_ok "the test can replace a source: $way"
	done
}

tell() { # FILE ROUND: what the long-lived one says now, into a file
	: >"$1"
	while read -r line <&"${live[0]}" && [ "$line" != done ]; do echo "$line" >>"$1"; done
}

# Version one, two, one again, two again and still two. In every second round, a new program
# imports first; in the others, the program that keeps running does.
staleness() {
	local round=0 v way wrong known
	top=$T/ways
	mkdir "$top"
	replace_all "$top" one
	coproc live { preloaded "$python" -S "$SEAL/rounds.py" -l "$top" 2>/dev/null; }
	local pid=$live_PID
	tell "$T/live.1"
	preloaded "$python" -S "$SEAL/rounds.py" "$top" >"$T/start.1" 2>/dev/null
	for v in two one two two; do
		round=$((round + 1))
		[ "$round" = 4 ] || replace_all "$top" "$v"
		if [ $((round % 2)) = 0 ]; then
			echo >&"${live[1]}"
			tell "$T/live.$((round + 1))"
		fi
		preloaded "$python" -S "$SEAL/rounds.py" "$top" >"$T/start.$((round + 1))" 2>/dev/null
		if [ $((round % 2)) = 1 ]; then
			echo >&"${live[1]}"
			tell "$T/live.$((round + 1))"
		fi
	done
	eval "exec ${live[1]}>&-"
	wait "$pid"
	for way in "${ways[@]}"; do
		[ -n "$way" ] || continue
		if ! can_stat "$python" "$top/$way/here/m_$way.py"; then
			skip "$name: ${way//_/ }: the next start runs the new code" "its times have 32 bits"
			continue
		fi
		for who in start live; do
			wrong=$(cat "$T/$who".[1-5] | awk -v way="$way" '$1 == way { printf "%s ", $2 }')
			is "$wrong" "one two one two two " \
				"$name: ${way//_/ }: $([ $who = start ] && echo "a program that starts" || echo "one that reloads") sees the new code"
		done
	done
	known=$(entries | wc -l)
	check "$name: all of these sources were cached ($known)" test "$known" -ge "$(ls "$top" | wc -l)"
}
some staleness

# A start without the cache leaves its bytecode in the tree. By Python's rule, that would hide
# later edits permanently.
without_the_cache() {
	local how said show='import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V, m.f())'
	import() { preloaded "$python" -S -c "$show" "$T/here"; }
	for how in refused bare; do
		mkdir "$T/here"
		version one "$T/here/m.py"
		said=$(import)
		version two "$T/here/m.py"
		if [ $how = bare ]; then
			"$python" -c "$show" "$T/here" >"$T/said"
		else
			mv "$CACHE" "$CACHE.away"
			: >"$CACHE"
			import >"$T/said"
			rm "$CACHE"
			mv "$CACHE.away" "$CACHE"
		fi
		said="$said, $(cat "$T/said"), $(ls "$T/here/__pycache__" | wc -l)"
		version one "$T/here/m.py"
		preloaded cat "$T"/here/__pycache__/m.*.pyc >"$T/copy" && said="$said, $(import)"
		said="$said, $(logged "$python" -S -c "$show" "$T/here"), $(decisions m)"
		version two "$T/here/m.py"
		is "$said, $(import)" "one one, two two, 1, one one, one one, hit, two two" \
			"$name: after a start without the cache ($how), its bytecode in the tree hides no edit"
		rm -rf "$T/here" "$CACHE"
	done
}
some without_the_cache

# A program that looks at bytecode or lists it, and then imports. What it has looked at is stale, but
# the header fits the source.
looking_first() {
	local how src said long=$T/$(printf 'long/%.0s' {1..60})
	cat >"$T/looks.py" <<-'END'
		import importlib.machinery, importlib.util, os, sys, threading, types
		how, src = sys.argv[1:]
		pyc = importlib.util.cache_from_source(src)
		if how == "lists" and os.path.isdir(os.path.dirname(pyc)):
		    os.listdir(os.path.dirname(pyc))
		elif how == "looks":
		    os.path.exists(pyc)
		if how == "threads": # another takes stats meanwhile, or the first waits for it
		    class Loader(importlib.machinery.SourceFileLoader):
		        def path_stats(self, path):
		            ret = super().path_stats(path)
		            thread = threading.Thread(target=os.stat, args=(__file__,))
		            thread.start()
		            thread.join()
		            return ret
		    os.path.exists(pyc)
		else:
		    Loader = importlib.machinery.SourceFileLoader
		m = types.ModuleType("m")
		Loader("m", src).exec_module(m)
		print(m.V)
	END
	case $name in *2.7*) return ;; esac
	import() { (cd "$T" && "$@" "$python" -S "$T/looks.py" "$how" "$src"); }
	while IFS='|' read -r how src what; do
		rm -rf "$CACHE" "$T/here" "$long"
		mkdir "$T/here" "$T/new" && mkdir -p "$long" && ln -s "$T/here" "$long/here"
		version one "$T/here/m.py" && version two "$T/new/m.py"
		said=$(import preloaded && mv "$T/here" "$T/old" && mv "$T/new" "$T/here" && import preloaded && import preloaded)
		rm -rf "$T/old"
		is "${said//$'\n'/ }" "one two two" "$name: an import after $what runs the new code"
	done <<-WAYS
		looks|here/m.py|the program has looked at the bytecode by a relative path
		lists|here/m.py|the program has listed the bytecode by a relative path
		threads|$T/here/m.py|the program has looked at the bytecode, while another thread takes stats,
		looks|$long/here/m.py|the program has looked at the bytecode by a long path
	WAYS
	for how in lists looks; do # the tree has old bytecode
		src=here/m.py
		rm -rf "$CACHE" "$T/here" && mkdir "$T/here"
		version one "$T/here/m.py"
		said=$(import env && sleep 1.1 && content two "$T/here/m.py" && import preloaded && version one "$T/here/m.py" && content six "$T/here/m.py" && old "$T/here/m.py" && import preloaded && import preloaded)
		is "${said//$'\n'/ }" "one two six six" "$name: an import in a program that $how first runs the new code, not the old bytecode of the tree"
	done
}
some looking_first

# The source is replaced once more between an import's stat and its open. The import goes by its stat,
# which old bytecode fits.
replaced_meanwhile() {
	local how said show='import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V)'
	cat >"$T/meanwhile.py" <<-'END'
		import importlib.machinery, os, sys, threading, time, types
		src, new, how = sys.argv[1:4]
		def others_do():
		    if "threads" in how:
		        os.stat(__file__)
		    if "deleted" in how:
		        os.remove(src)
		    else:
		        os.rename(new, src)
		class Loader(importlib.machinery.SourceFileLoader):
		    def path_stats(self, path):
		        ret = super().path_stats(path)
		        thread = threading.Thread(target=others_do)
		        thread.start()
		        thread.join()
		        if "slow" in how:
		            time.sleep(0.03)
		        return ret
		if "lists" in how:
		    os.listdir(os.path.dirname(src) + "/other/__pycache__")
		if "relative" in how:
		    os.chdir(os.path.dirname(src))
		    src = "m.py"
		m = types.ModuleType("m")
		try:
		    Loader("m", src).exec_module(m)
		    print(m.V)
		except OSError as error:
		    print(error.strerror)
	END
	case $name in *2.7*) return ;; esac
	while IFS='|' read -r how want what; do
		rm -rf "$CACHE" "$T/here" && mkdir -p "$T/here/other/__pycache__"
		version one "$T/here/m.py"
		said=
		[[ $how == tree* ]] || said=$(preloaded "$python" -S -c "$show" "$T/here")
		[[ $how != *tree* ]] || said=$("$python" -S -c "$show" "$T/here")
		version two "$T/here/m.py" && content six "$T/six"
		said="$said $(preloaded "$python" -S "$T/meanwhile.py" "$T/here/m.py" "$T/six" "$how")"
		is "$said" "one $want" "$name: a source that is $what during an import does not get the import old bytecode"
	done <<-WAYS
		lists threads|six|replaced while another thread takes stats
		lists slow|six|replaced some time
		lists relative|six|replaced on a relative path
		tree threads|six|replaced beside old bytecode in the tree, while another thread takes stats,
		tree slow|six|replaced some time beside old bytecode in the tree
		deleted|No such file or directory|deleted
		deleted threads|No such file or directory|deleted while another thread takes stats
		deleted slow|No such file or directory|deleted for some time
		deleted relative|No such file or directory|deleted on a relative path
	WAYS
}
some replaced_meanwhile

# Where others can write to the directory, a program that has loaded a compiler counts as one, and gets
# what the tree has; so does one that has listed bytecode, and goes by a relative path.
exposed_trees() {
	local how said
	cat >"$T/exposed.py" <<-'END'
		import importlib.machinery, os, sys, types
		src, how = sys.argv[1:]
		if how == "compiles":
		    import compileall
		if how == "lists":
		    os.listdir(os.path.dirname(src) + "/__pycache__")
		    os.chdir(os.path.dirname(src))
		    src = "m.py"
		m = types.ModuleType("m")
		importlib.machinery.SourceFileLoader("m", src).exec_module(m)
		print(m.V)
	END
	case $name in *2.7*) return ;; esac
	for how in compiles lists; do
		rm -rf "$CACHE" "$T/here" && mkdir "$T/here"
		version one "$T/here/m.py"
		"$python" -m compileall -q "$T/here"
		version two "$T/new" && mv "$T/new" "$T/here/m.py" && chmod 777 "$T/here"
		said="$(preloaded "$python" -S "$T/exposed.py" "$T/here/m.py" $how) $(preloaded "$python" -S "$T/exposed.py" "$T/here/m.py" $how)"
		is "$said" "two two" "$name: in a directory that others can write to, an import in a program that $how runs the new code"
	done
}
some exposed_trees

# A program that asks whether bytecode is up to date: it takes the stat of a source, and reads the header.
checks_headers() {
	local how where said
	at_least "$python" 3 7 || return
	cat >"$T/checks.py" <<-'END'
		import importlib.util, os, sys, threading, time
		src, how = sys.argv[1:]
		if "relative" in how:
		    os.chdir(os.path.dirname(src))
		    src = "m.py"
		st = os.stat(src)
		if "slow" in how:
		    time.sleep(0.03)
		if "threads" in how:
		    thread = threading.Thread(target=os.stat, args=(__file__,))
		    thread.start()
		    thread.join()
		if "deleted" in how:
		    os.remove(src)
		with open(importlib.util.cache_from_source(src), "rb") as f:
		    print("up to date" if int.from_bytes(f.read(16)[8:12], "little") == int(st.st_mtime) else "stale")
	END
	for where in cache tree; do
		said=
		for how in at-once slow threads relative deleted relative-deleted; do
			rm -rf "$CACHE" "$T/here" && mkdir "$T/here"
			version one "$T/here/m.py"
			if [ $where = cache ]; then
				preloaded "$python" -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/here"
			else
				"$python" -m compileall -q "$T/here"
			fi
			content six "$T/here/m.py" && touch -d @1650000000 "$T/here/m.py"
			said="$said $(preloaded "$python" -S "$T/checks.py" "$T/here/m.py" $how 2>&1 | tail -1)"
		done
		rm -rf "$CACHE" "$T/here" && mkdir "$T/here" && version one "$T/here/m.py"
		preloaded "$python" -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import m' "$T/here"
		said="$said, $(preloaded "$python" -S "$T/checks.py" "$T/here/m.py" slow-deleted 2>&1 | tail -1)"
		is "$said" " stale stale stale stale stale stale, up to date" "$name: a program that compares a header in the $where with the stat of the source finds it"
	done
}
some checks_headers

# While a source is compiled, code in the same thread (a signal handler, a hook) loads its next version,
# and writes nothing: that does not compile, or nothing is to be written.
nested() {
	local how said dir
	at_least "$python" 3 6 || return
	cat >"$T/nested.py" <<-'END'
		import importlib.machinery, os, sys, threading, types
		src, new, how = sys.argv[1:]
		def load(loader):
		    module = types.ModuleType("m")
		    loader("m", src).exec_module(module)
		    return module
		class Loader(importlib.machinery.SourceFileLoader):
		    def source_to_code(self, data, path, *rest, **options):
		        code = super().source_to_code(data, path, *rest, **options)
		        thread = threading.Thread(target=os.rename, args=(new, src))
		        thread.start()
		        thread.join()
		        sys.dont_write_bytecode = how == "unwritten"
		        try:
		            load(importlib.machinery.SourceFileLoader)
		        except SyntaxError:
		            pass
		        sys.dont_write_bytecode = False
		        return code
		print(load(Loader).V)
	END
	for how in unwritten broken; do
		rm -rf "$CACHE" "$T/here" "$T/there" && mkdir "$T/here" "$T/there"
		version one "$T/here/m.py" && version two "$T/new"
		[ $how = unwritten ] || { sed 's/(/[/' "$T/new" >"$T/new2" && mv "$T/new2" "$T/new" && old "$T/new"; }
		cp -p "$T/new" "$T/there/m.py"
		said=$(preloaded "$python" -S "$T/nested.py" "$T/here/m.py" "$T/new" $how 2>&1 | tail -1)
		for dir in here there; do
			said="$said $(preloaded "$python" -S -c 'import sys; sys.path.insert(0, sys.argv[1]); import m; print(m.V)' "$T/$dir" 2>&1 | sed 's/:.*//' | tail -1)"
		done
		[ $how = broken ] || is "$said" "one two two" "$name: old bytecode is not taken for that of a source which was loaded meanwhile"
		[ $how = unwritten ] || is "$said" "one SyntaxError SyntaxError" "$name: old bytecode is not taken for that of a source which does not compile"
	done
}
some nested

# Shows that these ways are hard: if Python alone noticed all of them, this suite would prove
# nothing.
traps() {
	local wrong
	python=/usr/bin/python3
	top=$T/ways
	replace_all "$top" one
	"$python" -S "$SEAL/rounds.py" "$top" >/dev/null
	replace_all "$top" two
	wrong=$("$python" -S "$SEAL/rounds.py" "$top" | grep -c ' one$')
	check "Python alone runs old code in many of these ways ($wrong)" test "$wrong" -ge 15
}
traps
done_testing
