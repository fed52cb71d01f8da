#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A path or a name may lead elsewhere by the time it is used: through a link that others have put
# in its place, or because the kernel told the name that a directory has in another mount
# namespace. What is made in the tree gets into the directory that the program meant; and commands
# look at nothing to which other users' links lead.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "attacks with paths that lead elsewhere"
cp "$BUILD/tests/library/libat.so" "$T/lib/"
cache=$T/0/cache
site=$T/site
site() { # root's modules
	rm -rf "$site" "$cache" && official "$site"
}
in_site() { (cd "$site" && find . -name '*.pyc'); }

# --- another mount namespace ---------------------------------------------------------------
# The attacker has one, where he has put a directory of his own over root's. Root compiles it
# through a link into /proc.
site
mkdir "$T/$ATTACKER/his" "$T/$ATTACKER/inbox" && mkfifo "$T/$ATTACKER/ready"
cached=$cache/v1/$TAG/tree$site/__pycache__
printf "%-$(($(stat -c %s "$site/m.py") - 1))s\n" 'print("ATT")' >"$T/$ATTACKER/m.py"
touch -r "$site/m.py" "$T/$ATTACKER/m.py"
chown -R "$ATTACKER" "$T/$ATTACKER"
as "$ATTACKER" unshare -Urm sh -c "mount -t tmpfs none '$site' && cp --preserve=timestamps '$T/$ATTACKER/m.py' '$site' &&
	mount -t tmpfs none '$T/0' && mkdir -p '$cached' && mount --bind '$T/$ATTACKER/inbox' '$cached' &&
	echo \$\$ >'$T/$ATTACKER/ready' && exec sleep 60 || echo none >'$T/$ATTACKER/ready'" 2>"$T/said" &
other=$!
read -r pid <"$T/$ATTACKER/ready"

if [ "$pid" = none ]; then
	skip "a directory of another mount namespace is not taken for the one of that name, nor for one of the cache" "no user namespaces"
else
	as "$ATTACKER" ln -s "/proc/$pid/root$site" "$T/$ATTACKER/his/app"
	check "(the attacker's directory is seen)" cmp -s "$T/$ATTACKER/m.py" "$T/$ATTACKER/his/app/m.py"
	for how in "import compileall; compileall.compile_dir('$T/$ATTACKER/his/app', quiet=1)" "$(imports "$T/$ATTACKER/his/app")"; do
		with 0 "$cache" "$PY" -c "$how" >"$T/said" 2>&1
	done
	is "$(in_site) $(with 0 "$cache" "$PY" -c "$(imports "$site")" 2>&1)" " TRUSTED" \
		"a directory of another mount namespace is not taken for the one of that name"

	# What root's program has of it is a descriptor.
	site
	as "$ATTACKER" ln -s "/proc/$pid/root$cached" "$T/$ATTACKER/his/cached"
	with 0 "$cache" "$PY" -c "$(imports "$site"), os; os.stat('$site/__pycache__')
os.open('n.$TAG.pyc', os.O_WRONLY | os.O_CREAT, dir_fd=os.open('$T/$ATTACKER/his/cached', os.O_RDONLY))" >"$T/said" 2>&1
	is "$(ls "$T/$ATTACKER/inbox") $(in_site)" "n.$TAG.pyc " \
		"a directory of another mount namespace is not taken for one of the cache, by its descriptor"
fi
kill "$other" 2>/dev/null
wait "$other" 2>/dev/null

# --- an exchange for a link ------------------------------------------------------------------
# Root's program is safe against it by itself: it goes down by descriptors, and follows no link.
cat >"$T/unpack.py" <<'END'
import os, sys
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
def down(fd, name):
    try:
        os.mkdir(name, 0o755, dir_fd=fd)
    except FileExistsError:
        pass
    return os.open(name, DIRECTORY, dir_fd=fd)
