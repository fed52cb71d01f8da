#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash doctor: says which programs can be served, which cannot, and why.
. "$(dirname "$0")/../lib/tap.sh"

doctor() { "$PYCSTASH" doctor --timeout 20 "$@"; }
finds() { # CODE PATTERN COMMAND…: it exits with CODE, and a line of its output fits
	local code=$1 pattern=$2 said got
	shift 2
	said=$("$@" 2>&1)
	got=$?
	[ $got = "$code" ] && printf '%s\n' "$said" | grep -qE -- "$pattern" && return
	echo "exit code $got, wanted $code and a line like: $pattern"
	echo "$said"
	return 1
}
no_litter() { # nothing of ours is left in the directory for temporary files
	[ -z "$(ls -d "$TMPDIR"/pycstash-doctor.* 2>/dev/null)" ]
}
export TMPDIR=$T/tmp PYCSTASH_DIR=$CACHE
mkdir "$TMPDIR"
chmod 755 "$T"
chmod 1777 "$TMPDIR"
python=$(interpreters cached | head -1)
if [ -z "$python" ]; then
	skip_all "doctor" "no interpreter"
fi

# --- interpreters ---------------------------------------------------------------------
for each in $(interpreters); do
	case $each in
	*/python2.*)
		check "$(named "$each") cannot be served, and it says why" \
			finds 1 '^fail +proof +Python 2\.7: it keeps its bytecode beside' doctor "$each"
		;;
	*)
		check "$(named "$each") can be served" finds 0 '^ok +proof +Python 3' doctor "$each"
		is "$(doctor "$each" | grep -vE '^ok|^warn +file system|can be served$')" "" "$(named "$each"): doctor has nothing to warn of"
		;;
	esac
done
is "$(ls -A "$CACHE" 2>/dev/null)" "" "the proof does not touch the user's cache"
check "the proof says that its cache is a temporary one" finds 0 '^ok +proof .* a cache made for this proof$' doctor "$python"
check "a name is found on PATH" finds 0 "^ok +interpreter +$python" \
	env PATH="$(dirname "$python"):$PATH" "$PYCSTASH" doctor "${python##*/}"
ln -s "$python" "$T/link"
check "a symlink is followed but keeps its name" finds 0 "^ok +interpreter +$T/link" doctor "$T/link"
"$python" -m venv --without-pip "$T/venv" >/dev/null 2>&1
check "a virtual environment's python can be served" finds 0 '^ok +proof' doctor "$T/venv/bin/python"
check "doctor finds the same under the library itself" finds 0 '^ok +proof' \
	"$PYCSTASH" run "$PYCSTASH" doctor "$python"

# --- scripts --------------------------------------------------------------------------
printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >"$T/shim"
printf '#!/bin/sh\n"%s" "$@"\n' "$python" >"$T/parent"
printf '#!/bin/sh\necho hello\n' >"$T/stranger"
printf 'just text\n' >"$T/text"
chmod +x "$T/shim" "$T/parent" "$T/stranger" "$T/text"
check "doctor examines the Python that a script runs, and warns about the script" \
	finds 0 "^warn +interpreter .*#!/bin/sh.*runs $python" doctor "$T/shim"
check "the proof works through a script that stays Python's parent" finds 0 '^ok +proof' doctor "$T/parent"
check "the proof fails for a script that does not run Python" finds 1 '^fail +proof .*output is not what Python would print' doctor "$T/stranger"
"$PYCSTASH" wrap --dir "$T/wrapped" -o "$T/wrapper" "$python"
check "doctor knows a wrapper" finds 0 "^ok +interpreter .*wrapper of $python" doctor "$T/wrapper"
cp "$SO" "$T/libpycstash.so"
"$PYCSTASH" wrap --library "$T/libpycstash.so" -o "$T/stale" "$python"
rm "$T/libpycstash.so"
check "doctor reports a wrapper whose library is gone" finds 1 "^fail +interpreter .*library is gone.*run: pycstash wrap -o $T/stale $python\$" \
	doctor "$T/stale"
is "$(ls -d "$T/wrapped" 2>/dev/null)" "" "doctor leaves a wrapper's own cache alone"
printf '#!%s -s\nimport json\n' "$python" >"$T/tool"
chmod +x "$T/tool"
check "a script of a Python is examined by that Python" \
	finds 0 "^ok +interpreter +$T/tool is a script; its interpreter is examined: $python" doctor "$T/tool"
