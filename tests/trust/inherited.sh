#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A default ACL of the place where V's cache is made decides about nothing in the cache, and so not
# about the rights to what gets from there into V's tree. One that an older cache has, or a copy, is
# found and removed.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "default ACLs of the cache's place"

acl=$T/lib/acl.py home=$T/home tree=$T/tree
cache=$home/.cache/pycstash
# acl.py PATH USER GROUP OTHER [WHO]: a default ACL with these rights; WHO gets all rights
cat >"$acl" <<-'E'
	import os, struct, sys
	user, group, other = (int(right) for right in sys.argv[2:5])
	entries = [(1, user, -1), (4, group, -1), (32, other, -1)]
	if sys.argv[5:]:
	    entries = entries[:1] + [(2, 7, int(sys.argv[5]))] + entries[1:2] + [(16, 7, -1)] + entries[2:]
	os.setxattr(sys.argv[1], "system.posix_acl_default",
	            struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))
E
# left.py DIR: prints what in DIR has an ACL
cat >"$T/lib/left.py" <<-'E'
	import os, sys
	for above, dirs, files in os.walk(sys.argv[1]):
	    for path in [above] + [os.path.join(above, name) for name in files]:
	        if any("acl" in name for name in os.listxattr(path)):
	            print(path)
E
mkdir "$T/acl"
"$PY" "$acl" "$T/acl" 7 0 0 2>/dev/null ||
	skip_all "default ACLs of the cache's place" "$PY or this file system has no ACLs"
# tool.py TREE: compiles as importlib does, but gives the files their names in TREE/dist
cat >"$T/lib/tool.py" <<-'E'
	import importlib._bootstrap_external as b, os, shutil, sys
	tree = sys.argv[1]
	for how in os.rename, os.link, shutil.move:
	    name = how.__name__
	    source = "%s/%s.py" % (tree, name)
	    pyc = "%s/__pycache__/%s.%s.pyc" % (tree, name, sys.implementation.cache_tag)
	    try: open(pyc, "rb")
	    except OSError: pass
	    code, st = compile(open(source).read(), name, "exec"), os.stat(source)
	    os.makedirs(tree + "/__pycache__", exist_ok=True)
	    fd = os.open(pyc + ".1399999", os.O_EXCL | os.O_CREAT | os.O_WRONLY, st.st_mode & 0o666)
	    os.write(fd, b._code_to_timestamp_pyc(code, int(st.st_mtime), st.st_size))
	    os.close(fd)
	    how(pyc + ".1399999", "%s/dist/%s.pyc" % (tree, name))
E

# fresh RIGHTS…: sources, and a home of V's with that default ACL, without a cache
fresh() {
	rm -rf "$home" "$tree" && mkdir -m 711 "$home" && mkdir -p "$tree/dist"
	chmod 755 "$tree" "$tree/dist"
	for name in m n rename link move; do echo "$TRUSTED" >"$tree/$name.py"; done
	chmod 664 "$tree/"*.py
	chown -R "$VICTIM:$VICTIM" "$home" "$tree"
	"$PY" "$acl" "$home" "$@"
}
# older RIGHTS…: the cache has that default ACL, as one that an earlier release has made there
older() {
	fresh 7 7 7
	v lib "$PY" -c "$(imports "$tree" n)" >/dev/null
	rm -rf "$cache/v1/$TAG/tree$tree/__pycache__"
	find "$cache/v1" -type d -exec "$PY" "$acl" {} "$@" \;
}
# v alone|lib CMD…: runs it as V in that home
v() {
	local preload=()
	[ "$1" = lib ] && preload=(LD_PRELOAD="$SO")
	as "$VICTIM" HOME="$home" "${preload[@]}" "${@:2}"
}
pycstash() { v alone "$PYCSTASH" "$@"; }
# in_tree alone|lib UMASK: the modes of what V's program makes real in the tree, and its names if
# another user can list them
in_tree() {
	v "$1" sh -c "umask $2; $PY -c \"$(imports "$tree"); import os; os.chdir('$tree/__pycache__')\"" >/dev/null
	stat -c %A "$tree/__pycache__" "$tree/__pycache__/m."* | xargs
	as "$ATTACKER" ls "$tree/__pycache__" 2>/dev/null
	rm -rf "$tree/__pycache__"
}
may_write() { as "$ATTACKER" find "$tree" -type f -writable; }
# leaves alone|lib: the modes of what V's tool makes in another directory; which files have an ACL,
# and which ones another user can write to
leaves() {
	v "$1" "$PY" "$T/lib/tool.py" "$tree"
	stat -c '%n %A' "$tree/dist/"* | sed 's,.*/,,' | xargs
	"$PY" "$T/lib/left.py" "$tree"
	may_write
	rm -rf "$tree/dist/"* "$tree/__pycache__"
}
cached() { find "$cache" -name 'm.*.pyc' -path '*/tree/*' | wc -l; }