fd = down(down(os.open(sys.argv[1], DIRECTORY), "t"), "__pycache__")
name = os.path.basename(sys.argv[2])
os.write(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=fd), open(sys.argv[2], "rb").read())
END
evil=$T/m.$TAG.pyc
"$PY" -c 'import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2])' "$T/$ATTACKER/m.py" "$evil"
site
tree=$T/$ATTACKER/tree
mkdir "$tree" "$site/__pycache__" && chown "$ATTACKER" "$tree"
with 0 "$cache" LD_PRELOAD="$SO $T/lib/libat.so" AT="open:__pycache__:after" DO="cd '$tree' && mv t old && ln -s '$site' t" \
	"$PY" "$T/unpack.py" "$tree" "$evil" >"$T/said" 2>&1
is "$(readlink "$tree/t") $(in_site)" "$site " \
	"a file that a program creates by the descriptor of a directory does not get into another one"

# What the cache has of the attacker's source goes to the tree, when root's program writes there.
while IFS='|' read -r what at how; do
	site
	rm -rf "$tree" && mkdir -p "$tree/t" && cp -p "$T/$ATTACKER/m.py" "$tree/t" && chown -R "$ATTACKER" "$tree"
	with 0 "$cache" "$PY" -c "$(imports "$tree/t")" >"$T/said" 2>&1
	made=$(entries "$cache" | grep -c "/m\.$TAG")
	with 0 "$cache" LD_PRELOAD="$SO $T/lib/libat.so" AT="$at" DO="cd '$tree' && mv t old && ln -s '$site' t" \
		"$PY" -c "$how" >"$T/said" 2>&1
	is "$made $(readlink "$tree/t") $(in_site)" "1 $site " \
		"bytecode of others' sources does not get into another directory while a program $what"
done <<-WAYS
	writes a pyc beside it|stat:m.py:after|import shutil; shutil.copyfile("$evil", "$tree/t/__pycache__/n.$TAG.pyc")
	opens it to append|open:/t:after|open("$tree/t/__pycache__/m.$TAG.pyc", "ab")
WAYS

# He exchanges the __pycache__ itself.
while IFS='|' read -r what at how; do
	site
	mkdir "$site/__pycache__"
	rm -rf "$tree" && mkdir -p "$tree/t" && cp -p "$T/$ATTACKER/m.py" "$tree/t" && chown -R "$ATTACKER" "$tree"
	with 0 "$cache" "$PY" -c "$(imports "$tree/t")" >"$T/said" 2>&1
	made=$(entries "$cache" | grep -c "/m\.$TAG")
	with 0 "$cache" LD_PRELOAD="$SO $T/lib/libat.so" AT="$at" \
		DO="cd '$tree/t' && mkdir -p __pycache__ && mv __pycache__ old && ln -s '$site/__pycache__' __pycache__" \
		"$PY" -c "$how" >"$T/said" 2>&1
	is "$made $(readlink "$tree/t/__pycache__") $(in_site | grep /m)" "1 $site/__pycache__ " \
		"bytecode of others' sources does not get through a link in the place of their __pycache__ while a program $what"
done <<-WAYS
	writes a pyc beside it|open:/t:after|import shutil; shutil.copyfile("$evil", "$tree/t/__pycache__/n.$TAG.pyc")
	opens it to change it|open:/m.$TAG.pyc|open("$tree/t/__pycache__/m.$TAG.pyc", "r+b")
WAYS

# A link that nobody else can exchange is followed.
site
mkdir "$T/0/links" && ln -s "$T/0/links" "$site/__pycache__"
with 0 "$cache" "$PY" -c "$(imports "$site")" >"$T/said" 2>&1
made=$(find "$T/0/links" -name '*.pyc')
with 0 "$cache" "$PY" -c "open('$site/__pycache__/m.$TAG.pyc', 'r+b')"
is "$made $(ls "$T/0/links")" " m.$TAG.pyc" "(bytecode that a program changes gets through a link of root's)"