printf '#!/usr/bin/env %s\nimport json\n' "${python##*/}" >"$T/tool"
check "a script whose interpreter env finds can be served" finds 0 '^ok +proof' \
	env PATH="${python%/*}:$PATH" "$PYCSTASH" doctor "$T/tool"
if gdb -nx -batch -ex 'python print("inside")' 2>/dev/null | grep -q inside; then
	check "a program with Python inside that takes no -c is not called unserved" \
		finds 0 '^warn +proof +not made: it contains Python' doctor gdb
else
	skip "a program with Python inside that takes no -c is not called unserved" "no gdb with Python"
fi
check "a text file is not an interpreter" finds 1 '^fail +interpreter .*neither' doctor "$T/text"
check "a program that is not a Python is reported" finds 1 '^fail +proof' doctor /bin/true
is "$(doctor /bin/true | tail -1)" "/bin/true is not a Python that doctor can examine" \
	"of a program that may load Python later, doctor does not say that it cannot be served"
check "a missing interpreter is reported" finds 1 '^fail +interpreter .*no such interpreter' doctor no-such-python
check "a path that does not exist is reported" finds 1 '^fail +interpreter .*no such interpreter' doctor /no/such/python

# --- programs that nothing can be preloaded into --------------------------------------
echo 'int main(void){return 0;}' >"$T/main.c"
if ${CC:-cc} -static -o "$T/static" "$T/main.c" 2>/dev/null; then
	check "a static program cannot be served" finds 1 '^fail +linking .*statically' doctor "$T/static"
else
	skip "a static program cannot be served" "no static libc"
fi
${CC:-cc} -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 -o "$T/musl" "$T/main.c"
check "a program for another libc cannot be served" finds 1 '^fail +(loading .*musl|proof )' doctor "$T/musl"
real=$(readlink -f "$python")
cp "$real" "$T/setuid"
chmod 4755 "$T/setuid"
check "a set-user-ID program cannot be served" finds 1 '^fail +privileges .*set-user-ID' doctor "$T/setuid"
chmod 2755 "$T/setuid"
check "a set-group-ID program cannot be served" finds 1 '^fail +privileges .*set-group-ID' doctor "$T/setuid"
chmod 755 "$T/setuid"
if setcap cap_net_raw+ep "$T/setuid" 2>/dev/null || /sbin/setcap cap_net_raw+ep "$T/setuid" 2>/dev/null; then
	check "a program with file capabilities cannot be served" finds 1 '^fail +privileges .*capabilities' doctor "$T/setuid"
else
	skip "a program with file capabilities cannot be served" "setcap does not work here"
fi
cp "$real" "$T/foreign"
printf '\xf7\x00' | dd of="$T/foreign" bs=1 seek=18 conv=notrunc 2>/dev/null
check "a program for another machine cannot be served" finds 1 '^fail +machine .*machine 247' doctor "$T/foreign"
printf '\x01' | dd of="$T/foreign" bs=1 seek=4 conv=notrunc 2>/dev/null
check "a 32-bit program cannot be served" finds 1 '^fail +machine .*32-bit' doctor "$T/foreign"
for size in 4 20 63 64 100 400 1000; do
	head -c $size "$real" >"$T/cut$size"
	chmod +x "$T/cut$size"
	check "a program that is truncated after $size bytes is reported" finds 1 '^fail' doctor "$T/cut$size"
done

# --- the library ----------------------------------------------------------------------
check "a missing library is reported" finds 1 '^fail +library .*/no/such.so' doctor --library /no/such.so "$python"
echo 'int nothing;' | ${CC:-cc} -shared -fPIC -x c - -o "$T/idle.so"
check "a library that does nothing is found out by the proof" \
	finds 1 '^fail +proof .*next to the source' doctor --library "$T/idle.so" "$python"
check "a library that is not an ELF file is reported" finds 1 '^fail +machine .*Exec format' \
	doctor --library "$T/main.c" "$python"
${CC:-cc} -shared -fPIC -o "$T/libgone.so" "$T/main.c"
${CC:-cc} -shared -fPIC -Wl,--no-as-needed -o "$T/needy.so" "$T/main.c" -L"$T" -lgone
rm "$T/libgone.so"
check "a library that ld.so does not load is reported with the reason" \
	finds 1 '^fail +loading .*libgone.so' doctor --library "$T/needy.so" "$python"

