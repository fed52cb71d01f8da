# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The part of a wrapper that puts the library first in LD_PRELOAD, where it names it once;
# pycstash_library is set. Comments are not in the wrapper. Builtins only, so that nothing
# is forked. An entry with ld.so's $LIB is the library for programs of both word sizes. The names are odd and unset at first: one that the environment happens to hold
# would reach the interpreter changed.
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
