#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash run: it becomes the command, with the library in LD_PRELOAD.
. "$(dirname "$0")/../lib/tap.sh"

run() { "$PYCSTASH" run "$@"; }
# Prints the value that a command under `run` finds in a variable, or "unset". OPTIONS first.
value_of() {
	local name=$1
	shift
	run "$@" -- sh -c 'eval "printf %s \"\${'"$name"'-unset}\""'
}
complains() { # PATTERN COMMAND…: says a line that fits on stderr, and nothing else
	local pattern=$1 said
	shift
	said=$("$@" 2>&1 >/dev/null)
	case $said in "pycstash: "*) ;; *) echo "$said"; return 1 ;; esac
	[ "$(printf '%s\n' "$said" | wc -l)" = 1 ] && printf '%s' "$said" | grep -qE -- "$pattern" ||
		{ echo "$said"; return 1; }
}

# --- it becomes the command -----------------------------------------------------------
wrong=
for code in $(seq 0 255); do
	run sh -c "exit $code"
	[ $? = "$code" ] || wrong="$wrong $code"
done
is "$wrong" "" "all 256 exit codes are the command's own"

is "$(sh -c 'echo $$; exec "$0" run sh -c "echo \$\$"' "$PYCSTASH" | uniq | wc -l)" 1 \
	"the command is the same process, so that signals reach it"
is "$(status_of run sh -c 'kill -TERM $$')" 143 "the command's death by a signal is seen outside"
is "$(run ls /proc/self/fd)" "$(ls /proc/self/fd)" "run leaves no descriptor open in the command"
is "$(run printf '%s|' '' ' ' $'a\nb' --dir -- $'\xff')" "$(printf '%s|' '' ' ' $'a\nb' --dir -- $'\xff')" \
	"arguments arrive byte by byte"
is "$(echo through | run cat)" through "standard input is the command's"
is "$(status_of run -- A=b)" 127 "a word with = in it is a command, not a variable"

# --- what it cannot run ---------------------------------------------------------------
is "$(status_of run no-such-command-anywhere)" 127 "run ends with 127 if the command is not on PATH"
is "$(status_of run /no/such/file)" 127 "run ends with 127 if the path does not exist"
is "$(status_of run "$T")" 126 "a directory: 126"
echo text >"$T/text"
is "$(status_of run "$T/text")" 126 "run ends with 126 if the file is not executable"
is "$(status_of run)" 125 "run without a command ends with 125, because 2 could be the command's own"
is "$(status_of run --frobnicate true)" 125 "run with an unknown option ends with 125"
is "$(status_of run --library /no/such/lib.so true)" 125 "run without a library ends with 125"
check "a missing command is reported with its name" complains '^pycstash: nothing-here: .*PATH' run nothing-here
check "a missing library is reported with its name" complains '/no/such/lib.so' run --library /no/such/lib.so true
check "an unknown option is reported, and the help is named" \
	complains '^pycstash: --frobnicate: .*pycstash help run' run --frobnicate true
check "an option without its value is reported" complains '^pycstash: --dir: .*value' run --dir
check "a value for an option that takes none is reported" complains '^pycstash: --readonly=1: ' run --readonly=1 true
check "an empty value is reported" complains 'dir: .*empty' run --dir= true
check "a name with a line feed cannot forge a line" complains 'a\\nb' run $'a\nb'

# --- LD_PRELOAD -----------------------------------------------------------------------
other=$T/other.so third=$T/third.so
for stub in "$other" "$third"; do
	echo 'static int nothing;int f(void){return nothing;}' | ${CC:-cc} -shared -fPIC -x c - -o "$stub"
done
is "$(value_of LD_PRELOAD)" "$SO" "the library is in LD_PRELOAD"
is "$(LD_PRELOAD='' value_of LD_PRELOAD)" "$SO" "an empty LD_PRELOAD leaves no empty entry"
is "$(LD_PRELOAD="$other $third" value_of LD_PRELOAD)" "$SO:$other:$third" \
	"other libraries stay after it in their order, even if spaces separated them"