# --- the environment ------------------------------------------------------------------
check "PYTHONDONTWRITEBYTECODE is warned of" finds 0 '^warn +environment +PYTHONDONTWRITEBYTECODE' \
	env PYTHONDONTWRITEBYTECODE=1 "$PYCSTASH" doctor "$python"
check "PYTHONDONTWRITEBYTECODE is a failure with --keep-dontwrite" finds 1 '^fail +environment +PYTHONDONTWRITEBYTECODE' \
	env PYTHONDONTWRITEBYTECODE=1 "$PYCSTASH" doctor --keep-dontwrite "$python"
for each in $(interpreters cached); do
	case $each in
	*/python3.[67]) code=0 pattern='^ok +proof' ;; # heeds no such variable
	*) code=1 pattern='^fail +environment +PYTHONPYCACHEPREFIX .*unset PYTHONPYCACHEPREFIX$' ;;
	esac
	check "$(named "$each") under PYTHONPYCACHEPREFIX is served where it does not heed it" \
		finds $code "$pattern" env PYTHONPYCACHEPREFIX="$T/prefix" "$PYCSTASH" doctor "$each"
done
check "with PYCSTASH_DISABLE nothing is served" \
	finds 1 '^fail +environment +PYCSTASH_DISABLE .*unset PYCSTASH_DISABLE$' \
	env PYCSTASH_DISABLE=1 "$PYCSTASH" doctor "$python"
mkdir -p "$T/config/pycstash"
echo 'disable = yes' >"$T/config/pycstash/pycstash.conf"
check "for disable in a file, doctor says how to unset it there" \
	finds 1 "^fail +environment +PYCSTASH_DISABLE is set in $T/config/pycstash/pycstash.conf: .*run: pycstash config unset disable\$" \
	env XDG_CONFIG_HOME="$T/config" "$PYCSTASH" doctor "$python"
rm -r "$T/config"
check "a log below a directory that is not there is warned of" \
	finds 0 "^warn +log +nothing is written to $T/no/log: No such file or directory" doctor --log "$T/no/log" "$python"
mkfifo "$T/fifo"
check "a log that is a pipe is warned of" finds 0 '^warn +log .*neither a file nor a terminal' doctor --log "$T/fifo" "$python"
is "$(doctor --log "$T/log" "$python" | grep -c '^warn  log') $(ls "$T/log" 2>/dev/null)" "0 " "doctor does not create the log, and does not warn about one that can be created"
if [ "$(id -u)" = 0 ]; then
	echo >"$T/log"
	chown 65534 "$T/log"
	check "a log that is another user's is warned of" finds 0 '^warn +log .*belongs to another user' doctor --log "$T/log" "$python"
else
	skip "a log that is another user's is warned of" "needs root"
fi
check "PYCSTASH_EXCLUDE=/ is a failure, since nothing is served" finds 1 '^fail +environment .*excludes every source' \
	env PYCSTASH_EXCLUDE=/srv:/ "$PYCSTASH" doctor "$python"
check "other places in PYCSTASH_EXCLUDE do no harm" finds 0 '^ok +environment .*below /srv are left' \
	env PYCSTASH_EXCLUDE=/srv "$PYCSTASH" doctor "$python"
check "a library that LD_PRELOAD names and that is not there is found" \
	finds 1 "^fail +environment +LD_PRELOAD names $T/wrong/libpycstash.so, .*set LD_PRELOAD=$SO\$" \
	env LD_PRELOAD="$T/wrong/libpycstash.so" "$PYCSTASH" doctor "$python"
check "another library that is not there is warned of" \
	finds 0 "^warn +environment +LD_PRELOAD names $T/wrong/libother.so" \
	env LD_PRELOAD="$T/wrong/libother.so" "$PYCSTASH" doctor "$python"
check "PYCSTASH_READONLY is warned of" finds 1 '^warn +environment +PYCSTASH_READONLY' doctor --readonly "$python"
check "other places in PYCSTASH_ONLY do not spoil the proof" finds 0 '^ok +proof' doctor --only /srv "$python"
mkdir "$T/site"
echo 'import sys; sys.dont_write_bytecode = True' >"$T/site/sitecustomize.py"
check "a Python that was told elsewhere to write no bytecode is found out" \
	finds 1 '^fail +proof .*dont_write_bytecode' env PYTHONPATH="$T/site" "$PYCSTASH" doctor "$python"
