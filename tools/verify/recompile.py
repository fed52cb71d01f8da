# SPDX-License-Identifier: MIT
#
# The interpreter's side of `pycstash verify --deep` (recompile.c): compiles sources and
# compares their code with that of pycs. Executes neither.
#
# Arguments: a file of records, and a file for the answers. A record is kind, pyc, source,
# level, inode, ctime and mtime in nanoseconds, size, and why, each followed by "\0". It is
# written to the answers if the pyc is not the same: as "D" (different) or "U" (could not be
# compared). So the answers are the records for the next interpreter, which passes "U" records
# on unchanged.
import marshal
import mmap
import os
import signal
import sys
import types
import warnings

try:
    from _blake2 import blake2b
except ImportError:
    blake2b = None

PARTS = """argcount posonlyargcount kwonlyargcount nlocals stacksize flags code consts names
    varnames freevars cellvars filename name qualname firstlineno exceptiontable""".split()
PARTS.append("linetable" if hasattr(types.CodeType, "co_linetable") else "lnotab")
PARTS = ["co_" + part for part in PARTS if hasattr(types.CodeType, "co_" + part)]
# CPython 3.11 and later also load instructions that take types and values for granted, with
# their caches, which co_code shows as the general ones; and variables that are of no kind.
if hasattr(types.CodeType, "_co_code_adaptive"):
    PARTS += ["_co_code_adaptive", "variables"]
SECONDS = 300  # of processor time, for one source: none takes nearly as long
HEADER = 16 if sys.version_info >= (3, 7) else 12


def part_of(code, part):
    if part != "variables":
        return getattr(code, part)
    names = []
    try:
        while True:
            names.append(code._varname_from_oparg(len(names)))
    except IndexError:
        return tuple(names)


def key(value):
    """A number: equal constants alone have the same one; 1 and True, 0.0 and -0.0 differ. Each
    object is looked at once, since a few bytes of marshal can hold a tuple of two tuples that
    are the same tuple of two, and so on."""
    known = numbers.get(id(value))
    if known:
        return known[0]
    kind = type(value).__name__
    if isinstance(value, types.CodeType):
        parts = tuple(key(part_of(value, part)) for part in PARTS)
    elif isinstance(value, (tuple, list)):
        parts = tuple(key(one) for one in value)
    elif isinstance(value, (set, frozenset)):
        parts = tuple(sorted(key(one) for one in value))
    else:
        parts = hex(value) if kind == "int" else repr(value)
    number = kinds.setdefault((kind, parts), len(kinds))
    numbers[id(value)] = number, value  # so that no other object gets its id
    return number


def are_codes(*values):
    return all(isinstance(value, types.CodeType) for value in values)


def difference(a, b):
    for part in PARTS:
        one, two = part_of(a, part), part_of(b, part)
        if key(one) == key(two):
            continue
        if part == "co_consts" and len(one) == len(two):
            for c, d in zip(one, two):
                if are_codes(c, d) and key(c) != key(d):
                    return difference(c, d)
        return "%s of %s, line %d" % (part, a.co_name, a.co_firstlineno)


def look(path, flags):
    """As file_look: leaves the access time alone, by which gc goes."""
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        return os.open(path, flags)


def compare(pyc, source, level):
    with open(pyc, "rb", opener=look) as file:
        stat = os.fstat(file.fileno())
        what = stat.st_ino, level
        if what in seen:  # an entry and its object are often one file
            return stat, seen[what]
        data = file.read()
    seen[what] = why = examine(data[HEADER:], data[-64:-32], source, level)
    return stat, why


def examine(data, digest, source, level):
    try:
        stored = marshal.loads(data)
        if not are_codes(stored):
            return "it holds no code object"
    except (EOFError, TypeError, ValueError) as error:
        return "its code object cannot be loaded: %s" % error
    with open(source, "rb") as file:
        text = file.read()
    if blake2b and blake2b(text, digest_size=32).digest() != digest:
        raise ValueError("its source has just been changed")
    try:
        made = compile(text, stored.co_filename, "exec", dont_inherit=True, optimize=level)
    except SyntaxError as error:
        return "its source does not compile: %s" % error
    kinds.clear()
    numbers.clear()
    return None if key(made) == key(stored) else difference(stored, made)


def fields(file):
    rest = b""
    while True:
        chunk = file.read(65536)
        if not chunk:
            return
        parts = (rest + chunk).split(b"\0")
        rest = parts.pop()
        for part in parts:
            yield part


def write(*parts):
    for part in parts:
        if not isinstance(part, bytes):
            part = str(part).encode("utf-8", "replace")
        answers.write(part.replace(b"\0", b"?") + b"\0")
    answers.flush()


def answer(kind, pyc, source, level, *rest):
    try:
        if kind == b"U":
            write(kind, pyc, source, level, *rest)
            return
        stat, why = compare(pyc, source, int(level))
        if why:
            times = stat.st_ctime_ns, stat.st_mtime_ns
            write("D", pyc, source, level, stat.st_ino, *times, stat.st_size, why)
    except FileNotFoundError:
        pass
    except Exception as error:
        write("U", pyc, source, level, 0, 0, 0, 0, repr(error))


def answer_from(start):
    """In a child process: marshal and the compiler may crash, or never end, and what a pyc is
    compared for is that somebody may have forged it."""
    for i in range(start, len(records)):
        place[:] = i.to_bytes(len(place), "little")
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        answer(*records[i])


warnings.simplefilter("ignore")
seen, kinds, numbers = {}, {}, {}
answers = open(sys.argv[2], "wb")
with open(sys.argv[1], "rb") as spool:
    records = list(zip(*[fields(spool)] * 9))
place = mmap.mmap(-1, 8)
start = 0
while start < len(records):
    child = os.fork()
    if not child:
        answer_from(start)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status == 0:
        break
    start = int.from_bytes(place[:], "little")
    why = "its interpreter ended by signal %d" % (status & 127)
    write("U", *records[start][1:4], 0, 0, 0, 0, why)
    start += 1
answers.close()
