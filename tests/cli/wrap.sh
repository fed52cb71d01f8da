#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash wrap: the script that it prints stands in for an interpreter.
. "$(dirname "$0")/../lib/tap.sh"

wrap() { "$PYCSTASH" wrap --dir "$CACHE" "$@"; }
refuses() { # PATTERN COMMAND…
	local pattern=$1 said
	shift
	said=$("$@" 2>&1 >/dev/null) && { echo "it succeeded"; return 1; }
	printf '%s' "$said" | grep -qE -- "$pattern" || { echo "$said"; return 1; }
}

cat >"$T/who.py" <<'EOF'
import sys
for name in ("prefix", "base_prefix", "_base_executable", "executable"):
    print("%s=%s" % (name, getattr(sys, name, None)))
print([p for p in sys.path if "site-packages" in p])
EOF
who() { "$@" "$T/who.py"; }

# Takes the place of an interpreter if only its environment and arguments matter.
cat >"$T/show.c" <<'EOF'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("[%s]", argv[i]);
	printf("|%s", getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "unset");
	printf("|%s", getenv("PYTHONDONTWRITEBYTECODE") ? "dontwrite" : "");
	printf("|%s", getenv("PYCSTASH_DIR") ? getenv("PYCSTASH_DIR") : "");
	printf("|%s\n", getenv("PYCSTASH_EXCLUDE") ? getenv("PYCSTASH_EXCLUDE") : "");
	return 7;
}
EOF
${CC:-cc} -o "$T/show" "$T/show.c"
other=$T/other.so
echo 'static int nothing;int f(void){return nothing;}' | ${CC:-cc} -shared -fPIC -x c - -o "$other"

# --- the script itself ----------------------------------------------------------------
wrap "$T/show" >"$T/printed"
wrap -o "$T/w" "$T/show"
check "what is printed and what -o writes are the same" cmp "$T/printed" "$T/w"
is "$(stat -c %a "$T/w")" 755 "-o writes an executable script"
is "$(find "$T" -name 'w.*')" "" "wrap -o leaves no temporary file"
shells="sh"
for shell in dash bash busybox ksh mksh yash; do
	command -v $shell >/dev/null && shells="$shells $shell"
done
for shell in $shells; do
	case $shell in busybox) line="busybox sh" ;; bash) line="bash --posix" ;; *) line=$shell ;; esac
	is "$($line "$T/w" a 'b c' '')" "[$T/show][a][b c][]|$SO||$CACHE|" "$shell runs it, and arguments arrive whole"
	is "$(LD_PRELOAD="$other $SO:$other" PYTHONDONTWRITEBYTECODE=1 $line "$T/w")" \
		"[$T/show]|$SO:$other:$other||$CACHE|" \
		"under $shell other preloads stay behind the library, which is not doubled"
done
# shellcheck disable=SC2016 # $LIB is ld.so's
is "$(LD_PRELOAD="$other:$SO:"'/r/$LIB/libpycstash.so' sh "$T/w" 2>/dev/null)" \
	"[$T/show]|"'/r/$LIB/libpycstash.so:'"$other||$CACHE|" "an entry with \$LIB is the library"
if ${CC:-cc} -static "$T/show.c" -o "$T/static" 2>/dev/null; then
	check "a static interpreter gets no wrapper" refuses 'useless: .* linked statically' wrap "$T/static"
else
	skip "a static interpreter gets no wrapper" "there is no static libc"
fi
is "$("$T/w" >/dev/null; echo $?)" 7 "the exit code is the interpreter's"
strace -f -e trace=process -o "$T/trace" "$T/w" >/dev/null 2>&1
if grep -q execve "$T/trace" 2>/dev/null; then
	is "$(grep -cE "(fork|clone)" "$T/trace")" 0 "nothing is forked"
else
	skip "nothing is forked" "strace does not work here"
