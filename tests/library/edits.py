# SPDX-License-Identifier: MIT
#
# One process that edits a module and imports it again at once, many times, without any
# sleep and always with the same size and time: edits.py DIR ROUNDS. Prints a line
# "way: N wrong of M" for each way of editing.
import importlib
import os
import shutil
import sys

top, rounds = sys.argv[1], int(sys.argv[2])
WHEN = (1600000000, 1600000000)


def write(path, n):
    with open(path, "w") as f:
        f.write("V = %d%03d\n" % (ways + 1, n % 7))
    os.utime(path, WHEN)


def write_keeping_time(path, n):
    with open(path, "w") as f:
        f.write("V = %d%03d\n" % (ways + 1, n % 7))


def in_place(name, n):
    write(os.path.join(top, name + ".py"), n)


def as_it_comes(name, n):
    write_keeping_time(os.path.join(top, name + ".py"), n)


def by_rename(name, n):
    new = os.path.join(top, name + ".new")
    write(new, n)
    os.rename(new, os.path.join(top, name + ".py"))


def after_unlink(name, n):
    path = os.path.join(top, name + ".py")
    if os.path.exists(path):
        os.unlink(path)
    write(path, n)


def package_reinstalled(name, n):
    path = os.path.join(top, name)
    if os.path.exists(path):
        shutil.rmtree(path)
    os.mkdir(path)
    write(os.path.join(path, "__init__.py"), n)


def release_link(name, n):
    path = os.path.join(top, name)
    target = os.path.join(top, "release%d" % (n % 7), name)
    if not os.path.exists(target):
        os.makedirs(target)
        write(os.path.join(target, "__init__.py"), n)
    new = path + ".new"
    os.symlink(target, new)
    os.rename(new, path)


sys.path.insert(0, top)
for ways, edit in enumerate((in_place, as_it_comes, by_rename, after_unlink, package_reinstalled, release_link)):
    name = "m_" + edit.__name__
    module = None
    wrong = 0
    for n in range(1, rounds + 1):
        edit(name, n)
        importlib.invalidate_caches()
        if n % 3 == 0:  # as a new program would
            sys.modules.pop(name, None)
            module = importlib.import_module(name)
        else:
            module = importlib.reload(module) if module else importlib.import_module(name)
        wrong += module.V != (ways + 1) * 1000 + n % 7
    print("%s: %d wrong of %d" % (edit.__name__.replace("_", " "), wrong, rounds))
