#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pycstash help: the help, manual pages and completions that are generated from the tables of
# commands, options, settings and exit codes contain all of their rows.
. "$(dirname "$0")/../lib/tap.sh"

help() { "$PYCSTASH" help "$@"; }

# --- the tables -----------------------------------------------------------------------
mapfile -t commands < <(help | sed -n '/^Exit codes/q; s/^  \([a-z]*\)   *.*/\1/p')
mapfile -t settings < <("$PYCSTASH" config | sed 's/ .*//')
mapfile -t files < <(cd "$HERE/tools/cmd" && ls cmd_*.c)
options_of() { help "$1" | grep -oE '^  (-.,|   ) --[a-z-]+' | grep -oE -- '--[a-z-]+'; }
check "there are commands" test ${#commands[@]} -ge 6
check "there are settings" test ${#settings[@]} -ge 10
for file in "${files[@]}"; do
	grep -oE '^const struct command_code cmd_[a-z]+' "$HERE/tools/cmd/$file" | sed 's/.*cmd_//'
done | sort | comm -3 - <(printf '%s\n' "${commands[@]}" | sort) |
	none "the commands of help are those that there are"
for command in "${commands[@]}"; do
	[ "$("$PYCSTASH" "$command" --help)" = "$(help "$command")" ] || echo "$command"
done | none "COMMAND --help is help COMMAND, for all of them"
for command in "${commands[@]}"; do
	help "$command" | grep -q "^usage: pycstash $command" || echo "$command: usage"
	options_of "$command" | grep -qx -- --help || echo "$command: --help"
	options_of "$command" | sort | uniq -d
	help "$command" | grep -oE '^  -[^-],' | sort | uniq -d
done | none "each command has a usage line, and no option twice"
for command in "" settings "${commands[@]}"; do help $command; done | awk 'length > 80' |
	none "help fits a terminal of 80 columns"
is "$("$PYCSTASH"; echo "$?")" "$(help; echo 2)" "pycstash alone shows the commands in groups, and ends with 2"
is "$(help | sed -n '/^Exit codes/,$s/^  \([0-9]*\) .*/\1/p' | tr '\n' ' ')" \
	"$(sed -n 's/^EXIT_CODE([A-Z_]*, \([0-9]*\),.*/\1/p' "$HERE/tools/base/exit.def" | tr '\n' ' ')" \
	"help has the exit codes"
for command in "${commands[@]}"; do
	grep -q "^| \[\`$command\`\](commands.md#$command) |" "$HERE/docs/guide.md" || echo "$command"
done | none "docs/guide.md has a row for each command"
for command in "${commands[@]}"; do
	awk -v title="## $command" '$0 == "```" { inside = !inside && last == title; next }
		inside { print }
		/^## / { last = $0 }' "$HERE/docs/commands.md" |
		cmp -s - <(help "$command") || echo "$command"
done | none "docs/commands.md is as help says it (make docs)"
is "$(status_of help frobnicate)" 2 "help for an unknown command: 2"
check "help suggests a known command for a mistyped one" sh -c '"$1" help confg 2>&1 | grep -q "did you mean .pycstash config"' - "$PYCSTASH"
check "a mistyped command gets a suggestion" sh -c '"$1" docter 2>&1 | grep -q "did you mean .pycstash doctor"' - "$PYCSTASH"
check "a mistyped option gets a suggestion" sh -c '"$1" run --libary x true 2>&1 | grep -q "did you mean --library"' - "$PYCSTASH"

# --- manual pages ---------------------------------------------------------------------
cp -r "$BUILD/pages/man" "$T/man"
is "$(cd "$T/man" && ls pycstash-*.1 | sed 's/pycstash-\(.*\)\.1/\1/' | sort | tr '\n' ' ')" \
	"$(printf '%s\n' "${commands[@]}" | sort | tr '\n' ' ')" "each command has a manual page"
is "$(cd "$T/man" && ls | grep -v pycstash- | tr '\n' ' ')" "libpycstash.7 pycstash.1 pycstash.conf.5 " \
	"there are three manual pages that are not about one command"
unroff() { sed 's/\\-/-/g; s/\\f[BIR]//g' "$@"; }
for command in "${commands[@]}"; do
	for option in $(options_of "$command"); do
		unroff "$T/man/pycstash-$command.1" | grep -qE -- "(^|, )$option( |\$)" ||
			echo "$command $option"
	done
	unroff "$T/man/pycstash.1" | grep -qx "\.B $command" || echo "$command"
done | none "every command and every option is in its page"
for setting in "${settings[@]}"; do
	unroff "$T/man/pycstash.conf.5" | grep -q "^$setting = " || echo "$setting"
done | none "every setting is in pycstash.conf(5)"
sed -n 's/^SETTING(\([A-Z_]*\),.*/PYCSTASH_\1/p' "$HERE/shim/core/cache/settings_library.def" | while read -r name; do
	unroff "$T/man/libpycstash.7" | grep -q "^$name=" || echo "$name"
done | none "every variable of the library is in libpycstash(7)"
if type -P groff >/dev/null; then
	for page in "$T/man/"*; do groff -man -ww -Tutf8 "$page" 2>&1 >/dev/null; done |
		none "groff renders every page without a warning"
	is "$(groff -man -Tutf8 -P-cbou "$T/man/pycstash-wrap.1" | grep -c '  pycstash wrap --venv venv --remove$')" 1 \
		"an example can be copied from a page"
else
	skip "groff renders every page without a warning" "it is not installed"
fi
if type -P mandoc >/dev/null; then
	# Pages have no date, so that they are the same whenever they are made.
	for page in "$T/man/"*; do mandoc -Tlint -Wwarning "$page"; done | grep -v 'missing date' |
		none "mandoc finds nothing wrong with them"
else
	skip "mandoc finds nothing wrong with them" "it is not installed"
fi

# --- completions ----------------------------------------------------------------------
for shell in bash zsh fish; do
	case $shell in
	bash) made=pycstash ;;
	zsh) made=_pycstash ;;
	fish) made=pycstash.fish ;;
	esac
	cp "$BUILD/pages/completions/$made" "$T/complete.$shell"
	for command in "${commands[@]}"; do
		for option in $(options_of "$command"); do
			case $shell in
			fish) pattern="subcommand_from $command' -l ${option#--} " ;;
			zsh) pattern="'\*$option=\{0,1\}\[" ;;
			bash) pattern="options='.* ${option}[' ]" ;;
			esac
			grep -q -- "$pattern" "$T/complete.$shell" || echo "$command $option"
		done
	done | none "every command and every option is in the completion for $shell"
	if type -P $shell >/dev/null; then
		check "$shell can read it" $shell -n "$T/complete.$shell"
	else
		skip "$shell can read it" "it is not installed"
	fi