fi
is "$("$T/w" | cut -d'|' -f2)" "$SO" "a wrapper works when it is called by its path"
mkdir "$T/bin"
ln -s ../w "$T/bin/mypython"
is "$(PATH=$T/bin:$PATH mypython | cut -d'|' -f2)" "$SO" "a wrapper knows where everything is when called through a symbolic link on PATH"
is "$(PYTHONDONTWRITEBYTECODE=1 "$T/w" | cut -d'|' -f3)" "" "PYTHONDONTWRITEBYTECODE is dropped"
wrap --keep-dontwrite -o "$T/w2" "$T/show"
is "$(PYTHONDONTWRITEBYTECODE=1 "$T/w2" | cut -d'|' -f3)" dontwrite "a wrapper keeps PYTHONDONTWRITEBYTECODE with --keep-dontwrite"
wrap --exclude "/a b:/c'd" -o "$T/w3" "$T/show"
is "$(PYCSTASH_EXCLUDE=/x "$T/w3" | cut -d'|' -f5)" "/x:/a b:/c'd" "prefixes are added to the environment's"
is "$(PYCSTASH_EXCLUDE="/x:/a b:/c'd" "$T/w3" | cut -d'|' -f5)" "/x:/a b:/c'd" "each once"
is "$(env pycstash_rest=1 pycstash_list=2 pycstash_entry=3 pycstash_library=4 "$T/w" | cut -d'|' -f2)" "$SO" \
	"variables that happen to have the names of its own do not disturb it"
cp "$SO" "$T/mine.so"
wrap --library "$T/mine.so" -o "$T/w4" "$T/show"
rm "$T/mine.so"
is "$("$T/w4" 2>&1)" "[$T/show]|unset||$CACHE|" "a wrapper without its library runs the interpreter, and ld.so says nothing"
is "$(LD_PRELOAD="$other" "$T/w4" 2>&1 | cut -d'|' -f2)" "$other" "a wrapper without its library keeps what else was in LD_PRELOAD"

# --- names ----------------------------------------------------------------------------
for name in 'a b' "it's" '$HOME' '"q"' 'back\slash' $'line\nfeed' $'\xff\xfe' '*' '-n' '`id`'; do
	mkdir -p "$T/odd/$name"
	cp "$T/show" "$T/odd/$name/py"
	wrap -o "$T/odd/$name/w" "$T/odd/$name/py"
	is "$("$T/odd/$name/w" | tr '\n' ' ')" "$(printf '[%s]|%s||%s|\n' "$T/odd/$name/py" "$SO" "$CACHE" | tr '\n' ' ')" \
		"an interpreter in a directory called $(printf '%q' "$name")"
done
ln -s show "$T/named"
is "$(cd "$T" && wrap ./named | tail -1)" "exec '$T/named' \"\$@\"" \
	"a relative name is made absolute, and its symlink is kept"
is "$(PATH=$T:$PATH wrap named | tail -1)" "exec '$T/named' \"\$@\"" "a bare name is found on PATH"

# --- what it refuses ------------------------------------------------------------------
check "a missing interpreter is refused" refuses 'no such interpreter' wrap no-such-python
check "a file that is no program is refused" refuses 'cannot|denied|neither' wrap "$T/who.py"
check "wrap refuses a wrapper" refuses 'wrapper already' wrap "$T/w"
check "a wrapper in the place of its own interpreter is refused" refuses 'for ever' wrap -o "$T/show" "$T/show"
check "wrap refuses to replace its own program through a chain of symbolic links" refuses 'for ever' wrap -o "$T/named" "$T/bin/../named"
ln -s named "$T/chained"
check "wrap refuses to replace any step of a chain of symbolic links to its program" refuses 'for ever' wrap -o "$T/named" "$T/chained"
is "$(readlink "$T/named")" show "wrap changes nothing when it refuses to replace its own program"
mkfifo "$T/fifo"
check "wrap does not replace a FIFO or a device" refuses 'not replaced' wrap -o "$T/fifo" "$T/show"
check "a FIFO that wrap was told to replace is still one" test -p "$T/fifo"
is "$(wrap -o "$T/fifo" "$T/show" >/dev/null 2>&1; echo $?)" 12 "a FIFO in the place of a wrapper: 12"
check "a directory that is not there is an error" refuses 'No such file' wrap -o "$T/none/w" "$T/show"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$T/show" >"$T/shim"
chmod +x "$T/shim"
check "another script is wrapped with a warning" \
	sh -c '"$1" wrap -o "$2/w5" "$2/shim" 2>&1 | grep -q "warning: .*script"' - "$PYCSTASH" "$T"
