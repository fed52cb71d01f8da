#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Output is safe: no file name, whoever chose it, controls a terminal, or hides or forges a
# line, in the log or in the output of the command; and JSON contains each name exactly.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"

me=$(id -u)
controls=$HERE/tests/trust/controls.py
"$PY" "$controls" names >"$T/names"
mapfile -d '' -t names <"$T/names"
src=$T/src
for name in "${names[@]}"; do
	mkdir -p "$src/$name"
	echo "x = 1" >"$src/$name/m.py"
	echo "x = 2" >"$src/$name/n$name.py"
	echo "def" >"$src/$name/broken$name.py"
done
clean() { is "$("$PY" "$controls" check "${@:2}")" "" "$1"; } # SENTENCE FILE…
bad() { "$PY" "$controls" check "$1" | grep -c .; }
cp "$T/names" "$T/example"
is "$(bad "$T/example")" 1 "(the check finds control characters and forged lines in a sample)"

# --- the log --------------------------------------------------------------------------
cat >"$T/all.py" <<-'CODE'
	import os, sys
	for name in os.listdir(os.fsencode(sys.argv[1])):
	    sys.path.insert(0, os.path.join(sys.argv[1], os.fsdecode(name)))
	    sys.modules.pop("m", None)
	    import m
	    del sys.path[0]
	    try:
	        os.stat(os.path.join(os.fsencode(sys.argv[1]), name, b"__pycache__", name + b".cpython-311.pyc"))
	        os.mkdir(os.path.join(os.fsencode(sys.argv[1]), name, b"__pycache__", name))
	    except OSError:
	        pass
CODE
for _ in compiled served; do
	with "$me" "$CACHE" PYCSTASH_LOG="$T/log" "$PY" "$T/all.py" "$src" >/dev/null 2>&1
	with "$me" "$CACHE" PYCSTASH_LOG=stderr "$PY" "$T/all.py" "$src" 2>>"$T/stderr" >/dev/null
