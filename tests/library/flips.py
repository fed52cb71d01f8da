# SPDX-License-Identifier: MIT
#
# For flips.sh: what a program sees of bytecode below a link that is flipped while it runs, and
# below directories that are deleted and created again. Prints a line for each, and prints the
# same without the library.
import compileall
import importlib.machinery
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


# --- a release that brings its bytecode gives way to one that brings none ---------------


def by_link_to_deleted(old, new, live):
    os.remove(live)
    os.symlink(new, live)
    shutil.rmtree(old)


def by_link_to_emptied(old, new, live):
    os.remove(live)
    os.symlink(new, live)
    shutil.rmtree(old + "/__pycache__")


def by_link_for_directory(old, new, live):
    os.rename(live, old)
    os.symlink(new, live)


def create(path):
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def compile_one(new, live):
    return py_compile.compile(live + "/m.py", doraise=True)


def compile_all(new, live):
    return compileall.compile_dir(live, quiet=2, force=True)


def write_unasked(new, live):  # as a tool that does not look for bytecode first
    path = "%s/__pycache__/k.%s.pyc" % (live, tag)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = create(path + ".123")
    os.write(fd, b"a tool's")
    os.close(fd)
    os.replace(path + ".123", path)
    return read(path)


def clean_up(new, live):  # after a compiler that was killed
    compiled = py_compile.compile(new + "/m.py", doraise=True)
    for n in "12":
        os.stat(compiled)  # as py_compile does
        os.close(create(compiled + "." + n))
    left = live + compiled[len(new) :] + "."
    seen = sorted(os.listdir(os.path.dirname(left))), os.stat(left + "1").st_size, read(left + "1")
    os.rename(left + "1", left + "3")
    os.remove(left + "2")
    os.remove(left + "3")
    return seen, os.listdir(os.path.dirname(left))


def code_of(directory):
    return importlib.machinery.SourceFileLoader("m", directory + "/m.py").get_code("m")


for switch in by_link_to_deleted, by_link_to_emptied, by_link_for_directory:
    for act in compile_one, compile_all, write_unasked, clean_up:
        name = switch.__name__ + "-" + act.__name__
        make(name + "-old")
        make(name + "-new")
        live, old, new = ("%s/%s%s" % (root, name, which) for which in ("", "-old", "-new"))
        os.rmdir(new + "/__pycache__")
        with open("%s/__pycache__/m.%s.pyc" % (old, tag), "wb") as f:
            f.write(read(py_compile.compile(old + "/m.py", root + "/m.pyc")))
        if switch is by_link_for_directory:
            os.rename(old, live)
        else:
            os.symlink(old, live)
        code_of(live)
        switch(old, new, live)
        say(name, lambda: act(new, live))
        say("and an import gets", lambda: code_of(live).co_consts[0])