is "$("$T/w5" 2>&1 | cut -d'|' -f2)" "$SO" "a wrapper of another script works"
code_of() { wrap "$@" >/dev/null 2>&1; echo $?; }
is "$(code_of no-such-python) $(code_of "$T/w") $(code_of -o "$T/show" "$T/show")" "1 1 12" "each refusal of wrap has its exit code"
is "$(code_of -o /no/such/directory/w /usr/bin/python3) $(code_of --library /no/such /usr/bin/python3)" "125 125" \
	"a wrapper that cannot be written, a library that is not there: 125"
is "$(wrap >/dev/null 2>&1; echo $?)$(wrap a b >/dev/null 2>&1; echo $?)" 22 "not exactly one interpreter: 2"

# --- in and around virtual environments -----------------------------------------------
in_venv() { # NAME VENV: wraps venv/bin/python from outside and in place
	local python=$2/bin/python want got
	want=$(who "$python")
	wrap -o "$T/outside" "$python"
	is "$(who "$T/outside")" "$want" "$1: a wrapper elsewhere is the venv's python in all respects"
	mv "$python" "$python.real"
	wrap -o "$python" "$python.real"
	got=$(who "$python")
	is "$(grep -v executable= <<<"$got")" "$(grep -v executable= <<<"$want")" \
		"$1: in place, sys.prefix and site-packages are the venv's"
	is "$(sed -n 's/^executable=//p' <<<"$got" | sed 's/^.*\(\.real\)$/\1/')" ".real" \
		"$1: in place, sys.executable is a python that was moved aside"
	is "$("$python" -c 'import os, subprocess, sys
print(subprocess.check_output([sys.executable, "-c",
	"import os, sys; print(sys.prefix, os.environ[\"LD_PRELOAD\"])"]).decode().strip())')" \
		"$2 $SO" "$1: a child started by sys.executable is in the venv and under the library"
	cp "$T/module.py" "$2/probe_module.py"
	rm -rf "$CACHE"
	(cd "$2" && "$python" -c 'import probe_module')
	is "$(ls -d "$2/__pycache__" 2>/dev/null)$(entries | grep -c "$2/__pycache__/probe_module")" 1 \
		"$1: a wrapped python keeps its bytecode in the cache"
	rm -rf "$2"
}
echo 'value = 1' >"$T/module.py"
for python in $(interpreters cached); do
	for kind in --symlinks --copies; do
		name="$(named "$python") $kind"
		rm -rf "$T/venv"
		# PyPy's copy of its own installation takes long and may fail
		if [[ $python = *pypy* && $kind = --copies ]]; then continue; fi
		if "$python" -m venv --without-pip $kind "$T/venv" >/dev/null 2>&1; then
			in_venv "$name" "$T/venv"
		else
			skip "$name: venv" "this interpreter makes none"
		fi
	done