is "$(LD_PRELOAD="$other:$SO:$third" value_of LD_PRELOAD)" "$SO:$other:$third" "run does not put the library into LD_PRELOAD twice"
is "$(run "$PYCSTASH" run "$PYCSTASH" run sh -c 'echo $LD_PRELOAD')" "$SO" "the library is in LD_PRELOAD once in a run within a run"
mkdir "$T/elsewhere"
cp "$SO" "$T/elsewhere/libpycstash.so"
is "$(LD_PRELOAD="$T/elsewhere/libpycstash.so:$other" value_of LD_PRELOAD)" "$SO:$other" \
	"this library replaces another libpycstash.so in LD_PRELOAD"
ln -s "$SO" "$T/alias.so"
is "$(LD_PRELOAD="$T/alias.so:$other" value_of LD_PRELOAD)" "$SO:$other" \
	"this library replaces the same file under another name in LD_PRELOAD"


# The value for which $LIB stands on this machine.
lib=
for candidate in lib64 lib "lib/$(uname -m)-linux-gnu"; do
	mkdir -p "$T/r/$candidate"
	cp "$SO" "$T/r/$candidate/"
	# shellcheck disable=SC2016 # $LIB is ld.so's
	[ -n "$(LD_PRELOAD="$T/r/"'$LIB/libpycstash.so' true 2>&1)" ] || lib=$candidate
	[ -n "$lib" ] && break
	rm "$T/r/$candidate/libpycstash.so"
done
if [ -z "$lib" ]; then
	skip "an entry with \$LIB stays" "this ld.so puts something else for it"
else
	token=$T/r/\$LIB/libpycstash.so
	is "$(LD_PRELOAD="$token" value_of LD_PRELOAD)" "$token" "an entry with \$LIB stays"
	is "$(LD_PRELOAD="$other:$SO:$token $third" value_of LD_PRELOAD)" "$token:$other:$third" \
		"an entry with \$LIB counts as the library, and others stay after it"
	is "$(LD_PRELOAD="$token" value_of LD_PRELOAD --library "$SO")" "$SO" \
		"a library that is given takes the place of an entry with \$LIB"
	is "$(LD_PRELOAD="$T/nowhere/\$LIB/libpycstash.so" value_of LD_PRELOAD 2>/dev/null)" "$SO" \
		"the library replaces an entry with \$LIB that leads nowhere"
fi

# --- programs that cannot load it -----------------------------------------------------
echo 'int main(void) { return 7; }' >"$T/seven.c"
if ${CC:-cc} -static "$T/seven.c" -o "$T/static" 2>/dev/null; then
	is "$(status_of run "$T/static")" 7 "a static program runs"
	check "run says that a static program is not served" complains \
		'static: warning: it runs without the cache: this program is linked statically' run "$T/static"
else
	skip "a static program runs" "there is no static libc"
fi
python3 - "$T/static" "$T/other" <<'EOF'
import os, sys
head = bytearray(open("/proc/self/exe", "rb").read(4096))
head[18:20] = b"\x02\0" # EM_SPARC
open(sys.argv[2], "wb").write(head)
os.chmod(sys.argv[2], 0o755)
EOF
is "$(run "$T/other" 2>&1 | head -1)" \
	"pycstash: $T/other: warning: it runs without the cache: this is a 64-bit program for machine 2, and the library is for another machine" \
	"run says that another machine's program is not served"

# --- finding the library --------------------------------------------------------------
mkdir -p "$T/prefix/bin" "$T/prefix/lib/pycstash" "$T/links"
cp "$PYCSTASH" "$T/prefix/bin/"
cp "$SO" "$T/prefix/lib/pycstash/"
ln -s ../prefix/bin/pycstash "$T/links/pycstash"
is "$("$T/prefix/bin/pycstash" run sh -c 'echo $LD_PRELOAD')" "$T/prefix/lib/pycstash/libpycstash.so" \
	"an installed command finds the installed library, wherever the prefix is"
is "$("$T/links/pycstash" run sh -c 'echo $LD_PRELOAD')" "$T/prefix/lib/pycstash/libpycstash.so" \
	"the library is found when pycstash is called through a symbolic link"
