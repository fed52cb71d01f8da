# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Sourced before lib/tap.sh by suites that make tens of thousands of small trees. Puts the
# trees into memory (/dev/shm), if programs may be run there too.
if [ -w /dev/shm ] && ! grep -qE '^[^ ]+ /dev/shm [^ ]+ [^ ]*noexec' /proc/mounts; then
	export TMPDIR=/dev/shm
fi