done
# --- all of a virtual environment -----------------------------------------------------
state_of() { (cd "$1" && find . -printf '%p %l %m %s\n' | sort); }
# every_name NAME VENV: after --venv, each interpreter and script in it is served, and
# --remove puts everything back
every_name() {
	local venv=$2 before entry missed=
	printf '#!%s\nimport probe_module\n' "$venv/bin/python3" >"$venv/bin/tool"
	chmod 755 "$venv/bin/tool"
	before=$(state_of "$venv/bin")
	wrap --venv "$venv"
	for entry in "$venv/bin"/*; do
		case $entry in
		*.real | *[aA]ctivate*) continue ;;
		*/tool) set -- "$entry" ;;
		*) set -- "$entry" -c 'import probe_module' ;;
		esac
		rm -rf "$T/lib/__pycache__" "$CACHE"
		PYTHONPATH=$T/lib "$@"
		[ ! -e "$T/lib/__pycache__" ] && [ -n "$(entries)" ] || missed="$missed ${entry##*/}"
		[[ $entry = */tool ]] || [ "$("$entry" -c 'import sys; print(sys.prefix)')" = "$venv" ] || missed="$missed ${entry##*/}:prefix"
	done
	is "$missed" "" "$name: every interpreter and script is served and in its venv"
	wrap --venv "$venv"
	is "$("$venv/bin/python3" -c 'import sys; print(sys.prefix)')" "$venv" "$name: a virtual environment that was put back can be wrapped again"
	wrap --venv "$venv" --remove
	is "$(state_of "$venv/bin")" "$before" "$name: --remove puts everything back"
	is "$(code_of --venv "$venv" --remove)" 1 "$name: nothing is left to put back: 1"
	rm -rf "$venv"
}
mkdir "$T/lib"
cp "$T/module.py" "$T/lib/probe_module.py"
for python in $(differing); do
	for layout in --symlinks --copies virtualenv uv; do
		name="$(named "$python") $layout"
		if [[ $python = *pypy* && $layout = --copies ]]; then continue; fi
		case $layout in
		--*) "$python" -m venv --without-pip $layout "$T/venv" >/dev/null 2>&1 ;;
		virtualenv) virtualenv -q --no-download --without-pip -p "$python" "$T/venv" >/dev/null 2>&1 ;;
		uv) # `python` leads out, the others to it
			"$python" -m venv --without-pip --symlinks "$T/venv" >/dev/null 2>&1 &&
				rm "$T/venv/bin/"py*[!.]* && ln -s "$(readlink -f "$python")" "$T/venv/bin/python" &&
				ln -s python "$T/venv/bin/python3" && ln -s python "$T/venv/bin/${python##*/}"
			;;
		esac || { rm -rf "$T/venv"; skip "$name: a whole venv" "it cannot be made"; continue; }
		every_name "$name" "$T/venv"
	done
done
check "--venv changes nothing in a directory that is not a virtual environment" refuses 'not a virtual environment' wrap --venv "$T"
# Another one at the moment between the look at an interpreter and what is done with it.
# together: what is left, after two at a time and then --remove
together() {
	local bin=$T/two/bin
	rm -rf "$T/two"
	mkdir -p "$bin" && touch "$T/two/pyvenv.cfg" && cp "$T/show" "$bin/python3"
	env LD_PRELOAD="$BUILD/tests/library/libat.so" AT=open:/python3:after \
		DO="timeout 1 '$PYCSTASH' wrap --dir '$CACHE' --venv '$T/two'" "$PYCSTASH" wrap --dir "$CACHE" --venv "$T/two"
	"$PYCSTASH" wrap --venv "$T/two" --remove
	(cd "$bin" && ls -A && cmp python3 "$T/show")
} 2>/dev/null
# closed: what --remove ends with, and says, in a bin directory that cannot be written to
closed() {
	local bin=$T/closed/bin
	mkdir -p "$bin" && touch "$T/closed/pyvenv.cfg" && cp "$T/show" "$bin/python3"
	chmod 711 "$T"
	chmod 555 "$bin"
	as_user "$PYCSTASH" wrap --venv "$T/closed" --remove 2>"$T/said" </dev/null
	echo "$? $(grep -c 'no interpreter here is wrapped' "$T/said")"
	chmod 755 "$bin"
}
is "$(closed)" "1 1" "--remove finds nothing wrapped in a directory that cannot be written to: 1"
is "$(together)" python3 "two runs of wrap --venv at the same time do not lose the interpreter"
is "$(code_of --remove "$T/show") $(code_of --venv "$T" "$T/show") $(code_of --venv "$T" -o "$T/x")" "2 2 2" \
	"--venv stands alone, and --remove goes with it"

