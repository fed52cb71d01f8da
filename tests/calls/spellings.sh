#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every symbol, with every way to write a path and every way that a path can be wrong.
#
# Takes 40 s.
# shellcheck source=tests/calls/fast.bash
. "$(dirname "$0")/fast.bash"
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/calls/rows.bash
. "$(dirname "$0")/rows.bash"

m=m.cpython-311.pyc

# WHERE FIXTURE PATH: paths of something that exists, written in every way.
spelled=$(cat <<-END
	c m a/@/$m
	c m ABS:a/@/$m
	c m ./a/@/$m
	c m a//@//$m
	c m a/./@/./$m
	c m ABS:a/./@///$m
	c m a/../a/@/$m
	c m l/@/$m
	c m ABS:l/@/$m
	c m l/../l/@/$m
	c m b/../l/./@/$m
	c m a/@/../@/$m
	c m a/@/./../@/../@/$m
	c m l/@/..//@/$m
	c m,+m.cpython-311.opt-1.pyc a/@/m.cpython-311.opt-1.pyc
	c m,+m.cpython-311.pyc.139833704914288 a/@/m.cpython-311.pyc.139833704914288
	c m,+m.cpython-311-pytest-7.2.1.pyc a/@/m.cpython-311-pytest-7.2.1.pyc
	c m,+m.func-3.py311.nbi a/@/m.func-3.py311.nbi
	c m,+m.func-3.py311.1.nbc a/@/m.func-3.py311.1.nbc
	c m,+m.func-3.py311.1.nbc.tmp.0123456789abcdef a/@/m.func-3.py311.1.nbc.tmp.0123456789abcdef
	c +\\xff\\xfe.cpython-311.pyc a/@/\\xff\\xfe.cpython-311.pyc
	c +{x*237}.cpython-311.pyc a/@/{x*237}.cpython-311.pyc
	t +other.c a/@/other.c
	t m,+other.c a/@/other.c
	t m,+other.c l/@/../@/other.c
	t m:t a/@/$m
	t m:t ABS:l/@/$m
	t m:b a/@/$m
	t link a/@/k.cpython-311.pyc
	any near x@/f.pyc
	any near @x/f.pyc
	any near ABS:my@/f.pyc
	c m a/@/../m.py
	c m ABS:l/@/.././m.py
	t m:t a/@/../m.py
	c - a/@/../m.py
	c m a/@/../../in.pyc
	c m a/@/../../d.txt
	END
)

# Paths of the directory itself.
directory=$(cat <<-END
	c dir a/@
	c m a/@
	c m ABS:a/@
	c dir a/@/
	c dir a/@//
	c dir a/@/.
	c dir ABS:l/@/./
	c m l/@
	c m a/@/..
	c m a/@/../
	c dir a/@/../@
	t m:t a/@
	t +other.c ABS:l/@/
	c - a/@
	c - a/@/
	c - a/@/..
	END
)

