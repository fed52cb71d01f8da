# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
#
# The part of a wrapper that starts gc when it is due, as `pycstash run` does. It is due at
# the mtime of gc.due; /proc/self has the start time of the process. It is due, too, if gc
# last ran in the future: then the clock was wrong, and so is gc.due. pycstash_command is set.
# Forks only to start gc. shellenv starts it, outside the session and the directory and
# without the descriptors that the interpreter inherits; what it prints is of no use here.
pycstash_state=${PYCSTASH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pycstash}/v1/.state
case ${PYCSTASH_AUTO_GC:-yes}$PYCSTASH_READONLY$PYCSTASH_DISABLE in
yes | 1 | true | on)
	if [ $$ -ne 1 ] && [ -w "$pycstash_state" ] && [ -x "$pycstash_command" ] && {
		[ ! -e "$pycstash_state/gc.due" ] || [ /proc/self -nt "$pycstash_state/gc.due" ] ||
			[ "$pycstash_state/gc" -nt /proc/self ]
	}; then
		LD_PRELOAD='' "$pycstash_command" shellenv </dev/null >/dev/null 2>&1
	fi
	;;
esac