for python in $(interpreters); do
	wrap -o "$T/plain" "$python"
	is "$(who "$T/plain")" "$(who "$python")" "$(named "$python"): its wrapper tells the same of itself"
done
# --- gc beside it ---------------------------------------------------------------------
rm -rf "$CACHE"
mkdir -p -m 700 "$CACHE" "$CACHE/v1" "$CACHE/v1/.state"
mark=$CACHE/v1/.state/gc
with_gc() { env -u PYCSTASH_AUTO_GC "$@"; }
env -u PYCSTASH_AUTO_GC "$PYCSTASH" wrap --dir "$CACHE" -o "$T/collects" /usr/bin/python3
is "$(with_gc "$T/collects" -c 'import os
try:
    print(os.wait())
except ChildProcessError:
    print("none")')" none "the interpreter has no child that it did not start"
check "a wrapper starts a due gc" appears "$mark.due"
check "the gc that a wrapper started has ended" await "$PYCSTASH" gc -q --dir "$CACHE" # 11 until then
if strace -f -e trace=process -o "$T/trace" true 2>/dev/null; then
	with_gc strace -f -e trace=process -o "$T/trace" "$T/collects" -c 1
	is "$(grep -cE "(fork|clone)" "$T/trace")" 0 "nothing is forked while gc is not due"
	touch -d '1 minute ago' "$mark.due"
	strace -f -e trace=process -o "$T/trace" "$T/collects" -c 1
	is "$(grep -cE "(fork|clone)" "$T/trace")" 0 "PYCSTASH_AUTO_GC=no: a due gc is not started"
else
	skip "nothing is forked while gc is not due" "strace does not work here"
fi
if strace -e trace=close_range -o "$T/trace" true 2>/dev/null; then
	touch -d '2 days ago' "$mark"
	touch -d '1 minute ago' "$mark.due"
	with_gc strace -f -e trace=execve,setsid,close_range,chdir -o "$T/trace" "$T/collects" -c 1
	is "$(sed '/execve("\/usr\/bin\/python3"/q' "$T/trace" | grep -oE 'setsid|close_range\(3,|chdir\("/"' | tr '\n' ' ')" \
		'setsid close_range(3, chdir("/" ' "gc has left the wrapper's session, descriptors and directory before the interpreter starts"
else
	skip "gc has left the wrapper's session, descriptors and directory before the interpreter starts" "strace does not work here"
fi
touch -d '2 days ago' "$mark"
touch -d '1 minute ago' "$mark.due"
before=$(stat -c %Y "$mark")
with_gc "$T/collects" -c 1
newer() { [ "$(stat -c %Y "$mark")" -gt "$before" ]; }
check "a wrapper starts gc again when it is due again" await newer
check "the second gc has ended" await "$PYCSTASH" gc -q --dir "$CACHE"
touch -d 2099-01-01 "$mark" # by a clock that was ahead
touch -d 2099-01-02 "$mark.due"
with_gc "$T/collects" -c 1
touch -d tomorrow "$T/tomorrow"
is_sane() { [ "$T/tomorrow" -nt "$mark" ]; }
check "a wrapper starts gc if its last run was in the future" await is_sane
check "the third gc has ended" await "$PYCSTASH" gc -q --dir "$CACHE"
check "auto_gc = no leaves gc out of the wrapper" test "$(PYCSTASH_AUTO_GC=no "$PYCSTASH" wrap /usr/bin/python3 | grep -c "pycstash_state")" = 1
done_testing