rm -rf "$T/site"
check "chatter on standard output does not disturb the proof" finds 0 '^ok +proof' \
	env PYTHONVERBOSE=1 PYTHONOPTIMIZE=1 "$PYCSTASH" doctor "$python"

new=$(interpreters cached | grep '/3\.1[1-9]\.' | head -1)
if [ -n "$new" ]; then
	check "a Python that writes no debug ranges can be served" finds 0 '^ok +proof' \
		env PYTHONNODEBUGRANGES=1 "$PYCSTASH" doctor "$new"
else
	skip "a Python that writes no debug ranges can be served" "no Python 3.11 or later"
fi

mkdir -p "$HOME/.config/pycstash"
echo 'max_szie = 1G' >"$HOME/.config/pycstash/pycstash.conf"
check "a wrong configuration file is warned of" finds 0 '^warn +settings .*pycstash.conf:1: .*max_size' doctor "$python"
echo "readonly = yes" >"$HOME/.config/pycstash/pycstash.conf"
check "doctor uses the settings of the files" finds 1 '^warn +environment +PYCSTASH_READONLY' doctor "$python"
rm -r "$HOME/.config"

# --- the cache's place ----------------------------------------------------------------
cached() { # CODE PATTERN SENTENCE: for the directory $T/c
	check "$3" finds "$1" "$2" doctor --dir "$T/c" "$python"
}
cached 0 '^ok +cache .*will be made' "doctor says that a missing cache will be made"
is "$(ls -d "$T/c" 2>/dev/null)" "" "doctor does not create a cache"
mkdir -p "$T/c/v1"
chmod 700 "$T/c/v1"
cached 0 "^ok +cache +$T/c\$" "doctor finds nothing wrong with the user's own cache"
chmod 755 "$T/c/v1"
cached 1 '^fail +cache .*v1' "a cache whose v1 others can read is reported"
chmod 700 "$T/c/v1"
chmod 775 "$T/c"
cached 1 "^fail +cache .*others can write.*; run: chmod go-w $T/c\$" "a cache that others can write to is reported"
chmod 2770 "$T/c" "$T/c/v1" # as Kubernetes does with fsGroup
todo=$(doctor --dir "$T/c" "$python" | sed -n 's/^fail .*others may have changed the bytecode in it; run: //p')
check "for a cache that others could write to, doctor suggests a command that runs" sh -c "$todo"
cached 0 "^ok +cache +$T/c" "after the command that doctor suggests, the cache is used again"
is "$(ls "$T/c")" "" "the command that doctor suggests deletes bytecode that others could change"
check "in a pod doctor names the setting that opened the cache" finds 1 '^fail +cache .*fsGroupChangePolicy' \
	env KUBERNETES_SERVICE_HOST=x sh -c "mkdir '$T/c/v1' && chmod 2770 '$T/c' '$T/c/v1' && exec '$PYCSTASH' doctor --dir '$T/c' '$python'"
rm -rf "$T/c"
mkdir -p -m 700 "$T/c" "$T/c/v1" "$T/c/v1/.state"
touch -d '3 days ago' "$T/c/v1/CACHEDIR.TAG"
cached 0 '^warn +gc +it has never run' "a gc that never ran is warned of"
touch "$T/c/v1/CACHEDIR.TAG"
is "$(doctor --dir "$T/c" "$python" | grep -c '^[a-z]* *gc ')" 0 "a new cache is not warned of although gc never ran"
touch -d '200 minutes ago' "$T/c/v1/.state/gc"
cached 0 '^ok +gc +last run 3h ago$' "doctor says when gc ran last"
touch -d '220 hours ago' "$T/c/v1/.state/gc"
cached 0 '^warn +gc +last run 9d ago' "a gc that ran long ago is warned of"
mkdir "$T/c/v2"
cached 0 "^warn +cache +$T/c/v2 is of another version" "another version's layout is warned of"
touch "$T/c/v1/cpython-399"
cached 0 "^warn +cache +$T/c/v1/cpython-399 is not a directory.*run: rm $T/c/v1/cpython-399\$" "a version that is a file is warned of"
rm "$T/c/v1/cpython-399"
mkdir "$T/c/v1/cpython-399"
ln -s /nowhere "$T/c/v1/cpython-399/tree"
cached 0 "^warn +cache +$T/c/v1/cpython-399/tree is not a directory" "a version whose tree is a link to nothing is warned of"
rm -r "$T/c/v1/cpython-399"
if [ "$(id -u)" = 0 ]; then
	mkdir "$T/c/v1/cpython-399"
	chown 65534 "$T/c/v1/cpython-399"
	cached 0 "^warn +cache +$T/c/v1/cpython-399 belongs to another user" "a version that belongs to another user is warned of"
	rmdir "$T/c/v1/cpython-399"
