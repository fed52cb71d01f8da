#!/bin/bash
# SPDX-License-Identifier: MIT
#
# -q: each command that has it prints nothing when it succeeds, even on a terminal.
. "$(dirname "$0")/made.sh"

python=$(interpreters cached | head -1)
export TERM=xterm
exec </dev/null
[ "$(on_terminal echo yes | tr -d '\r')" = yes ] || skip_all "-q is quiet on a terminal" "there are no terminals here"
# An interpreter that takes a second: progress is shown after half of one.
printf '#!/bin/sh\nsleep 1\nexec "%s" "$@"\n' "$python" >"$T/slow"
chmod 755 "$T/slow"
check "without -q warm shows its progress on a terminal" \
	grep -q 'compiling: ' <(on_terminal "$PYCSTASH" warm -j 1 --dir "$T/one" --python "$T/slow" "$S")
is "$(on_terminal "$PYCSTASH" warm -q -j 1 --dir "$T/two" --python "$T/slow" "$S")" "" "with -q warm shows no progress on a terminal"

"$PYCSTASH" warm -q --python "$python" "$S"
on_terminal "$PYCSTASH" show "$S/top.py" | tr -d '\r' >"$T/shown"
is "$(grep -q '^  seal  ' "$T/shown" && echo shown) $(grep -vE '[^ ]{60}' "$T/shown" | awk 'length > 80' | wc -l)" "shown 0" \
	"on a terminal show breaks its lines at 80 columns"
archive=$T/a.tar
# shellcheck disable=SC2043
for words in "warm $S" gc "gc --dry-run" verify "export $archive" "import $archive" "push file:$T/store" "pull file:$T/store" "purge --dry-run --all" "purge --all"; do
	# shellcheck disable=SC2086 # words
	is "$(on_terminal "$PYCSTASH" ${words%% *} -q ${words#"${words%% *}"}; echo "$?")" 0 "pycstash ${words/\/*} -q prints nothing"
	told="${told:-} ${words%% *} "
done
for name in $("$PYCSTASH" help | sed -n '/^Exit codes/q; s/^  \([a-z]*\)   *.*/\1/p'); do
	"$PYCSTASH" help "$name" | grep -q -- '-q, --quiet' || continue
	case $told in
	*" $name "*) ;;
	*) not_ok "the quiet form of $name is tested" ;;
	esac
done
done_testing
