#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What gets from the cache into the tree, or into a copy, gives others no rights that Python's own
# bytecode would not give them: not by the group or the ACL that a directory gives to new files,
# nor by a group or an ACL that the user has given, nor by a mode from before the source was
# closed. The victim and the attacker have one first group, and the victim is in another one, too.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "rights of what leaves the cache"

users=12350 secret=12351 cache=$T/$VICTIM/c acl=$T/lib/acl.py pyc=__pycache__/m.$TAG.pyc
# acl.py WHICH PATH [USER [RIGHTS]]: gives the path an access or default ACL that lets only its
# owner read, and gives USER these rights (5)
cat >"$acl" <<-'E'
	import os, struct, sys
	entries = [(1, 7, -1), (4, 0, -1), (32, 0, -1)]
	given = int((sys.argv + ["5"])[4]) if len(sys.argv) > 3 else 0
	if given:
	    entries = entries[:1] + [(2, given, int(sys.argv[3]))] + entries[1:2] + [(16, given, -1)] + entries[2:]
	os.setxattr(sys.argv[2], "system.posix_acl_" + sys.argv[1],
	            struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))
E
mkdir "$T/acl"
"$PY" "$acl" default "$T/acl" 2>/dev/null ||
	skip_all "rights of what leaves the cache" "$PY or this file system has no ACLs"
# rewrite.py: makes bytecode as pytest does, with the mode that the umask leaves
cat >"$T/lib/rewrite.py" <<-'E'
	import importlib.util, os, sys
	name = "__pycache__/m.%s-tool-1.pyc" % sys.implementation.cache_tag
	sys.path.insert(0, "."); import n
	source = os.stat("m.py")
	try: open(name, "rb")
	except OSError: pass
	code = compile(open("m.py").read(), "m.py", "exec")
	try: os.mkdir("__pycache__")
	except OSError: pass
	with open(name + ".123", "wb") as f:
	    f.write(importlib._bootstrap_external._code_to_timestamp_pyc(code, int(source.st_mtime), source.st_size))
	os.rename(name + ".123", name)
E
victim() { # runs it under the library if "under" is lib, else alone
	local preload=()
	[ "$under" = lib ] && preload=(LD_PRELOAD="$SO" PYCSTASH_DIR="$cache")
	setpriv --reuid="$VICTIM" --regid="$users" --groups="$secret" env -i PATH=/usr/bin:/bin \
		LC_ALL=C.UTF-8 HOME="$T/$VICTIM" PYCSTASH_SYSCONFDIR="$T/etc" PYCSTASH_AUTO_GC=no \
		"${preload[@]}" "$@"
}
attacker() { setpriv --reuid="$ATTACKER" --regid="$users" --clear-groups "$@"; }
import="import sys; sys.path.insert(0, '.'); import"
compile="$PY -m py_compile m.py"
enter="$PY -c \"$import n, os; os.chdir('__pycache__')\""
# read_after PREPARE SCRIPT: prints what the attacker can read after the victim has imported m in a
# directory made by PREPARE, and has run SCRIPT; without the library, and with it
read_after() {
	for under in alone lib; do
		rm -rf "$T/src" "$cache"
		mkdir -p "$T/src/tree" "$T/src/out" && mkdir -m 700 "$cache"
		chmod 755 "$T/src" "$T/src/tree" "$T/src/out"
		chown "$VICTIM:$users" "$T/src/tree" "$T/src/out" "$cache"
		(
			cd "$T/src/tree" && umask 022 && $1
			victim sh -c "umask ${MASK:-022}; echo 'secret = \"S3CRET\"' >m.py; echo 'n = 1' >n.py"
			victim sh -c "umask ${MASK:-022}; $PY -c \"$import m\"; $2"
		) >"$T/said" 2>&1
		attacker grep -rl S3CRET "$T/src" 2>/dev/null | sed "s,^$T/src/,$under: ,"
	done | sort | xargs
}
in_tree() { find "$T/src" -name 'm.*.pyc' | wc -l; }

# --- what a directory gives to new files ----------------------------------------------------
private() { victim "$PY" "$acl" default .; }
for_one() { victim "$PY" "$acl" default . 12399; }
by_group() { chgrp "$secret" . && chmod 2755 .; }
is "$(read_after private "$PY $T/lib/rewrite.py; $enter; $PY $T/lib/rewrite.py")" "" \
	"a default ACL closes what a program makes by its umask, wherever that is then"
is "$(read_after private "$PY $T/lib/rewrite.py; cp -r __pycache__ ../out; $PY -c 'import shutil; shutil.copytree(\"__pycache__\", \"../out/b\")'")" "" \
	"nothing is copied from the cache without the default ACL that would close it in the tree"
is "$(read_after private "$compile") $(in_tree)" " 1" "a default ACL closes what an explicit compiler makes"
for script in "mv $pyc ../out" "cp -a $pyc ../out" "$enter; cp -a $pyc ../out"; do
	is "$(read_after for_one "$script")" "" "the mask of a default ACL becomes no right of the group: ${script##*; }"
	is "$(MASK=027 read_after by_group "$script")" "" \
		"bytecode in a set-group-ID directory is not opened to the user's first group: ${script##*; }"