is "$(PATH=$T/links:$PATH pycstash run sh -c 'echo $LD_PRELOAD')" "$T/prefix/lib/pycstash/libpycstash.so" \
	"the library is found when pycstash is called from PATH"
is "$(cd "$T" && run --library elsewhere/libpycstash.so sh -c 'echo $LD_PRELOAD')" \
	"$T/elsewhere/libpycstash.so" "--library is made absolute"
rm "$T/prefix/lib/pycstash/libpycstash.so"
if [ -e /usr/local/lib/pycstash/libpycstash.so ]; then
	skip "run says where it looked for the library" "a library is installed on this machine"
else
	check "run says where it looked for the library" complains "looked for $T/prefix/bin/libpycstash.so, $T/prefix/lib/pycstash" \
		"$T/prefix/bin/pycstash" run true
	is "$(status_of "$T/prefix/bin/pycstash" run true)" 125 "the exit code is 125 if there is no library"
fi
for bad in 'a b' 'a:b' 'a$b'; do
	mkdir "$T/$bad"
	cp "$SO" "$T/$bad/"
	check "a library in a directory called '$bad' is refused, because ld.so cannot load it" \
		complains 'ld.so accepts no path' run --library "$T/$bad/libpycstash.so" true
done
odd=$T/$'it\'s"a"\nb'
mkdir "$odd"
cp "$SO" "$odd/"
is "$(run --library "$odd/libpycstash.so" sh -c 'echo "$LD_PRELOAD"')" "$odd/libpycstash.so" \
	"the path of the library may have quotes and a line feed"

# --- settings -------------------------------------------------------------------------
is "$(value_of PYCSTASH_DIR --dir "$T/c")" "$T/c" "--dir sets PYCSTASH_DIR"
is "$(value_of PYCSTASH_DIR --dir="$T/a=b")" "$T/a=b" "--dir=DIR sets PYCSTASH_DIR, even if DIR contains ="
is "$(PYCSTASH_DIR=/elsewhere value_of PYCSTASH_DIR --dir "$T/c")" "$T/c" "an option overrides the environment"
is "$(PYCSTASH_DIR=/elsewhere value_of PYCSTASH_DIR)" /elsewhere "PYCSTASH_DIR is kept if there is no --dir"
is "$(cd "$T" && value_of PYCSTASH_DIR --dir ./c)" "$T/c" "a relative directory is made absolute"
is "$(value_of PYCSTASH_ONLY --only /a:/b --only /c)" /a:/b:/c "--only may be repeated"
is "$(PYCSTASH_LAYERS=/b:/a value_of PYCSTASH_LAYERS --layer /c --layer=/a --layer /d)" /b:/a:/c:/d \
	"--layer appends to PYCSTASH_LAYERS what it lacks, in order"
is "$(PYCSTASH_EXCLUDE=/x:/y value_of PYCSTASH_EXCLUDE --exclude /y:/z)" /x:/y:/z \
	"--exclude adds to the environment's, each once"
mkdir -p "$T/physical/below"
ln -s physical "$T/link"
is "$(cd "$T/link" && value_of PYCSTASH_ONLY --only .:below)" "$T/physical:$T/physical/below" \
	"relative prefixes become canonical paths"
is "$(value_of PYCSTASH_READONLY --readonly)$(value_of PYCSTASH_DISABLE --disable)" 11 \
	"--readonly and --disable set their variables to 1"
is "$(value_of PYCSTASH_SHARE --no-share) $(value_of PYCSTASH_VALIDATE --validate=content)" "0 content" \
	"--no-share and --validate set their variables"
is "$(value_of PYCSTASH_EPHEMERAL --ephemeral 'a*:b/c*')" 'a*:b/c*' "--ephemeral takes patterns as they are"
check "--validate accepts only stat and content" complains '^pycstash: validate: sometimes: ' run --validate=sometimes true
is "$(cd "$T" && value_of PYCSTASH_LOG --log log)" "$T/log" "--log FILE is made absolute"
is "$(cd "$T" && run --log stderr printenv PYCSTASH_LOG 2>/dev/null)" stderr "--log stderr is kept"
is "$(PYTHONDONTWRITEBYTECODE=1 value_of PYTHONDONTWRITEBYTECODE)" unset "PYTHONDONTWRITEBYTECODE is dropped"
is "$(PYTHONDONTWRITEBYTECODE=1 value_of PYTHONDONTWRITEBYTECODE --keep-dontwrite)" 1 \
	"--keep-dontwrite keeps PYTHONDONTWRITEBYTECODE"