# Paths of something that does not exist, or cannot exist.
wrong=$(cat <<-END
	c - a/@/$m
	c dir a/@/$m
	c m a/@/none.cpython-311.pyc
	c dir a/@/none.c
	t m:t a/@/none.cpython-311.pyc
	c m none/@/$m
	c m none/../a/@/$m
	c m d.txt/@/$m
	c m loop/@/$m
	c m a/@/loop/$m
	c m LONG:300/@/$m
	c m {./*2100}a/@/$m
	c m a/@/LONG:5000.pyc
	any - {./*2000}a/@/{x*60}.cpython-311.pyc
	c m EMPTY
	c m NULL
	c m BAD
	END
)
# Paths that are too long after the __pycache__, for a name or for a path.
long=$(cat <<-END
	c m a/@/LONG:300
	c m a/@/LONG:300.cpython-311.pyc
	c m a/@/{./*2100}$m
	c m a/@/{./*2100}../m.py
	END
)

reading() { # templates of calls that change nothing
	rows_cross "$spelled" "$@"
	rows_cross "$directory" "$@"
	rows_cross "$wrong" "$@"
}

open_flags="O_RDONLY O_WRONLY O_RDWR|O_CLOEXEC O_RDONLY|O_NOFOLLOW O_RDONLY|O_DIRECTORY O_PATH O_WRONLY|O_TRUNC O_RDONLY|O_TRUNC O_WRONLY|O_APPEND"

: >"$T/rows"
{
	for flags in $open_flags; do reading "open %p $flags 0"; done
	for symbol in open64 __open __open64; do reading "$symbol %p O_RDONLY" "$symbol %p O_RDWR"; done
	for symbol in __open_2 __open64_2; do reading "$symbol %p O_RDONLY"; done
	for symbol in openat openat64; do
		reading "$symbol CWD %p O_RDONLY" "$symbol FD:b ../%p O_RDONLY" "$symbol FD:b ../%p O_WRONLY"
	done
	for symbol in __openat_2 __openat64_2; do reading "$symbol FD:b ../%p O_RDONLY"; done
	reading "openat2 CWD %p O_RDONLY 0 0 0" "openat2 FD:b ../%p O_RDONLY 0 0 0" "openat2 CWD %p O_RDWR 0 0 0"
	for symbol in fopen fopen64 freopen freopen64; do
		for mode in r re r+ rb+; do reading "$symbol %p $mode"; done
	done
	# A listing of the sources does not show a __pycache__ that is only pretended.
	without_up=$(grep -v '\.\./*$' <<<"$directory")
	for template in "opendir %p" "scandir %p" "scandir64 %p" "scandirat CWD %p" \
		"scandirat FD:b ../%p" "scandirat64 CWD %p" "scandirat64 FD:b ../%p"; do
		directory=$without_up reading "$template"
	done
	for symbol in stat stat64 lstat lstat64 __xstat __xstat64 __lxstat __lxstat64 __stat64_time64 __lstat64_time64 chdir statfs statfs64 __statfs statvfs statvfs64 canonicalize_file_name; do
		reading "$symbol %p"
	done
	for symbol in fstatat fstatat64 __fxstatat __fxstatat64 __fstatat64_time64 statx; do
		reading "$symbol CWD %p 0" "$symbol FD:b ../%p AT_SYMLINK_NOFOLLOW" "$symbol FD:a %p AT_EMPTY_PATH"
	done
	for symbol in access eaccess euidaccess; do reading "$symbol %p 4" "$symbol %p 1"; done
	reading "faccessat CWD %p 0 0" "faccessat FD:b ../%p 2 AT_EACCESS" "faccessat CWD %p 4 AT_SYMLINK_NOFOLLOW"
	reading "pathconf %p 3" "inotify_add_watch INOTIFY %p IN_ALL_EVENTS"
	for symbol in readlink __readlink_chk; do reading "$symbol %p 100" "$symbol %p 2"; done
	for symbol in readlinkat __readlinkat_chk; do reading "$symbol FD:b ../%p 100" "$symbol CWD %p 100"; done
	reading "realpath %p BUF" "realpath %p NULL" "__realpath_chk %p BUF"
	for symbol in getxattr lgetxattr; do reading "$symbol %p user.x 100"; done
	for symbol in listxattr llistxattr; do reading "$symbol %p 100"; done
} | rows_here >>"$T/rows"

# Calls that change something.
{
	reading "chmod %p 0751" "lchmod %p 0751" "fchmodat CWD %p 0751 0" "fchmodat FD:b ../%p 0740 0" \
		"chown %p -1 34" "lchown %p -1 34" "fchownat FD:b ../%p -1 34 0" \
		"fchownat CWD %p -1 34 AT_SYMLINK_NOFOLLOW" "utime %p 5000" "utimes %p 5000" "lutimes %p 5000" \
		"futimesat FD:b ../%p 5000" "utimensat CWD %p 5000 0" "utimensat FD:b ../%p 5000 AT_SYMLINK_NOFOLLOW" \
		"__utime64 %p 5000" "__utimes64 %p 5000" "__lutimes64 %p 5000" "__futimesat64 FD:b ../%p 5000" "__utimensat64 CWD %p 5000 0" \
		"truncate %p 3" "truncate64 %p 3" "setxattr %p user.x 0" "lsetxattr %p user.x 0" \
		"removexattr %p user.x" "lremovexattr %p user.x"
	for symbol in unlink rmdir remove; do reading "$symbol %p"; done
	reading "unlinkat CWD %p 0" "unlinkat FD:b ../%p 0" "unlinkat FD:b ../%p AT_REMOVEDIR"
} | rows_here >>"$T/rows"

rows_run spellings "$T/rows"

rows_cross "$long" "open %p O_RDONLY" "open %p O_WRONLY" "open %p O_RDWR|O_CREAT 0644" "fopen %p r" "stat %p" \
	"access %p 0" "opendir %p" "chmod %p 0700" "unlink %p" "readlink %p 10" "realpath %p BUF" "rename %p a/@/$m" \
	"link %p b/x" "mkdir %p 0700" "symlink x %p" >"$T/long"
rows_run "too long" "$T/long"
done_testing
