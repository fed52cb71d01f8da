# SPDX-License-Identifier: MIT
#
# cut.py DIR BYTES: imports m from DIR. The write of its bytecode fails as if the disk were
# full after BYTES bytes; afterwards there is room again.
import importlib._bootstrap_external as external
import resource
import sys

NO_LIMIT = resource.getrlimit(resource.RLIMIT_FSIZE)


class Os:
    def __getattr__(self, name):
        return getattr(real, name)

    def open(self, path, flags, mode=0o777):
        fd = real.open(path, flags, mode)
        if path.endswith(".pyc") or ".pyc." in path:
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), NO_LIMIT[1]))
        return fd

    def replace(self, old, new):
        resource.setrlimit(resource.RLIMIT_FSIZE, NO_LIMIT)
        real.replace(old, new)


real, external._os = external._os, Os()
sys.path.insert(0, sys.argv[1])
import m

resource.setrlimit(resource.RLIMIT_FSIZE, NO_LIMIT)
print(m.V)