done
compile_other="$PY -m compileall -q ."
(MASK=002 read_after private "$compile_other") >/dev/null
is "$(stat -c %A "$T/src/tree/__pycache__")" drwx------ "a default ACL closes a __pycache__ that gets into the tree"
for_group() { chgrp "$secret" . && chmod 775 . && victim "$PY" "$acl" default . 12399 7; }
for compile_tree in "$compile_other" "umask 077; $compile_other" "$PY -m py_compile n.py"; do
	(MASK=022 read_after for_group "$compile_tree") >/dev/null
	is "$(stat -c %A "$T/src/tree/__pycache__" "$T/src/tree/__pycache__/n."* | xargs)" "drwxrwx--- -rw-rw----" \
		"what a default ACL gives to others is not taken from them: $compile_tree"
done
own_group() { chmod 2755 .; }
(MASK=022 read_after own_group "umask 077; $enter") >/dev/null
is "$(stat -c %A "$T/src/tree/__pycache__")" drwxr-sr-x "a __pycache__ that gets into the tree keeps the set-group-ID bit of the directory above"

# --- what the user gives ------------------------------------------------------------------------
give_to_one="$PY $acl access $pyc 12399"
for give in "chgrp $secret $pyc" "$give_to_one"; do
	is "$(MASK=077 read_after : "$give; chmod g+r $pyc; $enter") $(in_tree)" " 1" \
		"what the user gives to a group, or to somebody by an ACL, others do not get in the tree: $give"
	is "$(MASK=077 read_after : "$give; chmod g+r $pyc; mv $pyc ../out") $(in_tree)" " 1" \
		"what the user gives to a group, or to somebody by an ACL, others do not get in another directory: $give"
done
(read_after : "$PY -c \"$import n, os; os.chown('__pycache__', -1, $secret)\"") >/dev/null
is "$(stat -c %g "$T/src/tree/__pycache__" "$T/src/tree/$pyc" | xargs)" "$secret $users" "a __pycache__ that the user gives to a group is the tree's"
(read_after : "chgrp $secret $pyc") >/dev/null
is "$(stat -c %g "$T/src/tree/$pyc")" "$secret" "bytecode that the user gives to a group is the tree's"
(read_after : "$PY -c \"$import n\"; chgrp $secret $pyc ${pyc/m./n.} && echo >../out/ok") >/dev/null
is "$(ls "$T/src/out")" ok \
	"all bytecode that the user names is given to a group"
(MASK=027 read_after : "$PY $acl default ../out 12399; mv $pyc ../out") >/dev/null
is "$(stat -c %A "$T/src/out/"m.*)" "-rw-------" "bytecode that is moved to a directory with a default ACL is not opened to those whom that names"
(MASK=027 read_after : "chgrp $secret ../out; chmod 2755 ../out; mv $pyc ../out") >/dev/null
is "$(stat -c "%A %g" "$T/src/out/"m.*)" "-rw------- $secret" "bytecode that is moved to a set-group-ID directory is not opened to its group"
(read_after : "$PY -c \"import os, runpy, sys; sys.argv = ['', 'access', os.open('$pyc', os.O_RDONLY), 12399]; runpy.run_path('$acl')\"; $enter") >/dev/null
is "$(stat -c %A "$T/src/tree/$pyc")" "-rwx------" "the mask of an ACL that was given by a descriptor becomes no right of the group in the tree"

# --- what the user closes -------------------------------------------------------------------------
is "$(read_after : "find . -type f -exec chmod 600 {} +; $enter") $(in_tree)" " 1" \
	"bytecode whose source was closed gets into the tree without rights for those who can no longer read that"
is "$(read_after : "find . -type f -exec chmod go-r {} +; cat m.py >$pyc") $(in_tree)" " 1" \
	"bytecode that is overwritten after its source was closed is closed"
is "$(read_after : "find . -type f -exec chgrp $secret {} + -exec chmod o-r {} +; $enter") $(in_tree)" " 1" \
	"bytecode whose source was given to a group gets into the tree without rights for the user's first group"
for script in "$enter" "mv $pyc ."; do
	is "$(read_after : "find . -type f -exec $PY $acl access {} 12399 4 \;; $script") $(in_tree)" " 1" \
		"the mask of a source's ACL becomes no right of the group to its bytecode: ${script##*; }"
done
is "$(read_after : "find . -type f -exec chmod 600 {} +; echo 'n = 22' >m.new; mv m.new m.py; mv $pyc ../out") $(in_tree)" " 1" \
	"bytecode of a source that was closed, and then replaced by an open one, is moved without rights for others"
(MASK=002 read_after : "chmod g-w m.py n.py; $enter") >/dev/null
is "$(stat -c %a "$T/src/tree/__pycache__")" 755 "a group gets no right to write to a __pycache__ that it does not have to the directory above"
(read_after : "chgrp $secret .; chmod 750 .; $enter") >/dev/null
is "$(stat -c %a "$T/src/tree/__pycache__")" 700 "a __pycache__ gives the user's first group no right that another group has to the directory above"
(read_after : "$PY -c \"$import n, os; os.chmod('__pycache__', 0o1777)\"; chmod 777 .; chmod 755 .; $enter") >/dev/null
is "$(stat -c %a "$T/src/tree/__pycache__")" 1755 "a __pycache__ that gets into the tree keeps its sticky bit"
done_testing