done
check "the log has lines about those names" test "$(grep -ac src "$T/log")" -gt ${#names[@]}
clean "no name in the log controls a terminal or forges a line" "$T/log" "$T/stderr"
is "$(grep -av '^pycstash\[[0-9]*\]: ' "$T/log" "$T/stderr" | head -3)" "" \
	"every line of the log is one of the library's"

# --- the command ----------------------------------------------------------------------
chmod a-w "$T"/names
touch -d '3 days ago' "$src/${names[0]}"/*.py # stale
printf junk >"$CACHE/v1/$TAG/tree$src/${names[1]}/__pycache__/m.$TAG.pyc" # damaged
rm "$src/${names[2]}/m.py" # an orphan
for name in "${names[@]}"; do # tools
	entry=$CACHE/v1/$TAG/tree$src/$name/__pycache__/m.$TAG.pyc
	cp -p "$entry" "${entry%.pyc}-$name.pyc"
done
# What a cache says about interpreters.
"$PY" -c 'import os, sys
st = os.stat(sys.argv[1])
open(sys.argv[2], "w").write("%d %d %d %d.%09d \x1b[31mforged 3.11.2 a70d0d0a\n" % (st.st_dev, st.st_ino, st.st_size,
	*divmod(st.st_ctime_ns, 10**9)))' "$PY" "$CACHE/v1/.state/pythons"
n=0
run() { # WORD…
	n=$((n + 1))
	command_of "$me" "$CACHE" "$@" >"$T/said/$n" 2>&1 </dev/null
}
mkdir "$T/said"
for name in "${names[@]}"; do
	for command in show explain path ls du verify "purge --dry-run --path"; do
		# shellcheck disable=SC2086
		run $command "$src/$name/m.py"
		# shellcheck disable=SC2086
		run $command "$src/$name"
	done
	run "$name"
	run ls --state "$name"
	run config set "$name" 1
	run config set max_size "$name"
	run warm --python "$src/$name" "$src"
	run doctor "$src/$name/m.py"
	run import "$src/$name/m.py"
	run export "$src/$name/none/x"
	run export "$T/said.zst" --path "$src/$name"
	run wrap "$src/$name/python"
	run run -- "$src/$name/program"
	command_of "$me" "$T/$name" stats >"$T/said/dir.$n" 2>&1
	command_of "$me" "$T/$name" dir >>"$T/said/dir.$n" 2>&1
	command_of "$me" "$T/$name" doctor "$PY" >>"$T/said/dir.$n" 2>&1
	as "$me" PYCSTASH_LAYERS="$T/$name:$src/$name" PYCSTASH_ONLY="$src/$name" "$PYCSTASH" config \
		>"$T/said/config.$n" 2>&1
	as "$me" PYCSTASH_LAYERS="$T/$name:$src/$name" "$PYCSTASH" doctor "$PY" >"$T/said/layer.$n" 2>&1
	mkdir -p "$T/etc"
	printf '%s = 1\ndir = %s\nmax_size = %s\n' "${name//$'\n'/}" "${name//$'\n'/}" "${name//$'\n'/}" \
		>"$T/etc/pycstash.conf"
	command_of "$me" "$CACHE" config >"$T/said/file.$n" 2>&1
	command_of "$me" "$CACHE" run -- true >>"$T/said/file.$n" 2>&1
	rm "$T/etc/pycstash.conf"
done
for command in stats ls "ls --long" "ls --objects" "du --by tree" "du --by package" verify "verify --deep" \
	"gc --dry-run --verbose" "gc --dry-run" "gc --dry-run -v" "purge --dry-run --state stale" \
	"purge --state orphan --dry-run" "warm --python $PY $src" "warm --dry-run --python $PY $src" \
	"warm --force --python $PY $src" "gc --orphan-grace 0s" "export $T/all.zst" "verify --repair" "doctor $PY"; do
	# shellcheck disable=SC2086
	run $command
done
check "the command printed those names" test "$(cat "$T/said"/* | grep -ac 'forged')" -gt 20
clean "nothing that the command prints controls a terminal or forges a line" "$T/said"/*

# --- JSON -----------------------------------------------------------------------------
command_of "$me" "$CACHE" ls --json >"$T/ls.json" 2>/dev/null
clean "JSON has no control character of any kind" "$T/ls.json"
is "$("$PY" -c 'import json, os, sys
found = set()
def walk(value):
    if isinstance(value, dict): value = list(value.values())
    if isinstance(value, list): [walk(item) for item in value]
    elif isinstance(value, str): found.add(value.encode("utf-8", "surrogateescape"))
for line in open(sys.argv[1], encoding="utf-8"): walk(json.loads(line))
for name in open(sys.argv[2], "rb").read().split(b"\0")[:-1]:
    dir = os.fsencode(sys.argv[3]) + b"/" + name
    if not any(text.startswith(dir + b"/") for text in found): print(ascii(name))' \
	"$T/ls.json" "$T/names" "$src")" "" "JSON has each name exactly"
command_of "$me" "$CACHE" ls -0 >"$T/ls.0" 2>/dev/null
is "$("$PY" -c 'import os, sys
found = open(sys.argv[1], "rb").read().split(b"\0")
for name in open(sys.argv[2], "rb").read().split(b"\0")[:-1]:
    if not any(line.startswith(os.fsencode(sys.argv[3]) + b"/" + name + b"/") for line in found):
        print(ascii(name))' "$T/ls.0" "$T/names" "$src")" "" "\`ls -0\` has each name exactly"

# --- scripts --------------------------------------------------------------------------
# A shell runs the script that `wrap` prints.
for name in '$(touch ran)' '`touch ran`' "'; touch ran; '" '"; touch ran; "' $'\n touch ran\n' '\'; do
	mkdir -p "$T/wrap/$name"
	ln -sf "$PY" "$T/wrap/$name/python3"
	(cd "$T/wrap" && as "$me" "$PYCSTASH" wrap --dir "$T/wrap/$name/cache" --exclude "$name" "$T/wrap/$name/python3" >"$T/script" 2>/dev/null
		[ -s "$T/script" ] && as "$me" sh "$T/script" -c 'print("python")')
done >"$T/out" 2>&1
is "$(find "$T/wrap" -name ran) $(grep -c '^python$' "$T/out")" " 6" "the script that \`wrap\` prints runs no name as a command"

# And so is what `shellenv` prints.
mkdir -p "$T/shellenv"
for shell in sh bash zsh fish csh tcsh; do
	program=$(type -P $shell) || continue
	for name in '$(touch ran)' '`touch ran`' "'; touch ran; '" "\\'; touch ran; #" "\\\\'; touch ran; #" $'\n touch ran\n' '\' '!x' '!-1'; do
		as "$me" "$PYCSTASH" shellenv --exclude "/$name" "${shell#t}" >"$T/script" 2>/dev/null
		echo 'printenv PYCSTASH_EXCLUDE' >>"$T/script"
		got=$(cd "$T/shellenv" && as "$me" LD_PRELOAD= "$program" "$T/script" 2>&1)
		[ "$got" = "/${name%$'\n'}" ] || echo "$shell: $name: $got"
	done
done >"$T/out"
is "$(cat "$T/out"; ls "$T/shellenv")" "" "what \`shellenv\` prints runs no name as a command"
done_testing