else
	skip "a version that belongs to another user is warned of" "needs root"
fi
in_a_mount() { # OPTIONS: doctor on a cache in a tmpfs mounted with them
	unshare -rm sh -c 'mount -t tmpfs -o "$0" none "$1" && "$2" doctor --dir "$1/cache" "$3"' \
		"$1" "$T/c/v2" "$PYCSTASH" "$python"
}
if unshare -rm true 2>/dev/null; then
	check "doctor says how much space is left" finds 0 '^ok +file system +[0-9.]*[KM]i?B? are free' in_a_mount size=1M
	check "noatime is warned of" finds 0 '^warn +file system .*noatime' in_a_mount noatime
	check "a file system without inodes is reported" finds 1 '^warn +file system .*inodes' in_a_mount nr_inodes=1
	full() {
		unshare -rm sh -c 'mount -t tmpfs -o size=1M none "$0" && head -c 2M /dev/zero >"$0/fill" 2>/dev/null
			"$1" doctor --dir "$0/cache" "$2"' "$T/c/v2" "$PYCSTASH" "$python"
	}
	# shellcheck disable=SC2016 # for the inner shell
	check "a library on a file system mounted noexec is reported" finds 1 '^fail +loading .*mounted noexec.*--library COPY' \
		unshare -rm sh -c 'mount -t tmpfs -o noexec none "$0" && cp "$1" "$0/library.so" && "$2" doctor --library "$0/library.so" "$3"' \
		"$T/c/v2" "$SO" "$PYCSTASH" "$python"
	check "a full disk is reported, and gc may make room on it, however small it is" \
		finds 1 '^warn +file system +0 are free: .*run: pycstash gc --keep-free 1%$' full
	filled() {
		unshare -rm sh -c 'mount -t tmpfs -o size=1M none "$0" && "$1" warm -q --dir "$0/cache" "$0/../for-warm" &&
			head -c 2M /dev/zero >"$0/fill" 2>/dev/null; "$1" doctor --dir "$0/cache" "$2"' "$T/c/v2" "$PYCSTASH" "$python"
	}
	mkdir "$T/c/for-warm"
	echo 'x = 1' >"$T/c/for-warm/m.py"
	check "a cache on a full disk could be elsewhere, which is said" \
		finds 0 '^warn +cache .* can be read, but new bytecode cannot be written to it: No space left on device; .*PYCSTASH_DIR=' filled
else
	skip "doctor says how much space is left" "unshare is not allowed"
fi
rm -rf "$T/c"
echo >"$T/c"
cached 1 '^fail +cache .*not a directory' "a file in place of the cache is reported"
check "a file in place of a directory above the cache is reported" finds 1 '^fail +cache .*not a directory' doctor --dir "$T/c/below/it" "$python"
rm "$T/c"
check "doctor reports that there is no cache directory" finds 1 '^fail +cache +no cache directory: set HOME, or PYCSTASH_DIR' \
	env -u PYCSTASH_DIR -u HOME -u XDG_CACHE_HOME "$PYCSTASH" doctor "$python"
check "a relative PYCSTASH_DIR is no cache directory" finds 1 '^fail +cache +no cache directory: set HOME, or PYCSTASH_DIR' \
	env PYCSTASH_DIR=cache "$PYCSTASH" doctor "$python"
check "a home directory that is not there is not made" finds 1 "^fail +cache .* cannot be made in $T/nobody: there is no such home directory;" \
	env -u PYCSTASH_DIR -u XDG_CACHE_HOME HOME="$T/nobody" "$PYCSTASH" doctor "$python"
check "in a unit doctor says what to add to the unit" finds 1 '^fail +cache .*; add to the unit: CacheDirectory=' \
	env -u TERM -u DISPLAY -u KUBERNETES_SERVICE_HOST INVOCATION_ID=1 "$PYCSTASH" doctor --dir "$T/main.c/c" "$python"
