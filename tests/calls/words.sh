#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The calls that create, rename and delete files, in the cache and in the tree; and those that
# run a file or change the user.
#
# Takes 30 s.
# shellcheck source=tests/calls/fast.bash
. "$(dirname "$0")/fast.bash"
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/calls/rows.bash
. "$(dirname "$0")/rows.bash"

m=m.cpython-311.pyc
n=n.cpython-311.pyc
t=t.cpython-311.pyc

# 1. A name that is to be created: it is new, exists already, or cannot be created there.
created=$(cat <<-END
	c dir a/@/$t
	c m a/@/$t
	c - a/@/$t
	c m a/@/$m
	c m l/@/$m
	c m a/@/../@/$m
	c dir ABS:l/@//$t
	t m:t a/@/$m
	t m:t a/@/$t
	t m:b a/@/$m
	any dir a/@/$t.123
	c dir,?$t a/@/$t.123
	c dir a/@/t.func-3.py311.nbi
	any dir a/@/t.func-3.py311.2.nbc.tmp.0123456789abcdef
	c dir,?t.func-3.py311.nbi a/@/t.func-3.py311.2.nbc.tmp.0123456789abcdef
	c dir a/@/\\xff\\xfe.cpython-311.pyc
	c dir a/@/none.pyc
	t +other.c a/@/$t
	t +other.c a/@/other.c
	make dir a/@/other.c
	make m l/@/other.c
	make dir a/@/../@/other.c
	c m a/@/../t.py
	c m a/@
	c - a/@
	c dir a/@/
	c dir a/@/.
	c dir a/@/..
	c - d.txt/@/$m
	c - loop/@/$m
	c - none/@/$m
	t link a/@/k.cpython-311.pyc
	any near x@/$t
	any near @x/$t
	any - EMPTY
	any - NULL
	any - BAD
	END
)
temporary=$(cat <<-END
	c dir a/@/
	c m a/@
	c m ABS:l/@
	c - a/@
	t m:t a/@
	t +other.c a/@
	c dir a/@/.
	c m a/@/$m
	END
)
making() { rows_cross "$created" "$@"; }
opening() {
	for flags in "O_WRONLY|O_CREAT" "O_WRONLY|O_CREAT|O_EXCL" "O_WRONLY|O_CREAT|O_TRUNC" \
		"O_RDWR|O_CREAT|O_APPEND" "O_RDONLY|O_CREAT" "O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC|O_TRUNC" \
		"O_RDWR|O_CREAT|O_NOFOLLOW" "O_RDONLY|O_CREAT|O_DIRECTORY" "O_RDWR|O_TRUNC|O_APPEND"; do
		rows_cross "$created" "${@//%f/$flags}"
	done
}
{
	opening "open %p %f 0644" "openat FD:b ../%p %f 0604"
	for symbol in open64 __open __open64; do making "$symbol %p O_WRONLY|O_CREAT|O_EXCL 0100640"; done
	making "openat64 CWD %p O_RDWR|O_CREAT 0600" "openat2 CWD %p O_WRONLY|O_CREAT|O_EXCL 0640 0" \
		"openat2 FD:b ../%p O_RDWR|O_CREAT 0640 0" "creat %p 0644" "creat64 %p 0644"
	for symbol in fopen fopen64 freopen freopen64; do
		for mode in w w+ a a+ wx wxe; do making "$symbol %p $mode"; done
	done
	for flags in "O_RDWR|O_TMPFILE" "O_WRONLY|O_TMPFILE|O_EXCL" "O_RDONLY|O_TMPFILE" "O_RDONLY|O_DIRECTORY" \
		"O_WRONLY|O_DIRECTORY"; do
		rows_cross "$temporary" "open %p $flags 0640" "openat FD:b ../%p $flags 0604"
		case $flags in *TMPFILE*) mode=0600 ;; *) mode=0 ;; esac
		rows_cross "$temporary" "openat2 CWD %p $flags $mode 0"
	done
	echo "c m openat2 CWD a/@/$m O_RDONLY 0600 0" # a mode for nothing: EINVAL
	rows_cross "$created" "mkdir %p 0750" "mkdirat FD:b ../%p 0700" "mkdirat CWD %p 0777" "mkdir %p/ 0755"
} >"$T/create"
# mkdir of another name than __pycache__ belongs in the tree
sed -i -E '/ mkdir(at)? /{/@\/{0,2}(\.?\.)?\/? 0[0-9]+$/!s/^(c|make) /any /}' "$T/create"

