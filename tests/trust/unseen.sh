#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Commands do not follow other users' links to sources or bytecode, but the library does, as Python
# alone would. So of what is behind such a link, a command gives no verdict and no state, and
# deletes nothing as stale.
# shellcheck source=tests/trust/actors.bash
. "$(dirname "$0")/actors.bash"
separate "bytecode behind another user's link"

cache=$T/$VICTIM/cache tree=$T/tree copy=$T/$VICTIM/copy pyc=__pycache__/m.$TAG.pyc
run() { command_of "$VICTIM" "$cache" "$@" >"$T/said" 2>"$T/complained"; }
imported() { # what the library says of m
	with "$VICTIM" "$cache" PYCSTASH_LOG=stderr "$PY" -c "$(imports "$tree")" 2>&1 | sed -n "s|.*\]: \(.*\): $tree/$pyc$|\1|p"
}
fields() { "$PY" -c 'import json, sys
x = json.loads(sys.stdin.readline())
print(eval(sys.argv[1]))' "$1" <"$T/said"; }

# The user's own modules, in a deployment of another user's, or with a link of his in it.
deploy() { # WHAT OWNER: WHAT is behind OWNER's link
	rm -rf "$cache" "$tree" "$copy"
	official "$copy" && cp -r "$copy" "$tree"
	case $1 in
	source) ln -sf "$copy/m.py" "$tree/m.py" && chown -h "$2" "$tree/m.py" ;;
	directory) rm -r "$tree" && ln -s "$copy" "$tree" && chown -h "$2" "$tree" ;;
	bytecode)
		"$PY" -c "$(imports "$tree")" >"$T/said"
		mv "$tree/__pycache__" "$copy" && ln -s "$copy/__pycache__" "$tree" && chown -h "$2" "$tree/__pycache__"
		;;
	esac
	[ "$1" = bytecode ] || imported >"$T/said"
}

while read -r what served verdict; do
	for owner in "$VICTIM" "$ATTACKER"; do
		deploy "$what" "$owner"
		run explain --python "$PY" "$tree/m.py"
		explain="$? $(grep -cE '^not (known|served): ' "$T/said") $(grep -c ': not known: a link of another user' "$T/complained")"
		run explain --json --python "$PY" "$tree/m.py"
		json="$(fields "x['served'], x['verdict'], x['what']")"
		if [ "$owner" = "$VICTIM" ]; then
			is "$(imported)|$explain|$json" "$served|0 0 0|(True, '$verdict', '$served')" "(\`explain\` says that bytecode is served whose $what is behind a link of the user's own)"
			continue
		fi
		is "$(imported)" "$served" "(bytecode is served whose $what is behind another user's link)"
		is "$explain" "3 1 1" "\`explain\` has no verdict where the $what is behind another user's link, says so, and ends with 3"
		is "$json" "(None, None, None)" "\`explain --json\` has no verdict where the $what is behind another user's link"
	done
done <<'END'
source hit HIT
directory hit HIT
bytecode in-tree IN_TREE
END
deploy bytecode "$ATTACKER"
as "$VICTIM" PYCSTASH_DIR="$cache" PYCSTASH_DISABLE=1 "$PYCSTASH" explain --python "$PY" "$tree/m.py" >"$T/said" 2>&1
is "$?" 3 "\`explain\` has no verdict where the library is off, and Python's own bytecode is behind another user's link"

for owner in "$VICTIM" "$ATTACKER"; do
	for more in "" changed; do
		deploy source "$owner"
		printf '%s' "$more" >>"$copy/m.py"
		run ls -l --json
		ls="$? $(fields "x['state']")"
		run show --json "$tree/m.py"
		show="$? $(fields "x['state']")"
		run ls --state stale
		listed="$? $(grep -c . "$T/said") $(grep -c 'another user' "$T/complained")"
		run verify --repair
		verify="$? $(entries "$cache" | grep -c "$tree/")"
		run purge --state stale
		purge="$? $(entries "$cache" | grep -c "$tree/") $(grep -c 'another user' "$T/complained")"
		case $owner$more in
		"$VICTIM") is "$ls|$show|$listed|$verify|$purge" "0 fresh|0 fresh|0 0 0|0 1|0 1 0" "(bytecode is fresh whose source is behind a link of the user's own)" ;;
		"$VICTIM"changed) is "$ls|$show|$listed|$verify|$purge" "0 stale|0 stale|0 1 0|0 1|0 0 0" "(bytecode is stale whose source is behind a link of the user's own, and has changed)" ;;
		*)
			source="${more:-unchanged} source is behind another user's link"
			is "$ls|$show" "0 unknown|0 unknown" "\`ls\` and \`show\` do not know the state of bytecode whose $source"
			is "$listed" "3 0 1" "\`ls --state stale\` leaves out bytecode whose $source, says so, and ends with 3"
			is "$purge" "3 1 1" "\`purge --state stale\` leaves bytecode whose $source, says so, and ends with 3"
			is "$verify" "3 1" "\`verify --repair\` counts bytecode whose $source as not checked, and leaves it"
			;;
		esac
	done
done
deploy source "$ATTACKER"
run gc
is "$? $(entries "$cache" | grep -c "$tree/")" "0 1" "\`gc\` leaves bytecode whose source is behind another user's link, and does not fail"
done_testing