# --- another root directory ------------------------------------------------------------------
# Root's program goes into a directory with files of an archive, and becomes another user. Below it
# is something like a cache, at the same path.
jail=$T/jail cache=$T/0/jailed
official "$jail/app"
mkdir -p "$jail$cache/v1"
forge "$jail/app/m.py" "$jail$cache/v1/$TAG/tree/app/__pycache__/m.$TAG.pyc"
for become in "" "os.setgid($VICTIM); os.setuid($VICTIM)" "os.seteuid($VICTIM)"; do
	is "$(with 0 "$cache" "$PY" -B -c "import os, sys; os.chroot('$jail'); os.chdir('/'); $become
sys.path.insert(0, '/app'); import m" 2>&1 | tail -1)" TRUSTED "after chroot, no cache below the new root directory is used (${become:-as root})"
done

# --- what a look shows and what an open opens --------------------------------------------------
# The cache has bytecode under the name. The attacker puts something else there.
cache=$T/$VICTIM/seen tree=$T/$ATTACKER/seen
mkdir "$tree" && echo 'x = 1' >"$tree/m.py" && chown -R "$ATTACKER" "$tree"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$tree")"
wrong=
for kind in "ln -s $T/0 " mkfifo mkdir; do
	rm -rf "$tree/__pycache__" && mkdir "$tree/__pycache__"
	$kind "$tree/__pycache__/m.$TAG.pyc" && chown -hR "$ATTACKER" "$tree"
	for look in lstat:S_ISREG stat:S_ISREG; do
		with "$VICTIM" "$cache" "$PY" -c "import os, stat, sys