is "$(run echo --dir x -h)" "--dir x -h" "options after the command are the command's"

# --- help -----------------------------------------------------------------------------
check "help names every command" sh -c '"$1" help | grep -q "^  doctor"' - "$PYCSTASH"
check "help RUN and run --help print the same" \
	sh -c '[ "$("$1" help run)" = "$("$1" run --help)" ]' - "$PYCSTASH"
check "version says a version" sh -c '"$1" --version | grep -qE "^pycstash [0-9]"' - "$PYCSTASH"
is "$(status_of "$PYCSTASH")" 2 "pycstash without a command ends with 2"
is "$(status_of "$PYCSTASH" frobnicate)" 2 "an unknown command ends with 2"
is "$(status_of "$PYCSTASH" help frobnicate)" 2 "help for an unknown command ends with 2"
is "$("$PYCSTASH" help >/dev/full 2>/dev/null; echo $?)" 125 "a command ends with 125 if its output cannot be written"

# --- it works -------------------------------------------------------------------------
python=$(interpreters cached | head -1)
mkdir "$T/source"
echo 'value = 1' >"$T/source/module.py"
if [ -z "$python" ]; then
	skip "a module's bytecode is in the cache" "no interpreter"
else
	(cd "$T/source" && PYTHONDONTWRITEBYTECODE=1 run --dir "$CACHE" "$python" -c 'import module')
	is "$(entries | grep -c '/source/__pycache__/module\.')" 1 "a module's bytecode is in the cache"
	is "$(ls "$T/source")" module.py "a module's bytecode is not beside the source"
fi

# --- tox ------------------------------------------------------------------------------
printf '#!/bin/sh\nenv | grep -E "^(TOX_|PYCSTASH_DIR|testenv)"\n' >"$T/tox"
chmod 755 "$T/tox"
is "$(TOX_TESTENV_PASSENV=MINE HOME=/h run "$T/tox" | sort | tr '\n' ' ')" \
	"PYCSTASH_DIR=/h/.cache/pycstash TOX_OVERRIDE=testenv.pass_env+=LD_PRELOAD TOX_TESTENV_PASSENV=MINE LD_PRELOAD PYCSTASH_* testenv.pass_env+=PYCSTASH_* " \
	"run tells tox to pass on what the library needs"
is "$(run env | grep -c TOX)" 0 "other commands get no variables for tox"
if [ -x /usr/bin/tox ] && [ -x /usr/bin/virtualenv ]; then
	mkdir "$T/project"
	printf '[tox]\nskipsdist = true\nenvlist = a\n[testenv]\nskip_install = true\ncommands = python -c "import other"\n' >"$T/project/tox.ini"
	echo 'value = 3' >"$T/project/other.py"
	rm -rf "$CACHE"
	(cd "$T/project" && run --dir "$CACHE" /usr/bin/tox -q >"$T/out" 2>&1) || cat "$T/out"
	is "$(ls "$T/project") $(entries | grep -c /project/__pycache__/other)" "other.py"$'\n'"tox.ini 1" "what tox runs is served"
else
	skip "what tox runs is served" "no tox"
fi

