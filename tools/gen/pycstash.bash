# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2086,SC2154
# Completion for bash. pages.awk adds _pycstash_commands, _pycstash_keys and _pycstash_takes. The
# last sets what follows option $1 of command $2 (value), and what that command takes (options,
# operands, actions).
_pycstash_reply()
{
	local action=
	case $1 in
	words) action='-W' ;;
	directories) action=-d; compopt -o filenames 2>/dev/null ;;
	files) action=-f; compopt -o filenames 2>/dev/null ;;
	command) action=-c ;;
	*) return ;;
	esac
	mapfile -t COMPREPLY < <(compgen $action ${2+"$2"} -- "$cur")
}

_pycstash()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local value options operands actions i

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		_pycstash_reply words "$_pycstash_commands"
		return
	fi
	if [ "$cur" = = ]; then # --dir= is two words, --dir=x three
		cur=
	elif [ "$prev" = = ]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 2; i < COMP_CWORD; i++)); do # to the first operand
		_pycstash_takes "${COMP_WORDS[i]}" "${COMP_WORDS[1]}"
		case ${COMP_WORDS[i]} in
		--) ((i++)); break ;;
		-*) [ -z "$value" ] || ((i++)) ;;
		=) ((i++)) ;;
		*) break ;;
		esac
	done
	_pycstash_takes "$prev" "${COMP_WORDS[1]}"
	if [ "$operands" = command ] && [ "$i" -lt "$COMP_CWORD" ]; then
		if declare -F _command_offset >/dev/null; then
			_command_offset "$i"
		else
			_pycstash_reply files
		fi
	elif [ "${value%% *}" = words ]; then
		_pycstash_reply words "${value#* }"
	elif [ -n "$value" ]; then
		_pycstash_reply "$value"
	elif [[ $cur == -* ]]; then
		_pycstash_reply words "$options"
	elif [ "$operands" = commands ]; then
		_pycstash_reply words "$_pycstash_commands"
	elif [ "$operands" = keys ] && [ "$i" -lt "$COMP_CWORD" ]; then
		_pycstash_reply words "$_pycstash_keys"
	elif [ "$operands" = keys ]; then
		_pycstash_reply words "$actions"
	else
		_pycstash_reply "$operands"
	fi
}
