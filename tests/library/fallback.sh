#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Pycs that are already in the tree, and hash-based pycs.
#
# Takes 60 s.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

# The tree without that pyc, and the time of its directory.
others() { snapshot | grep -v "/leaf\.$tag\.pyc\|/deep/__pycache__ *$"; }

in_tree() {
	local before
	bare "$python" "$tree/app.py"
	is "$(seen)" "six, 5 compiled, 0 loaded, status 0" "the tree gets pycs of its own on $name"
	before=$(snapshot)
	served "$python" "$tree/app.py"
	is "$(seen), $(cached) entries" "six, 0 compiled, 5 loaded, status 0, 0 entries" \
		"pycs in the tree are read, and not copied, on $name"
	is "$(snapshot)" "$before" "reading them changes nothing on $name"
	served "$python" -O "$tree/app.py"
	is "$(seen), $(cached) entries" "six, 5 compiled, 0 loaded, status 0, 5 entries" \
		"what the tree has not goes to the cache on $name"
	is "$(snapshot)" "$before" "an entry is written beside a real __pycache__ on $name"

	echo 'THREE = 1 + 1 + 1' >"$tree/pkg/deep/leaf.py"
	before=$(others)
	served "$python" "$tree/app.py"
	is "$(seen), $(cached) entries" "six, 1 compiled, 4 loaded, status 0, 6 entries" \
		"a stale pyc of the tree is replaced in the cache on $name"
	served "$python" "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "the entry that replaced a stale pyc of the tree is read on $name"
	is "$(others) $(ls "$tree/pkg/deep/__pycache__")" "$before __init__.$tag.pyc" \
		"only the stale one is deleted in the tree on $name"
	served "$python" -m compileall -q "$tree"
	is "$(others)" "$before" "compileall leaves the tree's pycs alone on $name"
	# Now the cache and the tree both have the module. Deleting it deletes both.
	"$python" -m py_compile "$tree/pkg/deep/leaf.py"
	preloaded "$python" -c "import os, importlib.util as u
os.unlink(u.cache_from_source('$tree/pkg/deep/leaf.py'))
assert not os.path.exists(u.cache_from_source('$tree/pkg/deep/leaf.py'))"
	is "$(find "$tree" "$CACHE" -name "leaf.$tag.pyc")" "" \
		"a pyc that is unlinked is gone in the cache and the tree on $name"
	bare "$python" "$tree/app.py"
	is "$said, $status" "six, 0" "Python works without the library afterwards on $name"
}

# The build is in made; what it has gets to $tree in some way, which keeps the times of sources.
brought() {
	local how tool what
	while IFS='|' read -r how tool what; do
		type -P "$tool" >/dev/null || { skip "bytecode that $what is read on $name" "there is no $tool"; continue; }
		rm -rf "$CACHE" "$T/made" "$T/tree"
		sources "$T/made" && sources "$T/tree" && find "$tree" -type f -delete
		"$python" -m compileall -q "$T/made" && ahead "5 sec ago"
		(cd "$T" && eval "${how//!/|}" 2>/dev/null)
		served "$python" "$tree/app.py"
		is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "bytecode that $what is read on $name"
	done <<-'END'
		tar --format=gnu -C made -c . ! tar -C tree -x|tar|comes with its sources out of a tar file
		tar --format=pax -C made -c . ! tar -C tree -x|tar|comes with its sources out of a tar file with nanoseconds
		cp -a made/. tree|cp|is copied with its sources and times
		rsync -a made/ tree|rsync|comes with its sources by rsync
		ahead "+1 sec"; cp -a made/. tree|cp|is copied with times that are slightly ahead
		ahead "+1 hour"; rsync -a made/ tree|rsync|comes by rsync from a machine whose clock is ahead
		ahead "+1 hour"; tar --format=pax -C made -c . ! tar -C tree -x|tar|comes out of a tar file from a machine whose clock is ahead
		ahead "@4000000000"; tar --format=gnu -C made -c . ! tar -C tree -x|tar|has a time in the future
		find made -name "*.pyc" -delete; cp -a made/. tree; "$python" -m compileall -q tree|cp|is compiled after its sources were unpacked
		release_1; find made -name "*.pyc" -delete; cp -a made/. tree; "$python" -m compileall -q tree|cp|is compiled after another release, which was imported, was replaced
		release_1; "$python" -m compileall -qf made; sleep 2.1; rsync -a made/ tree|rsync|is newer than another release, which was imported, and comes by rsync
		release_1; "$python" -m compileall -qf made; ahead "+1 sec"; cp -a made/. tree|cp|is newer than another release, which was imported, with times that are slightly ahead
	END
}
ahead() { find "$T/made" -name '*.pyc' -exec touch -d "$1" {} +; }
release_1() { # a release without bytecode
	cp -a made/. tree && find tree -name '*.pyc' -delete
	find tree -name '*.py' -exec sh -c 'echo "# release 1" >>"$1"' _ {} \;
	preloaded "$python" "$tree/app.py" >/dev/null
	find tree -name '*.py' -delete
	[ "$(cached)" = 5 ] || not_ok "a release is imported on $name"
}