sys.exit(stat.${look#*:}(os.${look%:*}('$tree/__pycache__/m.$TAG.pyc').st_mode))" || wrong="$wrong $kind:$look"
	done
done
is "$(entries "$cache" | grep -c "$tree/")$wrong" 1 "a link, a pipe or a directory in the place of bytecode is seen as such"

# A program that looks at all files before it opens them gets the tree's own, stale or not.
rm -rf "$tree/__pycache__" "$tree/old" "$cache" && chmod 755 "$tree"
as "$ATTACKER" "$PY" -c "import py_compile; py_compile.compile('$tree/m.py')"
sleep 0.1
as "$ATTACKER" chmod 640 "$tree/m.py" && as "$ATTACKER" chmod 644 "$tree/m.py"
with "$VICTIM" "$cache" "$PY" -c "import tarfile
with tarfile.open('$T/$VICTIM/seen.tar', 'w') as tar: tar.add('$tree', 'seen')" >"$T/said" 2>&1
is "$? $(tar -tf "$T/$VICTIM/seen.tar" | grep -c .)" "0 4" "others' bytecode that is older than its source does not end an archive"
for junk in "junk" "$(printf '%01000d' 0)"; do
	rm -rf "$cache" && as "$ATTACKER" sh -c "echo 'x = 1' >'$tree/m.py'; printf '%s' '$junk' >'$tree/__pycache__/m.$TAG.pyc'"
	with "$VICTIM" "$cache" "$PY" -c "$(imports "$tree")"
	made=$(entries "$cache" | grep -c "$tree/")
	as "$ATTACKER" sh -c "echo 'x = 12' >'$tree/m.py'" # now neither belongs to it
	with "$VICTIM" "$cache" "$PY" -c "import tarfile
with tarfile.open('$T/$VICTIM/seen.tar', 'w') as tar: tar.add('$tree', 'seen')" >"$T/said" 2>&1
	is "$made $? $(tar -xOf "$T/$VICTIM/seen.tar" "seen/__pycache__/m.$TAG.pyc" | wc -c)" "1 0 ${#junk}" \
		"a program that looks at a pyc that is stale in the cache and in the tree gets the tree's (${#junk} bytes)"
done

# By its name alone, others' bytecode is that of an interpreter, or of a compiler.
own=$T/$VICTIM/named theirs=$tree/encodings/__pycache__
mkdir -p "$own" "$theirs" && echo 'x = 1' >"$own/m.py" && chown -R "$VICTIM" "$own"
rm -rf "$cache"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$own")"
echo >"$tree/encodings/__init__.py"
printf '\1\2\r\n\0\0\0\0abcdefghijkl' >"$theirs/__init__.$TAG.pyc"
echo >"$tree/__pycache__/compileall.$TAG.pyc"
chown -R "$ATTACKER" "$tree"
for command in cat "tar cO"; do
	with "$VICTIM" "$cache" $command "$theirs/__init__.$TAG.pyc" "$own/__pycache__/m.$TAG.pyc" >"$T/copied" 2>"$T/said"
	is "$? $(($(wc -c <"$T/copied") > 100))" "0 1" "bytecode in others' encodings does not keep \`$command\` from the user's"
done
touch -d 2020-01-01 "$own/m.py"
with "$VICTIM" "$cache" tar cO "$tree/__pycache__/compileall.$TAG.pyc" "$own/__pycache__/m.$TAG.pyc" >"$T/copied" 2>"$T/said"
is $? 0 "others' bytecode called compileall does not keep \`tar\` from the user's"

# The victim's bytecode is stale, and there is other bytecode for the present source: an object, or a
# layer's. Programs ask for the size first, and read so much.
packed='import marshal, os, sys, tarfile
with tarfile.open(sys.argv[2], "w") as tar: tar.add(sys.argv[1], "seen")
with tarfile.open(sys.argv[2]) as tar:
    for member in tar:
        if member.name.endswith(".pyc"): marshal.loads(tar.extractfile(member).read()[16:])'
tree=$T/$VICTIM/updated
long="y = $("$PY" -c 'print([*range(500)])')" short='y = 2'
same="y = 2 #$(printf "%$((${#long} - 7))s")"
as "$VICTIM" mkdir "$tree"
while IFS='|' read -r what old new like; do
	for where in object layer; do
		rm -rf "$tree" "$cache" && as "$VICTIM" mkdir -p "$tree/a/__pycache__" "$tree/b"
		as "$VICTIM" touch "$tree/a/__pycache__/other.txt" # so that the directory is listed
		echo "${!new}" | as "$VICTIM" tee "$tree/a/m.py" "$tree/b/m.py" >/dev/null
		how=()
		if [ $where = layer ]; then
			rm -rf "$T/$VICTIM/layer" && with "$VICTIM" "$T/$VICTIM/layer" "$PY" -c "$(imports "$tree/a")"
			how=(PYCSTASH_LAYERS="$T/$VICTIM/layer" PYCSTASH_SHARE=0)
		else
			with "$VICTIM" "$cache" "$PY" -c "$(imports "$tree/b")"
		fi
		echo "${!old}" | as "$VICTIM" tee "$tree/a/m.py" >/dev/null
		with "$VICTIM" "$cache" PYCSTASH_SHARE=0 "$PY" -c "$(imports "$tree/a")"
		made=$(entries "$cache" | grep -c "$tree/a/")
		as "$VICTIM" cp -p "$tree/a/m.py" "$tree/like"
		echo "${!new}" | as "$VICTIM" tee "$tree/a/m.py" >/dev/null
		as "$VICTIM" touch -r "$tree/$like" "$tree/a/m.py"
		with "$VICTIM" "$cache" "${how[@]}" "$PY" -c "$packed" "$tree/a" "$T/$VICTIM/seen.tar" >"$T/said" 2>&1
		is "$made $?" "1 0" "a program that looks at stale bytecode before it opens it gets no other in its place (the $where's; $what)"
	done
done <<-WAYS
	longer|long|short|b/m.py
	shorter|short|long|b/m.py
	longer, with the source's time and size|long|same|like
	shorter, with the source's time and size|same|long|like
WAYS

# Programs that look at everything before they open the first file, or open in other threads.
tree=$T/$ATTACKER/edited
as "$ATTACKER" mkdir "$tree" && as "$ATTACKER" "$PY" -c "import os, py_compile, time
for i in range(8000): os.close(os.open('$tree/n%d.py' % i, os.O_CREAT))
for name in 'a', 'b', 'c':
    with open('$tree/' + name + '.py', 'w') as file: file.write('x = 1')
    py_compile.compile(file.name)
time.sleep(0.1)
for name in 'a', 'b', 'c':
    path = '$tree/' + name + '.py'
    st = os.stat(path)
    with open(path, 'w') as file: file.write('x = 2')
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))"
while IFS='|' read -r what how; do
	rm -rf "$cache"
	is "$(with "$VICTIM" "$cache" "$PY" -c "import os, threading
def read(name):
    with open(name, 'rb') as file: good.append(len(file.read()) > 16)
good, names = [], []
$how
print(len(good), all(good))" 2>&1 | tail -1)" "3 True" "a program that $what finds all bytecode of others' edited sources"
done <<-WAYS
	looks in one thread and opens in another|names = [e.path for e in os.scandir("$tree/__pycache__") if e.stat().st_size]; [(t := threading.Thread(target=read, args=[n])).start() or t.join() for n in names]
	lists files and opens them|[read("$tree/__pycache__/" + n) for n in os.listdir("$tree/__pycache__")]
	lists files by a descriptor and opens them|[read("$tree/__pycache__/" + n) for n in os.listdir(os.open("$tree/__pycache__", os.O_RDONLY))]
	looks at thousands before it opens one|names = ["$tree/__pycache__/" + n + ".$TAG.pyc" for n in "abc"]; [os.stat(n) for n in names]; [os.path.exists("$tree/__pycache__/n%d.$TAG.pyc" % i) for i in range(8000)]; [read(n) for n in names]
WAYS
is "$(rm -rf "$cache" && with "$VICTIM" "$cache" "$PY" -c "import sys; sys.path.insert(0, '$tree'); import a; print(a.x)")" 2 \
	"(an import gets none of an earlier source)"

# A program closes a file that it sees once: the cache's and the tree's.
own=$T/$VICTIM/closing
mkdir "$own" && echo 'x = 1' >"$own/m.py" && chown -R "$VICTIM" "$own"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$own")"
as "$VICTIM" "$PY" -c "import py_compile; py_compile.compile('$own/m.py')"
with "$VICTIM" "$cache" chmod 600 "$own/__pycache__/m.$TAG.pyc"
is "$(stat -c %a "$own/__pycache__/m.$TAG.pyc") $(with "$VICTIM" "$cache" stat -c %a "$own/__pycache__/m.$TAG.pyc")" "600 600" \
	"a pyc that a program closes is closed in the tree, too"
# A stream is opened by the library and again by libc.
dir=$T/$ATTACKER/streams/__pycache__
mkdir -p "$dir" && chmod 777 "$dir" && echo precious >"$T/$VICTIM/precious" && chown "$VICTIM" "$T/$VICTIM/precious"
with "$VICTIM" "$cache" LD_PRELOAD="$SO $T/lib/libat.so" AT="freopen:" DO="touch '$T/$VICTIM/moment'; cd '$dir' && rm -f m.pyc && ln -s '$T/$VICTIM/precious' m.pyc" \
	"$PY" -c "import ctypes
libc = ctypes.CDLL(None)
libc.fopen.restype = libc.freopen.restype = ctypes.c_void_p
stream = libc.freopen(b'$dir/m.pyc', b'wx', ctypes.c_void_p(libc.fopen(b'/dev/null', b'w')))
libc.fputs(b'new', ctypes.c_void_p(stream))
libc.fclose(ctypes.c_void_p(stream))" >"$T/said" 2>&1
is "$? $(cat "$T/$VICTIM/precious"; ls "$T/$VICTIM/moment")" "0 precious
$T/$VICTIM/moment" "a stream that is to be a new file does not write through a link that others put there"

# --- what commands look at ------------------------------------------------------------------
# Another user's link may lead to a file system that never answers. Here it leads to a file of the
# victim's, and the answer shows whether it was followed.
cache=$T/$VICTIM/cache tree=$T/tree copy=$T/$VICTIM/copy
run() { command_of "$VICTIM" "$cache" "$@" >"$T/said" 2>&1; }
of_tree() { entries "$cache" | grep -c "$tree/__pycache__/m[.]"; }

# The attacker can write to the directory above the victim's source. He moves that, or its own
# directory, elsewhere, and puts a link in its place.
replace() { # WHAT OWNER [MORE]: MORE is added to the source
	rm -rf "$cache" "$tree" "$copy"
	official "$tree" && chown -R "$VICTIM" "$tree"
	with "$VICTIM" "$cache" "$PY" -c "$(imports "$tree")" >"$T/said"
	case $1 in
	source) mkdir "$copy" && mv "$tree/m.py" "$copy" && ln -s "$copy/m.py" "$tree/m.py" && chown -h "$2" "$tree/m.py" ;;
	directory) mv "$tree" "$copy" && ln -s "$copy" "$tree" && chown -h "$2" "$tree" ;;
	esac
	printf '%s' "${3:-}" >>"$copy/m.py"
}
says() { grep -c 'a link of another user, which is not followed' "$T/said"; }

for what in source directory; do
	replace "$what" "$VICTIM" changed
	run gc
	is "$? $(of_tree)" "0 0" "(\`gc\` deletes stale bytecode to whose $what a link of the user's own leads)"
	replace "$what" "$ATTACKER" changed
	run gc
	is "$? $(of_tree)" "0 1" "\`gc\` does not look at a $what to which another user's link leads"

	for owner in "$VICTIM" "$ATTACKER"; do
		replace "$what" "$owner"
		run verify --deep
		deep="$? $(grep -c 'not checked: 1 entries, since their sources .* are behind a link of another user' "$T/said")"
		run ls -l --json
		ls=$(grep -c '"why":"a link that others may have made leads to the source"' "$T/said")
		run explain --python "$PY" "$tree/m.py"
		explain="$(says) $(grep -c '^ok *source .* bytes$' "$T/said")"
		run path "$tree/m.py"
		path="$? $(says)"
		run export --public-only "$T/$VICTIM/x.tar.zst"
		export="$? $(grep -c 'nothing to export' "$T/said")"
		case $owner in
		"$VICTIM")
			is "$deep|$ls|$explain|$path|$export" "0 0|0|0 1|0 0|0 0" "(commands look at a $what to which a link of the user's own leads)"
			continue
			;;
		esac
		is "$deep" "3 1" "\`verify --deep\` does not look at a $what to which another user's link leads, and says so"
		is "$ls" 1 "\`ls\` says that another user's link leads to the $what"
		[ "${explain% 0}" -gt 0 ]
		is "$?" 0 "\`explain\` does not look at a $what to which another user's link leads, and says so"
		is "$path" "3 1" "\`path\` does not look at a $what to which another user's link leads, and says so"
		is "$export" "1 1" "\`export --public-only\` leaves out bytecode to whose $what another user's link leads"
	done
