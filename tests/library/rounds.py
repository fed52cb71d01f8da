# SPDX-License-Identifier: MIT
#
# Imports a module m_<case> from each directory <top>/<case> and prints its version as a line
# "case version". With -l it keeps running: for each line on stdin it reloads all modules,
# prints their versions again, and then a line "done".
import importlib
import os
import sys

long = sys.argv[1] == "-l"
top = sys.argv[-1]
cases = sorted(os.listdir(top))
for case in cases:
    sys.path.append(os.path.join(top, case, "here"))


def tell():
    lines = []
    importlib.invalidate_caches()
    for case in cases:
        name = "m_" + case
        try:
            if name in sys.modules:
                module = importlib.reload(sys.modules[name])
            else:
                module = importlib.import_module(name)
            said = module.V if module.V == module.f() else "torn"
        except Exception as e:
            said = type(e).__name__
        lines.append(case + " " + said)
    print("\n".join(lines))
    sys.stdout.flush()


tell()
while long:
    print("done")
    sys.stdout.flush()
    if not sys.stdin.readline():
        break
    tell()