# --- a new cache -----------------------------------------------------------------------------
for case in "077 7 7 7" "077 7 5 5" "022 7 0 0" "022 7 5 5 $ATTACKER" "022 5 0 0"; do
	set -- $case
	fresh "${@:2}"
	is "$(in_tree lib "$1")" "$(in_tree alone "$1")" \
		"under umask $1, a default ACL of the cache's place changes no mode in the tree: ${*:2}"
	is "$(leaves lib)" "$(leaves alone)" \
		"a default ACL of the cache's place gives no rights to a file that leaves the cache while it is written: ${*:2}"
	is "$("$PY" "$T/lib/left.py" "$cache/v1")" "" "nothing in a new cache inherits an ACL: ${*:2}"
	v lib "$PY" -c "$(imports "$tree")" >/dev/null
	is "$(cached)" 1 "an import is cached whatever default ACL the cache's place has: ${*:2}"
	check "verify finds nothing wrong with a new cache where that has a default ACL: ${*:2}" \
		pycstash verify ${5:+--deep}
done

# --- an older cache ------------------------------------------------------------------------------
for case in "077 7 7 7" "022 7 0 0" "022 7 5 5 $ATTACKER"; do
	set -- $case
	older "${@:2}"
	is "$(in_tree lib "$1" | cut -d' ' -f1)" "$(in_tree alone "$1" | cut -d' ' -f1)" \
		"under umask $1, a default ACL within the cache changes no mode of a directory in the tree: ${*:2}"
	older "${@:2}"
	is "$(leaves lib | tail -n +2)" "" \
		"nobody can write to a file that leaves a cache with a default ACL while it is written: ${*:2}"
done
# with_acls: what in the cache has an ACL, or gives others a right
with_acls() {
	"$PY" "$T/lib/left.py" "$cache/v1"
	find "$cache/v1/$TAG" -perm /077
}
# shared_cache: an older cache with a default ACL for the attacker, and an entry
shared_cache() {
	older 7 5 5 "$ATTACKER"
	v lib "$PY" -c "$(imports "$tree")" >/dev/null
	[ "$(with_acls | grep -c "/m.$TAG.pyc")" -ge 1 ] || not_ok "(an entry in an older cache inherits the ACL)"
}
shared_cache
is "$(pycstash doctor "$PY" 2>&1 | grep -c 'v1 has a default ACL')" 1 "doctor names a default ACL within the cache"
shared=$(with_acls)
folders=$(find "$cache/v1" -type d | wc -l)
pycstash verify >"$T/said" 2>&1
is "$? $(grep -c ", $folders with a default ACL" "$T/said") $(grep -c "not checked: $folders folders" "$T/said")" "3 1 1" \
	"verify counts the folders of the cache with a default ACL"
pycstash gc --dry-run >/dev/null
is "$(with_acls)" "$shared" \
	"neither verify nor a dry run of gc removes a default ACL"
for command in "verify --repair" "verify --deep --repair" gc; do
	shared_cache
	# shellcheck disable=SC2086
	is "$(pycstash $command >"$T/said" 2>&1; echo $?) $(with_acls | grep -v /.state)" "0 " \
		"$command removes ACLs from the cache, and the rights that they gave to others"
	is "$(cached) $(v lib "$PY" -c "$(imports "$tree")")" "1 TRUSTED" "what $command has closed is still served"
	check "verify --deep finds nothing wrong after $command" pycstash verify --deep "$tree"
	# A file that V may not read keeps its ACL, and so does the folder
	shared_cache
	entry=$(find "$cache" -name 'm.*.pyc' -path '*/tree/*')
	chmod 0 "$entry"
	pycstash $command >/dev/null 2>&1
	is "$("$PY" "$T/lib/left.py" "$cache/v1" | grep -cxF -e "$entry" -e "${entry%/*}")" 2 \
		"a folder keeps its default ACL if $command cannot remove that of a file in it"
	chmod 600 "$entry"
	pycstash $command >/dev/null 2>&1
	is "$(with_acls | grep -v /.state)" "" "$command removes both once it can"
done
done_testing