done
replace directory "$ATTACKER"
run verify --deep "$T/other"
is "$(grep -c 'not checked: 1 entries' "$T/said")" 1 "\`verify\` of some path counts a directory to which another user's link leads as part of it"

# --- what is compiled -----------------------------------------------------------------------
# The victim's cache has bytecode of a private source. The attacker makes his directory a link to
# that when the command has scanned it, and is about to compile.
rm -rf "$cache" "$tree" && mkdir -m 700 "$copy/private" && echo 'KEY = "SECRET"' >"$copy/private/m.py"
chown -R "$VICTIM" "$copy" && official "$tree/x" && ln -s "$copy/private" "$tree/l"
chown -hR "$ATTACKER" "$tree" && chmod 777 "$tree" "$tree/x"
with "$VICTIM" "$cache" "$PY" -c "$(imports "$copy/private")"
as "$VICTIM" PYCSTASH_DIR="$cache" LD_PRELOAD="$T/lib/libat.so" AT=look:libpycstash.so \
	DO="cd '$tree' && mv -T x old && mv -T l x" "$PYCSTASH" warm --python "$PY" "$tree" >"$T/said" 2>&1
is "$? $(readlink "$tree/x") $(grep -c 'its directory has just been exchanged' "$T/said") $(entries "$cache" | grep -c "$tree/")" \
	"3 $copy/private 1 0" "\`warm\` leaves no bytecode of a private source under the name of a directory that becomes a link to it"