check "in a pod doctor says what to add to the pod" finds 1 '^fail +cache .*; mount an emptyDir at /cache and set PYCSTASH_DIR=' \
	env KUBERNETES_SERVICE_HOST=10.0.0.1 "$PYCSTASH" doctor --dir "$T/main.c/c" "$python"
if [ "$(id -u)" = 0 ]; then
	check "in a CI job of root's doctor says what to add to the job" finds 1 "^fail +cache .*; set PYCSTASH_DIR=/var/cache/pycstash in the job's environment" \
		env -u KUBERNETES_SERVICE_HOST CI=true "$PYCSTASH" doctor --dir "$T/main.c/c" "$python"
	if unshare -m true 2>/dev/null; then
		# where it is empty, where it has another user's cache, and where it is full
		is "$(env -u KUBERNETES_SERVICE_HOST CI=true unshare -m bash -c 'says() { "$0" doctor "$@" | grep -c "; set PYCSTASH_DIR=/var/cache/pycstash "; }
			mount -t tmpfs -o size=1m none /var/cache && says "$@"
			mkdir /var/cache/pycstash && chown 65534 /var/cache/pycstash && says "$@"
			rmdir /var/cache/pycstash && ! head -c 2M /dev/zero 2>/dev/null >/var/cache/full && says "$@"' \
			"$PYCSTASH" --dir "$T/main.c/c" "$python" | xargs)" "1 0 0" "doctor recommends no directory that it would not use"
	else
		skip "doctor recommends no directory that it would not use" "no mount namespaces"
	fi
fi
check "XDG_CACHE_HOME gives a cache directory without HOME" finds 0 "^ok +cache +$T/xdg/pycstash " \
	env -u PYCSTASH_DIR XDG_CACHE_HOME="$T/xdg" "$PYCSTASH" doctor "$python"
for user_python in /usr/bin/python3 ""; do
	[ -x "$user_python" ] && break
done
mkdir "$T/for-all"
cp "$SO" "$PYCSTASH" "$T/for-all/"
if [ "$(id -u)" != 0 ] || [ -z "$user_python" ] || ! as_user true 2>/dev/null; then
	skip "another user's cache is refused" "needs root and /usr/bin/python3"
else
	mkdir -m 755 "$T/c"
	check "another user's cache is refused" finds 1 '^fail +cache .*another user' \
		as_user "$T/for-all/pycstash" doctor --dir "$T/c" "$user_python"
	check "a place where the user may not write is refused" finds 1 '^fail +cache .*cannot be made.*denied' \
		as_user "$T/for-all/pycstash" doctor --dir "$T/c/own" "$user_python"
	chmod 1777 "$T/c"
	check "an ordinary user can be served" finds 0 '^ok +proof' \
		as_user "$T/for-all/pycstash" doctor --dir "$T/c/own" "$user_python"
	rm -rf "$T/c"
fi
if unshare -m sh -c 'umount -l /proc' 2>/dev/null; then
	check "a missing /proc is warned of, and the proof decides" finds 0 '^warn +proc' \
		unshare -m sh -c 'umount -l /proc; "$0" doctor --library "$1" "$2"' "$PYCSTASH" "$SO" "$python"
else
	skip "a missing /proc is reported" "mounts cannot be changed here"
fi

mkdir -p -m 755 "$T/layer" "$T/open" "$T/layer/v1" "$T/open/v1"
chmod 1777 "$T/open"
check "doctor lists a layer that can be used" finds 0 "^ok +layer +$T/layer\$" \
	env PYCSTASH_LAYERS="$T/layer:$T/open" "$PYCSTASH" doctor "$python"
check "a layer that is the root directory is named" finds 0 "^warn +layer +/tmp/.. is not used: /: " env PYCSTASH_LAYERS=/tmp/.. "$PYCSTASH" doctor "$python"
check "a layer that others can write is warned of" finds 0 "^warn +layer +$T/open is not used: .*others" \
	env PYCSTASH_LAYERS="$T/layer:$T/open" "$PYCSTASH" doctor "$python"
check "a layer without a cache is enough to be served" finds 0 '^warn +cache +no cache directory: set HOME, or PYCSTASH_DIR' \
	env -u PYCSTASH_DIR -u HOME -u XDG_CACHE_HOME PYCSTASH_LAYERS="$T/layer" "$PYCSTASH" doctor "$python"
