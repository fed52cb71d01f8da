# SPDX-License-Identifier: MIT
#
# For flips.sh: what a program sees of bytecode below a link that is flipped while it runs, and
# below directories that are deleted and created again. Prints a line for each, and prints the
# same without the library.
import os
import py_compile
import shutil
import sys

root = sys.argv[1]
tag = sys.implementation.cache_tag
numba = "k.f-1.py%d%d.nbi" % sys.version_info[:2]


def make(release):
    os.makedirs("%s/%s/__pycache__" % (root, release))
    with open("%s/%s/m.py" % (root, release), "w") as f:
        f.write("X = '%s'\n" % release)
    os.utime("%s/%s/m.py" % (root, release), (1700000000,) * 2)


def flip(release):
    if os.path.islink(root + "/current"):
        os.remove(root + "/current")
    os.symlink(release, root + "/current")


def say(what, do):
    try:
        print(what, do())
    except OSError as error:
        print(what, type(error).__name__)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def put(path, data):
    try:  # as numba, which reads its index first
        read(path)
    except OSError:
        pass
    fd = os.open(path + ".tmp.abc", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(fd, data)
    os.close(fd)
    os.replace(path + ".tmp.abc", path)


def holds(path, release):
    return release.encode() in read(path)


make("r1")
make("r2")
pyc = "%s/current/__pycache__/m.%s.pyc" % (root, tag)
flip("r1")
py_compile.compile(root + "/current/m.py", doraise=True)
say("compiled below the link:", lambda: holds(pyc, "r1"))
flip("r2")
py_compile.compile(root + "/current/m.py", doraise=True)
say("after a flip:", lambda: (os.path.exists(pyc), holds(pyc, "r2")))
say("in its own directory:", lambda: holds(pyc.replace("current", "r2"), "r2"))
say("removed:", lambda: os.remove(pyc))
say("and gone:", lambda: (os.path.exists(pyc), read(pyc)))
flip("r1")
say("the first is as it was:", lambda: (os.path.exists(pyc), holds(pyc, "r1")))

nbi = root + "/current/__pycache__/" + numba
put(nbi, b"machine code of r1")
say("numba's:", lambda: read(nbi))
flip("r2")
say("after a flip:", lambda: read(nbi))
put(nbi, b"machine code of r2")
say("of the other:", lambda: read(nbi))
flip("r1")
say("and back:", lambda: read(nbi))
say("each where it belongs:", lambda: [read("%s/%s/__pycache__/%s" % (root, r, numba)) for r in ("r1", "r2")])

shutil.rmtree(root + "/r1")
say("a directory that is gone:", lambda: read("%s/r1/__pycache__/m.%s.pyc" % (root, tag)))
say("numba's in it:", lambda: read("%s/r1/__pycache__/%s" % (root, numba)))