# 2. Files that belong in the tree.
made=$(cat <<-END
	make dir a/@/$t
	make m a/@/other.c
	make m ABS:l/@/other.c
	make dir a/@/../@/other.c
	make m a/@/$m
	make m:t a/@/$m
	make m:b a/@/$m
	make +other.c a/@/other.c
	any - a/@/other.c
	any dir a/@
	any - d.txt/@/other.c
	any - loop/@/other.c
	any near x@/other.c
	any dir a/@/../new
	any - EMPTY
	any - NULL
	any - BAD
	END
)
template=$(cat <<-END
	make dir a/@/tmp-XXXXXX
	make m ABS:l/@/tmp-XXXXXX
	make m a/@/../@/tmp-XXXXXX
	t +other.c a/@/tmp-XXXXXX
	any - a/@/tmp-XXXXXX
	any - d.txt/@/tmp-XXXXXX
	any dir a/tmp-XXXXXX
	any dir a/@/tmp-XXXXX
	any near my@/tmp-XXXXXX
	END
)
{
	rows_cross "$made" "symlink target %p" "symlinkat target CWD %p" "symlinkat ../target FD:b ../%p" \
		"mkfifo %p 0640" "mkfifoat FD:b ../%p 0640" "mknod %p S_IFREG|0640 0" \
		"mknodat CWD %p S_IFIFO|0600 0" "mknodat FD:b ../%p S_IFSOCK|0600 0" \
		"__xmknod %p S_IFREG|0640" "__xmknodat CWD %p S_IFREG|0640"
	rows_cross "$template" "mkstemp %p" "mkstemp64 %p" "mkostemp %p O_CLOEXEC" "mkostemp64 %p O_APPEND" \
		"mkstemps %p.c 2" "mkstemps64 %p.c 2" "mkostemps %p.c 2 O_CLOEXEC" "mkostemps64 %p.c 2 0" "mkdtemp %p"
	rows_cross "${template//make /any }" "mktemp %p"
} >"$T/make"