check "a layer is enough to be served if the cache directory cannot be used" finds 0 '^warn +cache .*not a directory' \
	env PYCSTASH_DIR="$T/main.c/c" PYCSTASH_LAYERS="$T/layer" "$PYCSTASH" doctor "$python"
check "a layer that is not trusted is not enough to be served" finds 1 '^fail +cache .*not a directory' \
	env PYCSTASH_DIR="$T/main.c/c" PYCSTASH_LAYERS="$T/open" "$PYCSTASH" doctor "$python"
mkdir -p "$T/ro" "$T/place"
if unshare -m true 2>/dev/null; then
	check "without a place for temporary files the other checks decide" \
		finds 0 '^warn +proof +not made: .*TMPDIR' \
		unshare -m sh -c 'mount -t tmpfs -o ro none "$0" && TMPDIR=$0 PYCSTASH_DIR=$0/c exec "$1" doctor --layer "$3" "$2"' "$T/ro" "$PYCSTASH" "$python" "$T/layer"
	check "without a place for temporary files the proof is made where the cache is" \
		finds 0 '^ok +proof' \
		unshare -m sh -c 'mount -t tmpfs -o ro none "$0" && TMPDIR=$0 PYCSTASH_DIR=$3/c exec "$1" doctor "$2"' "$T/ro" "$PYCSTASH" "$python" "$T/place"
	is "$(ls "$T/place")" "" "the proof leaves no file in the cache directory"
else
	skip "without a place for temporary files the other checks decide" "unshare is not allowed"
fi

# --- time -----------------------------------------------------------------------------
cat >"$T/hangs" <<END
#!/bin/sh
sleep 1000 &
echo \$! >"$T/napping.new" && mv "$T/napping.new" "$T/napping"
wait
END
chmod +x "$T/hangs"
check "an interpreter that hangs is killed" finds 1 '^fail +proof .*in time' doctor --timeout 1 "$T/hangs"
check "an interpreter that hangs is killed with what it has started" ends "$(cat "$T/napping")"
rm "$T/napping"
"$PYCSTASH" doctor "$T/hangs" >/dev/null 2>&1 &
pid=$!
check "doctor starts the interpreter" appears "$T/napping"
kill -TERM $pid
wait $pid 2>/dev/null
is "$?" 143 "doctor itself can be ended"
check "doctor ends the interpreter when it is ended" ends "$(cat "$T/napping")"
check "doctor leaves no temporary directory" no_litter

# --- JSON -----------------------------------------------------------------------------
cat >"$T/read.py" <<'EOF'
import json, os, sys
data = json.loads(sys.stdin.read())
assert data["schema"] == "pycstash.doctor/1", data
assert {c["state"] for c in data["checks"]} <= {"ok", "warn", "fail"}
assert data["served"] == all(c["state"] != "fail" for c in data["checks"])
assert all(set(c) == {"name", "state", "detail"} for c in data["checks"])
assert os.fsencode(data["interpreter"]) == os.fsencode(sys.argv[1]), data["interpreter"]
EOF
for name in plain $'\xff\xfe' $'"\\\n\t\x01' 'é€😀' $'\xed\xa0\x80' $'\xc0\xaf' $'\xf4\x90\x80\x80' $'\xe2\x82'; do
	mkdir -p "$T/json/$name"
	cp "$T/stranger" "$T/json/$name/py"
	check "--json has the exact bytes of a path with $(printf '%q' "$name")" \
		sh -c '"$1" doctor --json "$2" | "$3" "$4" "$2"' - "$PYCSTASH" "$T/json/$name/py" "$python" "$T/read.py"
done
check "--json of an interpreter that can be served" \
	sh -c '"$1" doctor --json "$2" | "$2" "$3" "$2"' - "$PYCSTASH" "$python" "$T/read.py"
check "--json has the same exit code" finds 1 '"served":false' doctor --json no-such-python
mkdir "$T/"$'forged\nok    proof        yes'
cp "$T/text" "$T/"$'forged\nok    proof        yes/py'
is "$(doctor "$T/"$'forged\nok    proof        yes/py' | grep -c '^ok    proof')" 0 "a path cannot forge a line"
is "$(doctor --timeout 0 2>/dev/null; echo $?)$(doctor a b 2>/dev/null; echo $?)" 22 "a wrong command line ends with 2"
done_testing
