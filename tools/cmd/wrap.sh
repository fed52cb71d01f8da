# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The part of a wrapper that puts the library first in LD_PRELOAD, and only once;
# pycstash_library is set. Comments are not copied into the wrapper. Uses builtins only, so
# that nothing is forked. An entry with ld.so's $LIB is the library for programs of both
# word sizes. The names are unusual, and are unset first: a variable of the environment with
# the same name would reach the interpreter with a different value.
unset pycstash_rest pycstash_list pycstash_entry pycstash_state pycstash_command
pycstash_rest=$LD_PRELOAD
while [ -n "$pycstash_rest" ]; do
	pycstash_entry=${pycstash_rest%%[ :]*}
	pycstash_rest=${pycstash_rest#"$pycstash_entry"}
	pycstash_rest=${pycstash_rest#[ :]}
	case $pycstash_entry in
	*'$LIB'*/libpycstash.so)
		pycstash_list=$pycstash_entry${pycstash_list:+:$pycstash_list}
		pycstash_library=
		;;
	'' | "$pycstash_library" | libpycstash.so | */libpycstash.so) ;;
	*) pycstash_list=$pycstash_list${pycstash_list:+:}$pycstash_entry ;;
	esac
done
if [ -r "$pycstash_library" ]; then
	pycstash_list=$pycstash_library${pycstash_list:+:$pycstash_list}
fi
if [ -n "$pycstash_list" ]; then
	LD_PRELOAD=$pycstash_list
	export LD_PRELOAD
else
	unset LD_PRELOAD
fi