# 3. Two names.
pairs=$(cat <<-END
	c m a/@/$m a/@/$t
	c m a/@/none.cpython-311.pyc a/@/$m
	c m a/@/$m ABS:l/@/$t
	c m,n a/@/$m a/@/$n
	c m,n ABS:l/@//$m l/@/./$n
	c m,+$n.123 a/@/$n.123 a/@/$n
	any m,+$m.123 a/@/$m.123 a/@/../@/$m
	c m a/@/$m a/@/$m
	c m a/@/$m b/@/$m
	c m,bdir a/@/$m b/@/$m
	c m,bm a/@/$m b/@/$m
	c m a/@/$m out.pyc
	c m,in a/@/$m in.pyc
	t in,dir in.pyc a/@/$t
	c m,n a/@/$m a/@/../in.pyc
	c m a/@/none.cpython-311.pyc a/@/$t
	c m a/@/$m none/@/$t
	c m d.txt/@/$m a/@/$t
	c m a/@/$m d.txt/@/$t
	c m loop/@/$m a/@/$t
	c m a/@/$m EMPTY
	c m EMPTY a/@/$t
	c m a/@/$m NULL
	c m NULL a/@/$t
	c m a/@/$m BAD
	c m BAD a/@/$t
	c m a/@/$m a/@
	c m a/@/$m b
	t m:t a/@/$m a/@/$t
	t m:t,n a/@/$m a/@/$n
	t m:t,n:b a/@/$m a/@/$n
	t m,n:t a/@/$m a/@/$n
	t m:b a/@/$m a/@/$t
	t m:b,n:b a/@/$m a/@/$n
	t m:t a/@/$m b/@/$m
	t m:t,bm a/@/$m b/@/$m
	any m:t,bdir a/@/$m out.pyc
	t m:b a/@/$m out.pyc
	t m:o a/@/$m a/@/$t
	t m:o,n a/@/$m a/@/$n
	t m:o,n:b a/@/$m a/@/$n
	t m:o a/@/$m b/@/$m
	t m:o,bm a/@/$m b/@/$m
	t m:o a/@/$m out.pyc
	t m:o a/@/$m none/@/$t
	t m:o a/@/$m a/@/$m
	t n:t,m:o a/@/$n a/@/$m
	t m,+other.c a/@/$m a/@/other.c
	make m a/@/$m a/@/new.c
	t m,+other.c a/@/other.c a/@/$t
	t m,+other.c a/@/other.c a/@/$m
	make in in.pyc a/@/other.c
	make m,in in.pyc a/@/other.c
	any in,m in.pyc a/@/$m
	any in,m:t in.pyc a/@/$m
	any in,m:b in.pyc a/@/$m
	any near,m x@/f.pyc a/@/$t
	any near,m a/@/$m @x/f.pyc
	END
)
directories=$(cat <<-END
	c dir a/@ b/@
	c m a/@ b/@
	c m a/@/ b/@/
	c m,bdir a/@ b/@
	c m,bm a/@ b/@
	c m a/@ out
	c m,in a/@ in.pyc
	c m a/@ a/@
	c m a/@ a/@/sub
	c m a/@/. b/@
	c m a/@ d.txt
	c - a/@ b/@
	any m:t a/@ b/@
	any m:t,bm:t a/@ b/@
	any m:t,bdir a/@ b/@
	any m:b,n:t a/@ b/@
	any +other.c a/@ out
	any bm,m:t a/@ b/@
	END
)
{
	rows_cross "$pairs"$'\n'"$directories" "rename %p"
	while read -r where fixture from to; do
		[ -n "$to" ] || continue
		for symbol in renameat "renameat2:0" "renameat2:RENAME_NOREPLACE" \
			"linkat:0" "linkat:AT_SYMLINK_FOLLOW"; do
			flags=${symbol#*:}
			[ "$flags" != "$symbol" ] || flags=
			case $symbol in *:0 | renameat) from_fd=CWD to_fd=CWD ;; *) from_fd=FD:b to_fd=CWD ;; esac
			case $from_fd$from in FD:bEMPTY | FD:bNULL | FD:bBAD | FD:bABS*) spelled=$from ;; FD*) spelled=../$from ;; *) spelled=$from ;; esac
			echo "$where $fixture ${symbol%:*} $from_fd $spelled $to_fd $to $flags"
		done
	done <<<"$pairs"$'\n'"$directories"
	rows_cross "$pairs"$'\n'"$directories" "link %p"
	# Like a file system that cannot: what is exchanged would have to be on one side.
	echo "=-1_EINVAL m,n renameat2 CWD a/@/$m CWD a/@/$n RENAME_EXCHANGE"
	echo "=-1_EINVAL m:t,n renameat2 CWD a/@ CWD d.txt RENAME_EXCHANGE"
	echo "=-1_EINVAL m,n:t renameat2 CWD a/@/$m CWD a/@/$n RENAME_EXCHANGE"
	echo "t m:t,n:t renameat2 CWD a/@/$m CWD a/@/none.cpython-311.pyc RENAME_EXCHANGE"
	echo "t m:o,n:t renameat2 CWD a/@/$m CWD a/@/$n RENAME_EXCHANGE"
	echo "t m:o,n:t renameat2 CWD a/@/$n CWD a/@/$m RENAME_EXCHANGE"
	echo "c m,n renameat2 CWD a/@/$m CWD a/@/$n 128"
	echo "any +$m.123 renameat2 CWD a/@/$m.123 CWD a/@/$m RENAME_EXCHANGE"
	# By a descriptor of a pretended directory.
	echo "make m fchdir FD:a/@"
	echo "make m mkdirat FD:a/@ new 0755"
	echo "make m symlinkat d.txt FD:a/@ $t"
	echo "make m linkat CWD d.txt FD:a/@ $t 0"
	echo "make m renameat CWD d.txt FD:a/@ $t"
	echo "make m renameat2 CWD d.txt FD:a/@ $t 0"
	for symbol in openat openat64; do echo "make m $symbol FD:a/@ $t O_WRONLY|O_CREAT 0644"; done
} >"$T/pairs"

