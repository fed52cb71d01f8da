# SPDX-License-Identifier: MIT
#
# For moves.sh: what a program sees of bytecode that no source proves (numba's, and that of
# loaders for other suffixes) below directories that are moved, deleted and created again.
# Prints a line for each, and prints the same without the library.
import importlib.machinery
import importlib.util
import os
import shutil
import sys

root = sys.argv[1]
numba = "k.f-1.py%d%d.nbi" % sys.version_info[:2]
pyc = "m.%s.pyc" % sys.implementation.cache_tag


# All of one size and time, as in an image that is built reproducibly.
def make(name, release):
    os.makedirs("%s/%s" % (root, name))
    with open("%s/%s/m.hy" % (root, name), "w") as f:
        f.write("X = '%s'\n" % release)
    os.utime("%s/%s/m.hy" % (root, name), (1700000000,) * 2)


def say(what, *does):
    try:
        print(what, *[do() for do in does])
    except OSError as error:
        print(what, type(error).__name__)


def read():
    with open("%s/app/__pycache__/%s" % (root, numba), "rb") as f:
        return f.read()


def put(data):
    path = "%s/app/__pycache__/%s" % (root, numba)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:  # as numba, which reads its index first
        read()
    except OSError:
        pass
    with open(path + ".tmp.abc", "xb") as f:
        f.write(data)
    os.replace(path + ".tmp.abc", path)


def load():
    loaders = (importlib.machinery.SourceFileLoader, [".hy"])
    spec = importlib.machinery.FileFinder(root + "/app", loaders).find_spec("m")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.X


def move(a, b):
    os.rename("%s/%s" % (root, a), "%s/%s" % (root, b))


make("app", "r1")
make("next", "r2")
say("compiled:", load, lambda: put(b"of r1"), read)
say("again:", load, read)
move("app", "old")
move("next", "app")
say("another directory, made before:", load)
say("numba's:", read)
say("compiled:", load, lambda: put(b"of r2"), read)
shutil.rmtree(root + "/app")
make("app", "r3")
say("installed anew:", load)
say("numba's:", read)
say("compiled:", load, lambda: put(b"of r3"), read)
say("found:", lambda: os.path.exists("%s/app/__pycache__/%s" % (root, numba)), read)

# What is moved with its directory would be lost to us, and is the program's own doing.
put(b"of r3")
os.makedirs(root + "/other/__pycache__", exist_ok=True)
to = "%s/other/__pycache__/%s" % (root, numba)
os.rename("%s/app/__pycache__/%s" % (root, numba), to)
say("renamed into another:", lambda: open(to, "rb").read())
say("and not here:", read)

# Written in place, or copied there.
path = "%s/app/__pycache__/%s" % (root, numba)
shutil.copy2(to, path)
say("copied:", read)
with open(path, "ab") as f:
    f.write(b" and more")
say("appended to:", read)

# The bytecode of a source that is deleted is there still, for who asks for it by its name.
with open(root + "/app/m.py", "w") as f:
    f.write("X = 'py'\n")
sys.path.insert(0, root + "/app")
import m

os.remove(root + "/app/m.py")
say("without its source:", lambda: b"py" in open("%s/app/__pycache__/%s" % (root, pyc), "rb").read())
shutil.rmtree(root + "/app")
make("app", "r4")
say("nor is that here:", lambda: b"py" in open("%s/app/__pycache__/%s" % (root, pyc), "rb").read())
