# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Sourced before lib/tap.sh by suites that make tens of thousands of small trees: they are
# made in memory, if programs may be run there too.
if [ -w /dev/shm ] && ! grep -qE '^[^ ]+ /dev/shm [^ ]+ [^ ]*noexec' /proc/mounts; then
	export TMPDIR=/dev/shm
fi