done

# offers WORD…: prints what bash offers for the last word
offers() {
	env -i PATH="$PATH" bash --norc --noprofile -c '
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_pycstash
		printf "%s\n" "${COMPREPLY[@]}"' - "$T/complete.bash" "$@" | sort | tr '\n' ' '
}
sorted() { printf '%s\n' "$@" | sort | tr '\n' ' '; }
is "$(offers pycstash '')" "$(sorted "${commands[@]}")" "bash offers the commands"
is "$(offers pycstash ver)" "$(printf '%s\n' "${commands[@]}" | grep ^ver | sort | tr '\n' ' ')" "completion offers the words that begin as typed"
is "$(offers pycstash help doc)" "doctor " "bash offers the commands after help"
is "$(offers pycstash doctor --)" "$(sorted $(options_of doctor))" "bash offers the options of a command"
is "$(offers pycstash run --libr)" "--library " "completion offers the words that begin as typed"
is "$(offers pycstash config '')" "check get set unset " "bash offers the words that may follow config"
is "$(offers pycstash config get max_)" "max_age max_entries max_size " "bash offers the settings after config get"
is "$(offers pycstash run --validate '')" "content stat " "bash offers the values of an option"
is "$(offers pycstash gc --keep-free '')" "$(offers pycstash gc --max-size '')" "completion does not offer placeholders as values"
is "$(offers pycstash run --validate = s)" "stat " "completion works after ="
mkdir -p "$T/here/a dir" "$T/here/another"
touch "$T/here/a file"
is "$(cd "$T/here" && offers pycstash run --dir a)" "a dir another " "bash offers directories if the option takes a directory"
is "$(cd "$T/here" && offers pycstash run --dir = a)" "a dir another " "completion works after ="
is "$(cd "$T/here" && offers pycstash run --log a)" "a dir a file another " "bash offers files if the option takes a file"
is "$(offers pycstash run --dir x printe | xargs -n 1 | sort -u | tr '\n' ' ')" "printenv " "bash offers commands after the options of run"
is "$(cd "$T/here" && offers pycstash run ls --dir a)" "a dir a file another " "bash offers files after the command of run"
if type -P fish >/dev/null; then
	fish_offers() {
		HOME=$T/home fish --no-config -c '. $argv[1]; complete -C $argv[2]' "$T/complete.fish" "$1" |
			cut -f 1 | sort | tr '\n' ' '
	}
	is "$(fish_offers 'pycstash ')" "$(sorted "${commands[@]}")" "fish offers the commands"
	is "$(fish_offers 'pycstash doctor --')" "$(sorted $(options_of doctor))" "fish offers the options of a command"
	is "$(fish_offers 'pycstash run --validate ')" "content stat " "fish offers the values of an option"
else
	skip "fish offers the commands" "it is not installed"
fi
done_testing