# 4. Names that have to be deleted: in the cache, in the tree, or in both.
gone=$(cat <<-END
	c m,n a/@/$m
	c m a/@/$m
	t m:t a/@/$m
	t m:b a/@/$m
	t m:b,n:b a/@/$m
	t m:o a/@/$m
	t m,+other.c a/@/other.c
	t +other.c,m a/@/$m
	any m:t a/@
	any m:b a/@
	c m a/@
	c dir a/@
	c dir a/@/
	any +other.c a/@
	c - a/@
	c - a/@/$m
	END
)
# A listing shows the directory of the tree and that of the cache.
{
	for call in opendir rewinddir "scandir:" "scandir64:" "scandirat:" "scandirat64:"; do
		dirfd=
		case $call in scandirat*) dirfd="CWD " ;; esac
		case $call in *:) four=4_ three=3_ close= ;; *) four=[ three=[ close=] ;; esac
		echo "=${four}._.._m.cpython-311.pyc_n.cpython-311.pyc$close m:t,n ${call%:} ${dirfd}a/@"
		echo "=${four}._.._n.cpython-311.pyc_other.c$close n,+other.c ${call%:} ${dirfd}a/@"
		echo "=${three}._.._n.cpython-311.pyc$close n ${call%:} ${dirfd}a/@"
	done
	for symbol in readdir readdir64 closedir; do echo "any m:t,n $symbol a/@"; done
} >"$T/listings"
rows_cross "$gone" "unlink %p" "remove %p" "rmdir %p" "unlinkat CWD %p 0" "unlinkat FD:b ../%p 0" \
	"unlinkat CWD %p AT_REMOVEDIR" "unlinkat FD:b ../%p AT_REMOVEDIR" >"$T/gone"

# 5. Running programs, and changing the user.
{
	programs="c x a/@/x.cpython-311.pyc
c x ABS:l/@/x.cpython-311.pyc
c m a/@/$m
c m a/@/none.pyc
c m a/@
c - d.txt/@/x.pyc
c - loop/@/x.pyc
c - NULL
c - EMPTY
t m:t a/@/$m"
	rows_cross "$programs" "execve %p" "execv %p" "execvp %p" "execvpe %p" "execveat CWD %p 0" \
		"execveat FD:b ../%p 0" "posix_spawn %p" "posix_spawnp %p"
	# The library does not redirect chroot into the cache.
	for path in a d.txt none loop a/@/none NULL BAD EMPTY; do echo "c m chroot $path"; done
	for symbol in _exit _Exit quick_exit; do echo "c m $symbol 5"; done
	echo "=-1_ENOENT m chroot a/@"
	for id in 0 65534 -1; do
		echo "c m setuid $id"
		echo "c m seteuid $id"
		echo "c m setreuid $id $id"
		echo "c m setresuid $id $id $id"
	done
	for how in RESOLVE_BENEATH RESOLVE_NO_SYMLINKS 4096; do
		echo "any m:t openat2 CWD a/@/$m O_RDONLY 0 $how"
	done
	echo "any m:t openat2 CWD a/@/$m O_RDONLY 0 0 8"
	echo "any m:t openat2 CWD a/@/$m O_RDONLY 0 0 -8"
} >"$T/run"

for words in create make pairs listings gone run; do
	sed -i '/^$/d' "$T/$words"
	rows_run "$words" "$T/$words"
done

# Every symbol, with the library switched off in one way or another.
rows_every | rows_here >"$T/every"
rows_passes=$(cat <<-END
	PYCSTASH_DISABLE=1 with PYCSTASH_DISABLE
	PYCSTASH_EXCLUDE=$T/work with PYCSTASH_EXCLUDE
	PYCSTASH_DIR=relative with no place for the cache
	PYCSTASH_DIR=/proc/no/cache with a place that cannot be made
	END
)
rows_run "off" "$T/every"
done_testing
