#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Trees that cannot be written: without the library Python compiles them at each start, with it
# only once.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/interpreters.sh"

# Compilations are counted by path here: content that another path has left would hide them.
export PYCSTASH_SHARE=0

unwritable() {
	chmod -R a-w "$tree"
	remember
	watched modest "$python" -v "$tree/app.py"
	watched modest "$python" -v "$tree/app.py"
	is "$(seen)" "six, 5 compiled, 0 loaded, status 0" \
		"an unwritable tree is compiled each time without the library on $name"
	watched modest env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$python" -v "$tree/app.py"
	is "$(seen)" "six, 5 compiled, 0 loaded, status 0" "an unwritable tree is compiled on $name"
	watched modest env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$python" -v "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "an unwritable tree is compiled only once on $name"
	is "$(cached)" 5 "the cache has its entries on $name"
	untouched "an unwritable tree is unchanged on $name"
}

# The tree belongs to root, the cache to another user.
of_another() {
	if [ "$(id -u)" != 0 ] || ! as_user env "$python" -c '' 2>/dev/null; then
		skip "another user's tree is compiled once on $name" "there is no other user to be, or none who can run it"
		return
	fi
	chmod 755 "$(dirname "$T")" "$T"
	mkdir "$T/user"
	cp "$SO" "$T/user/"
	chmod -R 755 "$T/user" && chmod 1777 "$T/user"
	CACHE=$T/user/.cache/pycstash
	local user=(as_user env HOME="$T/user" LD_PRELOAD="$T/user/${SO##*/}")
	watched "${user[@]}" "$python" -v "$tree/app.py"
	is "$(seen)" "six, 5 compiled, 0 loaded, status 0" "another user's tree is compiled on $name"
	watched "${user[@]}" "$python" -v "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "another user's tree is compiled only once by each user on $name"
	is "$(cached), $(stat -c %U "$CACHE")" "5, $(as_user id -un)" \
		"the entries are in that user's own cache on $name"
	# Root closes a source once it is compiled. There is nothing to compile any more.
	chmod 600 "$tree/pkg/deep/leaf.py"
	watched "${user[@]}" "$python" -v "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" \
		"what another user has closed to those who have compiled it is served on $name"
	chmod 644 "$tree/pkg/deep/leaf.py"
	# Root does not use an ordinary user's cache, nor does that user use root's.
	served "$python" "$tree/app.py"
	is "$(seen), $(cached)" "six, 5 compiled, 0 loaded, status 0, 5" \
		"root does not run what another user's cache holds on $name"
	find "$tree" -name __pycache__ -exec rm -r {} +
}

mounted() {
	local run
	if ! unshare -m true 2>/dev/null; then
		skip "a tree on a read-only mount is compiled once on $name" "unshare -m is not allowed"
		return
	fi
	mkdir -p "$T/mounted"
	run="mount --bind '$tree' '$T/mounted' && mount -o remount,bind,ro '$T/mounted' &&
		! touch '$T/mounted/x' 2>/dev/null && exec \"\$@\""
	local real=$tree
	tree=$T/mounted
	watched unshare -m sh -c "$run" sh env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$python" -v "$tree/app.py"
	is "$(seen)" "six, 5 compiled, 0 loaded, status 0" \
		"a tree on a read-only mount is compiled on $name"
	watched unshare -m sh -c "$run" sh env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$python" -v "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "a tree on a read-only mount is compiled only once on $name"
	watched unshare -m sh -c "$run" sh env LD_PRELOAD="$SO" PYCSTASH_DIR="$CACHE" "$python" -m compileall -q -f "$tree"
	is "$status, $(cat "$T/.out" "$T/.err")" "0, " "compileall works on a read-only mount on $name"
	tree=$real
	untouched "a tree on a read-only mount is unchanged on $name"
}

# A read-only tree with a useless __pycache__, as in an image with stale pycs or with those of
# another Python.
stale_image() {
	local before
	sources "$T/image"
	bare "$python" "$tree/app.py"
	find "$tree" -name '*.py' -exec touch -d @1700000000 {} +
	chmod -R a-w "$tree"
	before=$(snapshot)
	served "$python" "$tree/app.py"
	is "$(seen)" "six, 5 compiled, 0 loaded, status 0" "stale pycs of a tree are not used on $name"
	served "$python" "$tree/app.py"
	is "$(seen)" "six, 0 compiled, 5 loaded, status 0" \
		"the bytecode that replaces a tree's stale pycs is in the cache on $name"
	# root can delete them all the same
	[ -w "$tree" ] || is "$(snapshot)" "$before" "the stale pycs stay as they were on $name"
	chmod -R u+w "$tree"
}

all() {
	mounted
	stale_image
	sources "$T/plain"
	unwritable
	sources "$T/another"
	of_another
}
each all
done_testing