hashed() {
	at_least "$python" 3 7 || return
	local mode flags value
	for mode in checked unchecked; do
		rm -rf "$CACHE" "$tree"
		sources
		flags=1
		[ $mode = checked ] && flags=3
		preloaded "$python" -m compileall -q --invalidation-mode $mode-hash "$tree"
		is "$(find "$tree" -name '*.pyc' | while read -r pyc; do
			od -An -tu1 -j4 -N1 "$pyc"
		done | sort | uniq -c | xargs)" "7 $flags" "compileall makes $mode pycs in the tree on $name"
		is "$(entries | grep -cF "/tree$tree/")" 0 "the cache keeps no $mode pycs on $name"
		find "$tree" -name '*.py' -exec touch {} +
		remember
		served "$python" "$tree/app.py"
		is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "$mode pycs hold when times change on $name"
		echo 'THREE = 4' >"$tree/pkg/deep/leaf.py"
		served "$python" "$tree/app.py"
		value="False, 1 compiled, 4 loaded, status 0"
		[ $mode = unchecked ] && value="six, 0 compiled, 5 loaded, status 0"
		is "$(seen)" "$value" "$mode pycs are as good as Python says on $name"
		served "$python" --check-hash-based-pycs always "$tree/app.py"
		is "$said" False "--check-hash-based-pycs always is obeyed ($mode) on $name"
		served "$python" "$tree/app.py"
		is "$(seen)" "False, 0 compiled, 5 loaded, status 0" \
			"the new $mode pyc is used then on $name"
	done
	rm -rf "$CACHE" "$tree"
	sources
	SOURCE_DATE_EPOCH=1600000000 preloaded "$python" -m py_compile "$tree/alpha.py"
	mv "$tree/__pycache__/alpha.$tag.pyc" "$T/got"
	is "$(od -An -tu1 -j4 -N1 "$T/got" | xargs)" 3 \
		"SOURCE_DATE_EPOCH makes py_compile write a hashed pyc on $name"
	SOURCE_DATE_EPOCH=1600000000 "$python" -m py_compile "$tree/alpha.py"
	check "the pyc in the tree is the one that is written without the library on $name" \
		cmp "$T/got" "$tree/__pycache__/alpha.$tag.pyc"
}

# Damage that Python itself would repair is repaired in the cache.
damaged() {
	local kind pyc
	rm -rf "$CACHE" "$tree"
	sources
	served "$python" "$tree/app.py"
	pyc=$CACHE/v1/$tag/tree$tree/__pycache__/alpha.$tag.pyc
	for kind in empty header garbage; do
		case $kind in
		empty) : >"$pyc" ;;
		header) truncate -s 8 "$pyc" ;;
		garbage) printf '%0200d' 0 >"$pyc" ;;
		esac
		served "$python" "$tree/app.py"
		is "$(seen)" "six, 1 compiled, 4 loaded, status 0" "an entry that is $kind is made anew on $name"
		served "$python" "$tree/app.py"
		is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "an entry that was made again is good ($kind) on $name"
	done
	mkdir "$T/elsewhere"
	rm "$pyc"
	ln -s "$T/elsewhere/none" "$pyc"
	served "$python" "$tree/app.py"
	is "$said, $status" "six, 0" "a dangling link in place of an entry does not matter on $name"
	rm -rf "$pyc"
	mkdir "$pyc"
	served "$python" "$tree/app.py"
	is "$said, $status" "six, 0" "a directory in place of an entry does not matter on $name"
	rmdir "$pyc"
	untouched "no damage in the cache reaches the tree on $name"
}

all() {
	in_tree
	hashed
	damaged
}
each all
some brought
done_testing
