# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Differential tests: the same rows run without the library and with it, and the results are
# compared.
#
# A row is "WHERE FIXTURE SYMBOL ARG…"; call.c and tree.h define the words. WHERE says
# whether the tree has a `__pycache__` after the call, if the library is loaded:
#   c        it has none, because everything is in the cache (but it has one if the row
#            writes to a pyc under its final name)
#   t        it has one
#   make     it has one if the call succeeded
#   any      it does not matter
#   =RESULT  a known difference: RESULT is the row's result with the library ('_' for a
#            space)
#
#   rows_compare …              prints the claims of one pass, for `told`
#   rows_run NAME ROWS          runs all passes and prints their claims
#   as=(COMMAND…)               a command that runs the driver, such as setpriv

CALL=$BUILD/tests/calls/call
as=()

# pass OUT WORK ROWS VARIABLE=VALUE… [-- CACHE]
rows_pass() {
	local out=$1 work=$2 rows=$3 variables=()
	shift 3
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		variables+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	${as[@]+"${as[@]}"} env "${variables[@]}" "$CALL" --rows "$work" "$@" <"$rows" >"$out" 2>"$out.err" ||
		echo "the driver ended with status $?" >>"$out.err"
}

# Compares one pass with the one without the library. MODE is "same" (the results must be
# equal) or "cached" (WHERE says what may differ).
rows_compare() { # SENTENCE MODE ROWS BARE GOT
	local said
	# qemu tells of each program that dies of a signal, as some calls do anywhere.
	said=$(grep -v -m 1 '^qemu: uncaught target signal' "$5.err") &&
		echo "not ok - the calls are silent, and the driver runs to its end: $1: $said"
	grep -v '^#' "$3" | paste -d $'\036' - "$4" "$5" |
		awk -v sentence="$1" -v mode="$2" -v shown="${ROWS_SHOWN:-3}" \
			-v known="$HERE/tests/calls/known-differences.txt" -f "$HERE/tests/calls/compare.awk"
}

# rows_as_one SENTENCE: turns the claims that rows_compare prints into one claim about all
# symbols. Claims that fail stay claims of their own.
rows_as_one() {
	awk -v sentence="$1" '/^ok/ { good++; next } /^not ok/ { bad++ } bad < 20 { print } END {
		if (bad >= 20) print "#   … " bad " symbols fail"
		if (good) print "ok - " sentence " (" good " symbols)" }' | told
}

rows_run() { # NAME ROWS
	local name=$1 rows=$2 cache=${rows_cache:-$T/rows-cache} work=$T/work
	${as[@]+"${as[@]}"} mkdir -p "$work"
	rows_pass "$T/bare" "$work" "$rows" CALL_DIR=__pycache__
	local so=LD_PRELOAD=$SO dir=PYCSTASH_DIR=$cache
	rows_pass "$T/cached" "$work" "$rows" "$so" "$dir" -- "$cache"
	rows_compare "$name: %s does the same in the cache as in the tree" cached \
		"$rows" "$T/bare" "$T/cached" | told
	local pass words
	while read -r words pass; do
		[ -n "$words" ] || continue
		# shellcheck disable=SC2086
		rows_pass "$T/pass" "$work" "$rows" "$so" "$dir" ${words//,/ }
		rows_compare "$name: %s does the same as without the library $pass" same \
			"$rows" "$T/bare" "$T/pass" | told
	done <<-END
		CALL_DIR=plain-cache outside of any __pycache__
		CALL_DIR=__pyc-che__ for a name that is almost __pycache__
		${rows_passes:-}
	END
}

# rows_cross LIST TEMPLATE…: each template with each of the list's lines
# "WHERE FIXTURE PATH" in place of its %p, or of ../%p where that path is absolute.
rows_cross() {
	local list=$1 template where fixture path
	shift
	local templates=("$@")
	for template in "${templates[@]}"; do
		while read -r where fixture path; do
			[ -n "$path" ] || continue
			case $path in ABS:* | EMPTY | NULL | BAD) set -- "${template//..\/%p/$path}" ;; *) set -- "$template" ;; esac
			echo "$where $fixture ${1//%p/$path}"
		done <<<"$list"
	done
}

# rows_here: leaves out the rows of symbols that only 32-bit machines have
rows_here() {
	if "$CALL" --names | grep -q time64; then
		cat
	else
		grep -vE ' __(l?stat64_time|fstatat64_time|utime|l?utimes|futimesat|utimensat)64 '
	fi
}