# --- shellenv -------------------------------------------------------------------------
echo 'value = 2' >"$T/source/other.py"
for shell in sh bash zsh fish csh tcsh; do
	command -v "$shell" >/dev/null || continue
	form=${shell#t}
	rm -rf "$CACHE" "$T/source/__pycache__"
	"$PYCSTASH" shellenv --library "$SO" --dir "$CACHE" "$form" >"$T/env"
	{ cat "$T/env"; echo "cd $T/source; exec $python -c 'import other'"; } >"$T/script"
	PYTHONDONTWRITEBYTECODE=1 LD_PRELOAD='' "$shell" "$T/script"
	is "$(entries | wc -l)$(ls -d "$T/source/__pycache__" 2>/dev/null)" 1 "$shell: what it starts after shellenv is served"
done
is "$(LD_PRELOAD="$T/x.so" "$PYCSTASH" shellenv --library "$SO" 2>/dev/null | grep LD_PRELOAD)" "export LD_PRELOAD='$SO:$T/x.so';" \
	"shellenv keeps what else is in LD_PRELOAD"
is "$("$PYCSTASH" shellenv powershell >/dev/null 2>&1; echo $?)" 2 "shellenv for an unknown shell ends with 2"

# --- gc beside it ---------------------------------------------------------------------
# with_gc COMMAND…: runs it under `run`, with the default of auto_gc
with_gc() { env -u PYCSTASH_AUTO_GC "$PYCSTASH" run --dir "$CACHE" "$@"; }
mark=$CACHE/v1/.state/gc
due() { rm -f "$mark"; mkdir -p "$CACHE/v1/.state"; }
marked() { appears "$mark"; }
newer() { [ "$(stat -c %Y "$mark")" -gt "$before" ]; }
children='import os
try:
    print(os.wait())
except ChildProcessError:
    print("none")'
if [ -z "$python" ]; then
	skip "the command has no child that it did not start" "no interpreter"
else
	due
	is "$(with_gc /usr/bin/python3 -c "$children")" none "the command has no child that it did not start"
	due
	is "$(env -u PYCSTASH_AUTO_GC /usr/bin/python3 -c 'import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
os.execv(sys.argv[1], sys.argv[1:])' "$PYCSTASH" run --dir "$CACHE" sh -c 'grep Pnd /proc/$$/status' |
		sed 's/.*\t//' | sort -u)" 0000000000000000 "no signal of another's child is pending in the command, if it blocks it"
	due
	is "$(with_gc sh -c 'exit 7'; echo $?)" 7 "the exit code of run is the command's"
	if ! "$PYCSTASH" help gc >/dev/null 2>&1; then
		skip "a due gc is started" "there is no gc"
	else
		due
		with_gc true
		check "a due gc is started" marked
		check "gc has ended" await "$PYCSTASH" gc -q --dir "$CACHE" # 11 until then
		if strace -e trace=close_range -o "$T/trace" true 2>/dev/null; then
			due
			env -u PYCSTASH_AUTO_GC strace -f -e trace=execve,setsid,close_range,chdir -e inject=close_range:delay_enter=200000 \
				-o "$T/trace" "$PYCSTASH" run --dir "$CACHE" /bin/true
			is "$(sed '/execve("\/bin\/true"/q' "$T/trace" | grep -oE 'setsid|close_range\(3,|chdir\("/"' | tr '\n' ' ')" \
				'setsid close_range(3, chdir("/" ' "gc has left the session, descriptors and directory of run before the command starts"
		else
			skip "gc has left the session, descriptors and directory of run before the command starts" "strace does not work here"
		fi
		touch -d '1 hour ago' "$mark"
		before=$(stat -c %Y "$mark")
		with_gc true
		sleep 0.5
		is "$(stat -c %Y "$mark")" "$before" "run starts no gc that is not due"
		touch -d '2 days ago' "$mark"
		before=$(stat -c %Y "$mark")
		run --dir "$CACHE" true
		sleep 0.5
		is "$(stat -c %Y "$mark")" "$before" "run starts no gc that auto_gc forbids"
		with_gc --readonly true
		with_gc --disable true
		env -u PYCSTASH_AUTO_GC /usr/bin/python3 -c 'import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) # PR_SET_CHILD_SUBREAPER
os.execv(sys.argv[1], sys.argv[1:])' "$PYCSTASH" run --dir "$CACHE" true
		sleep 0.5
		is "$(stat -c %Y "$mark")" "$before" \
			"run starts no gc for a read-only cache, nor where it would become the command's child"
		with_gc true
		sleep 0.5
		check "a gc is due again after two days" test "$(stat -c %Y "$mark")" -gt "$before"
	fi
	rm -rf "$T/none"
	with_gc --dir "$T/none" true
	is "$(ls "$T/none" 2>&1 | grep -c v1)" 0 "run creates no cache if there is none"
fi
done_testing
