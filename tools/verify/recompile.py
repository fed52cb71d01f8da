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
import os
import sys
import types
import warnings

PARTS = """argcount posonlyargcount kwonlyargcount nlocals stacksize flags code consts names
    varnames freevars cellvars name qualname firstlineno exceptiontable""".split()
PARTS.append("linetable" if hasattr(types.CodeType, "co_linetable") else "lnotab")
PARTS = [part for part in PARTS if hasattr(types.CodeType, "co_" + part)]
HEADER = 16 if sys.version_info >= (3, 7) else 12


def key(value):
    """Something that is equal for equal constants alone: 1 and True, 0.0 and -0.0 differ."""
    kind = type(value).__name__
    if isinstance(value, types.CodeType):
        return kind, [key(getattr(value, "co_" + part)) for part in PARTS]
    if isinstance(value, (tuple, list)):
        return kind, [key(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return kind, sorted(repr(key(one)) for one in value)
    return kind, hex(value) if kind == "int" else repr(value)


def are_codes(*values):
    return all(isinstance(value, types.CodeType) for value in values)


def difference(a, b):
    for part in PARTS:
        one, two = getattr(a, "co_" + part), getattr(b, "co_" + part)
        if key(one) == key(two):
            continue
        if part == "consts" and len(one) == len(two):
            for c, d in zip(one, two):
                if are_codes(c, d) and key(c) != key(d):
                    return difference(c, d)
        return "co_%s of %s, line %d" % (part, a.co_name, a.co_firstlineno)


def look(path, flags):
    """As file_look: leaves the access time alone, by which gc goes."""
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        return os.open(path, flags)


def compare(pyc, source, level):
    with open(pyc, "rb", opener=look) as file:
        stat = os.fstat(file.fileno())
        if stat.st_ino in seen:  # an entry and its object are often one file
            return stat, seen[stat.st_ino]
        data = file.read()[HEADER:]
    seen[stat.st_ino] = why = examine(data, source, level)
    return stat, why


def examine(data, source, level):
    try:
        stored = marshal.loads(data)
        if not are_codes(stored):
            return "it holds no code object"
    except (EOFError, TypeError, ValueError) as error:
        return "its code object cannot be loaded: %s" % error
    with open(source, "rb") as file:
        text = file.read()
    try:
        made = compile(text, stored.co_filename, "exec", dont_inherit=True, optimize=level)
    except SyntaxError as error:
        return "its source does not compile: %s" % error
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


warnings.simplefilter("ignore")
seen = {}
records, answers = open(sys.argv[1], "rb"), open(sys.argv[2], "wb")
for kind, pyc, source, level, *rest in zip(*[fields(records)] * 9):
    try:
        if kind == b"U":
            write(kind, pyc, source, level, *rest)
            continue
        stat, why = compare(pyc, source, int(level))
        if why:
            times = stat.st_ctime_ns, stat.st_mtime_ns
            write("D", pyc, source, level, stat.st_ino, *times, stat.st_size, why)
    except FileNotFoundError:
        pass
    except Exception as error:
        write("U", pyc, source, level, 0, 0, 0, 0, repr(error))
answers.close()