# Or he makes the source a link to it, before the command looks at it again, or when the interpreter opens it.
while IFS='|' read -r when at why; do
	rm -rf "$cache" "$tree" && official "$tree" && ln -s "$copy/private/m.py" "$tree/l"
	chown -hR "$ATTACKER" "$tree" && chmod 777 "$tree"
	as "$VICTIM" PYCSTASH_DIR="$cache" LD_PRELOAD="$T/lib/libat.so" AT="$at" \
		DO="cd '$tree' && mv -f l m.py" "$PYCSTASH" warm --python "$PY" "$tree" >"$T/said" 2>&1
	is "$? $(readlink "$tree/m.py") $(grep -c "/m.py: $why" "$T/said") $(entries "$cache" | grep -c "$tree/") $(grep -rl SECRET "$cache")" \
		"3 $copy/private/m.py 1 0 " "\`warm\` reports a source that becomes another user's link $when, and leaves no bytecode of it"
done <<-WAYS
	after the scan|look:libpycstash.so|a link of another user, which is not followed
	when an interpreter opens it|open:/m.py|it was changed a moment before it was compiled
WAYS

# --- what is run ----------------------------------------------------------------------------
# The group may rename what is in the victim's directory for temporary files.
mkdir -p "$T/tmp/evil" && echo 'print("ATTACKER"); value = 1' >"$T/tmp/evil/pycstash_proof.py"
chown -R "$ATTACKER" "$T/tmp/evil" && chown "$VICTIM:$ATTACKER" "$T/tmp" && chmod 2775 "$T/tmp"
proof() {
	rm -rf "$cache" && mkdir -m 700 "$cache" && chown "$VICTIM" "$cache"
	as "$VICTIM" PYCSTASH_DIR="$cache" TMPDIR="$T/tmp" LD_PRELOAD="$T/lib/libat.so" AT=open:/pycstash_proof.py \
		DO="cd '$T/tmp' && mine=\$(echo pycstash-doctor.*) && mv -T \$mine theirs && mv -T evil \$mine" "$PYCSTASH" doctor "$PY" >"$T/said" 2>&1
	echo "$(grep -c '^ok *proof ' "$T/said") $(grep -c '^warn *proof .*in which nobody else' "$T/said") $(ls "$T/tmp")"
}
is "$(proof)" "1 0 evil" "\`doctor\` runs no module from a directory for temporary files that others may exchange"

