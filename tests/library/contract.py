# SPDX-License-Identifier: MIT
#
# contract.py DIR: compiles bytecode as importlib does, and does with the temporary file and
# with the bytecode everything that a program may do. Prints for each act its result and the
# files that exist afterwards; without the library it prints the same.
import ctypes
import errno
import importlib.util
import os
import shutil
import sys

top = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
SEAL = 128


def path(name):
    return os.path.join(top, name)


def shown(name):
    """What is there: its size, without a seal, and its content."""
    try:
        st = os.lstat(path(name))
        if not os.path.isfile(path(name)):
            return "a directory"
        with open(path(name), "rb") as f:
            data = f.read()
    except OSError as e:
        return errno.errorcode[e.errno]
    if data[-SEAL:-SEAL + 8] == b"pycseal\n":
        data = data[:-SEAL]
    if len(data) not in (st.st_size, st.st_size - SEAL):
        return "size %d, read %d" % (st.st_size, len(data))
    return "%d bytes, %o, %s" % (len(data), st.st_mode & 0o7777, hash_of(data))


def hash_of(data):
    return sum((i + 1) * b for i, b in enumerate(data)) % 1000003


def renameat2(old, new, flags):
    if libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags) < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))


def compiled(number=0):
    """Makes DIR/p anew, with a source of its own, and compiles p/m.py as importlib does, up to the rename."""
    shutil.rmtree(path("p"), ignore_errors=True)
    shutil.rmtree(path("q"), ignore_errors=True)
    os.makedirs(path("p/__pycache__"))
    os.makedirs(path("q"))
    with open(path("p/m.py"), "w") as f:
        f.write("V = %d\n" % (100 + number))
    os.utime(path("p/m.py"), (1600000000, 1600000000))
    final = importlib.util.cache_from_source(path("p/m.py"))
    try:
        open(final, "rb").close()
    except OSError:
        pass
    with open(path("p/m.py"), "rb") as f:
        source = f.read()
    code = b"N"  # a whole object of marshal, the same for each version
    data = importlib.util.MAGIC_NUMBER + HEADER + (1600000000).to_bytes(4, "little")
    data += len(source).to_bytes(4, "little") + code
    fd = os.open(final + ".4711", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    os.write(fd, data)
    os.close(fd)
    return os.path.relpath(final, top), os.path.relpath(final + ".4711", top)


HEADER = b"" if sys.version_info < (3, 7) else bytes(4)
NOREPLACE, EXCHANGE = 1, 2
final, temporary = compiled()
name = os.path.basename(final)
away = "q/__pycache__/" + name


def published(then):
    def act():
        os.rename(path(temporary), path(final))
        return then()
    return act


ACTS = [
    ("to a directory that is not there", lambda: os.rename(path(temporary), path(away))),
    ("to a name below a file", lambda: os.rename(path(temporary), path("p/m.py/" + name))),
    ("to a name that is too long", lambda: os.rename(path(temporary), path(final + "x" * 300))),
    ("to a directory", lambda: (os.mkdir(path(final)), os.rename(path(temporary), path(final)))),
    ("to itself", lambda: os.rename(path(temporary), path(temporary))),
    ("to its final name", lambda: os.rename(path(temporary), path(final))),
    ("to its final name, through ..",
     lambda: os.rename(path(temporary), path("p/__pycache__/../__pycache__/" + name))),
    ("twice", published(lambda: os.rename(path(temporary), path(final)))),
    ("out of the directory", lambda: os.rename(path(temporary), path("p/out"))),
    ("over bytecode that is there", published(lambda: (again(), os.rename(path(temporary), path(final))))),
    ("only if nothing is there", lambda: renameat2(path(temporary), path(final), NOREPLACE)),
    ("only if nothing is there, but there is",
     published(lambda: (again(), renameat2(path(temporary), path(final), NOREPLACE)))),
    ("with flags that nobody knows", lambda: renameat2(path(temporary), path(final), 0x4000)),
    ("against what is not there", lambda: renameat2(path(temporary), path(final), EXCHANGE)),
    ("against what is there, in a directory of the tree",
     lambda: (real(), renameat2(path("q/__pycache__/a.pyc"), path(away), EXCHANGE))),
    ("linked", lambda: os.link(path(temporary), path(final))),
    ("linked to a directory that is not there", lambda: os.link(path(temporary), path(away))),
    ("deleted", lambda: os.unlink(path(temporary))),
    ("deleted as a directory", lambda: os.rmdir(path(temporary))),
    ("truncated", lambda: os.truncate(path(temporary), 3)),
    ("made longer", lambda: os.truncate(path(temporary), 300)),
    ("chmod", lambda: os.chmod(path(temporary), 0o600)),
    ("utime", lambda: (os.utime(path(temporary), (5, 6)), os.stat(path(temporary)).st_mtime)),
    ("bytecode to itself", published(lambda: os.rename(path(final), path(final)))),
    ("bytecode to a directory that is not there", published(lambda: os.rename(path(final), path(away)))),
    ("bytecode out of the directory", published(lambda: os.rename(path(final), path("p/out")))),
    ("bytecode back to the temporary name", published(lambda: os.rename(path(final), path(temporary)))),
    ("bytecode over a directory", published(lambda: os.rename(path(final), path("q")))),
    ("bytecode linked", published(lambda: os.link(path(final), path("p/__pycache__/n.pyc")))),
    ("bytecode linked to itself", published(lambda: os.link(path(final), path(final)))),
    ("bytecode deleted", published(lambda: os.unlink(path(final)))),
    ("bytecode deleted twice", published(lambda: (os.unlink(path(final)), os.unlink(path(final))))),
    ("bytecode truncated", published(lambda: os.truncate(path(final), 5))),
    ("bytecode truncated to less than nothing", published(lambda: os.truncate(path(final), -1))),
    ("bytecode, chmod", published(lambda: os.chmod(path(final), 0o444))),
    ("bytecode, utime", published(lambda: (os.utime(path(final), (5, 6)), os.stat(path(final)).st_mtime))),
    ("bytecode opened to append", published(lambda: append(final))),
    ("bytecode made anew", published(lambda: os.close(os.open(path(final), os.O_CREAT | os.O_EXCL | os.O_WRONLY)))),
    ("the directory deleted", lambda: os.rmdir(path("p/__pycache__"))),
    ("the directory deleted, after all in it",
     published(lambda: (os.unlink(path(final)), os.rmdir(path("p/__pycache__"))))),
]


def real():
    os.mkdir(path("q/__pycache__/"))
    os.mkdir(path("q/__pycache__/real"))  # nothing that the cache keeps
    for there in ("q/__pycache__/a.pyc", away):
        with open(path(there), "w") as f:
            f.write(there)


def again():
    with open(path(temporary), "wb") as f:
        f.write(b"another")


def append(name):
    with open(path(name), "ab") as f:
        f.write(b"more")


for number, (sentence, act) in enumerate(ACTS):
    compiled(number)
    try:
        result = act()
        result = "done" if not isinstance(result, tuple) else "done %r" % (result[-1],)
    except OSError as e:
        result = errno.errorcode[e.errno]
    there = "; ".join("%s: %s" % (n, shown(n)) for n in (temporary, final, away, "p/out", "q/m.py"))
    print("%s: %s; %s" % (sentence, result, there))
