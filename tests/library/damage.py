# SPDX-License-Identifier: MIT
#
# Damages a cache, in a different way for each of the modules t0000, t0001 …, which know their
# numbers.
#
#   damage.py make DIR N            writes N modules
#   damage.py names KIND            the kinds of damage, one a line: truncate, seal or body
#   damage.py KIND WHERE CACHE DIR  damages the n-th module's file in the n-th way. WHERE is
#                                   entry (which gets an inode of its own), both (entry and
#                                   object are one inode), or object (the entry is deleted)
#   damage.py run DIR               imports all modules; prints "N compiled" and what was wrong
import os
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
SEAL = 128


def truncations(data, n):
    return data[: n * STEP] if n * STEP < len(data) else data


def seal_ways():
    def resealed(data, offset, new):
        from check import checksum

        seal = data[-SEAL:]
        seal = seal[:offset] + new + seal[offset + len(new) : 120]
        return data[:-SEAL] + seal + struct.pack("<Q", checksum(seal, 0))

    ways = [
        ("empty", lambda d: b""),
        ("zero-filled", lambda d: b"\0" * len(d)),
        ("garbage", lambda d: os.urandom(len(d))),
        ("garbage that is longer", lambda d: os.urandom(len(d) + 5000)),
        ("text", lambda d: b"# not bytecode\n" * 40),
        ("without its seal", lambda d: d[:-SEAL]),
        ("the seal alone", lambda d: d[-SEAL:]),
        ("with a byte more", lambda d: d + b"\0"),
        ("with a byte less before the seal", lambda d: d[: -SEAL - 1] + d[-SEAL:]),
        ("with a byte more before the seal", lambda d: d[:-SEAL] + b"\0" + d[-SEAL:]),
        ("sealed twice", lambda d: d + d[-SEAL:]),
        ("two of them", lambda d: d + d),
        ("with a zero-filled seal", lambda d: d[:-SEAL] + b"\0" * SEAL),
        ("with its last block zero-filled", lambda d: d[: -SEAL // 2] + b"\0" * (SEAL // 2)),
        ("with a seal of version 2", lambda d: resealed(d, 8, b"\2\0")),
        ("with a seal of version 0", lambda d: resealed(d, 8, b"\0\0")),
        ("with a seal of version 257", lambda d: resealed(d, 8, b"\1\1")),
        ("with a seal of another size", lambda d: resealed(d, 10, b"\x81\0")),
        ("sealed for a longer pyc", lambda d: resealed(d, 16, struct.pack("<Q", len(d)))),
        ("sealed for a huge pyc", lambda d: resealed(d, 16, b"\xff" * 8)),
    ]
    for i in range(SEAL):

        def flip(d, i=i):
            at = len(d) - SEAL + i
            return d[:at] + bytes(bytearray([d[at] ^ (1 << i % 8)])) + d[at + 1 :]

        ways.append(("with a bit flipped in byte %d of the seal" % i, flip))
    return ways


def body_ways():
    def at(offset, new):
        return lambda d: d[:offset] + new + d[offset + len(new) :]

    return [
        ("zero-filled behind the header", lambda d: d[:16] + b"\0" * (len(d) - SEAL - 16) + d[-SEAL:]),
        ("zero-filled but for the seal", lambda d: b"\0" * (len(d) - SEAL) + d[-SEAL:]),
        ("garbage behind the header", lambda d: d[:16] + os.urandom(len(d) - SEAL - 16) + d[-SEAL:]),
        ("its first block of 512 bytes zero-filled", lambda d: b"\0" * 512 + d[512:]),
        ("zero-filled at its end", lambda d: d[: -SEAL - 100] + b"\0" * 100 + d[-SEAL:]),
        ("with another magic number", at(0, b"\1\1\r\n")),
    ]


def damaged(kind, data, n):
    if kind == "truncate":
        return truncations(data, n)
    ways = seal_ways() if kind == "seal" else body_ways()
    return ways[n][1](data) if n < len(ways) else data


def write(path, data, in_place):
    if not in_place:
        os.unlink(path)
    with open(path, "wb") as f:
        f.write(data)


def damage(kind, where, cache, top):
    objects = {}
    entries = []
    for folder, _, names in os.walk(cache):
        for name in names:
            path = os.path.join(folder, name)
            if "/objects/" in path:
                objects[os.stat(path).st_ino] = path
            elif top in path and re.match(r"t\d{4}\.", name):
                entries.append((int(name[1:5]), path))
    done = 0
    for n, path in entries:
        with open(path, "rb") as f:
            data = f.read()
        new = damaged(kind, data, n)
        done += new != data
        shared = objects.get(os.stat(path).st_ino)
        if where == "object":
            if shared is None:
                sys.exit("no object: " + path)
            os.unlink(path)
            write(shared, new, True)
        else:
            write(path, new, where == "both")
    print("%d damaged" % done)


def run(top):
    import importlib
    import importlib.machinery

    compiled = []
    real = importlib.machinery.SourceFileLoader.source_to_code

    def source_to_code(self, data, path, *args, **options):
        compiled.append(path)
        return real(self, data, path, *args, **options)

    importlib.machinery.SourceFileLoader.source_to_code = source_to_code
    sys.path.insert(0, top)
    wrong = []
    for name in sorted(n[:-3] for n in os.listdir(top) if n.endswith(".py")):
        try:
            if importlib.import_module(name).f() != name:
                wrong.append(name + " torn")
        except Exception as e:
            wrong.append(name + " " + type(e).__name__)
    print("\n".join(["%d compiled" % len(compiled)] + wrong))


STEP = int(os.environ.get("STEP", "1"))
if sys.argv[1] == "make":
    for n in range(int(sys.argv[3])):
        path = os.path.join(sys.argv[2], "t%04d.py" % n)
        with open(path, "w") as f:
            f.write("def f():\n    def g(): return 't%04d'\n    return g()\n" % n)
        os.utime(path, (1600000000, 1600000000))
elif sys.argv[1] == "names":
    for what, _ in seal_ways() if sys.argv[2] == "seal" else body_ways():
        print(what)
elif sys.argv[1] == "run":
    run(sys.argv[2])
else:
    damage(*sys.argv[1:5])