# --- directories above that others can exchange ------------------------------------------
# The directory of the sources is below one that only the way to a cache may lead through.
cache=$T/$VICTIM/strict
later() { with "$VICTIM" "$cache" "$@" 2>&1; }
made() { entries "$cache" | grep -c "/m\.$TAG"; }
swapped() { # ABOVE MOVER [COMMAND…]: what is in the older directory that MOVER puts in the place of a private one in ABOVE
	rm -rf "$cache" "$1"/*
	mkdir "$1/older" "$1/private" && echo 'x = "SECRET"' >"$1/private/m.py"
	chown -R "$VICTIM" "$1/older" "$1/private" && chmod 700 "$1/private"
	later "${@:3}" "$PY" -c "$(imports "$1/private")" >"$T/said"
	made
	as "$2" sh -c "cd '$1' && mv private old && mv older private"
	later "${@:3}" "$PY" -c "import os
os.makedirs('$1/private/__pycache__', exist_ok=True)
open('$1/private/__pycache__/n.$TAG.pyc', 'wb').write(b'x')" >>"$T/said"
	(cd "$1/private/__pycache__" && echo *)
}
shown() { # ABOVE [COMMAND…]: does a program see what the cache has of a directory of the user's in ABOVE?
	mkdir "$1/shown" && echo 'x = 1' >"$1/shown/m.py" && chown -R "$VICTIM" "$1/shown"
	later "${@:2}" "$PY" -c "$(imports "$1/shown"); import os; print(os.path.exists('$1/shown/__pycache__'))"
}

# It is a mount point that all can write to.
volume() { mount -t tmpfs -o "mode=$1" none "$T/volume" && (swapped "$T/volume" "$2" && shown "$T/volume") | xargs; }
mkdir "$T/volume"
export -f as with later made imports entries swapped shown volume
export T VICTIM ATTACKER SO PY TAG cache
what="bytecode of a private source is not left in the directory that others put in its place in a mount point that all can write to"
if unshare -m true 2>/dev/null; then
	is "$(unshare -m bash -c 'volume 755 0')" "1 m.$TAG.pyc n.$TAG.pyc True" \
		"granted: root decides which of the user's directories is where in a mount point"
	is "$(unshare -m bash -c "volume 777 $ATTACKER")" "1 n.$TAG.pyc False" "$what, where programs see nothing of what the cache has"
else
	skip "$what" "this needs to mount"
fi

# In a user namespace of the victim's, root and others look the same.
what="in a user namespace, bytecode of others' sources does not get to where a link of theirs leads"
as "$VICTIM" unshare -Ur true 2>/dev/null || skip_all "$what" "no user namespaces"
chown "$VICTIM" "$T" # root's would look like another user's
own=$T/own dir=$T/his above=$T/above
rm -rf "$cache" && official "$own"
chown -R "$VICTIM" "$own"
mkdir "$dir" && printf "%-$(($(stat -c %s "$own/m.py") - 1))s\n" 'print("ATT")' >"$dir/m.py"
touch -r "$own/m.py" "$dir/m.py"
chown -R "$ATTACKER" "$dir"
later unshare -Ur "$PY" -c "import py_compile; py_compile.compile('$dir/m.py')" >"$T/said"
was=$(made)
as "$VICTIM" "$PY" -c "$(imports "$own")" >"$T/said" # which leaves its bytecode in the tree
as "$ATTACKER" ln -s "$own/__pycache__" "$dir"
later unshare -Ur "$PY" -c "import os; os.chmod('$dir/__pycache__/m.$TAG.pyc', 0o644)" >"$T/said"
is "$was $(as "$VICTIM" "$PY" -c "$(imports "$own")")" "1 TRUSTED" "$what"

mkdir "$above" && chown "$VICTIM" "$above"
is "$(swapped "$above" "$VICTIM" unshare -Ur | xargs)" "1 m.$TAG.pyc n.$TAG.pyc" \
	"granted: in a user namespace, the user decides which of the user's directories is where"
chown "$ATTACKER" "$above"
is "$(swapped "$above" "$ATTACKER" unshare -Ur | xargs)" "1 n.$TAG.pyc" \
	"in a user namespace, bytecode of a private source is not left in the directory that others put in its place"
is "$(shown "$above" unshare -Ur)" False \
	"in a user namespace, programs see nothing of what the cache has of directories that others can exchange"

rm -rf "$cache" "$own/__pycache__"
is "$(later unshare -Ur "$PY" -c "$(imports "$own"); import os
print(os.listdir('$own/__pycache__'), os.path.exists('$own/__pycache__/m.$TAG.pyc'))" | xargs) $(ls "$own")" \
	"TRUSTED [m.$TAG.pyc] True m.py" "(in a user namespace, programs see what the cache has of the user's own sources)"
# Strangers' links look like root's there, wherever they are.
run_there() { later unshare -Ur "$PYCSTASH" "$@" >"$T/said" 2>&1; }
rm -rf "$cache" "$dir"
mkdir "$dir" && ln -s "$own/m.py" "$dir/m.py" && chown -Rh "$ATTACKER" "$dir"
run_there warm -q --python "$PY" --dir "$cache" "$dir"
is "$? $(says) $(made)" "3 1 0" "in a user namespace, commands follow no link of another user's to the user's sources"
ln -s "$own" "$T/mine" && chown -h "$VICTIM" "$T/mine"
run_there warm -q --python "$PY" --dir "$cache" "$T/mine"
is "$? $(made)" "0 1" "(in a user namespace, commands follow links of the user's own)"
chown 0 "$T"
done_testing