# A few rows for every symbol, for suites that have no time for all rows.
rows_every() {
	local m=m.cpython-311.pyc t=t.cpython-311.pyc
	local there="c m a/@/$m
c m ABS:l/@/../@/$m
c m a/@/none.cpython-311.pyc
t m:b,+other.c a/@/$m
t +other.c a/@/other.c
c dir a/@
c m a/m.py
c - none/@/$m"
	local new="c m a/@/$t
c dir a/@/../@/$t
make m a/@/other.c
c - a/@/$t"
	local flags=O_RDONLY create="O_WRONLY|O_CREAT 0640" name
	for name in open open64 __open __open64; do
		rows_cross "$there" "$name %p $flags"
		rows_cross "$new" "$name %p $create"
	done
	for name in openat openat64; do
		rows_cross "$there" "$name FD:b ../%p $flags"
		rows_cross "$new" "$name CWD %p $create"
	done
	rows_cross "$there" "__open_2 %p $flags" "__open64_2 %p $flags" "__openat_2 CWD %p $flags" \
		"__openat64_2 FD:b ../%p $flags" "openat2 CWD %p $flags 0 0"
	rows_cross "$new" "creat %p 0600" "creat64 %p 0600" "fopen %p w" "fopen64 %p a" "freopen %p w" "freopen64 %p a" \
		"mkdir %p 0755" "mkdirat CWD %p 0700" | sed -E '/ mkdir/s/^c/any/'
	rows_cross "$there" "fopen %p r" "fopen64 %p r+" "freopen %p r" "freopen64 %p r+"
	for name in stat stat64 lstat lstat64 __xstat __xstat64 __lxstat __lxstat64 __stat64_time64 __lstat64_time64 \
		statfs statfs64 __statfs statvfs statvfs64 opendir readdir readdir64 rewinddir closedir scandir scandir64 chdir canonicalize_file_name unlink rmdir remove; do
		rows_cross "$there" "$name %p"
	done
	echo "c m fchdir FD:b"
	for name in fstatat fstatat64 __fxstatat __fxstatat64 __fstatat64_time64 statx; do rows_cross "$there" "$name FD:b ../%p 0"; done
	rows_cross "$there" "access %p 4" "eaccess %p 4" "euidaccess %p 4" "faccessat CWD %p 4 0" "pathconf %p 3" \
		"inotify_add_watch INOTIFY %p IN_ALL_EVENTS" "scandirat CWD %p" "scandirat64 FD:b ../%p" "unlinkat CWD %p 0" \
		"readlink %p 9" "readlinkat CWD %p 9" "__readlink_chk %p 9" "__readlinkat_chk FD:b ../%p 9" "realpath %p BUF" \
		"__realpath_chk %p NULL" "chmod %p 0755" "lchmod %p 0755" "fchmodat CWD %p 0755 0" "chown %p -1 -1" \
		"lchown %p -1 -1" "fchownat FD:b ../%p -1 -1 0" "utime %p 5000" "utimes %p 5000" "lutimes %p 5000" \
		"futimesat CWD %p 5000" "utimensat FD:b ../%p 5000 0" "__utime64 %p 5000" "__utimes64 %p 5000" \
		"__lutimes64 %p 5000" "__futimesat64 CWD %p 5000" "__utimensat64 FD:b ../%p 5000 0" "truncate %p 1" "truncate64 %p 1" "getxattr %p user.x 9" \
		"lgetxattr %p user.x 9" "setxattr %p user.x 0" "lsetxattr %p user.x 0" "listxattr %p 9" "llistxattr %p 9" \
		"removexattr %p user.x" "lremovexattr %p user.x"
	rows_cross "$there" "rename %p a/@/$t" "renameat CWD %p CWD b/@/../@/$m" "renameat2 FD:b ../%p CWD a/@/$t 0" \
		"link %p a/@/$t" "linkat CWD %p CWD a/@/$t 0" | sed 's/^c/any/; /^any dir link/d'
	rows_cross "$new" "symlink x %p" "symlinkat x CWD %p" "mkfifo %p 0600" "mkfifoat CWD %p 0600" \
		"mknod %p S_IFREG|0600 0" "mknodat CWD %p S_IFREG|0600 0" "__xmknod %p S_IFREG|0600" \
		"__xmknodat FD:b ../%p S_IFREG|0600" | sed 's/^c/any/'
	rows_cross "make m a/@/tmp-XXXXXX
any - a/@/tmp-XXXXXX" "mkstemp %p" "mkstemp64 %p" "mkostemp %p 0" "mkostemp64 %p 0" "mkstemps %p.c 2" "mkstemps64 %p.c 2" \
		"mkostemps %p.c 2 0" "mkostemps64 %p.c 2 0" "mkdtemp %p"
	echo "any m mktemp a/@/tmp-XXXXXX"
	for name in "execve %p" "execv %p" "execvp %p" "execvpe %p" "execveat CWD %p 0" "posix_spawn %p" "posix_spawnp %p"; do
		rows_cross "c x a/@/x.cpython-311.pyc
c m a/@/none.pyc" "$name"
	done
	printf 'c m %s\n' "_exit 7" "_Exit 8" "quick_exit 9"
	printf 'c m %s\n' "setuid -1" "seteuid -1" "setreuid -1 -1" "setresuid -1 -1 -1" "chroot none"
}
