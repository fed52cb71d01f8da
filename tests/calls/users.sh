#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Permissions, as an ordinary user: what the modes forbid in the tree, they forbid in the cache.
# shellcheck source=tests/calls/fast.bash
. "$(dirname "$0")/fast.bash"
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/calls/rows.bash
. "$(dirname "$0")/rows.bash"

chmod 755 "$T"
mkdir -m 1777 "$T/work" "$T/open"
CALL=$T/call SO_COPY=$T/lib.so
cp "$BUILD/tests/calls/call" "$CALL" && cp "$SO" "$SO_COPY" && SO=$SO_COPY
if [ "$(id -u)" = 0 ]; then
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	rows_cache=$T/open/cache
fi

m=m.cpython-311.pyc
t=t.cpython-311.pyc
# Entries in a __pycache__ that is read-only or cannot be read, and an entry that cannot be read.
existing=$(cat <<-END
	c m,a/@=0555 a/@/$m
	c m,a/@=0111 a/@/$m
	c m,a/@/$m=0 a/@/$m
	c m,a/@/$m=0444 l/@/$m
	c m,a/@/$m=0200 a/@/$m
	t m:t,a/@/$m=0 a/@/$m
	t m:t,a/@=0555 a/@/$m
	c m,a=0555 a/@/$m
	c m,a/@=0555 a/@
	c m,a/@=0311 a/@
	c - a/@
	t m:t,a=0555 a/@
	END
)
new=$(cat <<-END
	any m,a/@=0555 a/@/$t
	c m,a/@=0311 a/@/$t
	c m,a/@/$m=0444 a/@/$m
	c dir,a=0555 a/@/$t
	any m,bdir,b/@=0555 b/@/$t
	END
)
closed=$(cat <<-END
	c m,a/@=0444 a/@/$m
	c m,a/@=0 a/@/$m
	c m,a/@=0 a/@/$t
	t m:t,a/@=0 a/@/$m
	c m,a=0 a/@/$m
	c m,a=0444 a/@/$m
	c m,a=0666 a/@
	t m:t,a=0 a/@/$m
	END
)
{
	rows_cross "$existing" "open %p O_RDONLY" "open %p O_RDWR" "open %p O_WRONLY|O_TRUNC" "open %p O_RDONLY|O_DIRECTORY" \
		"openat CWD %p O_RDONLY" "openat FD:b ../%p O_RDONLY" "fopen %p r" "freopen %p r" "stat %p" "lstat %p" \
		"access %p 4" "access %p 2" "eaccess %p 1" "faccessat CWD %p 6 AT_EACCESS" "opendir %p" "scandir %p" "chdir %p" \
		"unlink %p" "unlinkat FD:b ../%p 0" "rmdir %p" "remove %p" "rename %p b/x" "rename %p b/@" "link %p b/x" \
		"readlink %p 10" "realpath %p BUF" "chmod %p 0700" "chown %p 0 0" "utimensat CWD %p 5000 0" "truncate %p 2" \
		"execve %p" "posix_spawn %p" "setxattr %p user.x 0" "getxattr %p user.x 9" "inotify_add_watch INOTIFY %p IN_ALL_EVENTS"
	rows_cross "$new" "open %p O_WRONLY|O_CREAT 0644" "open %p O_WRONLY|O_CREAT|O_EXCL 0644" "openat CWD %p O_RDWR|O_CREAT|O_TRUNC 0600" \
		"creat %p 0600" "fopen %p w" "fopen %p a" "freopen %p w" "rename a/@/$m %p" "link a/@/$m %p"
	# Calls that the tree would refuse because of its own directory, too.
	rows_cross "$(grep -v a=0555 <<<"$new")" "mkfifo %p 0600" "mknod %p S_IFREG|0600 0" "symlink x %p" "mkdir %p 0700" "rename a/m.py %p" | sed -E 's/^c /any /'
	# A read-only directory of sources does not prevent a __pycache__ in the cache.
	for call in "rmdir a/@" "mkdir a/@ 0700"; do
		case $call in mkdir*) echo "=0 a=0555 $call" ;; *) echo "=0 dir,a=0555 $call" ;; esac
	done
	rows_cross "t m:t,a/@=0555 a/@/$t" "open %p O_WRONLY|O_CREAT|O_EXCL 0644"
} >"$T/users"
rows_cross "$closed" "open %p O_RDONLY" "open %p O_WRONLY|O_CREAT 0644" "stat %p" "unlink %p" "opendir %p" "access %p 0" >"$T/closed"
rows_passes=$(cat <<-END
	PYCSTASH_DISABLE=1 with PYCSTASH_DISABLE
	PYCSTASH_DIR=/proc/no/cache where no cache can be
	END
)
rows_run users "$T/users"
rows_passes=
rows_run "a directory that is closed" "$T/closed"
done_testing
