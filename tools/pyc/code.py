# SPDX-License-Identifier: MIT
#
# The interpreter's side of code.c: describes a pyc, and computes the PEP 552 hash of a source.
# Loads the code object and executes none of it.
#
# Arguments: PYC HEADER_SIZE PYC_SIZE SOURCE; an empty PYC or SOURCE is not read. Answer
# (script.h): name, file name, fault, first line, number of code objects, size, hash as a
# number, the hash's algorithm. The hash is empty if it is unknown, the fault if there is none.
import importlib.util
import io
import marshal
import os
import stat
import sys
import types

O_PATH = getattr(os, "O_PATH", 1 << 21)  # Python 3.10 and later have its name


def look(path, flags):
    """It was a file when the command looked, but others may have exchanged it."""
    found = os.open(path, O_PATH)
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise OSError("%r is not a file any more" % path)
        same = "/proc/self/fd/%d" % found
        return os.open(same if os.path.exists(same) else path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    finally:
        os.close(found)


def read_code(path, start, end):
    with open(path, "rb", opener=look) as file:
        stream = io.BytesIO(file.read()[start:end])
    code = marshal.load(stream)
    if not isinstance(code, types.CodeType):
        raise ValueError("not a code object")
    return code, stream.tell()


def count_codes(code):
    count, left = 0, [code]
    while left:
        count += 1
        left += [c for c in left.pop().co_consts if isinstance(c, types.CodeType)]
    return count


def read_hash(source):
    with open(source, "rb", opener=look) as file:
        hash = importlib.util.source_hash(file.read())
    new = sys.implementation.name == "cpython" and sys.version_info >= (3, 11)
    return int.from_bytes(hash, "little"), "siphash13" if new else "siphash24"


def main(pyc, start, end, source):
    name, file_name, fault, line, codes, size, hash, algorithm = "", "", "", 0, 0, 0, "", ""
    try:
        if pyc:
            code, size = read_code(pyc, int(start), int(end))
            line, codes = code.co_firstlineno, count_codes(code)
            name, file_name = code.co_name, code.co_filename
    except Exception as error:
        fault = repr(error)
    try:
        if source:
            hash, algorithm = read_hash(source)
    except Exception:  # 3.6 has no such hash
        pass
    for field in name, file_name, fault, line, codes, size, hash, algorithm:
        print(str(field).encode("utf-8", "surrogateescape").replace(b"\0", b"?").hex())


main(*sys.argv[1:])
