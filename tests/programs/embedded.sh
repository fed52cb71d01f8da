#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Python that is embedded in another program, or started by a shell script.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/../library/interpreters.sh"

python=/usr/bin/python3
sources

# embed NAME CONFIG: builds a C program that contains the interpreter, with python-config.
embed() {
	local flags name=$1 config=$2
	rm -rf "$CACHE"
	# Python has --embed since 3.8; before that, --ldflags is enough.
	flags=$("$config" --embed --ldflags 2>/dev/null) || flags=$("$config" --ldflags)
	# shellcheck disable=SC2046,SC2086 # they are words
	if ! cc $("$config" --includes) "$T/embed.c" -o "$T/embed" \
		-Wl,-rpath,"$("$config" --prefix)/lib" $flags >"$T/.out" 2>&1; then
		skip "a program that embeds $name is served" "it cannot be built here: $(tail -1 "$T/.out" | cut -c1-80)"
		return
	fi
	said=$(preloaded "$T/embed" "$tree" 2>&1)
	is "$said, $(cached)" "six, 5" "a program that embeds $name fills the cache"
	said=$(preloaded PYTHONVERBOSE=1 "$T/embed" "$tree" 2>"$T/.err")
	is "$said, $(count_modules '\.py'), $(count_modules '\.pyc')" "six, 0, 5" \
		"a program that embeds Python starts warm the second time ($name)"
	untouched "a program that embeds Python leaves the tree unchanged ($name)"
}

cat >"$T/embed.c" <<'END'
#include <Python.h>
int main(int argc, char **argv)
{
	char text[5000];

	(void)argc;
	Py_Initialize();
	snprintf(text, sizeof text, "import sys; sys.path.insert(0, '%s')\n"
		"exec(open('%s/app.py').read())\n", argv[1], argv[1]);
	return PyRun_SimpleString(text) || Py_FinalizeEx();
}
END
if command -v cc >/dev/null; then
	embed "Debian's Python" /usr/bin/python3-config
	while read -r other; do
		case $other in /usr/bin/*) continue ;; esac
		[ -x "$other-config" ] || continue
		embed "$(named "$other")" "$other-config"
	done < <(interpreters cached)
else
	skip "a program that embeds Python is served" "there is no C compiler"
fi

rm -rf "$CACHE"
printf '#!/bin/sh\nexec %s -v "$@"\n' $python >"$T/wrapper"
printf '#!/bin/bash\ncd / || exit\n%s "$@" | cat\n' "$T/wrapper" >"$T/outer"
chmod 755 "$T/wrapper" "$T/outer"
watched preloaded "$T/wrapper" "$tree/app.py"
is "$(seen), $(cached)" "six, 5 compiled, 0 loaded, status 0, 5" "a shell script that ends in exec python3 fills the cache"
watched preloaded "$T/outer" "$tree/app.py"
is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "a Python script that a shell script starts compiles nothing the second time"
watched preloaded xargs -a /dev/null "$T/wrapper" "$tree/app.py"
is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "a script that xargs starts is served from the cache"
watched preloaded timeout 60 nice env FOO=1 "$T/wrapper" "$tree/app.py"
is "$(seen)" "six, 0 compiled, 5 loaded, status 0" "a script started through timeout, nice and env is served from the cache"
untouched "programs that are started by scripts leave the tree unchanged"
done_testing
