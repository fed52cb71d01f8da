# SPDX-License-Identifier: MIT
"""forge.py CODE SOURCE TARGET [KIND]: makes what an attacker would make: bytecode of CODE with a
seal (docs/seal.md) that claims it was compiled from SOURCE, for the interpreter that runs this.
KIND is `time` (the default); `hash`, an unchecked hash-based pyc; `nested`, in which the string
NESTED becomes a tuple that takes CPython 2**60 steps to load; `many`, in which it becomes one of 6
million numbers; `odd` and `deep`, in which it becomes a tuple of 100 million elements that are not
there, behind a dictionary or 33 code objects deep; `tall`, in which it becomes a tuple in 700
tuples; `vast`, in which it becomes 16 code objects that share 17 MiB of instructions, which CPython
3.11 and later write once for each; `named`, which claims to be from a file whose name none can have; `special`, in which an instruction takes for
granted what it works on (CPython 3.11 and later); `shifted`, in which free variables of a function
are not where its code looks for them; `hidden`, in which variables claim to be no variables;
`clash`, in which 60 local variables claim to be those of another function too, which corrupts
CPython's memory if it is asked for their names; `elsewhere`, in which a function claims to be in
another file. For the last five, CODE is the source itself."""
import hashlib
import importlib.util
import marshal
import os
import struct
import sys

P, MASK = 0x9E3779B97F4A7C15, 2**64 - 1
HEADER = 16 if sys.version_info >= (3, 7) else 12
SOURCE, HASH = 1, 4


def step(sum, word):
    return (sum ^ word) * P & MASK


def checksum(data, start=0):
    lanes = [start, 1, 2, 3]
    padded = data + bytes(32 - len(data) % 32)
    for i, (word,) in enumerate(struct.iter_unpack("<Q", padded)):
        lanes[i % 4] = step(lanes[i % 4], word)
    sum = len(data)
    for lane in lanes:
        sum = step(sum, lane)
    return sum ^ sum >> 32


def seal(pyc, claimed, mtime, flags):
    kept = pyc[:16] if flags & HASH else pyc[: HEADER - 8]
    size = 0 if flags & HASH else len(claimed)
    start = struct.pack("<8sHHIQQQqqII32sQ4sIQ", b"pycseal\n", 1, 128, flags, len(pyc), size,
                        0, 0, mtime, 0, 0, hashlib.blake2b(claimed, digest_size=32).digest(),
                        checksum(pyc[HEADER:], checksum(kept)), pyc[:4], 0,
                        checksum(pyc[16:][-384:]))
    return start + struct.pack("<Q", checksum(start))


def nested(code):
    before, mark, after = marshal.dumps(code, 2).partition(marshal.dumps("NESTED", 2))
    data = b"\xa9\x02NN"  # (None, None); "r" refers to what began as the i-th with \x80
    for i in range(60, 0, -1):
        data = b"\xa9\x02" + data + b"r" + struct.pack("<I", i)
    return before + data + after


def many(code):
    before, mark, after = marshal.dumps(code, 2).partition(marshal.dumps("NESTED", 2))
    numbers = b"".join(struct.pack("<Bi", 105, i) for i in range(6 << 20))
    return before + struct.pack("<BI", 40, 6 << 20) + numbers + after


def announce(code, start):
    before, mark, after = marshal.dumps(code, 2).partition(marshal.dumps("NESTED", 2))
    return before + start + struct.pack("<BI", 40, 100000000) + after


def odd(code):
    return announce(code, b")\2{0")


def deep(code):
    start = marshal.dumps(code, 2).partition(marshal.dumps("NESTED", 2))[0]
    return announce(code, start * 33)


def tall(code):
    before, mark, after = marshal.dumps(code, 2).partition(marshal.dumps("NESTED", 2))
    return before + b")\1" * 700 + b"N" + after


def vast(code):
    before, mark, after = marshal.dumps(code, 2).partition(marshal.dumps("NESTED", 2))
    inner = compile("0", "forged", "exec")
    start, mark, end = marshal.dumps(inner, 2).partition(marshal.dumps(inner.co_code, 2))
    first = start + b"\xf3" + struct.pack("<I", 17 << 20) + bytes(17 << 20) + end
    return before + b")\x10" + first + 15 * (start + b"r\0\0\0\0" + end) + after


def named(code):
    return marshal.dumps(code, 2).replace(marshal.dumps("forged", 2), marshal.dumps("for\0ed", 2))


def special(code):
    data = marshal.dumps(code)
    at = data.index(code.co_code)
    for i in range(at, at + len(code.co_code), 2):
        for instruction in range(256):
            changed = data[:i] + bytes([instruction]) + data[i + 1:]
            if changed != data and marshal.loads(changed).co_code == code.co_code:
                return changed
    sys.exit("there is no such instruction")


def shifted(code):
    data = marshal.dumps(code, 2)
    names = [marshal.dumps(names, 2) + marshal.dumps(kinds, 2) for names, kinds in
             ((("a", "b"), b"\x80\x80"), (("a", "b", "c"), b"\x80\x80\0"))]
    return data.replace(*names) if names[0] in data else sys.exit("there are no such variables")


def hidden(code):
    data = marshal.dumps(code, 2)
    kinds = b"s\2\0\0\0" + 2 * b"\x60"
    return data.replace(kinds, kinds[:-1] + b"\x70") if kinds in data else sys.exit("there is no such kind")


def clash(code):
    data = marshal.dumps(code, 2)
    kinds = 60 * b"\x20"
    return data.replace(kinds, 60 * b"\xa0") if kinds in data else sys.exit("there is no such kind")


def elsewhere(code):
    data = marshal.dumps(code, 2)  # begins with the innermost code object
    return data.replace(marshal.dumps("forged", 2), marshal.dumps("stolen", 2), 1)


DUMPS = {"nested": nested, "many": many, "odd": odd, "deep": deep, "tall": tall, "vast": vast,
         "named": named, "special": special, "shifted": shifted, "hidden": hidden,
         "clash": clash, "elsewhere": elsewhere}


def forge(code, claimed, mtime=0, kind="time"):
    if kind == "hash":
        head = struct.pack("<I", 1) + hashlib.blake2b(claimed, digest_size=8).digest()
    else:
        head = struct.pack("<III", 0, mtime, len(claimed))[16 - HEADER:]
    pyc = importlib.util.MAGIC_NUMBER + head + DUMPS.get(kind, marshal.dumps)(compile(code, "forged", "exec"))
    return pyc + seal(pyc, claimed, 0 if kind == "hash" else mtime,
                      SOURCE | HASH if kind == "hash" else SOURCE)


if __name__ == "__main__":
    code, source, target = sys.argv[1:4]
    with open(source, "rb") as file:
        claimed = file.read()
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(forge(code, claimed, int(os.stat(source).st_mtime), *sys.argv[4:]))
